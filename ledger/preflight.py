"""Would this act succeed, what will it cost, and why did it not: reverts as reasons, before sending and afterwards.

    >>> estimate_gas(node, [Call(patient, contract, calldata)], Abi.shipped().rejection)
    [47213]

An estimate is made against the newest block: an act that depends on another which is still on its way is estimated as
if that one had not been made. The outbox waits with it if both are one signer's; else wait for the first to be mined.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.exceptions import DecodingError

from ledger.errors import ContractRejected, NodeRejected
from ledger.outbox_store import Failure
from ledger.rpc import Node, enhex, quantity, unhex

Rejection = Callable[[bytes], ContractRejected]
"""Decodes what a revert returned; `Abi.rejection`."""

MARGIN = 1.2
"""On estimates: the state may change until the act is mined."""

TRANSACTION_GAS = 21_000

_TRACING = {"tracer": "callTracer", "tracerConfig": {"onlyTopCall": True}}
_FEW = 20
"""Transactions that are traced at a time: for each a node repeats all that stand before it in its block."""


@dataclass(frozen=True, slots=True)
class Call:
    """What would be sent."""

    sender: str
    to: str
    data: bytes
    value: int = 0

    def params(self) -> dict[str, str]:
        """For eth_call and eth_estimateGas; the price is zero so that no balance is needed to ask."""
        call = {"from": self.sender, "to": self.to, "data": enhex(self.data), "value": hex(self.value)}
        return {**call, "gasPrice": "0x0"}


def least_gas(data: bytes) -> int:
    """The gas below which no node takes a transaction with this calldata (EIP-2028 and EIP-7623)."""
    zeros = data.count(0)
    tokens = zeros + 4 * (len(data) - zeros)
    return TRANSACTION_GAS + 10 * tokens


def estimate_gas(node: Node, calls: Sequence[Call], rejection: Rejection) -> list[int | Failure | NodeRejected]:
    """For each call the gas to give it, or why the contract rejects it, or the node's refusal to estimate it.

    Raises:
        NodeUnavailable: the node does not answer.
    """
    answers = node.batch([("eth_estimateGas", (call.params(), "latest")) for call in calls])
    estimates: list[int | Failure | NodeRejected] = []
    for call, answer in zip(calls, answers, strict=True):
        if not isinstance(answer, NodeRejected):
            estimates.append(max(int(quantity(answer) * MARGIN), least_gas(call.data)))
        elif is_revert(answer):
            estimates.append(reason(answer, rejection))
        else:
            estimates.append(answer)
    return estimates


@dataclass(frozen=True, slots=True)
class Failed:
    """A transaction that was mined and had no effect."""

    receipt: Mapping[str, Any]
    call: Call
    gas: int
    """What it was given."""


def explain(node: Node, failed: Sequence[Failed], rejection: Rejection) -> list[Failure]:
    """Why mined transactions failed: by what they returned where the node tells it, else by calling again at their
    block.

    Raises:
        NodeUnavailable: the node does not answer.
    """
    outputs = _outputs(node, failed)
    untold = [one for one, output in zip(failed, outputs, strict=True) if not output]
    again = iter(_call_again(node, untold, rejection))
    return [decoded(output, rejection) if output else next(again) for output in outputs]


def _outputs(node: Node, failed: Sequence[Failed]) -> list[bytes]:
    """What each returned when it was reverted; empty where that was nothing, or the node does not tell."""
    hashes = [one.receipt["transactionHash"] for one in failed]
    # Otterscan's method, which anvil, Erigon and others have, answers at once from what was kept.
    answers = node.batch([("ots_getTransactionError", (name,)) for name in hashes])
    outputs = {name: unhex(answer) for name, answer in zip(hashes, answers, strict=True) if isinstance(answer, str)}
    untold = [name for name in hashes if name not in outputs]
    if len(untold) <= _FEW:
        traces = node.batch([("debug_traceTransaction", (name, _TRACING)) for name in untold])
        outputs |= {
            name: unhex(trace.get("output") or "0x")
            for name, trace in zip(untold, traces, strict=True)
            if isinstance(trace, dict)
        }
    return [outputs.get(name, b"") for name in hashes]


def _call_again(node: Node, failed: Sequence[Failed], rejection: Rejection) -> list[Failure]:
    calls = []
    for one in failed:
        block = str(one.receipt["blockNumber"])
        calls += [("eth_call", (one.call.params(), at)) for at in (block, hex(quantity(block) - 1))]
    answers = node.batch(calls)
    return [_guessed(one, answers[2 * number : 2 * number + 2], rejection) for number, one in enumerate(failed)]


def _guessed(one: Failed, answers: Sequence[Any], rejection: Rejection) -> Failure:
    """The reason by what the same call returns after its block, or before it."""
    if quantity(one.receipt["gasUsed"]) >= one.gas:
        return Failure("OutOfGas", {"gas": one.gas}, f"the act used all of its {one.gas} gas: give it more")
    for answer in answers:
        if isinstance(answer, NodeRejected) and is_revert(answer):
            return reason(answer, rejection)
    return Failure("Unknown", {}, "the contract rejected the act, and the node does not say why")


def is_revert(refusal: NodeRejected) -> bool:
    """Whether a refusal is the contract's and not the node's."""
    return refusal.code == 3 or "revert" in refusal.message.lower()


def reason(refusal: NodeRejected, rejection: Rejection) -> Failure:
    """The contract's reason in a refusal."""
    data = refusal.data
    if isinstance(data, dict):  # some nodes wrap it
        data = data.get("data")
    if isinstance(data, str) and data.startswith("0x") and len(data) > 2:
        return decoded(unhex(data), rejection)
    return Failure("Unknown", {}, refusal.message)


def decoded(data: bytes, rejection: Rejection) -> Failure:
    """What a revert returned, as a reason."""
    try:
        rejected = rejection(data)
    except (DecodingError, ValueError, OverflowError):
        return Failure("Unknown", {"data": enhex(data)}, "the contract rejected the act without an intelligible reason")
    return Failure(rejected.name, rejected.values, str(rejected))
