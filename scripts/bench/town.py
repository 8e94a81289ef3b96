"""A town to measure in: a devnet of its own, a fresh ledger, laboratories, and patients who let them write.

    >>> with open_town(folder, laboratories=10, patients=20) as town:
    ...     raws = town.sign_all(town.anchors(town.laboratories, 2_000))
    ...     burst(town.node, raws).seconds

Everybody's keys follow from the town's seed; digests are fresh.
"""

from collections.abc import Iterator, Sequence
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
from ledger.errors import LedgerError, NodeRejected
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
_PATIENCE = 120.0

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
    gas: int

    @property
    def rate(self) -> float:
        """Mined a second."""
        return self.count / self.seconds


@dataclass(slots=True)
class Town:
    """A ledger, and who uses it."""

    devnet: Devnet
    node: Node
    deployment: Deployment
    ledger: HealthLedger
    consortium: KeySigner
    hospital: KeySigner
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


def somebody(role: str, number: int = 0) -> KeySigner:
    """A person of the town, the same in every run."""
    return KeySigner(secret(role, number))


def secret(role: str, number: int = 0) -> bytes:
    """The private key of a person of the town."""
    return sha256(f"consent-ledger bench/{role}/{number}".encode()).digest()


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
    mined, last = 0, first
    while mined < len(raws):
        newest = quantity(node.request("eth_blockNumber"))
        mined += sum(_transactions(node, number) for number in range(last + 1, newest + 1))
        if newest == last:
            sleep(_POLL)
        if perf_counter() - start > _PATIENCE:
            raise BenchFailed(f"{mined} of {len(raws)} transactions were mined in {_PATIENCE:.0f} s")
        last = newest
    seconds = perf_counter() - start
    return Burst(len(raws), seconds, _gas_used(node, first + 1, last))


def _transactions(node: Node, block: int) -> int:
    return quantity(node.request("eth_getBlockTransactionCountByNumber", hex(block)))


def _gas_used(node: Node, first: int, last: int) -> int:
    """The gas of the blocks from `first` to `last`, after a look at whether all went well in them."""
    receipts = node.batch([("eth_getBlockReceipts", (hex(number),)) for number in range(first, last + 1)], size=1)
    failed = [receipt for block in receipts for receipt in block if quantity(receipt["status"]) != 1]
    if failed:
        raise BenchFailed(f"{len(failed)} transactions failed, the first of them {failed[0]['transactionHash']}")
    return sum(quantity(receipt["gasUsed"]) for block in receipts for receipt in block)


@contextmanager
def open_town(folder: Path, *, laboratories: int, patients: int, block_time: float = BLOCK_TIME) -> Iterator[Town]:
    """Start a devnet, deploy the ledger, admit laboratories, register patients.

    Raises:
        DevnetError: anvil is not to be found or does not start.
    """
    devnet = Devnet.start(folder, block_time=block_time, save_every=NEVER)
    try:
        with Node(devnet.url, timeout=_PATIENCE) as node:
            consortium, hospital = somebody("consortium"), somebody("hospital")
            deployment = deploy(node, Account.from_key(secret("consortium")), consortium=consortium.address)
            town = Town(
                devnet=devnet,
                node=node,
                deployment=deployment,
                ledger=connect(node, deployment),
                consortium=consortium,
                hospital=hospital,
                laboratories=[somebody("laboratory", number) for number in range(laboratories)],
                patients=[somebody("patient", number) for number in range(patients)],
                _nonces={consortium.address: 1},
            )
            _settle(town)
            yield town
    finally:
        devnet.kill()  # there is no state worth the seconds that writing it takes


def _settle(town: Town) -> None:
    acts = town.ledger.acts
    staff = [(town.hospital, Role.PATIENT | Role.PRACTITIONER)]
    staff += [(one, Role.LABORATORY) for one in town.laboratories]
    town.do([Call(town.consortium, acts.admit(one.address, roles)) for one, roles in staff])
    town.do([Call(town.hospital, acts.register(one.address, Role.PATIENT)) for one in town.patients])
