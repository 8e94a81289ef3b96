"""The whole gateway on a real chain, with a model beside it: whatever is done, in whatever order, and whatever is
killed or cut off meanwhile, what was acknowledged holds, once, and nobody reads without a basis and a line in the log.

The gateway is killed between requests and at steps within them; its node is killed; the line between them delays,
overtakes, drops and tears answers. Everybody asks again under the same idempotency key until there is an answer.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import event

from ledger.codes import Category, Purpose
from tests.gateway import machine_checks as checks
from tests.gateway.machine_acts import KINDS, Acts
from tests.gateway.machine_faults import Act, run
from tests.gateway.machine_world import CANARY, House, build
from tests.gateway.served import YEAR

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
    """Ada and her people at a gateway, and all that may fail around it."""

    def furnish(self) -> None:
        self.model = self.world.model
        self.deposit("ada", Category.LABORATORY)
        self.deposit("ada", Category.LABORATORY | Category.GENETICS)

    def settle(self) -> None:
        checks.settle(self.world)

    def check_all(self) -> None:
        self.world.troubled = True
        self.settle()
        for digest in self.model.records:
            self.open(digest, "ada", Purpose.PATRQT)
        self.world.gateway.kill()
        checks.check_log(self.world, self.opened, self.cut_off)
        checks.check_index(self.world)
        checks.check_nothing_in_the_clear(self.folder, [*CANARY.encode().split(b"-"), *self.contents.values()])

    def carry_out(self, act: Act, failing: Callable[[Act], None]) -> None:
        if act == self.suspend_for_a_while:
            act()  # whoever is suspended could not sign in again at a gateway that was killed
        else:
            failing(act)

    def failures(self) -> list[tuple[Callable[[Act], None], float]]:
        return [
            (self.as_it_should, 9),
            (self.on_a_bad_line, 6),
            (self.dying_at_a_step, 2),
            (self.after_a_kill, 1),
            (self.while_the_node_is_killed, 1),
            (self.at_the_next_second_that_matters, 2),
        ]

    # --- what goes wrong

    def dying_at_a_step(self, act: Act) -> None:
        self.dying_at(STEPS, act)

    def while_the_node_is_killed(self, _: Act) -> None:
        """A deposit: what else could be done may not be known to a node that has just gone back."""
        self.killing_the_node(lambda: self.deposit("ada", self.chance.choice(KINDS)))

    def at_the_next_second_that_matters(self, act: Act) -> None:
        """Go to the second before something begins or ends, and to that second, and look at both."""
        act()
        self.settle()
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
    run(Gateway, house, tmp_path / "run", examples=3, steps=20)
