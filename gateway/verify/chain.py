"""The ledger as a verifier asks it: one node, one deployment, views and events, nothing remembered.

>>> chain = Chain.open("http://localhost:8545", evidence.ledger)
>>> chain.find("RecordAnchored", [digest], near=evidence.anchor)
[Found(...)]
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from gateway.verify.evidence import LedgerName, Place
from ledger.client import HealthLedger
from ledger.deployment import Deployment, connect
from ledger.errors import DeploymentError, NodeRejected, NodeUnavailable
from ledger.logs import LoggedEvent, Reader, issued_id
from ledger.rpc import Node, enhex, quantity

_RANGE = 5_000
"""Blocks asked for at once of a node that refuses to look through all of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """An event, and when it happened."""

    event: LoggedEvent
    time: int
    """Seconds since 1970, its block's."""

    @property
    def place(self) -> Place:
        event = self.event
        return Place(event.transaction_hash, event.block_number, event.block_hash, event.log_index, self.time)

    def where(self) -> dict[str, Any]:
        """For programs."""
        return {
            "transaction": enhex(self.event.transaction_hash),
            "block": self.event.block_number,
            "block_hash": enhex(self.event.block_hash),
            "time": self.time,
        }


class Chain:
    """One deployment on one node."""

    def __init__(self, node: Node, ledger: HealthLedger, start: int, *, is_known_version: bool = True) -> None:
        """
        Args:
            start: the block that created the ledger.
            is_known_version: its code is the one that this program ships.
        """
        self.ledger = ledger
        self.is_known_version = is_known_version
        self._node = node
        self._start = start
        self._read = Reader(ledger.abi)

    @classmethod
    @contextmanager
    def open(cls, node_url: str, name: LedgerName, *, is_trusted: bool) -> Iterator[Self]:
        """The ledger of this name on a node.

        Args:
            is_trusted: the name comes from whoever checks, not from what is checked. Then its code may be another
                version's; else it must be the code that this program ships, for anybody can deploy a contract that
                says yes.

        Raises:
            DeploymentError: the node is on another chain, or there is no such ledger.
            NodeUnavailable: it does not answer.
        """
        with Node(node_url) as node:
            deployment = Deployment(name.chain_id, name.address, name.block, transaction="")
            try:
                yield cls(node, connect(node, deployment), name.block)
                return
            except DeploymentError:
                is_there = len(node.request("eth_getCode", name.address, "latest")) > 2
                if not (is_trusted and is_there and quantity(node.request("eth_chainId")) == name.chain_id):
                    raise
            ledger = HealthLedger(node, name.address, name.chain_id)
            yield cls(node, ledger, name.block, is_known_version=False)

    @property
    def name(self) -> LedgerName:
        return LedgerName(self.ledger.chain_id, self.ledger.address, self._start)

    def now(self) -> int:
        """The time of the newest block, in seconds since 1970."""
        return quantity(self._node.request("eth_getBlockByNumber", "latest", False)["timestamp"])

    def find(self, name: str, topics: Sequence[bytes | None], *, near: Place | None = None) -> list[Found]:
        """The events of this name with these indexed parameters (None: any), oldest first.

        Args:
            near: where one of them is said to be. If it is there, the others are not looked for.
        """
        if near is not None:
            found = self._between(name, topics, near.block, near.block)
            if found:
                return found
        newest = quantity(self._node.request("eth_blockNumber"))
        try:
            return self._between(name, topics, self._start, newest)
        except NodeRejected:
            found = []
            for first in range(self._start, newest + 1, _RANGE):
                found += self._between(name, topics, first, min(first + _RANGE - 1, newest))
            return found

    def issued(self, prescription: bytes, terms_hash: bytes, *, near: Place | None = None) -> Found | None:
        """The issuing of a prescription; its event has the terms' hash, which others may have used as well."""
        for place in (near, None):
            for one in self.find("PrescriptionIssued", [terms_hash], near=place):
                if issued_id(one.event.params) == prescription:
                    return one
        return None

    def _between(self, name: str, topics: Sequence[bytes | None], first: int, last: int) -> list[Found]:
        event = self.ledger.abi.events[name]
        wanted = [enhex(event.topic), *(None if topic is None else enhex(topic.rjust(32, b"\0")) for topic in topics)]
        entries = self._node.request(
            "eth_getLogs",
            {"address": self.ledger.address, "fromBlock": hex(first), "toBlock": hex(last), "topics": wanted},
        )
        return [Found(entry, self._time(entry)) for entry in self._read(entries)]

    def _time(self, event: LoggedEvent) -> int:
        if event.time is not None:
            return event.time
        block = self._node.request("eth_getBlockByNumber", hex(event.block_number), False)
        if block is None:
            raise NodeUnavailable(f"the node told of an event in block {event.block_number} and has no such block")
        return quantity(block["timestamp"])
