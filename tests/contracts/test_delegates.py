"""What a delegate may do in a patient's name, and every way of doing more."""

import pytest

from ledger.codes import DELEGABLE, Category, DelegatedAct, Power, Purpose
from ledger.merkle import MerkleTree
from ledger.types import FOREVER, Subject, consent_id, record_leaf, scope_number
from tests.contracts.actors import DAY, DOCUMENT, Person, consent_basis, terms
from tests.contracts.carers import ALL, BOTH, LAB, UNTIL, CareWorld
from tests.contracts.evm import START, Event, refused


@pytest.fixture
def world() -> CareWorld:
    return CareWorld()


def done(world: CareWorld, what: bytes, act: DelegatedAct) -> Event:
    """The event that says for ever who did it."""
    values = {"patient": world.ada.address, "delegate": world.carer.address, "what": what, "act": int(act)}
    return Event("DoneByDelegate", values)


# --- granting


def test_what_a_delegate_grants_is_the_same_consent_and_says_that_he_did_it(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, Power.GRANT)
    what = terms(LAB, expiry=START + 30 * DAY)
    sent = world.grant_for(world.carer, world.ada, world.doctor, what)
    assert [event.name for event in sent.events] == ["ConsentGranted", "DoneByDelegate"]
    consent = consent_id(world.ada.address, world.doctor.address, scope_number(0))
    assert sent.events[1] == done(world, consent, DelegatedAct.GRANT)
    assert world.chain.consent(world.ada.address, world.doctor.address).terms == what

    digest = world.anchor(world.ada, world.ada)
    request = world.request(world.doctor, digest, world.ada)
    assert world.chain.decide(request, [consent_basis(world.doctor)]).permitted
    world.withdraw(world.ada, world.doctor)
    assert not world.chain.decide(request, [consent_basis(world.doctor)]).permitted


@pytest.mark.parametrize("powers", [DELEGABLE & ~Power.GRANT, Power.WITHDRAW, Power.READ])
def test_without_the_power_to_grant_he_grants_nothing(world: CareWorld, powers: Power) -> None:
    world.delegate(world.ada, world.carer, powers, ALL)
    with refused("DelegationMissing", power=int(Power.GRANT)):
        world.grant_for(world.carer, world.ada, world.doctor)


def test_a_delegate_for_laboratory_results_does_not_grant_medication(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, Power.GRANT, LAB)
    for categories in (Category.MEDICATION, BOTH, Category.GENETICS, ALL):
        with refused("DelegationExceeded", categories=int(categories), delegated=int(LAB)):
            world.grant_for(world.carer, world.ada, world.doctor, terms(categories, expiry=START + DAY))


def test_nothing_after_his_delegation_ended_to_the_second(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, Power.GRANT, until=START + 100)
    what = terms(LAB, expiry=START + 100)
    world.chain.go_to(START + 100)
    with refused("DelegationMissing"):
        world.grant_for(world.carer, world.ada, world.doctor, what)
    world.chain.go_to(START + 99)
    assert world.grant_for(world.carer, world.ada, world.doctor, what).events


def test_what_he_grants_does_not_outlive_his_delegation(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, Power.GRANT)
    for expiry in (UNTIL + 1, FOREVER):
        with refused("DelegationOutlived", delegate=world.carer.address, expiry=expiry, until=UNTIL):
            world.grant_for(world.carer, world.ada, world.doctor, terms(LAB, expiry=expiry))
    assert world.grant_for(world.carer, world.ada, world.doctor, terms(LAB, expiry=UNTIL)).events


def test_he_grants_nothing_to_himself_his_organization_or_a_team_that_he_is_in(world: CareWorld) -> None:
    """Nor to the same in the question that he asked himself."""
    team = world.open_team(world.hospital, 1, world.nurse)
    world.delegate(world.ada, world.nurse, Power.GRANT)
    what = terms(LAB, expiry=START + DAY)
    for grantee in (world.nurse.address, world.hospital.address, team):
        act = world.acts.grant_for(world.ada.address, grantee, scope_number(0), what, DOCUMENT)
        with refused("ActsOnHimself", delegate=world.nurse.address, grantee=grantee):
            world.send(world.nurse, act)
    question = world.ask(world.nurse)
    with refused("ActsOnHimself", grantee=world.nurse.address):
        world.send(world.nurse, world.acts.grant_as_asked(question, scope_number(0), what, DOCUMENT))
    with refused("ActsOnHimself", grantee=world.nurse.address):
        world.send(world.nurse, world.acts.decline(question))


def test_a_relative_may_grant_to_the_hospital_that_registered_him(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, Power.GRANT)
    assert world.grant_for(world.carer, world.ada, world.hospital).events


def test_he_does_nothing_that_she_could_not(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, DELEGABLE, ALL)
    with refused("GranteeInvalid", grantee=world.ada.address):
        world.grant_for(world.carer, world.ada, world.ada)
    with refused("ConsentPeriodEmpty"):
        world.grant_for(world.carer, world.ada, world.doctor, terms(LAB, expiry=START))
    with refused("ConsentTermsInvalid"):
        world.grant_for(world.carer, world.ada, world.doctor, terms(LAB, Purpose.BTG, expiry=START + 1))
    world.grant(world.ada, world.doctor)
    with refused("ConsentScopeUsed"):
        world.grant_for(world.carer, world.ada, world.doctor)
    world.suspend(world.hospital, world.ada.address)
    with refused("SuspendedParticipant", participant=world.ada.address):
        world.grant_for(world.carer, world.ada, world.nurse)


def test_a_delegation_of_hers_is_none_of_bens(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, DELEGABLE, ALL)
    world.grant(world.ben, world.doctor)
    with refused("DelegationMissing", patient=world.ben.address):
        world.grant_for(world.carer, world.ben, world.nurse)
    with refused("DelegationMissing", patient=world.ben.address):
        world.send(world.carer, world.acts.withdraw_for(world.ben.address, world.doctor.address, scope_number(0)))


def test_a_suspended_delegate_does_nothing(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, DELEGABLE, ALL)
    world.delegate(world.ada, world.nurse, DELEGABLE, ALL)
    world.suspend(world.hospital, world.carer.address)
    with refused("SuspendedParticipant", participant=world.carer.address):
        world.grant_for(world.carer, world.ada, world.doctor)
    world.suspend(world.consortium, world.hospital.address)
    with refused("SuspendedOrganization", participant=world.nurse.address):
        world.grant_for(world.nurse, world.ada, world.doctor)


def test_a_delegate_whom_she_denies_does_nothing(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, DELEGABLE, ALL)
    world.deny(world.ada, world.carer)
    with refused("DelegationMissing", delegate=world.carer.address):
        world.grant_for(world.carer, world.ada, world.doctor)
    world.delegate(world.ada, world.nurse, DELEGABLE, ALL)
    world.deny(world.ada, world.hospital)
    with refused("DelegationMissing", delegate=world.nurse.address):
        world.grant_for(world.nurse, world.ada, world.pharmacist)


# --- withdrawing and denying


def test_he_withdraws_a_consent_all_of_whose_categories_are_his(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, Power.WITHDRAW, LAB)
    world.grant(world.ada, world.doctor, terms(LAB))
    world.grant(world.ada, world.doctor, terms(BOTH), number=1)
    ada, doctor = world.ada.address, world.doctor.address
    sent = world.send(world.carer, world.acts.withdraw_for(ada, doctor, scope_number(0)))
    assert [event.name for event in sent.events] == ["ConsentWithdrawn", "DoneByDelegate"]
    assert sent.events[1] == done(world, consent_id(ada, doctor, scope_number(0)), DelegatedAct.WITHDRAW)
    assert world.chain.consent(ada, doctor).withdrawn_at == START
    with refused("DelegationExceeded", categories=int(BOTH)):
        world.send(world.carer, world.acts.withdraw_for(ada, doctor, scope_number(1)))


def test_he_voids_no_scope_that_nobody_granted(world: CareWorld) -> None:
    """What she signed on paper, and somebody will anchor, is not his to kill."""
    world.delegate(world.ada, world.carer, Power.WITHDRAW, ALL)
    signed = world.signed_grant(world.ada, world.doctor)
    with refused("ConsentUnknown", grantee=world.doctor.address):
        world.send(world.carer, world.acts.withdraw_for(world.ada.address, world.doctor.address, scope_number(0)))
    assert world.send(world.stranger, world.acts.grant_signed(signed)).events


def test_he_withdraws_nothing_twice_and_nothing_of_his_own(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, Power.WITHDRAW, ALL)
    world.grant(world.ada, world.doctor)
    world.grant(world.ada, world.carer)
    act = world.acts.withdraw_for(world.ada.address, world.doctor.address, scope_number(0))
    world.send(world.carer, act)
    with refused("ConsentAlreadyWithdrawn"):
        world.send(world.carer, act)
    with refused("ActsOnHimself", grantee=world.carer.address):
        world.send(world.carer, world.acts.withdraw_for(world.ada.address, world.carer.address, scope_number(0)))


def test_he_denies_for_her_if_every_category_is_his_and_lifts_no_denial(world: CareWorld) -> None:
    ada, doctor = world.ada.address, world.doctor.address
    world.delegate(world.ada, world.carer, Power.WITHDRAW, ALL)
    sent = world.send(world.carer, world.acts.deny_for(ada, doctor))
    assert [event.name for event in sent.events] == ["AccessDenied", "DoneByDelegate"]
    assert sent.events[1] == done(world, consent_id(ada, doctor, scope_number(0)), DelegatedAct.DENY)
    with refused("DenialUnchanged"):
        world.send(world.carer, world.acts.deny_for(ada, doctor))
    world.send(world.carer, world.acts.set_denial(doctor, True))
    assert world.chain.consent(ada, doctor).denied
    assert world.send(world.ada, world.acts.set_denial(doctor, False)).events


def test_a_denial_concerns_all_categories_and_so_needs_them_all(world: CareWorld) -> None:
    ada, doctor = world.ada.address, world.doctor.address
    world.delegate(world.ada, world.carer, Power.WITHDRAW, ALL & ~Category.GENETICS)
    with refused("DelegationExceeded", categories=0xFFFF):
        world.send(world.carer, world.acts.deny_for(ada, doctor))
    world.delegate(world.ada, world.carer, DELEGABLE & ~Power.WITHDRAW, ALL)
    with refused("DelegationMissing", power=int(Power.WITHDRAW)):
        world.send(world.carer, world.acts.deny_for(ada, doctor))


def test_he_denies_neither_himself_nor_her(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, Power.WITHDRAW, ALL)
    with refused("ActsOnHimself"):
        world.send(world.carer, world.acts.deny_for(world.ada.address, world.carer.address))
    with refused("GranteeInvalid"):
        world.send(world.carer, world.acts.deny_for(world.ada.address, world.ada.address))


# --- answering proposals


def propose(world: CareWorld, author: Person, categories: Category = LAB) -> tuple[bytes, Subject]:
    digest, subject = world.digest(), Subject(world.ada.address, categories)
    world.send(author, world.acts.propose(digest, subject))
    return digest, subject


@pytest.mark.parametrize(("accepted", "name"), [(True, "RecordAccepted"), (False, "RecordTurnedDown")])
def test_he_answers_a_proposal_if_that_was_delegated(world: CareWorld, accepted: bool, name: str) -> None:
    digest, subject = propose(world, world.doctor)
    act = world.acts.answer_for(digest, subject, world.doctor.address, accepted)
    world.delegate(world.ada, world.carer, DELEGABLE & ~Power.ACCEPT)
    with refused("DelegationMissing", power=int(Power.ACCEPT)):
        world.send(world.carer, act)
    world.delegate(world.ada, world.carer, Power.ACCEPT)
    sent = world.send(world.carer, act)
    assert sent.events[0] == Event(name, {"digest": digest, "patient": world.ada.address})
    assert sent.events[1] == done(world, digest, DelegatedAct.ANSWER)
    with refused("RecordStateUnfit"):
        world.send(world.carer, act)


def test_he_answers_nothing_beyond_his_categories_and_nothing_that_he_wrote(world: CareWorld) -> None:
    world.delegate(world.ada, world.nurse, Power.ACCEPT, LAB)
    digest, subject = propose(world, world.doctor, BOTH)
    with refused("DelegationExceeded", categories=int(BOTH)):
        world.send(world.nurse, world.acts.answer_for(digest, subject, world.doctor.address, True))
    lie = Subject(world.ada.address, LAB)
    with refused("RecordNotAnchored", digest=digest):
        world.send(world.nurse, world.acts.answer_for(digest, lie, world.doctor.address, True))
    own, subject = propose(world, world.nurse)
    with refused("ActsOnHimself", grantee=world.nurse.address):
        world.send(world.nurse, world.acts.answer_for(own, subject, world.nurse.address, True))


@pytest.mark.parametrize("accepted", [True, False])
def test_he_answers_for_one_record_of_a_batch(world: CareWorld, accepted: bool) -> None:
    digest, subject = world.digest(), Subject(world.ada.address, LAB)
    leaves = [record_leaf(0, digest, subject), record_leaf(1, digest, Subject(world.ada.address, BOTH))]
    tree = MerkleTree(leaves)
    world.send(world.laboratory, world.acts.anchor_batch(tree.root, 2, DOCUMENT))
    build = world.acts.accept_in_batch_for if accepted else world.acts.turn_down_in_batch_for
    act = build(tree.root, 0, digest, subject, tree.path(0))
    with refused("DelegationMissing", power=int(Power.ACCEPT)):
        world.send(world.carer, act)
    world.delegate(world.ada, world.carer, Power.ACCEPT, LAB)
    sent = world.send(world.carer, act)
    assert sent.events[0].name == ("BatchRecordAccepted" if accepted else "BatchRecordTurnedDown")
    kind = DelegatedAct.ACCEPT_IN_BATCH if accepted else DelegatedAct.TURN_DOWN_IN_BATCH
    assert sent.events[1] == done(world, tree.root, kind)
    wider = build(tree.root, 1, digest, Subject(world.ada.address, BOTH), tree.path(1))
    with refused("DelegationExceeded", categories=int(BOTH)):
        world.send(world.carer, wider)


def test_he_answers_for_no_record_of_a_batch_that_he_anchored(world: CareWorld) -> None:
    digest, subject = world.digest(), Subject(world.ada.address, LAB)
    tree = MerkleTree([record_leaf(0, digest, subject)])
    world.send(world.technician, world.acts.anchor_batch(tree.root, 1, DOCUMENT))
    world.delegate(world.ada, world.technician, Power.ACCEPT, LAB)
    for build in (world.acts.accept_in_batch_for, world.acts.turn_down_in_batch_for):
        with refused("ActsOnHimself", grantee=world.technician.address):
            world.send(world.technician, build(tree.root, 0, digest, subject, tree.path(0)))
