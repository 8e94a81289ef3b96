"""What a delegate may read, for which purpose, until when; a denial beats his delegation as it beats a consent."""

import itertools

import pytest

from ledger.care import delegation_basis, delegation_id
from ledger.codes import DELEGABLE, BasisKind, Category, Power, Purpose, Reason, RecordState
from ledger.types import Basis, Decision, Subject
from tests.contracts.actors import consent_basis, terms
from tests.contracts.carers import ALL, BOTH, LAB, UNTIL, CareWorld
from tests.contracts.evm import START

GENETICS = Category.GENETICS


@pytest.fixture
def world() -> CareWorld:
    return CareWorld()


@pytest.fixture
def digest(world: CareWorld) -> bytes:
    """A laboratory result of Ada's."""
    world.grant(world.ada, world.technician)
    return world.anchor(world.technician, world.ada)


def read(world: CareWorld, digest: bytes, purpose: Purpose = Purpose.FAMRQT, at: int = 0) -> Decision:
    return world.read_as_delegate(world.carer, digest, author=world.technician, purpose=purpose, at=at)


def test_a_delegate_with_the_power_to_read_reads_and_the_delegation_is_named(world: CareWorld, digest: bytes) -> None:
    assert read(world, digest).reason == Reason.NO_BASIS
    world.delegate(world.ada, world.carer, Power.READ, LAB)
    basis_id = delegation_id(world.ada.address, world.carer.address)
    expected = Decision(True, Reason.PERMITTED, BasisKind.DELEGATION, basis_id, UNTIL, RecordState.ANCHORED)
    assert read(world, digest) == expected


@pytest.mark.parametrize("power", list(DELEGABLE))
def test_no_other_power_lets_him_read(world: CareWorld, digest: bytes, power: Power) -> None:
    world.delegate(world.ada, world.carer, power, ALL)
    assert read(world, digest).permitted == (power == Power.READ)
    world.delegate(world.ada, world.carer, DELEGABLE & ~Power.READ, ALL)
    assert read(world, digest).reason == Reason.NO_BASIS


@pytest.mark.parametrize("purpose", [*Purpose, 13, 255])
def test_he_reads_as_family_or_with_power_of_attorney_and_for_nothing_else(
    world: CareWorld, digest: bytes, purpose: Purpose
) -> None:
    world.delegate(world.ada, world.carer, Power.READ, ALL)
    decision = read(world, digest, purpose)
    if purpose in (Purpose.FAMRQT, Purpose.PWATRNY):
        assert decision.basis == BasisKind.DELEGATION
    elif purpose <= Purpose.BTG:
        assert decision.reason == Reason.PURPOSE_NOT_COVERED
    else:
        assert decision.reason == Reason.PURPOSE_UNKNOWN


def test_it_ends_to_the_second_and_says_that_it_did(world: CareWorld, digest: bytes) -> None:
    world.delegate(world.ada, world.carer, Power.READ, until=START + 100)
    assert read(world, digest, at=START + 99).permitted
    assert read(world, digest, at=START + 100).reason == Reason.DELEGATION_OVER
    world.chain.go_to(START + 99)
    assert read(world, digest).permitted
    world.chain.go_to(START + 100)
    assert read(world, digest).reason == Reason.DELEGATION_OVER
    assert read(world, digest, at=START + 50).reason == Reason.DELEGATION_OVER


def test_once_she_ended_it_he_reads_nothing_in_that_very_second(world: CareWorld, digest: bytes) -> None:
    world.delegate(world.ada, world.carer, Power.READ)
    assert read(world, digest).permitted
    world.end(world.ada, world.carer)
    assert read(world, digest).reason == Reason.DELEGATION_OVER


def test_a_sensitive_category_is_read_only_if_it_was_named(world: CareWorld) -> None:
    both = LAB | GENETICS
    record = world.anchor(world.ada, world.ada, both)
    for categories, expected in (
        (Category(0xFFFF) & ~GENETICS, Reason.CATEGORY_NOT_COVERED),
        (GENETICS, Reason.CATEGORY_NOT_COVERED),
        (Category.MEDICATION, Reason.CATEGORY_NOT_COVERED),
        (both, Reason.PERMITTED),
    ):
        world.delegate(world.ada, world.carer, Power.READ, categories)
        decision = world.read_as_delegate(world.carer, record, author=world.ada, categories=both)
        assert decision.reason == expected


def test_a_denial_beats_the_delegation_and_its_lifting_brings_it_back(world: CareWorld, digest: bytes) -> None:
    world.delegate(world.ada, world.carer, Power.READ)
    world.deny(world.ada, world.carer)
    assert read(world, digest).reason == Reason.DENIED_BY_PATIENT
    world.deny(world.ada, world.carer, denied=False)
    assert read(world, digest).permitted


def test_a_denial_of_his_organization_beats_it_if_he_is_its_staff(world: CareWorld, digest: bytes) -> None:
    world.delegate(world.ada, world.nurse, Power.READ)
    world.delegate(world.ada, world.carer, Power.READ)
    world.deny(world.ada, world.hospital)
    denied = world.read_as_delegate(world.nurse, digest, author=world.technician)
    assert denied.reason == Reason.DENIED_BY_PATIENT
    assert read(world, digest).permitted


def test_a_suspended_delegate_reads_nothing(world: CareWorld, digest: bytes) -> None:
    world.delegate(world.ada, world.carer, Power.READ)
    world.suspend(world.hospital, world.carer.address)
    assert read(world, digest).reason == Reason.READER_SUSPENDED


def test_nobody_reads_on_a_delegation_to_somebody_else(world: CareWorld, digest: bytes) -> None:
    world.delegate(world.ada, world.carer, Power.READ)
    request = world.request(world.neighbour, digest, world.technician, purpose=Purpose.FAMRQT)
    for named in (world.carer, world.neighbour, world.ada):
        assert world.chain.decide(request, [delegation_basis(named.address)]).reason == Reason.NO_BASIS
    lent = Basis(BasisKind.DELEGATION, world.neighbour.address)
    mine = world.request(world.carer, digest, world.technician, purpose=Purpose.FAMRQT)
    assert world.chain.decide(mine, [lent]).reason == Reason.NO_BASIS


def test_a_delegate_of_a_delegate_reads_nothing_of_hers(world: CareWorld, digest: bytes) -> None:
    world.delegate(world.ada, world.carer, Power.READ, ALL)
    world.delegate(world.carer, world.neighbour, Power.READ, ALL)
    decision = world.read_as_delegate(world.neighbour, digest, author=world.technician)
    assert decision.reason == Reason.NO_BASIS


def test_what_is_only_proposed_is_read_by_a_delegate_who_may_answer(world: CareWorld) -> None:
    record, subject = world.digest(), Subject(world.ada.address, LAB)
    world.send(world.doctor, world.acts.propose(record, subject))

    def reason(powers: Power) -> Reason:
        world.delegate(world.ada, world.carer, powers, BOTH)
        return world.read_as_delegate(world.carer, record, author=world.doctor).reason

    assert reason(Power.READ) == Reason.NOT_YET_ACCEPTED
    assert reason(Power.ACCEPT) == Reason.NOT_YET_ACCEPTED
    assert reason(Power.READ | Power.ACCEPT) == Reason.PERMITTED
    world.grant(world.ada, world.carer, terms(BOTH, Purpose.FAMRQT), number=1)
    world.end(world.ada, world.carer)
    request = world.request(world.carer, record, world.doctor, purpose=Purpose.FAMRQT)
    consent = consent_basis(world.carer, 1)
    assert world.chain.decide(request, [consent]).reason == Reason.NOT_YET_ACCEPTED


def test_delegation_and_consent_add_up_in_any_order(world: CareWorld) -> None:
    record = world.anchor(world.ada, world.ada, BOTH)
    world.delegate(world.ada, world.carer, Power.READ, LAB)
    world.grant(world.ada, world.carer, terms(Category.MEDICATION, Purpose.FAMRQT, expiry=START + 50))
    request = world.request(world.carer, record, world.ada, categories=BOTH, purpose=Purpose.FAMRQT)
    bases = [delegation_basis(world.carer.address), consent_basis(world.carer), consent_basis(world.carer, 9)]
    for some in itertools.permutations(bases):
        decision = world.chain.decide(request, some)
        assert (decision.permitted, decision.until) == (True, START + 50)
    for one in bases:
        assert not world.chain.decide(request, [one]).permitted
