"""A process that does so many acts by way of an outbox, and may be told to die at a step: see `test_outbox_faults`.

    python -m tests.ledger.outbox_worker DATABASE NODE COUNTER KEY ACTS [STEP TIME]

Half of the acts are accepted while the key is locked. STEP TIME: die when that step comes for the so-manieth time.
"""

import os
import signal
import sys
from collections import Counter

from eth_account import Account

from ledger.database import open_database
from ledger.outbox import Outbox, Posting, Settings, State
from ledger.rpc import Node
from ledger.types import Address, address_of
from tests.ledger.counter import ABI, GAS, counting


def work(database: str, url: str, counter: Address, key: str, acts: int, step: str, time: int) -> None:
    account = Account.from_key(key)
    ring = {}
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


if __name__ == "__main__":
    database, url, counter, key, acts, *fault = sys.argv[1:]
    step, time = fault or ("", "0")
    work(database, url, address_of(counter), key, int(acts), step, int(time))
