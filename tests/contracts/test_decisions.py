"""May this reader open this record? Every rule of the decision, and ways of getting round it."""

from dataclasses import replace
from typing import Any

import pytest
from eth_utils.crypto import keccak

from ledger.codes import SENSITIVE, BasisKind, Category, Purpose, Reason, RecordState, Role
from ledger.errors import ContractRejected
from ledger.types import (
    FOREVER,
    Address,
    Basis,
    Decision,
    Subject,
    consent_id,
    scope_number,
)
from tests.contracts.actors import DOCUMENT, Person, World, consent_basis, person, terms
from tests.contracts.evm import START, refused


@pytest.fixture
def digest(world: World) -> bytes:
    """A laboratory result of Ada's, anchored by the technician."""
    world.grant(world.ada, world.technician)
    return world.anchor(world.technician, world.ada)


def ask(world: World, reader: Person, record: bytes, *bases: Basis, **changes: Any) -> Decision:
    """The decision about the technician's result."""
    request = replace(world.request(reader, record, world.technician), **changes)
    return world.chain.decide(request, bases)


def reason(decision: Decision) -> Reason:
    """The reason; a denial carries nothing that a permit would."""
    assert decision.permitted == (decision.reason == Reason.PERMITTED)
    if not decision.permitted:
        assert (decision.basis, decision.basis_id, decision.until) == (BasisKind.NONE, bytes(32), 0)
    return decision.reason


# --- by default no


def test_by_default_nobody_reads(world: World, digest: bytes) -> None:
    for reader in (world.doctor, world.hospital, world.laboratory, world.ben, world.pharmacist, world.consortium):
        assert reason(ask(world, reader, digest)) == Reason.NO_BASIS
        assert reason(ask(world, reader, digest, consent_basis(reader))) == Reason.NO_BASIS


def test_the_patient_reads_what_is_hers_for_ever(world: World, digest: bytes) -> None:
    decision = ask(world, world.ada, digest)
    expected = Decision(True, Reason.PERMITTED, BasisKind.OWN_RECORD, bytes(32), FOREVER, RecordState.ANCHORED)
    assert decision == expected


def test_the_patient_reads_what_is_hers_though_she_denies_the_hospital_that_registered_her(
    world: World, digest: bytes
) -> None:
    world.deny(world.ada, world.hospital)
    assert ask(world, world.ada, digest).basis == BasisKind.OWN_RECORD


def test_the_author_reads_what_she_wrote(world: World, digest: bytes) -> None:
    decision = ask(world, world.technician, digest)
    assert (decision.permitted, decision.basis, decision.until) == (True, BasisKind.AUTHOR, FOREVER)


def test_the_patient_may_bar_authors_from_what_they_wrote(world: World, digest: bytes) -> None:
    act = world.acts.set_preferences(emergency=Category(0), barred_authors=Category.LABORATORY)
    world.chain.send(world.ada.address, act)
    assert reason(ask(world, world.technician, digest)) == Reason.NO_BASIS
    assert ask(world, world.technician, digest, consent_basis(world.technician)).basis == BasisKind.CONSENT
    act = world.acts.set_preferences(emergency=Category(0), barred_authors=SENSITIVE)
    world.chain.send(world.ada.address, act)
    assert ask(world, world.technician, digest).basis == BasisKind.AUTHOR


def test_who_is_not_registered_reads_nothing(world: World, digest: bytes) -> None:
    world.grant(world.ada, world.stranger)
    basis = consent_basis(world.stranger)
    assert reason(ask(world, world.stranger, digest, basis)) == Reason.READER_NOT_REGISTERED
    world.register(world.hospital, world.stranger, Role.PRACTITIONER)
    assert ask(world, world.stranger, digest, basis).permitted


def test_auditors_read_no_records_whatever_they_are_granted(world: World, digest: bytes) -> None:
    auditor = person("auditor")
    world.admit(auditor, Role.AUDITOR | Role.PRACTITIONER)
    world.grant(world.ada, auditor)
    assert reason(ask(world, auditor, digest, consent_basis(auditor))) == Reason.AUDITORS_READ_NO_RECORDS


# --- consents


def test_a_consent_permits_its_grantee_and_is_named_as_the_basis(world: World, digest: bytes) -> None:
    world.grant(world.ada, world.doctor, terms(Category.LABORATORY, expiry=START + 50), number=7)
    decision = ask(world, world.doctor, digest, consent_basis(world.doctor, 7))
    basis_id = consent_id(world.ada.address, world.doctor.address, scope_number(7))
    expected = Decision(True, Reason.PERMITTED, BasisKind.CONSENT, basis_id, START + 50, RecordState.ANCHORED)
    assert decision == expected


def test_a_consent_of_another_patient_grantee_or_number_is_no_basis(world: World, digest: bytes) -> None:
    world.grant(world.ben, world.doctor)
    world.grant(world.ada, world.nurse)
    world.grant(world.ada, world.doctor, number=1)
    for basis in (consent_basis(world.doctor), consent_basis(world.nurse), consent_basis(world.doctor, 2)):
        assert reason(ask(world, world.doctor, digest, basis)) == Reason.NO_BASIS


def test_consent_begins_and_ends_to_the_second(world: World, digest: bytes) -> None:
    world.grant(world.ada, world.doctor, terms(not_before=START + 100, expiry=START + 200))
    basis = consent_basis(world.doctor)
    for time, expected in (
        (99, Reason.CONSENT_NOT_YET_LIVE),
        (100, Reason.PERMITTED),
        (199, Reason.PERMITTED),
        (200, Reason.CONSENT_EXPIRED),
    ):
        world.chain.go_to(START + time)
        assert reason(ask(world, world.doctor, digest, basis)) == expected


def test_one_may_ask_about_the_future_but_not_about_the_past(world: World, digest: bytes) -> None:
    world.grant(world.ada, world.doctor, terms(not_before=START, expiry=START + 200))
    basis = consent_basis(world.doctor)
    assert reason(ask(world, world.doctor, digest, basis, at=START + 199)) == Reason.PERMITTED
    assert reason(ask(world, world.doctor, digest, basis, at=START + 200)) == Reason.CONSENT_EXPIRED
    world.chain.go_to(START + 200)
    assert reason(ask(world, world.doctor, digest, basis, at=START + 100)) == Reason.CONSENT_EXPIRED


def test_a_withdrawal_counts_in_its_own_second(world: World, digest: bytes) -> None:
    world.grant(world.ada, world.doctor)
    basis = consent_basis(world.doctor)
    assert ask(world, world.doctor, digest, basis).permitted
    world.withdraw(world.ada, world.doctor)
    assert reason(ask(world, world.doctor, digest, basis)) == Reason.CONSENT_WITHDRAWN


def test_a_consent_for_one_record_covers_that_record_only(world: World, digest: bytes) -> None:
    other = world.anchor(world.technician, world.ada)
    world.chain.send(world.ada.address, world.acts.grant(world.doctor.address, digest, terms(), DOCUMENT))
    basis = Basis(BasisKind.CONSENT, world.doctor.address, digest)
    assert ask(world, world.doctor, digest, basis).permitted
    assert reason(ask(world, world.doctor, other, basis)) == Reason.NO_BASIS


@pytest.mark.parametrize("granted", list(Purpose)[:-1])
def test_a_purpose_is_covered_as_the_table_says_and_never_along_the_hierarchy(
    world: World, digest: bytes, granted: Purpose
) -> None:
    world.grant(world.ada, world.doctor, terms(Category.LABORATORY, granted))
    for stated in Purpose:
        expected = Reason.PERMITTED if granted in stated.covered_by() else Reason.PURPOSE_NOT_COVERED
        assert reason(ask(world, world.doctor, digest, consent_basis(world.doctor), purpose=stated)) == expected


@pytest.mark.parametrize("stated", [13, 15, 16, 255])
def test_an_unknown_purpose_is_covered_by_nothing(world: World, digest: bytes, stated: int) -> None:
    world.grant(world.ada, world.doctor, terms(Category.LABORATORY, *list(Purpose)[:-1]))
    assert (
        reason(ask(world, world.doctor, digest, consent_basis(world.doctor), purpose=stated)) == Reason.PURPOSE_UNKNOWN
    )


@pytest.mark.parametrize("category", list(Category))
def test_a_record_is_covered_only_by_a_consent_that_names_its_category(world: World, category: Category) -> None:
    digest = world.anchor(world.ada, world.ada, category)
    request = world.request(world.doctor, digest, world.ada, categories=category)
    world.grant(world.ada, world.doctor, terms(Category(0xFFFF) & ~category))
    world.grant(world.ada, world.doctor, terms(category), number=1)
    assert reason(world.chain.decide(request, [consent_basis(world.doctor)])) == Reason.CATEGORY_NOT_COVERED
    assert world.chain.decide(request, [consent_basis(world.doctor, 1)]).permitted


@pytest.mark.parametrize("sensitive", list(SENSITIVE))
def test_a_sensitive_category_is_never_covered_by_everything_else(world: World, sensitive: Category) -> None:
    categories = Category.ENCOUNTER | sensitive
    digest = world.anchor(world.ada, world.ada, categories)
    world.grant(world.ada, world.doctor, terms(Category(0xFFFF) & ~SENSITIVE, *list(Purpose)[:-1], expiry=FOREVER))
    request = world.request(world.doctor, digest, world.ada, categories=categories)
    assert reason(world.chain.decide(request, [consent_basis(world.doctor)])) == Reason.CATEGORY_NOT_COVERED


def test_several_consents_together_cover_a_record_until_the_first_of_them_ends(world: World) -> None:
    both = Category.LABORATORY | Category.IMAGING
    digest = world.anchor(world.ada, world.ada, both)
    world.grant(world.ada, world.doctor, terms(Category.LABORATORY, expiry=START + 20))
    world.grant(world.ada, world.hospital, terms(Category.IMAGING, expiry=START + 10))
    request = world.request(world.doctor, digest, world.ada, categories=both)
    parts = [consent_basis(world.doctor), consent_basis(world.hospital)]
    for part in parts:
        assert reason(world.chain.decide(request, [part])) == Reason.CATEGORY_NOT_COVERED
    for bases in (parts, parts[::-1]):
        decision = world.chain.decide(request, bases)
        assert (decision.permitted, decision.until) == (True, START + 10)


def test_what_a_request_says_of_the_record_must_be_what_was_anchored(world: World, digest: bytes) -> None:
    """Nobody makes a sensitive record ordinary, or another patient's hers, by saying so."""
    ada, ben = world.ada.address, world.ben.address
    world.grant(world.ben, world.doctor, terms(Category(0xFFFF)))
    world.grant(world.ada, world.doctor, terms(Category.MEDICATION))
    for changes in (
        {"subject": Subject(ada, Category.MEDICATION)},
        {"subject": Subject(ada, Category.LABORATORY | Category.MEDICATION)},
        {"subject": Subject(ben, Category.LABORATORY)},
        {"author": world.doctor.address},
        {"digest": keccak(text="another")},
    ):
        assert reason(ask(world, world.doctor, digest, consent_basis(world.doctor), **changes)) == (
            Reason.RECORD_NOT_ANCHORED
        )


# --- organizations and teams


def test_the_people_of_a_granted_organization_read_and_others_do_not(world: World, digest: bytes) -> None:
    world.grant(world.ada, world.hospital)
    basis = consent_basis(world.hospital)
    for reader in (world.hospital, world.doctor, world.nurse):
        assert ask(world, reader, digest, basis).permitted
    assert reason(ask(world, world.pharmacist, digest, basis)) == Reason.NO_BASIS


def test_the_patients_of_a_granted_organization_do_not_read_each_others_records(world: World, digest: bytes) -> None:
    world.grant(world.ada, world.hospital)
    assert reason(ask(world, world.ben, digest, consent_basis(world.hospital))) == Reason.NO_BASIS


def test_a_relative_reads_on_a_consent_though_the_hospital_that_registered_her_is_denied(
    world: World, digest: bytes
) -> None:
    world.grant(world.ada, world.ben)
    world.deny(world.ada, world.hospital)
    assert ask(world, world.ben, digest, consent_basis(world.ben)).permitted


def test_a_team_is_who_is_in_it_now(world: World, digest: bytes) -> None:
    team = world.open_team(world.hospital, 1, world.pharmacist)
    world.grant(world.ada, team)
    basis = consent_basis(team)
    assert ask(world, world.pharmacist, digest, basis).permitted
    assert reason(ask(world, world.doctor, digest, basis)) == Reason.NO_BASIS
    world.chain.send(world.hospital.address, world.acts.set_membership(team, world.pharmacist.address, False))
    assert reason(ask(world, world.pharmacist, digest, basis)) == Reason.NO_BASIS
    world.chain.send(world.hospital.address, world.acts.set_membership(team, world.doctor.address, True))
    assert ask(world, world.doctor, digest, basis).permitted


@pytest.mark.parametrize("suspended", ["team", "hospital"])
def test_a_suspended_team_or_one_of_a_suspended_organization_gives_no_access(
    world: World, digest: bytes, suspended: str
) -> None:
    team = world.open_team(world.hospital, 1, world.pharmacist)
    world.grant(world.ada, team)
    who = team if suspended == "team" else world.hospital.address
    world.suspend(world.consortium, who)
    assert reason(ask(world, world.pharmacist, digest, consent_basis(team))) == Reason.NO_BASIS
    world.suspend(world.consortium, who, False)
    assert ask(world, world.pharmacist, digest, consent_basis(team)).permitted


def test_the_suspended_read_nothing(world: World, digest: bytes) -> None:
    world.grant(world.ada, world.doctor)
    basis = consent_basis(world.doctor)
    world.suspend(world.hospital, world.doctor.address)
    assert reason(ask(world, world.doctor, digest, basis)) == Reason.READER_SUSPENDED
    world.suspend(world.hospital, world.doctor.address, False)
    world.suspend(world.consortium, world.hospital.address)
    assert reason(ask(world, world.doctor, digest, basis)) == Reason.ORGANIZATION_SUSPENDED
    assert ask(world, world.ada, digest).permitted
    world.suspend(world.consortium, world.hospital.address, False)
    world.suspend(world.laboratory, world.technician.address)
    assert reason(ask(world, world.technician, digest)) == Reason.READER_SUSPENDED


# --- denials


@pytest.mark.parametrize("denied", ["pharmacist", "pharmacy"])
@pytest.mark.parametrize("grantee", ["pharmacist", "pharmacy", "team"])
def test_a_denial_of_the_person_or_her_organization_beats_every_consent(
    world: World, digest: bytes, denied: str, grantee: str
) -> None:
    team = world.open_team(world.hospital, 1, world.pharmacist)
    to: Person | Address = team if grantee == "team" else getattr(world, grantee)
    world.grant(world.ada, to)
    basis = consent_basis(to)
    assert ask(world, world.pharmacist, digest, basis).permitted
    world.deny(world.ada, getattr(world, denied))
    assert reason(ask(world, world.pharmacist, digest, basis)) == Reason.DENIED_BY_PATIENT
    world.deny(world.ada, getattr(world, denied), False)
    assert ask(world, world.pharmacist, digest, basis).permitted


@pytest.mark.parametrize("denied", ["team", "hospital"])
def test_a_denied_team_or_a_team_of_a_denied_organization_gives_no_access_to_its_members(
    world: World, digest: bytes, denied: str
) -> None:
    team = world.open_team(world.hospital, 1, world.pharmacist)
    world.grant(world.ada, team)
    world.grant(world.ada, world.pharmacist)
    world.deny(world.ada, team if denied == "team" else world.hospital)
    assert reason(ask(world, world.pharmacist, digest, consent_basis(team))) == Reason.NO_BASIS
    assert ask(world, world.pharmacist, digest, consent_basis(world.pharmacist)).permitted


def test_a_denied_author_does_not_read_what_she_wrote(world: World, digest: bytes) -> None:
    world.deny(world.ada, world.laboratory)
    assert reason(ask(world, world.technician, digest)) == Reason.DENIED_BY_PATIENT


def test_a_denial_by_one_patient_is_no_denial_by_another(world: World, digest: bytes) -> None:
    world.grant(world.ada, world.doctor)
    world.deny(world.ben, world.doctor)
    assert ask(world, world.doctor, digest, consent_basis(world.doctor)).permitted


# --- states of the record


def test_a_proposal_is_read_by_patient_and_author_alone(world: World) -> None:
    digest, subject = world.digest(), Subject(world.ada.address, Category.LABORATORY)
    world.grant(world.ada, world.doctor)
    world.chain.send(world.technician.address, world.acts.propose(digest, subject))
    for accepted in (None, False):
        if accepted is False:
            act = world.acts.answer(digest, subject, world.technician.address, False)
            world.chain.send(world.ada.address, act)
        assert ask(world, world.ada, digest).permitted
        assert ask(world, world.technician, digest).permitted
        assert reason(ask(world, world.doctor, digest, consent_basis(world.doctor))) == Reason.NOT_YET_ACCEPTED


@pytest.mark.parametrize("corrected", [True, False])
def test_a_proposal_that_its_author_takes_back_is_still_read_by_nobody_else(world: World, corrected: bool) -> None:
    digest, subject = world.digest(), Subject(world.ada.address, Category.LABORATORY)
    world.grant(world.ada, world.doctor)
    author = world.technician.address
    world.chain.send(author, world.acts.propose(digest, subject))
    act = world.acts.supersede(digest, world.digest(), subject) if corrected else world.acts.retract(digest, subject)
    world.chain.send(author, act)
    decision = ask(world, world.doctor, digest, consent_basis(world.doctor))
    assert (decision.reason, decision.state) == (Reason.NOT_YET_ACCEPTED, RecordState.TAKEN_BACK)
    assert ask(world, world.ada, digest).permitted
    assert ask(world, world.technician, digest).permitted
    for again in (world.acts.retract(digest, subject), world.acts.supersede(digest, world.digest(), subject)):
        with refused("RecordStateUnfit", digest=digest, state=RecordState.TAKEN_BACK):
            world.chain.send(author, again)
    with refused("RecordStateUnfit", digest=digest, state=RecordState.TAKEN_BACK):
        world.chain.send(world.ada.address, world.acts.answer(digest, subject, author, True))


def test_what_was_superseded_or_retracted_stays_visible_and_is_marked(world: World, digest: bytes) -> None:
    world.grant(world.ada, world.doctor)
    subject = Subject(world.ada.address, Category.LABORATORY)
    world.chain.send(world.technician.address, world.acts.supersede(digest, world.digest(), subject))
    decision = ask(world, world.doctor, digest, consent_basis(world.doctor))
    assert (decision.permitted, decision.state) == (True, RecordState.SUPERSEDED)
    world.chain.send(world.technician.address, world.acts.retract(digest, subject))
    decision = ask(world, world.doctor, digest, consent_basis(world.doctor))
    assert (decision.permitted, decision.state) == (True, RecordState.RETRACTED)


# --- what is offered


def test_sixteen_bases_are_looked_at_and_no_more(world: World, digest: bytes) -> None:
    world.grant(world.ada, world.doctor, number=15)
    bases = [consent_basis(world.doctor, number) for number in range(17)]
    assert ask(world, world.doctor, digest, *bases[:16]).permitted
    with refused("TooManyBases", count=17, most=16):
        ask(world, world.doctor, digest, *bases)


def test_bases_of_kinds_that_nobody_can_claim_count_for_nothing(world: World, digest: bytes) -> None:
    for kind in (BasisKind.NONE, BasisKind.OWN_RECORD, BasisKind.AUTHOR):
        assert reason(ask(world, world.doctor, digest, Basis(kind, world.doctor.address))) == Reason.NO_BASIS


@pytest.mark.parametrize("kind", [BasisKind.SIGNED_CONSENT, BasisKind.PRESENTATION, 8, 255])
def test_a_basis_that_cannot_be_read_permits_nothing(world: World, digest: bytes, kind: BasisKind) -> None:
    world.grant(world.ada, world.doctor)
    broken = Basis(kind, world.doctor.address, bytes(32), b"\x01" * 37)
    with pytest.raises(ContractRejected):
        ask(world, world.doctor, digest, broken)


def test_the_reason_given_is_the_one_that_tells_most(world: World, digest: bytes) -> None:
    world.grant(world.ada, world.doctor, terms(Category.IMAGING))
    world.grant(world.ada, world.doctor, terms(Category.LABORATORY, Purpose.HRESCH), number=1)
    world.grant(world.ada, world.doctor, terms(not_before=START + 5), number=2)
    world.grant(world.ada, world.doctor, terms(expiry=START + 1), number=3)
    world.grant(world.ada, world.doctor, number=4)
    world.withdraw(world.ada, world.doctor, number=4)
    world.chain.pass_time(1)
    rising = [
        (9, Reason.NO_BASIS),
        (1, Reason.PURPOSE_NOT_COVERED),
        (0, Reason.CATEGORY_NOT_COVERED),
        (2, Reason.CONSENT_NOT_YET_LIVE),
        (3, Reason.CONSENT_EXPIRED),
        (4, Reason.CONSENT_WITHDRAWN),
    ]
    bases: list[Basis] = []
    for number, expected in rising:
        bases.insert(len(bases) // 2, consent_basis(world.doctor, number))
        assert reason(ask(world, world.doctor, digest, *bases)) == expected
        assert reason(ask(world, world.doctor, digest, *bases[::-1])) == expected
