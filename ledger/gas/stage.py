"""A stage, and the steps that can be played on it: who is there, what there is so far, and who does what.

>>> script = (step("grant", "patient", to="laboratory", may_write=True), step("anchor", "laboratory"))
>>> script[1].by
'laboratory'
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.acts import Act, Acts
from ledger.codes import Category
from ledger.eip712 import Domain
from ledger.gas.people import Person, person, random_bytes
from ledger.types import Address, Subject

DAY = 86_400


@dataclass(slots=True)
class Stage:
    """One run: its own patient and things, the same organizations as every other."""

    seed: str
    label: str
    """What is being run; part of every random number, so that runs do not disturb each other."""
    number: int
    acts: Acts
    domain: Domain
    epoch: int
    """Seconds since 1970 from which terms reckon."""
    cast: Mapping[str, Person]
    """Who is on every stage: the organizations and their people; by the names that steps use."""
    addresses: Mapping[str, Address] = field(default_factory=dict)
    """Teams: known by address only, they sign nothing."""
    things: dict[str, Any] = field(default_factory=dict)
    """What earlier steps made: the record, the batch, the prescription."""
    _drawn: int = 0

    def who(self, name: str) -> Person:
        """The person of that name; one not in the cast comes into being, on this stage only."""
        return self.cast[name] if name in self.cast else person(self.seed, self.label, self.number, name)

    def address(self, name: str) -> Address:
        """The address of a person or team."""
        return self.addresses[name] if name in self.addresses else self.who(name).address

    def random(self) -> bytes:
        """The next 32 random bytes: a digest, a root."""
        self._drawn += 1
        return random_bytes(self.seed, self.label, self.number, self._drawn)


@dataclass(frozen=True, slots=True)
class Step:
    """One act of a script."""

    verb: str
    """Which act: a name in `ledger.gas.verbs.VERBS`."""
    by: str
    """Who sends it, and so who pays for it."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the verb takes beside."""
    once: bool = False
    """Done once for good (an admission, a standing consent), not each time."""
    operation: str = ""
    """Which operation of the catalogue this is, where it is not the one of the verb's name."""

    @property
    def name(self) -> str:
        return self.operation or self.verb


def step(verb: str, by: str, *, once: bool = False, operation: str = "", **options: Any) -> Step:
    """A step with its options as keywords."""
    return Step(verb, by, options, once, operation)


def waits(script: Sequence[Step]) -> bool:
    """Whether time must pass in it, hours perhaps: only on a network whose clock we set can that be waited for."""
    return any(one.verb == "wait" for one in script)


Verb = Callable[..., Act]
"""Builds an act for a stage: `verb(stage, by, **options)`."""


def subject(stage: Stage, patient: str, *, number: int = 0, via_organization: bool = False) -> Subject:
    """A laboratory result about the patient."""
    return Subject(stage.address(patient), Category.LABORATORY, number, via_organization)
