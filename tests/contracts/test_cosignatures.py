"""Records with two signatures: the same digest signed by its author and by the other; one is visibly one."""

import pytest

from ledger import eip712
from ledger.acts import Act
from ledger.care import Signatures
from ledger.codes import DELEGABLE, Category, RecordState, Role
from ledger.types import Subject, address_of, scope_number
from tests.contracts.actors import LATE, Person, terms
from tests.contracts.carers import ALL, LAB, CareWorld
from tests.contracts.evm import START, Event, refused


@pytest.fixture
def world() -> CareWorld:
    made = CareWorld()
    made.grant(made.ada, made.doctor)
    return made


@pytest.fixture
def summary(world: CareWorld) -> bytes:
    """What the doctor wrote down of a session with Ada."""
    return world.anchor(world.doctor, world.ada)


def subject(world: CareWorld, number: int = 0) -> Subject:
    return Subject(world.ada.address, LAB, number)


def signatures(world: CareWorld, digest: bytes, author: Person) -> Signatures:
    found = world.chain.view("signaturesOf", digest, subject(world).pack(), author.address)
    count, awaited, by, anchored_at, cosigner, cosigned_at = found
    return Signatures(count, awaited, address_of(by), anchored_at, address_of(cosigner), cosigned_at)


def signed(world: CareWorld, digest: bytes, key: Person, deadline: int = LATE) -> Act:
    """Ada's second signature under what the doctor wrote, with her key or somebody else's."""
    ada, doctor = world.ada.address, world.doctor.address
    data = eip712.cosignature_data(world.chain.domain, record=digest, author=doctor, signer=ada, deadline=deadline)
    return world.acts.cosign_signed(digest, subject(world), doctor, deadline, *eip712.sign(data, key.key))


NOBODY = address_of(bytes(20))


def test_one_signature_is_visibly_one_and_two_are_two(world: CareWorld, summary: bytes) -> None:
    doctor, ada = world.doctor.address, world.ada.address
    assert signatures(world, summary, world.doctor) == Signatures(1, False, doctor, START, NOBODY, 0)
    world.send(world.doctor, world.acts.await_cosignature(summary, subject(world)))
    assert signatures(world, summary, world.doctor) == Signatures(1, True, doctor, START, NOBODY, 0)
    world.chain.pass_time(60)
    sent = world.send(world.ada, world.acts.cosign(summary, subject(world), doctor))
    assert sent.events == (Event("RecordCosigned", {"digest": summary, "patient": ada, "signer": ada}),)
    assert signatures(world, summary, world.doctor) == Signatures(2, True, doctor, START, ada, START + 60)


def test_what_nobody_anchored_has_no_signature(world: CareWorld, summary: bytes) -> None:
    nothing = Signatures(0, False, NOBODY, 0, NOBODY, 0)
    assert signatures(world, world.digest(), world.doctor) == nothing
    assert signatures(world, summary, world.nurse) == nothing


def test_she_signs_what_nobody_asked_her_to_sign(world: CareWorld, summary: bytes) -> None:
    world.send(world.ada, world.acts.cosign(summary, subject(world), world.doctor.address))
    assert signatures(world, summary, world.doctor).count == 2
    with refused("RecordAlreadyCosigned", digest=summary, signer=world.ada.address):
        world.send(world.doctor, world.acts.await_cosignature(summary, subject(world)))


def test_only_the_author_asks_for_a_second_signature_and_once(world: CareWorld, summary: bytes) -> None:
    act = world.acts.await_cosignature(summary, subject(world))
    with refused("RecordNotAnchored", digest=summary):
        world.send(world.nurse, act)
    sent = world.send(world.doctor, act)
    values = {"digest": summary, "patient": world.ada.address, "author": world.doctor.address}
    assert sent.events == (Event("CosignatureAwaited", values),)
    with refused("CosignatureAlreadyAwaited", digest=summary):
        world.send(world.doctor, act)


def test_nobody_signs_for_her_not_even_her_delegate(world: CareWorld, summary: bytes) -> None:
    world.delegate(world.ada, world.carer, DELEGABLE, ALL)
    act = world.acts.cosign(summary, subject(world), world.doctor.address)
    for other in (world.carer, world.ben):
        with refused("NotThePatient", caller=other.address, patient=world.ada.address):
            world.send(other, act)
    for other in (world.nurse, world.hospital, world.stranger):
        with refused("RoleMissing", participant=other.address, anyOf=Role.PATIENT):
            world.send(other, act)


def test_the_author_is_not_the_second_to_sign(world: CareWorld, summary: bytes) -> None:
    with refused("OwnSignature", digest=summary, author=world.doctor.address):
        world.send(world.doctor, world.acts.cosign(summary, subject(world), world.doctor.address))
    journal = world.anchor(world.ada, world.ada)
    with refused("OwnSignature", digest=journal, author=world.ada.address):
        world.send(world.ada, world.acts.cosign(journal, subject(world), world.ada.address))


def test_a_record_is_co_signed_once(world: CareWorld, summary: bytes) -> None:
    world.send(world.ada, world.acts.cosign(summary, subject(world), world.doctor.address))
    for act in (world.acts.cosign(summary, subject(world), world.doctor.address), signed(world, summary, world.ada)):
        with refused("RecordAlreadyCosigned", signer=world.ada.address):
            world.send(world.ada, act)


def test_she_signs_the_very_record_that_was_anchored(world: CareWorld, summary: bytes) -> None:
    with refused("RecordNotAnchored"):
        world.send(world.ada, world.acts.cosign(world.digest(), subject(world), world.doctor.address))
    with refused("RecordNotAnchored", digest=summary):
        world.send(world.ada, world.acts.cosign(summary, subject(world), world.nurse.address))
    other = Subject(world.ada.address, Category.MEDICATION)
    with refused("RecordNotAnchored", digest=summary):
        world.send(world.ada, world.acts.cosign(summary, other, world.doctor.address))


def test_what_is_proposed_corrected_or_retracted_is_not_co_signed(world: CareWorld, summary: bytes) -> None:
    doctor = world.doctor.address
    proposed, correction = world.digest(), world.digest()
    world.send(world.nurse, world.acts.propose(proposed, subject(world)))
    with refused("RecordStateUnfit", state=int(RecordState.PROPOSED)):
        world.send(world.ada, world.acts.cosign(proposed, subject(world), world.nurse.address))
    world.send(world.doctor, world.acts.supersede(summary, correction, subject(world)))
    with refused("RecordStateUnfit", state=int(RecordState.SUPERSEDED)):
        world.send(world.ada, world.acts.cosign(summary, subject(world), doctor))
    with refused("RecordStateUnfit", state=int(RecordState.SUPERSEDED)):
        world.send(world.doctor, world.acts.await_cosignature(summary, subject(world)))
    world.send(world.doctor, world.acts.retract(correction, subject(world)))
    with refused("RecordStateUnfit", state=int(RecordState.RETRACTED)):
        world.send(world.ada, world.acts.cosign(correction, subject(world), doctor))


def test_a_correction_needs_signatures_of_its_own(world: CareWorld, summary: bytes) -> None:
    world.send(world.ada, world.acts.cosign(summary, subject(world), world.doctor.address))
    correction = world.digest()
    world.send(world.doctor, world.acts.supersede(summary, correction, subject(world)))
    assert signatures(world, correction, world.doctor).count == 1
    assert signatures(world, summary, world.doctor).count == 2


# --- signed by her, sent by anybody


def test_her_signature_is_sent_by_anybody(world: CareWorld, summary: bytes) -> None:
    sent = world.send(world.stranger, signed(world, summary, world.ada))
    assert sent.events[0].values["signer"] == world.ada.address
    assert signatures(world, summary, world.doctor).count == 2


def test_her_signature_under_one_record_is_none_under_another(world: CareWorld, summary: bytes) -> None:
    other, act = world.anchor(world.doctor, world.ada), signed(world, summary, world.ada)
    r, vs = act.data[-64:-32], act.data[-32:]
    moved = world.acts.cosign_signed(other, subject(world), world.doctor.address, LATE, r, vs)
    with refused("SignatureInvalid", expected=world.ada.address):
        world.send(world.doctor, moved)


def test_no_one_elses_signature_is_hers_and_her_own_record_has_none_of_hers(world: CareWorld, summary: bytes) -> None:
    world.delegate(world.ada, world.carer, DELEGABLE, ALL)
    for forger in (world.doctor, world.carer):
        with refused("SignatureInvalid", expected=world.ada.address, recovered=forger.address):
            world.send(world.doctor, signed(world, summary, forger))
    journal = world.anchor(world.ada, world.ada)
    data = eip712.cosignature_data(
        world.chain.domain, record=journal, author=world.ada.address, signer=world.ada.address, deadline=LATE
    )
    r, vs = eip712.sign(data, world.ada.key)
    with refused("OwnSignature", digest=journal):
        world.send(world.doctor, world.acts.cosign_signed(journal, subject(world), world.ada.address, LATE, r, vs))


def test_a_suspended_patient_signs_nothing(world: CareWorld, summary: bytes) -> None:
    world.suspend(world.hospital, world.ada.address)
    for act in (signed(world, summary, world.ada), world.acts.cosign(summary, subject(world), world.doctor.address)):
        with refused("SuspendedParticipant", participant=world.ada.address):
            world.send(world.ada, act)


# --- under what she wrote herself


def test_a_writer_whom_she_lets_write_signs_what_she_wrote(world: CareWorld) -> None:
    journal = world.anchor(world.ada, world.ada)
    world.send(world.ada, world.acts.await_cosignature(journal, subject(world)))
    sent = world.send(world.doctor, world.acts.cosign(journal, subject(world), world.ada.address))
    values = {"digest": journal, "patient": world.ada.address, "signer": world.doctor.address}
    assert sent.events == (Event("RecordCosigned", values),)


def test_nobody_else_signs_what_she_wrote(world: CareWorld) -> None:
    journal, ada = world.anchor(world.ada, world.ada), world.ada.address
    act = world.acts.cosign(journal, subject(world), ada)
    with refused("WriteNotPermitted", author=world.nurse.address):
        world.send(world.nurse, act)
    for other in (world.ben, world.carer, world.stranger):
        with refused("RoleMissing", participant=other.address):
            world.send(other, act)
    world.grant(world.ada, world.nurse, terms(LAB))
    with refused("WriteNotPermitted", author=world.nurse.address):
        world.send(world.nurse, act)
    world.deny(world.ada, world.doctor)
    with refused("WriteNotPermitted", author=world.doctor.address):
        world.send(world.doctor, act)
    world.deny(world.ada, world.doctor, denied=False)
    world.send(world.ada, world.acts.withdraw(world.doctor.address, scope_number(0)))
    with refused("WriteNotPermitted", author=world.doctor.address):
        world.send(world.doctor, act)


def test_a_writer_signs_on_her_organizations_consent(world: CareWorld) -> None:
    journal = world.anchor(world.ada, world.ada)
    world.grant(world.ada, world.hospital, number=2)
    via = Subject(world.ada.address, LAB, 2, via_organization=True)
    assert world.send(world.nurse, world.acts.cosign(journal, via, world.ada.address)).events
