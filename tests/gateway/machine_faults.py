"""What may fail around a gateway in a stateful test, and how such a test goes: a drawn act with a drawn failure a step.

    class Laboratory(Failing):
        def acts(self): return [(self.post_batch, 5), (self.look, 9)]
        def failures(self): return [(self.as_it_should, 5), (self.on_a_bad_line, 5)]

    run(Laboratory, house, tmp_path / "run", examples=2, steps=20)

The gateway is killed between requests and at steps within them; its node is killed; the line between them delays,
overtakes, drops and tears answers.
"""

import random
import shutil
from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hypothesis import Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.contracts.fuzz import fuzz_settings
from tests.gateway.machine_process import PATIENCE
from tests.gateway.machine_proxy import FAULTS
from tests.gateway.machine_world import House, World, opened
from tests.waiting import until

Act = Callable[[], None]


class Failing(RuleBasedStateMachine):
    """One gateway, and all that may fail around it.

    What is drawn for a step, with its number, decides all of it: so the steps are spread as `acts` and `failures` say.
    """

    world: World
    devnet: Any
    chance: random.Random

    def __init__(self, house: House, folder: Path) -> None:
        super().__init__()
        self.house, self.folder = house, folder
        self.stack = ExitStack()
        self.steps = 0
        self.is_fine = False

    # --- what a test says of its own

    def furnish(self) -> None:
        """What a run begins with."""

    @abstractmethod
    def acts(self) -> list[tuple[Act, float]]:
        """What may be done next, and how often it is."""

    @abstractmethod
    def failures(self) -> list[tuple[Callable[[Act], None], float]]:
        """What goes wrong meanwhile, and how often."""

    @abstractmethod
    def settle(self) -> None:
        """Wait until all that was acknowledged is as the model has it."""

    @abstractmethod
    def check_all(self) -> None:
        """What must be true in the end."""

    def carry_out(self, act: Act, failing: Callable[[Act], None]) -> None:
        """Have an act done while something fails."""
        failing(act)

    # --- how it goes

    @initialize(draw=st.binary(min_size=8, max_size=8))
    def begin(self, draw: bytes) -> None:
        self.chance = random.Random(draw)
        self.stack.callback(shutil.rmtree, self.folder)
        self.world, self.devnet = self.stack.enter_context(opened(self.house, self.folder))
        self.furnish()
        self.is_fine = True

    @rule(draw=st.binary(min_size=8, max_size=8))
    def step(self, draw: bytes) -> None:
        self.steps += 1
        self.chance = random.Random(draw + self.steps.to_bytes(2, "big"))
        self.is_fine = False
        (act,) = self.chance.choices(*zip(*self.acts(), strict=True))
        (failing,) = self.chance.choices(*zip(*self.failures(), strict=True))
        self.carry_out(act, failing)
        self.settle()
        self.is_fine = True

    def teardown(self) -> None:
        with self.stack:
            if self.is_fine:
                self.check_all()

    # --- what goes wrong

    def as_it_should(self, act: Act) -> None:
        act()

    def on_a_bad_line(self, act: Act) -> None:
        for fault in self.chance.sample(FAULTS, 2):
            self.world.line.trouble(fault, self.chance.randint(1, 4))
        act()
        self.world.line.calm()
        event("bad line")

    def dying_at(self, steps: Sequence[str], act: Act) -> None:
        """Killed at one of these steps, if the act comes there, or else after it."""
        step, life = self.chance.choice(steps), self.world.gateway.lives
        self.world.gateway.die_at(step)
        act()
        if self.world.gateway.lives == life:
            event("killed after the answer")
            self.world.kill_gateway()
        else:
            event(f"killed at {step}")

    def after_a_kill(self, act: Act) -> None:
        self.world.kill_gateway()
        self.settle()
        act()
        event("killed before")

    def killing_the_node(self, act: Act) -> None:
        """The act is done while the node comes back; what it mined before the last dump it knows."""
        restarts = self.devnet.restarts
        self.world.kill_node(self.devnet.pid)
        act()
        until(lambda: self.devnet.restarts > restarts, PATIENCE)
        event("node killed")

    def let_the_node_dump(self) -> None:
        """Wait until all that was mined is in a copy of the node's state: in the second made from now on."""
        copy = self.folder / "chain" / "state.saved.json"
        for _ in range(2):
            last = copy.stat().st_mtime_ns
            until(lambda last=last: copy.stat().st_mtime_ns != last, PATIENCE)  # type: ignore[misc]


def run(machine: type[Failing], house: House, folder: Path, *, examples: int, steps: int) -> None:
    """Run a stateful test, the same in every run unless a long one is asked for; nothing is made shorter.

    Args:
        folder: of each run in turn; there is none yet.
    """

    class Here(machine):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__(house, folder)

    chosen = settings(fuzz_settings(examples=examples, steps=steps), phases=[Phase.generate])
    run_state_machine_as_test(Here, settings=chosen)
