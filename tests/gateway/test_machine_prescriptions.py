"""Prescriptions over the whole gateway, on a real chain and beside the model: fills and units never exceed what was
prescribed, a state moves only along its arrows, of two who claim the last fill one gets it, and what was acknowledged
holds, once, whatever is killed or cut off meanwhile.

The gateway, its line and its node fail as in `tests.gateway.test_machine`.
"""

import random
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from hypothesis import Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from tests.contracts.fuzz import fuzz_settings
from tests.gateway.machine_prescriptions import DAY, PHARMACISTS, Issued, PrescriptionActs
from tests.gateway.machine_process import PATIENCE
from tests.gateway.machine_proxy import FAULTS
from tests.gateway.machine_world import CANARY, House, kind_of, opened
from tests.gateway.served import fresh_key, serving
from tests.waiting import until

Act = Callable[[], None]

STEPS = [
    "ledger.outbox/Outbox.enqueue:before",
    "ledger.outbox/Outbox.enqueue:after",
    "ledger.outbox/Outbox.wait:before",
    "gateway.prescriptions.dispensing/act_on:before",
    "gateway.prescriptions.dispensing/act_on:after",
    "gateway.prescriptions.dispensing/give_slips:before",
    "gateway.web.requests/Requests.remember_answer:before",
    "gateway.web.requests/Requests.remember_answer:after",
]
"""Where the gateway kills itself, if the request comes there."""
DUMPED = 4.0
"""Seconds after which the node has written down what it has mined; it does every second."""
JUMP = DAY + 3_600
"""Seconds that pass at once: longer than a reservation, and than the pause between two fills."""
ARROWS = {
    "active": {"active", "claimed", "suspended", "completed", "cancelled", "voided"},
    "claimed": {"claimed", "active", "completed", "cancel-pending", "cancelled"},
    "suspended": {"active", "cancelled"},
    "cancel-pending": {"cancelled"},
    "completed": set[str](),
    "cancelled": set[str](),
    "voided": set[str](),
}
"""Where a prescription may go from each state, while nobody takes a hand-out back."""


class Pharmacy(PrescriptionActs):
    """One gateway, and all that may fail around it. What is drawn for a step, with its number, decides all of it."""

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
        for fills in (3, 2):
            self.issue(fills)
        self.settle()
        self.is_fine = True

    @rule(draw=st.binary(min_size=8, max_size=8))
    def step(self, draw: bytes) -> None:
        self.steps += 1
        self.chance = random.Random(draw + self.steps.to_bytes(2, "big"))
        self.is_fine = False
        (act,) = self.chance.choices(*zip(*self.acts(), strict=True))
        (failing,) = self.chance.choices(*zip(*self.failures(), strict=True))
        failing(act)
        self.settle()
        self.is_fine = True

    def teardown(self) -> None:
        with self.stack:
            if self.is_fine:
                self.race()
                self.after_a_kill(self.repeat)
                for one in self.issued:
                    self.check(one)

    def check(self, one: Issued) -> None:
        """Said once more without the model's way of deciding: by the history that the patient is shown."""
        terms, state = one.model.terms, "active"
        history = until(lambda: self.complete_history(one), PATIENCE)
        for change in history[1:]:
            assert change["status"] in ARROWS[state], f"from {state} to {change['status']}"
            state = change["status"]
            assert change["fills_used"] <= terms.fills
            assert change["units_used"] <= terms.quantity
        assert sum(change["change"] == "dispensed" for change in history[1:]) == len(one.model.history)
        assert sum(handed.units for handed in one.model.history) == one.model.state.units <= terms.quantity
        assert state.upper().replace("-", "_") == one.model.state.status

    def complete_history(self, one: Issued) -> list[dict[str, Any]] | None:
        """From before the first change on; None: the index is not as far as the chain."""
        history = [{}, *self.history(one)]
        return history if len(history) - 1 == one.model.state.turn else None

    def let_time_pass(self) -> None:
        """A day and an hour, for the gateway and the chain."""
        self.jumped = True
        self.world.node.request("evm_increaseTime", hex(JUMP))
        self.world.node.request("evm_mine")
        self.world.set_clock(self.world.model.now + JUMP)
        event("time passes")

    def race(self) -> None:
        """Both pharmacists claim the last fill of a new prescription at once: one gets it, the other hears of it."""
        self.issue(fills=1)
        one = self.issued[-1]
        _, code = self.code(one)
        sent = {"code": code, "units": 10}

        def claim(who: str) -> Any:
            return self.world.ask(who, "POST", "/v1/prescriptions/dispense", key=fresh_key(), json=sent)

        with ThreadPoolExecutor(2) as threads:
            answers = dict(zip(PHARMACISTS, threads.map(claim, PHARMACISTS), strict=True))
        (change,) = until(lambda: self.history(one), PATIENCE)
        won = [who for who, answer in answers.items() if answer.is_success]
        told = {kind_of(answer) for answer in answers.values() if not answer.is_success}
        (winner,) = won
        assert told <= {"already-dispensed", "changed-meanwhile"}, told
        assert change["by"] == self.world.addresses[winner]
        one.model.now = self.chain_now()
        assert one.model.counter(winner, 10, owed=False)
        self.settle()
        event("two at once")

    def history(self, one: Issued) -> list[dict[str, Any]]:
        """What happened to a prescription, as its patient is told."""
        answer = self.world.ask("ada", "GET", f"/v1/prescriptions/{one.id}")
        changes: list[dict[str, Any]] = answer.json()["history"]
        return changes

    # --- what goes wrong

    def failures(self) -> list[tuple[Callable[[Act], None], float]]:
        """What goes wrong meanwhile, and how often."""
        return [
            (lambda act: act(), 7),
            (self.on_a_bad_line, 6),
            (self.dying_at_a_step, 4),
            (self.after_a_kill, 1),
            (self.while_the_node_is_killed, 0 if self.jumped else 1),
            (self.while_two_race_on_a_bad_line, 2),
            (self.after_some_time, 1),
        ]

    def on_a_bad_line(self, act: Act) -> None:
        for fault in self.chance.sample(FAULTS, 2):
            self.world.line.trouble(fault, self.chance.randint(1, 4))
        act()
        self.world.line.calm()
        event("bad line")

    def dying_at_a_step(self, _: Act) -> None:
        """While something is claimed: a request that is refused comes to few of the steps."""
        self.careful = True
        self.claimable()
        step, life = self.chance.choice(STEPS), self.world.gateway.lives
        self.world.gateway.die_at(step)
        self.chance.choice([self.dispense, self.dispense, self.reserve])()
        self.careful = False
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

    def while_the_node_is_killed(self, _: Act) -> None:
        """A new prescription: what else could be done may not be known to a node that has just gone back."""
        sleep(DUMPED)
        restarts = self.devnet.restarts
        self.world.kill_node(self.devnet.pid)
        self.issue(self.chance.randint(1, 3))
        until(lambda: self.devnet.restarts > restarts, PATIENCE)
        event("node killed")

    def while_two_race_on_a_bad_line(self, _: Act) -> None:
        self.on_a_bad_line(self.race)

    def after_some_time(self, act: Act) -> None:
        """Reservations lapse, fills are due, and some prescriptions expire."""
        self.let_time_pass()
        act()


def build(folder: Path) -> House:
    """A hospital with a patient and a doctor who may write for her, and two pharmacies with a pharmacist each."""
    with serving(folder, block_time=0.2) as served:
        hospital = served.organization("patient", "practitioner", "prescriber", name=f"{CANARY} Hospital")
        ada = served.person(hospital, "patient", name=f"Ada {CANARY}")
        doctor = served.person(hospital, "practitioner", "prescriber", name=f"Doctor {CANARY}")
        people = {"ada": ada, "doctor": doctor}
        for name in PHARMACISTS:
            pharmacy = served.organization("pharmacist", name=f"{CANARY} Pharmacy of {name}")
            people[name] = served.person(pharmacy, "pharmacist", name=f"{name} {CANARY}")
        ada.grant(doctor.address, "medication", may_write=True)
        return House(folder, {name: person.address for name, person in people.items()})


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """What every run begins with."""
    return build(tmp_path_factory.mktemp("house") / "gateway")


@pytest.mark.timeout(3_600)
def test_whatever_fails_no_more_is_handed_out_than_was_prescribed_and_nothing_twice(
    house: House, tmp_path: Path
) -> None:
    class Here(Pharmacy):
        def __init__(self) -> None:
            super().__init__(house, tmp_path / "run")

    chosen = settings(fuzz_settings(examples=2, steps=20), phases=[Phase.generate])
    run_state_machine_as_test(Here, settings=chosen)
