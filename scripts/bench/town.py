"""A town to measure in: a devnet of its own, a fresh ledger, laboratories, and patients who let them write.

    >>> with open_devnet(folder) as node:
    ...     town = found_town(node, "here", laboratories=10, patients=20)
    ...     town.let_write(town.patients, town.laboratories)
    ...     raws = town.sign_all(town.anchors(town.laboratories, 2_000))
    ...     burst(town.node, raws).seconds

Several towns may share a node, each with a ledger and people of its own. Everybody's keys follow from the town's name;
digests are fresh.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import cycle, islice
from pathlib import Path
from secrets import token_bytes
from time import perf_counter, sleep

from eth_account import Account

from ledger.acts import Act
from ledger.client import HealthLedger
from ledger.codes import ORDINARY, Category, Purpose, Role
from ledger.deployment import Deployment, connect, deploy
from ledger.devnet import Devnet
from ledger.errors import LedgerError, NodeRejected, WaitTimedOut
from ledger.outbox import Entry, Outbox, State
from ledger.rpc import Node, enhex, quantity
from ledger.signing import FREE, sign
from ledger.transactions import KeySigner
from ledger.types import FOREVER, Address, ConsentTerms, Subject, scope_number

ACT_GAS = 200_000
"""Enough for any act here, named so that nobody tries them out first."""

BLOCK_TIME = 0.1
"""Seconds: short, so that waiting for a block's end weighs little. Mining at once is no choice: anvil does not survive
it under batches from several senders."""

NEVER = 1_000_000
"""Seconds between dumps of the devnet's state: while anvil writes it, it does nothing else."""

_POLL = 0.01

PATIENCE = 120.0
"""Seconds without any progress after which a benchmark gives up: a slow or busy machine is no failure."""

REGULARS = 20
"""Patients that single results are about."""

LETTER = ConsentTerms(ORDINARY, Purpose.TREAT.bit | Purpose.PATRQT.bit, 0, FOREVER, may_write=True)
"""What a patient grants a laboratory."""


class BenchFailed(LedgerError):
    """A transaction of a benchmark failed, or was not mined: nothing was measured."""


@dataclass(frozen=True, slots=True)
class Call:
    """An act and who sends it."""

    sender: KeySigner
    act: Act
    gas: int = ACT_GAS


@dataclass(frozen=True, slots=True)
class Burst:
    """Transactions that were sent and mined."""

    count: int
    seconds: float
    """From the first byte sent to the last transaction seen mined."""

    @property
    def rate(self) -> float:
        """Mined a second."""
        return self.count / self.seconds


@dataclass(slots=True)
class Town:
    """A ledger, and who uses it."""

    name: str
    node: Node
    deployment: Deployment
    ledger: HealthLedger
    laboratories: Sequence[KeySigner]
    """Organizations that write by their own accounts."""
    patients: Sequence[KeySigner]
    _nonces: dict[Address, int] = field(default_factory=dict)

    def let_write(self, patients: Sequence[KeySigner], authors: Sequence[KeySigner]) -> None:
        """Have each of the patients grant each of the authors what `LETTER` says."""
        grants = [self.ledger.acts.grant(author.address, scope_number(0), LETTER, bytes(32)) for author in authors]
        self.do([Call(patient, grant) for patient in patients for grant in grants])

    def anchors(self, authors: Sequence[KeySigner], count: int) -> list[Call]:
        """`count` laboratory results to be anchored, by the authors in turn, about the first patients in turn."""
        people = cycle(self.patients[:REGULARS])
        return [
            Call(author, self.ledger.acts.anchor(token_bytes(32), Subject(next(people).address, Category.LABORATORY)))
            for author in islice(cycle(authors), count)
        ]

    def sign_all(self, calls: Sequence[Call]) -> list[bytes]:
        """The calls as signed transactions, by each sender's next nonces."""
        return [self._sign(call) for call in calls]

    def do(self, calls: Sequence[Call]) -> None:
        """Send the calls and wait until they are mined.

        Raises:
            BenchFailed: one failed.
        """
        burst(self.node, self.sign_all(calls))

    def _sign(self, call: Call) -> bytes:
        nonce = self._nonces.get(call.sender.address, 0)
        self._nonces[call.sender.address] = nonce + 1
        to, data, chain_id = call.act.to, call.act.data, self.ledger.chain_id
        return sign(call.sender, chain_id=chain_id, nonce=nonce, to=to, data=data, value=0, gas=call.gas, fee=FREE)[0]


def somebody(town: str, role: str, number: int = 0) -> KeySigner:
    """A person of a town, the same in every run."""
    return KeySigner(secret(town, role, number))


def secret(town: str, role: str, number: int = 0) -> bytes:
    """Her private key."""
    return sha256(f"consent-ledger bench/{town}/{role}/{number}".encode()).digest()


def burst(node: Node, raws: Sequence[bytes]) -> Burst:
    """Send signed transactions in batches of a hundred, and wait until the last is mined. All must succeed.

    Raises:
        BenchFailed: the node refused one, one failed, or the chain stands still.
    """
    calls = [("eth_sendRawTransaction", (enhex(raw),)) for raw in raws]
    start = perf_counter()
    first = quantity(node.request("eth_blockNumber"))
    answers = node.batch(calls)
    for answer in answers:
        if isinstance(answer, NodeRejected):
            raise BenchFailed(f"the node refuses a transaction: {answer.message}")
    mined, last, moved = 0, first, perf_counter()
    while mined < len(raws):
        newest = quantity(node.request("eth_blockNumber"))
        fresh = sum(_transactions(node, number) for number in range(last + 1, newest + 1))
        if fresh:
            mined, moved = mined + fresh, perf_counter()
        elif perf_counter() - moved > PATIENCE:
            raise BenchFailed(f"{mined} of {len(raws)} transactions were mined, and none for {PATIENCE:.0f} s")
        if newest == last:
            sleep(_POLL)
        last = newest
    seconds = perf_counter() - start
    blocks = range(first + 1, last + 1)
    left = sum(_events(node, number) for number in blocks)
    if left != len(raws):  # each act here leaves one event; asking for receipts takes anvil longer than mining
        raise BenchFailed(f"of {len(raws)} transactions {left} succeeded")
    return Burst(len(raws), seconds)


def await_mined(outbox: Outbox, entries: Iterable[Entry]) -> None:
    """Wait until entries of an outbox are mined, as long as anything in it moves. Something must pump meanwhile.

    Raises:
        BenchFailed: the ledger refused one, or nothing moves.
    """
    for entry in entries:
        counts: dict[State, int] = {}
        while True:
            try:
                if outbox.wait(entry.id, State.MINED, PATIENCE).state is State.FAILED:
                    raise BenchFailed("the ledger refused an act of the benchmark")
                break
            except WaitTimedOut as failure:
                before, counts = counts, outbox.counts()
                if counts == before:
                    raise BenchFailed(f"nothing in the outbox has moved for {PATIENCE:.0f} s") from failure


def _transactions(node: Node, block: int) -> int:
    return quantity(node.request("eth_getBlockTransactionCountByNumber", hex(block)))


def _events(node: Node, block: int) -> int:
    return len(node.request("eth_getLogs", {"fromBlock": hex(block), "toBlock": hex(block)}))


@contextmanager
def open_devnet(folder: Path, *, block_time: float = BLOCK_TIME) -> Iterator[Node]:
    """A devnet for one benchmark, gone afterwards.

    Other than that of `make serve` it saves nothing. What it shares with it is that anvil hashes its whole state for
    each block, a quarter of a second with 200,000 words in it, and answers nobody meanwhile.

    Raises:
        DevnetError: anvil is not to be found or does not start.
    """
    devnet = Devnet.start(folder, block_time=block_time, save_every=NEVER)
    try:
        with Node(devnet.url, timeout=PATIENCE) as node:
            yield node
    finally:
        devnet.kill()  # there is no state worth the seconds that writing it takes


def found_town(node: Node, name: str, *, laboratories: int, patients: int) -> Town:
    """Deploy a ledger, admit laboratories, register patients."""
    consortium, hospital = secret(name, "consortium"), somebody(name, "hospital")
    founder = KeySigner(consortium).address
    deployment = deploy(node, Account.from_key(consortium), consortium=founder)
    town = Town(
        name=name,
        node=node,
        deployment=deployment,
        ledger=connect(node, deployment),
        laboratories=[somebody(name, "laboratory", number) for number in range(laboratories)],
        patients=[somebody(name, "patient", number) for number in range(patients)],
        _nonces={founder: quantity(node.request("eth_getTransactionCount", founder, "latest"))},
    )
    acts = town.ledger.acts
    staff = [(hospital, Role.PATIENT | Role.PRACTITIONER)]
    staff += [(one, Role.LABORATORY) for one in town.laboratories]
    town.do([Call(KeySigner(consortium), acts.admit(one.address, roles)) for one, roles in staff])
    town.do([Call(hospital, acts.register(one.address, Role.PATIENT)) for one in town.patients])
    return town
