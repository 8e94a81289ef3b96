"""Prescriptions from the side of who writes them and of whom they are for: issue, look at, present, share, end.

    >>> issued = issue(gateway, doctor, order, source, errand)
    >>> text = qr.encode(present(gateway, ana, issued.prescription))      # what Ana shows at the counter

The ledger sees a commitment to the terms. What it hides (body, terms, keys) is in prescription slips, one for each of
patient, prescriber and who may read it by the patient's consent; only the patient's, and those of delegates who may
present for her (`gateway.consents.fill_keys`), hold the fill keys. The counter's side is in
`gateway.prescriptions.dispensing`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from secrets import token_bytes
from typing import TYPE_CHECKING, BinaryIO

from gateway.consents.fill_keys import give_fill_keys
from gateway.errors import NotFound, NotPermitted
from gateway.identity.keystore import Identity
from gateway.listing import live_coverage
from gateway.located import people_behind
from gateway.prescriptions.access import Listed, act_on, give_slips, listed, open_slip, presented, slip_by_hash
from gateway.prescriptions.bodies import remember_body
from gateway.prescriptions.qr import Presentation, endorse, is_fill_key
from gateway.prescriptions.refusals import Claim
from gateway.prescriptions.slips import PrescriptionSlip, fill_tree
from gateway.sending import Errand, send
from gateway.slips.notes import seal_note
from gateway.slips.slips import standing_readers
from ledger.codes import Category, PrescriptionStatus, Role
from ledger.errors import ContractRejected
from ledger.index import IndexedPrescription, PrescriptionChange
from ledger.outbox import Entry
from ledger.positions import Position
from ledger.types import Address, Opening, PrescriptionTerms, Subject, raw
from offchain_store.envelope import seal
from offchain_store.record import Header
from offchain_store.store import delete_record

if TYPE_CHECKING:
    from gateway.services import Gateway


@dataclass(frozen=True, slots=True)
class Order:
    """A prescription that is about to be issued."""

    patient: Address
    categories: Category
    terms: PrescriptionTerms
    header: Header


@dataclass(frozen=True, slots=True)
class Issued:
    """A prescription that was sealed and put, and the act that issues it."""

    prescription: bytes
    """Its id, 32 bytes."""
    opening: Opening
    entry: Entry


# --- the prescriber


def issue(
    gateway: "Gateway",
    prescriber: Identity,
    order: Order,
    source: BinaryIO,
    errand: Errand,
    *,
    sealed_before: bytes | None = None,
    on_sealed: Callable[[bytes], None] = lambda terms_hash: None,
) -> Issued:
    """Seal the body, put it and everybody's slips, and issue the prescription.

    Args:
        sealed_before: terms hash of the same order, sealed by an earlier try that was cut off before it was issued.
        on_sealed: told the terms hash once everything is in the store and before the ledger hears of it.

    Raises:
        NotPermitted: the patient has not let the prescriber write.
        KeyCardError: patient or prescriber has no usable key card.
        ContractRejected: the ledger refuses.
    """
    subject = _leave_to_issue(gateway, prescriber.address, order)
    if sealed_before is not None:
        slip = slip_by_hash(gateway, prescriber, sealed_before)
        if slip is None:
            raise NotFound("what an earlier try has sealed is gone: use a new idempotency key")
    else:
        slip = _seal_order(gateway, prescriber, order, source)
        on_sealed(slip.opening.terms_hash())
    opening = slip.opening
    try:
        act = gateway.ledger.acts.issue(opening.terms_hash(), subject)
        entry = send(gateway, act, signer=prescriber.address, errand=errand)
    except ContractRejected:
        _forget(gateway, opening)
        raise
    return Issued(opening.id(), opening, entry)


def _seal_order(gateway: "Gateway", prescriber: Identity, order: Order, source: BinaryIO) -> PrescriptionSlip:
    readers = [prescriber.address, *standing_readers(gateway, order.patient, order.categories)]
    cards = {order.patient: gateway.cards.of(order.patient), prescriber.address: gateway.cards.of(prescriber.address)}
    sealed = seal(source, order.header, gateway.store)
    fill_keys = tuple(fresh_fill_key() for _ in range(order.terms.fills))
    opening = Opening(
        prescriber=prescriber.address,
        subject=Subject(order.patient, order.categories),
        digest=sealed.digest,
        fill_keys=fill_tree(fill_keys).root,
        terms=order.terms,
    )
    slip = PrescriptionSlip(opening, sealed.record_key, fill_keys, endorse(opening.id(), prescriber.secret))
    name = opening.terms_hash()
    note = seal_note(slip.encode(), name=name, card=cards[order.patient])
    gateway.store.put_slip(name, raw(order.patient), note)
    give_slips(gateway, slip, [one for one in readers if one != order.patient])
    give_fill_keys(gateway, slip)
    remember_body(gateway, opening)
    return slip


def _leave_to_issue(gateway: "Gateway", prescriber: Address, order: Order) -> Subject:
    """The subject with the consent that lets the prescriber write; her own before her organization's."""
    participant = gateway.index.participant(prescriber)
    grantees = [prescriber]
    if participant is not None and participant.organization != prescriber:
        grantees.append(participant.organization)
    now = int(gateway.clock())
    found = gateway.index.write_consents(order.patient, grantees, order.categories, now)
    best = min(found, key=lambda consent: grantees.index(consent.grantee), default=None)
    if best is None:
        raise NotPermitted("the patient has not let you write records of these categories: ask her for her consent")
    number = int.from_bytes(best.scope, "big")
    return Subject(order.patient, order.categories, number, via_organization=best.grantee != prescriber)


def void(gateway: "Gateway", prescriber: Identity, prescription: bytes, errand: Errand) -> Entry:
    """Declare a prescription of which nothing was dispensed entered in error.

    Raises:
        ClaimRefused, NotFound
    """
    slip = open_slip(gateway, prescriber, prescription)
    act = gateway.ledger.acts.void(slip.opening)
    return act_on(gateway, act, Claim(slip.opening, prescriber.address), errand)


def set_pause(gateway: "Gateway", prescriber: Identity, prescription: bytes, errand: Errand, *, paused: bool) -> Entry:
    """Pause an unclaimed prescription, or resume a paused one.

    Raises:
        ClaimRefused, NotFound
    """
    slip = open_slip(gateway, prescriber, prescription)
    act = gateway.ledger.acts.set_pause(slip.opening, paused)
    return act_on(gateway, act, Claim(slip.opening, prescriber.address), errand)


# --- the patient


def present(gateway: "Gateway", patient: Identity, prescription: bytes, *, fill: int | None = None) -> Presentation:
    """What the patient shows for one fill, by default the one that is due. It is a secret of its bearer.

    Raises:
        NotFound: no such prescription of hers, or no such fill.
        ClaimRefused: nothing is left to claim.
    """
    slip = open_slip(gateway, patient, prescription)
    if not slip.fill_keys:
        raise NotFound("only the patient can present a prescription")
    return presented(gateway, slip, patient.address, fill)


def share(gateway: "Gateway", patient: Identity, prescription: bytes, grantee: Address) -> int:
    """Give a pharmacy, or whoever stands behind the grantee, a slip without fill keys; how many were given.

    What it is good for, the ledger decides: a pharmacist claims with it where the patient's consent and the terms let
    her.

    Raises:
        NotFound: no such prescription of hers.
        NotPermitted: it is somebody else's.
    """
    slip = open_slip(gateway, patient, prescription)
    if slip.opening.subject.patient != patient.address:
        raise NotPermitted("only the patient shares a prescription")
    return give_slips(gateway, slip, people_behind(gateway, grantee))


# --- both


def cancel(gateway: "Gateway", person: Identity, prescription: bytes, errand: Errand) -> Entry:
    """Prescriber or patient: cancel what is not yet dispensed; pending while a pharmacy holds it.

    Raises:
        ClaimRefused, NotFound
    """
    slip = open_slip(gateway, person, prescription)
    act = gateway.ledger.acts.cancel(slip.opening)
    return act_on(gateway, act, Claim(slip.opening, person.address), errand)


def settle(gateway: "Gateway", person: Identity, prescription: bytes, errand: Errand) -> Entry:
    """Anybody who has a slip: complete a pending cancellation whose reservation has lapsed.

    Raises:
        ClaimRefused, NotFound
    """
    slip = open_slip(gateway, person, prescription)
    act = gateway.ledger.acts.settle(prescription)
    return act_on(gateway, act, Claim(slip.opening, person.address), errand)


def prescriptions_of(
    gateway: "Gateway",
    reader: Identity,
    *,
    patient: Address | None = None,
    limit: int = 50,
    before: Position | None = None,
) -> list[Listed]:
    """The reader's own prescriptions, those of a patient of hers, or (no patient, a prescriber) those she issued.

    Of somebody else's prescriptions only those come that the reader has a slip of.
    """
    if patient is None and _is_prescriber(gateway, reader.address):
        found = gateway.index.prescriptions_by(reader.address, limit, before)
    else:
        found = gateway.index.prescriptions_of(patient or reader.address, limit, before)
    all_of_them = [_listed(gateway, reader, one) for one in found]
    mine = (reader.address, None)
    return [one for one in all_of_them if one.slip is not None or patient in mine]


def prescription_of(gateway: "Gateway", reader: Identity, prescription: bytes) -> Listed:
    """One prescription.

    Raises:
        NotFound: no such prescription, or the reader has no slip of it and is neither patient nor prescriber.
    """
    indexed = gateway.index.prescription(prescription)
    if indexed is None:
        raise NotFound("no such prescription")
    found = _listed(gateway, reader, indexed)
    if found.slip is None and reader.address not in (indexed.patient, indexed.prescriber):
        raise NotFound("no such prescription")
    return found


def history(gateway: "Gateway", prescription: bytes) -> Sequence[PrescriptionChange]:
    """Who claimed, dispensed and changed it, oldest first."""
    return gateway.index.prescription_changes(prescription)


def fresh_fill_key() -> bytes:
    """A secp256k1 secret."""
    while not is_fill_key(key := token_bytes(32)):
        pass  # once in 2^128
    return key


def _listed(gateway: "Gateway", reader: Identity, indexed: IndexedPrescription) -> Listed:
    slip = slip_by_hash(gateway, reader, indexed.terms_hash)
    if slip is None or slip.opening.id() != indexed.prescription or not _may_see(gateway, reader.address, slip):
        return listed(gateway, indexed, None)
    remember_body(gateway, slip.opening)
    return listed(gateway, indexed, slip)


def _may_see(gateway: "Gateway", reader: Address, slip: PrescriptionSlip) -> bool:
    """A slip that was given out stays given; what it says is shown only while the ledger still lets the reader in."""
    subject = slip.opening.subject
    if reader in (subject.patient, slip.opening.prescriber) or slip.reading is not None:
        return True
    return not subject.categories & ~live_coverage(gateway, reader, subject.patient)


def _is_prescriber(gateway: "Gateway", person: Address) -> bool:
    participant = gateway.index.participant(person)
    return bool(participant and participant.roles & Role.PRESCRIBER)


def _forget(gateway: "Gateway", opening: Opening) -> None:
    """Remove what was put for a prescription that was never issued."""
    if gateway.ledger.prescription(opening.id()).status is not PrescriptionStatus.NONE:
        return
    for reader in gateway.store.list_slips(opening.terms_hash()):
        gateway.store.delete_slip(opening.terms_hash(), reader)
    delete_record(gateway.store, opening.digest)
