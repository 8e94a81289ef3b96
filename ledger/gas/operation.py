"""An operation: one external function in one pair of hands, and what the rules make it touch.

>>> Touches(reads=2, created=1, events=("RecordAnchored",)).rules(Abi.shipped()).logs
(Log(topics=3, data=32),)

It is data: the steps that lead up to it, the step that is measured, and the slots, events and signatures it cannot do
without.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.abi import Abi
from ledger.gas.floor import Log, Rules
from ledger.gas.stage import Step


@dataclass(frozen=True, slots=True)
class Touches:
    """What the rules make an operation touch; each slot counts once, under the most that happens to it."""

    reads: int = 0
    created: int = 0
    changed: int = 0
    emptied: int = 0
    events: tuple[str, ...] = ()
    signatures: int = 0

    def rules(self, abi: Abi) -> Rules:
        """The same with the events as the ABI writes them."""
        return Rules(self.reads, self.created, self.changed, self.emptied, logs(abi, self.events), self.signatures)


@dataclass(frozen=True, slots=True)
class Operation:
    """One function in one pair of hands."""

    name: str
    """The function; after a slash, whose hands or which case."""
    title: str
    touches: Touches
    measured: Step
    before: tuple[Step, ...] = ()
    """What must have happened; not measured."""
    is_view: bool = False
    """Free when called; measured as a transaction that nobody need send."""
    per: int = 1
    """How many records or consents the act is for."""

    @property
    def script(self) -> tuple[Step, ...]:
        return (*self.before, self.measured)

    @property
    def function(self) -> str:
        """The contract's function."""
        return self.name.split("/")[0]


def logs(abi: Abi, events: Sequence[str]) -> tuple[Log, ...]:
    """What the events cost is told by their shape alone: all their parameters are words."""
    shapes = [abi.events[name].indexed for name in events]
    return tuple(Log(topics=1 + sum(indexed), data=32 * (len(indexed) - sum(indexed))) for indexed in shapes)
