"""Granting, withdrawing, denying; and handing key slips over to whom a patient has let read, or taking them away.

>>> granted = grant(gateway, ana, clinic, terms, errand=errand)
>>> withdraw(gateway, ana, clinic, granted.scope, errand=errand)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING

from sqlalchemy import Column, LargeBinary, Table, select

from gateway.database import metadata, reading, writing
from gateway.errors import SlipMissing
from gateway.fhir import consent_resource, encode
from gateway.keystore import Identity
from gateway.located import people_behind
from gateway.more_slips import hand_over_more, take_back_more
from gateway.reading import open_verified
from gateway.sending import Errand, await_entry, earlier, send
from gateway.slips import hand_out, raw, standing_readers, unwrap
from ledger.codes import Category
from ledger.index import IndexedConsent, IndexedRecord
from ledger.outbox import Entry, State
from ledger.types import Address, ConsentTerms, scope_number
from offchain_store.envelope import seal
from offchain_store.record import Header

if TYPE_CHECKING:
    from gateway.services import Gateway

handed_over = Table(
    "handed_over",
    metadata,
    Column("consent_id", LargeBinary(32), primary_key=True),
    Column("patient", LargeBinary(20), nullable=False),
)
"""Consents whose grantees have got the slips of all records that there were."""

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Granted:
    """A consent on its way to the ledger."""

    scope: bytes
    entry: Entry


def grant(
    gateway: "Gateway",
    patient: Identity,
    grantee: Address,
    terms: ConsentTerms,
    *,
    errand: Errand,
    record: bytes | None = None,
) -> Granted:
    """Grant as the patient, with a sealed FHIR Consent behind it; once the ledger has it, hand over the slips of what
    it covers.

    Args:
        record: grant this one record only.

    Raises:
        ContractRejected: the ledger refuses the terms or the grantee.
    """
    sent = earlier(gateway, patient.address, errand)
    if sent is not None:
        # The same errand, cut off before it was answered: its number and its document were chosen then.
        scope, entry = sent.data[36:68], await_entry(gateway, sent, errand.wait)
    else:
        number = gateway.index.next_consent_number(patient.address, grantee)
        scope = record or scope_number(number)
        document = _seal_document(gateway, patient.address, grantee, scope, terms)
        act = gateway.ledger.acts.grant(grantee, scope, terms, document)
        entry = send(gateway, act, signer=patient.address, errand=errand)
    if _is_on_chain(entry):
        hand_over(gateway, patient)
    return Granted(scope, entry)


def open_document(gateway: "Gateway", reader: Identity, consent: IndexedConsent) -> bytes:
    """The FHIR Consent behind a consent, for its patient or grantee; verified against the digest on the ledger.

    Raises:
        SlipMissing: there is none, or none for this reader.
        RecordMissing, RecordAltered
    """
    record_key = unwrap(gateway, reader.address, reader.sealing, consent.document)
    if record_key is None:
        raise SlipMissing(consent.document, "there is no consent document, or none that was sealed for you")
    _, chunks, _ = open_verified(gateway.store, consent.document, record_key)
    return b"".join(chunks)


def _seal_document(gateway: "Gateway", patient: Address, grantee: Address, scope: bytes, terms: ConsentTerms) -> bytes:
    """Seal the FHIR Consent for both sides; its digest."""
    now = int(gateway.clock())
    resource = consent_resource(
        gateway.ledger.domain, patient=patient, grantee=grantee, scope=scope, terms=terms, signed_at=now
    )
    created = datetime.fromtimestamp(now, UTC)
    header = Header("application/fhir+json", int(Category.CONSENT_DOCUMENT), "Consent", created)
    sealed = seal(BytesIO(encode(resource)), header, gateway.store)
    hand_out(gateway, sealed.digest, sealed.record_key, [patient, *people_behind(gateway, grantee)])
    return sealed.digest


def withdraw(gateway: "Gateway", patient: Identity, grantee: Address, scope: bytes, *, errand: Errand) -> Entry:
    """Withdraw as the patient. No decision from that block on rests on the consent; then its slips are removed."""
    act = gateway.ledger.acts.withdraw(grantee, scope)
    entry = send(gateway, act, signer=patient.address, errand=errand)
    if _is_on_chain(entry):
        take_back(gateway, patient.address, grantee)
    return entry


def set_denial(gateway: "Gateway", patient: Identity, grantee: Address, denied: bool, *, errand: Errand) -> Entry:
    """Deny a person, team or organization everything, or lift the denial, as the patient."""
    act = gateway.ledger.acts.set_denial(grantee, denied)
    entry = send(gateway, act, signer=patient.address, errand=errand)
    if _is_on_chain(entry):
        if denied:
            take_back(gateway, patient.address, grantee)
        else:
            _forget_handed_over(gateway, patient.address)
            hand_over(gateway, patient)
    return entry


def hand_over(gateway: "Gateway", patient: Identity) -> int:
    """Make the slips that live consents call for and nobody has made yet, with the patient's key; how many were made.

    Can be cut off anywhere and called again: what is there is not made twice.
    """
    made = 0
    for consent in _not_handed_over(gateway, patient.address):
        readers = people_behind(gateway, consent.grantee)
        for record in _covered(gateway, consent):
            there = set(gateway.store.list_slips(record.digest))
            lacking = [reader for reader in readers if raw(reader) not in there]
            record_key = unwrap(gateway, patient.address, patient.sealing, record.digest) if lacking else None
            if record_key is not None:
                made += hand_out(gateway, record.digest, record_key, lacking)
        made += hand_over_more(gateway, patient, consent, readers)
        _remember_handed_over(gateway, consent)
    return made


def take_back(gateway: "Gateway", patient: Address, grantee: Address) -> int:
    """Remove the slips of a grantee whose consent was withdrawn, but for what another consent still lets her read;
    how many were removed."""
    removed = 0
    readers = {reader for reader in people_behind(gateway, grantee) if reader != patient}
    keep: dict[int, set[Address]] = {}
    for record in _records_about(gateway, patient):
        categories = int(record.categories)
        if categories not in keep:
            keep[categories] = set(standing_readers(gateway, patient, record.categories))
        there = set(gateway.store.list_slips(record.digest))
        for reader in readers - keep[categories] - {record.author}:
            if raw(reader) in there:
                gateway.store.delete_slip(record.digest, raw(reader))
                removed += 1
    return removed + take_back_more(
        gateway, patient, readers, lambda categories: set(standing_readers(gateway, patient, categories))
    )


def finish_handing_over(gateway: "Gateway") -> None:
    """A chore: hand over for every patient who is signed in here, whatever way her consents came to the ledger."""
    for address in gateway.sessions.signed_in():
        patient = gateway.sessions.unlocked(address)
        if patient is not None:
            hand_over(gateway, patient)


def _is_on_chain(entry: Entry) -> bool:
    return entry.state in (State.MINED, State.FINAL)


def _not_handed_over(gateway: "Gateway", patient: Address) -> Iterator[IndexedConsent]:
    now = int(gateway.clock())
    with reading(gateway.database) as connection:
        query = select(handed_over.c.consent_id).where(handed_over.c.patient == raw(patient))
        done = set(connection.execute(query).scalars())
    before = None
    while True:
        page = gateway.index.consents_of(patient, _PAGE, before)
        for consent in page:
            if consent.consent_id not in done and not consent.withdrawn and consent.terms.expiry > now:
                yield consent
        if len(page) < _PAGE:
            return
        before = page[-1].position


def _covered(gateway: "Gateway", consent: IndexedConsent) -> Iterator[IndexedRecord]:
    """The records that a consent covers, newest first."""
    if not consent.scope.startswith(bytes(30)):
        record = gateway.index.record(consent.scope)
        if record and record.patient == consent.patient:
            yield record
        return
    for record in _records_about(gateway, consent.patient):
        if not record.categories & ~consent.terms.categories:
            yield record


def _records_about(gateway: "Gateway", patient: Address) -> Iterator[IndexedRecord]:
    before = None
    while True:
        page = gateway.index.records_about(patient, _PAGE, before)
        yield from page
        if len(page) < _PAGE:
            return
        before = page[-1].position


def _remember_handed_over(gateway: "Gateway", consent: IndexedConsent) -> None:
    with writing(gateway.database) as connection:
        there = select(handed_over).where(handed_over.c.consent_id == consent.consent_id)
        if connection.execute(there).one_or_none() is None:
            connection.execute(handed_over.insert().values(consent_id=consent.consent_id, patient=raw(consent.patient)))


def _forget_handed_over(gateway: "Gateway", patient: Address) -> None:
    with writing(gateway.database) as connection:
        connection.execute(handed_over.delete().where(handed_over.c.patient == raw(patient)))
