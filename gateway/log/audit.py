"""Auditing the database of an access log: its lines against the ledger's checkpoints (`gateway.verify.audit`), and what
stands beside them, to find them by, against the lines.

>>> audit_database(engine, anchored_of(chain, operator)).result(operator).sentence
'The first 40 lines of the access log of 0x... are, in this order and with these times, those that ...'

The engine may be that of a copy, opened read-only. Whoever keeps the database can make all of it agree with itself, but
not with the ledger.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Engine, Row, func, select

from gateway.database import reading
from gateway.errors import LineInvalid
from gateway.log.tree import checkpoints, lines, nodes
from gateway.verify.audit import Audit, audit_lines
from gateway.verify.lines import decode_leaf
from gateway.verify.log import SKEW, Anchored
from ledger.translog import leaf_hash, node_hash
from ledger.types import raw

_PORTION = 1_000


def audit_database(engine: Engine, known: Sequence[Anchored], *, skew: int = SKEW) -> Audit:
    """Go through a log as its database has it.

    Args:
        known: its checkpoints on the ledger, the smallest first.
        skew: seconds that clocks may differ.
    """
    beside: list[str] = []
    with reading(engine) as connection:
        audit = audit_lines(_lines(connection, beside), known, skew=skew)
        for sentence in [*beside, *_tree(connection), *_signed(connection, known)]:
            audit.fault(sentence)
    return audit


def _lines(connection: Connection, faults: list[str]) -> Iterator[tuple[int, bytes]]:
    """Each line; what its other columns say otherwise goes to `faults`."""
    first = -1
    while True:
        query = select(lines).where(lines.c.seq > first).order_by(lines.c.seq).limit(_PORTION)
        found = connection.execute(query).all()
        if not found:
            return
        for row in found:
            wrong = _columns_of(row)
            if wrong:
                faults.append(f"line {row.seq} is filed under another {wrong} than its own")
            yield row.seq, row.leaf
        first = found[-1].seq


def _columns_of(row: Row[tuple[object, ...]]) -> str | None:
    """The first column that does not say what the line says: by it a line would be hidden from whom it concerns."""
    try:
        attempt = decode_leaf(row.leaf)
    except LineInvalid:
        return None  # that is said of the line itself
    said = {
        "time": row.at == attempt.at,
        "reader": row.reader == raw(attempt.reader),
        "patient": row.patient == raw(attempt.patient),
        "record": row.digest == attempt.digest,
        "answer": bool(row.permitted) == attempt.permitted,
        "hash": row.leaf_hash == leaf_hash(row.leaf),
    }
    return next((name for name, agrees in said.items() if not agrees), None)


def _tree(connection: Connection) -> Iterator[str]:
    """Nodes that do not follow from those below, or are too many or too few: level by level, from the leaves."""
    below = connection.execute(select(func.count()).select_from(lines)).scalar_one()
    level = 0
    while below > 1:
        level += 1
        count = connection.execute(select(func.count()).where(nodes.c.level == level)).scalar_one()
        if count != below // 2:
            yield f"the log's tree has {count} nodes at level {level} over {below} below"
            return
        for start in range(0, count, _PORTION):
            upper = _hashes(connection, level, start, _PORTION)
            lower = _hashes(connection, level - 1, 2 * start, 2 * _PORTION)
            for position, value in upper.items():
                left, right = lower.get(2 * position), lower.get(2 * position + 1)
                if left is None or right is None or node_hash(left, right) != value:
                    yield f"node {position} at level {level} of the log's tree does not follow from those below"
                    return
        below = count


def _hashes(connection: Connection, level: int, start: int, count: int) -> dict[int, bytes]:
    if level == 0:
        query = select(lines.c.seq, lines.c.leaf_hash).where(lines.c.seq >= start, lines.c.seq < start + count)
    else:
        query = select(nodes.c.position, nodes.c.hash).where(
            nodes.c.level == level, nodes.c.position >= start, nodes.c.position < start + count
        )
    return {row[0]: row[1] for row in connection.execute(query)}


def _signed(connection: Connection, known: Sequence[Anchored]) -> Iterator[str]:
    """Checkpoints on the ledger that were never signed here, or otherwise: another log was anchored."""
    roots = {row.size: row.root for row in connection.execute(select(checkpoints.c.size, checkpoints.c.root))}
    for one in known:
        if roots.get(one.size) != one.root:
            yield f"the checkpoint of {one.size} lines on the ledger is not one that was signed here"
