"""What the index knows of consents for many patients at once: a question for each would cost more than sealing.

>>> standing_grantees_of(gateway, [(ana, Category.LABORATORY)], at=now, most=500)
{('0x...', <Category.LABORATORY: 2>): ['0x...']}
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Row, bindparam, func, select

from gateway.batches.manifest import address_from
from ledger import events
from ledger.codes import Category
from ledger.database import reading
from ledger.index_queries import is_withdrawn
from ledger.types import Address

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
    .order_by(_consents.c.block_number.desc(), _consents.c.log_index.desc())
)

Subjects = Collection[tuple[Address, Category]]


def standing_grantees_of(
    gateway: "Gateway", subjects: Subjects, *, at: int, most: int
) -> dict[tuple[Address, Category], list[Address]]:
    """Whose live consent covers every new record of a patient and these categories, at most `most` of a patient."""
    found: dict[tuple[Address, Category], list[Address]] = {subject: [] for subject in subjects}
    for categories, row in _ask(gateway, _STANDING, subjects, at=at, most=most):
        found[address_from(row.patient), categories].append(address_from(row.grantee))
    return found


def write_consents_of(
    gateway: "Gateway", subjects: Subjects, grantees: Sequence[Address], *, at: int
) -> Iterator[tuple[Address, Category, Address, int]]:
    """For each patient and categories the consent (grantee, number) that lets one of the grantees write them: the
    first grantee's that has one, her newest; subjects that nobody may write are left out."""
    order = {_raw(grantee): place for place, grantee in enumerate(grantees)}
    best: dict[tuple[Address, Category], Row[Any]] = {}
    for categories, row in _ask(gateway, _WRITING, subjects, at=at, grantees=list(order)):
        before = best.setdefault((address_from(row.patient), categories), row)
        if order[row.grantee] < order[before.grantee]:
            best[address_from(row.patient), categories] = row
    for (patient, categories), row in best.items():
        yield patient, categories, address_from(row.grantee), int.from_bytes(row.scope, "big")


def _ask(gateway: "Gateway", query: Any, subjects: Subjects, **asked: Any) -> Iterator[tuple[Category, Row[Any]]]:
    """The rows for all patients, one kind of records after the other: a batch has few."""
    patients: dict[Category, set[bytes]] = defaultdict(set)
    for patient, categories in subjects:
        patients[categories].add(_raw(patient))
    with reading(gateway.ledger_database) as connection:
        for categories, all_of_them in patients.items():
            some = iter(all_of_them)
            while portion := list(islice(some, _AT_ONCE)):
                asked |= {"patients": portion, "categories": int(categories)}
                yield from ((categories, row) for row in connection.execute(query, asked))


def _raw(address: Address) -> bytes:
    return bytes.fromhex(address[2:])
