"""What the index knows of consents for many patients at once, where a question for each would cost more than sealing;
and of the consent that let somebody write one record of a batch.

>>> standing_grantees_of(gateway, [(ana, Category.LABORATORY)], at=now, most=500)
{('0x...', <Category.LABORATORY: 2>): ['0x...']}
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Row, bindparam, func, select

from gateway.batches.index import BatchRecord
from ledger import events
from ledger.codes import Category
from ledger.database import reading
from ledger.index_queries import is_withdrawn
from ledger.index_tables import blocks
from ledger.positions import newest_first
from ledger.types import Address, address_of, consent_id, raw, scope_number

if TYPE_CHECKING:
    from gateway.services import Gateway

_consents = events.consents
_NUMBERED = (1 << 16).to_bytes(32, "big")
"""The first scope that is no consent's number."""
_AT_ONCE = 1_000
"""Patients in one question."""

_LIVE: tuple[ColumnElement[bool], ...] = (
    _consents.c.patient.in_(bindparam("patients", expanding=True)),
    _consents.c.not_before <= bindparam("at"),
    _consents.c.expiry > bindparam("at"),
    _consents.c.scope < _NUMBERED,
    _consents.c.categories.op("&")(bindparam("categories")) == bindparam("categories"),
    ~is_withdrawn(),
)
_RANKED = (
    select(
        _consents.c.patient,
        _consents.c.grantee,
        func.dense_rank().over(partition_by=_consents.c.patient, order_by=_consents.c.grantee).label("rank"),
    )
    .where(*_LIVE)
    .subquery()
)
_STANDING = select(_RANKED.c.patient, _RANKED.c.grantee).distinct().where(_RANKED.c.rank <= bindparam("most"))
_WRITING = (
    select(_consents.c.patient, _consents.c.grantee, _consents.c.scope)
    .where(*_LIVE, _consents.c.may_write, _consents.c.grantee.in_(bindparam("grantees", expanding=True)))
    .order_by(*newest_first(_consents))
)
_ANCHORED_AT = (
    select(blocks.c.time)
    .join(events.batches, events.batches.c.block_number == blocks.c.block_number)
    .where(events.batches.c.root == bindparam("root"))
    .scalar_subquery()
)
_WITHDRAWN_BEFORE = (
    select(events.withdrawals.c.consent_id)
    .join(blocks, events.withdrawals.c.block_number == blocks.c.block_number)
    .where(events.withdrawals.c.consent_id == bindparam("consent"), blocks.c.time <= _ANCHORED_AT)
    .exists()
)
_DENIED = (
    select(events.denials.c.denied)
    .join(blocks, events.denials.c.block_number == blocks.c.block_number)
    .where(
        events.denials.c.patient == bindparam("patient"),
        events.denials.c.grantee == bindparam("grantee"),
        blocks.c.time <= _ANCHORED_AT,
    )
    .order_by(events.denials.c.block_number.desc(), events.denials.c.log_index.desc())
    .limit(1)
)
"""The last that a patient said of one grantee before the batch was anchored."""
_LET_WRITE = select(_consents.c.consent_id).where(
    _consents.c.consent_id == bindparam("consent"),
    _consents.c.may_write,
    _consents.c.categories.op("&")(bindparam("categories")) == bindparam("categories"),
    _consents.c.not_before <= _ANCHORED_AT,
    _consents.c.expiry > _ANCHORED_AT,
    ~_WITHDRAWN_BEFORE,
)

Subjects = Collection[tuple[Address, Category]]


def standing_grantees_of(
    gateway: "Gateway", subjects: Subjects, *, at: int, most: int
) -> dict[tuple[Address, Category], list[Address]]:
    """Whose live consent covers every new record of a patient and these categories, at most `most` of a patient."""
    found: dict[tuple[Address, Category], list[Address]] = {subject: [] for subject in subjects}
    for categories, row in _ask(gateway, _STANDING, subjects, at=at, most=most):
        found[address_of(row.patient), categories].append(address_of(row.grantee))
    return found


def write_consents_of(
    gateway: "Gateway", subjects: Subjects, grantees: Sequence[Address], *, at: int
) -> Iterator[tuple[Address, Category, Address, int]]:
    """For each patient and categories the consent (grantee, number) that lets one of the grantees write them: the
    first grantee's that has one, her newest; subjects that nobody may write are left out."""
    order = {raw(grantee): place for place, grantee in enumerate(grantees)}
    best: dict[tuple[Address, Category], Row[Any]] = {}
    for categories, row in _ask(gateway, _WRITING, subjects, at=at, grantees=list(order)):
        before = best.setdefault((address_of(row.patient), categories), row)
        if order[row.grantee] < order[before.grantee]:
            best[address_of(row.patient), categories] = row
    for (patient, categories), row in best.items():
        yield patient, categories, address_of(row.grantee), int.from_bytes(row.scope, "big")


def was_let_write(gateway: "Gateway", record: BatchRecord) -> bool:
    """Whether the consent that a record's leaf names let its author write it when the batch was anchored, and the
    patient denied neither her nor her organization then, as the ledger's `_wasLetWrite` judges: who put the list
    together may have been wrong, or late."""
    subject = record.item.subject(record.author)
    if subject.proposed:
        return False
    author = gateway.index.participant(record.author)
    organization = author.organization if author is not None else record.author
    grantee = organization if subject.via_organization else record.author
    id_ = consent_id(subject.patient, grantee, scope_number(subject.consent_number))
    asked = {"root": record.root, "consent": id_, "categories": int(subject.categories)}
    with reading(gateway.ledger_database) as connection:
        for one in {record.author, organization}:
            denied = {"root": record.root, "patient": raw(subject.patient), "grantee": raw(one)}
            if connection.execute(_DENIED, denied).scalar():
                return False
        return connection.execute(_LET_WRITE, asked).first() is not None


def _ask(gateway: "Gateway", query: Any, subjects: Subjects, **asked: Any) -> Iterator[tuple[Category, Row[Any]]]:
    """The rows for all patients, one kind of records after the other: a batch has few."""
    patients: dict[Category, set[bytes]] = defaultdict(set)
    for patient, categories in subjects:
        patients[categories].add(raw(patient))
    with reading(gateway.ledger_database) as connection:
        for categories, all_of_them in patients.items():
            some = iter(all_of_them)
            while portion := list(islice(some, _AT_ONCE)):
                asked |= {"patients": portion, "categories": int(categories)}
                yield from ((categories, row) for row in connection.execute(query, asked))
