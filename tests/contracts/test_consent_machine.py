"""Consents, withdrawals, denials, teams, suspensions and time in any order, with every decision checked on the model.

What must be true of every permit is said once more in `holds`, without the model's way of deciding.
"""

import random
from collections.abc import Callable

import pytest
from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger.acts import Act
from ledger.codes import BasisKind, Category, Purpose, Role
from ledger.errors import ContractRejected
from ledger.types import Address, Basis, ConsentTerms, Decision, Subject, scope_number
from tests.contracts.actors import DOCUMENT, Person, World, person
from tests.contracts.consent_model import Model, Scope, Someone, Written, ended
from tests.contracts.evm import START
from tests.contracts.fuzz import fuzz_settings

PATIENTS = ["ada", "ben"]
STAFF = ["doctor", "nurse", "technician", "hospital", "laboratory", "both"]
TEAMS = ["ward", "round"]
READERS = [*STAFF, *PATIENTS]
GRANTEES = [*READERS, *TEAMS]
MEMBERS = ["doctor", "nurse", "technician", "both", "ben"]
CATEGORIES = [Category.LABORATORY, Category.MEDICATION, Category.GENETICS]
PURPOSES = [Purpose.TREAT] * 4 + [Purpose.CAREMGT, Purpose.HRESCH, Purpose.ETREAT, Purpose.BTG]


class Consents(RuleBasedStateMachine):
    """Ada and Ben, a hospital, a laboratory, their people, one who is doctor and patient both, and two teams.

    What is drawn for a step, with its number, decides all of it: so the steps are spread as `likely` says.
    """

    staff = STAFF
    readers = READERS
    grantees = GRANTEES
    purposes = PURPOSES

    @initialize(draw=st.binary(min_size=8, max_size=8))
    def begin(self, draw: bytes) -> None:
        self.chance = random.Random(draw)
        self.steps = 0
        self.world = self.new_world()
        both = person("doctor and patient")
        self.world.register(self.world.hospital, both, Role.PRACTITIONER | Role.PATIENT)
        self.keys: dict[str, Person] = {name: getattr(self.world, name) for name in [*STAFF[:-1], *PATIENTS]}
        self.keys["both"] = both
        self.addresses: dict[str, Address] = {name: key.address for name, key in self.keys.items()}
        self.addresses["ward"] = self.world.open_team(self.world.hospital, 1)
        self.addresses["round"] = self.world.open_team(self.world.laboratory, 2)
        self.model = self.new_model(
            {
                "hospital": Someone("hospital", is_staff=True, writes=True),
                "laboratory": Someone("laboratory", is_staff=True, writes=True),
                "doctor": Someone("hospital", is_staff=True, writes=True),
                "nurse": Someone("hospital", is_staff=True, writes=True),
                "technician": Someone("laboratory", is_staff=True, writes=True),
                "both": Someone("hospital", is_patient=True, is_staff=True, writes=True),
                "ada": Someone("hospital", is_patient=True),
                "ben": Someone("hospital", is_patient=True),
                "ward": Someone("hospital", is_staff=True, members=set()),
                "round": Someone("laboratory", is_staff=True, members=set()),
            },
        )
        self.words: dict[bytes, int] = {}
        for patient in PATIENTS:
            for categories in (Category.LABORATORY, Category.LABORATORY | Category.GENETICS):
                self.anchor_as(patient, patient, categories, 0, "herself")
        for _ in range(3):
            self.change_membership()

    def new_world(self) -> World:
        return World()

    def new_model(self, people: dict[str, Someone]) -> Model:
        return Model(START, people)

    @rule(draw=st.binary(min_size=8, max_size=8))
    def step(self, draw: bytes) -> None:
        self.steps += 1
        self.chance = random.Random(draw + self.steps.to_bytes(2, "big"))
        self.chance.choices(*zip(*self.likely(), strict=True))[0]()

    def likely(self) -> list[tuple[Callable[[], None], float]]:
        """What may be done next, and how often it is."""
        suspended = any(someone.suspended for someone in self.model.people.values())
        return [
            (self.grant, 10),
            (self.grant_one_record, 4),
            (self.grant_signed, 4),
            (self.withdraw, 4),
            (self.deny, 6 if self.model.denials else 2),
            (self.bar_authors, 1),
            (self.change_suspension, 8 if suspended else 4),
            (self.change_membership, 3),
            (self.anchor, 6),
            (self.propose, 3),
            (self.answer, 2),
            (self.retract, 1),
            (self.anchor_what_is_there_already, 1),
            (self.pass_time, 3),
            (self.decide_on_a_consent, 30),
            (self.decide_on_anything, 10),
        ]

    def attempt(self, sender: str, act: Act, allowed: bool) -> None:
        """The contract must allow the act exactly if the model does."""
        refusal: ContractRejected | None = None
        try:
            self.world.chain.send(self.addresses[sender], act)
        except ContractRejected as caught:
            refusal = caught
        event(f"{act.kind}: {'allowed' if allowed else 'refused'}")
        assert (refusal is None) == allowed, f"{act.kind} by {sender}: {refusal or 'allowed'}, otherwise in the model"
        assert refusal is None or refusal.name != "Panic"

    # --- patients

    def draw_terms(self) -> ConsentTerms:
        chance = self.chance
        categories = Category(sum(chance.sample(CATEGORIES, chance.choice([1, 1, 2, 3]))))
        purposes = chance.sample([Purpose.TREAT, Purpose.CAREMGT, Purpose.HRESCH], chance.choice([1, 2, 3]))
        mask = sum(purpose.bit for purpose in purposes) if chance.random() < 0.5 else Purpose.TREAT.bit
        not_before = self.model.now + chance.choice([0, 0, 0, -10, 5])
        expiry = not_before + chance.choice([1_000, 1_000, 1_000, 20, 10, 0])
        return ConsentTerms(categories, mask, not_before, expiry, chance.random() < 0.7)

    def draw_number(self) -> int:
        return self.chance.randint(0, 2)

    def grant(self) -> None:
        patient, grantee, number = self.chance.choice(PATIENTS), self.chance.choice(self.grantees), self.draw_number()
        terms = self.draw_terms()
        act = self.world.acts.grant(self.addresses[grantee], scope_number(number), terms, DOCUMENT)
        self.attempt(patient, act, self.model.grant(patient, grantee, number, terms))

    def grant_one_record(self) -> None:
        digest, record = self.draw_record()
        grantee, terms = self.chance.choice(self.grantees), self.draw_terms()
        act = self.world.acts.grant(self.addresses[grantee], digest, terms, DOCUMENT)
        self.attempt(record.patient, act, self.model.grant(record.patient, grantee, digest, terms))

    def grant_signed(self) -> None:
        patient, grantee, number = self.chance.choice(PATIENTS), self.chance.choice(self.grantees), self.draw_number()
        terms, forged = self.draw_terms(), self.chance.random() < 0.2
        key = self.keys["doctor"] if forged else None
        signed = self.world.signed_grant(self.keys[patient], self.addresses[grantee], terms, number=number, key=key)
        allowed = not forged and self.model.grant(patient, grantee, number, terms)
        self.attempt("laboratory", self.world.acts.grant_signed(signed), allowed)

    def withdraw(self) -> None:
        patient, grantee = self.chance.choice(PATIENTS), self.chance.choice(self.grantees)
        scope: int | bytes | str = self.draw_number()
        if self.model.consents and self.chance.random() < 0.7:
            patient, grantee, scope = self.chance.choice(list(self.model.consents))
        act = self.world.acts.withdraw(self.addresses[grantee], word_of(scope))
        self.attempt(patient, act, self.model.withdraw(patient, grantee, scope))

    def deny(self) -> None:
        patient, grantee, denied = self.chance.choice(PATIENTS), self.chance.choice(self.grantees), True
        if self.model.denials and self.chance.random() < 0.7:
            (patient, grantee), denied = self.chance.choice(sorted(self.model.denials)), False
        act = self.world.acts.set_denial(self.addresses[grantee], denied)
        self.attempt(patient, act, self.model.deny(patient, grantee, denied))

    def bar_authors(self) -> None:
        patient, barred = self.chance.choice(PATIENTS), self.chance.choice([Category(0), Category.LABORATORY])
        act = self.world.acts.set_preferences(emergency=Category(0), barred_authors=barred)
        allowed = self.model.is_live(patient)
        self.attempt(patient, act, allowed)
        if allowed:
            self.model.barred[patient] = barred

    # --- organizations

    def who_may_be_suspended(self) -> list[str]:
        return [*STAFF, "ada", *TEAMS]

    def change_suspension(self) -> None:
        suspended = [name for name, someone in self.model.people.items() if someone.suspended]
        who = self.chance.choice(suspended or self.who_may_be_suspended())
        someone = self.model.people[who]
        someone.suspended = not someone.suspended
        self.world.suspend(self.world.consortium, self.addresses[who], someone.suspended)

    def change_membership(self) -> None:
        team, member = self.chance.choice(TEAMS), self.chance.choice(MEMBERS)
        found = self.model.people[team]
        assert found.members is not None
        allowed = self.model.is_live(found.organization)
        joins = member not in found.members
        act = self.world.acts.set_membership(self.addresses[team], self.addresses[member], joins)
        self.attempt(found.organization, act, allowed)
        if allowed:
            found.members ^= {member}

    # --- authors

    def anchor_as(self, author: str, patient: str, categories: Category, number: int, way: str) -> None:
        digest = self.world.digest()
        subject = Subject(self.addresses[patient], categories, number, via_organization=way == "organization")
        grantee = {"herself": author, "organization": self.model.people[author].organization}.get(way, way)
        allowed = self.model.may_write(author, patient, categories, grantee, number)
        act = self.world.acts.anchor(digest, subject)
        if way in TEAMS:
            act = self.world.acts.anchor_as_member(digest, subject, self.addresses[way])
            allowed = allowed and author != patient
        self.attempt(author, act, allowed)
        if allowed:
            self.wrote(digest, Written(patient, author, categories))

    def anchor(self) -> None:
        chance = self.chance
        author, patient = chance.choice(self.readers), chance.choice(PATIENTS)
        way, number = chance.choice(["herself", "organization", *TEAMS]), self.draw_number()
        numbered = [scope for scope in self.model.consents if isinstance(scope[2], int)]
        if numbered and chance.random() < 0.8:
            patient, grantee, scope = chance.choice(numbered)
            author, way = chance.choice(self.who_may_use(grantee))
            number = scope if isinstance(scope, int) else number
        categories = Category(sum(chance.sample(CATEGORIES, chance.choice([1, 1, 2]))))
        granted = self.model.consents.get((patient, way if way in TEAMS else author, number))
        if granted and granted.terms and chance.random() < 0.7:
            categories = granted.terms.categories
        self.anchor_as(author, patient, categories, number, way)

    def who_may_use(self, grantee: str) -> list[tuple[str, str]]:
        """Who may write on a consent for this grantee, and which way."""
        if grantee in TEAMS:
            members = self.model.people[grantee].members or set()
            return [(member, grantee) for member in [*sorted(members) * 2, *MEMBERS]]
        staff = [name for name in self.staff if self.model.people[name].organization == grantee]
        return [(grantee, "herself"), *((name, "organization") for name in staff)]

    def propose(self) -> None:
        idle = [name for name in self.staff if not self.model.is_live(name)]  # who must not be able to
        author = self.chance.choice(idle if idle and self.chance.random() < 0.5 else self.staff)
        patient = self.chance.choice(PATIENTS)
        digest, model, categories = self.world.digest(), self.model, self.chance.choice(CATEGORIES)
        allowed = model.is_live(author) and model.is_live(patient) and not model.is_denied(patient, author)
        self.attempt(author, self.world.acts.propose(digest, Subject(self.addresses[patient], categories)), allowed)
        if allowed:
            self.wrote(digest, Written(patient, author, categories, "PROPOSED"))

    def answer(self) -> None:
        digest, record = self.draw_record("PROPOSED")
        who, accepted = self.chance.choice([record.patient] * 4 + PATIENTS), self.chance.random() < 0.7
        act = self.world.acts.answer(digest, self.subject(record), self.addresses[record.author], accepted)
        allowed = self.model.is_live(who) and who == record.patient and record.state == "PROPOSED"
        self.attempt(who, act, allowed)
        if allowed:
            record.state = "ANCHORED" if accepted else "TURNED_DOWN"

    def retract(self) -> None:
        digest, record = self.draw_record()
        who = self.chance.choice([record.author, record.author, *self.readers])
        allowed = self.model.is_live(who) and who == record.author
        allowed = allowed and record.state in ("PROPOSED", "ANCHORED", "SUPERSEDED")
        self.attempt(who, self.world.acts.retract(digest, self.subject(record)), allowed)
        if allowed:
            record.state = ended(record.state, "RETRACTED")

    def anchor_what_is_there_already(self) -> None:
        digest, record = self.draw_record()
        who = self.chance.choice([record.author, *self.readers])
        self.attempt(who, self.world.acts.anchor(digest, self.subject(record)), False)
        self.attempt(who, self.world.acts.propose(digest, self.subject(record)), False)

    def wrote(self, digest: bytes, record: Written) -> None:
        self.model.records[digest] = record
        self.words[digest] = self.world.chain.view("recordOf", digest) >> 24

    def draw_record(self, state: str = "") -> tuple[bytes, Written]:
        records = list(self.model.records.items())
        return self.chance.choice([each for each in records if each[1].state == state] or records)

    def subject(self, record: Written) -> Subject:
        return Subject(self.addresses[record.patient], record.categories)

    def pass_time(self) -> None:
        seconds = self.chance.choice([1, 4, 5, 10, 15])
        self.model.now += seconds
        self.world.chain.pass_time(seconds)

    # --- decisions

    def decide_on_anything(self) -> None:
        digest, record = self.draw_record()
        made = [scope for scope in self.model.consents if scope[0] == record.patient]
        offered = [*made, (record.patient, "doctor", 9), (record.patient, "hospital", digest)]
        self.chance.shuffle(offered)
        most = self.chance.choice([0, 1, 2, 15])
        self.check(self.chance.choice(self.readers), digest, self.chance.choice(self.purposes), offered[:most])

    def decide_on_a_consent(self) -> None:
        """Somebody for whom the consent may be asks for a record that it may be about."""
        made = [scope for scope in self.model.consents if scope[0] in PATIENTS]
        if not made:
            return
        patient, grantee, scope = self.chance.choice(made)
        hers = [digest for digest, record in self.model.records.items() if record.patient == patient]
        digest = scope if isinstance(scope, bytes) else self.chance.choice(hers)
        reader = self.chance.choice(self.who_may_use(grantee))[0]
        others = [each for each in self.model.consents if each[0] == patient and each[1] == grantee]
        offered = list({(patient, grantee, scope), *self.chance.sample(others, self.chance.randint(0, len(others)))})
        self.check(reader, digest, self.chance.choice(self.purposes), sorted(offered, key=str)[:16])

    def check(self, reader: str, digest: bytes, purpose: Purpose, offered: list[Scope]) -> None:
        answers = []
        for _ in range(3):
            answers.append(self.ask(reader, digest, purpose, offered))
            self.chance.shuffle(offered)
        assert len({(each.permitted, each.reason, each.until) for each in answers}) == 1, "the order of bases counts"

        permitted, why = self.model.decide(reader, digest, purpose, offered)
        event(f"decided: {why.name} {answers[0].basis.name}")
        assert (answers[0].permitted, answers[0].reason) == (permitted, why)
        fewer = self.ask(reader, digest, purpose, offered[:-1])
        assert permitted or not fewer.permitted, "one basis more takes access away"
        if permitted:
            self.holds(reader, digest, purpose, offered)

    def ask(self, reader: str, digest: bytes, purpose: Purpose, offered: list[Scope]) -> Decision:
        record = self.model.records[digest]
        request = self.world.request(
            self.keys[reader],
            digest,
            self.keys[record.author],
            patient=self.keys[record.patient],
            categories=record.categories,
            purpose=purpose,
        )
        return self.world.chain.decide(request, [self.basis(each) for each in offered])

    def basis(self, offered: Scope) -> Basis:
        """What a reader says, as she says it to the ledger."""
        _, grantee, scope = offered
        return Basis(BasisKind.CONSENT, self.addresses[grantee], word_of(scope))

    def holds(self, reader: str, digest: bytes, purpose: Purpose, offered: list[Scope]) -> None:
        """What must be true of every permit, said without the model's way of deciding."""
        model, record = self.model, self.model.records[digest]
        someone = model.people[reader]
        assert not someone.suspended
        assert not (someone.is_staff and model.people[someone.organization].suspended)
        if reader == record.patient:
            return
        assert (record.patient, reader) not in model.denials
        if someone.is_staff:
            assert (record.patient, someone.organization) not in model.denials
        if reader == record.author and not record.categories & model.barred.get(record.patient, Category(0)):
            return
        named = Category(0)
        for scope in offered:
            consent = model.consents.get(scope)
            if consent is None or consent.terms is None or consent.withdrawn_at is not None:
                continue
            if consent.terms.not_before <= model.now < consent.terms.expiry:
                named |= consent.terms.categories
        assert named, "a permit without a live basis"
        assert record.categories in named, "a category that no live consent names"
        assert purpose != Purpose.BTG

    @invariant()
    def an_anchor_never_changes_owner_author_or_time(self) -> None:
        for digest, word in self.words.items():
            assert self.world.chain.view("recordOf", digest) >> 24 == word

    @invariant()
    def consents_are_the_models(self) -> None:
        for (patient, grantee, scope), consent in list(self.model.consents.items())[-3:]:
            found = self.world.chain.consent(self.addresses[patient], self.addresses[grantee], word_of(scope))
            assert found.terms == consent.terms
            assert found.withdrawn_at == (consent.withdrawn_at or 0)


def word_of(scope: int | bytes | str) -> bytes:
    assert not isinstance(scope, str), "no consent's"
    return scope if isinstance(scope, bytes) else scope_number(scope)


Consents.TestCase.settings = fuzz_settings(examples=100)
# Long runs, and making a failure short, take more than a test's usual time.
TestConsents = pytest.mark.timeout(3_600)(Consents.TestCase)
