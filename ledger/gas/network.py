"""Sending acts, many at once, and giving back what their receipts say.

>>> receipt, = network.send([Call(alice, act)])
>>> receipt.gas
49021
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

from eth_utils.crypto import keccak

from ledger.abi import Abi
from ledger.acts import Act
from ledger.errors import LedgerError, NodeRejected
from ledger.gas.people import Person
from ledger.rpc import Node, enhex, quantity, unhex
from ledger.transactions import KeySigner
from ledger.types import Address

AT_ONCE = 1_000
"""Transactions in one block of the devnet."""


class GasRunFailed(LedgerError):
    """A transaction of a gas run failed, or did not get into a block: nothing was measured."""


@dataclass(frozen=True, slots=True)
class Call:
    """An act and who sends it."""

    sender: Person
    act: Act | None
    """None: a creation."""
    creation: bytes = b""
    """Init code of a creation."""
    gas_limit: int = 400_000

    @property
    def data(self) -> bytes:
        return self.act.data if self.act else self.creation


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt says."""

    transaction: str
    block: int
    gas: int
    """Gas used."""
    data: bytes
    """The calldata sent."""
    contract: str | None = None
    """Address of what a creation made."""


@dataclass(slots=True)
class Network:
    """A node, and how blocks come about on its chain."""

    node: Node
    chain_id: int
    epoch: int
    """Seconds since 1970 from which the run reckons its dates."""
    is_devnet: bool
    gas_price: int = 0
    """Wei."""
    funder: Person | None = None
    """Who pays for everybody where gas has a price."""
    at_once: int = AT_ONCE
    """Transactions that are sent before their receipts are asked for."""
    patience: float = 180.0
    """Seconds to wait for a block."""
    sent: int = 0
    _nonces: dict[Address, int] = field(default_factory=dict)

    def send(self, calls: Sequence[Call]) -> list[Receipt]:
        """Send all, in order, and wait for their receipts.

        Raises:
            GasRunFailed: one failed; the message has its reason.
            NodeError: the node does not answer or refuses a transaction.
        """
        receipts: list[Receipt] = []
        for start in range(0, len(calls), self.at_once):
            chunk = calls[start : start + self.at_once]
            if self.gas_price and self.funder:
                self._fund(chunk)
            receipts += self._send(chunk)
        return receipts

    def now(self) -> int:
        """The newest block's time."""
        return quantity(self.node.request("eth_getBlockByNumber", "latest", False)["timestamp"])

    def wait_until(self, time: int) -> None:
        """Let the network's clock reach a time: at once on the devnet, by waiting elsewhere."""
        if self.is_devnet:
            self.node.request("evm_setNextBlockTimestamp", max(time, self.now() + 1))
            self.node.request("evm_mine")
            return
        end = monotonic() + max(0, time - self.now()) + self.patience
        while self.now() < time:
            if monotonic() > end:
                raise GasRunFailed("the network makes no blocks: its clock stands still")
            sleep(0.5)

    def _send(self, calls: Sequence[Call]) -> list[Receipt]:
        raws = [self._signed(call) for call in calls]
        answers = self.node.batch([("eth_sendRawTransaction", (enhex(raw),)) for raw in raws])
        for answer in answers:
            if isinstance(answer, NodeRejected):
                raise answer
        hashes = [enhex(keccak(raw)) for raw in raws]
        if self.is_devnet:
            self.node.request("evm_mine")
            block = self.node.request("eth_getBlockReceipts", "latest")
            found = {receipt["transactionHash"]: receipt for receipt in block}
        else:
            found = self._wait(hashes)
        self.sent += len(calls)
        return [
            self._receipt(call, transaction, found.get(transaction))
            for call, transaction in zip(calls, hashes, strict=True)
        ]

    def _wait(self, hashes: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        end = monotonic() + self.patience
        pause = 0.002  # a node that mines each transaction has it at once, another takes seconds
        while True:
            missing = [transaction for transaction in hashes if transaction not in found]
            if not missing or monotonic() > end:
                return found
            answers = self.node.batch([("eth_getTransactionReceipt", (transaction,)) for transaction in missing])
            found |= {one: answer for one, answer in zip(missing, answers, strict=True) if isinstance(answer, dict)}
            sleep(pause)
            pause = min(0.1, pause * 1.5)

    def _receipt(self, call: Call, transaction: str, receipt: Any) -> Receipt:
        kind = call.act.kind if call.act else "creation"
        if receipt is None:
            raise GasRunFailed(f"{kind}: transaction {transaction} got into no block")
        block = quantity(receipt["blockNumber"])
        if quantity(receipt["status"]) != 1:
            raise GasRunFailed(f"{kind}: {self._reason(call, block)}")
        used = quantity(receipt["gasUsed"])
        return Receipt(receipt["transactionHash"], block, used, call.data, receipt.get("contractAddress"))

    def _reason(self, call: Call, block: int) -> str:
        to = {"to": call.act.to} if call.act else {}
        request = {"from": call.sender.address, "data": enhex(call.data), "gas": hex(call.gas_limit), **to}
        try:
            self.node.request("eth_call", request, hex(block))
        except NodeRejected as failure:
            data = failure.data if isinstance(failure.data, str) else ""
            return str(Abi.shipped().rejection(unhex(data))) if len(data) >= 10 else str(failure)
        return "the transaction failed, most likely for want of gas"

    def _signed(self, call: Call) -> bytes:
        """A legacy transaction (EIP-155), which every network takes."""
        to = call.act.to if call.act else "0x"
        return self._sign(call.sender, to, call.data, gas=call.gas_limit, value=0)

    def _sign(self, sender: Person, to: str, data: bytes, *, gas: int, value: int) -> bytes:
        fields = {
            "nonce": self._nonce(sender.address),
            "gasPrice": self.gas_price,
            "gas": gas,
            "to": to,
            "value": value,
            "data": data,
            "chainId": self.chain_id,
        }
        return KeySigner(sender.key).sign_transaction(fields).raw_transaction

    def _nonce(self, address: Address) -> int:
        if address not in self._nonces:
            fresh = self.is_devnet  # nobody has sent anything on a devnet that has just been started
            self._nonces[address] = 0 if fresh else quantity(self._count(address))
        self._nonces[address] += 1
        return self._nonces[address] - 1

    def _count(self, address: Address) -> str:
        count: str = self.node.request("eth_getTransactionCount", address, "pending")
        return count

    def _fund(self, calls: Sequence[Call]) -> None:
        """Let the funder give every sender what the calls may cost at most, and as much again to spare.

        A node may still count what was mined a moment ago as about to be paid.
        """
        assert self.funder is not None
        need: dict[Address, int] = {}
        for call in calls:
            need[call.sender.address] = need.get(call.sender.address, 0) + call.gas_limit * self.gas_price
        need.pop(self.funder.address, None)
        balances = self.node.batch([("eth_getBalance", (address, "latest")) for address in need])
        short = {
            address: 4 * amount - quantity(balance)
            for (address, amount), balance in zip(need.items(), balances, strict=True)
            if quantity(balance) < 2 * amount
        }
        raws = [self._sign(self.funder, to, b"", gas=21_000, value=amount) for to, amount in short.items()]
        for answer in self.node.batch([("eth_sendRawTransaction", (enhex(raw),)) for raw in raws]):
            if isinstance(answer, NodeRejected):
                raise answer
        self._wait([enhex(keccak(raw)) for raw in raws])
