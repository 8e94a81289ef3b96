"""Reading the whole chain into an empty index, beside a mere reading of the same logs."""

from pathlib import Path
from time import perf_counter

from sqlalchemy import update

from ledger.database import open_database, writing
from ledger.indexer import Indexer, transactions
from ledger.rpc import Node, quantity
from scripts.bench.report import Aim, Finding, Series
from scripts.bench.spent import explained
from scripts.bench.town import ACT_GAS, Town

_BLOCKS = 20
"""Blocks in one request of the mere reading."""


def bench_rebuild(town: Town, database: Path, *, rounds: int) -> Finding:
    """Events a second into an empty index; the last round's index stays in `database`."""
    engine = open_database(f"sqlite:///{database}")
    indexer = Indexer(engine, town.node, town.deployment.address, start_block=town.deployment.block)
    measured, read = [], []
    events = 0
    for _ in range(rounds):
        start = perf_counter()
        events = indexer.rebuild().events
        measured.append(events / (perf_counter() - start))
        read.append(_read(town.node, town))
    bills = _bills(indexer)
    finding = Finding(
        "index rebuild",
        f"{events:,} events, each of a transaction of its own; {rounds} rounds",
        Series("events into the index", "/s", tuple(measured)),
        Series("events read and thrown away", "/s", tuple(read)),
        Aim(least=5_000.0, of_ratio=False),
        note=f"what transactions cost is filled in after the events, {bills:,.0f} a second",
    )
    finding = explained(finding, indexer.rebuild)
    engine.dispose()
    return finding


def settle_bills(database: Path) -> None:
    """Fill in the rest of what transactions cost, by one update with made-up figures: a benchmark does not wait."""
    engine = open_database(f"sqlite:///{database}")
    with writing(engine) as connection:
        unknown = transactions.c.gas_used.is_(None)
        made_up = {"gas_used": ACT_GAS, "effective_gas_price": 0, "zero_bytes": 0, "nonzero_bytes": 0}
        connection.execute(update(transactions).where(unknown).values(made_up))
    engine.dispose()


def _read(node: Node, town: Town) -> float:
    """Events a second that the node hands out."""
    newest = quantity(node.request("eth_blockNumber"))
    start = perf_counter()
    events = 0
    for first in range(town.deployment.block, newest + 1, _BLOCKS):
        asked = {
            "address": town.deployment.address,
            "fromBlock": hex(first),
            "toBlock": hex(min(newest, first + _BLOCKS - 1)),
        }
        events += len(node.request("eth_getLogs", asked))
    return events / (perf_counter() - start)


def _bills(indexer: Indexer) -> float:
    """Transactions a second whose costs are filled in."""
    start = perf_counter()
    return sum(indexer.sync().bills for _ in range(4)) / (perf_counter() - start)
