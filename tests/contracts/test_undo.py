"""Taking a dispense back: by who dispensed, within half an hour, if nothing else has happened."""

from dataclasses import replace

import pytest

from ledger.codes import Category, PrescriptionStatus, Role
from ledger.types import HandOut, PrescriptionTerms
from tests.contracts.actors import DAY, RECORD, Person, Prescribed, World, terms
from tests.contracts.evm import START, Event, Receipt, refused

MEDICATION = Category.MEDICATION
LEASE = DAY
WINDOW = 30 * 60
ALLOWED = PrescriptionTerms(3, 30, 90, 7 * DAY, START, START + 60 * DAY, grantable=True)
Status = PrescriptionStatus


@pytest.fixture
def rx(world: World) -> Prescribed:
    """Three fills of 30 units; Ada lets her doctor write and both pharmacists dispense."""
    world.grant(world.ada, world.doctor)
    world.grant(world.ada, world.pharmacist, terms(MEDICATION))
    world.grant(world.ada, world.rival, terms(MEDICATION))
    return world.prescribe(ALLOWED)


def hand_out(world: World, rx: Prescribed, by: Person, fence: int, units: int = 30, *, owed: bool = False) -> Receipt:
    act = world.acts.dispense_reserved(rx.opening, fence, HandOut(units, owed), RECORD)
    return world.chain.send(by.address, act)


def test_a_dispense_is_taken_back_within_half_an_hour_to_the_second(world: World, rx: Prescribed) -> None:
    before = world.chain.prescription(rx.id)
    world.dispense_granted(rx, world.pharmacist)
    act = world.acts.undo(rx.opening, before)
    world.chain.go_to(START + WINDOW + 1)
    with refused("UndoNotPossible", id=rx.id):
        world.chain.send(world.pharmacist.address, act)
    world.chain.go_to(START + WINDOW)
    sent = world.chain.send(world.pharmacist.address, act)
    state = world.chain.prescription(rx.id)
    values = {"id": rx.id, "pharmacist": world.pharmacist.address, "state": state.word}
    assert sent.events == (Event("DispenseUndone", values),)
    assert (state.status, state.fills_used, state.units_used, state.dispensed_at) == (Status.ACTIVE, 0, 0, 0)
    assert state.fence == 2


def test_only_who_dispensed_takes_it_back_and_only_to_what_was(world: World, rx: Prescribed) -> None:
    before = world.chain.prescription(rx.id)
    world.dispense_granted(rx, world.pharmacist)
    with refused("UndoNotPossible"):
        world.chain.send(world.rival.address, world.acts.undo(rx.opening, before))
    for forged in (0, before.word + 1, 2**256 - 1, world.chain.prescription(rx.id).word):
        with refused("UndoNotPossible"):
            world.chain.call(world.pharmacist.address, "undo", rx.opening.as_tuple(), forged)


def test_a_dispense_is_taken_back_once_and_only_the_last(world: World, rx: Prescribed) -> None:
    first = world.chain.prescription(rx.id)
    world.dispense_granted(rx, world.pharmacist, 10, owed=True)
    second = world.chain.prescription(rx.id)
    world.dispense_granted(rx, world.pharmacist, 20)
    with refused("UndoNotPossible"):
        world.chain.send(world.pharmacist.address, world.acts.undo(rx.opening, first))
    world.chain.send(world.pharmacist.address, world.acts.undo(rx.opening, second))
    state = world.chain.prescription(rx.id)
    assert (state.fills_used, state.units_used, state.owing) == (1, 10, 20)
    for before in (first, second):
        with refused("UndoNotPossible"):
            world.chain.send(world.pharmacist.address, world.acts.undo(rx.opening, before))


@pytest.mark.parametrize("act", ["reserve", "pause", "cancel"])
def test_nothing_is_taken_back_once_something_else_has_happened(world: World, act: str) -> None:
    world.grant(world.ada, world.doctor)
    rx = world.prescribe(replace(ALLOWED, min_interval=0))
    before = world.chain.prescription(rx.id)
    world.dispense(rx, world.pharmacist)
    if act == "reserve":
        world.reserve(rx, world.rival)
    elif act == "pause":
        world.chain.send(world.doctor.address, world.acts.set_pause(rx.opening, True))
    else:
        world.chain.send(world.ada.address, world.acts.cancel(rx.opening))
    with refused("UndoNotPossible"):
        world.chain.send(world.pharmacist.address, world.acts.undo(rx.opening, before))


def test_taking_back_the_last_fill_opens_the_prescription_again(world: World, rx: Prescribed) -> None:
    single = world.prescribe(replace(ALLOWED, fills=1, quantity=30))
    before = world.chain.prescription(single.id)
    world.dispense(single, world.pharmacist)
    assert world.chain.status(single.id) == Status.COMPLETED
    world.chain.send(world.pharmacist.address, world.acts.undo(single.opening, before))
    assert world.dispense(single, world.rival).events
    assert world.chain.status(single.id) == Status.COMPLETED


def test_taking_back_gives_no_lease_back_and_no_signature_new_life(world: World, rx: Prescribed) -> None:
    redemption = world.redemption(rx, world.pharmacist)
    world.chain.send(world.pharmacist.address, world.acts.reserve_presented(rx.opening, redemption))
    before = world.chain.prescription(rx.id)
    hand_out(world, rx, world.pharmacist, 1)
    world.chain.send(world.pharmacist.address, world.acts.undo(rx.opening, before))
    state = world.chain.prescription(rx.id)
    assert (state.status, state.lease_until) == (Status.ACTIVE, 0)
    with refused("FillKeyInvalid"):
        world.chain.send(world.pharmacist.address, world.acts.reserve_presented(rx.opening, redemption))
    with refused("PrescriptionStateUnfit", status=Status.ACTIVE):
        hand_out(world, rx, world.pharmacist, 1)


def test_taking_back_restores_the_interval_that_counted_before(world: World, rx: Prescribed) -> None:
    world.dispense_granted(rx, world.pharmacist)
    world.chain.pass_time(7 * DAY)
    before = world.chain.prescription(rx.id)
    world.dispense_granted(rx, world.pharmacist)
    world.chain.send(world.pharmacist.address, world.acts.undo(rx.opening, before))
    assert world.chain.prescription(rx.id).dispensed_at == START
    assert world.dispense_granted(rx, world.pharmacist).events


def test_whoever_is_no_pharmacist_any_more_takes_nothing_back(world: World, rx: Prescribed) -> None:
    before = world.chain.prescription(rx.id)
    world.dispense_granted(rx, world.pharmacist)
    world.chain.send(world.pharmacy.address, world.acts.set_roles(world.pharmacist.address, Role.PATIENT))
    with refused("RoleMissing", participant=world.pharmacist.address):
        world.chain.send(world.pharmacist.address, world.acts.undo(rx.opening, before))
