"""Delegates and emergencies among consents, denials, teams, suspensions and time, in any order, with actors who cheat.

Every act and every decision is checked on the model, and once more by what must be true of it whatever the model says.
"""

from collections.abc import Callable

import pytest
from hypothesis.stateful import invariant

from ledger.acts import Act
from ledger.care import BreakGlass, Delegation
from ledger.codes import DELEGABLE, ORDINARY, BasisKind, Category, EmergencyReason, Power, Purpose, ReviewOutcome, Role
from ledger.types import Basis, ConsentTerms, scope_number
from tests.contracts.actors import DOCUMENT, World, person, terms
from tests.contracts.care_model import DELEGATION, EMERGENCY, FAMILY, GLASS, CareModel, Delegated, newcomers
from tests.contracts.carers import ALL, CORRELATION, REPORT, CareWorld
from tests.contracts.consent_model import NEVER_COUNTED, Scope, Someone
from tests.contracts.evm import START
from tests.contracts.fuzz import fuzz_settings
from tests.contracts.test_consent_machine import (
    CATEGORIES,
    PATIENTS,
    PURPOSES,
    READERS,
    STAFF,
    TEAMS,
    Consents,
    word_of,
)

DELEGATES = ["carer", "neighbour", "ben", "doctor", "both"]
MEDICS = ["medic", "second_medic"]
EVERYBODYS_STAFF = [*STAFF, *MEDICS]
ALL_READERS = [*READERS, "carer", "neighbour", *MEDICS]
ALL_GRANTEES = [*READERS, *TEAMS, "carer", "medic"]
ALL_PURPOSES = [*PURPOSES, *FAMILY, *FAMILY, *EMERGENCY, *EMERGENCY]


class Care(Consents):
    """The same people, with carers, emergency doctors and an auditor."""

    staff = EVERYBODYS_STAFF
    readers = ALL_READERS
    grantees = ALL_GRANTEES
    purposes = ALL_PURPOSES
    world: CareWorld
    model: CareModel

    def new_world(self) -> World:
        return CareWorld()

    def new_model(self, people: dict[str, Someone]) -> CareModel:
        world = self.world
        for name in newcomers():
            self.keys[name] = getattr(world, name)
            self.addresses[name] = self.keys[name].address
        self.keys["auditor"], self.addresses["auditor"] = world.auditor, world.auditor.address
        people = (
            people
            | newcomers()
            | {
                "authority": Someone("authority", is_staff=True),
                "auditor": Someone("authority", is_staff=True),
            }
        )
        self.addresses["authority"] = world.authority.address
        self.signed: list[Act] = []
        return CareModel(START, people, emergency_staff={*MEDICS}, auditors={"auditor", "authority"})

    def likely(self) -> list[tuple[Callable[[], None], float]]:
        return [
            *super().likely(),
            (self.delegate, 12),
            (self.end_delegation, 3),
            (self.grant_for, 12),
            (self.withdraw_for, 8),
            (self.deny_for, 2),
            (self.propose, 3),
            (self.answer_for, 5),
            (self.break_glass, 8),
            (self.review, 4),
            (self.replay, 3),
            (self.go_to_a_boundary, 6),
            (self.decide_for_a_delegate, 14),
            (self.decide_in_an_emergency, 14),
        ]

    def who_may_be_suspended(self) -> list[str]:
        return [*super().who_may_be_suspended(), *DELEGATES, *MEDICS, "auditor", "authority"]

    # --- delegates

    def draw_delegation(self) -> tuple[str, str]:
        """A delegate and a patient, mostly with something delegated between them."""
        made = [pair for pair, what in self.model.delegations.items() if what]
        if made and self.chance.random() < 0.85:
            patient, delegate = self.chance.choice(made)
            return delegate, patient
        return self.chance.choice([*DELEGATES, *MEDICS, "auditor"]), self.chance.choice(PATIENTS)

    def delegate(self) -> None:
        chance, model = self.chance, self.model
        patient = chance.choice([*PATIENTS * 4, "carer", "doctor"])
        delegate = chance.choice([*DELEGATES * 3, "medic", "ada", "hospital", "ward"])
        some = [Power.READ, Power.READ | Power.ACCEPT, Power.GRANT | Power.WITHDRAW]
        powers = chance.choice([DELEGABLE] * 6 + some + [DELEGABLE | Power.CLAIM])
        categories = chance.choice([ALL, ALL, ALL, Category(sum(chance.sample(CATEGORIES, chance.choice([1, 2]))))])
        until = model.now + chance.choice([0, 20, 500, 7_200, *[86_400] * 5, 2**39])
        act = self.world.acts.set_delegation(
            self.addresses[delegate], powers=powers, categories=categories, until=until
        )
        self.attempt(patient, act, model.delegate(patient, delegate, Delegated(powers, categories, until)))

    def end_delegation(self) -> None:
        delegate, patient = self.draw_delegation()
        if self.chance.random() < 0.5:
            act = self.world.acts.end_delegation(self.addresses[delegate])
            self.attempt(patient, act, self.model.end(patient, delegate, patient))
        else:
            act = self.world.acts.resign(self.addresses[patient])
            self.attempt(delegate, act, self.model.end(patient, delegate, delegate))

    def draw_terms_for(self, delegate: str, patient: str) -> ConsentTerms:
        """Mostly within what was delegated."""
        drawn, what = self.draw_terms(), self.model.delegations.get((patient, delegate))
        if what is None or self.chance.random() < 0.25:
            return drawn
        categories = drawn.categories & what.categories or drawn.categories
        expiry = min(drawn.expiry, what.until)
        return ConsentTerms(categories, drawn.purposes, drawn.not_before, expiry, drawn.may_write)

    def grant_for(self) -> None:
        delegate, patient = self.draw_delegation()
        grantee, number = self.chance.choice([*self.grantees, delegate]), self.draw_number()
        what = self.draw_terms_for(delegate, patient)
        before = self.model.delegations.get((patient, delegate))
        act = self.world.acts.grant_for(
            self.addresses[patient], self.addresses[grantee], scope_number(number), what, DOCUMENT
        )
        allowed = self.model.grant_for(delegate, patient, grantee, number, what)
        self.attempt(delegate, act, allowed)
        if allowed:
            self.was_delegated(delegate, patient, before, Power.GRANT, what.categories)
            assert before is not None
            assert what.expiry <= before.until, "a consent that outlives the delegation"
            assert grantee not in (delegate, patient), "a consent to himself"

    def withdraw_for(self) -> None:
        delegate, patient = self.draw_delegation()
        hers = [key for key, made in self.model.consents.items() if key[0] == patient and made.withdrawn_at is None]
        grantee, scope = self.chance.choice(self.grantees), word_of(self.draw_number())
        key: Scope = (patient, grantee, int.from_bytes(scope, "big"))
        if hers and self.chance.random() < 0.85:
            key = self.chance.choice(hers)
        _, grantee, found = key
        consent = self.model.consents.get(key)
        before = self.model.delegations.get((patient, delegate))
        act = self.world.acts.withdraw_for(self.addresses[patient], self.addresses[grantee], word_of(found))
        allowed = self.model.withdraw_for(delegate, patient, grantee, found)
        self.attempt(delegate, act, allowed)
        if allowed:
            assert consent is not None
            assert consent.terms is not None
            self.was_delegated(delegate, patient, before, Power.WITHDRAW, consent.terms.categories)

    def deny_for(self) -> None:
        delegate, patient = self.draw_delegation()
        grantee, before = self.chance.choice(self.grantees), self.model.delegations.get((patient, delegate))
        act = self.world.acts.deny_for(self.addresses[patient], self.addresses[grantee])
        allowed = self.model.deny_for(delegate, patient, grantee)
        self.attempt(delegate, act, allowed)
        if allowed:
            self.was_delegated(delegate, patient, before, Power.WITHDRAW, ALL)

    def answer_for(self) -> None:
        digest, record = self.draw_record("PROPOSED")
        delegate, _ = self.draw_delegation()
        before = self.model.delegations.get((record.patient, delegate))
        may = self.model.may_for(delegate, record.patient, Power.ACCEPT, record.categories, record.author)
        allowed = may and self.model.may_order(record.patient) and record.state == "PROPOSED"
        accepted = self.chance.random() < 0.7
        author = self.addresses[record.author]
        self.attempt(delegate, self.world.acts.answer_for(digest, self.subject(record), author, accepted), allowed)
        if allowed:
            self.was_delegated(delegate, record.patient, before, Power.ACCEPT, record.categories)
            record.state = "ANCHORED" if accepted else "TURNED_DOWN"

    def was_delegated(
        self, delegate: str, patient: str, what: Delegated | None, power: Power, categories: Category
    ) -> None:
        """What must be true of every act done for a patient, said without the model's way of allowing it."""
        someone = self.model.people[delegate]
        assert what is not None, "done for her without a delegation"
        assert power in what.powers
        assert categories in what.categories, "done beyond the categories"
        assert self.model.now < what.until, "done after the end"
        assert not someone.suspended
        assert not self.model.people[patient].suspended, "he could do what she could not"
        assert (patient, delegate) not in self.model.denials, "done by somebody whom she denies"

    # --- emergencies

    def bar_authors(self) -> None:
        chance, model = self.chance, self.model
        patient, barred = chance.choice(PATIENTS), chance.choice([Category(0), Category.LABORATORY])
        emergency = chance.choice([ORDINARY, ORDINARY, ALL, Category.GENETICS, Category(0)])
        over = chance.random() < 0.6
        act = self.world.acts.set_preferences(emergency=emergency, barred_authors=barred, over_denials=over)
        allowed = model.may_order(patient)
        self.attempt(patient, act, allowed)
        if allowed:
            model.barred[patient], model.preferred[patient] = barred, emergency
            model.over_denials = model.over_denials | {patient} if over else model.over_denials - {patient}

    def break_glass(self) -> None:
        chance = self.chance
        clinician = chance.choice([*MEDICS * 4, "doctor", "nurse", "hospital", "ada", "carer"])
        patient = chance.choice([*PATIENTS * 4, "doctor", "ward", clinician])
        hours = chance.choice([1, 1, 1, 2, 24, 0, 25])
        before = self.model.glass.get((patient, clinician))
        act = self.world.acts.break_glass(
            self.addresses[patient], EmergencyReason.UNRESPONSIVE, hours=hours, correlation=CORRELATION
        )
        allowed = self.model.break_glass(clinician, patient, hours)
        self.attempt(clinician, act, allowed)
        if allowed:
            assert before is None or before.until <= self.model.now, "prolonged while it was open"
            assert self.model.glass[patient, clinician].until <= self.model.now + 24 * 3_600, "open for days"

    def review(self) -> None:
        chance = self.chance
        patient, clinician = chance.choice(list(self.model.glass) or [("ada", "medic")])
        auditor = chance.choice(["auditor", "auditor", "authority", clinician, patient, "doctor"])
        number = chance.choice([0, 1, 1, 1, 2, 3])
        act = self.world.acts.review_break_glass(
            self.addresses[patient], self.addresses[clinician], number, ReviewOutcome.JUSTIFIED, REPORT
        )
        self.attempt(auditor, act, self.model.review(auditor, patient, clinician, number))

    # --- signatures that were used, or are for elsewhere

    def grant_signed(self) -> None:
        patient, grantee, number = self.chance.choice(PATIENTS), self.chance.choice(self.grantees), self.draw_number()
        drawn, now = self.draw_terms(), self.model.now
        flaw = self.chance.choice(["none", "none", "none", "forged", "late", "elsewhere"])
        domain = CareWorld(7_331).chain.domain if flaw == "elsewhere" else None
        signed = self.world.signed_grant(
            self.keys[patient],
            self.addresses[grantee],
            drawn,
            number=number,
            deadline=now - 1 if flaw == "late" else now + 100,
            key=self.keys["doctor"] if flaw == "forged" else None,
            domain=domain,
        )
        act = self.world.acts.grant_signed(signed)
        allowed = flaw == "none" and self.model.grant(patient, grantee, number, drawn)
        self.attempt("laboratory", act, allowed)
        if allowed:
            self.signed.append(act)

    def replay(self) -> None:
        """A signed grant works once, whatever has happened since."""
        if self.signed:
            self.attempt(self.chance.choice(self.readers), self.chance.choice(self.signed), False)

    # --- time

    def go_to_a_boundary(self) -> None:
        """To the last second of something, or the first one after it."""
        ends = [what.until for what in self.model.delegations.values() if what]
        ends += [broken.until for broken in self.model.glass.values()]
        ends += [consent.terms.expiry for consent in self.model.consents.values() if consent.terms]
        if self.chance.random() < 0.3:
            ends = [broken.until for broken in self.model.glass.values()]
        coming = sorted({end - back for end in ends for back in (0, 1) if end - back > self.model.now})[:4]
        if coming:
            self.model.now = self.chance.choice(coming)
            self.world.chain.go_to(self.model.now)

    # --- decisions

    def basis(self, offered: Scope) -> Basis:
        _, grantee, scope = offered
        kinds = {DELEGATION: BasisKind.DELEGATION, GLASS: BasisKind.BREAK_GLASS}
        if isinstance(scope, str):
            return Basis(kinds[scope], self.addresses[grantee])
        return super().basis(offered)

    def decide_for_a_delegate(self) -> None:
        delegate, patient = self.draw_delegation()
        purpose = self.chance.choice([*FAMILY * 4, Purpose.TREAT, Purpose.BTG])
        self.decide_on_a_word(delegate, patient, DELEGATION, purpose)

    def decide_in_an_emergency(self) -> None:
        opened = [pair for pair, broken in self.model.glass.items() if self.model.now < broken.until]
        patient, medic = self.chance.choice(opened or list(self.model.glass) or [("ada", "medic")])
        purpose = self.chance.choice([*EMERGENCY * 4, Purpose.TREAT])
        self.decide_on_a_word(medic, patient, GLASS, purpose)

    def decide_on_a_word(self, reader: str, patient: str, word: str, purpose: Purpose) -> None:
        """Somebody says what she is, beside the consents that she has and words that are not hers."""
        hers = [digest for digest, record in self.model.records.items() if record.patient == patient]
        consents = [scope for scope in self.model.consents if scope[:2] == (patient, reader)]
        others: list[Scope] = [(patient, "carer", DELEGATION), (patient, "medic", GLASS), *consents]
        offered: list[Scope] = [(patient, reader, word), *self.chance.sample(others, self.chance.randint(0, 2))]
        if self.chance.random() < 0.1:
            reader = self.chance.choice(self.readers)
        if hers:
            self.check(reader, self.chance.choice(hers), purpose, offered)

    def check(self, reader: str, digest: bytes, purpose: Purpose, offered: list[Scope]) -> None:
        super().check(reader, digest, purpose, offered)
        decision = self.ask(reader, digest, purpose, offered)
        if decision.permitted:
            without = [scope for scope in offered if scope[2] != GLASS]
            needed = not self.model.decide(reader, digest, purpose, without)[0]
            assert (decision.basis == BasisKind.BREAK_GLASS) == needed, "the glass is the basis where it need not be"

    def holds(self, reader: str, digest: bytes, purpose: Purpose, offered: list[Scope]) -> None:
        """What must be true of every permit, said without the model's way of deciding."""
        model, record = self.model, self.model.records[digest]
        someone, patient = model.people[reader], record.patient
        assert not someone.suspended
        assert not (someone.is_staff and model.people[someone.organization].suspended)
        if reader == patient:
            return
        broken, what = model.glass.get((patient, reader)), model.delegations.get((patient, reader))
        opened = Category(0)
        if (patient, reader, GLASS) in offered and broken and model.now < broken.until and purpose in EMERGENCY:
            assert reader in model.emergency_staff
            opened = model.preferred.get(patient, ORDINARY)
        if (patient, reader) in model.denials or (
            someone.is_staff and (patient, someone.organization) in model.denials
        ):
            assert patient in model.over_denials, "a permit over a denial"
            assert record.categories in opened, "a permit over a denial that no open glass gives"
            return
        if reader == record.author and not record.categories & model.barred.get(patient, Category(0)):
            return
        named = opened
        if (patient, reader, DELEGATION) in offered and what and purpose in FAMILY and model.now < what.until:
            assert Power.READ in what.powers
            assert record.state not in NEVER_COUNTED or Power.ACCEPT in what.powers
            named |= what.categories
        for scope in offered:
            consent = model.consents.get(scope)
            if consent is None or consent.terms is None or consent.withdrawn_at is not None:
                continue
            if consent.terms.not_before <= model.now < consent.terms.expiry:
                named |= consent.terms.categories
        assert named, "a permit without a live basis"
        assert record.categories in named, "a category that nothing live names"

    @invariant()
    def delegations_and_openings_are_the_models(self) -> None:
        for (patient, delegate), what in list(self.model.delegations.items())[-3:]:
            word = self.world.chain.view("delegationOf", self.addresses[patient], self.addresses[delegate])
            found = Delegation.unpack(word)
            expected = what or Delegated(Power(0), Category(0), 0)
            assert (found.powers, found.categories, found.until) == (
                expected.powers,
                expected.categories,
                expected.until,
            )
        for (patient, clinician), broken in list(self.model.glass.items())[-3:]:
            word = self.world.chain.view("breakGlassOf", self.addresses[patient], self.addresses[clinician])
            opening = BreakGlass.unpack(word)
            assert opening is not None
            assert (opening.until, opening.count, opening.repeated) == (broken.until, broken.count, broken.repeated)
            assert opening.reviewed == len(broken.reviewed)

    def teardown(self) -> None:
        """Whatever has happened here, what newcomers do costs them what it costs on a ledger on which nothing has."""
        if hasattr(self, "world"):
            assert bill(self.world) == bill(CareWorld(), self.world.chain.now)


def bill(world: CareWorld, at: int = 0) -> list[int]:
    """The gas of a few acts by people whom nobody here has seen before."""
    world.chain.go_to(max(at, world.chain.now))
    clinic, ann, kin, help_ = (person(f"newcomer {number}") for number in range(4))
    last = 2**39
    roles = Role.PRACTITIONER | Role.EMERGENCY
    acts = [
        (world.consortium, world.acts.admit(clinic.address, roles)),
        (clinic, world.acts.register(ann.address, Role.PATIENT)),
        (clinic, world.acts.register(kin.address, Role.PATIENT)),
        (clinic, world.acts.register(help_.address, Role.EMERGENCY)),
        (ann, world.acts.grant(clinic.address, scope_number(0), terms(expiry=last, may_write=True), DOCUMENT)),
        (ann, world.acts.set_denial(world.doctor.address, True)),
        (ann, world.acts.withdraw(clinic.address, scope_number(0))),
        (help_, world.acts.break_glass(ann.address, EmergencyReason.DELAY_HARMS, hours=1, correlation=CORRELATION)),
    ]
    return [world.send(sender, act).gas_used for sender, act in acts]


Care.TestCase.settings = fuzz_settings(examples=100, steps=80)
# Long runs, and making a failure short, take more than a test's usual time.
TestCare = pytest.mark.timeout(3_600)(Care.TestCase)
