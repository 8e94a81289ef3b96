"""What was disposed of, why, and what of it was destroyed: one signed line a record, never changed.

>>> line = disposals.append(Disposal(digest, ...))
>>> line.is_signed_by(gateway.operator.address)
True

A line is canonical JSON (names sorted, no spaces, ASCII). It names the SHA-256 of the line before it, so that none can
be taken out or put between, and is signed by the organization that runs the gateway (EIP-191).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from eth_account.messages import encode_defunct
from sqlalchemy import BigInteger, Column, Engine, Index, LargeBinary, Table, func, or_, select, text

from gateway.database import metadata, reading, writing
from gateway.identity.cards import signer_of
from gateway.identity.keystore import Identity
from gateway.log.append_only import append_only
from ledger.codes import Category
from ledger.types import Address, raw

lines = append_only(
    Table(
        "disposals",
        metadata,
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("digest", LargeBinary(32), nullable=False),
        Column("patient", LargeBinary(20), nullable=False),
        Column("organization", LargeBinary(20), nullable=False),
        Column("line", LargeBinary, nullable=False),
        Column("signature", LargeBinary(65), nullable=False),
        Index("ix_disposals_digest", "digest", unique=True),
        Index("ix_disposals_patient", "patient", "seq"),
        Index("ix_disposals_organization", "organization", "seq"),
    ),
    "the list of disposals",
)

_APPENDING = 0x64697370
"""Number of PostgreSQL's advisory lock that puts appenders in a row."""


class Cause(StrEnum):
    """Why a record was disposed of."""

    ERASURE = "erasure"
    """The patient asked for it."""
    RETENTION = "retention"
    """Its author's organization does not keep such records any longer."""


@dataclass(frozen=True, slots=True)
class Disposal:
    """One record that is no more."""

    at: int
    """Seconds since 1970."""
    digest: bytes
    patient: Address
    author: Address
    organization: Address
    """The author's."""
    categories: Category
    cause: Cause
    basis: str
    """The rule that it rests on, in its organization's words; empty for her own wish."""
    readers: tuple[Address, ...]
    """Who had a key slip here: what they keep elsewhere is outside."""
    blocks: int
    """Sealed blocks that were deleted here."""
    correlation: str


@dataclass(frozen=True, slots=True)
class DisposalLine:
    """One line of the list."""

    seq: int
    line: bytes
    signature: bytes

    @property
    def fields(self) -> dict[str, Any]:
        """The line's parts."""
        fields: dict[str, Any] = json.loads(self.line)
        return fields

    def is_signed_by(self, organization: Address) -> bool:
        """Whether this organization vouches for the line."""
        try:
            return signer_of(self.line, self.signature) == organization
        except ValueError:
            return False


class Disposals:
    """The list of one gateway."""

    def __init__(self, engine: Engine, signer: Identity) -> None:
        self._engine = engine
        self._signer = signer

    def append(self, disposal: Disposal) -> DisposalLine:
        """Write and sign a line; it is committed when this returns. A record's second line is its first one."""
        with writing(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _APPENDING})
            there = connection.execute(select(lines).where(lines.c.digest == disposal.digest)).one_or_none()
            if there is not None:
                return DisposalLine(there.seq, there.line, there.signature)
            last = connection.execute(select(lines).order_by(lines.c.seq.desc()).limit(1)).one_or_none()
            seq, before = (last.seq + 1, sha256(last.line).digest()) if last else (0, bytes(32))
            line = _encode(seq, before, disposal, self._signer.address)
            signature = bytes(self._signer.account.sign_message(encode_defunct(line)).signature)
            connection.execute(
                lines.insert().values(
                    seq=seq,
                    digest=disposal.digest,
                    patient=raw(disposal.patient),
                    organization=raw(disposal.organization),
                    line=line,
                    signature=signature,
                )
            )
        return DisposalLine(seq, line, signature)

    def of(self, digest: bytes) -> DisposalLine | None:
        """The line of a record; None: it was not disposed of here."""
        with reading(self._engine) as connection:
            row = connection.execute(select(lines).where(lines.c.digest == digest)).one_or_none()
        return DisposalLine(row.seq, row.line, row.signature) if row else None

    def page(
        self,
        *,
        concerned: Sequence[Address] = (),
        everybody: bool = False,
        before: int | None = None,
        limit: int = 50,
    ) -> list[DisposalLine]:
        """Lines about any of these patients or by any of these organizations (auditors: everybody's), newest first."""
        query = select(lines.c.seq, lines.c.line, lines.c.signature).order_by(lines.c.seq.desc()).limit(limit)
        if not everybody:
            raws = [raw(one) for one in concerned]
            query = query.where(or_(lines.c.patient.in_(raws), lines.c.organization.in_(raws)))
        if before is not None:
            query = query.where(lines.c.seq < before)
        with reading(self._engine) as connection:
            return [DisposalLine(row.seq, row.line, row.signature) for row in connection.execute(query)]

    def size(self) -> int:
        """Number of lines."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(func.count()).select_from(lines)).scalar_one())


def check_chain(found: Sequence[DisposalLine], signer: Address) -> str:
    """What is wrong with a list from its first line on: nothing, if the answer is empty."""
    before = bytes(32)
    for seq, line in enumerate(found):
        fields = line.fields
        if (line.seq, fields["seq"], fields["before"]) != (seq, seq, before.hex()):
            return f"line {seq} does not follow on the one before it"
        if not line.is_signed_by(signer):
            return f"line {seq} is not signed by the organization that runs the gateway"
        before = sha256(line.line).digest()
    return ""


def _encode(seq: int, before: bytes, disposal: Disposal, gateway: Address) -> bytes:
    fields = {
        "at": disposal.at,
        "author": disposal.author.lower(),
        "basis": disposal.basis,
        "before": before.hex(),
        "blocks": disposal.blocks,
        "categories": disposal.categories.labels(),
        "cause": disposal.cause.value,
        "correlation": disposal.correlation,
        "digest": disposal.digest.hex(),
        "gateway": gateway.lower(),
        "organization": disposal.organization.lower(),
        "patient": disposal.patient.lower(),
        "readers": [one.lower() for one in disposal.readers],
        "seq": seq,
        "v": 1,
    }
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
