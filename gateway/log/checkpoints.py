"""Checkpoints of the access log: signed, kept, and anchored on the ledger, one after the other.

    >>> anchor_checkpoints(gateway)                       # a chore; does something when a checkpoint is due
    >>> gateway.checkpoints.latest().note
    'consent-ledger/43771/0x.../0x...\\n17\\n...'

A checkpoint is signed only if the log still has every line that the last one counted, unchanged, and every line that
the ledger ever heard of. It is on the disk before the ledger hears of it, and the next one is signed only when the
ledger has it: cut off anywhere, anchoring goes on where it was. So of two checkpoints the later one always begins with
the earlier, and every line was written after the last checkpoint but one was anchored.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eth_account.messages import encode_defunct
from sqlalchemy import Engine, select

from gateway.database import reading
from gateway.errors import LogBroken
from gateway.identity.keystore import Identity
from gateway.log.accesslog import AccessLog
from gateway.log.tree import checkpoints, lines
from ledger import events
from ledger.checkpoint import Checkpoint, NoteKey, NoteSigner, introduction
from ledger.outbox import Entry, State
from ledger.translog import consistency_proof, verify_consistency
from ledger.types import Address, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

_TRY_AGAIN = 60
"""Seconds after which a checkpoint that the ledger refused is sent again: an organization may have been suspended."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that was signed."""

    checkpoint: Checkpoint
    note: str
    signed_at: int
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Anchored:
    """A checkpoint as the ledger's events tell of it."""

    size: int
    root: bytes
    block_number: int
    log_index: int
    transaction_hash: bytes


class Checkpoints:
    """What was signed of one gateway's log, and the key that signs."""

    def __init__(self, engine: Engine, access_log: AccessLog, *, origin: str, seed: bytes, operator: Identity) -> None:
        """
        Args:
            origin: `ledger.checkpoint.origin_of`.
            seed: 32 bytes of the Ed25519 key.
        """
        self._engine = engine
        self._log = access_log
        self._signer = NoteSigner(origin, seed)
        self.operator: Address = operator.address
        said = operator.account.sign_message(encode_defunct(text=introduction(self.key)))
        self.introduction = bytes(said.signature)
        """The operator's EIP-191 signature over `ledger.checkpoint.introduction`."""

    @property
    def key(self) -> NoteKey:
        return self._signer.key

    def latest(self) -> Signed | None:
        """The newest one; None: none was signed yet."""
        return self._find(None)

    def signed(self, size: int) -> Signed | None:
        """That of this size; None: none was signed."""
        return self._find(size)

    def sign(self, now: int) -> Signed | None:
        """Sign the log as it is; None: there is no line that the last checkpoint does not count.

        Raises:
            LogBroken: the log does not begin with what was signed last.
        """
        # Nobody appends meanwhile, and with the checkpoint all lines that it counts are on the disk.
        with self._log.appending() as connection:
            size, last = self._log.size(), self.latest()
            if size == (last.checkpoint.size if last else 0):
                return None
            checkpoint = Checkpoint(self.key.name, size, self._log.root(size))
            if last is not None:
                self._require_consistent(last.checkpoint, checkpoint)
            connection.execute(checkpoints.insert().values(size=size, root=checkpoint.root, signed_at=now))
        return self._signed(checkpoint, now)

    def require_has(self, size: int, root: bytes) -> None:
        """Check that the log still has what it had.

        Raises:
            LogBroken: it has not `size` lines, or their root is another.
        """
        if size > self._log.size():
            raise LogBroken(f"the ledger has a checkpoint of {size} lines, the access log only {self._log.size()}")
        if self._log.root(size) != root:
            raise LogBroken(f"the first {size} lines of the access log are not those that were anchored")

    def _require_consistent(self, last: Checkpoint, new: Checkpoint) -> None:
        if new.size < last.size:
            raise LogBroken(f"{last.size} lines of the access log were signed for, and it has {new.size}")
        try:
            proof = consistency_proof(self._log.tree, last.size, new.size)
        except KeyError as failure:
            raise LogBroken("nodes of the access log's tree are gone") from failure
        if not verify_consistency(
            first=last.size, second=new.size, proof=proof, first_root=last.root, second_root=new.root
        ):
            raise LogBroken(f"the first {last.size} lines of the access log are not those that were signed for")

    def _find(self, size: int | None) -> Signed | None:
        query = select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1)
        if size is not None:
            query = query.where(checkpoints.c.size == size)
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return self._signed(Checkpoint(self.key.name, row.size, row.root), row.signed_at)

    def _signed(self, checkpoint: Checkpoint, at: int) -> Signed:
        # Ed25519 signs the same text with the same bytes each time: the note need not be kept.
        return Signed(checkpoint, self._signer.sign(checkpoint.text()), at)


# --- on the ledger


def anchor_checkpoints(gateway: "Gateway") -> None:
    """A chore: bring the newest checkpoint to the ledger; when one is due (`Settings.checkpoint_seconds` and
    `checkpoint_lines`), sign it first.

    Raises:
        LogBroken: the log is not the one that was signed or anchored; nothing more is signed or anchored.
    """
    last = gateway.checkpoints.latest()
    if last is not None and not is_anchored(gateway, last.checkpoint):
        _enqueue(gateway, last)
    elif _is_due(gateway, last.checkpoint.size if last else 0):
        anchor_now(gateway)


def anchor_now(gateway: "Gateway") -> Entry | None:
    """Sign the log as it is and send the checkpoint to the ledger; while the last one is on its way, that one. None:
    there is nothing new.

    Raises:
        LogBroken
    """
    last = gateway.checkpoints.latest()
    if last is not None and not is_anchored(gateway, last.checkpoint):
        return _enqueue(gateway, last)
    _require_what_was_anchored(gateway)
    signed = gateway.checkpoints.sign(int(gateway.clock()))
    return _enqueue(gateway, signed) if signed is not None else None


def is_anchored(gateway: "Gateway", checkpoint: Checkpoint) -> bool:
    """Whether the ledger has this checkpoint.

    Raises:
        LogBroken: it has another one of this size.
    """
    found = anchored(gateway, least=checkpoint.size, limit=1)
    if not found or found[0].size != checkpoint.size:
        return False
    if found[0].root != checkpoint.root:
        raise LogBroken(f"the ledger has another checkpoint of {checkpoint.size} lines")
    return True


def anchored(
    gateway: "Gateway", *, least: int = 0, most: int | None = None, limit: int = 100, newest: bool = False
) -> Sequence[Anchored]:
    """This log's checkpoints on the ledger, by the index, the smallest first.

    Args:
        least, most: only those of at least, and at most, so many lines.
        newest: the largest first.
    """
    table = events.checkpoints
    order = table.c.size.desc() if newest else table.c.size
    query = select(table).where(table.c.operator == raw(gateway.checkpoints.operator), table.c.size >= least)
    if most is not None:
        query = query.where(table.c.size <= most)
    with gateway.ledger_database.connect() as connection:
        rows = connection.execute(query.order_by(order).limit(limit)).all()
    return [Anchored(row.size, row.root, row.block_number, row.log_index, row.transaction_hash) for row in rows]


def _is_due(gateway: "Gateway", counted: int) -> bool:
    waiting = gateway.log.size() - counted
    if waiting <= 0:
        return waiting < 0  # lines are gone: signing says so
    if waiting >= gateway.settings.checkpoint_lines:
        return True
    with reading(gateway.database) as connection:
        oldest = connection.execute(select(lines.c.at).where(lines.c.seq == counted)).scalar()
    return oldest is None or gateway.clock() - oldest >= gateway.settings.checkpoint_seconds


def _require_what_was_anchored(gateway: "Gateway") -> None:
    """The ledger remembers what a database that was put back from a copy does not."""
    size, _ = gateway.ledger.checkpoint(gateway.checkpoints.operator)
    last = gateway.checkpoints.latest()
    if size > (last.checkpoint.size if last else 0):
        raise LogBroken(f"the ledger has a checkpoint of {size} lines that this database has never signed")
    for newest in anchored(gateway, limit=1, newest=True):
        gateway.checkpoints.require_has(newest.size, newest.root)


def _enqueue(gateway: "Gateway", signed: Signed) -> Entry:
    """Hand a checkpoint to the outbox, once; again, after a while, if the ledger refused it."""
    operator, checkpoint = gateway.checkpoints.operator, signed.checkpoint
    name = f"access-log-checkpoint/{gateway.ledger.address}/{checkpoint.size}"
    tries = gateway.outbox.entries(signer=operator, correlation_id=name)
    slot = int(gateway.clock()) // _TRY_AGAIN
    key = f"{name}/{slot}"
    if tries and (tries[-1].state is not State.FAILED or tries[-1].idempotency_key == key):
        return tries[-1]
    act = gateway.ledger.acts.anchor_checkpoint(checkpoint.size, checkpoint.root)
    entry = gateway.outbox.enqueue(act, signer=operator, idempotency_key=key, correlation_id=name)
    if entry.state is State.FAILED:
        log.warning("the ledger refuses a checkpoint of %d lines: %s", checkpoint.size, entry.failure)
    return entry
