"""The rows of the matrix: every role, in every relation to a patient, to every kind of record, in every state, at every
time, for every purpose. `facts` puts a row into the words of the reference; a stage puts it on a real ledger.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from tests.matrix.reference import Basis, Patient, Reader, Record, decide

ROLES = {
    "practitioner": {"practitioner"},
    "laboratory": {"laboratory"},
    "pharmacist": {"pharmacist"},
    "emergency": {"emergency", "practitioner"},
    "researcher": {"researcher"},
    "payer": {"payer"},
    "custodian": {"custodian"},
    "auditor": {"auditor"},
    "patient": {"patient"},
    "nobody": set[str](),
}
"""Who asks. A patient here is another one, such as a caregiver; nobody is not registered."""

TELLING_ROLES = ["practitioner", "emergency", "auditor", "patient", "nobody"]
"""Roles that are tried in every state; the others, which read as a practitioner does, in the first state only."""

RELATIONS = [
    "stranger",
    "herself",
    "author",
    "consent",
    "two consents",
    "one record",
    "organization",
    "team",
    "delegate",
    "delegate who accepts",
    "delegate who does not read",
    "break-glass",
]
"""What binds the reader to the patient. Two consents cover a part each."""

KINDS: dict[str, tuple[set[str], set[str]]] = {
    "covered": ({"laboratory"}, {"laboratory", "medication"}),
    "not covered": ({"imaging"}, {"laboratory", "medication"}),
    "sensitive, named": ({"genetics"}, {"genetics"}),
    "sensitive, not named": ({"genetics"}, {"laboratory", "medication", "imaging"}),
    "partly sensitive": ({"laboratory", "genetics"}, {"laboratory", "medication"}),
}
"""The record's categories, and those that the patient let the reader have."""

STATES = [
    "as granted",
    "reader suspended",
    "organization suspended",
    "reader denied",
    "organization denied",
    "denied, but not in an emergency",
    "team denied",
    "team suspended",
    "left the team",
    "authors barred",
    "proposed",
    "turned down",
    "taken back",
    "superseded",
    "retracted",
    "not anchored",
]

TIMES = ["the second before", "from its first second", "to its last second", "at its end", "withdrawn this second"]
PURPOSES = ["TREAT", "CAREMGT", "ETREAT", "HRESCH", "FAMRQT", "PATRQT", "BTG", "unknown"]
"""What the reader states; consents are for TREAT."""

BEGIN, END, WITHDRAWN = 1_000, 90_000, 2_000
"""Seconds on the matrix's own clock; `DELEGATED` is when delegations are made and the glass is broken."""
DELEGATED = 500
GLASS_HOURS = 3


@dataclass(frozen=True, slots=True)
class Setting:
    """What a ledger is set up for: all of a row but when and for which purpose."""

    role: str
    relation: str
    kind: str
    state: str

    @property
    def is_timed(self) -> bool:
        """Rests on something that begins and ends."""
        return self.relation not in ("stranger", "herself", "author")

    @property
    def is_possible(self) -> bool:
        """Somebody unregistered is nothing; only people in a profession write, are in teams, have an organization."""
        works = self.role not in ("patient", "nobody")
        if self.state in ("team denied", "team suspended", "left the team") and self.relation != "team":
            return False
        if self.state in ("organization suspended", "organization denied") and self.role == "nobody":
            return False
        match self.relation:
            case "herself":
                return self.role == "patient" and self.kind == "covered"
            case "author":
                return self.role in ("practitioner", "emergency", "laboratory") and self.state != "not anchored"
            case "team":
                return works
            case "one record":
                return self.kind != "not covered"
            case "delegate" | "delegate who accepts" | "delegate who does not read":
                return self.role != "nobody"
        return True


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a setting, a purpose, a time, and with them one verdict."""

    setting: Setting
    purpose: str
    time: str

    def verdict(self) -> str:
        """`permitted`, or the reason why not, after the reference."""
        reader, patient, record, bases = facts(self.setting)
        if self.time == "withdrawn this second":
            bases = [replace_withdrawn(basis) for basis in bases]
        return decide(reader, patient, record, bases, self.purpose, when(self.setting, self.time))


def replace_withdrawn(basis: Basis) -> Basis:
    """The same basis once the patient has taken it back. A broken glass is nothing that she can take back."""
    return basis if basis.kind == "break-glass" else replace(basis, withdrawn=WITHDRAWN)


def period(setting: Setting) -> tuple[int, int]:
    """From when to when what the reader has is live."""
    if setting.relation == "break-glass":
        return DELEGATED, DELEGATED + GLASS_HOURS * 3_600
    return (DELEGATED if setting.relation.startswith("delegate") else BEGIN), END


def when(setting: Setting, time: str) -> int:
    """The second that a time means in this setting."""
    begin, end = period(setting)
    return dict(zip(TIMES, (begin - 1, begin, end - 1, end, WITHDRAWN), strict=True))[time]


def settings(roles: list[str] | None = None) -> Iterator[Setting]:
    """Every setting that can be."""
    for role, relation, kind, state in product(roles or ROLES, RELATIONS, KINDS, STATES):
        setting = Setting(role, relation, kind, state)
        if setting.is_possible and (role in TELLING_ROLES or state == STATES[0]):
            yield setting


def rows(setting: Setting) -> Iterator[Row]:
    """A setting's rows, in the order in which the patient can live through them: a withdrawal comes last."""
    times = TIMES if setting.is_timed else TIMES[1:2]
    for time, purpose in product(times, PURPOSES):
        yield Row(setting, purpose, time)


def facts(setting: Setting) -> tuple[Reader, Patient, Record, list[Basis]]:
    """The setting in the words of the reference, before any withdrawal."""
    categories, granted = KINDS[setting.kind]
    state = setting.state
    reader = Reader("reader", set(ROLES[setting.role]), "organization")
    reader.suspended = state == "reader suspended"
    reader.organization_suspended = state == "organization suspended"
    if setting.relation == "team" and state not in ("team suspended", "left the team", "organization suspended"):
        reader.teams = {"team"}
    patient = Patient("reader" if setting.relation == "herself" else "patient", emergency=set(granted))
    if state in ("reader denied", "denied, but not in an emergency"):
        patient.denied = {"reader"}
    elif state in ("organization denied", "team denied"):
        patient.denied = {state.removesuffix(" denied")}
    patient.over_denials = state == "denied, but not in an emergency"
    patient.barred = set(categories) if state == "authors barred" else set()
    states = {"not anchored": "none", "turned down": "turned-down", "taken back": "taken-back"}
    known = state in ("proposed", "superseded", "retracted")
    record = Record(
        "reader" if setting.relation == "author" else "author",
        set(categories),
        states.get(state, state if known else "anchored"),
    )
    return reader, patient, record, _bases(setting)


def _bases(setting: Setting) -> list[Basis]:
    begin, end = period(setting)
    granted = KINDS[setting.kind][1]
    grantee = setting.relation if setting.relation in ("organization", "team") else "reader"
    consent = Basis("consent", grantee, begin, end, set(granted), {"TREAT"})
    delegation = Basis("delegation", "reader", begin, end, set(granted), powers={"read"})
    match setting.relation:
        case "consent" | "organization" | "team" | "one record":
            return [consent]
        case "two consents":
            return [consent, replace(consent, categories={"genetics"})]
        case "delegate":
            return [delegation]
        case "delegate who accepts":
            return [replace(delegation, powers={"read", "accept"})]
        case "delegate who does not read":
            return [replace(delegation, powers={"grant", "withdraw", "accept"})]
        case "break-glass" if setting.role == "emergency":
            return [Basis("break-glass", "reader", begin, end)]
    return []
