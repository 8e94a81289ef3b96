"""The questions that every opened record asks of the index, built once: building one costs more than its answer.

>>> connection.execute(record(), {"digest": digest}).all()
"""

from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, ScalarSelect, Select, and_, bindparam, exists, func, or_, select

from ledger import events
from ledger.positions import newest_first, oldest_first

_FIRST_DIGEST = (2**16).to_bytes(32, "big")
"""The first scope that is no consent's number."""


@cache
def participant() -> Select[Any]:
    """`who`: her registration, beside it the newest of what can change."""
    table = events.registrations
    return (
        select(
            table,
            _newest(events.role_changes.c.roles).label("new_roles"),
            _newest(events.suspensions.c.suspended).label("suspended"),
            _newest(events.key_cards.c.key_card).label("key_card"),
        )
        .where(table.c.participant == bindparam("who"))
        .order_by(*newest_first(table))
        .limit(1)
    )


@cache
def key_cards() -> Select[Any]:
    """`participants`: the digests that they published, the newest last."""
    table = events.key_cards
    query = select(table.c.participant, table.c.key_card)
    query = query.where(table.c.participant.in_(bindparam("participants", expanding=True)))
    return query.order_by(*oldest_first(table))


@cache
def memberships(by: str, wanted: str) -> Select[Any]:
    """`who`: the other side of every membership whose newest event is a joining."""
    table = events.memberships
    newest = (
        select(table.c[wanted], func.max(table.c.block_number * 1_000_000 + table.c.log_index).label("at"))
        .where(table.c[by] == bindparam("who"))
        .group_by(table.c[wanted])
        .subquery()
    )
    same = and_(
        table.c[wanted] == newest.c[wanted],
        table.c.block_number * 1_000_000 + table.c.log_index == newest.c.at,
    )
    return select(table.c[wanted]).join(newest, same).where(table.c[by] == bindparam("who"), table.c.joined)


@cache
def consents_of_pair() -> Select[Any]:
    """`patient`, `grantees`, `limit`: the consents between them, newest first."""
    table = events.consents
    return (
        select(table, is_withdrawn().label("withdrawn"))
        .where(table.c.patient == bindparam("patient"), table.c.grantee.in_(bindparam("grantees", expanding=True)))
        .order_by(*newest_first(table))
        .limit(bindparam("limit"))
    )


@cache
def consents_that_help() -> Select[Any]:
    """Also `at`, `purposes`, `categories`: those of them that are numbered (of no single record), live, for a purpose,
    and touch a category."""
    table = events.consents
    return consents_of_pair().where(
        table.c.scope < _FIRST_DIGEST,
        *_live(),
        table.c.purposes.op("&")(bindparam("purposes")) != 0,
        table.c.categories.op("&")(bindparam("categories")) != 0,
        ~is_withdrawn(),
    )


@cache
def consents_to_write() -> Select[Any]:
    """`patient`, `grantees`, `limit`, `at`, `categories`: those that are live and let write all the categories."""
    table = events.consents
    return consents_of_pair().where(table.c.may_write, *_live(), _covers(), ~is_withdrawn())


@cache
def denials(*, of_many: bool = False) -> Select[Any]:
    """`patient`, `limit`: whom she denies now, newest first; or of all `patients`, in no order."""
    table = events.denials
    later = table.alias()
    lifted = exists().where(
        later.c.patient == table.c.patient,
        later.c.grantee == table.c.grantee,
        or_(
            later.c.block_number > table.c.block_number,
            and_(later.c.block_number == table.c.block_number, later.c.log_index > table.c.log_index),
        ),
    )
    query = select(table).where(table.c.denied, ~lifted)
    if of_many:
        return query.where(table.c.patient.in_(bindparam("patients", expanding=True)))
    query = query.where(table.c.patient == bindparam("patient"))
    return query.order_by(*newest_first(table)).limit(bindparam("limit"))


@cache
def record() -> Select[Any]:
    """`digest`: a single record's newest anchor."""
    table = events.records
    return select(table).where(table.c.digest == bindparam("digest")).order_by(*newest_first(table)).limit(1)


@cache
def record_changes() -> Select[Any]:
    """`digests`: what happened to these records, oldest first."""
    table = events.record_changes
    asked = table.c.digest.in_(bindparam("digests", expanding=True))
    return select(table).where(asked).order_by(*oldest_first(table))


def is_withdrawn() -> ColumnElement[bool]:
    """Whether a consent was ever withdrawn."""
    return exists().where(events.withdrawals.c.consent_id == events.consents.c.consent_id)


def _live() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Of a consent: neither too early nor too late at the time `at`."""
    return events.consents.c.not_before <= bindparam("at"), events.consents.c.expiry > bindparam("at")


def _covers() -> ColumnElement[bool]:
    """Of a consent: all the `categories`."""
    return events.consents.c.categories.op("&")(bindparam("categories")) == bindparam("categories")


def _newest(column: Column[Any]) -> ScalarSelect[Any]:
    """The column in the newest event about the participant `who`."""
    table = column.table
    mine = table.c.participant == bindparam("who")
    return select(column).where(mine).order_by(*newest_first(table)).limit(1).scalar_subquery()
