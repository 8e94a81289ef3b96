"""What a broken glass opens: what the patient prefers at that moment, in an emergency, for as long as it is open."""

import itertools

import pytest

from ledger.care import break_glass_basis, opening_id
from ledger.codes import ORDINARY, SENSITIVE, BasisKind, Category, Purpose, Reason, RecordState, Role
from ledger.types import Basis, Decision, Subject
from tests.contracts.actors import Person, consent_basis, terms
from tests.contracts.carers import LAB, CareWorld
from tests.contracts.evm import START

HOUR = 3_600


@pytest.fixture
def world() -> CareWorld:
    return CareWorld()


@pytest.fixture
def digest(world: CareWorld) -> bytes:
    """A laboratory result of Ada's."""
    return world.anchor(world.ada, world.ada)


def prefer(world: CareWorld, emergency: Category, over_denials: bool = False) -> None:
    act = world.acts.set_preferences(emergency=emergency, barred_authors=Category(0), over_denials=over_denials)
    world.send(world.ada, act)


def read(
    world: CareWorld,
    digest: bytes,
    *bases: Basis,
    reader: Person | None = None,
    categories: Category = LAB,
    purpose: Purpose = Purpose.BTG,
    author: Person | None = None,
    at: int = 0,
) -> Decision:
    """The emergency doctor, or somebody else, asks for one of Ada's records."""
    reader = reader or world.medic
    request = world.request(reader, digest, author or world.ada, categories=categories, purpose=purpose, at=at)
    return world.chain.decide(request, bases or [break_glass_basis(reader.address)])


def test_an_open_glass_permits_and_the_opening_is_named(world: CareWorld, digest: bytes) -> None:
    assert read(world, digest).reason == Reason.NO_BASIS
    world.break_glass(world.medic, 2)
    basis_id = opening_id(world.ada.address, world.medic.address, 1)
    until = START + 2 * HOUR
    expected = Decision(True, Reason.PERMITTED, BasisKind.BREAK_GLASS, basis_id, until, RecordState.ANCHORED)
    assert read(world, digest) == expected


def test_without_an_opening_of_her_own_nobody_reads(world: CareWorld, digest: bytes) -> None:
    world.break_glass(world.medic)
    for reader in (world.second_medic, world.doctor, world.hospital, world.ben):
        assert read(world, digest, reader=reader).reason == Reason.NO_BASIS
        lent = break_glass_basis(world.medic.address)
        assert read(world, digest, lent, reader=reader).reason == Reason.NO_BASIS
    of_ben = world.anchor(world.ben, world.ben)
    request = world.request(world.medic, of_ben, world.ben, patient=world.ben, purpose=Purpose.BTG)
    assert world.chain.decide(request, [break_glass_basis(world.medic.address)]).reason == Reason.NO_BASIS


def test_it_closes_by_itself_to_the_second_however_it_is_asked(world: CareWorld, digest: bytes) -> None:
    world.break_glass(world.medic, 1)
    end = START + HOUR
    assert read(world, digest, at=end - 1).permitted
    assert read(world, digest, at=end).reason == Reason.BREAK_GLASS_OVER
    world.chain.go_to(end - 1)
    assert read(world, digest).permitted
    world.chain.go_to(end)
    assert read(world, digest).reason == Reason.BREAK_GLASS_OVER
    assert read(world, digest, at=START).reason == Reason.BREAK_GLASS_OVER


@pytest.mark.parametrize("purpose", [*Purpose, 13, 255])
def test_it_answers_to_an_emergency_and_to_no_other_purpose(world: CareWorld, digest: bytes, purpose: Purpose) -> None:
    world.break_glass(world.medic)
    reason = read(world, digest, purpose=purpose).reason
    if purpose in (Purpose.BTG, Purpose.ETREAT):
        assert reason == Reason.PERMITTED
    else:
        assert reason == (Reason.PURPOSE_NOT_COVERED if purpose <= Purpose.BTG else Reason.PURPOSE_UNKNOWN)


# --- what the patient prefers


@pytest.mark.parametrize("sensitive", list(SENSITIVE))
def test_sensitive_categories_stay_closed_unless_she_opened_them(world: CareWorld, sensitive: Category) -> None:
    categories = LAB | sensitive
    record = world.anchor(world.ada, world.ada, categories)
    world.break_glass(world.medic)
    assert read(world, record, categories=categories).reason == Reason.CATEGORY_NOT_COVERED
    prefer(world, ORDINARY | sensitive)
    assert read(world, record, categories=categories).permitted


def test_her_preference_counts_as_it_is_at_the_decision(world: CareWorld, digest: bytes) -> None:
    world.break_glass(world.medic)
    assert read(world, digest).permitted
    for preferred in (Category(0), Category.MEDICATION, ORDINARY & ~LAB):
        prefer(world, preferred)
        assert read(world, digest).reason == Reason.CATEGORY_NOT_COVERED
    prefer(world, LAB)
    assert read(world, digest).permitted


def test_a_denial_beats_it_unless_she_said_that_an_emergency_is_above_it(world: CareWorld, digest: bytes) -> None:
    world.break_glass(world.medic)
    for denied in (world.medic, world.hospital):
        world.deny(world.ada, denied)
        assert read(world, digest).reason == Reason.DENIED_BY_PATIENT
        prefer(world, ORDINARY, over_denials=True)
        assert read(world, digest).basis == BasisKind.BREAK_GLASS
        prefer(world, ORDINARY)
        assert read(world, digest).reason == Reason.DENIED_BY_PATIENT
        world.deny(world.ada, denied, denied=False)
    assert read(world, digest).permitted


def test_over_a_denial_nothing_counts_but_the_glass(world: CareWorld) -> None:
    """Neither a consent, nor that she wrote it, nor both together with the glass."""
    world.register(world.hospital, world.stranger, Role.EMERGENCY | Role.PRACTITIONER)
    medic = world.stranger
    both = LAB | Category.GENETICS
    world.grant(world.ada, medic, terms(both, Purpose.ETREAT, may_write=True))
    record = world.anchor(medic, world.ada, both)
    world.break_glass(medic)
    prefer(world, ORDINARY, over_denials=True)
    world.deny(world.ada, medic)
    bases = [break_glass_basis(medic.address), consent_basis(medic)]
    for some in (bases, bases[::-1], bases[:1], bases[1:], []):
        request = world.request(medic, record, medic, categories=both, purpose=Purpose.ETREAT)
        assert world.chain.decide(request, some).reason == Reason.DENIED_BY_PATIENT
    prefer(world, both, over_denials=True)
    request = world.request(medic, record, medic, categories=both, purpose=Purpose.ETREAT)
    assert world.chain.decide(request, bases[:1]).basis == BasisKind.BREAK_GLASS
    assert world.chain.decide(request, bases[1:]).reason == Reason.DENIED_BY_PATIENT
    world.chain.pass_time(4 * HOUR)
    assert world.chain.decide(request, bases).reason == Reason.DENIED_BY_PATIENT


@pytest.mark.parametrize("purpose", [Purpose.TREAT, Purpose.HRESCH, 13])
def test_over_a_denial_no_other_purpose_counts(world: CareWorld, digest: bytes, purpose: Purpose) -> None:
    world.break_glass(world.medic)
    prefer(world, ORDINARY, over_denials=True)
    world.deny(world.ada, world.medic)
    assert read(world, digest, purpose=purpose).reason == Reason.DENIED_BY_PATIENT


def test_who_wrote_it_is_no_author_where_she_is_denied(world: CareWorld) -> None:
    world.grant(world.ada, world.doctor)
    record = world.anchor(world.doctor, world.ada)
    prefer(world, ORDINARY, over_denials=True)
    world.deny(world.ada, world.doctor)
    request = world.request(world.doctor, record, world.doctor)
    assert world.chain.decide(request, []).reason == Reason.DENIED_BY_PATIENT


# --- who is suspended, or is not what she was


def test_a_suspended_doctor_reads_nothing_through_it(world: CareWorld, digest: bytes) -> None:
    world.break_glass(world.medic)
    prefer(world, ORDINARY, over_denials=True)
    world.suspend(world.hospital, world.medic.address)
    assert read(world, digest).reason == Reason.READER_SUSPENDED
    world.suspend(world.hospital, world.medic.address, False)
    world.suspend(world.consortium, world.hospital.address)
    assert read(world, digest).reason == Reason.ORGANIZATION_SUSPENDED


def test_without_her_role_it_opens_nothing(world: CareWorld, digest: bytes) -> None:
    world.break_glass(world.medic)
    world.send(world.hospital, world.acts.set_roles(world.medic.address, Role.PRACTITIONER))
    assert read(world, digest).reason == Reason.NO_BASIS
    world.send(world.hospital, world.acts.set_roles(world.medic.address, Role.EMERGENCY))
    assert read(world, digest).permitted


def test_what_is_only_proposed_stays_closed(world: CareWorld) -> None:
    record, subject = world.digest(), Subject(world.ada.address, LAB)
    world.send(world.doctor, world.acts.propose(record, subject))
    world.break_glass(world.medic)
    assert read(world, record, author=world.doctor).reason == Reason.NOT_YET_ACCEPTED
    prefer(world, ORDINARY, over_denials=True)
    world.deny(world.ada, world.medic)
    assert read(world, record, author=world.doctor).reason == Reason.DENIED_BY_PATIENT


# --- beside other bases


def test_the_glass_is_the_basis_only_where_nothing_else_suffices(world: CareWorld, digest: bytes) -> None:
    world.break_glass(world.medic, 1)
    world.grant(world.ada, world.medic, terms(LAB, Purpose.ETREAT))
    bases = [break_glass_basis(world.medic.address), consent_basis(world.medic)]
    for some in (bases, bases[::-1]):
        assert read(world, digest, *some, purpose=Purpose.ETREAT).basis == BasisKind.CONSENT
        assert read(world, digest, *some, purpose=Purpose.BTG).basis == BasisKind.BREAK_GLASS


def test_consent_and_glass_add_up_in_any_order_until_the_first_of_them_ends(world: CareWorld) -> None:
    both = LAB | Category.GENETICS
    record = world.anchor(world.ada, world.ada, both)
    world.break_glass(world.medic, 1)
    world.grant(world.ada, world.medic, terms(Category.GENETICS, Purpose.ETREAT, expiry=START + 50))
    bases = [break_glass_basis(world.medic.address), consent_basis(world.medic), consent_basis(world.medic, 9)]
    for some in itertools.permutations(bases):
        decision = read(world, record, *some, categories=both, purpose=Purpose.ETREAT)
        assert (decision.basis, decision.until) == (BasisKind.BREAK_GLASS, START + 50)
    for one in bases:
        assert not read(world, record, one, categories=both, purpose=Purpose.ETREAT).permitted
