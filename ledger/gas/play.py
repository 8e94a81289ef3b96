"""Playing a script: all stages play a step at the same time, so that a hundred runs take hardly longer than one.

>>> grants, anchors = play(network, stages, script)
>>> anchors[0].gas
50113
"""

from collections.abc import Sequence

from ledger.errors import NodeRejected
from ledger.gas.network import Call, GasRunFailed, Network, Receipt
from ledger.gas.stage import Stage, Step
from ledger.gas.verbs import VERBS
from ledger.rpc import enhex

ASKED = {"read", "readForHer", "readThroughGlass"}
"""Verbs that are decisions, asked as a reader asks: by a call that costs nothing."""


def play(network: Network, stages: Sequence[Stage], script: Sequence[Step]) -> list[list[Receipt | None]]:
    """Play a script on all stages; for every step, the receipt of every stage, or None where nothing was sent.

    Raises:
        GasRunFailed: a step failed on a stage.
        NodeError: the node does not answer.
    """
    played: list[list[Receipt | None]] = []
    for one in script:
        if one.verb == "wait":
            network.wait_until(network.now() + one.options["seconds"])
            played.append([None] * len(stages))
            continue
        limit = one.options.get("gas_limit", 400_000)
        options = {name: value for name, value in one.options.items() if name != "gas_limit"}
        senders = [stage.who(one.by) for stage in stages]
        acts = [VERBS[one.verb](stage, by, **options) for stage, by in zip(stages, senders, strict=True)]
        calls = [Call(by, act, gas_limit=limit) for by, act in zip(senders, acts, strict=True)]
        if one.verb in ASKED:
            _ask(network, calls)
            played.append([None] * len(stages))
        else:
            played.append(list(network.send(calls)))
    return played


def _ask(network: Network, calls: Sequence[Call]) -> None:
    """Ask for decisions as a reader does, by calls that cost nothing; each must permit."""
    requests = [
        ("eth_call", ({"from": call.sender.address, "to": call.act.to, "data": enhex(call.data)}, "latest"))
        for call in calls
        if call.act
    ]
    for answer in network.node.batch(requests):
        if isinstance(answer, NodeRejected) or int(answer[2:66], 16) != 1:
            raise GasRunFailed("read: the decision was not to permit")
