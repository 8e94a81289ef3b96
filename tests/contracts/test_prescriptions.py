"""Prescriptions at the counter: issued, dispensed, undone; bounds of fills, units and time. Leases: test_leases.py."""

from dataclasses import replace

import pytest

from ledger.codes import Category, PrescriptionStatus, RecordState, Role
from ledger.errors import ContractRejected
from ledger.logs import issued_id
from ledger.types import HandOut, PrescriptionTerms, Subject
from tests.contracts.actors import DAY, RECORD, Person, Prescribed, World, person, terms
from tests.contracts.evm import START, Event, refused

MEDICATION = Category.MEDICATION
ALLOWED = PrescriptionTerms(2, 30, 60, 7 * DAY, START, START + 60 * DAY, grantable=True)
Status = PrescriptionStatus


@pytest.fixture
def rx(world: World) -> Prescribed:
    """Two fills of 30 units, a week apart, within 60 days; Ada lets her doctor write and the pharmacist read."""
    world.grant(world.ada, world.doctor)
    world.grant(world.ada, world.pharmacist, terms(MEDICATION))
    return world.prescribe(ALLOWED)


def granted(world: World, rx: Prescribed, units: int = 30, *, owed: bool = False, by: Person | None = None) -> None:
    """Dispense at the counter on the patient's and the prescriber's consent."""
    world.dispense_granted(rx, by or world.pharmacist, units, owed=owed)


def test_an_issued_prescription_shows_a_commitment_and_nothing_of_its_terms(world: World) -> None:
    world.grant(world.ada, world.doctor, number=3)
    subject = Subject(world.ada.address, MEDICATION, consent_number=3)
    rx = Prescribed(world.doctor, subject, ALLOWED)
    sent = world.issue(rx)
    values = {
        "prescriber": world.doctor.address,
        "subject": subject.identity(),
        "termsHash": rx.opening.terms_hash(),
    }
    assert sent.events == (Event("PrescriptionIssued", values),)
    assert issued_id(values) == rx.id
    assert world.chain.view("prescriptionOf", rx.id) == Status.ACTIVE


def test_a_prescription_is_issued_once(world: World, rx: Prescribed) -> None:
    with refused("PrescriptionAlreadyIssued", id=rx.id):
        world.issue(rx)
    granted(world, rx)
    with refused("PrescriptionAlreadyIssued", id=rx.id):
        world.issue(rx)


def test_only_a_prescriber_whom_the_patient_lets_write_medication_issues(world: World) -> None:
    subject = Subject(world.ada.address, MEDICATION)
    with refused("WriteNotPermitted", author=world.doctor.address):
        world.issue(Prescribed(world.doctor, subject, ALLOWED))
    world.grant(world.ada, world.doctor, terms(Category.LABORATORY, may_write=True))
    with refused("WriteNotPermitted", author=world.doctor.address):
        world.issue(Prescribed(world.doctor, subject, ALLOWED))
    world.grant(world.ada, world.nurse)
    with refused("RoleMissing", participant=world.nurse.address):
        world.issue(Prescribed(world.nurse, subject, ALLOWED), world.nurse)
    with refused("RoleMissing", participant=world.ada.address):
        world.issue(Prescribed(world.ada, subject, ALLOWED), world.ada)


def test_a_prescription_without_a_category_is_refused(world: World) -> None:
    world.grant(world.ada, world.doctor)
    with refused("SubjectInvalid", subject=int(world.ada.address, 16)):
        world.issue(Prescribed(world.doctor, Subject(world.ada.address, Category(0)), ALLOWED))


def test_the_leave_to_prescribe_may_be_the_hospitals(world: World) -> None:
    world.grant(world.ada, world.hospital)
    subject = Subject(world.ada.address, MEDICATION, via_organization=True)
    assert world.issue(Prescribed(world.doctor, subject, ALLOWED)).events


def test_a_presented_fill_is_dispensed_and_said(world: World, rx: Prescribed) -> None:
    sent = world.dispense(rx, world.rival)
    state = world.chain.prescription(rx.id)
    values = {"id": rx.id, "pharmacist": world.rival.address, "state": state.word, "record": RECORD}
    assert sent.events == (Event("PrescriptionDispensed", values),)
    assert (state.status, state.fills_used, state.units_used, state.owing) == (Status.ACTIVE, 1, 30, 0)
    assert (state.dispensed_at, state.lease_until, state.fence) == (START, 0, 1)


def test_the_last_fill_completes_the_prescription(world: World, rx: Prescribed) -> None:
    world.dispense(rx, world.rival)
    world.chain.pass_time(7 * DAY)
    world.dispense(rx, world.rival)
    assert world.chain.status(rx.id) == Status.COMPLETED
    world.chain.pass_time(7 * DAY)
    with refused("NothingLeftToDispense", id=rx.id, fillsUsed=2, unitsUsed=60):
        granted(world, rx)


def test_the_last_unit_completes_it_though_fills_are_left(world: World, rx: Prescribed) -> None:
    small = world.prescribe(replace(ALLOWED, fills=12, quantity=40))
    granted(world, small, 30)
    world.chain.pass_time(7 * DAY)
    with refused("UnitsOutOfRange", id=small.id, units=11, most=10):
        granted(world, small, 11)
    granted(world, small, 10)
    assert world.chain.status(small.id) == Status.COMPLETED


@pytest.mark.parametrize(("units", "owed"), [(0, False), (31, False), (2**24 - 1, False), (30, True), (0, True)])
def test_units_lie_between_one_and_what_the_fill_may_have(world: World, rx: Prescribed, units: int, owed: bool) -> None:
    with refused("UnitsOutOfRange", id=rx.id, units=units, most=30):
        granted(world, rx, units, owed=owed)


def test_a_fill_may_be_handed_out_in_parts_and_counts_once(world: World, rx: Prescribed) -> None:
    granted(world, rx, 10, owed=True)
    state = world.chain.prescription(rx.id)
    assert (state.status, state.fills_used, state.units_used, state.owing) == (Status.ACTIVE, 1, 10, 20)
    granted(world, rx, 5, owed=True)
    with refused("UnitsOutOfRange", units=16, most=15):
        granted(world, rx, 16)
    granted(world, rx, 15)
    state = world.chain.prescription(rx.id)
    assert (state.fills_used, state.units_used, state.owing) == (1, 30, 0)


def test_what_is_owed_on_the_last_fill_can_be_collected(world: World, rx: Prescribed) -> None:
    single = world.prescribe(replace(ALLOWED, fills=1, quantity=30))
    granted(world, single, 29, owed=True)
    assert world.chain.status(single.id) == Status.ACTIVE
    granted(world, single, 1)
    assert world.chain.status(single.id) == Status.COMPLETED


def test_what_is_owed_never_exceeds_what_is_left(world: World, rx: Prescribed) -> None:
    odd = world.prescribe(replace(ALLOWED, fills=2, quantity=31))
    granted(world, odd, 30)
    world.chain.pass_time(7 * DAY)
    with refused("UnitsOutOfRange", units=1, most=1):
        granted(world, odd, 1, owed=True)
    granted(world, odd, 1)
    assert world.chain.prescription(odd.id).units_used == 31


def test_a_smaller_fill_leaves_the_rest_for_the_next(world: World, rx: Prescribed) -> None:
    granted(world, rx, 10)
    state = world.chain.prescription(rx.id)
    assert (state.fills_used, state.units_used, state.owing) == (1, 10, 0)
    with refused("NextFillTooSoon"):
        granted(world, rx, 20)


def test_validity_begins_and_ends_to_the_second(world: World, rx: Prescribed) -> None:
    later = world.prescribe(PrescriptionTerms(6, 1, 6, 0, START + 100, START + 200))
    early, late = "PrescriptionNotYetValid", "PrescriptionExpired"
    for time, error in ((99, early), (100, None), (199, None), (200, late), (10**8, late)):
        world.chain.go_to(START + time)
        presented = world.acts.dispense_presented(
            later.opening, world.redemption(later, world.rival), HandOut(1), RECORD
        )
        if error is None:
            world.chain.send(world.rival.address, presented)
            continue
        with refused(error, id=later.id):
            world.chain.send(world.rival.address, presented)


def test_the_next_fill_waits_for_its_interval_to_the_second(world: World, rx: Prescribed) -> None:
    granted(world, rx, 30)
    world.chain.pass_time(7 * DAY - 1)
    with refused("NextFillTooSoon", id=rx.id, nextFillAt=START + 7 * DAY):
        granted(world, rx, 30)
    world.chain.pass_time(1)
    granted(world, rx, 30)


def test_what_is_owed_waits_for_nothing_and_then_the_interval_counts_from_it(world: World, rx: Prescribed) -> None:
    granted(world, rx, 10, owed=True)
    world.chain.pass_time(DAY)
    granted(world, rx, 20)
    world.chain.pass_time(7 * DAY - 1)
    with refused("NextFillTooSoon", nextFillAt=START + 8 * DAY):
        granted(world, rx, 30)
    world.chain.pass_time(1)
    granted(world, rx, 30)


@pytest.mark.parametrize(
    "malformed",
    [
        replace(ALLOWED, fills=0).pack(),
        replace(ALLOWED, fills=13).pack(),
        replace(ALLOWED, per_fill=0).pack(),
        replace(ALLOWED, quantity=29).pack(),
        replace(ALLOWED, not_before=START + 60 * DAY).pack(),
        ALLOWED.pack() | 1 << 169,
        ALLOWED.pack() | 1 << 255,
    ],
    ids=["no-fill", "too-many-fills", "no-unit", "less-than-a-fill", "empty-period", "spare-bit", "high-bit"],
)
def test_terms_that_mean_nothing_are_never_dispensed(world: World, rx: Prescribed, malformed: int) -> None:
    class Raw(PrescriptionTerms):
        def pack(self) -> int:
            return malformed

    raw = Raw(1, 30, 60, 0, START, START + DAY, True)
    made = world.prescribe(raw)
    with refused("PrescriptionTermsInvalid", terms=malformed):
        granted(world, made)


def test_twelve_fills_are_the_most(world: World, rx: Prescribed) -> None:
    dozen = world.prescribe(PrescriptionTerms(12, 1, 12, 0, START, START + DAY, grantable=True))
    for _ in range(12):
        world.dispense(dozen, world.rival, 1)
    assert world.chain.prescription(dozen.id).fills_used == 12
    assert world.chain.status(dozen.id) == Status.COMPLETED


def test_the_opening_must_be_the_one_that_was_issued(world: World, rx: Prescribed) -> None:
    other_subject = replace(rx.opening.subject, patient=world.ben.address)
    world.grant(world.ben, world.pharmacist, terms(MEDICATION))
    for opening in (
        replace(rx.opening, prescriber=world.nurse.address),
        replace(rx.opening, digest=bytes(32)),
        replace(rx.opening, fill_keys=bytes(32)),
        replace(rx.opening, terms=replace(ALLOWED, quantity=600, per_fill=600)),
        replace(rx.opening, terms=replace(ALLOWED, expiry=START + 61 * DAY)),
        replace(rx.opening, subject=other_subject),
    ):
        with refused("PrescriptionUnknown", id=opening.id()):
            act = world.acts.dispense_granted(opening, HandOut(30), RECORD)
            world.chain.send(world.pharmacist.address, act)


def test_the_dispense_record_can_be_anchored_at_once(world: World, rx: Prescribed) -> None:
    act = world.acts.dispense_granted(rx.opening, HandOut(30, anchored=True), RECORD)
    sent = world.chain.send(world.pharmacist.address, act)
    assert [event.name for event in sent.events] == ["PrescriptionDispensed", "RecordAnchored"]
    assert sent.events[1].values["authorship"] == int(world.pharmacist.address, 16) | int(MEDICATION) << 160
    assert world.chain.record_state(RECORD) == RecordState.ANCHORED
    world.chain.pass_time(7 * DAY)
    with refused("RecordAlreadyAnchored", digest=RECORD):
        world.chain.send(world.pharmacist.address, act)
    assert world.chain.prescription(rx.id).fills_used == 1


def test_fences_run_out_rather_than_round(world: World, rx: Prescribed) -> None:
    word = world.chain.view("prescriptionOf", rx.id)
    world.chain.plant((rx.id,), word, word | 0xFFFE << 144)
    world.dispense(rx, world.rival, 10, owed=True)
    assert world.chain.prescription(rx.id).fence == 0xFFFF
    with refused("Panic", code=0x11):
        granted(world, rx, 10)


@pytest.mark.parametrize("way", ["dispense presented", "dispense granted", "reserve presented", "reserve granted"])
def test_a_thousand_claims_of_the_last_fill_by_ten_pharmacists_and_exactly_one_gets_it(world: World, way: str) -> None:
    world.grant(world.ada, world.doctor)
    rx = world.prescribe(PrescriptionTerms(1, 30, 30, 0, START, START + DAY, grantable=True))
    pharmacists = [person(f"pharmacist {i}") for i in range(10)]
    claims = []
    for each in pharmacists:
        world.admit(each, Role.PHARMACIST)
        world.grant(world.ada, each, terms(MEDICATION))
        redemption = world.redemption(rx, each)
        claims.append(
            {
                "dispense presented": world.acts.dispense_presented(rx.opening, redemption, HandOut(30), RECORD),
                "dispense granted": world.acts.dispense_granted(rx.opening, HandOut(30), RECORD),
                "reserve presented": world.acts.reserve_presented(rx.opening, redemption),
                "reserve granted": world.acts.reserve_granted(rx.opening),
            }[way]
        )
    succeeded: list[int] = []
    refusals = set()
    for attempt in range(1_000):
        # Ten at a time in another order each time; whoever got it does not try again.
        index = (attempt * 7 + attempt // 10) % 10
        if succeeded == [index]:
            index = (index + 1) % 10
        try:
            world.chain.send(pharmacists[index].address, claims[index])
        except ContractRejected as refusal:
            refusals.add(refusal.name)
        else:
            succeeded.append(index)
    assert len(succeeded) == 1
    assert refusals <= {"FillKeyInvalid", "NothingLeftToDispense", "LeaseHeldByAnother"}
    state = world.chain.prescription(rx.id)
    if way.startswith("dispense"):
        assert (state.status, state.fills_used, state.units_used) == (Status.COMPLETED, 1, 30)
    else:
        assert world.chain.view("holderOf", rx.id) == pharmacists[succeeded[0]].address.lower()
