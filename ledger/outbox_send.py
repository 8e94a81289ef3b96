"""Sending: which rows go to the node now, in which order, and what its answers mean."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from time import time
from typing import Any

from sqlalchemy import Column, Engine, bindparam, case, func, insert, or_, select, update

from ledger.database import reading, writing
from ledger.errors import NodeRejected
from ledger.outbox_signing import Signing
from ledger.outbox_store import State, blank_row, failure_columns, outbox, replaced, signers
from ledger.preflight import TRANSACTION_GAS
from ledger.rpc import Call, Node, enhex
from ledger.signing import Fee, sign

Row = Mapping[Any, Any]

FILLER = "filler"
"""The kind of an entry that does nothing but take the nonce of one which the node refused for good."""

_TAKEN = ("already known", "already imported", "known transaction", "nonce too low", "underpriced", "too low nonce")
"""The node has it, or had it: whether it is mined is seen from receipts alone."""

_REFUSED = ("intrinsic gas", "exceeds block gas limit", "env.block.gas_limit", "oversized", "max initcode", "chain id")
"""No node of this chain will ever take it."""

# Built once, as the pump asks them many times a second.
_EARLIEST = select(func.min(outbox.c.was_block)).where(
    outbox.c.state == State.SENT, outbox.c.settled.is_(False), outbox.c.was_block.is_not(None)
)
_DUE = (
    select(outbox)
    .join(signers, signers.c.address == outbox.c.signer)
    .where(
        outbox.c.state.in_([State.SIGNED, State.SENT]),
        outbox.c.settled.is_(False),
        or_(outbox.c.sent_at.is_(None), outbox.c.sent_at < bindparam("sent_before")),
        outbox.c.nonce < signers.c.chain_nonce + bindparam("in_flight"),
    )
    .limit(bindparam("most"))
)
_DUE_IN_ORDER = _DUE.order_by(outbox.c.id)
_DUE_AGAIN = _DUE.where(outbox.c.was_block == bindparam("gate")).order_by(outbox.c.position)


class _Verdict(Enum):
    TAKEN = auto()
    REFUSED = auto()
    LATER = auto()
    """For want of funds or room, say: it is offered again."""


class Sender:
    """Sends signed rows."""

    def __init__(self, engine: Engine, node: Node, signing: Signing, trace: Callable[[str], None]) -> None:
        self._engine = engine
        self._node = node
        self._signing = signing
        self._trace = trace

    def send(self, *, in_flight: int, resend_after: float, stuck_after: float, limit: int) -> int:
        """Send what is due; how many rows the node took.

        Raises:
            NodeUnavailable: the node does not answer.
        """
        rows = self._due(in_flight, resend_after, limit)
        if not rows:
            return 0
        again = [row for row in rows if row["was_block"] is not None]
        fresh = self._offer_more([row for row in rows if row["was_block"] is None], stuck_after)
        self._trace("send")
        # What was mined before is sent one by one: a node may take the calls of a batch in any order.
        answers = self._node.batch([_sending(row) for row in again], size=1)
        answers += self._node.batch([_sending(row) for row in fresh])
        self._trace("sent")
        verdicts = [(row, answer, _verdict(answer)) for row, answer in zip(again + fresh, answers, strict=True)]
        self._mark([row for row, _, verdict in verdicts if verdict is _Verdict.TAKEN], state=State.SENT)
        self._mark([row for row, _, verdict in verdicts if verdict is _Verdict.LATER], state=outbox.c.state)
        for row, answer, verdict in verdicts:
            if verdict is _Verdict.REFUSED:
                self._refuse(row, answer.message)
        return sum(verdict is _Verdict.TAKEN for _, _, verdict in verdicts)

    def _due(self, in_flight: int, resend_after: float, limit: int) -> list[Row]:
        """Signed rows, and sent ones that it is time to send again, within each signer's share.

        While rows of blocks that are gone wait to be mined again, only those of the earliest such block are due.
        """
        asked: dict[str, object] = {"sent_before": time() - resend_after, "in_flight": in_flight, "most": limit}
        with reading(self._engine) as connection:
            gate = connection.execute(_EARLIEST).scalar()
            if gate is not None:
                return list(connection.execute(_DUE_AGAIN, {**asked, "gate": gate}).mappings())
            rows = list(connection.execute(_DUE_IN_ORDER, asked).mappings())
        return sorted(rows, key=lambda row: (row["signer"], row["nonce"]))

    def _mark(self, rows: Sequence[Row], *, state: State | Column[str]) -> None:
        now = time()
        statement = (
            update(outbox)
            .where(
                outbox.c.id == bindparam("b_id"),
                outbox.c.tx_hash == bindparam("b_hash"),
                or_(outbox.c.state == State.SIGNED, outbox.c.state == State.SENT),
            )
            .values(
                state=state,
                sent_at=now,
                attempts=outbox.c.attempts + 1,
                updated_at=case((outbox.c.state == State.SIGNED, now), else_=outbox.c.updated_at),
            )
        )
        if rows:
            with writing(self._engine) as connection:
                connection.execute(statement, [{"b_id": row["id"], "b_hash": row["tx_hash"]} for row in rows])
                self._trace("sent:commit")

    def _offer_more(self, rows: Sequence[Row], stuck_after: float) -> list[Row]:
        """Sign anew, with the same nonce and a higher fee, what has been stuck for long, where that is possible."""
        since = time() - stuck_after
        stuck = {row["id"] for row in rows if row["state"] == State.SENT and row["updated_at"] < since}
        return [self._dearer(row) if row["id"] in stuck else row for row in rows]

    def _dearer(self, row: Row) -> Row:
        signer = self._signing.keys(row["signer"])
        fee = self._signing.fees.dearer(self._node, Fee(row["max_fee"], row["tip"]))
        if signer is None or fee is None:
            return row
        raw, tx_hash = sign(
            signer,
            chain_id=self._signing.chain_id(),
            nonce=row["nonce"],
            to=row["to"],
            data=row["data"],
            value=int(row["value"]),
            gas=row["gas"],
            fee=fee,
        )
        changed = {"raw": raw, "tx_hash": tx_hash, "max_fee": fee.max_fee, "tip": fee.tip, "updated_at": time()}
        statement = update(outbox).where(outbox.c.id == row["id"], outbox.c.tx_hash == row["tx_hash"])
        with writing(self._engine) as connection:
            if not connection.execute(statement.where(outbox.c.state == State.SENT).values(changed)).rowcount:
                return row  # mined, or replaced by another process, in this moment
            old = {"tx_hash": row["tx_hash"], "entry": row["id"], "raw": row["raw"]}
            connection.execute(insert(replaced), old)  # it may still be the one that is mined
        return {**row, **changed}

    def _refuse(self, row: Row, message: str) -> None:
        """The node will never take this transaction: the act has failed, and a filler takes its nonce."""
        now = time()
        failed = {"state": State.FAILED, "settled": True, "nonce": None, "updated_at": now}
        failed |= failure_columns("Refused", {}, f"the node refuses the transaction: {message}")
        filler = blank_row() | {
            "signer": row["signer"],
            "idempotency_key": f"{FILLER} for {row['id']}",
            "kind": FILLER,
            "to": row["signer"],
            "gas": TRANSACTION_GAS,
            "nonce": row["nonce"],
        }
        statement = update(outbox).where(outbox.c.id == row["id"], outbox.c.tx_hash == row["tx_hash"])
        statement = statement.where(outbox.c.state.in_([State.SIGNED, State.SENT]))
        with writing(self._engine) as connection:
            if connection.execute(statement.values(failed)).rowcount:
                connection.execute(insert(outbox), filler)


def _sending(row: Row) -> Call:
    return "eth_sendRawTransaction", (enhex(row["raw"]),)


def _verdict(answer: Any) -> _Verdict:
    if not isinstance(answer, NodeRejected):
        return _Verdict.TAKEN
    message = answer.message.lower()
    if any(words in message for words in _TAKEN):
        return _Verdict.TAKEN
    return _Verdict.REFUSED if any(words in message for words in _REFUSED) else _Verdict.LATER
