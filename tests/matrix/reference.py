"""Who may open what, once more: the rules as they are written for people, in plain Python that shares no code with the
ledger. Every row of the matrix must come out here as it does from the contract and from the gateway.

Default deny. A denial beats every basis but a broken glass, and that too unless the patient said otherwise. Of several
bases the union of what they cover counts, never their order.
"""

from dataclasses import dataclass, field

PURPOSES = "TREAT ETREAT CAREMGT HPAYMT COVERAGE HOPERAT HRESCH CLINTRCH PUBHLTH PATRQT FAMRQT PWATRNY BTG"
COVERED_BY = {"CAREMGT": {"CAREMGT", "TREAT"}, "COVERAGE": {"COVERAGE", "HPAYMT"}, "BTG": set[str]()}
"""The granted purposes that cover a stated one, where they are not just itself."""
EMERGENCY_PURPOSES = {"BTG", "ETREAT"}
DELEGATE_PURPOSES = {"FAMRQT", "PWATRNY"}
TELLING = (
    "no_basis purpose_not_covered category_not_covered consent_not_yet_live consent_expired consent_withdrawn "
    "presentation_invalid delegation_over break_glass_over"
)
"""Reasons why a basis does not help, from the least to the most telling: of several the last one is given."""


@dataclass(slots=True)
class Reader:
    """Who asks."""

    name: str
    roles: set[str]
    """Empty: not registered."""
    organization: str
    teams: set[str] = field(default_factory=set)
    """Those that she is a member of and that work: neither suspended nor of a suspended organization."""
    suspended: bool = False
    organization_suspended: bool = False

    @property
    def is_staff(self) -> bool:
        """A patient is nobody's staff, not even the hospital's that registered her."""
        return bool(self.roles - {"patient"})


@dataclass(slots=True)
class Patient:
    """What the patient has said once and for all."""

    name: str
    denied: set[str] = field(default_factory=set)
    """People, organizations and teams."""
    barred: set[str] = field(default_factory=set)
    """Categories that their authors may no longer read."""
    emergency: set[str] = field(default_factory=set)
    """Categories that a broken glass may open."""
    over_denials: bool = False
    """A broken glass counts even for whom she denies."""


@dataclass(slots=True)
class Record:
    """What is asked for."""

    author: str
    categories: set[str]
    state: str = "anchored"
    """none, proposed, turned-down, taken-back, anchored, superseded or retracted."""


@dataclass(slots=True)
class Basis:
    """A consent, a delegation or a broken glass: live from `start` on, no longer at `end`."""

    kind: str
    grantee: str
    """Person, organization or team; the delegate; the clinician."""
    start: int
    end: int
    categories: set[str] = field(default_factory=set)
    purposes: set[str] = field(default_factory=set)
    withdrawn: int | None = None
    powers: set[str] = field(default_factory=set)
    """Of a delegation."""


def decide(reader: Reader, patient: Patient, record: Record, bases: list[Basis], purpose: str, time: int) -> str:
    """`permitted`, or the reason why not."""
    if not reader.roles:
        return "reader_not_registered"
    if reader.suspended:
        return "reader_suspended"
    if reader.is_staff and reader.organization_suspended:
        return "organization_suspended"
    if "auditor" in reader.roles:
        return "auditors_read_no_records"
    if record.state == "none":
        return "record_not_anchored"
    own = reader.name == patient.name
    named = {reader.name, reader.organization} if reader.is_staff else {reader.name}
    denied = not own and bool(patient.denied & named)
    if purpose not in PURPOSES.split():
        return "denied_by_patient" if denied else "purpose_unknown"
    if own or (reader.name == record.author and not denied and not record.categories & patient.barred):
        return "permitted"

    accepted = record.state not in ("proposed", "turned-down", "taken-back")
    if denied:
        bases = [basis for basis in bases if basis.kind == "break-glass" and accepted and patient.over_denials]
    elif not accepted:
        bases = [basis for basis in bases if basis.kind == "delegation" and "accept" in basis.powers]
    verdict = _weigh_all(reader, patient, record, bases, purpose, time)
    if verdict == "permitted":
        return verdict
    return "denied_by_patient" if denied else verdict if accepted else "not_yet_accepted"


def _weigh_all(reader: Reader, patient: Patient, record: Record, bases: list[Basis], purpose: str, time: int) -> str:
    names = {reader.name} | (reader.teams - patient.denied) | ({reader.organization} if reader.is_staff else set())
    covered, reasons = set[str](), {"no_basis"}
    for basis in bases:
        if basis.grantee not in names:
            continue
        categories = patient.emergency if basis.kind == "break-glass" else basis.categories
        reason = _why_not(basis, reader, purpose, time)
        if reason is None and not categories & record.categories:
            reason = "category_not_covered"
        if reason is None:
            covered |= categories & record.categories
        else:
            reasons.add(reason)
    if covered == record.categories:
        return "permitted"
    return max(reasons | ({"category_not_covered"} if covered else set()), key=TELLING.index)


def _why_not(basis: Basis, reader: Reader, purpose: str, time: int) -> str | None:
    live = basis.start <= time < basis.end and (basis.withdrawn is None or time < basis.withdrawn)
    if basis.kind == "break-glass":
        if "emergency" not in reader.roles:
            return "no_basis"
        return "break_glass_over" if not live else None if purpose in EMERGENCY_PURPOSES else "purpose_not_covered"
    if basis.kind == "delegation":
        if not live:
            return "delegation_over"
        fits = "purpose_not_covered" if purpose not in DELEGATE_PURPOSES else None
        return fits if "read" in basis.powers else "no_basis"
    if not live:
        ended = "consent_expired" if time >= basis.end else "consent_not_yet_live"
        return "consent_withdrawn" if basis.withdrawn is not None and time >= basis.withdrawn else ended
    return None if basis.purposes & COVERED_BY.get(purpose, {purpose}) else "purpose_not_covered"
