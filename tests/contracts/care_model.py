"""Who may act for whom, and what an emergency opens, after the rules as they are written for people.

Beside consents a reader may say "I am her delegate" (`DELEGATION`) or "I broke the glass" (`GLASS`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ledger.codes import ORDINARY, Category, Power, Purpose, Reason
from ledger.types import ConsentTerms
from tests.contracts.consent_model import NEVER_COUNTED, Model, Scope, Someone

DELEGATION, GLASS = "delegation", "glass"
TWO_YEARS = 2 * 365 * 86_400
FAMILY = (Purpose.FAMRQT, Purpose.PWATRNY)
EMERGENCY = (Purpose.ETREAT, Purpose.BTG)


@dataclass(frozen=True, slots=True)
class Delegated:
    """What one person may do for one patient."""

    powers: Power
    categories: Category
    until: int


@dataclass(slots=True)
class Broken:
    """One clinician's openings over one patient."""

    opened_at: int
    until: int
    count: int
    repeated: bool
    reviewed: set[int] = field(default_factory=set)


@dataclass(slots=True)
class CareModel(Model):
    """All that decides, with delegates and emergencies."""

    emergency_staff: set[str] = field(default_factory=set)
    auditors: set[str] = field(default_factory=set)
    delegations: dict[tuple[str, str], Delegated | None] = field(default_factory=dict)
    """None: ended."""
    glass: dict[tuple[str, str], Broken] = field(default_factory=dict)
    preferred: dict[str, Category] = field(default_factory=dict)
    over_denials: set[str] = field(default_factory=set)

    def is_person(self, who: str) -> bool:
        someone = self.people[who]
        return someone.members is None and (someone.organization != who or not someone.is_staff)

    # --- delegates

    def delegate(self, patient: str, delegate: str, what: Delegated) -> bool:
        """Whether a patient may delegate this; then it is so."""
        sane = (
            bool(what.powers and what.categories)
            and Power.CLAIM not in what.powers
            and self.now < what.until <= self.now + TWO_YEARS
        )
        allowed = self.may_order(patient) and sane and self.is_person(delegate) and patient != delegate
        if allowed:
            self.delegations[patient, delegate] = what
        return allowed

    def end(self, patient: str, delegate: str, by: str) -> bool:
        """Whether it may be ended by the patient, or given up by the delegate; then it is over."""
        may = self.may_order(by) if by == patient else self.is_live(by)
        if not may or self.delegations.get((patient, delegate)) is None:
            return False
        self.delegations[patient, delegate] = None
        return True

    def may_order(self, who: str) -> bool:
        """Acts of a patient about herself: her own suspension alone counts, not her hospital's."""
        return self.people[who].is_patient and not self.people[who].suspended

    def may_for(self, delegate: str, patient: str, power: Power, categories: Category, about: str) -> bool:
        """Whether a delegate may do something for a patient that is about these categories and somebody."""
        what = self.delegations.get((patient, delegate))
        if what is None or self.now >= what.until or not self.is_live(delegate) or self.is_denied(patient, delegate):
            return False
        someone = self.people[delegate]
        teams = {name for name, team in self.people.items() if team.members and delegate in team.members}
        himself = {delegate, *teams} | ({someone.organization} if someone.is_staff else set())
        return power in what.powers and categories in what.categories and about not in himself

    def grant_for(self, delegate: str, patient: str, grantee: str, scope: int | bytes, terms: ConsentTerms) -> bool:
        if not self.may_for(delegate, patient, Power.GRANT, terms.categories, grantee):
            return False
        what = self.delegations[patient, delegate]
        if what is None or terms.expiry > what.until or not self.may_order(patient):
            return False
        return self.grant(patient, grantee, scope, terms)

    def withdraw_for(self, delegate: str, patient: str, grantee: str, scope: int | bytes | str) -> bool:
        consent = self.consents.get((patient, grantee, scope))
        if consent is None or consent.terms is None or not self.may_order(patient):
            return False
        may = self.may_for(delegate, patient, Power.WITHDRAW, consent.terms.categories, grantee)
        return may and self.withdraw(patient, grantee, scope)

    def deny_for(self, delegate: str, patient: str, grantee: str) -> bool:
        may = self.may_for(delegate, patient, Power.WITHDRAW, Category(0xFFFF), grantee) and self.may_order(patient)
        return may and self.deny(patient, grantee, True)

    # --- emergencies

    def break_glass(self, clinician: str, patient: str, hours: int) -> bool:
        if not self.is_live(clinician) or clinician not in self.emergency_staff or clinician == patient:
            return False
        before = self.glass.get((patient, clinician))
        if not self.people[patient].is_patient or not 1 <= hours <= 24 or (before and self.now < before.until):
            return False
        repeated = before is not None and self.now < before.opened_at + 7 * 86_400
        count, reviewed = (before.count, before.reviewed) if before else (0, set())
        self.glass[patient, clinician] = Broken(self.now, self.now + hours * 3_600, count + 1, repeated, reviewed)
        return True

    def review(self, auditor: str, patient: str, clinician: str, number: int) -> bool:
        broken = self.glass.get((patient, clinician))
        if not self.is_live(auditor) or auditor not in self.auditors or auditor in (patient, clinician):
            return False
        if broken is None or not 1 <= number <= broken.count or number in broken.reviewed:
            return False
        if number == broken.count and self.now < broken.until:
            return False
        broken.reviewed.add(number)
        return True

    # --- decisions

    def decide(self, reader: str, digest: bytes, purpose: Purpose, offered: Iterable[Scope]) -> tuple[bool, Reason]:
        """Permitted or denied, and why."""
        record, offered = self.records[digest], list(offered)
        if self.is_live(reader) and reader in self.auditors:
            return False, Reason.AUDITORS_READ_NO_RECORDS
        if not self.is_live(reader) or reader == record.patient:
            return super(CareModel, self).decide(reader, digest, purpose, offered)
        accepted = record.state not in NEVER_COUNTED
        opened = Category(0)
        if accepted and any(scope[1:] == (reader, GLASS) for scope in offered):
            opened = self.weigh(reader, digest, purpose, (record.patient, reader, GLASS))[1]
        if self.is_denied(record.patient, reader):
            above = record.patient in self.over_denials and bool(opened) and record.categories in opened
            return (True, Reason.PERMITTED) if above else (False, Reason.DENIED_BY_PATIENT)
        if reader == record.author and not record.categories & self.barred.get(record.patient, Category(0)):
            return True, Reason.PERMITTED
        if not accepted:
            what = self.delegations.get((record.patient, reader))
            said = any(scope[1:] == (reader, DELEGATION) for scope in offered)
            may = said and what is not None and Power.READ | Power.ACCEPT in what.powers and purpose in FAMILY
            if may and what is not None and self.now < what.until and record.categories in what.categories:
                return True, Reason.PERMITTED
            return False, Reason.NOT_YET_ACCEPTED
        return super(CareModel, self).decide(reader, digest, purpose, offered)

    def weigh(self, reader: str, digest: bytes, purpose: Purpose, offered: Scope) -> tuple[Reason, Category]:
        """What one thing that the reader says is worth: why not, or the record's categories that it covers."""
        _, grantee, scope = offered
        record, nothing = self.records[digest], Category(0)
        if scope == DELEGATION:
            if grantee != reader or (record.patient, reader) not in self.delegations:
                return Reason.NO_BASIS, nothing
            what = self.delegations[record.patient, reader]
            if what is None or self.now >= what.until:
                return Reason.DELEGATION_OVER, nothing
            if Power.READ not in what.powers:
                return Reason.NO_BASIS, nothing
            return self._covered(purpose in FAMILY, what.categories & record.categories)
        if scope == GLASS:
            broken = self.glass.get((record.patient, reader))
            if grantee != reader or broken is None or reader not in self.emergency_staff:
                return Reason.NO_BASIS, nothing
            if self.now >= broken.until:
                return Reason.BREAK_GLASS_OVER, nothing
            preferred = self.preferred.get(record.patient, ORDINARY)
            return self._covered(purpose in EMERGENCY, preferred & record.categories)
        return super(CareModel, self).weigh(reader, digest, purpose, offered)

    def _covered(self, for_this_purpose: bool, categories: Category) -> tuple[Reason, Category]:
        if not for_this_purpose:
            return Reason.PURPOSE_NOT_COVERED, Category(0)
        return (Reason.PERMITTED if categories else Reason.CATEGORY_NOT_COVERED), categories


def newcomers() -> dict[str, Someone]:
    """Who comes in with care: two emergency doctors (one is an organization's patient as well), carers, an auditor."""
    return {
        "carer": Someone("hospital", is_patient=True),
        "neighbour": Someone("hospital", is_patient=True),
        "medic": Someone("hospital", is_staff=True, writes=True),
        "second_medic": Someone("hospital", is_staff=True, writes=True),
    }
