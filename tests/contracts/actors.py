"""The people and organizations that the tests are about, each with a key, and a ledger on which they are registered.

world = World()
world.grant(world.ada, world.doctor)
digest = world.anchor(world.doctor, world.ada)
"""

import itertools
from dataclasses import dataclass, field
from functools import cache

from eth_account import Account
from eth_utils.crypto import keccak

from ledger import eip712
from ledger.acts import Act, Redemption, SignedGrant
from ledger.codes import BasisKind, Category, Purpose, Role
from ledger.merkle import MerkleTree
from ledger.types import (
    AccessRequest,
    Address,
    Basis,
    ConsentTerms,
    HandOut,
    Opening,
    PrescriptionTerms,
    Subject,
    address_of,
    fill_key_leaf,
    scope_number,
)
from tests.contracts.evm import START, Chain, Receipt

DAY = 86_400
DOCUMENT = keccak(text="sealed consent document")
RECORD = keccak(text="sealed dispense record")
LATE = 2**40 - 2
"""A deadline that is never reached."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, or an organization, with the private key of an address."""

    address: Address
    key: bytes = field(repr=False)


@cache
def person(name: str) -> Person:
    """The same person for the same name, in every run."""
    key = keccak(text=name)
    return Person(address_of(Account.from_key(key).address), key)


def terms(
    categories: Category = Category.LABORATORY | Category.MEDICATION,
    *purposes: Purpose,
    not_before: int = START,
    expiry: int = START + 90 * DAY,
    may_write: bool = False,
) -> ConsentTerms:
    """Consent terms; the purpose is treatment unless others are given."""
    mask = 0
    for purpose in purposes or (Purpose.TREAT,):
        mask |= purpose.bit
    return ConsentTerms(categories, mask, not_before, expiry, may_write)


class Prescribed:
    """A prescription together with the fill keys that its patient holds."""

    def __init__(self, prescriber: Person, subject: Subject, allowed: PrescriptionTerms, name: str = "fills") -> None:
        self.keys = [person(f"{name} {fill}") for fill in range(allowed.fills)]
        self.tree = MerkleTree([fill_key_leaf(fill, key.address) for fill, key in enumerate(self.keys)])
        body = keccak(text=f"sealed body of {name}")
        self.opening = Opening(prescriber.address, subject, body, self.tree.root, allowed)
        self.id = self.opening.id()


class World:
    """A consortium, a hospital with a doctor (who prescribes) and a nurse, a laboratory with a technician, two
    pharmacies with a pharmacist each, and two patients, Ada and Ben, whom the hospital registered."""

    def __init__(self, chain_id: int = 1337) -> None:
        self.consortium, self.hospital, self.laboratory = person("consortium"), person("hospital"), person("laboratory")
        self.pharmacy, self.other_pharmacy = person("pharmacy"), person("other pharmacy")
        self.doctor, self.nurse, self.technician = person("doctor"), person("nurse"), person("technician")
        self.pharmacist, self.rival = person("pharmacist"), person("rival")
        self.ada, self.ben, self.stranger = person("ada"), person("ben"), person("stranger")
        self.chain = Chain(consortium=self.consortium.address, chain_id=chain_id)
        self.acts = self.chain.acts
        self._names = itertools.count()
        clinical = Role.PRACTITIONER | Role.PRESCRIBER | Role.EMERGENCY | Role.RESEARCHER
        self.admit(self.hospital, clinical)
        self.admit(self.laboratory, Role.LABORATORY)
        self.admit(self.pharmacy, Role.PHARMACIST)
        self.admit(self.other_pharmacy, Role.PHARMACIST)
        self.register(self.hospital, self.doctor, Role.PRACTITIONER | Role.PRESCRIBER)
        self.register(self.hospital, self.nurse, Role.PRACTITIONER)
        self.register(self.laboratory, self.technician, Role.LABORATORY)
        self.register(self.pharmacy, self.pharmacist, Role.PHARMACIST)
        self.register(self.other_pharmacy, self.rival, Role.PHARMACIST)
        self.register(self.hospital, self.ada, Role.PATIENT)
        self.register(self.hospital, self.ben, Role.PATIENT)

    def everybody(self) -> list[Person]:
        """All who are registered."""
        organizations = [self.consortium, self.hospital, self.laboratory, self.pharmacy, self.other_pharmacy]
        people = [self.doctor, self.nurse, self.technician, self.pharmacist, self.rival]
        return [*organizations, *people, self.ada, self.ben]

    # --- shorthands for acts that many tests begin with

    def admit(self, organization: Person, roles: Role) -> Receipt:
        return self.chain.send(self.consortium.address, self.acts.admit(organization.address, roles))

    def register(self, organization: Person, who: Person, roles: Role) -> Receipt:
        return self.chain.send(organization.address, self.acts.register(who.address, roles))

    def suspend(self, by: Person, who: Address, suspended: bool = True) -> Receipt:
        return self.chain.send(by.address, self.acts.set_suspension(who, suspended))

    def grant(
        self, patient: Person, grantee: Person | Address, what: ConsentTerms | None = None, number: int = 0
    ) -> Receipt:
        """Let the grantee read and write laboratory results and medication for treatment, or grant other terms."""
        to = grantee.address if isinstance(grantee, Person) else grantee
        what = what or terms(may_write=True)
        return self.chain.send(patient.address, self.acts.grant(to, scope_number(number), what, DOCUMENT))

    def deny(self, patient: Person, grantee: Person | Address, denied: bool = True) -> Receipt:
        to = grantee.address if isinstance(grantee, Person) else grantee
        return self.chain.send(patient.address, self.acts.set_denial(to, denied))

    def withdraw(self, patient: Person, grantee: Person | Address, number: int = 0) -> Receipt:
        to = grantee.address if isinstance(grantee, Person) else grantee
        return self.chain.send(patient.address, self.acts.withdraw(to, scope_number(number)))

    def digest(self) -> bytes:
        """A digest that was not used before."""
        return keccak(text=f"envelope {next(self._names)}")

    def anchor(self, author: Person, patient: Person, categories: Category = Category.LABORATORY) -> bytes:
        """Anchor a new record; its digest."""
        digest = self.digest()
        self.chain.send(author.address, self.acts.anchor(digest, Subject(patient.address, categories)))
        return digest

    def open_team(self, organization: Person, number: int, *members: Person) -> Address:
        """A team with members."""
        opened = self.chain.send(organization.address, self.acts.open_team(number))
        team = address_of(opened.output[12:])
        for member in members:
            self.chain.send(organization.address, self.acts.set_membership(team, member.address, True))
        return team

    def request(
        self,
        reader: Person,
        digest: bytes,
        author: Person,
        *,
        patient: Person | None = None,
        categories: Category = Category.LABORATORY,
        purpose: Purpose = Purpose.TREAT,
        at: int = 0,
    ) -> AccessRequest:
        """Somebody asks for one of Ada's records."""
        subject = Subject((patient or self.ada).address, categories)
        return AccessRequest(reader.address, purpose, digest, subject, author.address, at)

    def issue(self, prescription: Prescribed, prescriber: Person | None = None) -> Receipt:
        opening = prescription.opening
        act = self.acts.issue(opening.terms_hash(), opening.subject)
        return self.chain.send((prescriber or self.doctor).address, act)

    def prescribe(self, allowed: PrescriptionTerms | None = None, *, number: int = 0) -> Prescribed:
        """Ada's doctor issues a prescription; the consent that lets her write must stand."""
        subject = Subject(self.ada.address, Category.MEDICATION, consent_number=number)
        allowed = allowed or PrescriptionTerms(2, 30, 60, 7 * DAY, START, START + 60 * DAY, grantable=True)
        made = Prescribed(self.doctor, subject, allowed, f"fills of {next(self._names)}")
        self.issue(made)
        return made

    def redemption(
        self,
        prescription: Prescribed,
        pharmacist: Person,
        *,
        fill: int | None = None,
        fence: int | None = None,
        deadline: int = LATE,
        key: Person | None = None,
        domain: eip712.Domain | None = None,
    ) -> Redemption:
        """What Ada's wallet signs for a pharmacist; as the ledger stands it fits, unless a part is given."""
        state = self.chain.prescription(prescription.id)
        fill = state.claimable_fill() if fill is None else fill
        data = eip712.redemption_data(
            domain or self.chain.domain,
            prescription=prescription.id,
            fill=fill,
            pharmacist=pharmacist.address,
            fence=state.fence + 1 if fence is None else fence,
            deadline=deadline,
        )
        signed = eip712.sign(data, (key or prescription.keys[fill]).key)
        return Redemption(prescription.tree.path(fill), deadline, *signed)

    def dispense(self, prescription: Prescribed, pharmacist: Person, units: int = 30, *, owed: bool = False) -> Receipt:
        """Claim and dispense at the counter, on a presented fill key."""
        redemption = self.redemption(prescription, pharmacist)
        act = self.acts.dispense_presented(prescription.opening, redemption, HandOut(units, owed), RECORD)
        return self.chain.send(pharmacist.address, act)

    def dispense_granted(
        self, prescription: Prescribed, pharmacist: Person, units: int = 30, *, owed: bool = False
    ) -> Receipt:
        """Claim and dispense at the counter, on the consent of patient and prescriber."""
        act = self.acts.dispense_granted(prescription.opening, HandOut(units, owed), RECORD)
        return self.chain.send(pharmacist.address, act)

    def reserve(self, prescription: Prescribed, pharmacist: Person) -> Receipt:
        """Claim on a presented fill key."""
        redemption = self.redemption(prescription, pharmacist)
        return self.chain.send(pharmacist.address, self.acts.reserve_presented(prescription.opening, redemption))

    def signed_grant(
        self,
        patient: Person,
        grantee: Person | Address,
        what: ConsentTerms | None = None,
        *,
        number: int = 0,
        deadline: int = LATE,
        key: Person | None = None,
        domain: eip712.Domain | None = None,
    ) -> SignedGrant:
        """A consent that the patient signed, or that somebody else's key did in her name."""
        to = grantee.address if isinstance(grantee, Person) else grantee
        what = what or terms()
        scope = scope_number(number)
        data = eip712.grant_data(
            domain or self.chain.domain,
            grantee=to,
            scope=scope,
            terms=what,
            document=DOCUMENT,
            deadline=deadline,
        )
        signed = eip712.sign(data, (key or patient).key)
        return SignedGrant(patient.address, to, scope, what, DOCUMENT, deadline, *signed)

    def signed_withdrawal(self, key: Person, domain: eip712.Domain | None = None, deadline: int = LATE) -> Act:
        """Ada's withdrawal of what she granted the doctor, signed by her or with somebody else's key."""
        ada, doctor, domain = self.ada.address, self.doctor.address, domain or self.chain.domain
        data = eip712.withdrawal_data(domain, patient=ada, grantee=doctor, scope=bytes(32), deadline=deadline)
        return self.acts.withdraw_signed(ada, doctor, bytes(32), deadline, *eip712.sign(data, key.key))

    def signed_denial(self, key: Person, domain: eip712.Domain | None = None, deadline: int = LATE) -> Act:
        """Ada's denial of the doctor, signed by her or with somebody else's key."""
        ada, doctor, domain = self.ada.address, self.doctor.address, domain or self.chain.domain
        changes = self.chain.consent(ada, doctor).denials
        data = eip712.denial_data(domain, patient=ada, grantee=doctor, denied=True, changes=changes, deadline=deadline)
        return self.acts.set_denial_signed(ada, doctor, True, deadline, *eip712.sign(data, key.key))


def consent_basis(grantee: Person | Address, number: int = 0) -> Basis:
    """A consent, offered as a basis."""
    to = grantee.address if isinstance(grantee, Person) else grantee
    return Basis(BasisKind.CONSENT, to, scope_number(number))
