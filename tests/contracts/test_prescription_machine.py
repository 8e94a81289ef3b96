"""Prescriptions under any interleaving: pharmacists, a prescriber, a patient, the clock, and cheats.

Every act is made on the contract and on the model; both must agree whether it is allowed, and on all that follows.
"""

import random
from collections.abc import Callable

import pytest
from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger.acts import Act, Redemption
from ledger.codes import Category, PrescriptionStatus, Role
from ledger.errors import ContractRejected
from ledger.types import FOREVER, HandOut, PrescriptionTerms
from tests.contracts.actors import DAY, RECORD, Person, Prescribed, World, person, terms
from tests.contracts.evm import START
from tests.contracts.fuzz import fuzz_settings
from tests.contracts.prescription_model import LEASE, UNDO_WINDOW, Model, State

ARROWS = {
    "ACTIVE": {"ACTIVE", "CLAIMED", "SUSPENDED", "COMPLETED", "CANCELLED", "VOIDED"},
    "CLAIMED": {"CLAIMED", "ACTIVE", "COMPLETED", "CANCEL_PENDING", "CANCELLED"},
    "SUSPENDED": {"ACTIVE", "CANCELLED"},
    "CANCEL_PENDING": {"CANCELLED"},
    "COMPLETED": {"ACTIVE"},
    "CANCELLED": set(),
    "VOIDED": set(),
}
"""Where a state may go; a completed prescription opens again only when its last dispense is taken back."""


OVER = {"COMPLETED", "CANCELLED", "VOIDED"}


class Prescriptions(RuleBasedStateMachine):
    """Ada has granted the pharmacist and the rival; the third holds fill keys only; the technician is no pharmacist.

    What is drawn for a step, with its number, decides all of it: so the steps are spread as `likely` says, and not as
    hypothesis would spread them, which is mostly over acts that are refused.
    """

    @initialize(draw=st.binary(min_size=8, max_size=8))
    def begin(self, draw: bytes) -> None:
        self.chance = random.Random(draw)
        self.steps = 0
        self.world = World()
        third = person("third")
        self.world.admit(third, Role.PHARMACIST)
        self.people = {
            "pharmacist": self.world.pharmacist,
            "rival": self.world.rival,
            "technician": self.world.technician,
            "third": third,
        }
        self.world.grant(self.world.ada, self.world.doctor, terms(expiry=FOREVER, may_write=True))
        for who in (self.world.pharmacist, self.world.rival, self.world.technician):
            self.world.grant(self.world.ada, who, terms(Category.MEDICATION, expiry=FOREVER))
        self.denied: set[str] = set()
        self.suspended: set[str] = set()
        self.withdrawn: set[str] = set()
        self.issue()

    def issue(self) -> None:
        """A new prescription, of which nothing has happened yet."""
        chance, now = self.chance, self.world.chain.now
        begins = now + chance.choice([0] * 5 + [50])
        per_fill = chance.randint(1, 5)
        allowed = PrescriptionTerms(
            fills=chance.randint(1, 4),
            per_fill=per_fill,
            quantity=per_fill + chance.randint(0, 10),
            min_interval=chance.choice([0, 100, 2 * DAY]),
            not_before=begins,
            expiry=begins + chance.choice([1_000, 2 * DAY, 20 * DAY, 60 * DAY]),
            grantable=chance.random() < 0.8,
        )
        self.rx: Prescribed = self.world.prescribe(allowed)
        self.model = Model(allowed, now)
        self.moments: list[tuple[State, int]] = []
        self.remember()

    @rule(draw=st.binary(min_size=8, max_size=8))
    def step(self, draw: bytes) -> None:
        self.steps += 1
        self.chance = random.Random(draw + self.steps.to_bytes(2, "big"))
        over = self.model.state.status in OVER or self.model.now > self.model.terms.expiry
        if over and self.chance.random() < 0.3:
            self.issue()
        else:
            self.chance.choices(*zip(*self.likely(), strict=True))[0]()

    def likely(self) -> list[tuple[Callable[[], None], float]]:
        """How often each step is taken as things stand: acts that are refused anyway are seldom tried."""
        state = self.model.state
        held = state.status in ("CLAIMED", "CANCEL_PENDING")
        return [
            (self.dispense_presented, 5 if held else 12),
            (self.dispense_granted, 3 if held else 10),
            (self.reserve_presented, 2 if held else 8),
            (self.reserve_granted, 2 if held else 8),
            (self.dispense_reserved, 20 if held else 1),
            (self.release, 4 if held else 0.5),
            (self.undo, 10 if self.model.last else 1),
            (self.cancel, 2),
            (self.void, 0.5),
            (self.pause, 20 if state.status == "SUSPENDED" else 1),
            (self.settle, 6 if state.status == "CANCEL_PENDING" else 0.5),
            (self.change_denial, 12 if self.denied else 1),
            (self.change_suspension, 12 if self.suspended else 1),
            (self.withdraw, 0.2),
            (self.pass_time, 5),
            (self.go_to_a_boundary, 12),
        ]

    # --- the two worlds side by side

    def remember(self) -> None:
        word = self.world.chain.view("prescriptionOf", self.rx.id)
        self.moments.append((self.model.state, word))

    def both(self, sender: Person, act: Act, entitled: bool, in_model: Callable[[], bool]) -> None:
        """The contract must allow the act exactly if the sender is entitled and the model allows it."""
        before = self.model.state.status
        allowed = entitled and in_model()
        refusal: ContractRejected | None = None
        try:
            self.world.chain.send(sender.address, act)
        except ContractRejected as caught:
            refusal = caught
        event(f"{act.kind}: {'allowed' if allowed else 'refused'}")
        assert (refusal is None) == allowed, f"{act.kind}: {refusal or 'allowed'}, otherwise in {self.model}"
        assert refusal is None or refusal.name != "Panic"
        if allowed:
            assert self.model.state.status in ARROWS[before]
            self.remember()

    def lives(self, who: str) -> bool:
        return who != "technician" and who not in self.suspended

    def is_granted(self, who: str) -> bool:
        consents = {"pharmacist", "rival"} - self.withdrawn - self.denied
        return self.model.terms.grantable and self.lives(who) and who in consents

    def is_keyed(self, who: str) -> bool:
        return self.lives(who) and who not in self.denied

    def somebody(self) -> str:
        return self.chance.choice(["pharmacist", "rival", "third"] * 4 + ["technician"])

    def holder(self) -> str:
        """Mostly who holds the lease, if anybody does."""
        return self.model.state.holder if self.model.state.holder and self.chance.random() < 0.9 else self.somebody()

    def hand_out(self) -> HandOut:
        """Mostly as many units as fit."""
        owed = self.chance.random() < 0.3
        most = self.model.most() - int(owed)
        units = self.chance.choice([most, most, (most + 1) // 2, 1, 1, 0, most + 1])
        return HandOut(max(units, 0), owed)

    def fence(self) -> int:
        return max(0, self.model.state.fence + self.chance.choice([0] * 10 + [-1, 1]))

    def redemption(self, who: str) -> tuple[Redemption, bool]:
        """What Ada's wallet signed, or what a cheat made of it; and whether it is good."""
        cheat = self.chance.choice([""] * 12 + ["key", "fence", "name", "late"])
        fill = min(self.model.fill_to_claim(), self.model.terms.fills - 1)
        exhausted = fill != self.model.fill_to_claim()
        fence = self.model.state.fence + 1
        redemption = self.world.redemption(
            self.rx,
            self.world.doctor if cheat == "name" else self.people[who],
            fill=fill,
            fence=fence - 1 if cheat == "fence" else fence,
            deadline=self.model.now - 1 if cheat == "late" else self.model.now,
            key=self.world.ben if cheat == "key" else None,
        )
        return redemption, not cheat and not exhausted

    # --- pharmacists, honest and other

    def dispense_presented(self) -> None:
        who, out = self.somebody(), self.hand_out()
        redemption, good = self.redemption(who)
        act = self.world.acts.dispense_presented(self.rx.opening, redemption, out, RECORD)
        entitled = good and self.is_keyed(who)
        self.both(self.people[who], act, entitled, lambda: self.model.counter(who, out.units, out.owed))

    def reserve_presented(self) -> None:
        who = self.somebody()
        redemption, good = self.redemption(who)
        act = self.world.acts.reserve_presented(self.rx.opening, redemption)
        self.both(self.people[who], act, good and self.is_keyed(who), lambda: self.model.reserve(who))

    def dispense_granted(self) -> None:
        who, out = self.somebody(), self.hand_out()
        act = self.world.acts.dispense_granted(self.rx.opening, out, RECORD)
        granted = self.is_granted(who)
        self.both(self.people[who], act, granted, lambda: self.model.counter(who, out.units, out.owed))

    def reserve_granted(self) -> None:
        who = self.somebody()
        act = self.world.acts.reserve_granted(self.rx.opening)
        self.both(self.people[who], act, self.is_granted(who), lambda: self.model.reserve(who))

    def dispense_reserved(self) -> None:
        who, fence, out = self.holder(), self.fence(), self.hand_out()
        act = self.world.acts.dispense_reserved(self.rx.opening, fence, out, RECORD)
        allowed = self.lives(who)
        self.both(self.people[who], act, allowed, lambda: self.model.dispense_reserved(who, fence, out.units, out.owed))

    def release(self) -> None:
        who, fence = self.holder(), self.fence()
        act = self.world.acts.release(self.rx.opening, fence)
        self.both(self.people[who], act, self.lives(who), lambda: self.model.release(who, fence))

    def undo(self) -> None:
        last = self.model.last
        who = last[0] if last and self.chance.random() < 0.9 else self.somebody()
        back = self.chance.choice([2, 2, 2, 2, 1, 3, 4])
        before, word = self.moments[-min(back, len(self.moments))]
        act = self.world.chain.act("undo", self.rx.opening.as_tuple(), word)
        self.both(self.people[who], act, self.lives(who), lambda: self.model.undo(who, before))

    # --- prescriber, patient, anyone

    def cancel(self) -> None:
        who = self.chance.choice(["doctor", "ada", "ben", "pharmacist"])
        act = self.world.acts.cancel(self.rx.opening)
        self.both(getattr(self.world, who), act, who in ("doctor", "ada"), self.model.cancel)

    def void(self) -> None:
        who = self.chance.choice(["doctor", "ada"])
        self.both(getattr(self.world, who), self.world.acts.void(self.rx.opening), who == "doctor", self.model.void)

    def pause(self) -> None:
        who = self.chance.choice(["doctor", "doctor", "ada"])
        paused = self.model.state.status != "SUSPENDED" or self.chance.random() < 0.1
        act = self.world.acts.set_pause(self.rx.opening, paused)
        self.both(getattr(self.world, who), act, who == "doctor", lambda: self.model.pause(paused))

    def settle(self) -> None:
        self.both(self.world.stranger, self.world.acts.settle(self.rx.id), True, self.model.settle)

    def change_denial(self) -> None:
        who = self.chance.choice(sorted(self.denied) or ["pharmacist", "rival", "third"])
        self.denied ^= {who}
        self.world.deny(self.world.ada, self.people[who], who in self.denied)

    def change_suspension(self) -> None:
        who = self.chance.choice(sorted(self.suspended) or ["pharmacist", "rival", "third"])
        self.suspended ^= {who}
        self.world.suspend(self.world.consortium, self.people[who].address, who in self.suspended)

    def withdraw(self) -> None:
        left = sorted({"pharmacist", "rival"} - self.withdrawn)
        if left:
            self.withdrawn.add(left[0])
            self.world.withdraw(self.world.ada, self.people[left[0]])

    # --- the clock

    def pass_time(self) -> None:
        self.go_to(self.model.now + self.chance.choice([1, 49, 100, UNDO_WINDOW, LEASE, 2 * DAY]))

    def go_to_a_boundary(self) -> None:
        state = self.model.state
        boundary = self.chance.choice(
            [state.lease_until] * (6 if state.status == "CANCEL_PENDING" else 1)
            + [
                state.dispensed_at + UNDO_WINDOW,
                self.model.next_fill_at(),
                self.model.next_fill_at(),
                self.model.terms.not_before,
                self.model.terms.expiry if self.chance.random() < 0.1 else 0,
            ]
        )
        self.go_to(boundary + self.chance.choice([0, 0, -1, 1]))

    def go_to(self, time: int) -> None:
        if time > self.model.now:
            self.model.now = time
            self.world.chain.go_to(time)

    # --- what holds at every moment

    @invariant()
    def the_word_is_the_models_state(self) -> None:
        state, found = self.model.state, self.world.chain.prescription(self.rx.id)
        assert found.status == PrescriptionStatus[state.status]
        assert (found.fills_used, found.units_used, found.owing, found.dispensed_at, found.fence) == (
            state.fills,
            state.units,
            state.owing,
            state.dispensed_at,
            state.fence,
        )
        if state.status in ("CLAIMED", "CANCEL_PENDING"):
            assert found.lease_until == state.lease_until
            holder = self.people[state.holder].address.lower()
            assert self.world.chain.view("holderOf", self.rx.id) == holder

    @invariant()
    def never_more_than_was_prescribed(self) -> None:
        standing, allowed = self.model.standing(), self.model.terms
        assert sum(each.units for each in standing) == self.model.state.units <= allowed.quantity
        assert len({each.fill for each in standing}) == self.model.state.fills <= allowed.fills
        for fill in {each.fill for each in standing}:
            assert sum(each.units for each in standing if each.fill == fill) <= allowed.per_fill
        assert self.model.state.units + self.model.state.owing <= allowed.quantity

    @invariant()
    def never_outside_its_time_nor_too_soon(self) -> None:
        allowed = self.model.terms
        opened: dict[int, list[int]] = {}
        for each in self.model.standing():
            assert allowed.not_before <= each.at < allowed.expiry
            opened.setdefault(each.fill, []).append(each.at)
        for fill in opened:
            if fill - 1 in opened:
                assert opened[fill][0] >= opened[fill - 1][-1] + allowed.min_interval


Prescriptions.TestCase.settings = fuzz_settings(examples=150)
# Long runs, and making a failure short, take more than a test's usual time.
TestPrescriptions = pytest.mark.timeout(3_600)(Prescriptions.TestCase)


def test_the_model_itself_counts_an_open_fill_once() -> None:
    """The model is checked where the first table that was model-checked had a hole."""
    model = Model(PrescriptionTerms(1, 10, 10, 0, START, START + DAY), START)
    assert model.counter("a", 4, owed=True)
    assert model.counter("b", 6, owed=False)
    assert (model.state.status, model.state.fills, model.state.units) == ("COMPLETED", 1, 10)
    assert not model.counter("a", 1, owed=False)


@pytest.mark.parametrize("quantity", [10, 11])
def test_the_model_itself_owes_no_more_than_is_left(quantity: int) -> None:
    model = Model(PrescriptionTerms(2, 10, quantity, 0, START, START + DAY), START)
    assert model.counter("a", 10, owed=False)
    assert model.most() == quantity - 10
