"""Who tried to open what: one line an attempt, permitted or denied, written before any byte leaves; never changed.

>>> line = log.append(attempt)
>>> json.loads(line.leaf)["permitted"]
True

What makes it provable stands beside it: the tree in `gateway.log.tree`, signed and anchored checkpoints in
`gateway.log.checkpoints`, what somebody may see of it in `gateway.api.access_log`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from secrets import token_bytes

from sqlalchemy import ColumnElement, Connection, Engine, func, or_, select, text
from sqlalchemy.exc import IntegrityError

from gateway.database import reading
from gateway.errors import LogBroken
from gateway.log.tree import LogTree, add_nodes, lines
from gateway.verify.lines import SALT_LENGTH, Attempt, decode_leaf, encode_leaf
from ledger.group_commit import GroupCommit
from ledger.translog import EMPTY_ROOT, leaf_hash, root_of
from ledger.types import Address, raw

_LAST = select(lines.c.seq, lines.c.at, lines.c.leaf_hash).order_by(lines.c.seq.desc()).limit(1)
_SIZE = select(func.max(lines.c.seq))
_APPEND = lines.insert()

_AT_ONCE = 200
"""Lines in one commit at most."""

_APPENDING = 0x636C6F67
"""Number of PostgreSQL's advisory lock that puts appenders in a row."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log."""

    seq: int
    """Its position, from 0: the leaf's index in the Merkle tree."""
    leaf: bytes
    """Canonical JSON: sorted names, no spaces, ASCII."""
    attempt: Attempt


class AccessLog:
    """The log of one gateway."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.tree = LogTree(engine)
        self.tree.catch_up()
        self._seen: tuple[int, bytes] = (-1, b"")
        """Position and leaf hash of the last line that this process knows of."""
        self._commits: GroupCommit[Attempt, Line] = GroupCommit(self._write, limit=_AT_ONCE)

    def append(self, attempt: Attempt) -> Line:
        """Write a line; it is on the disk when this returns.

        A line is never dated before the one above it: where attempts overtake one another, or a clock is put back, it
        gets that one's time.

        Raises:
            LogBroken: the log's end is not the one that this process has written or seen, or not its tree's.
        """
        return self._commits.submit([attempt])[0]

    def _write(self, submitted: Sequence[Sequence[Attempt]]) -> list[list[Line]]:
        """Write lines for all who wait at once: the disk is waited for once."""
        written: list[list[Line]] = []
        with self.appending() as connection:
            last = connection.execute(_LAST).one_or_none()
            seq, at, head = (-1, 0, b"") if last is None else (last.seq, last.at, last.leaf_hash)
            if seq < self._seen[0] or (seq == self._seen[0] and head != self._seen[1]):
                raise LogBroken(f"the access log has lost line {self._seen[0]}, or another stands in its place")
            for attempts in submitted:
                written.append([])
                for attempt in attempts:
                    seq, at = seq + 1, max(at, attempt.at)
                    line = _line(seq, replace(attempt, at=at))
                    head = leaf_hash(line.leaf)
                    _add(connection, line, head)
                    written[-1].append(line)
        self._seen = (seq, head)
        return written

    @contextmanager
    def appending(self) -> Iterator[Connection]:
        """A transaction in which nobody else appends, and which is on the disk when it ends: what a reader was given
        must stand in the log even after a loss of power."""
        with self._engine.connect() as connection:
            is_sqlite = connection.dialect.name == "sqlite"
            if is_sqlite:  # between transactions only; what else is written here is synced later (`gateway.database`)
                connection.connection.cursor().execute("PRAGMA synchronous=FULL")
            try:
                with connection.execution_options(writes=True).begin():
                    if not is_sqlite:
                        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _APPENDING})
                    yield connection
            finally:
                if is_sqlite:
                    connection.connection.cursor().execute("PRAGMA synchronous=NORMAL")

    def page(
        self,
        *,
        patients: Sequence[Address] = (),
        reader: Address | None = None,
        everybody: bool = False,
        before: int | None = None,
        limit: int = 50,
    ) -> list[Line]:
        """Lines about any of the patients or by the reader (auditors: everybody's), newest first.

        Args:
            before: only lines of a lower position.
        """
        query = select(lines.c.seq, lines.c.leaf).order_by(lines.c.seq.desc()).limit(limit)
        if not everybody:
            query = query.where(_concerns(patients, reader))
        if before is not None:
            query = query.where(lines.c.seq < before)
        with reading(self._engine) as connection:
            return [Line(row.seq, row.leaf, decode_leaf(row.leaf)) for row in connection.execute(query)]

    def line(
        self, seq: int, *, patients: Sequence[Address] = (), reader: Address | None = None, everybody: bool = False
    ) -> Line | None:
        """One line, for those whom it concerns; None: it is not there, or not for them."""
        found = self.page(patients=patients, reader=reader, everybody=everybody, before=seq + 1, limit=1)
        return found[0] if found and found[0].seq == seq else None

    def each(self, first: int = 0) -> Iterator[tuple[int, bytes]]:
        """Position and bytes of every line from `first` on, in order, read in portions."""
        while True:
            query = select(lines.c.seq, lines.c.leaf).where(lines.c.seq >= first).order_by(lines.c.seq).limit(1_000)
            with reading(self._engine) as connection:
                found = connection.execute(query).all()
            yield from ((row.seq, row.leaf) for row in found)
            if not found:
                return
            first = found[-1].seq + 1

    def size(self) -> int:
        """Number of lines."""
        with reading(self._engine) as connection:
            last = connection.execute(_SIZE).scalar()
        return 0 if last is None else int(last) + 1

    def root(self, size: int) -> bytes:
        """The RFC 6962 root over the first `size` lines.

        Raises:
            LogBroken: they are not all there.
        """
        try:
            return root_of(self.tree, size) if size else EMPTY_ROOT
        except KeyError as failure:
            raise LogBroken(f"of the first {size} lines of the access log some are gone") from failure

    def leaf_hashes(self, *, first: int = 0, count: int | None = None) -> list[bytes]:
        """Hashes of the leaves in order."""
        query = select(lines.c.leaf_hash).where(lines.c.seq >= first).order_by(lines.c.seq)
        if count is not None:
            query = query.limit(count)
        with reading(self._engine) as connection:
            return list(connection.execute(query).scalars())


def _line(seq: int, attempt: Attempt) -> Line:
    return Line(seq, encode_leaf(seq, attempt, salt=token_bytes(SALT_LENGTH)), attempt)


def _add(connection: Connection, line: Line, hashed: bytes) -> None:
    try:
        connection.execute(_APPEND, {**_columns(line), "leaf_hash": hashed})
        add_nodes(connection, line.seq, hashed)
    except (IntegrityError, KeyError) as failure:
        raise LogBroken("the access log does not end where its tree ends: lines or nodes are gone") from failure


def _columns(line: Line) -> dict[str, object]:
    """What the table keeps of a line beside its bytes, to find it by."""
    attempt = line.attempt
    return {
        "seq": line.seq,
        "at": attempt.at,
        "reader": raw(attempt.reader),
        "patient": raw(attempt.patient),
        "digest": attempt.digest,
        "permitted": attempt.permitted,
        "leaf": line.leaf,
    }


def _concerns(patients: Sequence[Address], reader: Address | None) -> ColumnElement[bool]:
    concerned: list[ColumnElement[bool]] = [lines.c.patient.in_([raw(patient) for patient in patients])]
    if reader:
        concerned.append(lines.c.reader == raw(reader))
    return or_(*concerned)


__all__ = ["AccessLog", "Attempt", "Line", "decode_leaf", "encode_leaf", "leaf_hash"]
