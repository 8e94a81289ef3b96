"""The outbox's tables, and its rows as values.

One row an act, from the moment it is accepted. `outbox_signers` leases nonces, one row a signer, locked while a nonce
is given out. `outbox_replaced` keeps signed transactions that were replaced by a dearer one and might be mined all the
same. `outbox_chain` remembers which chain all this is about.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from time import time
from typing import Any, Self

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from ledger.types import Address

metadata = MetaData()

_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only where the type is INTEGER

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("signer", String(42), nullable=False),
    Column("idempotency_key", String(200), nullable=False),
    Column("payload_digest", LargeBinary(32), nullable=False),
    Column("correlation_id", String(200)),
    Column("kind", String(64), nullable=False),
    Column("to", String(42), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("value", String(78), nullable=False),
    Column("gas", BigInteger),
    Column("nonce", BigInteger),
    Column("max_fee", BigInteger),
    Column("tip", BigInteger),
    Column("raw", LargeBinary),
    Column("tx_hash", LargeBinary(32)),
    Column("state", String(8), nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("sent_at", Float),
    Column("missing_since", Float),
    Column("block_number", BigInteger),
    Column("block_hash", LargeBinary(32)),
    Column("position", Integer),
    Column("mined_at", Float),
    Column("was_block", BigInteger),
    Column("gas_used", BigInteger),
    Column("effective_gas_price", BigInteger),
    Column("failure_name", String(100)),
    Column("failure_values", Text),
    Column("failure_text", Text),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    UniqueConstraint("signer", "idempotency_key"),
    UniqueConstraint("signer", "nonce"),
)
Index("ix_outbox_state", outbox.c.state, outbox.c.settled, outbox.c.id)
# In the words in which it is asked for, `settled.is_(False)`: by others it is not recognized.
Index("ix_outbox_open", outbox.c.signer, sqlite_where=text("settled IS 0"), postgresql_where=text("settled IS false"))
Index("ix_outbox_block", outbox.c.block_number)
Index("ix_outbox_hash", outbox.c.tx_hash)
Index("ix_outbox_correlation", outbox.c.correlation_id)

signers = Table(
    "outbox_signers",
    metadata,
    Column("address", String(42), primary_key=True),
    Column("next_nonce", BigInteger),
    Column("chain_nonce", BigInteger, nullable=False, server_default="0"),
)
"""`next_nonce`: the next to give out, unknown until the node was asked; `chain_nonce`: the first that is not mined."""

replaced = Table(
    "outbox_replaced",
    metadata,
    Column("tx_hash", LargeBinary(32), primary_key=True),
    Column("entry", _Id, nullable=False, index=True),
    Column("raw", LargeBinary, nullable=False),
)

chain = Table(
    "outbox_chain",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("genesis", LargeBinary(32), nullable=False),
)


class State(StrEnum):
    """How far an act has come. `final` and `failed` are ends, unless the chain goes back; the others go on."""

    QUEUED = "queued"
    """Accepted, not yet signed: its signer's key is locked, or the node did not answer."""
    SIGNED = "signed"
    """Signed, with a nonce of its own; not known to have reached the node."""
    SENT = "sent"
    """The node has it."""
    MINED = "mined"
    """In a block, and it succeeded; the block may still be dropped."""
    FINAL = "final"
    """Mined, and buried under the finality rule."""
    FAILED = "failed"
    """Rejected by the contract, before sending or in a block; `failure` says why."""


PROGRESS = {
    State.QUEUED: 0,
    State.SIGNED: 1,
    State.SENT: 2,
    State.MINED: 3,
    State.FINAL: 4,
    State.FAILED: 5,
}
"""Later states have higher numbers: what `wait` compares."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an act failed."""

    name: str
    """The contract's custom error, or `Error`, `Panic`, `OutOfGas`, `Refused` (by the node) or `Unknown`."""
    values: Mapping[str, Any]
    """The error's arguments; bytes as 0x text."""
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One act in the outbox, as it stood when it was read."""

    id: int
    idempotency_key: str
    correlation_id: str | None
    kind: str
    signer: Address
    to: Address
    data: bytes
    value: int
    state: State
    settled: bool
    """No later block is expected to change this: final, or failed for good."""
    nonce: int | None
    gas: int | None
    tx_hash: bytes | None
    block_number: int | None
    block_hash: bytes | None
    gas_used: int | None
    effective_gas_price: int | None
    failure: Failure | None
    attempts: int
    """How often it was sent."""
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> Self:
        """From a row of the table."""
        failure = None
        if row["failure_name"] is not None:
            failure = Failure(row["failure_name"], json.loads(row["failure_values"]), row["failure_text"])
        return cls(
            id=row["id"],
            idempotency_key=row["idempotency_key"],
            correlation_id=row["correlation_id"],
            kind=row["kind"],
            signer=Address(row["signer"]),
            to=Address(row["to"]),
            data=row["data"],
            value=int(row["value"]),
            state=State(row["state"]),
            settled=row["settled"],
            nonce=row["nonce"],
            gas=row["gas"],
            tx_hash=row["tx_hash"],
            block_number=row["block_number"],
            block_hash=row["block_hash"],
            gas_used=row["gas_used"],
            effective_gas_price=row["effective_gas_price"],
            failure=failure,
            attempts=row["attempts"],
            created_at=datetime.fromtimestamp(row["created_at"], UTC),
            updated_at=datetime.fromtimestamp(row["updated_at"], UTC),
        )


def payload_digest(*, kind: str, to: str, data: bytes, value: int) -> bytes:
    """What must be equal when an idempotency key comes back: the act itself, not its gas."""
    return sha256(b"\0".join((kind.encode(), to.lower().encode(), str(value).encode(), data))).digest()


def failure_columns(name: str, values: Mapping[str, Any], text: str) -> dict[str, Any]:
    """A failure as columns."""
    shown = {key: "0x" + value.hex() if isinstance(value, bytes) else value for key, value in values.items()}
    return {"failure_name": name, "failure_values": json.dumps(shown, default=str), "failure_text": text}


def blank_row() -> dict[str, Any]:
    """A new row, queued, with all columns: rows that are inserted together must have the same."""
    now = time()
    return {**_BLANK, "created_at": now, "updated_at": now}


_BLANK: Mapping[str, Any] = {
    **dict.fromkeys(column.name for column in outbox.columns if column.name != "id"),
    "payload_digest": bytes(32),
    "data": b"",
    "value": "0",
    "state": State.QUEUED,
    "settled": False,
    "attempts": 0,
}
NO_FAILURE: Mapping[str, Any] = {"failure_name": None, "failure_values": None, "failure_text": None}
