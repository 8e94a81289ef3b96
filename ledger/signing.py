"""Who signs transactions, and what they pay: small protocols that the outbox is given.

    >>> keys = {account.address: account}
    >>> outbox = Outbox(engine, node, signers=keys.get, fees=FreeGas())

A `Signer` may appear and disappear: a person's key is in memory only while her session is unlocked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ledger.rpc import Node, quantity
from ledger.types import Address


class SignedTransaction(Protocol):
    """What signing returns."""

    @property
    def raw_transaction(self) -> bytes:
        """The bytes to send."""
        ...

    @property
    def hash(self) -> bytes:
        """Its name on the chain."""
        ...


class Signer(Protocol):
    """Signs transactions of one address: `ledger.transactions.KeySigner`, or eth-account's slower `LocalAccount`."""

    def sign_transaction(self, transaction_dict: Any) -> SignedTransaction:
        """Sign a transaction given as a dict of its fields."""
        ...


KeyRing = Callable[[Address], Signer | None]
"""The signer of an address; None while its key is locked, or if it is not kept here."""


@dataclass(frozen=True, slots=True)
class Fee:
    """What a transaction offers for a unit of gas, in wei."""

    max_fee: int
    tip: int


FREE = Fee(0, 0)


class Fees(Protocol):
    """What to offer for gas on this network."""

    def quote(self, node: Node) -> Fee:
        """An offer that will be taken now."""
        ...

    def dearer(self, node: Node, fee: Fee) -> Fee | None:
        """An offer that nodes take in the place of `fee`; None where more money does not help."""
        ...


class FreeGas:
    """A network with free gas: the price is zero, said explicitly, as eth_gasPrice may well answer something else."""

    def quote(self, node: Node) -> Fee:
        """Nothing."""
        return FREE

    def dearer(self, node: Node, fee: Fee) -> Fee | None:
        """There is no more than nothing: what is stuck is sent again as it is."""
        return None


@dataclass(frozen=True, slots=True)
class MarketFees:
    """A network with an EIP-1559 fee market."""

    tip: int = 1_000_000_000
    """Wei a unit of gas for the block's maker."""
    ceiling: int = 500_000_000_000
    """Never offer more than this."""

    def quote(self, node: Node) -> Fee:
        """Twice the base fee, so that six full blocks in a row do not outbid us, and the tip."""
        base = quantity(node.request("eth_getBlockByNumber", "latest", False).get("baseFeePerGas", "0x0"))
        return Fee(min(2 * base + self.tip, self.ceiling), self.tip)

    def dearer(self, node: Node, fee: Fee) -> Fee | None:
        """A quarter more (nodes ask for a tenth), and no less than the quote of now."""
        now = self.quote(node)
        more = Fee(max(fee.max_fee * 5 // 4 + 1, now.max_fee), max(fee.tip * 5 // 4 + 1, now.tip))
        return more if more.max_fee <= self.ceiling else None


def sign(
    signer: Signer, *, chain_id: int, nonce: int, to: str, data: bytes, value: int, gas: int, fee: Fee
) -> tuple[bytes, bytes]:
    """Sign one transaction: its raw bytes, and its name on the chain."""
    fields: dict[str, Any] = {
        "chainId": chain_id,
        "nonce": nonce,
        "to": to,
        "data": data,
        "value": value,
        "gas": gas,
    }
    if fee == FREE:
        fields["gasPrice"] = 0
    else:
        fields |= {"type": 2, "maxFeePerGas": fee.max_fee, "maxPriorityFeePerGas": fee.tip}
    signed = signer.sign_transaction(fields)
    return bytes(signed.raw_transaction), bytes(signed.hash)
