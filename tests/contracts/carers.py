"""Who comes in with care, beside the people of `actors`: a carer, an emergency doctor, an auditor.

world = CareWorld()
world.delegate(world.ada, world.carer, Power.GRANT)
world.send(world.carer, world.acts.grant_for(world.ada.address, ...))
"""

from eth_utils.crypto import keccak

from ledger import eip712
from ledger.acts import Act
from ledger.care import Question, delegation_basis
from ledger.codes import Category, EmergencyReason, Power, Purpose, ReviewOutcome, Role
from ledger.eip712 import Domain
from ledger.types import ConsentTerms, Decision, scope_number
from tests.contracts.actors import DAY, DOCUMENT, LATE, Person, World, person, terms
from tests.contracts.evm import START, Receipt

LAB = Category.LABORATORY
BOTH = Category.LABORATORY | Category.MEDICATION
ALL = Category(0xFFFF)
UNTIL = START + 90 * DAY
CORRELATION = keccak(text="correlation id of an activity")
REPORT = keccak(text="sealed report of an auditor")


class CareWorld(World):
    """With a carer and a neighbour, patients of the hospital too, two emergency doctors of its, and an auditor of
    an authority's."""

    def __init__(self, chain_id: int = 1337) -> None:
        super().__init__(chain_id)
        self.carer, self.neighbour = person("carer"), person("neighbour")
        self.medic, self.second_medic = person("medic"), person("second medic")
        self.authority, self.auditor = person("authority"), person("auditor of the authority")
        self.admit(self.authority, Role.AUDITOR)
        self.register(self.authority, self.auditor, Role.AUDITOR)
        for medic in (self.medic, self.second_medic):
            self.register(self.hospital, medic, Role.EMERGENCY)
        for relative in (self.carer, self.neighbour):
            self.register(self.hospital, relative, Role.PATIENT)

    def everybody(self) -> list[Person]:
        """All who are registered."""
        relatives, medics = [self.carer, self.neighbour], [self.medic, self.second_medic]
        return [*super().everybody(), *relatives, *medics, self.authority, self.auditor]

    def send(self, sender: Person, act: Act) -> Receipt:
        return self.chain.send(sender.address, act)

    def delegate(
        self,
        patient: Person,
        delegate: Person,
        powers: Power,
        categories: Category = BOTH,
        until: int = UNTIL,
    ) -> Receipt:
        """A patient lets somebody act for her, for laboratory results and medication unless others are given."""
        return self.send(
            patient, self.acts.set_delegation(delegate.address, powers=powers, categories=categories, until=until)
        )

    def end(self, patient: Person, delegate: Person) -> Receipt:
        return self.send(patient, self.acts.end_delegation(delegate.address))

    def grant_for(
        self,
        delegate: Person,
        patient: Person,
        grantee: Person,
        what: ConsentTerms | None = None,
        number: int = 0,
    ) -> Receipt:
        """A delegate grants: laboratory results for treatment, for 30 days."""
        what = what or terms(LAB, expiry=START + 30 * DAY)
        act = self.acts.grant_for(patient.address, grantee.address, scope_number(number), what, DOCUMENT)
        return self.send(delegate, act)

    def read_as_delegate(
        self,
        delegate: Person,
        record: bytes,
        *,
        author: Person,
        categories: Category = LAB,
        purpose: Purpose = Purpose.FAMRQT,
        at: int = 0,
    ) -> Decision:
        """A delegate asks for one of Ada's records."""
        request = self.request(delegate, record, author, categories=categories, purpose=purpose, at=at)
        return self.chain.decide(request, [delegation_basis(delegate.address)])

    def question(self, asker: Person, what: ConsentTerms | None = None, *, text: str = "because") -> Question:
        """What somebody would ask Ada for: reading and writing both categories, to be treated, for 90 days."""
        what = what or terms(may_write=True)
        return Question(asker.address, self.ada.address, what, keccak(text=text))

    def ask(self, asker: Person, what: ConsentTerms | None = None, *, text: str = "because") -> Question:
        """Somebody asks Ada."""
        question = self.question(asker, what, text=text)
        self.send(asker, self.acts.ask(question))
        return question

    def break_glass(
        self, medic: Person, hours: int = 4, reason: EmergencyReason = EmergencyReason.UNRESPONSIVE
    ) -> Receipt:
        """An emergency doctor breaks the glass over Ada."""
        return self.send(medic, self.acts.break_glass(self.ada.address, reason, hours=hours, correlation=CORRELATION))

    def review(
        self,
        auditor: Person,
        medic: Person,
        number: int = 1,
        outcome: ReviewOutcome = ReviewOutcome.JUSTIFIED,
        patient: Person | None = None,
    ) -> Receipt:
        over = (patient or self.ada).address
        return self.send(auditor, self.acts.review_break_glass(over, medic.address, number, outcome, REPORT))

    def signed_delegation(
        self,
        key: Person,
        domain: Domain | None = None,
        deadline: int = LATE,
        powers: Power = Power.READ,
        categories: Category = LAB,
        until: int = UNTIL,
    ) -> Act:
        """Ada's delegation to the carer, signed by her or with somebody else's key."""
        ada, carer = self.ada.address, self.carer.address
        changes = self.chain.view("delegationOf", ada, carer) >> 104 & 0xFFFF
        data = eip712.delegation_data(
            domain or self.chain.domain,
            patient=ada,
            delegate=carer,
            powers=powers,
            categories=categories,
            until=until,
            changes=changes,
            deadline=deadline,
        )
        r, vs = eip712.sign(data, key.key)
        return self.acts.set_delegation_signed(
            ada, carer, powers=powers, categories=categories, until=until, deadline=deadline, r=r, vs=vs
        )
