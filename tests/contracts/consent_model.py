"""Who may read what, after the rules as they are written for people, without a look at the contract.

A decision here is a sentence over sets: there is an order of reasons, and no order of consents.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ledger.codes import Category, Purpose, Reason
from ledger.types import ConsentTerms

NEVER_COUNTED = ("PROPOSED", "TURNED_DOWN", "TAKEN_BACK")
"""What was only ever proposed: open to nobody but the patient and its author."""


def ended(state: str, end: str) -> str:
    """What a retraction or a correction makes of a record."""
    return "TAKEN_BACK" if state in NEVER_COUNTED else end


@dataclass(slots=True)
class Someone:
    """A person, an organization or a team."""

    organization: str
    is_patient: bool = False
    is_staff: bool = False
    writes: bool = False
    members: set[str] | None = None
    """Of a team."""
    suspended: bool = False


@dataclass(slots=True)
class Granted:
    """A consent: made once, ended once."""

    terms: ConsentTerms | None
    withdrawn_at: int | None = None

    def is_live(self, now: int) -> bool:
        terms = self.terms
        if terms is None or not terms.not_before <= now < terms.expiry:
            return False
        return self.withdrawn_at is None or now < self.withdrawn_at


@dataclass(slots=True)
class Written:
    """One record."""

    patient: str
    author: str
    categories: Category
    state: str = "ANCHORED"


Scope = tuple[str, str, int | bytes | str]
"""Patient, grantee, and the number of the consent or the digest of the one record that it is about; or a word for what
else a reader says of herself (`care_model`)."""


@dataclass(slots=True)
class Model:
    """All that decides; `now` is moved by whoever drives it."""

    now: int
    people: dict[str, Someone]
    consents: dict[Scope, Granted] = field(default_factory=dict)
    denials: set[tuple[str, str]] = field(default_factory=set)
    records: dict[bytes, Written] = field(default_factory=dict)
    barred: dict[str, Category] = field(default_factory=dict)

    def is_live(self, who: str) -> bool:
        """Neither she nor, if she is staff, her organization is suspended."""
        someone = self.people[who]
        if someone.suspended:
            return False
        return not (someone.is_staff and self.people[someone.organization].suspended)

    def is_denied(self, patient: str, who: str) -> bool:
        named = {who} | ({self.people[who].organization} if self.people[who].is_staff else set())
        return any((patient, name) in self.denials for name in named)

    def grantees_of(self, patient: str, who: str) -> set[str]:
        """In whose name she may read: her own, her organization's, that of each live team that is not denied."""
        someone = self.people[who]
        names = {who} | ({someone.organization} if someone.is_staff else set())
        for name, team in self.people.items():
            if team.members and who in team.members and self.is_live(name) and not self.is_denied(patient, name):
                names.add(name)
        return names

    def may_write(self, author: str, patient: str, categories: Category, grantee: str, number: int) -> bool:
        """Whether the author may anchor: her own journal, or with leave under this number in this name."""
        if not self.is_live(author) or not categories:
            return False
        if author == patient:
            return self.people[author].is_patient
        if not self.people[author].writes or self.is_denied(patient, author):
            return False
        consent = self.consents.get((patient, grantee, number))
        if grantee not in self.grantees_of(patient, author) or consent is None or consent.terms is None:
            return False
        return consent.is_live(self.now) and consent.terms.may_write and categories in consent.terms.categories

    def grant(self, patient: str, grantee: str, scope: int | bytes, terms: ConsentTerms) -> bool:
        key = (patient, grantee, scope)
        sane = bool(terms.categories) and terms.purposes and terms.not_before < terms.expiry > self.now
        if not sane or not self.is_live(patient) or patient == grantee or key in self.consents:
            return False
        self.consents[key] = Granted(terms)
        return True

    def withdraw(self, patient: str, grantee: str, scope: int | bytes | str) -> bool:
        consent = self.consents.setdefault((patient, grantee, scope), Granted(None)) if self.is_live(patient) else None
        if consent is None or consent.withdrawn_at is not None:
            return False
        consent.withdrawn_at = self.now
        return True

    def deny(self, patient: str, grantee: str, denied: bool) -> bool:
        pair = (patient, grantee)
        if not self.is_live(patient) or patient == grantee or (pair in self.denials) == denied:
            return False
        self.denials ^= {pair}
        return True

    def decide(self, reader: str, digest: bytes, purpose: Purpose, offered: Iterable[Scope]) -> tuple[bool, Reason]:
        """Permitted or denied, and why."""
        someone, record = self.people[reader], self.records[digest]
        if someone.suspended:
            return False, Reason.READER_SUSPENDED
        if not self.is_live(reader):
            return False, Reason.ORGANIZATION_SUSPENDED
        if reader == record.patient:
            return True, Reason.PERMITTED
        if self.is_denied(record.patient, reader):
            return False, Reason.DENIED_BY_PATIENT
        if reader == record.author and not record.categories & self.barred.get(record.patient, Category(0)):
            return True, Reason.PERMITTED
        if record.state in NEVER_COUNTED:
            return False, Reason.NOT_YET_ACCEPTED

        verdicts = [self.weigh(reader, digest, purpose, scope) for scope in offered]
        covered = Category(0)
        for _, categories in verdicts:
            covered |= categories
        if record.categories in covered:
            return True, Reason.PERMITTED
        reasons = {reason for reason, _ in verdicts} - {Reason.PERMITTED}
        if covered:
            reasons.add(Reason.CATEGORY_NOT_COVERED)
        return False, max(reasons, default=Reason.NO_BASIS)

    def weigh(self, reader: str, digest: bytes, purpose: Purpose, offered: Scope) -> tuple[Reason, Category]:
        """What one offered consent is worth: why not, or the record's categories that it covers."""
        _, grantee, scope = offered
        record = self.records[digest]
        nothing = Category(0)
        if grantee not in self.grantees_of(record.patient, reader):
            return Reason.NO_BASIS, nothing
        if isinstance(scope, bytes) and scope != digest:
            return Reason.NO_BASIS, nothing
        consent = self.consents.get((record.patient, grantee, scope))
        if consent is None or consent.terms is None:
            return Reason.NO_BASIS, nothing
        terms = consent.terms
        if consent.withdrawn_at is not None:
            return Reason.CONSENT_WITHDRAWN, nothing
        if self.now >= terms.expiry:
            return Reason.CONSENT_EXPIRED, nothing
        if self.now < terms.not_before:
            return Reason.CONSENT_NOT_YET_LIVE, nothing
        if not any(terms.purposes & granted.bit for granted in purpose.covered_by()):
            return Reason.PURPOSE_NOT_COVERED, nothing
        covered = terms.categories & record.categories
        return (Reason.PERMITTED, covered) if covered else (Reason.CATEGORY_NOT_COVERED, nothing)
