"""Breaking the glass: who may, why, for how long; that it ends by itself, and is judged by somebody else."""

import pytest

from ledger.care import MOST_HOURS, REPEATED_WITHIN, BreakGlass, Review
from ledger.codes import EmergencyReason, ReviewOutcome, Role
from tests.contracts.actors import Person, person
from tests.contracts.carers import CORRELATION, REPORT, CareWorld
from tests.contracts.evm import START, Event, refused

HOUR = 3_600


@pytest.fixture
def world() -> CareWorld:
    return CareWorld()


def opening(world: CareWorld, medic: Person) -> BreakGlass:
    found = BreakGlass.unpack(world.chain.view("breakGlassOf", world.ada.address, medic.address))
    assert found is not None
    return found


def tally(world: CareWorld, organization: Person) -> tuple[int, int]:
    opened, reviewed = world.chain.view("breakGlassTallyOf", organization.address)
    return opened, reviewed


def flagged(world: CareWorld, medic: Person) -> bool:
    """Whether one more opening, now, is flagged in event and word."""
    said = bool(world.break_glass(medic, 1).events[0].values["repeated"])
    assert said == opening(world, medic).repeated
    return said


# --- opening


def test_an_opening_is_said_with_reason_end_and_correlation(world: CareWorld) -> None:
    sent = world.break_glass(world.medic, 4, EmergencyReason.LIFE_IN_DANGER)
    values = {
        "patient": world.ada.address,
        "clinician": world.medic.address,
        "number": 1,
        "reason": int(EmergencyReason.LIFE_IN_DANGER),
        "until": START + 4 * HOUR,
        "repeated": False,
        "correlation": CORRELATION,
    }
    assert sent.events == (Event("GlassBroken", values),)
    expected = BreakGlass(START, START + 4 * HOUR, 1, 0, EmergencyReason.LIFE_IN_DANGER, False)
    assert opening(world, world.medic) == expected
    assert BreakGlass.unpack(world.chain.view("breakGlassOf", world.ada.address, world.second_medic.address)) is None


def test_only_emergency_staff_break_the_glass(world: CareWorld) -> None:
    for other in (world.doctor, world.nurse, world.technician, world.pharmacist, world.ben, world.stranger):
        with refused("RoleMissing", participant=other.address, anyOf=Role.EMERGENCY):
            world.break_glass(other)


def test_an_organization_breaks_no_glass_nor_anybody_her_own(world: CareWorld) -> None:
    with refused("BreakGlassInvalid", patient=world.ada.address, clinician=world.hospital.address):
        world.break_glass(world.hospital)
    both = person("emergency doctor and patient")
    world.register(world.hospital, both, Role.EMERGENCY | Role.PATIENT)
    act = world.acts.break_glass(both.address, EmergencyReason.UNRESPONSIVE, hours=1, correlation=CORRELATION)
    with refused("BreakGlassInvalid", patient=both.address, clinician=both.address):
        world.send(both, act)
    assert world.send(world.medic, act).events


def test_it_is_broken_over_patients_only_even_suspended_ones(world: CareWorld) -> None:
    for other in (world.doctor, world.hospital, world.stranger):
        act = world.acts.break_glass(other.address, EmergencyReason.UNRESPONSIVE, hours=1, correlation=CORRELATION)
        with refused("RoleMissing", participant=other.address, anyOf=Role.PATIENT):
            world.send(world.medic, act)
    world.suspend(world.hospital, world.ada.address)
    assert world.break_glass(world.medic).events


@pytest.mark.parametrize("reason", [0, 5, 255])
def test_the_reason_is_on_the_list(world: CareWorld, reason: int) -> None:
    with refused("EmergencyReasonInvalid", reason=reason):
        world.chain.call(world.medic.address, "breakGlass", world.ada.address, reason, 1, CORRELATION)


@pytest.mark.parametrize("reason", list(EmergencyReason))
def test_every_reason_of_the_list_counts(world: CareWorld, reason: EmergencyReason) -> None:
    world.break_glass(world.medic, 1, reason)
    assert opening(world, world.medic).reason == reason


@pytest.mark.parametrize("hours", [0, 25, 255])
def test_it_is_open_for_hours_not_days(world: CareWorld, hours: int) -> None:
    with refused("HoursOutOfRange", hoursOpen=hours, most=MOST_HOURS):
        world.break_glass(world.medic, hours)


def test_the_suspended_break_no_glass(world: CareWorld) -> None:
    world.suspend(world.hospital, world.medic.address)
    with refused("SuspendedParticipant", participant=world.medic.address):
        world.break_glass(world.medic)
    world.suspend(world.consortium, world.hospital.address)
    with refused("SuspendedOrganization", participant=world.second_medic.address):
        world.break_glass(world.second_medic)


# --- ending


@pytest.mark.parametrize("hours", [1, 24])
def test_it_ends_by_itself_and_is_not_prolonged_while_it_is_open(world: CareWorld, hours: int) -> None:
    world.break_glass(world.medic, hours)
    until = START + hours * HOUR
    for time in (START, until - 1):
        world.chain.go_to(time)
        with refused("BreakGlassStillOpen", patient=world.ada.address, clinician=world.medic.address, until=until):
            world.break_glass(world.medic, MOST_HOURS)
    world.chain.go_to(until)
    assert not opening(world, world.medic).is_open(until)
    assert world.break_glass(world.medic, 1).events[0].values["number"] == 2


def test_another_doctor_opens_on_her_own(world: CareWorld) -> None:
    world.break_glass(world.medic)
    sent = world.break_glass(world.second_medic)
    assert (sent.events[0].values["number"], sent.events[0].values["repeated"]) == (1, False)


def test_a_second_opening_within_a_week_is_flagged_to_the_second(world: CareWorld) -> None:
    assert not flagged(world, world.medic)
    world.chain.go_to(START + REPEATED_WITHIN - 1)
    assert flagged(world, world.medic)
    world.chain.pass_time(REPEATED_WITHIN)
    assert not flagged(world, world.medic)
    assert opening(world, world.medic).count == 3


# --- review


def test_an_auditor_judges_an_opening_on_the_ledger(world: CareWorld) -> None:
    world.break_glass(world.medic, 1)
    world.chain.pass_time(HOUR)
    sent = world.review(world.auditor, world.medic, 1, ReviewOutcome.UNJUSTIFIED)
    values = {
        "patient": world.ada.address,
        "clinician": world.medic.address,
        "auditor": world.auditor.address,
        "number": 1,
        "outcome": int(ReviewOutcome.UNJUSTIFIED),
        "report": REPORT,
    }
    assert sent.events == (Event("BreakGlassReviewed", values),)
    word = world.chain.view("reviewOf", world.ada.address, world.medic.address, 1)
    assert Review.unpack(word) == Review(world.auditor.address, START + HOUR, ReviewOutcome.UNJUSTIFIED)


def test_what_is_not_reviewed_can_be_counted(world: CareWorld) -> None:
    assert tally(world, world.hospital) == (0, 0)
    for _ in range(3):
        world.break_glass(world.medic, 1)
        world.chain.pass_time(HOUR)
    world.break_glass(world.second_medic, 1)
    assert tally(world, world.hospital) == (4, 0)
    world.review(world.auditor, world.medic, 2)
    word = opening(world, world.medic)
    assert (word.count, word.reviewed) == (3, 1)
    assert tally(world, world.hospital) == (4, 1)
    assert tally(world, world.laboratory) == (0, 0)


def test_openings_are_reviewed_in_any_order_and_a_new_one_keeps_the_count(world: CareWorld) -> None:
    for _ in range(2):
        world.break_glass(world.medic, 1)
        world.chain.pass_time(HOUR)
    world.review(world.auditor, world.medic, 2)
    world.review(world.auditor, world.medic, 1)
    world.break_glass(world.medic, 1)
    word = opening(world, world.medic)
    assert (word.count, word.reviewed) == (3, 2)


def test_only_an_auditor_reviews_and_not_what_she_is_part_of(world: CareWorld) -> None:
    both = person("emergency doctor and auditor")
    clinic = person("clinic with an auditor")
    world.admit(clinic, Role.EMERGENCY | Role.AUDITOR)
    world.register(clinic, both, Role.EMERGENCY | Role.AUDITOR | Role.PATIENT)
    world.break_glass(world.medic, 1)
    world.break_glass(both, 1)
    over_her = world.acts.break_glass(both.address, EmergencyReason.UNRESPONSIVE, hours=1, correlation=CORRELATION)
    world.send(world.medic, over_her)
    world.chain.pass_time(HOUR)
    for other in (world.medic, world.doctor, world.hospital, world.ada, world.stranger):
        with refused("RoleMissing", participant=other.address, anyOf=Role.AUDITOR):
            world.review(other, world.medic)
    with refused("ReviewerInvolved", auditor=both.address):
        world.review(both, both)
    with refused("ReviewerInvolved", auditor=both.address):
        world.review(both, world.medic, patient=both)
    assert world.review(both, world.medic).events
    assert world.review(world.auditor, both).events


def test_a_suspended_auditor_reviews_nothing(world: CareWorld) -> None:
    world.break_glass(world.medic, 1)
    world.chain.pass_time(HOUR)
    world.suspend(world.authority, world.auditor.address)
    with refused("SuspendedParticipant", participant=world.auditor.address):
        world.review(world.auditor, world.medic)


def test_an_opening_is_judged_after_it_ended_and_once(world: CareWorld) -> None:
    world.break_glass(world.medic, 1)
    world.chain.go_to(START + HOUR - 1)
    with refused("BreakGlassStillOpen", until=START + HOUR):
        world.review(world.auditor, world.medic)
    world.chain.go_to(START + HOUR)
    world.review(world.auditor, world.medic)
    with refused("BreakGlassAlreadyReviewed", number=1, auditor=world.auditor.address):
        world.review(world.auditor, world.medic, 1, ReviewOutcome.UNJUSTIFIED)


def test_an_earlier_opening_is_judged_while_the_next_is_open(world: CareWorld) -> None:
    world.break_glass(world.medic, 1)
    world.chain.pass_time(HOUR)
    world.break_glass(world.medic, 1)
    assert world.review(world.auditor, world.medic, 1).events
    with refused("BreakGlassStillOpen"):
        world.review(world.auditor, world.medic, 2)


@pytest.mark.parametrize("number", [0, 2, 65_535])
def test_what_did_not_happen_is_not_reviewed(world: CareWorld, number: int) -> None:
    with refused("BreakGlassUnknown", number=number):
        world.review(world.auditor, world.medic, number)
    world.break_glass(world.medic, 1)
    world.chain.pass_time(HOUR)
    with refused("BreakGlassUnknown", number=number):
        world.review(world.auditor, world.medic, number)


@pytest.mark.parametrize("outcome", [0, 4, 255])
def test_the_outcome_is_on_the_list(world: CareWorld, outcome: int) -> None:
    world.break_glass(world.medic, 1)
    world.chain.pass_time(HOUR)
    arguments = (world.ada.address, world.medic.address, 1, outcome, REPORT)
    with refused("ReviewOutcomeInvalid", outcome=outcome):
        world.chain.call(world.auditor.address, "reviewBreakGlass", *arguments)
