"""Records that came in batches, after the rules as they are written for single ones, without a look at the contract.

What is written in a batch counts at once where the consent that it names let its author write it, and the patient
denied neither her nor her organization; else it is proposed.
From there on it is a record like any other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ledger.types import AnchorProof, Subject
from tests.contracts.consent_model import Model, Scope, Written, ended


@dataclass(slots=True)
class Listed:
    """Where a record of a batch stands, and what has been done to it."""

    proof: AnchorProof
    subject: Subject
    leave: Scope | None
    """The consent that its author names; None: she proposes."""
    time: int
    """When the batch was anchored."""
    answer: str = ""
    """ANCHORED: the patient has taken it in; TURNED_DOWN: she has not; empty: she has not answered."""
    superseded: bool = False
    retracted: bool = False


@dataclass(slots=True)
class BatchModel(Model):
    """All that decides, with batches."""

    listed: dict[bytes, Listed] = field(default_factory=dict)
    denied_or_lifted: dict[tuple[str, str], list[tuple[int, bool]]] = field(default_factory=dict)
    """When a patient denied a grantee (true) or lifted it, in order."""

    def judge(self) -> None:
        """Say of each record of a batch how it stands: a consent may have been dated back to before its batch."""
        for digest, one in self.listed.items():
            state = one.answer or ("ANCHORED" if self.was_let_write(digest) else "PROPOSED")
            if one.superseded:
                state = ended(state, "SUPERSEDED")
            if one.retracted:
                state = "RETRACTED" if state == "SUPERSEDED" else ended(state, "RETRACTED")
            self.records[digest].state = state

    def was_let_write(self, digest: bytes) -> bool:
        one, record = self.listed[digest], self.records[digest]
        consent = self.consents.get(one.leave) if one.leave else None
        if self.was_denied(record.patient, record.author, one.time):
            return False
        if consent is None or consent.terms is None or not consent.is_live(one.time):
            return False
        return consent.terms.may_write and record.categories in consent.terms.categories

    def was_denied(self, patient: str, author: str, time: int) -> bool:
        """What she had said last, at a time, of the author or of the organization that the author acts for."""
        for name in (author, self.people[author].organization):
            said = [denied for at, denied in self.denied_or_lifted.get((patient, name), ()) if at <= time]
            if said and said[-1]:
                return True
        return False

    def deny(self, patient: str, grantee: str, denied: bool) -> bool:
        # Not `super()`: a dataclass with slots is another class than the one whose method this is.
        done = Model.deny(self, patient, grantee, denied)
        if done:
            self.denied_or_lifted.setdefault((patient, grantee), []).append((self.now, denied))
        return done

    def list_batch(self, author: str, batch: list[tuple[bytes, Written, Listed]]) -> bool:
        """Whether an author may anchor a batch; then its records are there."""
        if not self.is_live(author) or not self.people[author].writes:
            return False
        for digest, record, listed in batch:
            self.records[digest], self.listed[digest] = record, listed
        return True

    def answer(self, who: str, digest: bytes, accepted: bool) -> bool:
        if not self.is_live(who) or who != self.records[digest].patient or self.records[digest].state != "PROPOSED":
            return False
        self.listed[digest].answer = "ANCHORED" if accepted else "TURNED_DOWN"
        self.judge()
        return True

    def retract(self, who: str, digest: bytes) -> bool:
        one = self.listed[digest]
        if not self._may_mend(who, digest) or one.retracted or one.answer == "TURNED_DOWN":
            return False
        one.retracted = True
        self.judge()
        return True

    def supersede(self, who: str, digest: bytes) -> bool:
        if not self._may_mend(who, digest) or self.records[digest].state not in ("PROPOSED", "ANCHORED"):
            return False
        self.listed[digest].superseded = True
        self.judge()
        return True

    def standing(self, state: str) -> Iterator[bytes]:
        """The records of batches that stand so."""
        return (digest for digest in self.listed if self.records[digest].state == state)

    def _may_mend(self, who: str, digest: bytes) -> bool:
        return self.is_live(who) and who == self.records[digest].author
