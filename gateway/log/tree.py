"""The Merkle tree over the access log (`ledger.translog`), kept with it: a line adds the few nodes that it completes,
in the same transaction, and a proof reads some dozen nodes, however long the log is.

>>> tree = LogTree(engine)
>>> proof = inclusion_proof(tree, 17, 40)
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    LargeBinary,
    Select,
    Table,
    and_,
    bindparam,
    event,
    func,
    or_,
    select,
)
from sqlalchemy.schema import DDL

from gateway.database import metadata, reading, writing
from ledger.translog import Node, completed, siblings

lines = Table(
    "access_log",
    metadata,
    Column("seq", BigInteger().with_variant(BigInteger, "postgresql"), primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("reader", LargeBinary(20), nullable=False),
    Column("patient", LargeBinary(20), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("permitted", Boolean, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary(32), nullable=False),
    Index("ix_access_log_patient", "patient", "seq"),
    Index("ix_access_log_reader", "reader", "seq"),
    Index("ix_access_log_at", "at"),
)
"""The lines (`gateway.log.accesslog`), in order and without a gap."""

nodes = Table(
    "access_log_nodes",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
)
"""The complete subtrees from level 1 on; level 0 stands in the lines."""

checkpoints = Table(
    "access_log_checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("signed_at", BigInteger, nullable=False),
)
"""What was ever signed (`gateway.log.checkpoints`)."""

_REFUSAL = "the access log is append-only"
_AT_ONCE = 1_000


def _append_only(table: Table, out_of_order: str) -> None:
    """Let the database itself refuse to change the table.

    Args:
        out_of_order: on SQLite, when a new row `NEW` is none to be added: REPLACE would delete without asking.
    """
    name = table.name
    statements = [
        f"CREATE TRIGGER {name}_no_{act.lower()} BEFORE {act} ON {name} BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        for act in ("UPDATE", "DELETE")
    ]
    statements.append(
        f"CREATE TRIGGER {name}_in_order BEFORE INSERT ON {name} WHEN {out_of_order}"
        f" BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    )
    for statement in statements:
        event.listen(table, "after_create", DDL(statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]
    event.listen(
        table,
        "after_create",
        DDL(  # type: ignore[no-untyped-call]
            "CREATE OR REPLACE FUNCTION access_log_refuse() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$;"
            f"CREATE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {name}"
            " FOR EACH STATEMENT EXECUTE FUNCTION access_log_refuse()"
        ).execute_if(dialect="postgresql"),
    )


_append_only(lines, "NEW.seq <> COALESCE((SELECT MAX(seq) + 1 FROM access_log), 0)")
_append_only(nodes, "EXISTS (SELECT 1 FROM access_log_nodes WHERE level = NEW.level AND position = NEW.position)")
_append_only(checkpoints, "NEW.size <= COALESCE((SELECT MAX(size) FROM access_log_checkpoints), 0)")

# Built once: each line asks them, and composing one takes longer than running it.
_ADD_NODES = nodes.insert()
_LEAVES = select(lines.c.seq, lines.c.leaf_hash).where(lines.c.seq.in_(bindparam("leaves", expanding=True)))


class LogTree:
    """The tree over the lines of a database: a `ledger.translog.Tree`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def nodes(self, wanted: Sequence[Node]) -> Mapping[Node, bytes]:
        """Hashes of complete subtrees.

        Raises:
            KeyError: one is not there.
        """
        with reading(self._engine) as connection:
            return nodes_of(connection, wanted)

    def catch_up(self) -> None:
        """Add the nodes of lines that were written before there was a tree; some at a time, to be cut off anywhere."""
        while True:
            with reading(self._engine) as connection:
                if not _lacking(connection):
                    return
            with writing(self._engine) as connection:
                lacking = _lacking(connection)
                if lacking:
                    first = lacking[0]
                    query = select(lines.c.seq, lines.c.leaf_hash).where(lines.c.seq >= first).order_by(lines.c.seq)
                    for seq, leaf in connection.execute(query.limit(_AT_ONCE)).all():
                        add_nodes(connection, seq, leaf)


def nodes_of(connection: Connection, wanted: Sequence[Node]) -> dict[Node, bytes]:
    """The hashes of nodes, in a transaction.

    Raises:
        KeyError: one is not there.
    """
    found: dict[Node, bytes] = {}
    leaves = [position for level, position in wanted if level == 0]
    if leaves:
        found.update({(0, seq): leaf for seq, leaf in connection.execute(_LEAVES, {"leaves": leaves})})
    inner = [node for node in wanted if node[0]]
    if inner:
        asked = {name: value for n, node in enumerate(inner) for name, value in zip(_names(n), node, strict=True)}
        rows = connection.execute(_inner(len(inner)), asked)
        found.update({(level, position): value for level, position, value in rows})
    return {node: found[node] for node in wanted}


@cache
def _inner(count: int) -> Select[Any]:
    """So many nodes, one by one: SQLite reads the whole table for `(level, position) IN (...)`."""
    each = [
        and_(nodes.c.level == bindparam(level), nodes.c.position == bindparam(position))
        for level, position in map(_names, range(count))
    ]
    return select(nodes).where(or_(*each))


def _names(n: int) -> tuple[str, str]:
    return f"level_{n}", f"position_{n}"


def add_nodes(connection: Connection, seq: int, leaf: bytes) -> None:
    """Add the nodes that the line completes, in the transaction that writes it.

    Args:
        leaf: its leaf hash.
    """
    wanted = siblings(seq)
    if wanted:
        left = nodes_of(connection, wanted)
        rows = completed(seq, leaf, [left[node] for node in wanted])
        connection.execute(_ADD_NODES, [{"level": node[0], "position": node[1], "hash": value} for node, value in rows])


def _lacking(connection: Connection) -> range:
    """The lines whose nodes are not there yet."""
    size = connection.execute(select(func.max(lines.c.seq))).scalar()
    pairs = connection.execute(select(func.max(nodes.c.position)).where(nodes.c.level == 1)).scalar()
    paired = 0 if pairs is None else 2 * (pairs + 1)
    return range(paired, 0 if size is None else (size + 1) // 2 * 2)
