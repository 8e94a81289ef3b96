"""Who tried to open what: one line an attempt, permitted or denied, written before any byte leaves; never changed.

>>> line = log.append(attempt)
>>> json.loads(line.leaf)["permitted"]
True
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Engine,
    Index,
    LargeBinary,
    Table,
    event,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.schema import DDL

from gateway.database import metadata, reading, writing
from ledger.codes import BasisKind, Purpose, Reason
from ledger.types import Address, address_of

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
)

for _act in ("UPDATE", "DELETE"):
    event.listen(
        lines,
        "after_create",
        DDL(  # type: ignore[no-untyped-call]
            f"CREATE TRIGGER access_log_no_{_act.lower()} BEFORE {_act} ON access_log"
            " BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END"
        ).execute_if(dialect="sqlite"),
    )
# REPLACE would delete without asking the trigger above; and no line is put where there is one, or behind a gap.
event.listen(
    lines,
    "after_create",
    DDL(  # type: ignore[no-untyped-call]
        "CREATE TRIGGER access_log_in_order BEFORE INSERT ON access_log"
        " WHEN NEW.seq <> COALESCE((SELECT MAX(seq) + 1 FROM access_log), 0)"
        " BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END"
    ).execute_if(dialect="sqlite"),
)
event.listen(
    lines,
    "after_create",
    DDL(  # type: ignore[no-untyped-call]
        "CREATE OR REPLACE FUNCTION access_log_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the access log is append-only'; END $$;"
        "CREATE TRIGGER access_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log"
        " FOR EACH STATEMENT EXECUTE FUNCTION access_log_refuse()"
    ).execute_if(dialect="postgresql"),
)

_LAST = select(func.max(lines.c.seq))
_APPEND = lines.insert()

_APPENDING = 0x636C6F67
"""Number of PostgreSQL's advisory lock that puts appenders in a row."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to open a record, and how it was answered."""

    at: int
    """Seconds since 1970."""
    reader: Address
    patient: Address
    digest: bytes
    purpose: Purpose
    permitted: bool
    reason: Reason
    basis: BasisKind
    basis_id: bytes
    """Id of the consent or prescription it rests on; zeros for own, author and denials."""
    correlation: str
    """Of the activity that it belongs to."""


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

    def append(self, attempt: Attempt) -> Line:
        """Write a line; it is committed when this returns."""
        with writing(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _APPENDING})
            last = connection.execute(_LAST).scalar()
            seq = 0 if last is None else last + 1
            leaf = encode_leaf(seq, attempt)
            connection.execute(
                _APPEND,
                {
                    "seq": seq,
                    "at": attempt.at,
                    "reader": _raw(attempt.reader),
                    "patient": _raw(attempt.patient),
                    "digest": attempt.digest,
                    "permitted": attempt.permitted,
                    "leaf": leaf,
                    "leaf_hash": leaf_hash(leaf),
                },
            )
        return Line(seq, leaf, attempt)

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
            concerned: list[ColumnElement[bool]] = [lines.c.patient.in_([_raw(patient) for patient in patients])]
            if reader:
                concerned.append(lines.c.reader == _raw(reader))
            query = query.where(or_(*concerned))
        if before is not None:
            query = query.where(lines.c.seq < before)
        with reading(self._engine) as connection:
            return [Line(row.seq, row.leaf, decode_leaf(row.leaf)) for row in connection.execute(query)]

    def size(self) -> int:
        """Number of lines."""
        with reading(self._engine) as connection:
            last = connection.execute(_LAST).scalar()
        return 0 if last is None else int(last) + 1

    def leaf_hashes(self, *, first: int = 0, count: int | None = None) -> list[bytes]:
        """Hashes of the leaves in order, for a Merkle tree over them."""
        query = select(lines.c.leaf_hash).where(lines.c.seq >= first).order_by(lines.c.seq)
        if count is not None:
            query = query.limit(count)
        with reading(self._engine) as connection:
            return list(connection.execute(query).scalars())


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf in an RFC 6962 Merkle tree."""
    return sha256(b"\x00" + leaf).digest()


def encode_leaf(seq: int, attempt: Attempt) -> bytes:
    """The bytes that are hashed, shown and proven."""
    fields = {
        "at": attempt.at,
        "basis": attempt.basis.name.lower(),
        "basis_id": attempt.basis_id.hex(),
        "correlation": attempt.correlation,
        "digest": attempt.digest.hex(),
        "patient": attempt.patient.lower(),
        "permitted": attempt.permitted,
        "purpose": attempt.purpose.name,
        "reader": attempt.reader.lower(),
        "reason": attempt.reason.name.lower(),
        "seq": seq,
        "v": 1,
    }
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def decode_leaf(leaf: bytes) -> Attempt:
    """The attempt that a leaf tells of."""
    fields = json.loads(leaf)
    return Attempt(
        at=fields["at"],
        reader=address_of(fields["reader"]),
        patient=address_of(fields["patient"]),
        digest=bytes.fromhex(fields["digest"]),
        purpose=Purpose[fields["purpose"]],
        permitted=fields["permitted"],
        reason=Reason[fields["reason"].upper()],
        basis=BasisKind[fields["basis"].upper()],
        basis_id=bytes.fromhex(fields["basis_id"]),
        correlation=fields["correlation"],
    )


def _raw(address: Address) -> bytes:
    return bytes.fromhex(address[2:])
