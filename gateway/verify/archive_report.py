"""What checking an archive has shown, and how that is said.

>>> report.result().sentence
'The archive is sound: it proves ...'
"""

from dataclasses import dataclass, field
from typing import Any

from gateway.verify.evidence import LedgerName
from gateway.verify.result import Result, Verdict, either, listed, moment
from ledger.state_proof import StateProof


@dataclass(slots=True)
class Report:
    """What checking an archive has shown."""

    ledger: LedgerName
    """Which ledger the archive says that it is of."""
    asked: bool
    """A node was asked."""
    files: int = 0
    records: int = 0
    """Whose content is that of their digest."""
    consents: int = 0
    """Whose document is that of its digest."""
    signed: int = 0
    """Consents that the patient's own signature proves, with or without a document behind them."""
    lines: int = 0
    """Of the access log, proven to stand in it."""
    unproven_lines: int = 0
    """Told without a proof: no checkpoint counted them yet."""
    left_out: int = 0
    """Records that could not be opened when the archive was made."""
    on_ledger: int = 0
    """Records, consents and lines that the ledger confirms."""
    state: StateProof | None = None
    """What the ledger held at one block, with its proof."""
    in_state: int = 0
    """Records and consents that it held as they are told here."""
    problems: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Nothing is wrong."""
        return not self.problems

    def result(self) -> Result:
        """What was proven and what was not, as of every other check."""
        facts: dict[str, Any] = {name: getattr(self, name) for name in _COUNTS}
        facts |= {"ledger": self.ledger.as_json(), "problems": self.problems}
        if not self.sound:
            more = " ..." if len(self.problems) > 5 else ""
            sentence = f"The archive is not sound: {'; '.join(self.problems[:5])}{more}."
            return Result("archive", Verdict.ALTERED, sentence, facts=facts)
        proven = [
            f"that all {self.files} files are as they were exported",
            f"that {self.records} records and {self.consents} consents are, byte for byte, those of their digests",
            *([f"that the patient signed {self.signed} consents on exactly these terms"] if self.signed else []),
            f"that {self.lines} lines stand in the access log that its operator signed for",
        ]
        lacking = ["that nothing was left out when it was made", "that what the records say is right"]
        where = f"the ledger at {self.ledger.address}"
        if self.state is not None:
            facts |= {"block": self.state.number, "block_hash": self.state.block_hash.hex()}
            known = "" if self.asked else ", to whoever knows that block to be on its chain"
            at = f"block {self.state.number} ({self.state.block_hash.hex()}) of {moment(self.state.time)}"
            proven.append(f"that {where} held {self.in_state} of them at {at}{known}")
        if self.asked:
            proven.append(f"that {where} has {self.on_ledger} of them now as they are told here")
        else:
            nothing = f"that {where} has any of it, who wrote it and when"
            so = "that this block is on its chain" if self.state else nothing
            lacking = [f"{so}, for no node was asked", "what was corrected, retracted or withdrawn since", *lacking]
        notes = [f"{self.left_out} records could not be opened then and are not in it"] if self.left_out else []
        notes += [f"{self.unproven_lines} lines of the log had no proof yet"] if self.unproven_lines else []
        note = f" ({'; '.join(notes)})" if notes else ""
        claim = f"The archive is sound{note}: it proves {listed(proven)}; it does not prove {either(lacking)}."
        verdict = Verdict.PROVEN if self.asked else Verdict.CONSISTENT
        return Result("archive", verdict, claim, tuple(proven), tuple(lacking), facts)


_COUNTS = ("files", "records", "consents", "signed", "lines", "unproven_lines", "left_out", "on_ledger", "in_state")
