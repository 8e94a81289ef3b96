"""Consents and delegations that are about to end: announced to their patient once, some days before.

>>> announce_endings(gateway)                        # a chore
>>> announcements(gateway, ana.address, limit=10)

How many days before is a setting (`expiry_notice_days`); what is given for less than twice as long is announced when
half of its time is over. What was withdrawn or ended needs no announcement. An announcement takes its place
among the notices behind the block at which it was made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    and_,
    exists,
    func,
    or_,
    select,
)

from gateway.consents import collected
from gateway.consents.signed import signed_ending
from gateway.database import metadata, reading, writing
from ledger import events, events_care
from ledger.care import delegation_id
from ledger.index_tables import blocks
from ledger.positions import Position, newest_first, oldest_first, stands_after, stands_before
from ledger.rpc import quantity
from ledger.types import FOREVER, Address, address_of, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

announced = Table(
    "announced_endings",
    metadata,
    Column("about", LargeBinary(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("patient", LargeBinary(20), nullable=False),
    Column("whose", LargeBinary(20), nullable=False),
    Column("expiry", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("log_index", BigInteger, nullable=False),
    Index("ix_announced_endings_patient", "patient", "block_number", "log_index"),
)
"""`kind`: consent, delegation; `about`: its id, of a delegation hashed with its end; `whose`: grantee or delegate.
`at`, `expiry`: seconds since 1970. The place: behind everything of its block, in the order of announcing."""

sweeps = Table(
    "announcing_sweeps",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
)
"""When the consents were last gone through, seconds since 1970."""

_DAY = 86_400
_BEHIND = 1_000_000
"""Higher than any log index: announcements stand behind the events of their block."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Ending:
    """A consent or delegation that ends by itself."""

    kind: str
    about: bytes
    """Its id, 32 bytes."""
    patient: Address
    whose: Address
    """Grantee, or delegate."""
    expiry: int
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """An end, announced beforehand."""

    ending: Ending
    position: Position


def announce_endings(gateway: "Gateway") -> None:
    """A chore: announce what ends soon and was not announced before.

    Goes through the consents at intervals (`expiry_sweep_seconds`). Cut off anywhere, nothing is announced twice.
    """
    now = int(gateway.clock())
    if not _is_due(gateway, now):
        return
    for ending in (_ending_consents, _ending_signed, _ending_delegations):
        after: Position = (-1, -1)
        while found := ending(gateway, now, after):
            _announce(gateway, [one for _, one in found], now)
            after = found[-1][0]
            if len(found) < _AT_ONCE:
                break
    with writing(gateway.database) as connection:
        connection.execute(sweeps.delete())
        connection.execute(sweeps.insert().values(id=1, at=now))


def announcements(
    gateway: "Gateway", patient: Address, limit: int, before: Position | None = None
) -> list[Announcement]:
    """What was announced to a patient, newest first."""
    query = select(announced).where(announced.c.patient == raw(patient))
    if before is not None:
        query = query.where(stands_before(announced, before))
    query = query.order_by(*newest_first(announced)).limit(limit)
    with reading(gateway.database) as connection:
        rows = connection.execute(query).all()
    return [
        Announcement(
            Ending(row.kind, row.about, patient, address_of(row.whose), row.expiry), (row.block_number, row.log_index)
        )
        for row in rows
    ]


def _is_due(gateway: "Gateway", now: int) -> bool:
    with reading(gateway.database) as connection:
        last = connection.execute(select(sweeps.c.at)).scalar()
    # A clock that was set back is no reason to wait.
    return last is None or not last <= now < last + gateway.settings.expiry_sweep_seconds


def _ending_consents(gateway: "Gateway", now: int, after: Position) -> list[tuple[Position, Ending]]:
    """Live consents within the days before their end, in the order in which they were given."""
    table, withdrawals = events.consents, events.withdrawals
    withdrawn = select(withdrawals.c.consent_id).where(withdrawals.c.consent_id == table.c.consent_id).exists()
    soon = _ends_soon(gateway, now, table.c.not_before, table.c.expiry)
    query = select(table).where(soon, table.c.expiry < FOREVER, ~withdrawn, stands_after(table, after))
    return [
        (
            (row.block_number, row.log_index),
            Ending("consent", row.consent_id, address_of(row.patient), address_of(row.grantee), row.expiry),
        )
        for row in _portion(gateway, query, table)
    ]


def _ending_signed(gateway: "Gateway", now: int, after: Position) -> list[tuple[Position, Ending]]:
    """The same of those that she signed and an organization collected."""
    table = collected.consents
    soon = and_(_ends_soon(gateway, now, table.c.not_before, table.c.expiry), table.c.expiry < FOREVER)
    return [
        (one.position, Ending("consent", one.consent_id, one.patient, one.grantee, one.terms.expiry))
        for one in signed_ending(gateway, soon, after, _AT_ONCE)
    ]


def _ending_delegations(gateway: "Gateway", now: int, after: Position) -> list[tuple[Position, Ending]]:
    """The same of delegations; one that was renewed or narrowed since is another."""
    table = events_care.delegations
    later = table.alias()
    same_pair = and_(later.c.patient == table.c.patient, later.c.delegate == table.c.delegate)
    behind = and_(later.c.block_number == table.c.block_number, later.c.log_index > table.c.log_index)
    replaced = exists().where(same_pair, or_(later.c.block_number > table.c.block_number, behind))
    since = select(blocks.c.time).where(blocks.c.block_number == table.c.block_number).scalar_subquery()
    soon = _ends_soon(gateway, now, since, table.c.until)
    query = select(table).where(soon, ~replaced, stands_after(table, after))
    found = []
    for row in _portion(gateway, query, table):
        patient, delegate = address_of(row.patient), address_of(row.delegate)
        about = sha256(delegation_id(patient, delegate) + row.until.to_bytes(5, "big")).digest()
        place = (row.block_number, row.log_index)
        found.append((place, Ending("delegation", about, patient, delegate, row.until)))
    return found


def _ends_soon(
    gateway: "Gateway", now: int, since: ColumnElement[Any], until: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Not over, within the days before the end, and more than half of it over."""
    left = until - now
    return and_(until > now, left <= gateway.settings.expiry_notice_days * _DAY, left * 2 <= until - since)


def _portion(gateway: "Gateway", query: Select[Any], table: Table) -> Sequence[Row[Any]]:
    with gateway.ledger_database.connect() as connection:
        return connection.execute(query.order_by(*oldest_first(table)).limit(_AT_ONCE)).all()


def _announce(gateway: "Gateway", endings: Sequence[Ending], now: int) -> None:
    block = quantity(gateway.node.request("eth_blockNumber"))
    with writing(gateway.database) as connection:
        query = select(announced.c.about).where(announced.c.about.in_([ending.about for ending in endings]))
        known = set(connection.execute(query).scalars())
        # By what each is about: she may have signed two consents of one id.
        new = {ending.about: ending for ending in endings if ending.about not in known}.values()
        query_last = select(func.max(announced.c.log_index)).where(announced.c.block_number == block)
        last = connection.execute(query_last).scalar()
        start = _BEHIND if last is None else last + 1
        rows = [
            {
                "about": ending.about,
                "kind": ending.kind,
                "patient": raw(ending.patient),
                "whose": raw(ending.whose),
                "expiry": ending.expiry,
                "at": now,
                "block_number": block,
                "log_index": start + number,
            }
            for number, ending in enumerate(new)
        ]
        if rows:
            connection.execute(announced.insert(), rows)
