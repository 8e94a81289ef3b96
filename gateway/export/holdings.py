"""Everything that there is about one patient, of whatever kind: records by themselves, in batches, bodies of
prescriptions.

>>> [holding.digest.hex() for holding in holdings(gateway, ana)]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gateway.batches import records as batch_records
from gateway.batches.index import Place
from gateway.prescriptions.bodies import body_of
from ledger.codes import AnchorKind, Category, RecordState
from ledger.index import IndexedRecord
from ledger.positions import Position
from ledger.types import Address

if TYPE_CHECKING:
    from gateway.services import Gateway

Kind = Literal["single", "batch", "prescription"]

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Holding:
    """One record about a patient, as the index knows it."""

    kind: Kind
    digest: bytes
    patient: Address
    author: Address
    categories: Category
    state: RecordState
    successor: bytes | None
    """Digest of what superseded it."""


def holdings(gateway: "Gateway", patient: Address) -> Iterator[Holding]:
    """All records about a patient, a page in memory at a time; newest first within each kind."""
    before: Position | None = None
    while singles := gateway.index.records_about(patient, _PAGE, before):
        for record in singles:
            yield single(record)
        before = singles[-1].position

    place: Place | None = None
    while listed := batch_records.records_about(gateway, [patient], _PAGE, place):
        for one in listed:
            yield in_batch(one)
        place = listed[-1].record.where

    before = None
    while prescriptions := gateway.index.prescriptions_of(patient, _PAGE, before):
        for prescription in prescriptions:
            body = body_of(gateway, prescription.prescription)
            if body is not None:
                yield Holding(
                    "prescription",
                    body,
                    patient,
                    prescription.prescriber,
                    prescription.categories,
                    RecordState.ANCHORED,
                    None,
                )
        before = prescriptions[-1].position


def holding_of(gateway: "Gateway", digest: bytes) -> Holding | None:
    """One record by its digest; None: the index knows of none."""
    record = gateway.index.record(digest)
    if record is not None:
        return single(record)
    for find in gateway.finders:
        located = find(gateway, digest)
        if located is None:
            continue
        if located.proof.kind is AnchorKind.BATCH:
            return in_batch(batch_records.record_of(gateway, digest))
        subject = located.subject
        return Holding(
            "prescription", digest, subject.patient, located.author, subject.categories, RecordState.ANCHORED, None
        )
    return None


def single(record: IndexedRecord) -> Holding:
    """A record that was anchored by itself."""
    return Holding(
        "single", record.digest, record.patient, record.author, record.categories, record.state, record.successor
    )


def in_batch(one: batch_records.ListedRecord) -> Holding:
    """A record of a batch."""
    item = one.record.item
    return Holding("batch", item.digest, item.patient, one.record.author, item.categories, one.state, one.successor)
