"""One record of a batch, treated as a single one is: found, listed, opened, accepted, retracted.

>>> retrieve(gateway, ana, digest, purpose=Purpose.PATRQT, correlation="...")  # by the finder `find_in_batch`
>>> retract(gateway, laboratory.address, digest, errand)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.batches.consents import was_let_write
from gateway.batches.follow import follow
from gateway.batches.index import BatchIndex, BatchRecord, Place
from gateway.batches.seal import compartment_key, compartment_name, record_key
from gateway.errors import NotFound
from gateway.located import Located
from gateway.sending import Errand, send
from gateway.slips.slips import unwrap
from ledger.codes import AnchorKind, RecordState
from ledger.index import IndexedRecord
from ledger.outbox import Entry
from ledger.types import Address, AnchorProof, raw
from offchain_store.errors import SlipMissing
from offchain_store.keys import SealingKey

if TYPE_CHECKING:
    from gateway.services import Gateway

_ENDS = {"retracted": RecordState.RETRACTED, "superseded": RecordState.SUPERSEDED}
"""What a change makes of a record; a superseded one may be retracted."""


@dataclass(frozen=True, slots=True)
class ListedRecord:
    """One record of a batch as lists show it."""

    record: BatchRecord
    state: RecordState
    successor: bytes | None
    """What superseded it."""

    @property
    def indexed(self) -> IndexedRecord:
        """The same as the index has single records: whoever may know of one may know of the other."""
        item, where = self.record.item, self.record.where
        return IndexedRecord(
            digest=item.digest,
            patient=item.patient,
            author=self.record.author,
            categories=item.categories,
            state=self.state,
            successor=self.successor,
            position=where[:2],
        )


def find_in_batch(gateway: "Gateway", digest: bytes) -> Located | None:
    """A finder (`gateway.located`) for the records of batches."""
    index = BatchIndex(gateway.database)
    record = index.record(digest)
    if record is None and follow(gateway):
        record = index.record(digest)
    if record is None:
        return None
    item = record.item

    def key(gateway: "Gateway", holder: Address, sealing: SealingKey) -> bytes | None:
        return record_key_of(gateway, record, holder, sealing)

    return Located(
        digest=digest,
        subject=item.subject(record.author),
        author=record.author,
        proof=AnchorProof(
            kind=AnchorKind.BATCH,
            root=record.root,
            index=record.index,
            path=index.path(record.root, record.index),
        ),
        unwrap=key,
    )


@dataclass(frozen=True, slots=True)
class SharedSlip:
    """A reader's key slip for all records of one patient and kind in a group."""

    name: bytes
    """What it is sealed for, in the place of a record's digest."""
    slip: bytes
    place: int
    """The record's: its key is `batch_seal.record_key` of what is in the slip and this."""


def shared_slip(gateway: "Gateway", reader: Address, digest: bytes) -> SharedSlip | None:
    """The slip by which a reader who keeps her keys elsewhere opens a record of a batch; None: there is none."""
    record = BatchIndex(gateway.database).record(digest)
    if record is None:
        return None
    name = compartment_name(record.bundle, record.item.patient, record.item.categories)
    try:
        return SharedSlip(name, gateway.store.get_slip(name, raw(reader)), record.place)
    except SlipMissing:
        return None


def records_about(
    gateway: "Gateway", patients: Sequence[Address], limit: int, before: Place | None = None
) -> list[ListedRecord]:
    """The records in batches about a person, by any of her addresses, newest first."""
    found = BatchIndex(gateway.database).records_about(patients, limit, before)
    return [_listed(gateway, record) for record in found]


def record_of(gateway: "Gateway", digest: bytes) -> ListedRecord:
    """A record of a batch by its digest.

    Raises:
        NotFound: no such record, or the manifest of its batch was not read.
    """
    return _listed(gateway, _of(gateway, digest))


def accept(gateway: "Gateway", patient: Address, digest: bytes, errand: Errand) -> Entry:
    """The patient takes a proposed record in.

    Raises:
        NotFound: no such record about her.
        ContractRejected: the ledger refuses, for one because she has accepted it before.
    """
    record = _of(gateway, digest)
    if record.item.patient != patient:
        raise NotFound("no such record about you")
    path = BatchIndex(gateway.database).path(record.root, record.index)
    subject = record.item.subject(record.author)
    act = gateway.ledger.acts.accept_in_batch(record.root, record.index, digest, subject, path)
    return send(gateway, act, signer=patient, errand=errand)


def retract(gateway: "Gateway", author: Address, digest: bytes, errand: Errand) -> Entry:
    """The author declares one record entered in error; its neighbours stay as they are.

    Raises:
        NotFound: no such record in a batch.
        ContractRejected: the ledger refuses, for one because the batch is another author's.
    """
    record = _of(gateway, digest)
    act = gateway.ledger.acts.retract_in_batch(record.root, record.index)
    return send(gateway, act, signer=author, errand=errand)


def _of(gateway: "Gateway", digest: bytes) -> BatchRecord:
    record = BatchIndex(gateway.database).record(digest)
    if record is None:
        raise NotFound("no such record in a batch that is known here")
    return record


def _listed(gateway: "Gateway", record: BatchRecord) -> ListedRecord:
    """With the state that the ledger's events add up to, as the contract's `_stateInBatch` has it."""
    changes = dict(gateway.index.batch_record_changes(record.root, record.index))
    if "turned-down" in changes:
        return ListedRecord(record, RecordState.TURNED_DOWN, None)
    counts = "accepted" in changes or was_let_write(gateway, record)
    state = RecordState.ANCHORED if counts else RecordState.PROPOSED
    end = next((state.ended_as(end) for change, end in _ENDS.items() if change in changes), state)
    return ListedRecord(record, end, changes.get("superseded"))


def record_key_of(gateway: "Gateway", record: BatchRecord, holder: Address, sealing: SealingKey) -> bytes | None:
    """The record's key from the holder's slip for its compartment, or, the author's, for its group."""
    item = record.item
    name = compartment_name(record.bundle, item.patient, item.categories)
    key = unwrap(gateway, holder, sealing, name)
    if key is None:
        master = unwrap(gateway, holder, sealing, record.bundle)
        if master is None:
            return None
        key = compartment_key(master, item.patient, item.categories)
    return record_key(key, record.place)
