"""From the chain's events to SQL rows, and back again when the chain goes back.

    >>> indexer = Indexer(open_database("sqlite:///index.db"), node, deployment.address, start_block=deployment.block)
    >>> indexer.sync().events
    1622
    >>> Thread(target=indexer.run, args=(stopping,)).start()

Every event becomes one row, and no row is ever changed (`ledger.events`): so an index that grew with the chain is the
same as one made anew from it, and what a reorganization takes back is deleted by its block numbers. The rows of a range
of blocks and the cursor behind it are written in one transaction. `index_blocks` remembers the hash (and the time) of
each block that had an event; if the cursor's block is gone, the newest of those that is still there is where both
chains part, or earlier, and everything after it is read again.

`transactions` says what each transaction cost that left an event. Receipts take a node much longer than events, so
these rows are filled in after the events have caught up.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

from sqlalchemy import Engine, MetaData, Table, bindparam, delete, insert, select, update

from ledger import events
from ledger.abi import Abi
from ledger.background import repeat
from ledger.database import create_tables, reading, writing
from ledger.errors import NodeRejected, NodeUnavailable
from ledger.index_tables import blocks, cursors, metadata, transactions
from ledger.logs import LoggedEvent, Reader
from ledger.rpc import Head, Node, enhex, head_of, quantity, unhex

__all__ = ["Indexed", "Indexer", "blocks", "transactions"]

ROWS_A_READ = 5_000
"""Events that one request for logs should bring; the number of blocks asked for adapts to it."""

_BILLS = 500
"""Transactions whose costs are asked for at a time."""

Project = Callable[[Mapping[str, Any]], events.Row]
"""An event's parameters to a table and the row it becomes there."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a `sync` did. False if it did nothing."""

    block: int
    """The index now contains all up to this block."""
    events: int
    bills: int
    """Transactions whose costs were filled in."""
    rolled_back_to: int | None
    """Where the chain had gone back to, if it had."""

    def __bool__(self) -> bool:
        return bool(self.events or self.bills or self.rolled_back_to is not None)


class Indexer:
    """Follows one contract. Several processes may follow it into the same database."""

    def __init__(
        self,
        engine: Engine,
        node: Node,
        address: str,
        *,
        start_block: int = 0,
        abi: Abi | None = None,
        rows: Mapping[str, Project] = events.ROWS,
        tables: MetaData = events.metadata,
    ) -> None:
        """
        Args:
            start_block: the contract's creation; nothing before it concerns the index.
            abi: says how logs are read; the shipped contract's if None.
            rows: for each event's name the row it becomes; events without one are passed over.
            tables: where the rows go; each has `block_number`, `log_index` and `transaction_hash`.
        """
        self._engine = engine
        self._node = node
        self._address = address
        self._start = start_block
        self._read = Reader(abi or Abi.shipped())
        self._rows = rows
        self._tables = tables
        self._span = 1_000
        self._bill_from = 0
        create_tables(engine, metadata, tables)
        self.block = self._cursor().number
        """The newest block all of whose events are in the index."""

    def has(self, block: int) -> bool:
        """Whether all events up to a block are in the index."""
        return self.block >= block

    def sync(self) -> Indexed:
        """Read on until the newest block, then fill in what its transactions cost.

        Raises:
            NodeUnavailable: the node does not answer; what was read is kept.
            NodeRejected: it refuses to tell its logs.
        """
        read, rolled_back_to = 0, None
        while True:
            cursor = self._cursor()
            known, newest = self._ask(cursor, "latest")
            if cursor.hash and (known is None or known.hash != cursor.hash):
                rolled_back_to = self._roll_back()
                continue
            assert newest is not None
            self.block = cursor.number
            if newest.number <= cursor.number:
                break
            read += self._read_on(cursor, newest)
        if read or rolled_back_to is not None:
            self._bill_from = 0
        return Indexed(self.block, read, self._bill(), rolled_back_to)

    def rebuild(self) -> Indexed:
        """Forget everything and read it again from the chain."""
        create_tables(self._engine, metadata, self._tables, anew=True)
        return self.sync()

    def run(self, stopping: Event, *, idle: float = 0.1) -> None:
        """Sync until `stopping` is set: the body of a background thread. A node that fails is tried again for ever."""
        repeat("the indexer", self.sync, stopping, idle=idle)

    def _cursor(self) -> Head:
        """The cursor; its hash is empty before the first block is read."""
        with reading(self._engine) as connection:
            row = connection.execute(select(cursors).where(cursors.c.address == self._address)).one_or_none()
        return Head(row.block_number, row.block_hash or b"") if row else Head(self._start - 1, b"")

    def _ask(self, *numbers: Head | int | str) -> list[Head | None]:
        """Blocks as they are on the chain now; None where there is none."""
        names = [number.number if isinstance(number, Head) else number for number in numbers]
        names = [hex(max(0, name)) if isinstance(name, int) else name for name in names]
        answers = self._node.batch([("eth_getBlockByNumber", (name, False)) for name in names])
        for answer in answers:
            if isinstance(answer, NodeRejected):
                raise answer
        return [answer and head_of(answer) for answer in answers]

    # --- forward

    def _read_on(self, cursor: Head, newest: Head) -> int:
        """Read one range of blocks behind the cursor; how many events it had."""
        first = cursor.number + 1
        last = min(newest.number, first + self._span - 1)
        (end,) = self._ask(last) if last != newest.number else (newest,)
        asked = {"address": self._address, "fromBlock": hex(first), "toBlock": hex(last)}
        try:
            entries = self._node.request("eth_getLogs", asked)
        except NodeRejected:
            if self._span == 1:
                raise
            self._span = max(1, self._span // 4)  # too many blocks or too many logs for this node
            return 0
        if end is None or self._ask(last) != [end]:
            return 0  # the chain went back meanwhile: begin anew
        found = list(self._read(entries))
        if self._write(cursor, end, found):
            self.block = end.number
            if len(entries) < ROWS_A_READ // 2:
                self._span = min(self._span * 2, 100_000)
            elif len(entries) > ROWS_A_READ:
                self._span = max(1, self._span // 2)
            return len(found)
        return 0

    def _write(self, cursor: Head, end: Head, found: Sequence[LoggedEvent]) -> bool:
        """Write the rows and move the cursor; False if another process has moved it."""
        rows: dict[Table, list[dict[str, Any]]] = {}
        for event in found:
            project = self._rows.get(event.name)
            if project is None:
                continue
            table, row = project(event.params)
            row["block_number"] = event.block_number
            row["log_index"] = event.log_index
            row["transaction_hash"] = event.transaction_hash
            rows.setdefault(table, []).append(row)
        times = self._times(found)
        paid = {event.transaction_hash: event.block_number for event in found}
        place = {"address": self._address, "block_number": end.number, "block_hash": end.hash}
        with writing(self._engine) as connection:
            query = select(cursors).where(cursors.c.address == self._address).with_for_update()
            now = connection.execute(query).one_or_none()
            if now is None and cursor.hash == b"":
                connection.execute(insert(cursors), place)
            elif now is not None and (now.block_number, now.block_hash or b"") == (cursor.number, cursor.hash):
                connection.execute(update(cursors).where(cursors.c.address == self._address), place)
            else:
                return False
            for table, new in rows.items():
                connection.execute(insert(table), new)
            if times:
                connection.execute(insert(blocks), times)
                bills = [{"transaction_hash": name, "block_number": number} for name, number in paid.items()]
                connection.execute(insert(transactions), bills)
        return True

    def _times(self, found: Sequence[LoggedEvent]) -> list[dict[str, Any]]:
        """The blocks of these events, as rows."""
        known = {event.block_number: event for event in found}
        untimed = [number for number, event in known.items() if event.time is None]
        answers = self._node.batch([("eth_getBlockByNumber", (hex(number), False)) for number in untimed])
        times = {number: event.time for number, event in known.items()}
        for number, answer in zip(untimed, answers, strict=True):
            if not isinstance(answer, dict):
                raise NodeUnavailable(f"the node does not know block {number} any more")
            times[number] = quantity(answer["timestamp"])
        return [
            {"block_number": number, "block_hash": event.block_hash, "time": times[number]}
            for number, event in known.items()
        ]

    # --- back

    def _roll_back(self) -> int:
        """Delete what came after the newest block with events that is still there; its number."""
        base = Head(self._start - 1, b"")
        below = None
        while True:
            query = select(blocks).order_by(blocks.c.block_number.desc()).limit(100)
            query = query if below is None else query.where(blocks.c.block_number < below)
            with reading(self._engine) as connection:
                known = [Head(row.block_number, row.block_hash) for row in connection.execute(query)]
            there = [block for block, found in zip(known, self._ask(*known), strict=True) if block == found]
            if there:
                base = there[0]
            if there or not known:
                break
            below = known[-1].number
        place = {"block_number": base.number, "block_hash": base.hash or None}
        with writing(self._engine) as connection:
            connection.execute(select(cursors).where(cursors.c.address == self._address).with_for_update()).one()
            for table in (*self._tables.sorted_tables, blocks, transactions):
                connection.execute(delete(table).where(table.c.block_number > base.number))
            connection.execute(update(cursors).where(cursors.c.address == self._address).values(place))
        self.block = base.number
        return base.number

    # --- costs

    def _bill(self) -> int:
        """Fill in what transactions cost; how many."""
        query = (
            select(transactions.c.transaction_hash, transactions.c.block_number)
            .where(transactions.c.gas_used.is_(None), transactions.c.block_number >= self._bill_from)
            .order_by(transactions.c.block_number)
            .limit(_BILLS)
        )
        with reading(self._engine) as connection:
            unpaid = connection.execute(query).all()
        names = [row.transaction_hash for row in unpaid]
        answers = self._node.batch(
            [("eth_getTransactionReceipt", (enhex(name),)) for name in names]
            + [("eth_getTransactionByHash", (enhex(name),)) for name in names]
        )
        bills = []
        for name, receipt, transaction in zip(names, answers[: len(names)], answers[len(names) :], strict=True):
            if not isinstance(receipt, dict) or not isinstance(transaction, dict):
                continue  # its block has just gone, and the next sync takes it back; or the node forgets receipts
            calldata = unhex(transaction["input"])
            zeros = calldata.count(0)
            bill = {
                "b_name": name,
                "sender": unhex(receipt["from"]),
                "recipient": unhex(receipt["to"]) if receipt.get("to") else None,
                "selector": calldata[:4],
                "zero_bytes": zeros,
                "nonzero_bytes": len(calldata) - zeros,
                "gas_used": quantity(receipt["gasUsed"]),
                "effective_gas_price": quantity(receipt.get("effectiveGasPrice", "0x0")),
            }
            bills.append(bill)
        if unpaid and not bills:
            self._bill_from = unpaid[-1].block_number + 1  # until there is something new: do not ask in vain for ever
        if bills:
            statement = update(transactions).where(transactions.c.transaction_hash == bindparam("b_name"))
            with writing(self._engine) as connection:
                connection.execute(statement, bills)
        return len(bills)
