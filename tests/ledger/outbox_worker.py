"""What a process does that may be told to die at a step: so many acts, by way of an outbox of its own."""

import os
import signal
from collections import Counter

from eth_account import Account
from eth_account.signers.local import LocalAccount

from ledger.database import open_database
from ledger.outbox import Outbox, Posting, Settings, State
from ledger.rpc import Node
from ledger.types import Address
from tests.ledger.counter import ABI, GAS, counting


def work(database: str, url: str, counter: Address, key: bytes, acts: int, step: str, time: int) -> None:
    """Do the acts, half of them accepted while the key is locked; die when `step` comes for the `time`th time."""
    account = Account.from_key(key)
    ring: dict[str, LocalAccount] = {}
    seen: Counter[str] = Counter()

    def trace(now: str) -> None:
        seen[now] += 1
        if now == step and seen[now] == time:
            os.kill(os.getpid(), signal.SIGKILL)

    settings = Settings(final_after=0.1, resend_after=0.5)
    engine = open_database(database)
    with Node(url) as node:
        outbox = Outbox(engine, node, ring.get, settings=settings, rejection=ABI.rejection, trace=trace)
        postings = [
            Posting(counting(counter, number), Address(account.address), str(number), gas=GAS) for number in range(acts)
        ]
        outbox.enqueue_many(postings[: acts // 2])
        ring[account.address] = account
        for start in range(acts // 2, acts, 5):
            outbox.enqueue_many(postings[start : start + 5])
            outbox.pump()
        outbox.drain(State.FINAL)
        assert outbox.counts()[State.FINAL] == acts
    engine.dispose()
