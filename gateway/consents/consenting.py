"""Granting, withdrawing, denying; and handing key slips over to whom a patient has let read, or taking them away.

>>> granted = grant(gateway, ana, clinic, terms, errand=errand)
>>> withdraw(gateway, ana, clinic, granted.scope, errand=errand)
"""

from collections.abc import Collection, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import Column, Index, LargeBinary, Table, select

from gateway.batches.index import BatchIndex
from gateway.consents.delegates import delegations_of
from gateway.consents.given import given_by
from gateway.consents.granting import Granted, Granting, grant_by
from gateway.consents.signed import SignedConsent
from gateway.database import metadata, reading, writing
from gateway.errors import SlipMissing
from gateway.identity.keystore import Identity
from gateway.located import PROFESSIONAL, people_behind
from gateway.reading import open_verified
from gateway.sending import Errand, send
from gateway.slips.handing import hand_over_reach, records_about
from gateway.slips.more_slips import take_back_more
from gateway.slips.reach import Reach
from gateway.slips.slips import MOST_GRANTEES, is_among, standing_readers, unwrap
from ledger.acts import Act
from ledger.codes import Category
from ledger.index import IndexedConsent
from ledger.outbox import Entry, State
from ledger.types import Address, ConsentTerms, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

handed_over = Table(
    "handed_over",
    metadata,
    Column("consent_id", LargeBinary(32), primary_key=True),
    Column("patient", LargeBinary(20), nullable=False),
    Index("ix_handed_over_patient", "patient"),
)
"""Consents, and delegations, whose grantees have got the slips of all records that there were."""

_PAGE = 200


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

    def act(scope: bytes, document: bytes) -> Act:
        return gateway.ledger.acts.grant(grantee, scope, terms, document)

    granted = grant_by(gateway, patient, Granting(patient.address, grantee, terms, act, 36, record), errand)
    if is_on_chain(granted.entry):
        hand_over(gateway, patient)
    return granted


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


def withdraw(gateway: "Gateway", patient: Identity, grantee: Address, scope: bytes, *, errand: Errand) -> Entry:
    """Withdraw as the patient. No decision from that block on rests on the consent; then its slips are removed."""
    act = gateway.ledger.acts.withdraw(grantee, scope)
    entry = send(gateway, act, signer=patient.address, errand=errand)
    if is_on_chain(entry):
        take_back(gateway, patient.address, grantee)
    return entry


def set_denial(gateway: "Gateway", patient: Identity, grantee: Address, denied: bool, *, errand: Errand) -> Entry:
    """Deny a person, team or organization everything, or lift the denial, as the patient."""
    act = gateway.ledger.acts.set_denial(grantee, denied)
    entry = send(gateway, act, signer=patient.address, errand=errand)
    if is_on_chain(entry):
        if denied:
            take_back(gateway, patient.address, grantee)
        else:
            forget_handed_over(gateway, patient.address)
            hand_over(gateway, patient)
    return entry


def hand_over(gateway: "Gateway", patient: Identity) -> int:
    """Make the slips that live consents call for and nobody has made yet, with the patient's key; how many were made.

    Can be cut off anywhere and called again: what is there is not made twice.
    """
    made = 0
    for consent in _not_handed_over(gateway, patient.address):
        made += hand_over_reach(gateway, Reach.of(consent), readers_by(gateway, consent), patient)
        remember_handed_over(gateway, _key(consent), consent.patient)
    return made


def take_back(gateway: "Gateway", patient: Address, grantee: Address) -> int:
    """Remove the slips of a grantee whose consent was withdrawn, or who left a team, but for what another consent still
    lets her read; how many were removed."""
    removed = 0
    readers = {*people_behind(gateway, grantee), *_people_of(gateway, patient, grantee)} - {patient}
    keep: dict[int, set[Address]] = {}
    alone = _readers_of_one(gateway, patient)
    for record in records_about(gateway, patient):
        categories = int(record.categories)
        if categories not in keep:
            keep[categories] = set(standing_readers(gateway, patient, record.categories))
        there = set(gateway.store.list_slips(record.digest))
        for reader in readers - keep[categories] - alone.get(record.digest, set()) - {record.author}:
            if raw(reader) in there:
                gateway.store.delete_slip(record.digest, raw(reader))
                removed += 1
    return removed + take_back_more(
        gateway, patient, readers, lambda categories: set(standing_readers(gateway, patient, categories)), alone
    )


def readers_by(gateway: "Gateway", consent: IndexedConsent, denied: Collection[Address] | None = None) -> list[Address]:
    """For whom to make slips by a consent: nobody whom the patient denies; lifting that makes up for it.

    Args:
        denied: whom she denies, if it is known.
    """
    if denied is None:
        denied = gateway.index.denials_of(consent.patient, MOST_GRANTEES)
    if is_among(gateway, consent.grantee, denied):
        return []
    return [one for one in people_behind(gateway, consent.grantee) if not is_among(gateway, one, denied)]


def finish_handing_over(gateway: "Gateway") -> None:
    """A chore: hand over for every patient who is signed in here, whatever way her consents came to the ledger."""
    for address in gateway.sessions.signed_in():
        patient = gateway.sessions.unlocked(address)
        if patient is not None:
            hand_over(gateway, patient)


def is_on_chain(entry: Entry) -> bool:
    """Whether the ledger has an act."""
    return entry.state in (State.MINED, State.FINAL)


def _people_of(gateway: "Gateway", patient: Address, organization: Address) -> set[Address]:
    """Those whom the patient lets read, or named, and who act for the organization: denying it denies them."""
    let = {one for consent in _unended(gateway, patient) for one in people_behind(gateway, consent.grantee)}
    let |= {one.delegate for one in delegations_of(gateway, patient)}
    found = set()
    for one in let:
        known = gateway.index.participant(one)
        if known is not None and known.organization == organization and known.roles & PROFESSIONAL:
            found.add(one)
    return found


def _not_handed_over(gateway: "Gateway", patient: Address) -> Iterator[IndexedConsent]:
    done = were_handed_over(gateway, patient)
    for consent in _unended(gateway, patient):
        if _key(consent) not in done:
            yield consent


def _key(consent: IndexedConsent) -> bytes:
    """Under which it is remembered that a consent's slips were made."""
    return sha256(consent.name).digest() if isinstance(consent, SignedConsent) else consent.consent_id


def _readers_of_one(gateway: "Gateway", patient: Address) -> dict[bytes, set[Address]]:
    """By the digest of a record: who may read it by a consent to it alone."""
    denied = gateway.index.denials_of(patient, MOST_GRANTEES)
    readers: dict[bytes, set[Address]] = {}
    for consent in _unended(gateway, patient):
        record = Reach.of(consent).record
        if record is None or _categories_of(gateway, record) & ~consent.terms.categories:
            continue  # the ledger opens nothing by a consent that names the record and not its kinds
        readers.setdefault(record, set()).update(readers_by(gateway, consent, denied))
    return readers


def _categories_of(gateway: "Gateway", record: bytes) -> Category:
    """Of a record, by itself or in a batch; none, if it is not known here."""
    single = gateway.index.record(record)
    if single is not None:
        return single.categories
    batched = BatchIndex(gateway.database).record(record)
    return batched.item.categories if batched is not None else Category(0)


def _unended(gateway: "Gateway", patient: Address) -> Iterator[IndexedConsent]:
    """Her consents that are neither withdrawn nor expired, newest first."""
    now = int(gateway.clock())
    before = None
    while True:
        page = given_by(gateway, patient, _PAGE, before)
        for consent in page:
            if not consent.withdrawn and consent.terms.expiry > now:
                yield consent
        if len(page) < _PAGE:
            return
        before = page[-1].position


def were_handed_over(gateway: "Gateway", patient: Address) -> set[bytes]:
    """The patient's consents (by their ids) and delegations whose slips have been made."""
    with reading(gateway.database) as connection:
        query = select(handed_over.c.consent_id).where(handed_over.c.patient == raw(patient))
        return set(connection.execute(query).scalars())


def remember_handed_over(gateway: "Gateway", key: bytes, patient: Address) -> None:
    """The slips of a consent or delegation have been made."""
    with writing(gateway.database) as connection:
        there = select(handed_over).where(handed_over.c.consent_id == key)
        if connection.execute(there).one_or_none() is None:
            connection.execute(handed_over.insert().values(consent_id=key, patient=raw(patient)))


def forget_handed_over(gateway: "Gateway", patient: Address) -> None:
    """Once she is signed in, see for all of a patient's consents whether slips are lacking."""
    with writing(gateway.database) as connection:
        connection.execute(handed_over.delete().where(handed_over.c.patient == raw(patient)))
