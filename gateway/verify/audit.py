"""Going through a whole access log, line by line, against the checkpoints that the ledger has: what was removed, moved,
changed, dated otherwise or forked is found. Needs little memory, however long the log is.

>>> audit = audit_lines(log.each(), anchored_of(chain, operator))
>>> audit.faults, audit.counted, audit.waiting
([], 40, 2)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.errors import LineInvalid
from gateway.verify.lines import decode_leaf, sequence_of
from gateway.verify.log import SKEW, Anchored, misdated
from gateway.verify.result import Result, Verdict, listed
from ledger.translog import Frontier, leaf_hash
from ledger.types import Address

_MOST_FAULTS = 20
"""Faults that are told one by one."""


@dataclass(slots=True)
class Audit:
    """What going through a log has shown."""

    faults: list[str] = field(default_factory=list)
    lines: int = 0
    counted: int = 0
    """Lines under the newest checkpoint on the ledger that fits."""
    number_of_faults: int = 0

    @property
    def waiting(self) -> int:
        """Lines that no checkpoint counts yet: only the database vouches for these."""
        return self.lines - self.counted

    def fault(self, sentence: str) -> None:
        """Note a fault."""
        self.number_of_faults += 1
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(sentence)

    def result(self, operator: Address) -> Result:
        """The audit as the outcome of a check."""
        facts = {
            "operator": operator,
            "lines": self.lines,
            "counted": self.counted,
            "waiting": self.waiting,
            "faults": list(self.faults),
            "number_of_faults": self.number_of_faults,
        }
        if self.number_of_faults:
            more = self.number_of_faults - len(self.faults)
            rest = [f"{more} more"] if more else []
            sentence = f"The access log of {operator} is not what it was: {listed([*self.faults, *rest])}."
            return Result("access-log", Verdict.CONTRADICTED, sentence, facts=facts)
        if not self.counted:
            sentence = f"The access log of {operator} has {self.lines} lines and no checkpoint on the ledger yet."
            return Result("access-log", Verdict.UNDECIDED, sentence, facts=facts)
        not_proven = ["that every access was written into it"]
        if self.waiting:
            not_proven.append(f"anything about the last {self.waiting} lines, which wait for the next checkpoint")
        sentence = (
            f"The first {self.counted} lines of the access log of {operator} are, in this order and with these times,"
            f" those that the ledger's checkpoints count; this does not prove {' or '.join(not_proven)}."
        )
        proven = ("that no counted line was removed, moved, changed or dated otherwise",)
        return Result("access-log", Verdict.PROVEN, sentence, proven, tuple(not_proven), facts)


def audit_lines(lines: Iterable[tuple[int, bytes]], known: Sequence[Anchored], *, skew: int = SKEW) -> Audit:
    """Go through a log.

    Args:
        lines: position and bytes of each line, as whoever keeps the log gives them, from its beginning.
        known: its checkpoints on the ledger, the smallest first.
        skew: seconds that clocks may differ.
    """
    audit = Audit()
    frontier = Frontier()
    due = list(known)
    latest = 0
    for position, leaf in lines:
        if position != frontier.size:
            audit.fault(_gap(frontier.size, position))
            # From here on nothing lies where it lay: further roots would only say the same again.
            due = []
        frontier.add(leaf_hash(leaf))
        audit.lines += 1
        latest = _check_line(audit, position, leaf, latest, known, skew)
        while due and due[0].size == frontier.size:
            _check_root(audit, due.pop(0), frontier)
    for one in due:
        audit.fault(f"the ledger has a checkpoint of {one.size} lines, and there are {audit.lines}: lines are gone")
    return audit


def _check_line(audit: Audit, position: int, leaf: bytes, latest: int, known: Sequence[Anchored], skew: int) -> int:
    """Check one line by itself; the latest time so far."""
    try:
        attempt, number = decode_leaf(leaf), sequence_of(leaf)
    except LineInvalid as failure:
        audit.fault(f"line {position} cannot be read ({failure})")
        return latest
    if number != position:
        audit.fault(f"line {position} numbers itself {number}")
    if attempt.at < latest:
        audit.fault(f"line {position} is dated before the line above it")
    wrong = misdated(position, attempt.at, known, skew)
    if wrong is not None:
        audit.fault(f"line {position}: {wrong}")
    return max(latest, attempt.at)


def _check_root(audit: Audit, one: Anchored, frontier: Frontier) -> None:
    if frontier.root == one.root:
        audit.counted = one.size
    else:
        audit.fault(f"the first {one.size} lines are not those that were anchored")


def _gap(expected: int, position: int) -> str:
    if position < expected:
        return f"line {position} comes after line {expected - 1}"
    missing = f"line {expected} is" if position == expected + 1 else f"lines {expected} to {position - 1} are"
    return f"{missing} gone"
