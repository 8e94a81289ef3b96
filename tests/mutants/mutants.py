"""Bugs to put into the contracts on purpose, one at a time: each of them breaks a rule that the ledger exists for."""

from dataclasses import dataclass
from pathlib import Path

CONSENTS = "test_consent_machine.py"
CARE = "test_care_machine.py"
BATCHES = "test_batch_machine.py"
PRESCRIPTIONS = "test_prescription_machine.py"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug: a piece of a contract and what stands there instead."""

    breaks: str
    """The rule, in words."""
    file: str
    """Under contracts/."""
    before: str
    after: str
    caught_by: str = CONSENTS
    """The property test in tests/contracts that has to find it."""

    def put_into(self, contracts: Path) -> None:
        """Change the source.

        Raises:
            LookupError: what should be changed is not there, or more than once; the source has moved on.
        """
        path = contracts / self.file
        text = path.read_text()
        if text.count(self.before) != 1:
            raise LookupError(f"{self.file} has {self.before!r} {text.count(self.before)} times, not once")
        path.write_text(text.replace(self.before, self.after))


MUTANTS = [
    Mutant(
        "a denial beats every consent",
        "Decisions.sol",
        "bool denied = request.reader != patient && _isDenied(patient, request.reader, reader);",
        "bool denied = request.reader == address(1);",
    ),
    Mutant(
        "a consent is no longer live in the second of its expiry",
        "Decisions.sol",
        "if (time >= consent.terms().expiry())",
        "if (time > consent.terms().expiry())",
    ),
    Mutant(
        "a consent is not live before its first second",
        "Decisions.sol",
        "if (time < consent.terms().notBefore()) return Reason.ConsentNotYetLive;",
        "",
    ),
    Mutant(
        "a withdrawal takes effect in its own second",
        "Decisions.sol",
        "if (withdrawnAt != 0 && time >= withdrawnAt)",
        "if (withdrawnAt != 0 && time > withdrawnAt)",
    ),
    Mutant(
        "a consent to be treated is no consent to be studied",
        "types/Purpose.sol",
        "if (stated < BTG) return uint16(1) << stated;",
        "if (stated < BTG) return (uint16(1) << stated) | 1;",
    ),
    Mutant(
        "who has left a team reads nothing by it",
        "Records.sol",
        "_members[team][person] &&",
        "(_members[team][person] || person != address(1)) &&",
    ),
    Mutant(
        "a suspended organization's people can do nothing",
        "Participants.sol",
        "if (_participants[organization].word.isSuspended()) revert SuspendedOrganization(who, organization);",
        "",
    ),
    Mutant(
        "a delegate does nothing beyond the categories that were delegated",
        "rare/RareDelegations.sol",
        "if (categories & ~delegation.categories() != 0)",
        "if (categories & ~delegation.categories() == type(uint16).max)",
        CARE,
    ),
    Mutant(
        "a delegation is over in the second of its end",
        "types/Delegation.sol",
        "return self.since() <= time && time < self.until();",
        "return self.since() <= time && time <= self.until();",
        CARE,
    ),
    Mutant(
        "a delegate acts on no consent to himself",
        "rare/RareDelegations.sol",
        "bool his = who == msg.sender || ",
        "bool his = ",
        CARE,
    ),
    Mutant(
        "a broken glass closes by itself",
        "types/Emergency.sol",
        "return self.openedAt() <= time && time < self.until();",
        "return self.openedAt() <= time;",
        CARE,
    ),
    Mutant(
        "an opening cannot be prolonged",
        "rare/RareEmergencies.sol",
        "_requireOver(patient, msg.sender, current);",
        "",
        CARE,
    ),
    Mutant(
        "what she let be written in a batch is not turned down",
        "Proposals.sol",
        "if (state != RecordState.Proposed) revert RecordStateUnfit(digest, state);",
        "if (state > RecordState.Anchored) revert RecordStateUnfit(digest, state);",
        BATCHES,
    ),
    Mutant(
        "what she turned down in a batch is not retracted",
        "Records.sol",
        "if (bits & bit != 0) revert BatchRecordGone(root, index);",
        "",
        BATCHES,
    ),
    Mutant(
        "a correction in a batch stands as the corrected one stood, and what is gone is not corrected",
        "rare/RareRecords.sol",
        "RecordState state = _stateInBatch(root, index, subject);",
        "RecordState state = RecordState.Anchored;",
        BATCHES,
    ),
    Mutant(
        "a consent to read lets nobody write in a batch",
        "Proposals.sol",
        "consent.terms().mayWrite() &&",
        "",
        BATCHES,
    ),
    Mutant(
        "old leave lets nobody write in a batch whom the patient denies",
        "Proposals.sol",
        "if (_wasDenied(subject.patient(), grantee, batch.anchoredAtOf())) return false;",
        "",
        BATCHES,
    ),
    Mutant(
        "what was written in a batch while its author was denied stays proposed when she is denied again",
        "Consents.sol",
        "_earlierDenials[patient][grantee].push(current.lastDenial());",
        "",
        BATCHES,
    ),
    Mutant(
        "never more units than prescribed",
        "Prescriptions.sol",
        "most = terms.quantity() - used;",
        "most = terms.quantity();",
        PRESCRIPTIONS,
    ),
    Mutant(
        "a first fill is no larger than a fill",
        "everyday/EverydayPrescriptions.sol",
        "(filled, most, fence) = (1, terms.perFill(), 1);",
        "(filled, most, fence) = (1, terms.quantity(), 1);",
        PRESCRIPTIONS,
    ),
    Mutant(
        "a leased prescription is dispensed by the holder alone",
        "Prescriptions.sol",
        "if (current.isLeasedAt(block.timestamp) && _holders[id] != msg.sender)",
        "if (current.isLeasedAt(block.timestamp) && _holders[id] == address(1))",
        PRESCRIPTIONS,
    ),
    Mutant(
        "the next fill waits for its time",
        "Prescriptions.sol",
        "if (block.timestamp < nextFillAt && current.owing() == 0)",
        "if (nextFillAt == 0 && current.owing() == 0)",
        PRESCRIPTIONS,
    ),
]
