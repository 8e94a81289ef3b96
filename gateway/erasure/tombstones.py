"""Which records are erased: set down before anything of them is destroyed, and asked whenever one is to be opened.

>>> tombstones.set_down(Tombstone(digest, ...))
>>> tombstones.require_not_erased(digest)
RecordErased

Beside the table lies a file, `erased.txt`, with a digest a line. A backup of an earlier day brings erased keys back;
the file, kept from the newest day and put beside it, has them destroyed again before the gateway serves anybody.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from sqlalchemy import BigInteger, Column, Engine, Index, Integer, LargeBinary, Row, String, Table, bindparam, select

from gateway.database import metadata, reading, writing
from gateway.errors import RecordErased
from ledger.types import Address, address_of, raw

table = Table(
    "tombstones",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("patient", LargeBinary(20), nullable=False),
    Column("cause", String(16), nullable=False),
    Column("basis", String(200), nullable=False),
    Column("correlation", String(36), nullable=False),
    Column("readers", LargeBinary, nullable=False),
    Column("blocks", Integer, nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("checked_at", BigInteger, nullable=False),
    Column("receipt", LargeBinary(32)),
    Index("ix_tombstones_finished", "finished_at"),
    Index("ix_tombstones_checked", "checked_at"),
    Index("ix_tombstones_patient", "patient"),
    Index("ix_tombstones_receipt", "receipt"),
)

_IS_ERASED = select(table.c.digest).where(table.c.digest == bindparam("digest"))
_FILE = "erased.txt"
_writing_file = Lock()


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One record that is being erased, or is."""

    digest: bytes
    patient: Address
    cause: str
    basis: str
    correlation: str
    readers: tuple[Address, ...]
    """Who had a key slip when it was begun."""
    blocks: int
    """Sealed blocks that were there when it was begun."""
    begun_at: int
    """Seconds since 1970."""
    finished_at: int | None = None
    """When all was destroyed; None: it has yet to be."""
    receipt: bytes | None = None
    """Digest of the receipt among her records."""


class Tombstones:
    """The erased records of one gateway."""

    def __init__(self, engine: Engine, data_dir: Path) -> None:
        self._engine = engine
        self._path = data_dir / _FILE

    def require_not_erased(self, digest: bytes) -> None:
        """Raises:
        RecordErased
        """
        with reading(self._engine) as connection:
            found = connection.execute(_IS_ERASED, {"digest": digest}).one_or_none()
        if found is not None:
            raise RecordErased(digest, "it was erased: its keys are destroyed, and nobody can open it here any more")

    def among(self, digests: list[bytes]) -> set[bytes]:
        """Which of these are erased."""
        with reading(self._engine) as connection:
            return set(connection.execute(select(table.c.digest).where(table.c.digest.in_(digests))).scalars())

    def set_down(self, stone: Tombstone) -> Tombstone:
        """From now on nobody opens the record. The one that was there before, if there was one."""
        there = self.of(stone.digest)
        if there is not None:
            return there
        self._remember_in_file(stone.digest)
        with writing(self._engine) as connection:
            found = connection.execute(select(table).where(table.c.digest == stone.digest)).one_or_none()
            if found is not None:
                return _stone(found)
            connection.execute(
                table.insert().values(
                    digest=stone.digest,
                    patient=raw(stone.patient),
                    cause=stone.cause,
                    basis=stone.basis,
                    correlation=stone.correlation,
                    readers=b"".join(map(raw, stone.readers)),
                    blocks=stone.blocks,
                    begun_at=stone.begun_at,
                    checked_at=stone.begun_at,
                )
            )
        return stone

    def of(self, digest: bytes) -> Tombstone | None:
        """The tombstone of a record."""
        with reading(self._engine) as connection:
            row = connection.execute(select(table).where(table.c.digest == digest)).one_or_none()
        return _stone(row) if row else None

    def unfinished(self, limit: int) -> list[Tombstone]:
        """Those that were cut off before all was destroyed."""
        with reading(self._engine) as connection:
            query = select(table).where(table.c.finished_at.is_(None)).limit(limit)
            return [_stone(row) for row in connection.execute(query)]

    def finished_between(self, patient: Address, cause: str, after: int, until: int) -> list[Tombstone]:
        """Those of a patient that were finished in a time (seconds since 1970)."""
        mine = (table.c.patient == raw(patient), table.c.cause == cause)
        query = select(table).where(*mine, table.c.finished_at > after, table.c.finished_at <= until)
        with reading(self._engine) as connection:
            return [_stone(row) for row in connection.execute(query.order_by(table.c.digest))]

    def is_receipt(self, digest: bytes) -> bool:
        """Whether a record is the receipt of an erasure."""
        with reading(self._engine) as connection:
            query = select(table.c.digest).where(table.c.receipt == digest).limit(1)
            return connection.execute(query).one_or_none() is not None

    def finish(self, stone: Tombstone, at: int) -> Tombstone:
        """All was destroyed."""
        with writing(self._engine) as connection:
            mine = table.c.digest == stone.digest
            connection.execute(table.update().where(mine).values(finished_at=at, checked_at=at))
        return replace(stone, finished_at=at)

    def remember_receipt(self, digests: list[bytes], receipt: bytes) -> None:
        """Her receipt is among her records."""
        with writing(self._engine) as connection:
            connection.execute(table.update().where(table.c.digest.in_(digests)).values(receipt=receipt))

    def to_check(self, before: int, limit: int) -> list[bytes]:
        """Those not looked at since a time, the longest first."""
        query = select(table.c.digest).where(table.c.finished_at.is_not(None), table.c.checked_at < before)
        with reading(self._engine) as connection:
            return list(connection.execute(query.order_by(table.c.checked_at).limit(limit)).scalars())

    def checked(self, digests: list[bytes], at: int) -> None:
        """They are as dead as they were."""
        with writing(self._engine) as connection:
            connection.execute(table.update().where(table.c.digest.in_(digests)).values(checked_at=at))

    def only_in_file(self) -> list[bytes]:
        """Records that were erased in a time that this database does not remember: it was restored."""
        try:
            named = [bytes.fromhex(line) for line in self._path.read_text().splitlines() if len(line) == 64]
        except FileNotFoundError:
            return []
        known: set[bytes] = set()
        for start in range(0, len(named), 500):
            known |= self.among(named[start : start + 500])
        return [digest for digest in dict.fromkeys(named) if digest not in known]

    def _remember_in_file(self, digest: bytes) -> None:
        with _writing_file, open(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            file.write(digest.hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _stone(row: Row[tuple[object, ...]]) -> Tombstone:
    fields = row._mapping
    raws = fields["readers"]
    return Tombstone(
        digest=fields["digest"],
        patient=address_of(fields["patient"]),
        cause=fields["cause"],
        basis=fields["basis"],
        correlation=fields["correlation"],
        readers=tuple(address_of(raws[at : at + 20]) for at in range(0, len(raws), 20)),
        blocks=fields["blocks"],
        begun_at=fields["begun_at"],
        finished_at=fields["finished_at"],
        receipt=fields["receipt"],
    )
