"""The account of one transaction, step by step: what the machine does between one thing that must be and the next.

    >>> account(node, receipt)[0]
    Stretch(hashing=42, jumps=140, stack=169, inputs=37, arithmetic=45, then='read a slot', price=2100)

Reading and writing slots, events, signatures and the way into the extension are what an operation is for; its floor
counts them. What lies between is execution, sorted here by the kind of instruction: where an operation is above its
floor, these columns say by what.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ledger.errors import NodeRejected
from ledger.gas.network import Receipt
from ledger.gas.tables import Column, Table
from ledger.rpc import Node

_TRACER = """{
  last: -1, gas: 0, depth: 0, callers: [], steps: [],
  step: function (log) {
    var gas = log.getGas(), depth = log.getDepth();
    if (depth > this.depth) {
      if (this.last >= 0) this.callers.push([this.last, this.gas, gas]);
    } else if (depth < this.depth) {
      var caller = this.callers.pop();
      this.steps[caller[0]][1] = caller[1] - gas - (caller[2] - this.gas);
    } else this.steps[this.last][1] = this.gas - gas;
    this.last = this.steps.length;
    this.steps.push([log.op.toString(), 0]);
    this.gas = gas;
    this.depth = depth;
  },
  fault: function () {},
  result: function () { return this.steps; }
}"""
"""Every instruction in order with its price; a call's is what it cost in all, less what the called code spent."""

_MARKS = {
    "SLOAD": "read a slot",
    "SSTORE": "write a slot",
    "STATICCALL": "recover a signature",
    "DELEGATECALL": "go on in the extension",
}
_JUMPS = {"JUMP", "JUMPI", "JUMPDEST", "STOP", "RETURN", "REVERT"}
_INPUTS = {"MSTORE", "MSTORE8", "MLOAD", "MCOPY", "CALLER", "CALLVALUE", "TIMESTAMP", "CHAINID", "ADDRESS", "GAS"}


@dataclass(frozen=True, slots=True)
class Stretch:
    """The instructions up to one thing that must be done, in gas."""

    hashing: int = 0
    """KECCAK256: places of slots, ids, commitments, signed data."""
    jumps: int = 0
    """Jumps and their landing places: finding the function, every check, going into parts of code and back."""
    stack: int = 0
    """Constants, and bringing values to where the next instruction takes them."""
    inputs: int = 0
    """Calldata, memory, caller, time."""
    arithmetic: int = 0
    """Comparing, masking, shifting, adding."""
    then: str = "end"
    """What comes after them."""
    price: int = 0
    """Its price."""

    @property
    def between(self) -> int:
        """Gas of all that is not `then`."""
        return self.hashing + self.jumps + self.stack + self.inputs + self.arithmetic


def account(node: Node, receipt: Receipt) -> list[Stretch] | None:
    """The stretches of one transaction, in order; None where the node cannot trace.

    With the transaction and its calldata, and less refunds, they add up to the receipt's gas.
    """
    try:
        told: Any = node.request("debug_traceTransaction", receipt.transaction, {"tracer": _TRACER})
    except NodeRejected:
        return None
    return stretches([(str(name), int(gas)) for name, gas in told]) if isinstance(told, list) else None


def stretches(steps: Sequence[tuple[str, int]]) -> list[Stretch]:
    """Instructions in order, with their prices, as stretches."""
    found: list[Stretch] = []
    sums = dict.fromkeys(KINDS, 0)
    for name, gas in steps:
        mark = "leave an event" if name.startswith("LOG") else _MARKS.get(name)
        if mark is None:
            sums[kind_of(name)] += gas
        else:
            found.append(_stretch(sums, mark, gas))
            sums = dict.fromkeys(KINDS, 0)
    return [*found, _stretch(sums, "end", 0)]


def _stretch(sums: Mapping[str, int], then: str, price: int) -> Stretch:
    hashing, jumps, stack, inputs, arithmetic = (sums[kind] for kind in KINDS)
    return Stretch(hashing, jumps, stack, inputs, arithmetic, then, price)


def kind_of(instruction: str) -> str:
    """Which column an instruction belongs to."""
    if instruction == "KECCAK256":
        return "hashing"
    if instruction in _JUMPS:
        return "jumps"
    if instruction.startswith(("PUSH", "DUP", "SWAP", "POP")):
        return "stack"
    if instruction in _INPUTS or instruction.startswith(("CALLDATA", "RETURNDATA", "CODE", "EXTCODE")):
        return "inputs"
    return "arithmetic"


KINDS = tuple(field.name for field in fields(Stretch) if field.name not in ("then", "price"))


def account_sheet(name: str, found: Sequence[Stretch]) -> Table:
    """The stretches as a table, and their sums."""
    rows: list[dict[str, Any]] = [
        {"then": one.then, "price": one.price, "between": one.between} | {kind: getattr(one, kind) for kind in KINDS}
        for one in found
    ]
    sums = {key: sum(row[key] for row in rows) for key in ("price", "between", *KINDS)}
    columns = [Column(kind, kind.capitalize(), "n", detail=1) for kind in KINDS]
    return Table(
        "account",
        f"{name}: what is executed between one thing that must be and the next",
        (
            Column("between", "Executed before", "n"),
            *columns,
            Column("then", "What must be", "name"),
            Column("price", "Its gas", "n"),
        ),
        (*rows, {"then": "all", **sums}),
        ("The floor counts what must be, the transaction and its calldata; a check is some 25 gas, a place 65.",),
    )
