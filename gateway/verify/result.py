"""What came of a check: a verdict, one sentence, what was proven and what was not.

>>> Result("record", Verdict.MISSING, "The ledger has it, the store does not.").status
1
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How it came out."""

    PROVEN = "proven"
    ALTERED = "altered"
    """The bytes at hand are not those that were anchored or logged."""
    MISSING = "missing"
    """Anchored, but the store does not have it."""
    NEVER_ANCHORED = "never-anchored"
    """The ledger knows nothing of it."""
    CONTRADICTED = "contradicted"
    """The evidence says something else than the ledger, a signature, or itself."""
    CONSISTENT = "consistent"
    """The evidence agrees with itself and the bytes at hand; the ledger was not asked."""
    UNDECIDED = "undecided"
    """It could not be checked."""


_STATUS = {Verdict.PROVEN: 0, Verdict.CONSISTENT: 2, Verdict.UNDECIDED: 2}


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one check."""

    kind: str
    """Of the evidence."""
    verdict: Verdict
    sentence: str
    """What was found, and what it does not prove, for people."""
    proven: tuple[str, ...] = ()
    not_proven: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    """The same for programs: JSON values."""

    @property
    def status(self) -> int:
        """Exit status: 0 proven, 1 not so, 2 not decided."""
        return _STATUS.get(self.verdict, 1)

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "verdict": self.verdict.value,
            "sentence": self.sentence,
            "proven": list(self.proven),
            "not_proven": list(self.not_proven),
            "facts": self.facts,
        }


@dataclass(slots=True)
class Findings:
    """What a check has found so far; the last step makes a result of it."""

    kind: str
    proven: list[str] = field(default_factory=list)
    not_proven: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def end(self, verdict: Verdict, claim: str) -> Result:
        """The result: the claim, and in the same sentence what it does not prove."""
        sentence = claim
        if verdict in (Verdict.PROVEN, Verdict.CONSISTENT) and self.not_proven:
            sentence = f"{claim}; this does not prove {either(self.not_proven)}"
        return Result(self.kind, verdict, sentence + ".", tuple(self.proven), tuple(self.not_proven), dict(self.facts))


class Refuted(Exception):
    """A check has come to its end early; only `gateway.verify.checks` sees this."""

    def __init__(self, verdict: Verdict, claim: str) -> None:
        self.verdict = verdict
        self.claim = claim
        super().__init__(claim)


def moment(seconds: int) -> str:
    """A time for people, in UTC."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at.day} {at:%B %Y}, {at:%H:%M:%S} UTC"


def listed(parts: Iterable[str]) -> str:
    """Several words as people list them."""
    return _joined(list(parts), "and")


def either(parts: Iterable[str]) -> str:
    """Several things none of which is."""
    return _joined(list(parts), "or")


def _joined(words: list[str], last: str) -> str:
    return ", ".join(words[:-1]) + f" {last} " + words[-1] if len(words) > 1 else "".join(words)
