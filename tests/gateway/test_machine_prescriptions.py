"""Prescriptions over the whole gateway, on a real chain and beside the model: fills and units never exceed what was
prescribed, a state moves only along its arrows, of two who claim the last fill one gets it, and what was acknowledged
holds, once, whatever is killed or cut off meanwhile.

The gateway, its line and its node fail as in `tests.gateway.test_machine`.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event

from tests.gateway.machine_checks import acts_by
from tests.gateway.machine_faults import Act, run
from tests.gateway.machine_prescriptions import DAY, PHARMACISTS, Issued, PrescriptionActs
from tests.gateway.machine_process import PATIENCE
from tests.gateway.machine_world import CANARY, House, kind_of
from tests.gateway.served import fresh_key, serving
from tests.waiting import until

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
UNANSWERED = ["gateway.web.requests/Requests.remember_answer:before"]
"""The ledger has the act, and nobody has been told."""
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
    """Ada, her doctor and two pharmacists at a gateway, and all that may fail around it."""

    def furnish(self) -> None:
        self.before = acts_by(self.world)
        for fills in (3, 2):
            self.issue(fills)
        self.settle()
        for claim in (self.dispense, self.reserve):
            self.claimed_while_dying(UNANSWERED, claim)

    def claimed_while_dying(self, steps: Sequence[str], claim: Act) -> None:
        """Whoever asked has to ask again: nothing is done a second time."""
        self.careful = True
        self.claimable()
        self.dying_at(steps, claim)
        self.careful = False

    def check_all(self) -> None:
        self.race()
        self.world.kill_gateway()
        for again in self.done:
            self.repeat(again)
        for one in self.issued:
            self.check(one)
        self.world.gateway.kill()
        assert acts_by(self.world) == self.before + self.expected

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
        self.expected[winner] += 1
        self.settle()
        event("two at once")

    def history(self, one: Issued) -> list[dict[str, Any]]:
        """What happened to a prescription, as its patient is told."""
        answer = self.world.ask("ada", "GET", f"/v1/prescriptions/{one.id}")
        changes: list[dict[str, Any]] = answer.json()["history"]
        return changes

    # --- what goes wrong

    def failures(self) -> list[tuple[Callable[[Act], None], float]]:
        return [
            (self.as_it_should, 7),
            (self.on_a_bad_line, 6),
            (self.dying_at_a_step, 4),
            (self.after_a_kill, 1),
            (self.while_the_node_is_killed, 0 if self.jumped else 1),
            (self.while_two_race_on_a_bad_line, 2),
            (self.after_some_time, 1),
        ]

    def dying_at_a_step(self, _: Act) -> None:
        """While something is claimed: a request that is refused comes to few of the steps."""
        self.claimed_while_dying(STEPS, self.chance.choice([self.dispense, self.dispense, self.reserve]))

    def while_the_node_is_killed(self, _: Act) -> None:
        """A new prescription: what else could be done may not be known to a node that has just gone back."""
        self.let_the_node_dump()
        self.killing_the_node(lambda: self.issue(self.chance.randint(1, 3)))

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
    run(Pharmacy, house, tmp_path / "run", examples=2, steps=20)
