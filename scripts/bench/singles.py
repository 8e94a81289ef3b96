"""Posting records one by one through the outbox, many in flight, beside the same calls signed beforehand."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event, Thread
from time import perf_counter

from ledger.database import open_database
from ledger.outbox import Outbox, Posting, State
from ledger.transactions import KeySigner
from scripts.bench.processor import Spent, compared
from scripts.bench.report import Aim, Finding, Series
from scripts.bench.spent import explained
from scripts.bench.town import PATIENCE, REGULARS, BenchFailed, Town, await_mined, burst, found_town, open_devnet

SIGNERS = 10
"""On each side."""

_numbers = count()


def bench_singles(folder: Path, *, acts: int, rounds: int) -> Finding:
    """Acts a second from the call of `enqueue_many` until each is known mined in the database; beside them the same
    number of acts, signed beforehand and sent raw."""
    with open_devnet(folder / "devnet") as node:
        town = found_town(node, "singles", laboratories=2 * SIGNERS, patients=REGULARS)
        town.let_write(town.patients, town.laboratories)
        raw_ones, outbox_ones = town.laboratories[:SIGNERS], town.laboratories[SIGNERS:]
        engine = open_database(f"sqlite:///{folder / 'outbox.db'}")
        outbox = Outbox(engine, node, {one.address: one for one in outbox_ones}.get)
        measured, ceiling = [], []
        ours, theirs = Spent(), Spent()
        post(outbox, postings(town, outbox_ones, SIGNERS))  # the first time asks for nonces
        for _ in range(rounds):
            new = postings(town, outbox_ones, acts)
            with ours.on(acts):
                measured.append(acts / post(outbox, new))
            raws = town.sign_all(town.anchors(raw_ones, acts))
            with theirs.on(acts):
                ceiling.append(burst(node, raws).rate)
        finding = Finding(
            "single posting",
            f"{acts:,} anchors by {SIGNERS} signers, durable before they are sent; {rounds} rounds",
            Series("mined, through the outbox", "/s", tuple(measured)),
            Series("mined, signed beforehand", "/s", tuple(ceiling)),
            Aim(least=0.3),
            note=compared(ours, "an act", theirs, "a transaction signed beforehand"),
        )
        finding = explained(finding, lambda: _post_alone(outbox, postings(town, outbox_ones, acts)))
        engine.dispose()
    return finding


def postings(town: Town, authors: Sequence[KeySigner], number: int) -> list[Posting]:
    """New records to be anchored."""
    return [
        Posting(call.act, call.sender.address, f"bench-{next(_numbers)}", gas=call.gas)
        for call in town.anchors(authors, number)
    ]


def post(outbox: Outbox, acts: Sequence[Posting]) -> float:
    """Seconds until all are mined, with a thread that pumps meanwhile.

    Raises:
        BenchFailed: one was rejected.
    """
    with _pumped(outbox):
        start = perf_counter()
        entries = outbox.enqueue_many(acts)
        last = {entry.signer: entry for entry in entries}  # acts of a signer are mined in order
        await_mined(outbox, last.values())
        seconds = perf_counter() - start
    if outbox.counts()[State.FAILED]:
        raise BenchFailed("the contract rejected an act of the benchmark")
    return seconds


def _post_alone(outbox: Outbox, acts: Sequence[Posting]) -> None:
    """The same in one thread, which can be profiled."""
    outbox.enqueue_many(acts)
    outbox.drain(State.MINED, PATIENCE)


@contextmanager
def _pumped(outbox: Outbox) -> Iterator[None]:
    stopping = Event()
    pump = Thread(target=outbox.run, args=(stopping,), name="outbox")
    pump.start()
    try:
        yield
    finally:
        stopping.set()
        pump.join()
