"""Watching: which blocks the outbox's rows are in, whether those are still there, and when they count as final."""

from collections.abc import Callable, Mapping, Sequence
from time import time
from typing import Any

from sqlalchemy import BigInteger, Engine, bindparam, case, func, select, update

from ledger.database import reading, writing
from ledger.errors import NodeRejected
from ledger.outbox_store import NO_FAILURE, Failure, State, failure_columns, outbox, replaced, signers
from ledger.preflight import Call, Failed, Rejection, explain
from ledger.rpc import Node, enhex, head, quantity, unhex

Row = Mapping[Any, Any]
Block = tuple[int, bytes]
"""Number and hash."""

_NOT_MINED: Mapping[str, Any] = {
    "settled": False,
    "sent_at": None,
    "missing_since": None,
    "block_number": None,
    "block_hash": None,
    "mined_at": None,
    "gas_used": None,
    "effective_gas_price": None,
    **NO_FAILURE,
}

# Asked many times a second, and built once: composing a statement takes longer than running it.
_NEWEST = (
    select(outbox.c.block_number, outbox.c.block_hash)
    .where(outbox.c.block_number == select(func.max(outbox.c.block_number)).scalar_subquery())
    .distinct()
)
_OPEN_SIGNERS = (
    select(signers)
    .where(
        signers.c.address.in_(select(outbox.c.signer).where(outbox.c.settled.is_(False)).distinct()),
        signers.c.next_nonce.is_not(None),
    )
    .order_by(signers.c.address)
)
_PASSED = (
    select(outbox, signers.c.chain_nonce)
    .join(signers, signers.c.address == outbox.c.signer)
    .where(outbox.c.state == State.SENT, outbox.c.nonce < signers.c.chain_nonce)
    .order_by(outbox.c.id)
    .limit(bindparam("most"))
)
_RIPE = (
    outbox.c.state.in_([State.MINED, State.FAILED]),
    outbox.c.settled.is_(False),
    outbox.c.mined_at <= bindparam("ripe_at"),
)
_RIPE_BLOCKS = select(outbox.c.block_number, outbox.c.block_hash).where(*_RIPE).distinct()
_SETTLE = (
    update(outbox)
    .where(*_RIPE, outbox.c.block_number == bindparam("b_number"), outbox.c.block_hash == bindparam("b_hash"))
    .values(settled=True, state=case((outbox.c.state == State.MINED, State.FINAL), else_=outbox.c.state))
)


class Watch:
    """Compares rows with the chain."""

    def __init__(self, engine: Engine, node: Node, rejection: Rejection, trace: Callable[[str], None]) -> None:
        self._engine = engine
        self._node = node
        self._rejection = rejection
        self._trace = trace

    # --- blocks that are gone

    def is_canonical(self) -> bool:
        """Whether the newest block that any row is in is still on the chain."""
        return not self._gone(self._newest())

    def _newest(self) -> list[Block]:
        """That block; several of one number while a reorganization is not yet noticed."""
        with reading(self._engine) as connection:
            return [(row.block_number, row.block_hash) for row in connection.execute(_NEWEST)]

    def _gone(self, blocks: Sequence[Block]) -> list[Block]:
        answers = self._node.batch([("eth_getBlockByNumber", (hex(number), False)) for number, _ in blocks])
        gone = []
        for block, answer in zip(blocks, _sound(answers), strict=True):
            if answer is None or unhex(answer["hash"]) != block[1]:
                gone.append(block)
        return gone

    def reopen(self) -> int:
        """Put back the rows of all blocks that are gone; how many."""
        gone: list[Block] = []
        query = select(outbox.c.block_number, outbox.c.block_hash).where(outbox.c.block_number.is_not(None))
        query = query.distinct().order_by(outbox.c.block_number.desc()).limit(100)
        page = query
        while True:
            with reading(self._engine) as connection:
                blocks = [(row.block_number, row.block_hash) for row in connection.execute(page)]
            missing = self._gone(blocks)
            gone += missing
            if len(missing) < len(blocks) or not blocks:
                return self._put_back(gone)  # a block that is there proves all before it
            page = query.where(outbox.c.block_number < blocks[-1][0])

    def _put_back(self, gone: Sequence[Block]) -> int:
        """Rows of these blocks are sent, not mined; `was_block` and `position` remember the order they had."""
        statement = (
            update(outbox)
            .where(outbox.c.block_number == bindparam("b_number"), outbox.c.block_hash == bindparam("b_hash"))
            .values(**{**_NOT_MINED, "was_block": outbox.c.block_number, "state": State.SENT, "updated_at": time()})
        )
        if not gone:
            return 0
        self._trace("reopen")
        with writing(self._engine) as connection:
            count = 0
            for number, block_hash in gone:
                count += connection.execute(statement, {"b_number": number, "b_hash": block_hash}).rowcount
            self._trace("reopen:commit")
        return count

    # --- nonces

    def look(self) -> None:
        """Note for each signer with open rows the first nonce that is not mined."""
        with reading(self._engine) as connection:
            rows = connection.execute(_OPEN_SIGNERS).all()
        counts = _sound(self._node.batch([("eth_getTransactionCount", (row.address, "latest")) for row in rows]))
        changes = [
            {"b_address": row.address, "b_nonce": quantity(count)}
            for row, count in zip(rows, counts, strict=True)
            if quantity(count) != row.chain_nonce
        ]
        if not changes:
            return
        # A nonce that we did not give out was used elsewhere, by the person's own wallet, say: give out later ones.
        nonce = bindparam("b_nonce", type_=BigInteger)
        later = case((signers.c.next_nonce < nonce, nonce), else_=signers.c.next_nonce)
        statement = update(signers).where(signers.c.address == bindparam("b_address"))
        with writing(self._engine) as connection:
            connection.execute(statement.values(chain_nonce=nonce, next_nonce=later), changes)

    # --- receipts

    def collect(self, *, missing_after: float, confirmations: int, limit: int) -> int:
        """Take up the receipts of rows whose nonce is used up; how many."""
        with reading(self._engine) as connection:
            rows: Sequence[Row] = connection.execute(_PASSED, {"most": limit}).mappings().all()
        if not rows:
            return 0
        newest = self._newest()
        receipts = self._node.batch([("eth_getTransactionReceipt", (enhex(row["tx_hash"]),)) for row in rows])
        found = [(row, receipt) for row, receipt in zip(rows, receipts, strict=True) if isinstance(receipt, dict)]
        missing = [row for row, receipt in zip(rows, receipts, strict=True) if receipt is None]
        found += self._replaced_ones(missing)
        changes = self._explained([(row, receipt, _mined(row, receipt)) for row, receipt in found])
        if self._gone(newest):
            return 0  # the chain changed while it was asked: nothing of this can be trusted
        self._trace("collect")
        with writing(self._engine) as connection:
            statement = update(outbox).where(outbox.c.id == bindparam("b_id"), outbox.c.state == State.SENT)
            if changes:
                connection.execute(statement, changes)
            self._trace("collect:commit")
        done = {row["id"] for row, _ in found}
        self._look_for([row for row in missing if row["id"] not in done], missing_after, confirmations)
        return len(changes)

    def _replaced_ones(self, rows: Sequence[Row]) -> list[tuple[Row, dict[str, Any]]]:
        """Rows of which an earlier, cheaper version was mined."""
        by_id = {row["id"]: row for row in rows}
        with reading(self._engine) as connection:
            earlier = connection.execute(select(replaced).where(replaced.c.entry.in_(by_id))).all()
        receipts = self._node.batch([("eth_getTransactionReceipt", (enhex(old.tx_hash),)) for old in earlier])
        return [
            ({**by_id[old.entry], "tx_hash": old.tx_hash, "raw": old.raw}, receipt)
            for old, receipt in zip(earlier, receipts, strict=True)
            if isinstance(receipt, dict)
        ]

    def _explained(self, found: Sequence[tuple[Row, Mapping[str, Any], dict[str, Any]]]) -> list[dict[str, Any]]:
        """The columns of mined rows, of those that failed with the reason."""
        failed = [
            Failed(receipt, Call(row["signer"], row["to"], row["data"], int(row["value"])), row["gas"])
            for row, receipt, _ in found
            if quantity(receipt["status"]) != 1
        ]
        reasons = iter(explain(self._node, failed, self._rejection) if failed else ())
        changes = []
        for _, receipt, columns in found:
            if quantity(receipt["status"]) != 1:
                failure: Failure = next(reasons)
                reason = failure_columns(failure.name, failure.values, failure.text)
                columns = {**columns, "state": State.FAILED, **reason}
            changes.append(columns)
        return changes

    def _look_for(self, rows: Sequence[Row], missing_after: float, confirmations: int) -> None:
        """Rows whose nonce another transaction took, as a wallet elsewhere with the same key may: new nonces for them.

        Not before that other one is as final as ours would be: until then ours might still be mined in its place.
        """
        now = time()
        noticed = [row["id"] for row in rows if row["missing_since"] is None]
        overdue = [row for row in rows if (row["missing_since"] or now) < now - missing_after]
        if overdue:
            depth = hex(max(0, head(self._node).number - confirmations)) if confirmations else "latest"
            counts = self._node.batch([("eth_getTransactionCount", (row["signer"], depth)) for row in overdue])
            known = self._node.batch([("eth_getTransactionByHash", (enhex(row["tx_hash"]),)) for row in overdue])
            overdue = [
                row
                for row, count, transaction in zip(overdue, counts, known, strict=True)
                if isinstance(count, str) and quantity(count) > row["nonce"] and transaction is None
            ]
        if not noticed and not overdue:
            return
        unsigned = dict.fromkeys(["nonce", "raw", "tx_hash", "max_fee", "tip", "sent_at", "missing_since", "was_block"])
        with writing(self._engine) as connection:
            of_ours = update(outbox).where(outbox.c.state == State.SENT)
            connection.execute(of_ours.where(outbox.c.id.in_(noticed)).values(missing_since=now))
            for row in overdue:
                same = of_ours.where(outbox.c.id == row["id"], outbox.c.tx_hash == row["tx_hash"])
                connection.execute(same.values(state=State.QUEUED, updated_at=now, **unsigned))

    # --- final

    def bury(self, *, confirmations: int, final_after: float) -> tuple[int, int]:
        """Settle rows that are deep and old enough, after a last look at their blocks; how many, and how many were
        put back because their block is gone."""
        ripe_at = time() - final_after
        with reading(self._engine) as connection:
            found = connection.execute(_RIPE_BLOCKS, {"ripe_at": ripe_at})
            blocks = [(row.block_number, row.block_hash) for row in found]
        if not blocks:
            return 0, 0
        deepest = head(self._node).number - confirmations
        blocks = [block for block in blocks if block[0] <= deepest]
        gone = self._gone(blocks)
        self._trace("bury")
        with writing(self._engine) as connection:
            count = 0
            for number, block_hash in set(blocks) - set(gone):
                named = {"ripe_at": ripe_at, "b_number": number, "b_hash": block_hash}
                count += connection.execute(_SETTLE, named).rowcount
            self._trace("bury:commit")
        return count, self._put_back(gone)


def _mined(row: Row, receipt: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a row whose transaction is in a block."""
    now = time()
    return {
        "b_id": row["id"],
        "state": State.MINED,
        "raw": row["raw"],
        "tx_hash": row["tx_hash"],
        "was_block": None,
        "missing_since": None,
        "block_number": quantity(receipt["blockNumber"]),
        "block_hash": unhex(receipt["blockHash"]),
        "position": quantity(receipt["transactionIndex"]),
        "mined_at": now,
        "gas_used": quantity(receipt["gasUsed"]),
        "effective_gas_price": quantity(receipt.get("effectiveGasPrice", "0x0")),
        "updated_at": now,
        **NO_FAILURE,
    }


def _sound(answers: Sequence[Any]) -> Sequence[Any]:
    """Answers none of which is a refusal."""
    for answer in answers:
        if isinstance(answer, NodeRejected):
            raise answer
    return answers
