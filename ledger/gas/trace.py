"""Where the gas of one transaction went, from the node's own trace.

    >>> breakdown(node, transaction).storage
    24200

Storage and logs are what the machine charged for SLOAD, SSTORE and LOG; execution is all the rest beyond the
transaction itself and its calldata, signatures included.
"""

from dataclasses import dataclass
from typing import Any

from ledger.errors import NodeRejected
from ledger.gas.floor import TRANSACTION, calldata_gas
from ledger.gas.network import Receipt
from ledger.rpc import Node

_TRACER = """{
  storage: 0, logs: 0, slots: {}, emitted: [], recovered: 0, last: '', first: -1, gas: 0,
  step: function (log) {
    var gas = log.getGas(), spent = this.gas - gas;
    if (this.last == 'SLOAD' || this.last == 'SSTORE') this.storage += spent;
    if (this.last.slice(0, 3) == 'LOG') this.logs += spent;
    var name = log.op.toString();
    if (name == 'SLOAD' || name == 'SSTORE') {
      var slot = log.stack.peek(0).toString(16);
      this.slots[slot] = this.slots[slot] || name == 'SSTORE';
    } else if (name.slice(0, 3) == 'LOG') {
      this.emitted.push([name.slice(3), log.stack.peek(1).toString(10)]);
    } else if (name == 'STATICCALL' && log.stack.peek(1).toString(10) == '1') {
      this.recovered++;
    }
    if (this.first < 0) this.first = gas;
    this.last = name;
    this.gas = gas;
  },
  fault: function () {},
  result: function () {
    var read = 0, written = 0;
    for (var slot in this.slots) { if (this.slots[slot]) written++; else read++; }
    return {storage: this.storage, logs: this.logs, read: read, written: written, emitted: this.emitted,
            recovered: this.recovered, spent: this.first - this.gas};
  }
}"""
"""As geth and anvil take it; what is left of the gas tells what a step cost, as anvil's `getCost` is one step late."""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The gas of one transaction by what it was paid for; the four parts, less the refund, are its receipt's gas."""

    intrinsic: int
    """The transaction itself and its calldata."""
    storage: int
    logs: int
    execution: int
    """Everything else: signatures, hashing, comparing, memory, jumps."""
    refund: int
    read: int
    """Slots that were only read."""
    written: int
    """Slots that were written."""
    emitted: tuple[tuple[int, int], ...]
    """Topics and bytes of data of every log."""
    recovered: int
    """Signatures recovered."""


def breakdown(node: Node, receipt: Receipt) -> Breakdown | None:
    """Where a call's gas went; None where the node cannot trace."""
    try:
        told: Any = node.request("debug_traceTransaction", receipt.transaction, {"tracer": _TRACER})
    except NodeRejected:
        return None
    if not isinstance(told, dict) or "storage" not in told:
        return None
    intrinsic = TRANSACTION + calldata_gas(receipt.data)
    storage, logs = int(told["storage"]), int(told["logs"])
    refund = max(0, intrinsic + int(told["spent"]) - receipt.gas)
    return Breakdown(
        intrinsic=intrinsic,
        storage=storage,
        logs=logs,
        execution=receipt.gas + refund - intrinsic - storage - logs,
        refund=refund,
        read=int(told["read"]),
        written=int(told["written"]),
        emitted=tuple((int(topics), int(data)) for topics, data in told["emitted"]),
        recovered=int(told["recovered"]),
    )


@dataclass(frozen=True, slots=True)
class Opcode:
    """What all of a transaction's instructions of one kind cost."""

    name: str
    count: int
    gas: int


_COUNTER = """{
  last: '', gas: 0, depth: 0, callers: [], kinds: {},
  book: function (name, gas) {
    if (!this.kinds[name]) this.kinds[name] = [0, 0];
    this.kinds[name][0]++;
    this.kinds[name][1] += gas;
  },
  step: function (log) {
    var gas = log.getGas(), depth = log.getDepth();
    if (depth > this.depth) {
      if (this.last) this.callers.push({name: this.last, before: this.gas, first: gas});
    } else if (depth < this.depth) {
      var caller = this.callers.pop();
      this.book(this.last, 0);
      this.book(caller.name, caller.before - gas - (caller.first - this.gas));
    } else this.book(this.last, this.gas - gas);
    this.last = log.op.toString();
    this.gas = gas;
    this.depth = depth;
  },
  fault: function () {},
  result: function () { if (this.last) this.book(this.last, 0); return this.kinds; }
}"""
"""A call's own price is what it cost in all, less what the code that it called spent; ending a call costs nothing."""


def opcodes(node: Node, receipt: Receipt) -> list[Opcode] | None:
    """A transaction's instructions by kind, the dearest first; None where the node cannot trace.

    A precompile (ecrecover) is in the price of the STATICCALL that asks it. Their sum, with the transaction and its
    calldata and less refunds, is the receipt's gas.
    """
    try:
        told: Any = node.request("debug_traceTransaction", receipt.transaction, {"tracer": _COUNTER})
    except NodeRejected:
        return None
    if not isinstance(told, dict):
        return None
    kinds = [Opcode(name, int(count), int(gas)) for name, (count, gas) in told.items()]
    return sorted(kinds, key=lambda kind: (-kind.gas, kind.name))
