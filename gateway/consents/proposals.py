"""Proposals: records by authors whom the patient has not let write. They count as hers once she accepts them.

>>> page = proposals_to(gateway, ana.address, limit=20)
>>> answer(gateway, ana, ana.address, page[0].digest, True, errand)

One record and one of a batch are answered alike. She may open what is proposed to her, as everything about her; beside
her only its author may.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import exists, select

from gateway.batches import records as batch_records
from gateway.batches.index import BatchIndex, Place
from gateway.errors import NotFound
from gateway.identity.keystore import Identity
from gateway.sending import Errand, send
from ledger import events
from ledger.acts import Act
from ledger.codes import Category, RecordState
from ledger.outbox import Entry
from ledger.positions import newest_first, stands_before
from ledger.types import Address, Subject, address_of, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Proposal:
    """A record that waits for its patient's answer."""

    digest: bytes
    patient: Address
    author: Address
    categories: Category
    batch: bytes | None
    """Root of the batch that it came in; None: it came by itself."""
    place: Place
    """Where it stands in the list: block, log index and, in a batch, its index."""


def proposals_to(gateway: "Gateway", patient: Address, limit: int, before: Place | None = None) -> list[Proposal]:
    """What waits for the patient's answer, newest first, whether it came by itself or in a batch."""
    found = [*_single(gateway, patient, limit, before), *_batched(gateway, patient, limit, before)]
    return sorted(found, key=lambda one: one.place, reverse=True)[:limit]


def proposal(gateway: "Gateway", patient: Address, digest: bytes) -> Proposal:
    """One proposal that waits for the patient's answer.

    Raises:
        NotFound: none of this digest, or not to her, or answered already.
    """
    single = gateway.index.record(digest)
    if single is not None and single.patient == patient and single.state is RecordState.PROPOSED:
        return Proposal(digest, patient, single.author, single.categories, None, (*single.position, 0))
    if single is None:
        batched = batch_records.record_of(gateway, digest)
        if batched.record.item.patient == patient and batched.state is RecordState.PROPOSED:
            return _of_batch(batched)
    raise NotFound("nothing of this digest waits for your answer")


def answer(
    gateway: "Gateway", signer: Identity, patient: Address, digest: bytes, accepted: bool, errand: Errand
) -> Entry:
    """Accept what was proposed, or turn it down: the patient, or her delegate with the power to accept.

    Raises:
        NotFound: nothing of this digest was proposed to her.
        ContractRejected: the ledger refuses, for one because it was answered before, or is not the signer's to answer.
    """
    act = _answering(gateway, patient, digest, accepted, for_her=signer.address != patient)
    return send(gateway, act, signer=signer.address, errand=errand)


def _answering(gateway: "Gateway", patient: Address, digest: bytes, accepted: bool, *, for_her: bool) -> Act:
    acts = gateway.ledger.acts
    single = gateway.index.record(digest)
    if single is not None:
        if single.patient != patient:
            raise NotFound("nothing of this digest waits for your answer")
        subject = Subject(patient, single.categories)
        return (acts.answer_for if for_her else acts.answer)(digest, subject, single.author, accepted)
    record = batch_records.record_of(gateway, digest).record
    if record.item.patient != patient:
        raise NotFound("nothing of this digest waits for your answer")
    subject = record.item.subject(record.author)
    path = BatchIndex(gateway.database).path(record.root, record.index)
    if accepted:
        in_batch = acts.accept_in_batch_for if for_her else acts.accept_in_batch
    else:
        in_batch = acts.turn_down_in_batch_for if for_her else acts.turn_down_in_batch
    return in_batch(record.root, record.index, digest, subject, path)


def _single(gateway: "Gateway", patient: Address, limit: int, before: Place | None) -> list[Proposal]:
    table, changes = events.records, events.record_changes
    answered = exists().where(changes.c.digest == table.c.digest)
    query = select(table).where(table.c.patient == raw(patient), table.c.proposed, ~answered)
    if before is not None:
        query = query.where(stands_before(table, before[:2]))
    query = query.order_by(*newest_first(table)).limit(limit)
    with gateway.ledger_database.connect() as connection:
        return [
            Proposal(
                digest=row.digest,
                patient=patient,
                author=address_of(row.author),
                categories=Category(row.categories),
                batch=None,
                place=(row.block_number, row.log_index, 0),
            )
            for row in connection.execute(query)
        ]


def _batched(gateway: "Gateway", patient: Address, limit: int, before: Place | None) -> list[Proposal]:
    found: list[Proposal] = []
    while len(found) < limit:
        page = batch_records.records_about(gateway, [patient], _PAGE, before)
        found += [_of_batch(one) for one in page if one.state is RecordState.PROPOSED]
        if len(page) < _PAGE:
            break
        before = page[-1].record.where
    return found[:limit]


def _of_batch(one: batch_records.ListedRecord) -> Proposal:
    record = one.record
    return Proposal(
        digest=record.item.digest,
        patient=record.item.patient,
        author=record.author,
        categories=record.item.categories,
        batch=record.root,
        place=record.where,
    )
