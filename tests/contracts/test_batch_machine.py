"""Batches among consents, withdrawals, denials, suspensions and time, in any order: a record of a batch is answered,
retracted, corrected and decided on as a single one is, whoever tries, and whatever became of its neighbours.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import event
from hypothesis.stateful import invariant

from ledger.codes import AnchorKind, Category, Purpose, RecordState
from ledger.merkle import MerkleTree
from ledger.types import AnchorProof, Decision, Subject, record_leaf
from tests.contracts.actors import DOCUMENT
from tests.contracts.batch_model import BatchModel, Listed
from tests.contracts.consent_model import Scope, Someone, Written
from tests.contracts.evm import START
from tests.contracts.fuzz import fuzz_settings
from tests.contracts.test_consent_machine import CATEGORIES, PATIENTS, Consents


class Batches(Consents):
    """The same people; those who write post batches."""

    model: BatchModel

    def new_model(self, people: dict[str, Someone]) -> BatchModel:
        return BatchModel(START, people)

    def likely(self) -> list[tuple[Callable[[], None], float]]:
        self.model.judge()  # before each step: the last one may have changed what a batch may rest on
        return [
            *super().likely(),
            (self.anchor_batch, 14),
            (self.answer_in_batch, 14),
            (self.retract_in_batch, 8),
            (self.supersede_in_batch, 8),
            (self.decide_in_batch, 20),
            (self.deny_author, 8),
        ]

    # --- authors

    def anchor_batch(self) -> None:
        """Some records by one author; mostly on consents that may let her, or her organization, write."""
        author, batch = self.draw_author(), []
        for _ in range(self.chance.randint(1, 4)):
            leave, patient, category = self.draw_leave(author)
            batch.append((self.world.digest(), Written(patient, author, category), leave))
        subjects = [self.subject_with(record, leave) for _, record, leave in batch]
        tree = MerkleTree([record_leaf(i, one[0], subjects[i]) for i, one in enumerate(batch)])
        listed = []
        for index, (digest, record, leave) in enumerate(batch):
            proof = AnchorProof(AnchorKind.BATCH, tree.root, index, tree.path(index))
            listed.append((digest, record, Listed(proof, subjects[index], leave, self.model.now)))
        act = self.world.acts.anchor_batch(tree.root, len(batch), DOCUMENT)
        self.attempt(author, act, self.model.list_batch(author, listed))

    def in_her_name(self, author: str) -> list[Scope]:
        """The numbered consents to an author or to her organization."""
        names = (author, self.model.people[author].organization)
        return [scope for scope in self.model.consents if scope[1] in names and isinstance(scope[2], int)]

    def draw_author(self) -> str:
        """Mostly somebody whom somebody has granted something."""
        granted = [name for name in self.staff if any(scope[0] in PATIENTS for scope in self.in_her_name(name))]
        return self.chance.choice([*granted * 3, *self.staff])

    def draw_leave(self, author: str) -> tuple[Scope | None, str, Category]:
        """The consent that she names, with whom and what she writes about: one that is there, one that may not be, or
        none."""
        chance, patient, category = self.chance, self.chance.choice(PATIENTS), self.chance.choice(CATEGORIES)
        there = [scope for scope in self.in_her_name(author) if scope[0] in PATIENTS]
        if there and chance.random() < 0.8:
            scope = chance.choice(there)
            terms = self.model.consents[scope].terms
            granted = [one for one in CATEGORIES if terms and one in terms.categories]
            return scope, scope[0], chance.choice([*granted * 3, category])
        named = chance.choice([author, self.model.people[author].organization])
        return chance.choice([(patient, named, self.draw_number()), None]), patient, category

    def subject_with(self, record: Written, leave: Scope | None) -> Subject:
        plain = self.subject(record)
        if leave is None:
            return Subject(plain.patient, plain.categories, proposed=True)
        assert isinstance(leave[2], int)
        return Subject(plain.patient, plain.categories, leave[2], via_organization=leave[1] != record.author)

    def retract_in_batch(self) -> None:
        if self.model.listed:
            digest, who = self.draw_listed(self.chance.choice(["ANCHORED", "PROPOSED", "SUPERSEDED", "TURNED_DOWN"]))
            proof = self.model.listed[digest].proof
            act = self.world.acts.retract_in_batch(proof.root, proof.index)
            self.attempt(who, act, self.model.retract(who, digest))

    def supersede_in_batch(self) -> None:
        if not self.model.listed:
            return
        digest, who = self.draw_listed(self.chance.choice(["ANCHORED", "PROPOSED", "RETRACTED", "TURNED_DOWN"]))
        one, record, correction = self.model.listed[digest], self.model.records[digest], self.world.digest()
        stood = record.state
        act = self.world.acts.supersede_in_batch(
            one.proof.root, one.proof.index, digest, correction, one.subject, one.proof.path
        )
        allowed = self.model.supersede(who, digest)
        self.attempt(who, act, allowed)
        if allowed:
            self.wrote(correction, Written(record.patient, record.author, record.categories, stood))

    # --- patients

    def answer_in_batch(self) -> None:
        if not self.model.listed:
            return
        digest, _ = self.draw_listed(self.chance.choice(["PROPOSED"] * 4 + ["ANCHORED", "RETRACTED", "SUPERSEDED"]))
        one, accepted = self.model.listed[digest], self.chance.random() < 0.5
        who = self.chance.choice([self.model.records[digest].patient] * 4 + PATIENTS)
        build = self.world.acts.accept_in_batch if accepted else self.world.acts.turn_down_in_batch
        act = build(one.proof.root, one.proof.index, digest, one.subject, one.proof.path)
        self.attempt(who, act, self.model.answer(who, digest, accepted))

    def deny_author(self) -> None:
        """She denies somebody to whom she once granted something, or that one's organization; or she lifts it."""
        scopes = [scope for scope in self.model.consents if scope[0] in PATIENTS and scope[1] in self.staff]
        if not scopes:
            return
        patient, author, _ = self.chance.choice(scopes)
        grantee = self.chance.choice([author, self.model.people[author].organization])
        denied = (patient, grantee) not in self.model.denials
        act = self.world.acts.set_denial(self.addresses[grantee], denied)
        self.attempt(patient, act, self.model.deny(patient, grantee, denied))
        self.pass_time()  # what is posted next is posted in a second of its own

    # --- what is drawn, and decided on

    def draw_listed(self, state: str) -> tuple[bytes, str]:
        """A record of a batch, if there is one that stands so, and mostly its author."""
        digest = self.chance.choice([*self.model.standing(state)] or [*self.model.listed])
        author = self.model.records[digest].author
        return digest, self.chance.choice([author] * 6 + self.readers)

    def draw_record(self, state: str = "") -> tuple[bytes, Written]:
        """One that came by itself."""
        singles = [each for each in self.model.records.items() if each[0] not in self.model.listed]
        return self.chance.choice([each for each in singles if each[1].state == state] or singles)

    def decide_in_batch(self) -> None:
        if not self.model.listed:
            return
        digest = self.chance.choice([*self.model.listed])
        patient = self.model.records[digest].patient
        offered = [scope for scope in self.model.consents if scope[0] == patient]
        self.chance.shuffle(offered)
        reader = self.chance.choice([scope[1] for scope in offered if scope[1] in self.readers] or self.readers)
        self.check(reader, digest, self.chance.choice(self.purposes), offered[:15])

    def ask(self, reader: str, digest: bytes, purpose: Purpose, offered: list[Scope]) -> Decision:
        one = self.model.listed.get(digest)
        if one is None:
            return super().ask(reader, digest, purpose, offered)
        record = self.model.records[digest]
        request = self.world.request(self.keys[reader], digest, self.keys[record.author], purpose=purpose)
        request, bases = replace(request, subject=one.subject), [self.basis(each) for each in offered]
        decision = self.world.chain.decide(request, bases, one.proof)
        elsewhere = replace(one.subject, consent_number=one.subject.consent_number + 1)
        moved = self.world.chain.decide(replace(request, subject=elsewhere), bases, one.proof)
        assert moved.state is RecordState.NONE, "a leave to write that its leaf does not name"
        if not self.model.people[reader].suspended and self.model.is_live(reader):
            event(f"in a batch: {record.state}")
            assert decision.state is RecordState[record.state]
        return decision

    @invariant()
    def bits_are_the_models(self) -> None:
        """Each in its own place, and of each record one end at most."""
        for digest, one in list(self.model.listed.items())[-4:]:
            place = (one.proof.root, one.proof.index)
            accepted, superseded, retracted = self.world.chain.view("batchRecordOf", *place)
            turned_down = self.world.chain.view("isTurnedDownInBatch", *place)
            assert (superseded, retracted) == (one.superseded, one.retracted)
            assert turned_down == (one.answer == "TURNED_DOWN")
            assert not (turned_down and (accepted or superseded or retracted))
            assert accepted == (one.answer == "ANCHORED"), f"{digest.hex()} was accepted"


Batches.TestCase.settings = fuzz_settings(examples=100)
# Long runs, and making a failure short, take more than a test's usual time.
TestBatches = pytest.mark.timeout(3_600)(Batches.TestCase)
