"""Fill keys in a delegate's hands: who may present a patient's prescriptions for her holds them sealed for himself.

>>> shown = present_for(gateway, daughter, ana.address, prescription, correlation="...")

They lie apart from the slips of those who may read, and are used only after the ledger was asked, in the same request,
whether he may still present (`gateway.consents.delegates.require`). A prescription that is issued while the patient is
asleep is sealed for her delegates by the prescriber.
"""

from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING

from gateway.clocks import chain_time
from gateway.consents.deeds import note_presentation
from gateway.consents.delegates import delegates_of, delegations_of, require
from gateway.errors import KeyCardError, NotFound, NotPermitted
from gateway.identity.keystore import Identity
from gateway.prescriptions.access import Listed, listed, presented
from gateway.prescriptions.bodies import read_slip
from gateway.prescriptions.qr import Presentation
from gateway.prescriptions.slips import PrescriptionSlip
from gateway.slips.notes import open_note, seal_note
from ledger.codes import Category, Power
from ledger.index import IndexedPrescription
from ledger.positions import Position
from ledger.types import Address, raw
from offchain_store.errors import OpeningError, SlipMissing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.services import Gateway

_LABEL = b"consent-ledger/v1/fill-keys"
_PAGE = 200


def present_for(
    gateway: "Gateway",
    delegate: Identity,
    patient: Address,
    prescription: bytes,
    *,
    correlation: str,
    fill: int | None = None,
) -> Presentation:
    """What a delegate shows at the counter for the patient, for one fill, by default the one that is due; written down
    before it leaves.

    Raises:
        NotPermitted: she has not delegated presenting, not any more, or not prescriptions of this kind.
        NotFound: no such prescription of hers, no such fill, or no fill keys were sealed for him.
        ClaimRefused: nothing is left to claim.
    """
    leave = require(gateway, delegate.address, patient, Power.PRESENT)
    found = gateway.index.prescription(prescription)
    if found is None or found.patient != patient:
        raise NotFound("no such prescription of hers")
    if found.categories & ~leave.categories:
        raise NotPermitted("the patient has not delegated prescriptions of this kind to you")
    slip = _opened(gateway, delegate, found)
    if slip is None:
        raise NotFound("no fill keys were sealed for you: the patient's key makes them once she is signed in")
    shown = presented(gateway, slip, delegate.address, fill)
    note_presentation(gateway, delegate.address, patient, prescription, correlation)
    return shown


def presentable(
    gateway: "Gateway", delegate: Identity, patient: Address, limit: int, before: Position | None = None
) -> list[Listed]:
    """The patient's prescriptions that a delegate may present, newest first; where they stand he sees of those whose
    fill keys are sealed for him.

    Raises:
        NotPermitted: she has not delegated presenting, or not any more.
    """
    found = delegated_prescriptions(gateway, delegate.address, patient, before)
    return [listed(gateway, one, _opened(gateway, delegate, one)) for one in islice(found, limit)]


def delegated_prescriptions(
    gateway: "Gateway", delegate: Address, patient: Address, before: Position | None = None
) -> "Iterator[IndexedPrescription]":
    """The patient's prescriptions of the kinds that a delegate may present, newest first.

    Raises:
        NotPermitted: she has not delegated presenting, or not any more.
    """
    leave = require(gateway, delegate, patient, Power.PRESENT)
    return (one for one in prescriptions_of(gateway, patient, before) if not one.categories & ~leave.categories)


def give_fill_keys(gateway: "Gateway", slip: PrescriptionSlip) -> int:
    """Seal a slip with its fill keys for every delegate who may present it; how many have it now."""
    subject = slip.opening.subject
    given = 0
    for delegate in delegates_of(gateway, subject.patient, Power.PRESENT, subject.categories, chain_time(gateway)):
        given += _give(gateway, slip, delegate)
    return given


def give_all_fill_keys(gateway: "Gateway", patient: Identity, delegate: Address, categories: Category) -> int:
    """Seal the fill keys of all the patient's prescriptions of these categories for one delegate; how many."""
    given = 0
    for one in prescriptions_of(gateway, patient.address):
        if not one.categories & ~categories:
            slip = read_slip(gateway, one.terms_hash, patient.address, patient.sealing)
            given += _give(gateway, slip, delegate) if slip is not None else 0
    return given


def take_back_fill_keys(gateway: "Gateway", patient: Address, delegate: Address) -> int:
    """Remove the fill keys that were sealed for a delegate, but for what he may still present; how many. A key that he
    has seen he cannot unlearn."""
    now = int(gateway.clock())
    leaves = [one for one in delegations_of(gateway, patient) if one.delegate == delegate]
    kept = Category(0)
    for leave in leaves:
        kept |= leave.categories if leave.gives(Power.PRESENT, now) else Category(0)
    removed = 0
    for one in prescriptions_of(gateway, patient):
        if not one.categories & ~kept:
            continue
        name = slip_name(one.terms_hash)
        if raw(delegate) in gateway.store.list_slips(name):
            gateway.store.delete_slip(name, raw(delegate))
            removed += 1
    return removed


def prescriptions_of(
    gateway: "Gateway", patient: Address, before: Position | None = None
) -> "Iterator[IndexedPrescription]":
    """Every prescription of a patient that stands before a position, newest first."""
    while page := gateway.index.prescriptions_of(patient, _PAGE, before):
        yield from page
        before = page[-1].position


def _opened(gateway: "Gateway", delegate: Identity, found: IndexedPrescription) -> PrescriptionSlip | None:
    """The slip with fill keys: the delegate's own, else the patient's while she is signed in here."""
    name = slip_name(found.terms_hash)
    try:
        note = gateway.store.get_slip(name, raw(delegate.address))
        slip = PrescriptionSlip.decode(open_note(note, name=name, reader=delegate.address, key=delegate.sealing))
    except (SlipMissing, OpeningError):
        patient = gateway.sessions.unlocked(found.patient)
        own = read_slip(gateway, found.terms_hash, patient.address, patient.sealing) if patient else None
        if own is None:
            return None
        slip = own
    # A note is bound to its name and reader; that it is this prescription's, its id says.
    return slip if slip.opening.id() == found.prescription else None


def _give(gateway: "Gateway", slip: PrescriptionSlip, delegate: Address) -> int:
    name = slip_name(slip.opening.terms_hash())
    try:
        card = gateway.cards.of(delegate)
    except KeyCardError:
        return 0  # he is served once he has one and she is signed in
    gateway.store.put_slip(name, raw(delegate), seal_note(slip.encode(), name=name, card=card))
    return 1


def slip_name(terms_hash: bytes) -> bytes:
    """Under which delegates' slips with fill keys lie, 32 bytes."""
    return sha256(_LABEL + terms_hash).digest()
