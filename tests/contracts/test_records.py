"""Records one at a time: anchored, proposed, answered, superseded, retracted. Batches are in test_batches.py."""

from dataclasses import replace

import pytest

from ledger.codes import Category, RecordState, Role
from ledger.types import ZERO_ADDRESS, Subject
from tests.contracts.actors import DAY, Person, World, person, terms
from tests.contracts.evm import START, Event, refused


def subject_of(patient: Person, categories: Category = Category.LABORATORY) -> Subject:
    return Subject(patient.address, categories)


def authorship(author: Person, categories: Category = Category.LABORATORY) -> int:
    return int(author.address, 16) | int(categories) << 160


def test_an_anchored_record_is_said_and_dated(world: World) -> None:
    world.grant(world.ada, world.doctor)
    world.chain.pass_time(5)
    digest = world.digest()
    sent = world.chain.send(world.doctor.address, world.acts.anchor(digest, subject_of(world.ada)))
    values = {"digest": digest, "patient": world.ada.address, "authorship": authorship(world.doctor)}
    assert sent.events == (Event("RecordAnchored", values),)
    assert world.chain.record_state(digest) == RecordState.ANCHORED
    assert world.chain.view("recordOf", digest) >> 24 & (2**40 - 1) == START + 5


def test_a_digest_is_anchored_once_whoever_comes(world: World) -> None:
    world.grant(world.ada, world.doctor)
    world.grant(world.ada, world.technician)
    digest = world.anchor(world.doctor, world.ada)
    before = world.chain.view("recordOf", digest)
    for who in (world.doctor, world.technician, world.ada):
        with refused("RecordAlreadyAnchored", digest=digest):
            world.chain.send(who.address, world.acts.anchor(digest, subject_of(world.ada)))
        with refused("RecordAlreadyAnchored", digest=digest):
            world.chain.send(world.ben.address, world.acts.anchor(digest, subject_of(world.ben)))
    with refused("RecordAlreadyAnchored"):
        world.chain.send(world.technician.address, world.acts.propose(digest, subject_of(world.ada)))
    assert world.chain.view("recordOf", digest) == before


def test_without_leave_to_write_nothing_is_anchored(world: World) -> None:
    digest = world.digest()
    act = world.acts.anchor(digest, subject_of(world.ada))
    values = {"patient": world.ada.address, "author": world.doctor.address, "categories": int(Category.LABORATORY)}
    with refused("WriteNotPermitted", **values):
        world.chain.send(world.doctor.address, act)
    world.grant(world.ada, world.doctor, terms(may_write=False))
    with refused("WriteNotPermitted", **values):
        world.chain.send(world.doctor.address, act)
    world.grant(world.ben, world.doctor)
    with refused("WriteNotPermitted", **values):
        world.chain.send(world.doctor.address, act)


def test_leave_to_write_names_every_category_of_the_record(world: World) -> None:
    world.grant(world.ada, world.doctor, terms(Category.LABORATORY | Category.IMAGING, may_write=True))
    world.anchor(world.doctor, world.ada, Category.LABORATORY | Category.IMAGING)
    with refused("WriteNotPermitted"):
        world.anchor(world.doctor, world.ada, Category.LABORATORY | Category.GENETICS)


def test_leave_to_write_begins_and_ends_to_the_second(world: World) -> None:
    window = terms(not_before=START + 100, expiry=START + 200, may_write=True)
    world.grant(world.ada, world.doctor, window)
    for time, lets in ((99, False), (100, True), (199, True), (200, False)):
        world.chain.go_to(START + time)
        if lets:
            assert world.anchor(world.doctor, world.ada)
        else:
            with refused("WriteNotPermitted"):
                world.anchor(world.doctor, world.ada)


def test_leave_to_write_ends_with_its_withdrawal_in_the_same_second(world: World) -> None:
    world.grant(world.ada, world.doctor)
    world.anchor(world.doctor, world.ada)
    world.withdraw(world.ada, world.doctor)
    with refused("WriteNotPermitted"):
        world.anchor(world.doctor, world.ada)


def test_leave_to_write_may_stand_under_any_number_and_in_the_organizations_name(world: World) -> None:
    world.grant(world.ada, world.hospital, number=513)
    via = Subject(world.ada.address, Category.LABORATORY, consent_number=513, via_organization=True)
    for who in (world.doctor, world.nurse):
        world.chain.send(who.address, world.acts.anchor(world.digest(), via))
    for wrong in (replace(via, consent_number=512), replace(via, via_organization=False)):
        with refused("WriteNotPermitted"):
            world.chain.send(world.doctor.address, world.acts.anchor(world.digest(), wrong))
    with refused("WriteNotPermitted"):
        world.chain.send(world.technician.address, world.acts.anchor(world.digest(), via))


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("via_organization", [False, True])
@pytest.mark.parametrize("denied", ["doctor", "hospital"])
def test_a_denial_of_the_author_or_her_organization_beats_leave_to_write(
    world: World, number: int, via_organization: bool, denied: str
) -> None:
    world.grant(world.ada, world.hospital if via_organization else world.doctor, number=number)
    subject = Subject(world.ada.address, Category.LABORATORY, number, via_organization)
    world.chain.send(world.doctor.address, world.acts.anchor(world.digest(), subject))
    world.deny(world.ada, getattr(world, denied))
    with refused("WriteNotPermitted", author=world.doctor.address):
        world.chain.send(world.doctor.address, world.acts.anchor(world.digest(), subject))
    world.deny(world.ada, getattr(world, denied), False)
    world.chain.send(world.doctor.address, world.acts.anchor(world.digest(), subject))


def test_a_patient_anchors_her_own_journal_and_nobody_elses(world: World) -> None:
    world.anchor(world.ada, world.ada, Category.JOURNAL)
    with refused("RoleMissing", participant=world.ada.address):
        world.anchor(world.ada, world.ben, Category.JOURNAL)
    world.deny(world.ada, world.hospital)
    assert world.anchor(world.ada, world.ada, Category.JOURNAL)


def test_a_record_without_a_category_or_a_patient_is_refused(world: World) -> None:
    with refused("SubjectInvalid", subject=int(world.ada.address, 16)):
        world.anchor(world.ada, world.ada, Category(0))
    with refused("SubjectInvalid"):
        world.chain.send(world.doctor.address, world.acts.propose(world.digest(), subject_of(world.ada, Category(0))))
    with refused("RoleMissing", participant=ZERO_ADDRESS):
        nobody = Subject(ZERO_ADDRESS, Category.IMAGING)
        world.chain.send(world.doctor.address, world.acts.propose(world.digest(), nobody))


def test_a_consent_lets_nobody_write_a_record_without_a_category(world: World) -> None:
    world.grant(world.ada, world.doctor)
    with refused("SubjectInvalid", subject=int(world.ada.address, 16)):
        world.anchor(world.doctor, world.ada, Category(0))


def test_a_team_member_writes_on_the_teams_consent_while_she_is_in_it(world: World) -> None:
    team = world.open_team(world.hospital, 1, world.technician)
    world.grant(world.ada, team)
    subject = subject_of(world.ada)
    world.chain.send(world.technician.address, world.acts.anchor_as_member(world.digest(), subject, team))
    with refused("WriteNotPermitted", author=world.nurse.address):
        world.chain.send(world.nurse.address, world.acts.anchor_as_member(world.digest(), subject, team))
    world.chain.send(world.technician.address, world.acts.set_membership(team, world.technician.address, False))
    with refused("WriteNotPermitted", author=world.technician.address):
        world.chain.send(world.technician.address, world.acts.anchor_as_member(world.digest(), subject, team))


@pytest.mark.parametrize("denied", ["technician", "laboratory", "team", "hospital"])
def test_a_denial_of_member_team_or_organization_beats_the_teams_leave_to_write(world: World, denied: str) -> None:
    team = world.open_team(world.hospital, 1, world.technician)
    world.grant(world.ada, team)
    world.deny(world.ada, team if denied == "team" else getattr(world, denied))
    with refused("WriteNotPermitted"):
        act = world.acts.anchor_as_member(world.digest(), subject_of(world.ada), team)
        world.chain.send(world.technician.address, act)


@pytest.mark.parametrize("suspended", ["team", "hospital"])
def test_nobody_writes_for_a_suspended_team_or_a_team_of_a_suspended_organization(world: World, suspended: str) -> None:
    team = world.open_team(world.hospital, 1, world.technician)
    world.grant(world.ada, team)
    world.suspend(world.consortium, team if suspended == "team" else world.hospital.address)
    act = world.acts.anchor_as_member(world.digest(), subject_of(world.ada), team)
    with refused("WriteNotPermitted", author=world.technician.address):
        world.chain.send(world.technician.address, act)


def test_a_proposal_waits_for_the_patients_answer(world: World) -> None:
    digest, subject = world.digest(), subject_of(world.ada)
    sent = world.chain.send(world.doctor.address, world.acts.propose(digest, subject))
    values = {"digest": digest, "patient": world.ada.address, "authorship": authorship(world.doctor)}
    assert sent.events == (Event("RecordProposed", values),)
    assert world.chain.record_state(digest) == RecordState.PROPOSED
    act = world.acts.answer(digest, subject, world.doctor.address, True)
    for who in (world.ben, world.hospital):
        with refused("NotThePatient" if who is world.ben else "RoleMissing"):
            world.chain.send(who.address, act)
    sent = world.chain.send(world.ada.address, act)
    assert sent.events == (Event("RecordAccepted", {"digest": digest, "patient": world.ada.address}),)
    assert world.chain.record_state(digest) == RecordState.ANCHORED
    for accepted in (True, False):
        with refused("RecordStateUnfit", digest=digest, state=RecordState.ANCHORED):
            again = world.acts.answer(digest, subject, world.doctor.address, accepted)
            world.chain.send(world.ada.address, again)


def test_a_proposal_turned_down_stays_turned_down(world: World) -> None:
    digest, subject = world.digest(), subject_of(world.ada)
    world.chain.send(world.doctor.address, world.acts.propose(digest, subject))
    sent = world.chain.send(world.ada.address, world.acts.answer(digest, subject, world.doctor.address, False))
    assert sent.events == (Event("RecordTurnedDown", {"digest": digest, "patient": world.ada.address}),)
    unfit = {"digest": digest, "state": RecordState.TURNED_DOWN}
    with refused("RecordStateUnfit", **unfit):
        world.chain.send(world.ada.address, world.acts.answer(digest, subject, world.doctor.address, True))
    with refused("RecordStateUnfit", **unfit):
        world.chain.send(world.doctor.address, world.acts.retract(digest, subject))
    with refused("RecordStateUnfit"):
        world.chain.send(world.doctor.address, world.acts.supersede(digest, world.digest(), subject))
    with refused("RecordAlreadyAnchored", digest=digest):
        world.chain.send(world.doctor.address, world.acts.propose(digest, subject))


def test_an_answer_names_subject_and_author_as_they_were_proposed(world: World) -> None:
    digest, subject = world.digest(), subject_of(world.ada)
    world.chain.send(world.doctor.address, world.acts.propose(digest, subject))
    for wrong, author in ((subject_of(world.ada, Category.IMAGING), world.doctor), (subject, world.nurse)):
        with refused("RecordNotAnchored", digest=digest):
            world.chain.send(world.ada.address, world.acts.answer(digest, wrong, author.address, True))


def test_proposals_go_to_patients_from_writers_whom_they_do_not_deny(world: World) -> None:
    with refused("RoleMissing", participant=world.stranger.address, anyOf=Role.PATIENT):
        world.chain.send(world.doctor.address, world.acts.propose(world.digest(), subject_of(world.stranger)))
    with refused("RoleMissing", participant=world.ben.address):
        world.chain.send(world.ben.address, world.acts.propose(world.digest(), subject_of(world.ada)))
    world.deny(world.ada, world.hospital)
    with refused("WriteNotPermitted", patient=world.ada.address, author=world.doctor.address):
        world.chain.send(world.doctor.address, world.acts.propose(world.digest(), subject_of(world.ada)))
    world.chain.send(world.technician.address, world.acts.propose(world.digest(), subject_of(world.ada)))


def test_a_correction_takes_the_place_of_the_record_and_both_stay(world: World) -> None:
    world.grant(world.ada, world.doctor)
    old, new, subject = world.anchor(world.doctor, world.ada), world.digest(), subject_of(world.ada)
    sent = world.chain.send(world.doctor.address, world.acts.supersede(old, new, subject))
    assert sent.events == (
        Event("RecordAnchored", {"digest": new, "patient": world.ada.address, "authorship": authorship(world.doctor)}),
        Event("RecordSuperseded", {"superseded": old, "digest": new}),
    )
    assert world.chain.record_state(old) == RecordState.SUPERSEDED
    assert world.chain.record_state(new) == RecordState.ANCHORED
    with refused("RecordStateUnfit", digest=old, state=RecordState.SUPERSEDED):
        world.chain.send(world.doctor.address, world.acts.supersede(old, world.digest(), subject))


def test_a_corrected_proposal_is_still_a_proposal(world: World) -> None:
    old, new, subject = world.digest(), world.digest(), subject_of(world.ada)
    world.chain.send(world.doctor.address, world.acts.propose(old, subject))
    sent = world.chain.send(world.doctor.address, world.acts.supersede(old, new, subject))
    assert [event.name for event in sent.events] == ["RecordProposed", "RecordSuperseded"]
    assert world.chain.record_state(new) == RecordState.PROPOSED
    with refused("RecordStateUnfit", digest=old):
        world.chain.send(world.ada.address, world.acts.answer(old, subject, world.doctor.address, True))


def test_a_correction_needs_a_new_digest(world: World) -> None:
    world.grant(world.ada, world.doctor)
    old, other = world.anchor(world.doctor, world.ada), world.anchor(world.doctor, world.ada)
    for digest in (old, other):
        with refused("RecordAlreadyAnchored", digest=digest):
            world.chain.send(world.doctor.address, world.acts.supersede(old, digest, subject_of(world.ada)))
    assert world.chain.record_state(old) == RecordState.ANCHORED


def test_only_its_author_corrects_or_retracts_a_record(world: World) -> None:
    world.grant(world.ada, world.doctor)
    world.grant(world.ada, world.nurse)
    digest, subject = world.anchor(world.doctor, world.ada), subject_of(world.ada)
    for who in (world.nurse, world.ada):
        with refused("RecordNotAnchored", digest=digest):
            world.chain.send(who.address, world.acts.supersede(digest, world.digest(), subject))
        with refused("RecordNotAnchored", digest=digest):
            world.chain.send(who.address, world.acts.retract(digest, subject))
    with refused("RecordNotAnchored", digest=digest):
        world.chain.send(world.doctor.address, world.acts.retract(digest, subject_of(world.ben)))


def test_a_retraction_is_said_and_final(world: World) -> None:
    world.grant(world.ada, world.doctor)
    digest, subject = world.anchor(world.doctor, world.ada), subject_of(world.ada)
    before = world.chain.view("recordOf", digest)
    sent = world.chain.send(world.doctor.address, world.acts.retract(digest, subject))
    assert sent.events == (Event("RecordRetracted", {"digest": digest}),)
    after = world.chain.view("recordOf", digest)
    assert before ^ after == (RecordState.ANCHORED ^ RecordState.RETRACTED) << 16
    with refused("RecordStateUnfit", digest=digest, state=RecordState.RETRACTED):
        world.chain.send(world.doctor.address, world.acts.retract(digest, subject))
    with refused("RecordStateUnfit", digest=digest, state=RecordState.RETRACTED):
        world.chain.send(world.doctor.address, world.acts.supersede(digest, world.digest(), subject))


def test_a_superseded_record_can_still_be_retracted_and_a_proposal_taken_back(world: World) -> None:
    world.grant(world.ada, world.doctor)
    old, subject = world.anchor(world.doctor, world.ada), subject_of(world.ada)
    world.chain.send(world.doctor.address, world.acts.supersede(old, world.digest(), subject))
    proposal = world.digest()
    world.chain.send(world.nurse.address, world.acts.propose(proposal, subject))
    world.chain.send(world.doctor.address, world.acts.retract(old, subject))
    world.chain.send(world.nurse.address, world.acts.retract(proposal, subject))
    assert world.chain.record_state(old) == RecordState.RETRACTED
    assert world.chain.record_state(proposal) == RecordState.TAKEN_BACK


def test_a_mistake_can_be_corrected_after_the_leave_to_write_has_ended(world: World) -> None:
    world.grant(world.ada, world.doctor)
    digest = world.anchor(world.doctor, world.ada)
    world.withdraw(world.ada, world.doctor)
    world.chain.pass_time(DAY)
    new = world.digest()
    world.chain.send(world.doctor.address, world.acts.supersede(digest, new, subject_of(world.ada)))
    world.chain.send(world.doctor.address, world.acts.retract(new, subject_of(world.ada)))
    assert world.chain.record_state(new) == RecordState.RETRACTED


def test_whoever_is_no_writer_any_more_corrects_nothing_in_other_peoples_records(world: World) -> None:
    locum, subject = person("locum"), subject_of(world.ada)
    world.register(world.hospital, locum, Role.PRACTITIONER | Role.PATIENT)
    world.grant(world.ada, locum)
    digest = world.anchor(locum, world.ada)
    own = world.anchor(locum, locum, Category.JOURNAL)
    world.chain.send(world.hospital.address, world.acts.set_roles(locum.address, Role.PATIENT))
    with refused("RoleMissing", participant=locum.address):
        world.chain.send(locum.address, world.acts.supersede(digest, world.digest(), subject))
    with refused("RoleMissing", participant=locum.address):
        world.chain.send(locum.address, world.acts.retract(digest, subject))
    world.chain.send(locum.address, world.acts.retract(own, subject_of(locum, Category.JOURNAL)))
    assert world.chain.record_state(own) == RecordState.RETRACTED


def test_spare_bits_of_a_subject_do_not_make_another_record(world: World) -> None:
    digest, subject = world.digest(), subject_of(world.ada)
    world.chain.call(world.doctor.address, "propose", digest, subject.pack() | 1 << 255)
    sent = world.chain.send(world.ada.address, world.acts.answer(digest, subject, world.doctor.address, True))
    assert sent.events[0].name == "RecordAccepted"
