"""Disposing, day by day, of what an organization no longer keeps: destroyed as in an erasure, with a signed line.

>>> set_rule(gateway, hospital, rule)          # gateway.retention_rules
>>> dispose_due(gateway)                       # a chore

What falls due is noted once, from the index, and each is judged anew by the rules of the moment before it goes.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, func, select

from gateway.batches.index import Reading, batch_records, followed
from gateway.database import metadata, reading, writing
from gateway.erasure import erasing as erasure
from gateway.erasure.disposals import Cause
from gateway.erasure.rules import Rule, disposed_from, organization_of, rules, set_rule
from gateway.erasure.shredding import prescription_of
from gateway.export.holdings import holding_of
from gateway.prescriptions.bodies import bodies
from ledger import events
from ledger.codes import PrescriptionStatus
from ledger.database import reading as reading_index
from ledger.types import Address, address_of, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

due = Table(
    "retention_due",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("due_at", BigInteger, nullable=False),
    Index("ix_retention_due_at", "due_at"),
)
"""Records that will be disposed of, and when."""
marks = Table(
    "retention_marks",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""How far, in blocks, each source was gone through; and when (`swept`) that was done last."""

Found = Sequence[tuple[int, bytes, bytes]]
"""Block, digest and author of records."""

_REORGANIZED = 256
"""Blocks that are gone through again: within them something may still turn up elsewhere."""
_AT_ONCE = 200
_DAY = 86_400


def change_rule(gateway: "Gateway", organization: Address, rule: Rule) -> None:
    """Set a rule, and judge anew what it concerns; see `retention_rules.set_rule`."""
    set_rule(gateway, organization, rule)
    start_over(gateway)


def start_over(gateway: "Gateway") -> None:
    """Go through everything again: a rule has changed."""
    with writing(gateway.database) as connection:
        connection.execute(due.delete())
        connection.execute(marks.delete())


def dispose_due(gateway: "Gateway") -> None:
    """A chore: at intervals, note what has come and dispose of what is due."""
    now = int(gateway.clock())
    with reading(gateway.database) as connection:
        ruled = connection.execute(select(rules.c.category).where(rules.c.dispose.is_not(None)).limit(1)).first()
    if ruled is None or now < _mark(gateway, "swept") + gateway.settings.retention_sweep_seconds:
        return
    note_new(gateway)
    with reading(gateway.database) as connection:
        query = select(due.c.digest).where(due.c.due_at <= now).order_by(due.c.due_at).limit(_AT_ONCE)
        digests = list(connection.execute(query).scalars())
    for digest in digests:
        _judge(gateway, digest, now)
    if len(digests) < _AT_ONCE:
        _set_mark(gateway, "swept", now)


def note_new(gateway: "Gateway") -> None:
    """Note when each record that was anchored since the last time will be due."""
    ruled = _ruled(gateway)
    for source, find in (("records", _singles), ("batches", _batched), ("prescriptions", _prescribed)):
        after = _mark(gateway, source)
        newest = after
        for block, digest, author in find(gateway, after - _REORGANIZED):
            newest = max(newest, block)
            if organization_of(gateway, address_of(author)) in ruled and not _is_noted(gateway, digest):
                _note(gateway, digest)
        _set_mark(gateway, source, newest)


def _judge(gateway: "Gateway", digest: bytes, now: int) -> None:
    """Dispose of a record if the rules of this moment say so."""
    holding = holding_of(gateway, digest)
    term = disposed_from(gateway, holding) if holding is not None else None
    if holding is None or term is None:
        _forget(gateway, digest)
        return
    if term.at > now:
        _put_off(gateway, digest, term.at)
        return
    if holding.kind == "prescription" and _in_use(gateway, digest):
        _put_off(gateway, digest, now + _DAY)
        return
    stone = erasure.begin(gateway, holding, cause=Cause.RETENTION, basis=term.basis, correlation=str(uuid4()))
    # Its neighbours under a common key are of the same day, author and kind, so their time is over as well.
    if erasure.finish(gateway, holding, stone, patient=None, whole=True) is not None:
        _forget(gateway, digest)


def _in_use(gateway: "Gateway", body: bytes) -> bool:
    prescription = prescription_of(gateway, body)
    if prescription is None:
        return False
    over = (PrescriptionStatus.COMPLETED, PrescriptionStatus.CANCELLED, PrescriptionStatus.VOIDED)
    return gateway.ledger.prescription(prescription).status not in over


def _is_noted(gateway: "Gateway", digest: bytes) -> bool:
    with reading(gateway.database) as connection:
        return connection.execute(select(due.c.digest).where(due.c.digest == digest)).first() is not None


def _note(gateway: "Gateway", digest: bytes) -> None:
    holding = holding_of(gateway, digest)
    term = disposed_from(gateway, holding) if holding is not None else None
    if holding is None or term is None or erasure.tombstones(gateway).of(digest) is not None:
        return
    with writing(gateway.database) as connection:
        connection.execute(due.insert().values(digest=digest, due_at=term.at))


def _put_off(gateway: "Gateway", digest: bytes, at: int) -> None:
    with writing(gateway.database) as connection:
        connection.execute(due.update().where(due.c.digest == digest).values(due_at=at))


def _forget(gateway: "Gateway", digest: bytes) -> None:
    with writing(gateway.database) as connection:
        connection.execute(due.delete().where(due.c.digest == digest))


def _singles(gateway: "Gateway", after: int) -> Found:
    """What came by itself after a block."""
    table = events.records
    query = select(table.c.block_number, table.c.digest, table.c.author)
    query = query.where(table.c.patient != table.c.author, table.c.block_number > after)
    with reading_index(gateway.ledger_database) as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def _batched(gateway: "Gateway", after: int) -> Found:
    """What came in batches after a block, or after the first batch whose list could not be read yet."""
    missing = select(func.min(followed.c.block_number)).where(followed.c.state == Reading.MISSING)
    query = select(followed.c.block_number, batch_records.c.digest, followed.c.author)
    query = query.join(batch_records, batch_records.c.root == followed.c.root)
    with reading(gateway.database) as connection:
        first = connection.execute(missing).scalar()
        start = after if first is None else min(after, first - 1)
        found = connection.execute(query.where(followed.c.block_number > start))
        return [(row[0], row[1], row[2]) for row in found]


def _prescribed(gateway: "Gateway", _after: int) -> Found:
    """The bodies of prescriptions that are known here and not noted; they become known at any time."""
    with reading(gateway.database) as connection:
        query = select(bodies.c.prescription, bodies.c.digest).where(bodies.c.digest.not_in(select(due.c.digest)))
        known = [(row[0], row[1]) for row in connection.execute(query)]
    found = []
    for prescription, body in known:
        indexed = gateway.index.prescription(prescription)
        if indexed is not None:
            found.append((indexed.position[0], body, raw(indexed.prescriber)))
    return found


def _mark(gateway: "Gateway", name: str) -> int:
    with reading(gateway.database) as connection:
        return int(connection.execute(select(marks.c.value).where(marks.c.name == name)).scalar() or 0)


def _set_mark(gateway: "Gateway", name: str, value: int) -> None:
    with writing(gateway.database) as connection:
        connection.execute(marks.delete().where(marks.c.name == name))
        connection.execute(marks.insert().values(name=name, value=value))


def _ruled(gateway: "Gateway") -> set[Address]:
    """Organizations that dispose of anything."""
    with reading(gateway.database) as connection:
        query = select(rules.c.organization).where(rules.c.dispose.is_not(None)).distinct()
        return {address_of(one) for one in connection.execute(query).scalars()}
