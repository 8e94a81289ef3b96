"""No write by anyone without the role, and none by anyone suspended: every function that writes, tried by everybody."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from ledger import eip712
from ledger.abi import Abi
from ledger.acts import Act
from ledger.care import Question
from ledger.codes import DELEGABLE, Category, EmergencyReason, Power, ReviewOutcome, Role
from ledger.errors import ContractRejected
from ledger.merkle import MerkleTree
from ledger.types import Address, HandOut, Subject, record_leaf, scope_number
from tests.contracts.actors import DOCUMENT, LATE, RECORD, Person, Prescribed, person, terms
from tests.contracts.carers import ALL, CORRELATION, LAB, REPORT, UNTIL, CareWorld
from tests.contracts.evm import refused

ANYONE = {
    "grantSigned",
    "grantManySigned",
    "withdrawSigned",
    "setDenialSigned",
    "setDelegationSigned",
    "cosignSigned",
    "settle",
}
"""Relayed acts, for which the patient's signature answers, and the end of a cancellation that waits for nobody."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A ledger on which each of the acts below would succeed."""

    world: CareWorld
    anchored: bytes
    proposed: bytes
    subject: Subject
    in_batch: Subject
    """Of a record of a batch that is proposed."""
    root: bytes
    team: Address
    question: Question
    rx: Prescribed
    held: Prescribed
    undoable: Prescribed
    paused: Prescribed

    @classmethod
    def set(cls) -> "Stage":
        world = CareWorld()
        world.break_glass(world.medic, 1)
        world.chain.pass_time(3_600)
        world.delegate(world.ada, world.carer, DELEGABLE, ALL)
        subject = Subject(world.ada.address, Category.LABORATORY)
        for who in (world.doctor, world.technician, world.pharmacist):
            world.grant(world.ada, who)
        team = world.open_team(world.hospital, 1, world.nurse)
        world.grant(world.ada, team)
        anchored = world.anchor(world.technician, world.ada)
        proposed = world.digest()
        world.chain.send(world.nurse.address, world.acts.propose(proposed, subject))
        in_batch = replace(subject, proposed=True)
        root = MerkleTree([record_leaf(0, proposed, in_batch)]).root
        world.chain.send(world.technician.address, world.acts.anchor_batch(root, 1, DOCUMENT))
        made = [world.prescribe() for _ in range(4)]
        world.reserve(made[1], world.pharmacist)
        world.dispense(made[2], world.pharmacist)
        world.chain.send(world.doctor.address, world.acts.set_pause(made[3].opening, True))
        return cls(world, anchored, proposed, subject, in_batch, root, team, world.ask(world.doctor), *made)


Attempt = Callable[[Stage], tuple[Person, Act]]

ATTEMPTS: dict[str, Attempt] = {
    "admit": lambda s: (s.world.consortium, s.world.acts.admit(s.world.stranger.address, Role.PAYER)),
    "register": lambda s: (s.world.hospital, s.world.acts.register(s.world.stranger.address, Role.PATIENT)),
    "registerWithKeyCard": lambda s: (
        s.world.hospital,
        s.world.acts.register_with_key_card(s.world.stranger.address, Role.PATIENT, DOCUMENT),
    ),
    "setRoles": lambda s: (s.world.hospital, s.world.acts.set_roles(s.world.nurse.address, Role.PATIENT)),
    "setSuspension": lambda s: (s.world.hospital, s.world.acts.set_suspension(s.world.nurse.address, True)),
    "publishKeyCard": lambda s: (s.world.nurse, s.world.acts.publish_key_card(DOCUMENT)),
    "setPreferences": lambda s: (
        s.world.ada,
        s.world.acts.set_preferences(emergency=Category.IMAGING, barred_authors=Category(0)),
    ),
    "link": lambda s: (s.world.hospital, s.world.acts.link(DOCUMENT, s.world.ada.address)),
    "openTeam": lambda s: (s.world.hospital, s.world.acts.open_team(2)),
    "setMembership": lambda s: (
        s.world.nurse,
        s.world.acts.set_membership(s.team, s.world.nurse.address, False),
    ),
    "grant": lambda s: (s.world.ada, s.world.acts.grant(s.world.nurse.address, scope_number(0), terms(), DOCUMENT)),
    "withdraw": lambda s: (s.world.ada, s.world.acts.withdraw(s.world.doctor.address, scope_number(0))),
    "setDenial": lambda s: (s.world.ada, s.world.acts.set_denial(s.world.nurse.address, True)),
    "anchorConsents": lambda s: (s.world.hospital, s.world.acts.anchor_consents(DOCUMENT, 1, DOCUMENT)),
    "anchor": lambda s: (s.world.technician, s.world.acts.anchor(DOCUMENT, s.subject)),
    "anchorAsMember": lambda s: (
        s.world.nurse,
        s.world.acts.anchor_as_member(DOCUMENT, s.subject, s.team),
    ),
    "propose": lambda s: (s.world.nurse, s.world.acts.propose(DOCUMENT, s.subject)),
    "answer": lambda s: (s.world.ada, s.world.acts.answer(s.proposed, s.subject, s.world.nurse.address, True)),
    "supersede": lambda s: (s.world.technician, s.world.acts.supersede(s.anchored, DOCUMENT, s.subject)),
    "retract": lambda s: (s.world.technician, s.world.acts.retract(s.anchored, s.subject)),
    "anchorBatch": lambda s: (s.world.technician, s.world.acts.anchor_batch(DOCUMENT, 1, DOCUMENT)),
    "retractInBatch": lambda s: (s.world.technician, s.world.acts.retract_in_batch(s.root, 0)),
    "supersedeInBatch": lambda s: (
        s.world.technician,
        s.world.acts.supersede_in_batch(s.root, 0, s.proposed, DOCUMENT, s.in_batch, ()),
    ),
    "acceptInBatch": lambda s: (s.world.ada, s.world.acts.accept_in_batch(s.root, 0, s.proposed, s.in_batch, ())),
    "issue": lambda s: (s.world.doctor, s.world.acts.issue(DOCUMENT, s.subject)),
    "dispensePresented": lambda s: (
        s.world.pharmacist,
        s.world.acts.dispense_presented(s.rx.opening, s.world.redemption(s.rx, s.world.pharmacist), HandOut(1), RECORD),
    ),
    "dispenseGranted": lambda s: (
        s.world.pharmacist,
        s.world.acts.dispense_granted(s.rx.opening, HandOut(1), RECORD),
    ),
    "reservePresented": lambda s: (
        s.world.pharmacist,
        s.world.acts.reserve_presented(s.rx.opening, s.world.redemption(s.rx, s.world.pharmacist)),
    ),
    "reserveGranted": lambda s: (s.world.pharmacist, s.world.acts.reserve_granted(s.rx.opening)),
    "dispenseReserved": lambda s: (
        s.world.pharmacist,
        s.world.acts.dispense_reserved(s.held.opening, 1, HandOut(1), RECORD),
    ),
    "release": lambda s: (s.world.pharmacist, s.world.acts.release(s.held.opening, 1)),
    "cancel": lambda s: (s.world.ada, s.world.acts.cancel(s.rx.opening)),
    "void": lambda s: (s.world.doctor, s.world.acts.void(s.rx.opening)),
    "setPause": lambda s: (s.world.doctor, s.world.acts.set_pause(s.paused.opening, False)),
    "undo": lambda s: (
        s.world.pharmacist,
        s.world.acts.undo(s.undoable.opening, s.world.chain.prescription(s.rx.id)),
    ),
    "anchorCheckpoint": lambda s: (s.world.hospital, s.world.acts.anchor_checkpoint(1, DOCUMENT)),
    "turnDownInBatch": lambda s: (
        s.world.ada,
        s.world.acts.turn_down_in_batch(s.root, 0, s.proposed, s.in_batch, ()),
    ),
    "setDelegation": lambda s: (
        s.world.ada,
        s.world.acts.set_delegation(s.world.nurse.address, powers=Power.READ, categories=LAB, until=UNTIL),
    ),
    "resign": lambda s: (s.world.carer, s.world.acts.resign(s.world.ada.address)),
    "grantFor": lambda s: (
        s.world.carer,
        s.world.acts.grant_for(s.world.ada.address, s.world.nurse.address, scope_number(0), terms(), DOCUMENT),
    ),
    "withdrawFor": lambda s: (
        s.world.carer,
        s.world.acts.withdraw_for(s.world.ada.address, s.world.doctor.address, scope_number(0)),
    ),
    "denyFor": lambda s: (s.world.carer, s.world.acts.deny_for(s.world.ada.address, s.world.nurse.address)),
    "answerFor": lambda s: (
        s.world.carer,
        s.world.acts.answer_for(s.proposed, s.subject, s.world.nurse.address, True),
    ),
    "acceptInBatchFor": lambda s: (
        s.world.carer,
        s.world.acts.accept_in_batch_for(s.root, 0, s.proposed, s.in_batch, ()),
    ),
    "turnDownInBatchFor": lambda s: (
        s.world.carer,
        s.world.acts.turn_down_in_batch_for(s.root, 0, s.proposed, s.in_batch, ()),
    ),
    "ask": lambda s: (s.world.doctor, s.world.acts.ask(s.world.question(s.world.doctor, text="once more"))),
    "grantAsAsked": lambda s: (
        s.world.ada,
        s.world.acts.grant_as_asked(s.question, scope_number(1), terms(), DOCUMENT),
    ),
    "decline": lambda s: (s.world.ada, s.world.acts.decline(s.question)),
    "takeBack": lambda s: (s.world.doctor, s.world.acts.take_back(s.question)),
    "awaitCosignature": lambda s: (s.world.technician, s.world.acts.await_cosignature(s.anchored, s.subject)),
    "cosign": lambda s: (s.world.ada, s.world.acts.cosign(s.anchored, s.subject, s.world.technician.address)),
    "breakGlass": lambda s: (
        s.world.medic,
        s.world.acts.break_glass(s.world.ada.address, EmergencyReason.UNRESPONSIVE, hours=1, correlation=CORRELATION),
    ),
    "reviewBreakGlass": lambda s: (
        s.world.auditor,
        s.world.acts.review_break_glass(s.world.ada.address, s.world.medic.address, 1, ReviewOutcome.JUSTIFIED, REPORT),
    ),
}
EVERY = pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())

NOT_THEIRS = {
    "RoleMissing",
    "NotInCharge",
    "NotThePatient",
    "NotThePrescriber",
    "NeitherPrescriberNorPatient",
    "NotTheBatchAuthor",
    "RecordNotAnchored",
    "WriteNotPermitted",
    "DispenseNotPermitted",
    "FillKeyInvalid",
    "LeaseLost",
    "UndoNotPossible",
    "RolesNotConferrable",
    "ConsentAlreadyWithdrawn",
    "DelegationMissing",
    "GranteeInvalid",
    "NotTheAsker",
    "OwnSignature",
    "BreakGlassInvalid",
}
"""What somebody is told for whom an act is not."""


def test_every_function_that_writes_is_tried_here() -> None:
    writes = {name for name, function in Abi.shipped().functions.items() if not function.is_view}
    assert writes == ATTEMPTS.keys() | ANYONE


@EVERY
def test_who_has_the_role_may(attempt: Attempt) -> None:
    stage = Stage.set()
    who, act = attempt(stage)
    assert stage.world.chain.send(who.address, act).events


@EVERY
def test_a_stranger_may_not(attempt: Attempt) -> None:
    stage = Stage.set()
    _, act = attempt(stage)
    refusal = {"cancel": "NeitherPrescriberNorPatient", "void": "NotThePrescriber", "setPause": "NotThePrescriber"}
    with refused(refusal.get(act.kind, "RoleMissing")):
        stage.world.chain.send(stage.world.stranger.address, act)


def equals(world: CareWorld, act: Act) -> set[Person]:
    """Who may make the very same call, with the same or another effect."""
    everybody, patients = set(world.everybody()), {world.ada, world.ben, world.carer, world.neighbour}
    organizations = {
        *(world.consortium, world.hospital, world.laboratory, world.pharmacy, world.other_pharmacy),
        world.authority,
    }
    writers = everybody - patients - {world.consortium, world.authority, world.auditor}
    return {
        "register": organizations,
        "registerWithKeyCard": organizations,
        "setRoles": {world.consortium},
        "setSuspension": {world.consortium},
        "publishKeyCard": everybody,
        "setPreferences": patients,
        "openTeam": organizations,
        "setMembership": {world.hospital},
        "grant": patients,
        "withdraw": patients,
        "setDenial": patients,
        "anchorConsents": organizations,
        "anchor": {world.ada, world.doctor, world.pharmacist},
        "propose": writers,
        "anchorBatch": writers,
        "cancel": {world.doctor},
        "anchorCheckpoint": organizations,
        "setDelegation": patients,
        "ask": everybody - {world.ada},
        "grantAsAsked": {world.carer},
        "decline": {world.carer},
        "breakGlass": {world.second_medic},
        "reviewBreakGlass": {world.authority},
    }.get(act.kind, set())


@EVERY
def test_nobody_else_may(attempt: Attempt) -> None:
    stage = Stage.set()
    who, act = attempt(stage)
    others = [each for each in stage.world.everybody() if each != who and each not in equals(stage.world, act)]
    for other in others:
        with pytest.raises(ContractRejected) as caught:
            stage.world.chain.send(other.address, act)
        assert caught.value.name in NOT_THEIRS


@EVERY
def test_who_is_suspended_may_not(attempt: Attempt) -> None:
    stage = Stage.set()
    who, act = attempt(stage)
    council = person("council")
    stage.world.admit(council, Role.CONSORTIUM)
    stage.world.suspend(council, who.address)
    with refused("SuspendedParticipant", participant=who.address):
        stage.world.chain.send(who.address, act)


@EVERY
def test_the_staff_of_a_suspended_organization_may_not_and_its_patients_may(attempt: Attempt) -> None:
    stage = Stage.set()
    who, act = attempt(stage)
    found = stage.world.chain.participant(who.address)
    assert found is not None
    council = person("council")
    stage.world.admit(council, Role.CONSORTIUM)
    stage.world.suspend(council, found.organization)
    if who in (stage.world.ada, stage.world.carer):
        assert stage.world.chain.send(who.address, act).events
        return
    itself = found.organization == who.address
    with refused("SuspendedParticipant" if itself else "SuspendedOrganization", participant=who.address):
        stage.world.chain.send(who.address, act)


@pytest.mark.parametrize("relayed", sorted(ANYONE - {"settle"}))
def test_a_relayed_act_of_a_suspended_patient_is_refused(relayed: str) -> None:
    world = CareWorld()
    signed = world.signed_grant(world.ada, world.doctor)
    world.grant(world.ada, world.technician)
    digest, (ada, author) = world.anchor(world.technician, world.ada), (world.ada.address, world.technician.address)
    world.suspend(world.hospital, ada)
    second = eip712.cosignature_data(world.chain.domain, record=digest, author=author, signer=ada, deadline=LATE)
    pen = eip712.sign(second, world.ada.key)
    act = {
        "grantSigned": world.acts.grant_signed(signed),
        "grantManySigned": world.acts.grant_many_signed([signed]),
        "withdrawSigned": world.signed_withdrawal(world.ada),
        "setDenialSigned": world.signed_denial(world.ada),
        "setDelegationSigned": world.signed_delegation(world.ada),
        "cosignSigned": world.acts.cosign_signed(digest, Subject(ada, LAB), author, LATE, *pen),
    }[relayed]
    with refused("SuspendedParticipant", participant=ada):
        world.chain.send(world.stranger.address, act)
