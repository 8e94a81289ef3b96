"""A prescription's whole journey on a real chain: issued, presented, read, reserved, dispensed, cancelled, refused."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from gateway.database import reading
from gateway.errors import NotFound, NotPermitted
from gateway.flow import retrieve
from gateway.identity.keystore import Identity
from gateway.prescriptions import claims, dispensing, qr
from gateway.prescriptions import issuing as prescriptions
from gateway.prescriptions.access import open_slip
from gateway.prescriptions.bodies import bodies
from gateway.prescriptions.claims import Counter
from gateway.prescriptions.dispensing import DispenseRecord
from gateway.prescriptions.issuing import Order
from gateway.prescriptions.offline import check_offline
from gateway.prescriptions.qr import Presentation
from gateway.prescriptions.refusals import ClaimRefused
from gateway.prescriptions.standing import Word
from ledger.codes import Category, Purpose
from ledger.errors import AccessDenied
from ledger.types import PrescriptionTerms
from tests.gateway.people import World, populate, running

DAY = 86_400
BODY = json.dumps({"resourceType": "MedicationRequest", "note": "CANARY-DRUG 20 mg"}).encode()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("gateway")) as gateway:
        world = populate(gateway)
        world.let(world.patient, world.doctor.address, Category.MEDICATION, write=True)
        yield world


def terms(world: World, **changes: Any) -> PrescriptionTerms:
    fields: dict[str, Any] = {
        "fills": 1,
        "per_fill": 30,
        "quantity": 30,
        "min_interval": 0,
        "not_before": world.now() - 10,
        "expiry": world.now() + 90 * DAY,
    }
    return PrescriptionTerms(**(fields | changes))


def issued(world: World, **changes: Any) -> bytes:
    """A prescription for the patient; its id."""
    order = Order(
        world.patient.address, Category.MEDICATION, terms(world, **changes), world.header(Category.MEDICATION)
    )
    done = prescriptions.issue(world.gateway, world.doctor, order, io.BytesIO(BODY), world.errand())
    assert done.entry.state == "mined"
    return done.prescription


def shown(world: World, prescription: bytes, fill: int | None = None) -> Presentation:
    """What a pharmacist reads from the patient's QR code."""
    presentation = prescriptions.present(world.gateway, world.patient, prescription, fill=fill)
    return qr.decode(qr.encode(presentation))


def dispensed_record(world: World) -> DispenseRecord:
    return DispenseRecord(world.header(Category.MEDICATION), io.BytesIO(b'{"resourceType":"MedicationDispense"}'))


def hand_out(world: World, by: Identity, presentation: Presentation, units: int, **more: Any) -> Any:
    return dispensing.dispense(world.gateway, by, Counter(presentation), units, world.errand(), **more)


def refused(world: World, by: Identity, presentation: Presentation, units: int = 30) -> ClaimRefused:
    with pytest.raises(ClaimRefused) as caught:
        hand_out(world, by, presentation, units)
    return caught.value


def test_a_prescription_goes_from_the_doctor_over_the_counter_to_the_patients_history(world: World) -> None:
    gateway = world.gateway
    prescription = issued(world)

    (listed, *_) = prescriptions.prescriptions_of(gateway, world.patient)
    assert listed.indexed.prescription == prescription
    assert listed.standing is not None
    assert listed.standing.word is Word.ISSUED
    assert prescriptions.prescriptions_of(gateway, world.doctor)[0].indexed.prescription == prescription

    presentation = shown(world, prescription)
    checked = claims.check(gateway, world.pharmacist.address, presentation)
    assert (checked.refused, checked.standing.units_now) == (None, 30)

    body = claims.read(gateway, world.pharmacist, Counter(presentation), "reading")
    assert b"".join(body.content) == BODY
    (line, *_) = gateway.log.page(patients=[world.patient.address])
    assert (line.attempt.reader, line.attempt.permitted) == (world.pharmacist.address, True)
    assert line.attempt.basis.name == "PRESENTATION"

    done = hand_out(world, world.pharmacist, presentation, 30, dispensed=dispensed_record(world))
    assert gateway.ledger.prescription(prescription).status.name == "COMPLETED"
    for reader in (world.patient, world.doctor, world.pharmacist):
        purpose = Purpose.PATRQT if reader is world.patient else Purpose.TREAT
        opened = retrieve(gateway, reader, done.record, purpose=purpose, correlation="after")
        assert b"MedicationDispense" in b"".join(opened.content)
        assert opened.located.author == world.pharmacist.address

    (change,) = prescriptions.history(gateway, prescription)
    assert (change.change, change.by, change.record) == ("dispensed", world.pharmacist.address, done.record)
    standing = prescriptions.prescription_of(gateway, world.patient, prescription).standing
    assert standing is not None
    assert standing.word is Word.DISPENSED


def test_patient_and_prescriber_open_the_body_like_any_record(world: World) -> None:
    prescription = issued(world)
    slip = open_slip(world.gateway, world.patient, prescription)
    for reader in (world.patient, world.doctor):
        opened = retrieve(world.gateway, reader, slip.opening.digest, purpose=Purpose.TREAT, correlation="reading it")
        assert b"".join(opened.content) == BODY
    with pytest.raises(AccessDenied):
        retrieve(world.gateway, world.technician, slip.opening.digest, purpose=Purpose.TREAT, correlation="curious")


def test_what_the_gateway_remembers_of_a_body_tells_nothing_of_its_terms(world: World) -> None:
    prescription = issued(world)
    opening = open_slip(world.gateway, world.patient, prescription).opening
    with reading(world.gateway.database) as connection:
        row = connection.execute(select(bodies).where(bodies.c.prescription == prescription)).one()
    kept = b"".join(value for value in row if isinstance(value, bytes))
    assert opening.digest in kept
    for hidden in (opening.fill_keys, opening.hidden(), opening.terms.word().lstrip(b"\0")):
        assert hidden not in kept


def test_only_the_patients_slip_holds_fill_keys(world: World) -> None:
    prescription = issued(world)
    assert len(open_slip(world.gateway, world.patient, prescription).fill_keys) == 1
    assert open_slip(world.gateway, world.doctor, prescription).fill_keys == ()
    with pytest.raises(NotFound):
        prescriptions.present(world.gateway, world.doctor, prescription)
    with pytest.raises(NotFound):
        open_slip(world.gateway, world.pharmacist, prescription)


def test_a_code_is_of_no_use_after_it_was_used(world: World) -> None:
    prescription = issued(world)
    presentation = shown(world, prescription)
    hand_out(world, world.pharmacist, presentation, 30)

    late = refused(world, world.other_pharmacist, presentation)
    assert late.reason == "already-dispensed"
    assert late.sentence.startswith("Another pharmacy dispensed")
    assert late.facts["dispensed_at"] == world.gateway.ledger.prescription(prescription).dispensed_at
    again = refused(world, world.pharmacist, presentation)
    assert again.sentence.startswith("You dispensed")
    checked = claims.check(world.gateway, world.other_pharmacist.address, presentation)
    assert checked.refused is not None
    assert checked.refused.reason == "already-dispensed"
    with pytest.raises(ClaimRefused) as caught:
        claims.read(world.gateway, world.other_pharmacist, Counter(presentation), "late")
    assert caught.value.reason == "already-dispensed"
    (line, *_) = world.gateway.log.page(patients=[world.patient.address])
    assert (line.attempt.permitted, line.attempt.reader) == (False, world.other_pharmacist.address)


def test_a_code_for_the_second_fill_does_not_open_the_first(world: World) -> None:
    prescription = issued(world, fills=2, quantity=60)
    second = shown(world, prescription, fill=1)
    early = refused(world, world.pharmacist, second)
    assert (early.reason, early.facts) == ("wrong-fill", {"fill_due": 1})
    hand_out(world, world.pharmacist, shown(world, prescription), 30)
    hand_out(world, world.other_pharmacist, second, 30)
    assert world.gateway.ledger.prescription(prescription).status.name == "COMPLETED"


def test_what_is_owed_is_collected_elsewhere_on_the_same_code(world: World) -> None:
    prescription = issued(world)
    presentation = shown(world, prescription)
    hand_out(world, world.pharmacist, presentation, 10, owed=True)
    standing = prescriptions.prescription_of(world.gateway, world.patient, prescription).standing
    assert standing is not None
    assert (standing.word, standing.units_now) == (Word.PARTLY_DISPENSED, 20)
    too_many = refused(world, world.other_pharmacist, presentation, 21)
    assert (too_many.reason, too_many.status, too_many.facts) == ("units-out-of-range", 422, {"most": 20})
    hand_out(world, world.other_pharmacist, presentation, 20)
    assert world.gateway.ledger.prescription(prescription).units_used == 30


def test_a_reservation_lets_its_holder_read_and_dispense_without_the_code(world: World) -> None:
    gateway = world.gateway
    prescription = issued(world)
    presentation = shown(world, prescription)
    reserved = dispensing.reserve(gateway, world.pharmacist, Counter(presentation), world.errand())
    assert reserved.until - world.now() > 23 * 3600

    held = refused(world, world.other_pharmacist, presentation)
    assert held.reason == "reserved-by-another"
    body = claims.read(gateway, world.pharmacist, Counter(prescription=prescription), "preparing")
    assert b"".join(body.content) == BODY
    done = dispensing.dispense_reserved(
        gateway,
        world.pharmacist,
        prescription,
        reserved.fence,
        30,
        world.errand(),
        dispensed=dispensed_record(world),
    )
    assert done.entry.state == "mined"
    changes = [change.change for change in prescriptions.history(gateway, prescription)]
    assert changes == ["claimed", "dispensed"]


def test_a_late_dispense_after_a_lapsed_reservation_is_refused_once_somebody_else_holds_it(world: World) -> None:
    gateway = world.gateway
    prescription = issued(world)
    presentation = shown(world, prescription)
    first = dispensing.reserve(gateway, world.pharmacist, Counter(presentation), world.errand())
    world.travel(24 * 3600 + 1)

    with pytest.raises(ClaimRefused) as lapsed:
        dispensing.dispense_reserved(gateway, world.pharmacist, prescription, first.fence, 30, world.errand())
    assert lapsed.value.reason == "reservation-lapsed"

    second = dispensing.reserve(gateway, world.other_pharmacist, Counter(presentation), world.errand())
    assert second.fence == first.fence + 1
    with pytest.raises(ClaimRefused) as late:
        dispensing.dispense_reserved(gateway, world.pharmacist, prescription, first.fence, 30, world.errand())
    assert late.value.reason == "reserved-by-another"
    with pytest.raises(ClaimRefused):
        dispensing.release(gateway, world.pharmacist, prescription, first.fence, world.errand())
    dispensing.release(gateway, world.other_pharmacist, prescription, second.fence, world.errand())
    hand_out(world, world.pharmacist, presentation, 30)


def test_too_early_too_soon_and_expired_have_their_own_reasons(world: World) -> None:
    early = issued(world, not_before=world.now() + 3600)
    refusal = refused(world, world.pharmacist, shown(world, early))
    assert (refusal.reason, refusal.facts["from_time"] > world.now()) == ("not-yet", True)

    repeated = issued(world, fills=2, quantity=60, min_interval=20 * DAY)
    hand_out(world, world.pharmacist, shown(world, repeated), 30)
    soon = refused(world, world.pharmacist, shown(world, repeated))
    assert soon.reason == "too-soon"
    assert soon.facts["from_time"] == world.gateway.ledger.prescription(repeated).dispensed_at + 20 * DAY

    short = issued(world, expiry=world.now() + 3600)
    world.travel(3601)
    assert refused(world, world.pharmacist, shown(world, short)).reason == "expired"
    found = check_offline(world.gateway, replace_expiry(world, short))
    assert not found.sound


def replace_expiry(world: World, prescription: bytes) -> Presentation:
    """The same code with later dates: what a forger would print."""
    presentation = shown(world, prescription)
    later = replace(presentation.opening.terms, expiry=presentation.opening.terms.expiry + 100 * DAY)
    return replace(presentation, opening=replace(presentation.opening, terms=later))


def test_cancelled_paused_and_voided_have_their_own_reasons(world: World) -> None:
    gateway = world.gateway
    prescription = issued(world)
    presentation = shown(world, prescription)
    prescriptions.set_pause(gateway, world.doctor, prescription, world.errand(), paused=True)
    assert refused(world, world.pharmacist, presentation).reason == "paused"
    prescriptions.set_pause(gateway, world.doctor, prescription, world.errand(), paused=False)
    with pytest.raises(ClaimRefused) as foreign:
        prescriptions.void(gateway, world.patient, prescription, world.errand())
    assert foreign.value.reason == "not-the-prescriber"
    prescriptions.cancel(gateway, world.patient, prescription, world.errand())
    assert refused(world, world.pharmacist, presentation).reason == "cancelled"

    mistaken = issued(world)
    prescriptions.void(gateway, world.doctor, mistaken, world.errand())
    assert refused(world, world.pharmacist, shown(world, mistaken)).reason == "entered-in-error"


def test_cancelling_while_reserved_is_pending_until_the_reservation_ends(world: World) -> None:
    gateway = world.gateway
    prescription = issued(world)
    presentation = shown(world, prescription)
    reserved = dispensing.reserve(gateway, world.pharmacist, Counter(presentation), world.errand())
    prescriptions.cancel(gateway, world.doctor, prescription, world.errand())
    assert refused(world, world.other_pharmacist, presentation).reason == "cancelling"
    with pytest.raises(ClaimRefused) as unfinished:
        dispensing.dispense_reserved(gateway, world.pharmacist, prescription, reserved.fence, 30, world.errand())
    assert unfinished.value.reason == "cancelling"
    with pytest.raises(ClaimRefused):
        prescriptions.settle(gateway, world.patient, prescription, world.errand())
    dispensing.release(gateway, world.pharmacist, prescription, reserved.fence, world.errand())
    assert gateway.ledger.prescription(prescription).status.name == "CANCELLED"


def test_whoever_is_not_a_live_pharmacist_is_refused_with_that_reason(world: World) -> None:
    gateway = world.gateway
    presentation = shown(world, issued(world))
    unlicensed = refused(world, world.doctor, presentation)
    assert (unlicensed.reason, unlicensed.status) == ("not-licensed", 403)

    acts = gateway.ledger.acts
    world.act(acts.set_suspension(world.other_pharmacist.address, True), world.pharmacies[1])
    assert refused(world, world.other_pharmacist, presentation).reason == "suspended"
    world.act(acts.set_suspension(world.other_pharmacist.address, False), world.pharmacies[1])

    world.act(acts.set_suspension(world.pharmacies[1].address, True), gateway.operator)
    assert refused(world, world.other_pharmacist, presentation).reason == "organization-suspended"
    world.act(acts.set_suspension(world.pharmacies[1].address, False), gateway.operator)

    world.act(acts.set_denial(world.pharmacies[1].address, True), world.patient)
    assert refused(world, world.other_pharmacist, presentation).reason == "not-let-in"
    with pytest.raises(AccessDenied):
        claims.read(gateway, world.other_pharmacist, Counter(presentation), "denied")
    world.act(acts.set_denial(world.pharmacies[1].address, False), world.patient)
    hand_out(world, world.other_pharmacist, presentation, 30)


def test_without_the_patients_leave_nothing_is_prescribed(world: World) -> None:
    order = Order(
        world.patient.address,
        Category.MEDICATION | Category.MENTAL_HEALTH,
        terms(world),
        world.header(Category.MEDICATION | Category.MENTAL_HEALTH),
    )
    with pytest.raises(NotPermitted):
        prescriptions.issue(world.gateway, world.doctor, order, io.BytesIO(BODY), world.errand())


def test_a_granted_pharmacy_dispenses_without_a_code_where_the_prescriber_agreed(world: World) -> None:
    gateway = world.gateway
    pharmacy = world.pharmacies[0]
    agreed, not_agreed = issued(world, grantable=True), issued(world)
    world.let(world.patient, pharmacy.address, Category.MEDICATION)
    for prescription in (agreed, not_agreed):
        assert prescriptions.share(gateway, world.patient, prescription, pharmacy.address) == 1

    by_slip = Counter(prescription=agreed)
    body = claims.read(gateway, world.pharmacist, by_slip, "granted")
    assert b"".join(body.content) == BODY
    reserved = dispensing.reserve(gateway, world.pharmacist, by_slip, world.errand())
    dispensing.release(gateway, world.pharmacist, agreed, reserved.fence, world.errand())
    done = dispensing.dispense(
        gateway, world.pharmacist, by_slip, 30, world.errand(), dispensed=dispensed_record(world)
    )
    assert done.entry.state == "mined"
    with pytest.raises(ClaimRefused) as refusal:
        dispensing.dispense(gateway, world.pharmacist, Counter(prescription=not_agreed), 30, world.errand())
    assert refusal.value.reason == "not-let-in"
    issued_later = issued(world, grantable=True)
    assert open_slip(gateway, world.pharmacist, issued_later).fill_keys == ()


def test_a_pharmacist_undoes_her_last_hand_out_and_the_history_keeps_both(world: World) -> None:
    gateway = world.gateway
    prescription = issued(world)
    presentation = shown(world, prescription)
    hand_out(world, world.pharmacist, presentation, 30)
    with pytest.raises(ClaimRefused):
        dispensing.undo(gateway, world.other_pharmacist, Counter(presentation), world.errand())
    dispensing.undo(gateway, world.pharmacist, Counter(presentation), world.errand())
    assert gateway.ledger.prescription(prescription).units_used == 0
    assert [one.change for one in prescriptions.history(gateway, prescription)] == ["dispensed", "undone"]
    hand_out(world, world.other_pharmacist, presentation, 30)


def test_a_refused_hand_out_leaves_no_sealed_record_behind(world: World) -> None:
    presentation = shown(world, issued(world))
    hand_out(world, world.pharmacist, presentation, 30)
    before = set(world.gateway.store.list())
    with pytest.raises(ClaimRefused):
        hand_out(world, world.other_pharmacist, presentation, 30, dispensed=dispensed_record(world))
    assert set(world.gateway.store.list()) == before


def test_an_offline_check_says_what_it_proves_and_what_not(world: World) -> None:
    prescription = issued(world)
    presentation = shown(world, prescription)
    found = check_offline(world.gateway, presentation, envelope=world.gateway.store, at=world.now())
    assert found.sound
    assert len(found.proven) == 5
    assert "dispensed" in found.not_proven[0]
    assert not check_offline(world.gateway, replace_expiry(world, prescription), at=world.now()).sound
    wrong_key = replace(presentation, record_key=bytes(32))
    assert not check_offline(world.gateway, wrong_key, envelope=world.gateway.store, at=world.now()).sound
    unsigned = replace(presentation, endorsement=b"")
    assert check_offline(world.gateway, unsigned, at=world.now()).sound


def test_nothing_of_a_prescription_is_found_in_the_gateways_folder(world: World) -> None:
    issued(world)
    for path in world.gateway.settings.data_dir.rglob("*"):
        if path.is_file():
            assert b"CANARY-DRUG" not in path.read_bytes(), path.name
