"""The durable outbox: every write is a row before it is a transaction.

    >>> outbox = Outbox(open_database("sqlite:///gateway.db"), node, signers=keys.get)
    >>> entry = outbox.enqueue(acts.withdraw(grantee, scope), signer=patient, idempotency_key="17")
    >>> Thread(target=outbox.run, args=(stopping,)).start()
    >>> outbox.wait(entry.id, State.MINED).gas_used

What is promised

- *Acknowledged is durable.* `enqueue` returns when the row is committed. Where the signer's key is unlocked, the row
  already has its nonce and is signed: the key may be locked the next moment, and a row need never be signed twice.
  Otherwise it waits as `queued` until the key appears.
- *Once.* A signer's idempotency key names one act for ever. A row is sent as the same signed bytes as often as
  needed; a nonce admits one of them.
- *Final is late on purpose.* A mined act is `final` when its block is still on the chain, has `confirmations` blocks
  above it, and was seen `final_after` seconds ago. The seconds are for anvil, which writes its state once a second and
  forgets the rest if killed; a network with finality of its own needs 0 of one or the other.
- *The chain may go back.* At every step the newest block that any row is in is looked up. If it is gone, the rows of
  all blocks that are gone are sent again, the same bytes, block by block in the order in which they were mined, and
  nothing new before them: what depended on an earlier act still does. Even final rows come back that way.
"""

from collections.abc import Callable, Sequence
from threading import Condition, Event, Thread
from time import monotonic, sleep
from uuid import uuid4

from sqlalchemy import Engine, func, select

from ledger.abi import Abi
from ledger.acts import Act
from ledger.background import repeat
from ledger.database import create_tables, reading
from ledger.errors import EntryUnknown, WaitTimedOut
from ledger.group_commit import GroupCommit
from ledger.outbox_intake import Intake, Posting, Prepared
from ledger.outbox_pump import Pump, Pumped, Settings
from ledger.outbox_signing import GROUP, Signing
from ledger.outbox_store import PROGRESS, Entry, Failure, State, metadata, outbox
from ledger.preflight import Rejection
from ledger.rpc import Head, Node, head
from ledger.signing import Fees, FreeGas, KeyRing
from ledger.types import Address

__all__ = ["Entry", "Failure", "Outbox", "Posting", "Pumped", "Settings", "State"]

_LOOK_AGAIN = 0.25
"""Seconds after which `wait` and `run` look again by themselves, for what another process did."""

_IDLE = 0.05
"""Seconds between two looks at the chain of which the first found nothing new."""


class Outbox:
    """The acts of all signers of one database on one chain. Safe to use from many threads and processes."""

    def __init__(
        self,
        engine: Engine,
        node: Node,
        signers: KeyRing,
        *,
        fees: Fees | None = None,
        settings: Settings | None = None,
        rejection: Rejection | None = None,
        trace: Callable[[str], None] = lambda step: None,
    ) -> None:
        """
        Args:
            signers: gives an address's signer while its key is unlocked.
            fees: what to pay for gas; nothing if None.
            rejection: decodes reverts; by the shipped ABI if None.
            trace: told each step before it is taken, for tests that end the process there.
        """
        create_tables(engine, metadata)
        self._engine = engine
        self._node = node
        self._keys = signers
        rejection = rejection or Abi.shipped().rejection
        self._moved = Condition()
        self._steps = 0
        self._work = Event()
        self._signing = Signing(engine, node, signers, fees or FreeGas(), rejection, trace)
        self._intake = Intake(engine, node, self._signing, rejection, trace)
        self._pump = Pump(engine, node, self._signing, settings or Settings(), rejection, trace)
        self._commits: GroupCommit[Prepared, Entry] = GroupCommit(self._intake.commit, limit=GROUP)

    # --- asking for acts

    def enqueue(
        self,
        act: Act,
        *,
        signer: Address,
        idempotency_key: str | None = None,
        correlation_id: str | None = None,
        gas: int | None = None,
        value: int = 0,
    ) -> Entry:
        """Accept one act; durable when this returns. See `Posting` for the arguments.

        An act that the contract would reject now is `failed` at once, and takes no nonce.

        Raises:
            IdempotencyConflict: the key was used for another act of this signer.
            OutboxError: the gas is less than any node takes.
        """
        key = idempotency_key or str(uuid4())
        return self.enqueue_many([Posting(act, signer, key, correlation_id, gas, value)])[0]

    def enqueue_many(self, postings: Sequence[Posting]) -> list[Entry]:
        """Accept many acts; their entries in the same order. Five hundred at a time are accepted all or none.

        Raises:
            IdempotencyConflict: a key was used for another act of its signer.
            OutboxError: the gas of one is less than any node takes.
        """
        entries = []
        for start in range(0, len(postings), GROUP):
            entries += self._commits.submit(self._intake.prepare(postings[start : start + GROUP]))
        self._work.set()
        return entries

    # --- what became of them

    def entry(self, number: int) -> Entry:
        """One entry as it stands now.

        Raises:
            EntryUnknown: there is none of this number.
        """
        with reading(self._engine) as connection:
            row = connection.execute(select(outbox).where(outbox.c.id == number)).mappings().one_or_none()
        if row is None:
            raise EntryUnknown(f"the outbox has no entry {number}")
        return Entry.of(row)

    def entries(
        self,
        *,
        signer: Address | None = None,
        state: State | None = None,
        correlation_id: str | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[Entry]:
        """Entries in the order they were accepted, those numbered above `after`."""
        query = select(outbox).where(outbox.c.id > after).order_by(outbox.c.id).limit(limit)
        query = query if signer is None else query.where(outbox.c.signer == signer)
        query = query if state is None else query.where(outbox.c.state == state)
        query = query if correlation_id is None else query.where(outbox.c.correlation_id == correlation_id)
        with reading(self._engine) as connection:
            return [Entry.of(row) for row in connection.execute(query).mappings()]

    def counts(self) -> dict[State, int]:
        """How many entries are in each state."""
        query = select(outbox.c.state, func.count()).group_by(outbox.c.state)
        with reading(self._engine) as connection:
            found = {row[0]: row[1] for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in State}

    def wait(self, number: int, until: State = State.MINED, timeout: float = 60.0) -> Entry:
        """Wait until an entry has come as far as `until`, or failed. Something must pump meanwhile (`run`).

        Raises:
            WaitTimedOut: it has not, in `timeout` seconds; it goes on by itself.
            EntryUnknown: there is none of this number.
        """
        end = monotonic() + timeout
        while True:
            steps = self._steps
            entry = self.entry(number)
            if PROGRESS[entry.state] >= PROGRESS[until]:
                return entry
            left = end - monotonic()
            if left <= 0:
                raise WaitTimedOut(f"entry {number} is {entry.state} after {timeout:.0f} s, and not yet {until}")
            with self._moved:
                if steps == self._steps:
                    self._moved.wait(min(left, _LOOK_AGAIN))

    # --- doing them

    def pump(self) -> Pumped:
        """Take each step of the pump once (see `ledger.outbox_pump`).

        Raises:
            NodeUnavailable: the node does not answer; all is as it was, try again.
            NodeWentBack: the node is on another chain than the rows of this database.
        """
        return self._note(self._pump.step())

    def drain(self, until: State = State.MINED, timeout: float = 60.0) -> None:
        """Pump until every entry has come as far as `until`, but for those whose signer's key is locked.

        For commands and tests, which have no background thread.

        Raises:
            WaitTimedOut: some have not, in `timeout` seconds.
        """
        end = monotonic() + timeout
        short = [state for state in State if state != State.QUEUED and PROGRESS[state] < PROGRESS[until]]
        while True:
            self.pump()
            counts = self.counts()
            left = sum(counts[state] for state in short)
            if not left and not any(self._keys(name) for name in self._signing.waiting()):
                return
            if monotonic() > end:
                raise WaitTimedOut(f"{left} entries are not yet {until} after {timeout:.0f} s")
            sleep(_IDLE)

    def run(self, stopping: Event) -> None:
        """Pump until `stopping` is set: the body of a background thread. A node that fails is tried again for ever.

        Sending and watching go side by side, in two threads: each waits for the node most of the time.
        """
        watching = Thread(
            target=lambda: repeat("the outbox", self._watching(), stopping, idle=_IDLE), name="outbox-watching"
        )
        watching.start()
        repeat("the outbox", lambda: self._note(self._pump.near_half()), stopping, idle=_LOOK_AGAIN, work=self._work)
        watching.join()

    def _watching(self) -> Callable[[], bool]:
        """The far half of the pump, left out while neither the chain nor an entry has moved since the last time: the
        questions to the database would cost an idle gateway a tenth of a processor."""
        seen: tuple[Head, int] | None = None
        again = 0.0

        def watch() -> bool:
            nonlocal seen, again
            now = head(self._node), self._steps
            if now == seen and monotonic() < again:
                return False
            seen, again = now, monotonic() + _LOOK_AGAIN
            moved = bool(self._note(self._pump.far_half()))
            if moved:
                self._work.set()  # what is mined makes room for what waits to be sent
            return moved

        return watch

    def _note(self, pumped: Pumped) -> Pumped:
        """Wake who waits for entries to move."""
        if pumped:
            with self._moved:
                self._steps += 1
                self._moved.notify_all()
        return pumped
