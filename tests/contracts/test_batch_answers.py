"""What a patient says to a record of a batch whose author she has not let write: yes or no, once."""

import pytest

from ledger.codes import Reason, RecordState, Role
from tests.contracts.actors import Person, World, terms
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
    for index in (0, 1):
        with refused("BatchRecordUnchanged", root=night.root, index=index):
            turn_down(night, index, world.ada)
        with refused("BatchRecordUnchanged", root=night.root, index=index):
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
    turn_down(night, 0, world.ada)
    assert night.ask(0).state == RecordState.ANCHORED


def test_what_is_retracted_or_corrected_is_that_before_it_is_turned_down(night: Night, world: World) -> None:
    turn_down(night, 0, world.ada)
    world.chain.send(world.laboratory.address, world.acts.retract_in_batch(night.root, 0))
    assert night.ask(0).state == RecordState.RETRACTED
