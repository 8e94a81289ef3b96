"""The whole gateway on a real chain, with a model beside it: whatever is done, in whatever order, and whatever is
killed or cut off meanwhile, what was acknowledged holds, once, and nobody reads without a basis and a line in the log.

The gateway is killed between requests and at steps within them; its node is killed; the line between them delays,
overtakes, drops and tears answers. Everybody asks again under the same idempotency key until there is an answer.
"""

import random
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from ledger.codes import Category, Purpose
from tests.contracts.fuzz import fuzz_settings
from tests.gateway import machine_checks as checks
from tests.gateway.machine_acts import KINDS, Acts
from tests.gateway.machine_process import PATIENCE
from tests.gateway.machine_proxy import FAULTS
from tests.gateway.machine_world import CANARY, House, build, opened
from tests.gateway.served import YEAR
from tests.waiting import until

Act = Callable[[], None]

STEPS = [
    "gateway.flow/hand_out:after",
    "gateway.web.requests/Requests.remember_sealed:after",
    "ledger.outbox/Outbox.enqueue:before",
    "ledger.outbox/Outbox.enqueue:after",
    "ledger.outbox/Outbox.wait:before",
    "gateway.consents.consenting/hand_over:before",
    "gateway.web.requests/Requests.remember_answer:before",
    "gateway.web.requests/Requests.remember_answer:after",
    "gateway.log.accesslog/AccessLog.append:before",
    "gateway.log.accesslog/AccessLog.append:after",
    "gateway.flow/open_verified:after",
]
"""Where the gateway kills itself, if the request comes there."""


class Gateway(Acts):
    """One gateway, and all that may fail around it.

    What is drawn for a step, with its number, decides all of it: so the steps are spread as `acts` and `failures` say.
    """

    def __init__(self, house: House, folder: Path) -> None:
        super().__init__()
        self.house, self.folder = house, folder
        self.stack = ExitStack()
        self.steps = 0
        self.is_fine = False

    @initialize(draw=st.binary(min_size=8, max_size=8))
    def begin(self, draw: bytes) -> None:
        self.chance = random.Random(draw)
        self.stack.callback(shutil.rmtree, self.folder)
        self.world, self.devnet = self.stack.enter_context(opened(self.house, self.folder))
        self.model = self.world.model
        self.deposit("ada", Category.LABORATORY)
        self.deposit("ada", Category.LABORATORY | Category.GENETICS)
        self.is_fine = True

    def teardown(self) -> None:
        with self.stack:
            if self.is_fine:
                self.check_all()

    def check_all(self) -> None:
        """What must be true in the end."""
        self.world.troubled = True
        checks.settle(self.world)
        for digest in self.model.records:
            self.open(digest, "ada", Purpose.PATRQT)
        self.world.gateway.kill()
        checks.check_log(self.world, self.opened, self.cut_off)
        checks.check_index(self.world)
        checks.check_nothing_in_the_clear(self.folder, [*CANARY.encode().split(b"-"), *self.contents.values()])

    @rule(draw=st.binary(min_size=8, max_size=8))
    def step(self, draw: bytes) -> None:
        self.steps += 1
        self.chance = random.Random(draw + self.steps.to_bytes(2, "big"))
        self.is_fine = False
        (act,) = self.chance.choices(*zip(*self.acts(), strict=True))
        (failing,) = self.chance.choices(*zip(*self.failures(), strict=True))
        if act == self.suspend_for_a_while:
            act()  # whoever is suspended could not sign in again at a gateway that was killed
        else:
            failing(act)
        checks.settle(self.world)
        self.is_fine = True

    def failures(self) -> list[tuple[Callable[[Act], None], float]]:
        """What goes wrong meanwhile, and how often."""
        return [
            (lambda act: act(), 9),
            (self.on_a_bad_line, 6),
            (self.dying_at_a_step, 2),
            (self.after_a_kill, 1),
            (self.while_the_node_is_killed, 1),
            (self.at_the_next_second_that_matters, 2),
        ]

    # --- what goes wrong

    def on_a_bad_line(self, act: Act) -> None:
        for fault in self.chance.sample(FAULTS, 2):
            self.world.line.trouble(fault, self.chance.randint(1, 4))
        act()
        self.world.line.calm()
        event("bad line")

    def dying_at_a_step(self, act: Act) -> None:
        step, life = self.chance.choice(STEPS), self.world.gateway.lives
        self.world.gateway.die_at(step)
        act()
        if self.world.gateway.lives == life:
            event("killed after the answer")
            self.world.kill_gateway()
        else:
            event(f"killed at {step}")

    def after_a_kill(self, act: Act) -> None:
        self.world.kill_gateway()
        checks.settle(self.world)
        act()
        event("killed before")

    def while_the_node_is_killed(self, _: Act) -> None:
        """A deposit: what else could be done may not be known to a node that has just gone back."""
        restarts = self.devnet.restarts
        self.world.kill_node(self.devnet.pid)
        self.deposit("ada", self.chance.choice(KINDS))
        until(lambda: self.devnet.restarts > restarts, PATIENCE)
        event("node killed")

    def at_the_next_second_that_matters(self, act: Act) -> None:
        """Go to the second before something begins or ends, and to that second, and look at both."""
        act()
        checks.settle(self.world)
        terms = [made.terms for made in self.model.consents.values() if made.terms]
        times = [time for one in terms for time in (one.not_before, one.expiry)]
        times += [broken.until for broken in self.model.glass.values()]
        coming = [time for time in times if self.model.now < time - 1 and time < self.model.now + YEAR // 2]
        if not coming:
            return
        digest = self.draw_record()
        for now in (min(coming) - 1, min(coming)):
            self.world.set_clock(now)
            for reader in ("doctor", "nurse", "medic", "ben"):
                self.open(digest, reader, Purpose.BTG if reader == "medic" else Purpose.TREAT)
        event("to the second")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """What every run begins with."""
    return build(tmp_path_factory.mktemp("house") / "gateway")


@pytest.mark.timeout(3_600)
def test_whatever_is_done_and_whatever_fails_the_gateway_does_as_the_model_says(house: House, tmp_path: Path) -> None:
    class Here(Gateway):
        def __init__(self) -> None:
            super().__init__(house, tmp_path / "run")

    chosen = settings(fuzz_settings(examples=3, steps=20), phases=[Phase.generate])
    run_state_machine_as_test(Here, settings=chosen)
