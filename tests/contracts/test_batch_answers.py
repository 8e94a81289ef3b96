"""What a patient says to a record of a batch whose author she has not let write: yes or no, once; and what its author
may do to it before and after, as with a single record."""

from dataclasses import replace

import pytest

from ledger.codes import Category, Reason, RecordState, Role
from tests.contracts.actors import DOCUMENT, Person, World, consent_basis, terms
from tests.contracts.evm import Event, refused
from tests.contracts.test_batches import Night


@pytest.fixture
def night(world: World) -> Night:
    """Five results of a laboratory that Ada has not let write; the doctor may read."""
    world.grant(world.ada, world.doctor, terms())
    made = Night(world, 5)
    made.anchor()
    return made


def turn_down(night: Night, index: int, by: Person) -> tuple[Event, ...]:
    act = night.world.acts.turn_down_in_batch(
        night.root, index, night.digests[index], night.subjects[index], night.tree.path(index)
    )
    return night.world.chain.send(by.address, act).events


def is_turned_down(night: Night, index: int) -> bool:
    return bool(night.world.chain.view("isTurnedDownInBatch", night.root, index))


def test_she_turns_one_down_and_its_neighbours_stay_proposed(night: Night, world: World) -> None:
    events = turn_down(night, 1, world.ada)
    values = {"root": night.root, "index": 1, "patient": world.ada.address}
    assert events == (Event("BatchRecordTurnedDown", values),)
    assert [is_turned_down(night, index) for index in range(4)] == [False, True, False, False]
    turned, other = night.ask(1), night.ask(2)
    assert (turned.reason, turned.state) == (Reason.NOT_YET_ACCEPTED, RecordState.TURNED_DOWN)
    assert (other.reason, other.state) == (Reason.NOT_YET_ACCEPTED, RecordState.PROPOSED)


def test_an_answer_is_given_once_whichever_it_was(night: Night, world: World) -> None:
    turn_down(night, 0, world.ada)
    night.accept(1, world.ada)
    for index, state in ((0, RecordState.TURNED_DOWN), (1, RecordState.ANCHORED)):
        with refused("RecordStateUnfit", digest=night.digests[index], state=state):
            turn_down(night, index, world.ada)
        with refused("RecordStateUnfit", digest=night.digests[index], state=state):
            night.accept(index, world.ada)
    assert night.bits(0) == (False, False, False)
    assert night.ask(1).permitted


def test_only_the_patient_turns_it_down_and_only_on_its_proof(night: Night, world: World) -> None:
    with refused("NotThePatient", caller=world.ben.address, patient=world.ada.address):
        turn_down(night, 0, world.ben)
    with refused("RoleMissing", participant=world.laboratory.address, anyOf=Role.PATIENT):
        turn_down(night, 0, world.laboratory)
    forged = world.acts.turn_down_in_batch(night.root, 1, night.digests[0], night.subjects[0], night.tree.path(0))
    with refused("ProofInvalid", root=night.root, index=1):
        world.chain.send(world.ada.address, forged)
    unknown = world.acts.turn_down_in_batch(bytes(32), 0, night.digests[0], night.subjects[0], ())
    with refused("ProofInvalid"):
        world.chain.send(world.ada.address, unknown)


def test_what_she_let_the_laboratory_write_is_not_turned_down_afterwards(world: World) -> None:
    world.grant(world.ada, world.laboratory)
    world.grant(world.ada, world.doctor, terms())
    night = Night(world, 5)
    night.anchor()
    world.chain.pass_time(60)
    world.withdraw(world.ada, world.laboratory)
    with refused("RecordStateUnfit", digest=night.digests[0], state=RecordState.ANCHORED):
        turn_down(night, 0, world.ada)
    with refused("RecordStateUnfit", digest=night.digests[0], state=RecordState.ANCHORED):
        night.accept(0, world.ada)
    assert not is_turned_down(night, 0)
    assert night.ask(0).permitted


def test_a_leaf_beyond_the_count_that_was_said_is_answered_by_nobody(world: World) -> None:
    night = Night(world, 5)
    world.chain.send(world.laboratory.address, world.acts.anchor_batch(night.root, 3, DOCUMENT))
    with refused("ProofInvalid", root=night.root, index=3):
        turn_down(night, 3, world.ada)
    night.accept(2, world.ada)


def test_what_is_turned_down_is_neither_retracted_nor_corrected(night: Night, world: World) -> None:
    turn_down(night, 0, world.ada)
    with refused("BatchRecordGone", root=night.root, index=0):
        night.retract(0)
    with refused("RecordStateUnfit", digest=night.digests[0], state=RecordState.TURNED_DOWN):
        night.supersede(0, world.digest())
    assert night.ask(0).state == RecordState.TURNED_DOWN
    assert night.bits(0) == (False, False, False)


def test_what_is_retracted_is_neither_corrected_nor_answered(night: Night, world: World) -> None:
    night.accept(1, world.ada)
    for index, state in ((0, RecordState.TAKEN_BACK), (1, RecordState.RETRACTED)):
        night.retract(index)
        unfit = {"digest": night.digests[index], "state": state}
        with refused("RecordStateUnfit", **unfit):
            night.supersede(index, world.digest())
        with refused("RecordStateUnfit", **unfit):
            turn_down(night, index, world.ada)
        with refused("RecordStateUnfit", **unfit):
            night.accept(index, world.ada)
        assert not is_turned_down(night, index)
        assert night.ask(index).state == state


def test_what_is_corrected_is_not_corrected_or_answered_again_but_may_be_retracted(night: Night, world: World) -> None:
    night.accept(1, world.ada)
    for index, state in ((0, RecordState.TAKEN_BACK), (1, RecordState.SUPERSEDED)):
        night.supersede(index, world.digest())
        unfit = {"digest": night.digests[index], "state": state}
        with refused("RecordStateUnfit", **unfit):
            night.supersede(index, world.digest())
        with refused("RecordStateUnfit", **unfit):
            turn_down(night, index, world.ada)
        with refused("RecordStateUnfit", **unfit):
            night.accept(index, world.ada)
        assert night.ask(index).permitted == (index == 1)
        night.retract(index)
        assert night.ask(index).permitted == (index == 1)
    assert night.ask(0).state == RecordState.TAKEN_BACK
    assert night.ask(1).state == RecordState.RETRACTED


@pytest.mark.parametrize("accepted", [True, False])
def test_a_correction_stands_as_the_corrected_one_stood(night: Night, world: World, accepted: bool) -> None:
    if accepted:
        night.accept(1, world.ada)
    correction = world.digest()
    sent = night.supersede(1, correction)
    name = "RecordAnchored" if accepted else "RecordProposed"
    authorship = int(Category.LABORATORY) << 160 | int(world.laboratory.address, 16)
    assert sent.events == (
        Event(name, {"digest": correction, "patient": world.ada.address, "authorship": authorship}),
        Event("BatchRecordSuperseded", {"root": night.root, "index": 1, "digest": correction}),
    )
    assert night.ask(1).state == (RecordState.SUPERSEDED if accepted else RecordState.TAKEN_BACK)
    asked = world.chain.decide(world.request(world.doctor, correction, world.laboratory), [consent_basis(world.doctor)])
    assert asked.permitted == accepted
    assert asked.state == (RecordState.ANCHORED if accepted else RecordState.PROPOSED)
    assert [night.bits(index)[1] for index in range(3)] == [False, True, False]


def test_a_correction_is_about_what_stands_in_the_batch_and_was_never_anchored(night: Night, world: World) -> None:
    world.grant(world.ada, world.laboratory)
    before = world.anchor(world.laboratory, world.ada)
    with refused("RecordAlreadyAnchored", digest=before):
        night.supersede(0, before)
    stands = night.subjects[0]
    for wrong in (replace(stands, patient=world.ben.address), replace(stands, categories=Category.GENETICS)):
        night.subjects[0] = wrong
        with refused("ProofInvalid", root=night.root, index=0):
            night.supersede(0, world.digest())
    night.subjects[0] = stands
    night.supersede(0, world.digest())
