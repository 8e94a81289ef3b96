"""Whole transactions that people signed elsewhere: prepared for them, checked, kept, broadcast until they are mined.

>>> unsigned = prepare(gateway, doctor, act)
>>> name = broadcast(gateway, doctor, wallet.sign(unsigned), correlation)
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import rlp  # type: ignore[import-untyped]
from eth_account import Account
from eth_utils.crypto import keccak
from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, String, Table, select

from gateway.database import metadata, reading, writing
from gateway.errors import InvalidInput, NotFound, NotPermitted
from ledger.abi import rejection_class
from ledger.acts import Act
from ledger.errors import NodeRejected
from ledger.outbox import Failure
from ledger.preflight import Call, estimate_gas
from ledger.rpc import enhex, quantity
from ledger.signing import FREE, FreeGas, MarketFees
from ledger.types import Address, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

table = Table(
    "broadcasts",
    metadata,
    Column("tx_hash", LargeBinary(32), primary_key=True),
    Column("sender", LargeBinary(20), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("correlation", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("settled", Boolean, nullable=False),
    Index("ix_broadcasts_settled", "settled", "at"),
)

_GIVEN_UP = 86_400
"""Seconds after which a transaction that was never mined is no longer sent again."""
_LONGEST = 65_536


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What became of a transaction."""

    tx_hash: bytes
    kind: str
    correlation: str
    state: str
    """sent, mined or failed"""
    block: int | None
    gas_used: int | None


@dataclass(frozen=True, slots=True)
class _Decoded:
    chain_id: int
    nonce: int
    gas: int
    to: bytes
    value: int
    data: bytes


def prepare(gateway: "Gateway", sender: Address, act: Act) -> dict[str, Any]:
    """An act as an unsigned transaction for the sender's wallet.

    Raises:
        ContractRejected: the ledger would refuse it now.
    """
    call = Call(sender, act.to, act.data)
    estimate = estimate_gas(gateway.node, [call], gateway.ledger.abi.rejection)[0]
    if isinstance(estimate, Failure):
        raise rejection_class(estimate.name)(estimate.name, estimate.values)
    if isinstance(estimate, NodeRejected):
        raise estimate
    fees = FreeGas() if gateway.free_gas else MarketFees()
    fee = fees.quote(gateway.node)
    nonce = quantity(gateway.node.request("eth_getTransactionCount", sender, "pending"))
    fields: dict[str, Any] = {
        "chainId": gateway.ledger.chain_id,
        "nonce": nonce,
        "to": act.to,
        "data": enhex(act.data),
        "value": 0,
        "gas": estimate,
    }
    if fee == FREE:
        return {**fields, "gasPrice": 0}
    return {**fields, "type": 2, "maxFeePerGas": fee.max_fee, "maxPriorityFeePerGas": fee.tip}


def broadcast(gateway: "Gateway", sender: Address, signed: bytes, correlation: str) -> Broadcast:
    """Pass a signed transaction on; durable when this returns, and sent again until it is mined.

    Raises:
        InvalidInput: no transaction, for another chain or contract, or not one of the ledger's acts.
        NotPermitted: signed by somebody else.
        ContractRejected: the ledger would refuse it now.
        NodeRejected: the node does not take it.
    """
    decoded = _decode(signed)
    kind = _kind(gateway, decoded)
    try:
        signer = str(Account.recover_transaction(signed))
    except Exception as failure:  # eth-account raises several unrelated kinds
        raise InvalidInput("transaction", "its signature is none") from failure
    if signer != sender:
        raise NotPermitted("the transaction is not signed by you")
    tx_hash = keccak(signed)
    if not _is_known(gateway, tx_hash):
        gateway.ledger.rehearse(Act(kind, gateway.ledger.address, decoded.data), sender)
        _keep(gateway, tx_hash, sender, signed, kind, correlation)
    try:
        gateway.node.request("eth_sendRawTransaction", enhex(signed))
    except NodeRejected:
        if state_of(gateway, sender, tx_hash).state == "sent" and not _is_pending(gateway, tx_hash):
            _settle(gateway, tx_hash)
            raise
    return state_of(gateway, sender, tx_hash)


def state_of(gateway: "Gateway", sender: Address, tx_hash: bytes) -> Broadcast:
    """What became of a transaction of the sender's.

    Raises:
        NotFound: she has sent none of this name here.
    """
    query = select(table).where(table.c.tx_hash == tx_hash, table.c.sender == raw(sender))
    with reading(gateway.database) as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("you have sent no such transaction here")
    receipt = gateway.node.request("eth_getTransactionReceipt", enhex(tx_hash))
    if receipt is None:
        return Broadcast(tx_hash, row.kind, row.correlation, "sent", None, None)
    state = "mined" if quantity(receipt["status"]) else "failed"
    block, used = quantity(receipt["blockNumber"]), quantity(receipt["gasUsed"])
    return Broadcast(tx_hash, row.kind, row.correlation, state, block, used)


def send_again(gateway: "Gateway") -> None:
    """A chore: send what is not mined, or what a chain that went back has forgotten, again."""
    now = int(gateway.clock())
    query = select(table).where(~table.c.settled, table.c.at < now - 5).order_by(table.c.at).limit(100)
    with reading(gateway.database) as connection:
        rows = connection.execute(query).all()
    for row in rows:
        receipt = gateway.node.request("eth_getTransactionReceipt", enhex(row.tx_hash))
        if receipt is not None:
            if row.at < now - 60:
                _settle(gateway, row.tx_hash)
        elif row.at < now - _GIVEN_UP:
            _settle(gateway, row.tx_hash)
        else:
            gateway.node.batch([("eth_sendRawTransaction", (enhex(row.raw),))])


def _decode(signed: bytes) -> _Decoded:
    """The fields of a legacy (EIP-155), EIP-2930 or EIP-1559 transaction.

    Raises:
        InvalidInput
    """
    refused = InvalidInput("transaction", "not a signed transaction of type 0, 1 or 2 for one chain")
    if not signed or len(signed) > _LONGEST:
        raise refused
    try:
        match signed[0]:
            case 1:
                chain, nonce, _, gas, to, value, data, *_ = rlp.decode(signed[1:])
            case 2:
                chain, nonce, _, _, gas, to, value, data, *_ = rlp.decode(signed[1:])
            case _:
                nonce, _, gas, to, value, data, v, _, _ = rlp.decode(signed)
                chain = max(0, (int.from_bytes(v, "big") - 35) // 2).to_bytes(8, "big")
        numbers = [int.from_bytes(field, "big") for field in (chain, nonce, gas, value)]
    except (rlp.exceptions.DecodingError, ValueError, TypeError, IndexError) as failure:
        raise refused from failure
    if not isinstance(to, bytes) or not isinstance(data, bytes):
        raise refused
    return _Decoded(numbers[0], numbers[1], numbers[2], to, numbers[3], data)


def _kind(gateway: "Gateway", decoded: _Decoded) -> str:
    ledger = gateway.ledger
    if decoded.chain_id != ledger.chain_id:
        raise InvalidInput("transaction", f"it is for chain {decoded.chain_id}, not {ledger.chain_id}")
    if "0x" + decoded.to.hex() != ledger.address.lower() or decoded.value:
        raise InvalidInput("transaction", "it is not a call to this ledger without value")
    function = ledger.abi.functions_by_selector.get(decoded.data[:4])
    if function is None or function.is_view:
        raise InvalidInput("transaction", "it is none of the ledger's acts")
    return function.name


def _is_known(gateway: "Gateway", tx_hash: bytes) -> bool:
    with reading(gateway.database) as connection:
        return connection.execute(select(table.c.tx_hash).where(table.c.tx_hash == tx_hash)).first() is not None


def _is_pending(gateway: "Gateway", tx_hash: bytes) -> bool:
    return gateway.node.request("eth_getTransactionByHash", enhex(tx_hash)) is not None


def _keep(gateway: "Gateway", tx_hash: bytes, sender: Address, signed: bytes, kind: str, correlation: str) -> None:
    with writing(gateway.database) as connection:
        connection.execute(
            table.insert().values(
                tx_hash=tx_hash,
                sender=raw(sender),
                raw=signed,
                kind=kind,
                correlation=correlation,
                at=int(gateway.clock()),
                settled=False,
            )
        )


def _settle(gateway: "Gateway", tx_hash: bytes) -> None:
    with writing(gateway.database) as connection:
        connection.execute(table.update().where(table.c.tx_hash == tx_hash).values(settled=True))
