"""Handing over, and taking back, slips that do not lie under a single record's digest: of batches, of prescriptions.

`gateway.consents.consenting` does it for single records; this goes with it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from gateway.batches.index import BatchIndex, BatchRecord, Place
from gateway.batches.records import record_key_of
from gateway.batches.seal import compartment_name
from gateway.prescriptions.access import give_slips
from gateway.prescriptions.bodies import body_of, read_slip
from gateway.slips.reach import Holder, Reach
from gateway.slips.slips import hand_out, unwrap
from ledger.codes import Category
from ledger.index import IndexedPrescription
from ledger.positions import Position
from ledger.types import Address, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

_PAGE = 200


def hand_over_more(gateway: "Gateway", reach: Reach, readers: Collection[Address], holder: Holder) -> int:
    """Make the slips of batches and prescriptions that the readers lack, with the holder's key; how many."""
    index = BatchIndex(gateway.database)
    if reach.record is not None:
        # One record alone: its own key, not that of its compartment.
        record = index.record(reach.record)
        if record is None or record.item.patient != reach.patient or record.item.categories & ~reach.categories:
            return 0
        key = record_key_of(gateway, record, holder.address, holder.sealing)
        return hand_out(gateway, reach.record, key, _lacking(gateway, reach.record, readers)) if key else 0

    made = 0
    for bundle, categories in index.compartments_of(reach.patient):
        if categories & ~reach.categories:
            continue
        name = compartment_name(bundle, reach.patient, categories)
        lacking = _lacking(gateway, name, readers)
        key = unwrap(gateway, holder.address, holder.sealing, name) if lacking else None
        if key is not None:
            made += hand_out(gateway, name, key, lacking)
    for one in _prescriptions(gateway, reach.patient):
        lacking = _lacking(gateway, one.terms_hash, readers)
        if lacking and not one.categories & ~reach.categories:
            slip = read_slip(gateway, one.terms_hash, holder.address, holder.sealing)
            made += give_slips(gateway, slip, lacking) if slip else 0
    return made


def take_back_more(
    gateway: "Gateway",
    patient: Address,
    readers: set[Address],
    keep: Callable[[Category], set[Address]],
    alone: Mapping[bytes, set[Address]],
) -> int:
    """Remove the readers' slips of batches and prescriptions, but for what the patient still lets them read.

    Args:
        keep: who may still read records of these categories.
        alone: by the digest of a record, who may still read it by a consent to it alone.
    """
    removed = 0
    index = BatchIndex(gateway.database)
    for bundle, categories in index.compartments_of(patient):
        name = compartment_name(bundle, patient, categories)
        removed += _remove(gateway, name, readers - keep(categories))
    for record in _batch_records(index, patient):
        digest, kept = record.item.digest, keep(record.item.categories) | alone.get(record.item.digest, set())
        removed += _remove(gateway, digest, readers - kept - {record.author})
    for one in _prescriptions(gateway, patient):
        gone = readers - keep(one.categories) - {one.prescriber}
        removed += _remove(gateway, one.terms_hash, gone)
        body = body_of(gateway, one.prescription)
        if body is not None:
            removed += _remove(gateway, body, gone)
    return removed


def _lacking(gateway: "Gateway", name: bytes, readers: Iterable[Address]) -> list[Address]:
    there = set(gateway.store.list_slips(name))
    return [reader for reader in readers if raw(reader) not in there]


def _remove(gateway: "Gateway", name: bytes, readers: Iterable[Address]) -> int:
    there = set(gateway.store.list_slips(name))
    gone = [raw(reader) for reader in readers if raw(reader) in there]
    for reader in gone:
        gateway.store.delete_slip(name, reader)
    return len(gone)


def _batch_records(index: BatchIndex, patient: Address) -> Iterator[BatchRecord]:
    before: Place | None = None
    while page := index.records_about([patient], _PAGE, before):
        yield from page
        before = page[-1].where


def _prescriptions(gateway: "Gateway", patient: Address) -> Iterator[IndexedPrescription]:
    before: Position | None = None
    while page := gateway.index.prescriptions_of(patient, _PAGE, before):
        yield from page
        before = page[-1].position
