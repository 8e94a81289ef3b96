"""A contract of fifty bytes to act upon: it counts calls, says who called, and rejects some.

- any calldata but the two below: one more, and `Counted(caller, count)`;
- 32 bytes: the same, but rejected as `TooEarly(count)` while the count is below that number;
- 1 byte: rejected as `TooShort(1)`.
"""

from typing import Any

from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from ledger.abi import Abi
from ledger.acts import Act
from ledger.rpc import Node, enhex, quantity
from ledger.types import Address, address_of
from tests.waiting import until

ABI = Abi(
    [
        {
            "type": "event",
            "name": "Counted",
            "inputs": [
                {"name": "by", "type": "address", "indexed": True},
                {"name": "count", "type": "uint256", "indexed": False},
            ],
        },
        {"type": "error", "name": "TooEarly", "inputs": [{"name": "count", "type": "uint256"}]},
        {"type": "error", "name": "TooShort", "inputs": [{"name": "length", "type": "uint256"}]},
    ]
)

GAS = 60_000
"""Enough for any call."""

_OPS = {
    "STOP": 0x00, "ADD": 0x01, "LT": 0x10, "EQ": 0x14, "SHL": 0x1B, "CALLER": 0x33, "CALLDATALOAD": 0x35,
    "CALLDATASIZE": 0x36, "MSTORE": 0x52, "SLOAD": 0x54, "SSTORE": 0x55, "JUMP": 0x56, "JUMPI": 0x57, "JUMPDEST": 0x5B,
    "PUSH0": 0x5F, "DUP1": 0x80, "LOG2": 0xA2, "REVERT": 0xFD,
}  # fmt: skip


def _assemble(source: str) -> bytes:
    """Words are instructions, `0x..` pushes bytes, `name:` marks a place, `@name` pushes its one-byte offset."""
    code, places, holes = bytearray(), {}, {}
    for word in source.split():
        if word.endswith(":"):
            places[word[:-1]] = len(code)
            code.append(_OPS["JUMPDEST"])
        elif word.startswith("@"):
            code += b"\x60\x00"
            holes[len(code) - 1] = word[1:]
        elif word.startswith("0x"):
            value = bytes.fromhex(word[2:])
            code += bytes([0x5F + len(value)]) + value
        else:
            code.append(_OPS[word])
    for hole, name in holes.items():
        code[hole] = places[name]
    return bytes(code)


def _revert(selector: bytes, value: str) -> str:
    return f"0x{selector.hex()} 0xe0 SHL PUSH0 MSTORE {value} 0x04 MSTORE 0x24 PUSH0 REVERT"


_RUNTIME = _assemble(
    f"""
    CALLDATASIZE 0x01 EQ @short JUMPI
    CALLDATASIZE 0x20 EQ @gated JUMPI
    count: PUSH0 SLOAD 0x01 ADD DUP1 PUSH0 SSTORE PUSH0 MSTORE
    CALLER 0x{ABI.events["Counted"].topic.hex()} 0x20 PUSH0 LOG2 STOP
    gated: PUSH0 CALLDATALOAD PUSH0 SLOAD LT @early JUMPI @count JUMP
    early: {_revert(keccak(text="TooEarly(uint256)")[:4], "PUSH0 SLOAD")}
    short: {_revert(keccak(text="TooShort(uint256)")[:4], "CALLDATASIZE")}
    """
)

CREATION = bytes.fromhex(f"60{len(_RUNTIME):02x}80600a5f395ff3".ljust(20, "0")) + _RUNTIME
"""Copies what follows its ten bytes, and returns it."""


def deploy(node: Node, deployer: LocalAccount) -> Address:
    """A new counter."""
    transaction: dict[str, Any] = {
        "nonce": quantity(node.request("eth_getTransactionCount", deployer.address, "pending")),
        "data": CREATION,
        "gas": 500_000,
        "gasPrice": 0,
        "value": 0,
        "chainId": quantity(node.request("eth_chainId")),
    }
    sent = node.request("eth_sendRawTransaction", enhex(bytes(deployer.sign_transaction(transaction).raw_transaction)))
    receipt = until(lambda: node.request("eth_getTransactionReceipt", sent))
    return address_of(receipt["contractAddress"])


def count(node: Node, counter: Address) -> int:
    """How often it was called."""
    return quantity(node.request("eth_getStorageAt", counter, "0x0", "latest"))


def counting(counter: Address, note: int = 0) -> Act:
    """Count one; `note` makes the calldata differ."""
    return Act("count", counter, b"\x01" + note.to_bytes(8, "big"))


def counting_from(counter: Address, least: int) -> Act:
    """Count one, if the count has reached `least`."""
    return Act("count from", counter, least.to_bytes(32, "big"))


def rejected(counter: Address) -> Act:
    """Always rejected."""
    return Act("reject", counter, b"\x01")
