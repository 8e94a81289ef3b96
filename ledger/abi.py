"""The contract's ABI as Python functions: calls to bytes, bytes to values, logs to events, reverts to exceptions.

eth_abi is used directly: web3's contract objects encode some ten times slower, and every write and decision comes by.

    >>> abi = Abi.shipped()
    >>> abi.encode("withdraw", "0x" + "11" * 20, bytes(32))[:4] == abi.functions["withdraw"].selector
    True
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from ledger.errors import ContractRejected, LedgerError


@dataclass(frozen=True, slots=True)
class Function:
    """One external function."""

    name: str
    selector: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    is_view: bool


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `indexed` says which parameters are topics (all of ours are value types)."""

    name: str
    topic: bytes
    names: tuple[str, ...]
    types: tuple[str, ...]
    indexed: tuple[bool, ...]

    def decode(self, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
        """The parameters by name, from a log's topics (the first names the event) and data; addresses as 0x text.

        Every parameter of ours is one word, so this needs no general decoder, which takes ten times as long: an index
        is rebuilt from hundreds of thousands of events.
        """
        words = iter([data[start : start + 32] for start in range(0, len(data), 32)])
        tops = iter(topics[1:])
        return {
            name: _value(kind, next(tops) if indexed else next(words))
            for name, kind, indexed in zip(self.names, self.types, self.indexed, strict=True)
        }


@dataclass(frozen=True, slots=True)
class CustomError:
    """One custom error."""

    name: str
    selector: bytes
    names: tuple[str, ...]
    types: tuple[str, ...]


class Abi:
    """Functions, events and errors of one contract, by name and by their first bytes."""

    def __init__(self, entries: Sequence[Mapping[str, Any]]) -> None:
        self.functions: dict[str, Function] = {}
        self.events: dict[str, Event] = {}
        self.errors: dict[bytes, CustomError] = {}
        for entry in entries:
            inputs = entry.get("inputs", [])
            types = tuple(collapse_if_tuple(dict(item)) for item in inputs)
            names = tuple(item["name"] for item in inputs)
            signature = keccak(text=f"{entry.get('name', '')}({','.join(types)})")
            if entry["type"] == "function":
                outputs = tuple(collapse_if_tuple(dict(item)) for item in entry["outputs"])
                is_view = entry["stateMutability"] in ("view", "pure")
                self.functions[entry["name"]] = Function(entry["name"], signature[:4], types, outputs, is_view)
            elif entry["type"] == "event":
                indexed = tuple(item["indexed"] for item in inputs)
                self.events[entry["name"]] = Event(entry["name"], signature, names, types, indexed)
            elif entry["type"] == "error":
                self.errors[signature[:4]] = CustomError(entry["name"], signature[:4], names, types)
        self.events_by_topic = {event.topic: event for event in self.events.values()}
        self.functions_by_selector = {function.selector: function for function in self.functions.values()}

    @staticmethod
    @cache
    def shipped() -> "Abi":
        """The ABI of the artifact that ships in this package."""
        return Abi(artifact()["abi"])

    def encode(self, name: str, *args: Any) -> bytes:
        """Calldata of a call; structs are tuples."""
        function = self.functions[name]
        return function.selector + encode(function.inputs, args)

    def decode_call(self, data: bytes) -> tuple[str, tuple[Any, ...]]:
        """Function and arguments of calldata; structs are tuples.

        Raises:
            LedgerError: no function here has its first bytes.
        """
        function = self.functions_by_selector.get(data[:4])
        if function is None:
            raise LedgerError(f"no function begins with 0x{data[:4].hex()}")
        return function.name, decode(function.inputs, data[4:])

    def decode_output(self, name: str, data: bytes) -> Any:
        """The result of a view: its only value, or a tuple of several.

        Raises:
            LedgerError: no result, as from an address without a contract.
        """
        function = self.functions[name]
        if not data:
            raise LedgerError(f"{name} returned nothing: there is no HealthLedger at this address")
        values = decode(function.outputs, data)
        return values[0] if len(values) == 1 else values

    def rejection(self, data: bytes) -> ContractRejected:
        """The exception for a revert: of the custom error's own name, with its values as `values`."""
        error = self.errors.get(data[:4])
        if error is not None:
            values = dict(zip(error.names, decode(error.types, data[4:]), strict=True))
            return rejection_class(error.name)(error.name, values)
        if data[:4] == keccak(text="Error(string)")[:4]:
            return ContractRejected("Error", {"message": decode(["string"], data[4:])[0]})
        if data[:4] == keccak(text="Panic(uint256)")[:4]:
            return ContractRejected("Panic", {"code": decode(["uint256"], data[4:])[0]})
        return ContractRejected("Unknown", {"data": "0x" + data.hex()})


def _value(kind: str, word: bytes) -> Any:
    """One word as a value of its type: bytes32, address, or a number (an enumeration too)."""
    if kind == "bytes32":
        return word
    if kind == "address":
        return "0x" + word[12:].hex()
    return int.from_bytes(word, "big")


@cache
def rejection_class(name: str) -> type[ContractRejected]:
    """The exception class of a custom error, by the error's name; also `ledger.rejections.<name>`."""
    return type(name, (ContractRejected,), {"__module__": "ledger.rejections"})


@cache
def artifact() -> dict[str, Any]:
    """The compiled HealthLedger: abi, bytecode, deployedBytecode, compiler and settings."""
    loaded: dict[str, Any] = json.loads(files("ledger").joinpath("artifacts", "HealthLedger.json").read_text())
    return loaded
