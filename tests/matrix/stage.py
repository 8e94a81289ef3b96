"""Settings of the matrix on a real ledger: who is registered, what was granted, what has happened since."""

import itertools
from dataclasses import dataclass, field
from typing import Protocol

from eth_utils.crypto import keccak

from ledger.acts import Act, Acts
from ledger.care import break_glass_basis, delegation_basis
from ledger.codes import BasisKind, Category, EmergencyReason, Power, Purpose, Role
from ledger.types import Address, Basis, ConsentTerms, Subject, scope_number, team_address
from tests.contracts.actors import DOCUMENT, Person, person
from tests.matrix.table import BEGIN, END, GLASS_HOURS, KINDS, ROLES, Setting

POWERS = {
    "delegate": Power.READ,
    "delegate who accepts": Power.READ | Power.ACCEPT,
    "delegate who does not read": Power.GRANT | Power.WITHDRAW | Power.ACCEPT,
}
ALL_ROLES = Role.PRACTITIONER | Role.PRESCRIBER | Role.LABORATORY | Role.PHARMACIST | Role.EMERGENCY | Role.RESEARCHER
ALL_ROLES |= Role.PAYER | Role.AUDITOR | Role.CUSTODIAN
WRITING = 7
"""Number of the consent that lets the author of a corrected record write; the others' were accepted by the patient."""


class Land(Protocol):
    """A chain with a ledger on it that takes acts of anybody."""

    acts: Acts
    consortium: Person
    hospital: Person
    """Registers the patients."""

    def send(self, by: Person, act: Act) -> None: ...


@dataclass(slots=True)
class Scene:
    """The people and the record of one setting; everybody in it is in no other."""

    setting: Setting
    patient: Person
    reader: Person
    author: Person
    organization: Person
    team: Address
    digest: bytes = field(default=b"")

    @property
    def subject(self) -> Subject:
        return Subject(self.patient.address, mask(KINDS[self.setting.kind][0]))

    def offered(self) -> list[Basis]:
        """What the reader says gives her access, rightly or not."""
        relation = self.setting.relation
        if relation in POWERS:
            return [delegation_basis(self.reader.address)]
        if relation == "break-glass":
            return [break_glass_basis(self.reader.address)]
        return [Basis(BasisKind.CONSENT, self.grantee(), scope) for scope in self.scopes()]

    def grantee(self) -> Address:
        """To whom consents are granted."""
        named = {"organization": self.organization.address, "team": self.team}
        return named.get(self.setting.relation, self.reader.address)

    def scopes(self) -> list[bytes]:
        """Of the consents that the patient granted."""
        match self.setting.relation:
            case "consent" | "organization" | "team":
                return [scope_number(0)]
            case "two consents":
                return [scope_number(0), scope_number(1)]
            case "one record":
                return [self.digest]
        return []


def mask(names: set[str]) -> Category:
    return Category.parse(",".join(sorted(names)))


_numbers = itertools.count()


def begin(land: Land, setting: Setting, origin: int) -> Scene:
    """Register everybody, write the record, and grant the consents, which begin at `origin + BEGIN`."""
    name = f"{next(_numbers)}"
    acts, reader, patient = land.acts, person(f"reader {name}"), person(f"patient {name}")
    organization = person(f"organization {name}")
    author = reader if setting.relation == "author" else person(f"author {name}")
    patient = reader if setting.relation == "herself" else patient
    team = team_address(organization.address, 1)
    scene = Scene(setting, patient, reader, author, organization, team, keccak(text=f"record {name}"))

    land.send(land.consortium, acts.admit(organization.address, ALL_ROLES))
    if ROLES[setting.role]:
        roles = Role.parse(",".join(ROLES[setting.role]))
        land.send(organization, acts.register(reader.address, roles))
    if patient is not reader:
        land.send(land.hospital, acts.register(patient.address, Role.PATIENT))
    if author is not reader:
        land.send(organization, acts.register(author.address, Role.LABORATORY))
    if setting.relation == "team":
        land.send(organization, acts.open_team(1))
        land.send(organization, acts.set_membership(team, reader.address, True))
    _write(land, scene, origin)
    _grant(land, scene, origin)
    return scene


def _write(land: Land, scene: Scene, origin: int) -> None:
    """The record, and what has become of it."""
    acts, subject, state = land.acts, scene.subject, scene.setting.state
    numbered = Subject(subject.patient, subject.categories, WRITING)
    if state == "not anchored":
        return
    if state == "superseded" and scene.author is not scene.patient:
        terms = ConsentTerms(subject.categories, Purpose.PUBHLTH.bit, 0, origin + END * 100, may_write=True)
        land.send(scene.patient, acts.grant(scene.author.address, scope_number(WRITING), terms, DOCUMENT))
    if scene.author is scene.patient or state == "superseded":
        land.send(scene.author, acts.anchor(scene.digest, numbered))
    else:
        land.send(scene.author, acts.propose(scene.digest, subject))
        if state not in ("proposed", "taken back"):
            accepted = state != "turned down"
            land.send(scene.patient, acts.answer(scene.digest, subject, scene.author.address, accepted))
    if state == "superseded":
        newer = keccak(text=f"correction of {scene.digest.hex()}")
        land.send(scene.author, acts.supersede(scene.digest, newer, numbered))
    elif state in ("retracted", "taken back"):
        land.send(scene.author, acts.retract(scene.digest, subject))


def _grant(land: Land, scene: Scene, origin: int) -> None:
    granted = mask(KINDS[scene.setting.kind][1])
    for categories, scope in zip((granted, Category.GENETICS), scene.scopes(), strict=False):
        terms = ConsentTerms(categories, Purpose.TREAT.bit, origin + BEGIN, origin + END)
        land.send(scene.patient, land.acts.grant(scene.grantee(), scope, terms, DOCUMENT))


def entrust(land: Land, scene: Scene, origin: int) -> None:
    """Name the delegate, or break the glass: both begin when they are done."""
    setting = scene.setting
    granted = mask(KINDS[setting.kind][1])
    preferences = land.acts.set_preferences(
        emergency=granted,
        barred_authors=scene.subject.categories if setting.state == "authors barred" else Category(0),
        over_denials=setting.state == "denied, but not in an emergency",
    )
    land.send(scene.patient, preferences)
    if setting.relation in POWERS:
        powers = POWERS[setting.relation]
        act = land.acts.set_delegation(scene.reader.address, powers=powers, categories=granted, until=origin + END)
        land.send(scene.patient, act)
    elif setting.relation == "break-glass" and setting.role == "emergency":
        reason = EmergencyReason.UNRESPONSIVE
        act = land.acts.break_glass(scene.patient.address, reason, hours=GLASS_HOURS, correlation=bytes(32))
        land.send(scene.reader, act)


def change(land: Land, scene: Scene) -> None:
    """What happened to the people since."""
    acts, state = land.acts, scene.setting.state
    match state:
        case "reader suspended" if scene.setting.role != "nobody":
            land.send(scene.organization, acts.set_suspension(scene.reader.address, True))
        case "organization suspended":
            land.send(land.consortium, acts.set_suspension(scene.organization.address, True))
        case "reader denied" | "denied, but not in an emergency" if scene.patient is not scene.reader:
            land.send(scene.patient, acts.set_denial(scene.reader.address, True))
        case "organization denied":
            land.send(scene.patient, acts.set_denial(scene.organization.address, True))
        case "team denied":
            land.send(scene.patient, acts.set_denial(scene.team, True))
        case "team suspended":
            land.send(scene.organization, acts.set_suspension(scene.team, True))
        case "left the team":
            land.send(scene.organization, acts.set_membership(scene.team, scene.reader.address, False))


def take_back(land: Land, scene: Scene) -> None:
    """The patient withdraws what she granted, or ends the delegation."""
    if scene.setting.relation in POWERS:
        land.send(scene.patient, land.acts.end_delegation(scene.reader.address))
    for scope in scene.scopes():
        land.send(scene.patient, land.acts.withdraw(scene.grantee(), scope))
