"""Many records under one root: proofs, bits of neighbours, words of 256."""

from dataclasses import replace

import pytest

from ledger.codes import AnchorKind, Category, Reason, RecordState
from ledger.merkle import MerkleTree
from ledger.types import AnchorProof, Decision, Subject, record_leaf
from tests.contracts.actors import Person, World, consent_basis, terms
from tests.contracts.evm import START, Event, Receipt, refused

MANIFEST = b"\x0a" * 32


class Night:
    """A laboratory's results of one night: all about Ada, but the last, which is Ben's. The leaves name the consent to
    write: its number, and whether it names the author's organization."""

    def __init__(
        self, world: World, count: int, author: Person | None = None, *, number: int = 0, via_organization: bool = False
    ) -> None:
        self.world = world
        self.author = author or world.laboratory
        patients = [world.ada] * (count - 1) + [world.ben]
        self.subjects = [Subject(who.address, Category.LABORATORY, number, via_organization) for who in patients]
        self.digests = [world.digest() for _ in range(count)]
        self.plant()

    def plant(self) -> None:
        """The tree over the results."""
        leaves = [record_leaf(i, *pair) for i, pair in enumerate(zip(self.digests, self.subjects, strict=True))]
        self.tree = MerkleTree(leaves)
        self.root = self.tree.root

    def anchor(self) -> None:
        act = self.world.acts.anchor_batch(self.root, len(self.digests), MANIFEST)
        self.world.chain.send(self.author.address, act)

    def proof(self, index: int) -> AnchorProof:
        return AnchorProof(AnchorKind.BATCH, self.root, index, self.tree.path(index))

    def accept(self, index: int, by: Person) -> None:
        act = self.world.acts.accept_in_batch(
            self.root, index, self.digests[index], self.subjects[index], self.tree.path(index)
        )
        self.world.chain.send(by.address, act)

    def supersede(self, index: int, correction: bytes, by: Person | None = None) -> Receipt:
        act = self.world.acts.supersede_in_batch(
            self.root, index, self.digests[index], correction, self.subjects[index], self.tree.path(index)
        )
        return self.world.chain.send((by or self.author).address, act)

    def retract(self, index: int) -> Receipt:
        return self.world.chain.send(self.author.address, self.world.acts.retract_in_batch(self.root, index))

    def bits(self, index: int) -> tuple[bool, bool, bool]:
        """Accepted, superseded, retracted."""
        accepted, superseded, retracted = self.world.chain.view("batchRecordOf", self.root, index)
        return accepted, superseded, retracted

    def ask(self, index: int, proof: AnchorProof | None = None, reader: Person | None = None) -> Decision:
        """Ada's doctor, who has a consent, asks for a result."""
        reader = reader or self.world.doctor
        request = self.world.request(reader, self.digests[index], self.author)
        return self.world.chain.decide(
            replace(request, subject=self.subjects[index]),
            [consent_basis(self.world.doctor)],
            proof or self.proof(index),
        )


@pytest.fixture
def night(world: World) -> Night:
    """Five results, anchored; Ada has let the laboratory write and the doctor read."""
    world.grant(world.ada, world.laboratory)
    world.grant(world.ada, world.doctor, terms())
    made = Night(world, 5)
    made.anchor()
    return made


def test_a_batch_is_anchored_once_by_a_writer_and_said(world: World) -> None:
    night = Night(world, 3)
    act = world.acts.anchor_batch(night.root, 3, MANIFEST)
    with refused("RoleMissing", participant=world.ada.address):
        world.chain.send(world.ada.address, act)
    sent = world.chain.send(world.technician.address, act)
    values = {"root": night.root, "author": world.technician.address, "count": 3, "manifest": MANIFEST}
    assert sent.events == (Event("BatchAnchored", values),)
    batch = world.chain.batch(night.root)
    assert batch is not None
    assert (batch.author, batch.anchored_at, batch.kind, batch.count) == (world.technician.address, START, 1, 3)
    for who in (world.technician, world.laboratory):
        with refused("BatchAlreadyAnchored", root=night.root):
            world.chain.send(who.address, act)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 257])
def test_every_record_of_a_batch_is_proven_by_its_own_path(world: World, count: int) -> None:
    world.grant(world.ada, world.laboratory)
    world.grant(world.ada, world.doctor, terms())
    night = Night(world, count + 1)
    night.anchor()
    for index in {0, count // 2, count - 1}:
        assert night.ask(index).permitted
        assert night.ask(index).state == RecordState.ANCHORED


def test_a_proof_from_another_tree_proves_nothing(world: World, night: Night) -> None:
    other = Night(world, 5)
    other.anchor()
    for proof in (
        replace(night.proof(0), root=other.root),
        replace(night.proof(0), path=other.tree.path(0)),
        replace(night.proof(0), path=night.tree.path(1)),
        replace(night.proof(0), path=()),
        replace(night.proof(0), path=(*night.tree.path(0), bytes(32))),
        replace(night.proof(0), index=1),
        replace(night.proof(0), kind=AnchorKind.SINGLE),
        replace(night.proof(0), kind=AnchorKind.PRESCRIPTION),
    ):
        assert night.ask(0, proof).reason == Reason.RECORD_NOT_ANCHORED


def test_a_root_that_was_never_anchored_proves_nothing(world: World, night: Night) -> None:
    other = Night(world, 5)
    assert other.ask(0).reason == Reason.RECORD_NOT_ANCHORED


def test_an_inner_node_is_no_record(world: World, night: Night) -> None:
    for inner in (night.tree.root, *night.tree.path(0)):
        with refused("ProofInvalid", root=night.root, index=0):
            act = world.acts.accept_in_batch(night.root, 0, inner, night.subjects[0], night.tree.path(0)[1:])
            world.chain.send(world.ada.address, act)


def test_a_root_over_consents_holds_no_records(world: World) -> None:
    night = Night(world, 3, author=world.hospital)
    world.chain.send(world.hospital.address, world.acts.anchor_consents(night.root, 3, MANIFEST))
    assert night.ask(0).reason == Reason.RECORD_NOT_ANCHORED
    with refused("ProofInvalid"):
        night.accept(0, world.ada)
    with refused("NotTheBatchAuthor", root=night.root):
        world.chain.send(world.hospital.address, world.acts.retract_in_batch(night.root, 0))


def test_an_index_outside_the_batch_is_out_of_range(world: World, night: Night) -> None:
    for index in (5, 6, 255, 256, 2**32 - 1):
        with refused("IndexOutOfRange", root=night.root, index=index, count=5):
            world.chain.send(world.laboratory.address, world.acts.retract_in_batch(night.root, index))


def test_a_leaf_beyond_the_count_that_was_said_is_not_in_the_batch(world: World) -> None:
    world.grant(world.ada, world.laboratory)
    world.grant(world.ada, world.doctor, terms())
    night = Night(world, 5)
    world.chain.send(world.laboratory.address, world.acts.anchor_batch(night.root, 3, MANIFEST))
    assert night.ask(2).permitted
    assert night.ask(3).reason == Reason.RECORD_NOT_ANCHORED


def test_retracting_one_record_leaves_its_neighbours_alone(world: World, night: Night) -> None:
    sent = world.chain.send(world.laboratory.address, world.acts.retract_in_batch(night.root, 2))
    assert sent.events == (Event("BatchRecordRetracted", {"root": night.root, "index": 2}),)
    assert [night.bits(i)[2] for i in range(5)] == [False, False, True, False, False]
    assert night.ask(1).state == night.ask(3).state == RecordState.ANCHORED
    assert night.ask(2).state == RecordState.RETRACTED
    with refused("BatchRecordGone", root=night.root, index=2):
        world.chain.send(world.laboratory.address, world.acts.retract_in_batch(night.root, 2))


def test_bits_stand_alone_across_the_words_of_256(world: World) -> None:
    act = world.acts.anchor_batch(b"\x0b" * 32, 1_000, MANIFEST)
    world.chain.send(world.laboratory.address, act)
    chosen = {0, 255, 256, 511, 512, 999}
    for index in chosen:
        world.chain.send(world.laboratory.address, world.acts.retract_in_batch(b"\x0b" * 32, index))
    looked_at = chosen | {1, 254, 257, 510, 513, 998}
    found = {i for i in looked_at if world.chain.view("batchRecordOf", b"\x0b" * 32, i)[2]}
    assert found == chosen
    assert not any(world.chain.view("batchRecordOf", b"\x0c" * 32, i)[2] for i in chosen)


def test_only_the_batchs_author_retracts_and_supersedes_in_it(world: World, night: Night) -> None:
    for who in (world.technician, world.doctor):
        with refused("NotTheBatchAuthor", root=night.root, caller=who.address):
            world.chain.send(who.address, world.acts.retract_in_batch(night.root, 0))
    with refused("RoleMissing", participant=world.ada.address):
        world.chain.send(world.ada.address, world.acts.retract_in_batch(night.root, 0))
    with refused("NotTheBatchAuthor"):
        world.chain.send(world.laboratory.address, world.acts.retract_in_batch(b"\x0d" * 32, 0))
    with refused("NotTheBatchAuthor"):
        night.supersede(0, world.digest(), world.doctor)


def test_a_result_without_leave_to_write_is_a_proposal_until_she_accepts_it(world: World, night: Night) -> None:
    assert night.ask(4, reader=world.doctor).reason == Reason.NOT_YET_ACCEPTED
    world.grant(world.ben, world.doctor, terms())
    assert night.ask(4).state == RecordState.PROPOSED
    with refused("NotThePatient", caller=world.ada.address, patient=world.ben.address):
        night.accept(4, world.ada)
    night.accept(4, world.ben)
    assert night.bits(4) == (True, False, False)
    assert night.ask(4).permitted
    with refused("RecordStateUnfit", digest=night.digests[4], state=RecordState.ANCHORED):
        night.accept(4, world.ben)
    with refused("RoleMissing", participant=world.doctor.address):
        night.accept(4, world.doctor)


def test_a_result_is_accepted_only_as_it_stands_in_the_tree(world: World, night: Night) -> None:
    subject = night.subjects[0]
    for index, digest, wrong in (
        (1, night.digests[0], subject),
        (0, night.digests[1], subject),
        (0, night.digests[0], replace(subject, categories=Category.GENETICS)),
    ):
        with refused("ProofInvalid", root=night.root, index=index):
            act = world.acts.accept_in_batch(night.root, index, digest, wrong, night.tree.path(0))
            world.chain.send(world.ada.address, act)
    with refused("ProofInvalid"):
        stolen = replace(night.subjects[4], patient=world.ada.address)
        act = world.acts.accept_in_batch(night.root, 4, night.digests[4], stolen, night.tree.path(4))
        world.chain.send(world.ada.address, act)


def test_acceptance_is_said(world: World, night: Night) -> None:
    act = world.acts.accept_in_batch(night.root, 4, night.digests[4], night.subjects[4], night.tree.path(4))
    sent = world.chain.send(world.ben.address, act)
    values = {"root": night.root, "index": 4, "patient": world.ben.address}
    assert sent.events == (Event("BatchRecordAccepted", values),)


def test_leave_to_write_counts_as_it_was_when_the_batch_was_anchored(world: World, night: Night) -> None:
    world.chain.pass_time(60)
    world.withdraw(world.ada, world.laboratory)
    assert night.ask(0).permitted
    later = Night(world, 5)
    later.anchor()
    assert later.ask(0).reason == Reason.NOT_YET_ACCEPTED


def test_leave_to_write_in_a_batch_may_name_the_authors_organization_and_nobody_else(world: World) -> None:
    world.grant(world.ada, world.laboratory)
    world.grant(world.ada, world.hospital)
    world.grant(world.ada, world.doctor, terms())
    for author, number, permitted in (
        (world.technician, 0, True),
        (world.technician, 1, False),
        (world.technician, 65_535, False),
        (world.nurse, 0, True),
    ):
        via = Night(world, 5, author, number=number, via_organization=True)
        own = Night(world, 5, author, number=number)
        for night, leave in ((via, permitted), (own, False)):
            night.anchor()
            asked = night.ask(0)
            assert (asked.permitted, asked.reason == Reason.NOT_YET_ACCEPTED) == (leave, not leave)


def test_what_its_leaf_proposes_no_consent_makes_hers_without_her_answer(world: World) -> None:
    """Not the one that lets the author write already, nor one that is granted later and dated back."""
    night = Night(world, 5)
    world.grant(world.ada, world.laboratory)
    night.subjects = [replace(subject, proposed=True) for subject in night.subjects]
    night.plant()
    night.anchor()
    world.grant(world.ada, world.doctor, terms())
    assert night.ask(0).reason == Reason.NOT_YET_ACCEPTED
    night.accept(0, world.ada)
    assert night.ask(0).permitted


@pytest.mark.parametrize("denies_her", [True, False])
def test_a_batch_is_judged_by_what_the_patient_had_said_of_its_author_when_it_was_anchored(
    world: World, denies_her: bool
) -> None:
    """For ever: whatever she says of the author, or of the author's organization, later, and however often."""
    world.grant(world.ada, world.technician)
    world.grant(world.ada, world.doctor, terms())
    denied = world.technician if denies_her else world.laboratory
    nights: list[tuple[Night, bool]] = []

    def post(*, counts: bool) -> None:
        night = Night(world, 5, world.technician)
        night.anchor()
        nights.append((night, counts))
        for one, stands in nights:
            state = RecordState.ANCHORED if stands else RecordState.PROPOSED
            assert one.ask(0).state is state
            assert one.ask(0).permitted is stands

    post(counts=True)
    for _ in range(4):
        world.chain.pass_time(1)
        world.deny(world.ada, denied)
        post(counts=False)
        world.chain.pass_time(1)
        post(counts=False)
        world.deny(world.ada, denied, False)
        # The second of its lifting is no longer in it.
        nights[-1] = nights[-1][0], True
        post(counts=True)
        world.chain.pass_time(1)
        post(counts=True)


def test_whom_she_denied_when_can_be_asked(world: World) -> None:
    ada, doctor = world.ada.address, world.doctor.address

    def said() -> list[bool]:
        return [world.chain.view("wasDenied", ada, doctor, START + at) for at in range(12)]

    assert not any(said())
    for at, denied in ((2, True), (4, False), (6, True), (6, False), (6, True), (9, False)):
        world.chain.go_to(START + at)
        world.deny(world.ada, world.doctor, denied)
    assert [at for at, denied in enumerate(said()) if denied] == [2, 3, 6, 7, 8]
    world.chain.go_to(START + 10)
    world.deny(world.ada, world.doctor)
    assert [at for at, denied in enumerate(said()) if denied] == [2, 3, 6, 7, 8, 10, 11]
    assert not world.chain.view("wasDenied", ada, world.nurse.address, START + 10)
    assert not world.chain.view("wasDenied", world.ben.address, doctor, START + 10)


def test_where_the_leave_to_write_stands_is_in_the_leaf_and_cannot_be_said_otherwise(world: World) -> None:
    world.grant(world.ada, world.laboratory, number=3)
    world.grant(world.ada, world.doctor, terms())
    night = Night(world, 5, number=3)
    night.anchor()
    asked = night.subjects[0]
    for other in (
        replace(asked, consent_number=0),
        replace(asked, consent_number=65_535),
        replace(asked, via_organization=True),
        replace(asked, proposed=True),
    ):
        night.subjects[0] = other
        assert night.ask(0).reason == Reason.RECORD_NOT_ANCHORED
        with refused("ProofInvalid", root=night.root, index=0):
            night.accept(0, world.ada)
        with refused("ProofInvalid", root=night.root, index=0):
            night.supersede(0, world.digest())
    night.subjects[0] = asked
    assert night.ask(0).permitted


def test_the_author_of_a_batch_reads_it_and_nobody_else_as_author(world: World, night: Night) -> None:
    request = world.request(world.laboratory, night.digests[0], world.laboratory)
    assert world.chain.decide(request, (), night.proof(0)).permitted
    request = world.request(world.technician, night.digests[0], world.technician)
    assert world.chain.decide(request, (), night.proof(0)).reason == Reason.RECORD_NOT_ANCHORED


def test_a_record_without_categories_in_a_batch_is_read_by_nobody_without_a_basis(world: World) -> None:
    subject, digest = Subject(world.ada.address, Category(0)), world.digest()
    tree = MerkleTree([record_leaf(0, digest, subject)])
    world.chain.send(world.laboratory.address, world.acts.anchor_batch(tree.root, 1, MANIFEST))
    act = world.acts.accept_in_batch(tree.root, 0, digest, subject, ())
    world.chain.send(world.ada.address, act)
    request = replace(world.request(world.rival, digest, world.laboratory), subject=subject)
    assert not world.chain.decide(request, (), AnchorProof(AnchorKind.BATCH, tree.root, 0)).permitted
