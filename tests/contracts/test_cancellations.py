"""Cancelling, also while somebody holds a lease; pausing and voiding."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ledger.codes import Category, PrescriptionStatus
from ledger.types import HandOut, PrescriptionTerms, Subject
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


@pytest.mark.parametrize("canceller", ["doctor", "ada"])
def test_prescriber_and_patient_cancel_what_nobody_holds(world: World, rx: Prescribed, canceller: str) -> None:
    world.dispense_granted(rx, world.pharmacist)
    who = getattr(world, canceller)
    sent = world.chain.send(who.address, world.acts.cancel(rx.opening))
    state = world.chain.prescription(rx.id)
    assert sent.events == (Event("PrescriptionChanged", {"id": rx.id, "by": who.address, "state": state.word}),)
    assert (state.status, state.fills_used, state.units_used) == (Status.CANCELLED, 1, 30)
    world.chain.pass_time(7 * DAY)
    with refused("PrescriptionStateUnfit", id=rx.id, status=Status.CANCELLED):
        world.dispense_granted(rx, world.pharmacist)
    with refused("PrescriptionStateUnfit", status=Status.CANCELLED):
        world.chain.send(who.address, world.acts.cancel(rx.opening))


def test_nobody_else_cancels(world: World, rx: Prescribed) -> None:
    for who in (world.ben, world.nurse, world.pharmacist, world.hospital, world.stranger):
        with refused("NeitherPrescriberNorPatient", caller=who.address):
            world.chain.send(who.address, world.acts.cancel(rx.opening))
    forged = replace(rx.opening, prescriber=world.nurse.address)
    with refused("RoleMissing", participant=world.nurse.address):
        world.chain.send(world.nurse.address, world.acts.cancel(forged))
    stolen = replace(rx.opening, subject=Subject(world.ben.address, MEDICATION))
    with refused("PrescriptionUnknown"):
        world.chain.send(world.ben.address, world.acts.cancel(stolen))


def test_a_cancellation_waits_while_somebody_holds_a_lease(world: World, rx: Prescribed) -> None:
    world.reserve(rx, world.pharmacist)
    world.chain.send(world.doctor.address, world.acts.cancel(rx.opening))
    assert world.chain.status(rx.id) == Status.CANCEL_PENDING
    with refused("PrescriptionStateUnfit", status=Status.CANCEL_PENDING):
        hand_out(world, rx, world.pharmacist, 1)
    attempts: list[Callable[[], Receipt]] = [
        lambda: world.reserve(rx, world.rival),
        lambda: world.dispense_granted(rx, world.rival),
        lambda: world.dispense_granted(rx, world.pharmacist),
        lambda: world.chain.send(world.doctor.address, world.acts.cancel(rx.opening)),
        lambda: world.chain.send(world.doctor.address, world.acts.set_pause(rx.opening, True)),
        lambda: world.chain.send(world.doctor.address, world.acts.void(rx.opening)),
    ]
    for attempt in attempts:
        with refused("PrescriptionStateUnfit", id=rx.id, status=Status.CANCEL_PENDING):
            attempt()
    world.chain.send(world.pharmacist.address, world.acts.release(rx.opening, 1))
    assert world.chain.status(rx.id) == Status.CANCELLED


def test_under_a_pending_cancellation_an_open_fill_may_be_finished(world: World, rx: Prescribed) -> None:
    world.reserve(rx, world.pharmacist)
    hand_out(world, rx, world.pharmacist, 1, 10, owed=True)
    world.chain.send(world.ada.address, world.acts.cancel(rx.opening))
    with refused("PrescriptionStateUnfit", status=Status.CANCEL_PENDING):
        hand_out(world, rx, world.pharmacist, 1, 10, owed=True)
    hand_out(world, rx, world.pharmacist, 1, 20)
    state = world.chain.prescription(rx.id)
    assert (state.status, state.units_used, state.owing) == (Status.CANCELLED, 30, 0)
    with refused("UndoNotPossible", id=rx.id):
        world.chain.send(world.pharmacist.address, world.acts.undo(rx.opening, state))


def test_a_pending_cancellation_is_settled_by_anyone_once_the_lease_has_passed(world: World, rx: Prescribed) -> None:
    world.reserve(rx, world.pharmacist)
    with refused("PrescriptionStateUnfit", id=rx.id, status=Status.CLAIMED):
        world.chain.send(world.stranger.address, world.acts.settle(rx.id))
    world.chain.send(world.doctor.address, world.acts.cancel(rx.opening))
    world.chain.go_to(START + LEASE - 1)
    with refused("LeaseHeldByAnother", id=rx.id, holder=world.pharmacist.address, leaseUntil=START + LEASE):
        world.chain.send(world.stranger.address, world.acts.settle(rx.id))
    world.chain.go_to(START + LEASE)
    world.chain.send(world.stranger.address, world.acts.settle(rx.id))
    assert world.chain.status(rx.id) == Status.CANCELLED
    with refused("PrescriptionUnknown", id=bytes(32)):
        world.chain.send(world.stranger.address, world.acts.settle(bytes(32)))


def test_a_lapsed_claim_is_cancelled_at_once(world: World, rx: Prescribed) -> None:
    world.reserve(rx, world.pharmacist)
    world.chain.go_to(START + LEASE)
    world.chain.send(world.doctor.address, world.acts.cancel(rx.opening))
    assert world.chain.status(rx.id) == Status.CANCELLED


def test_an_untouched_prescription_is_voided_by_its_prescriber_only(world: World, rx: Prescribed) -> None:
    for who in (world.ada, world.pharmacist):
        with refused("NotThePrescriber", caller=who.address, prescriber=world.doctor.address):
            world.chain.send(who.address, world.acts.void(rx.opening))
    world.chain.send(world.doctor.address, world.acts.void(rx.opening))
    assert world.chain.status(rx.id) == Status.VOIDED
    with refused("PrescriptionStateUnfit", status=Status.VOIDED):
        world.dispense_granted(rx, world.pharmacist)


def test_what_was_dispensed_is_not_entered_in_error(world: World, rx: Prescribed) -> None:
    world.dispense_granted(rx, world.pharmacist)
    with refused("PrescriptionStateUnfit", status=Status.ACTIVE):
        world.chain.send(world.doctor.address, world.acts.void(rx.opening))
    held = world.prescribe(ALLOWED)
    world.reserve(held, world.pharmacist)
    with refused("PrescriptionStateUnfit", status=Status.CLAIMED):
        world.chain.send(world.doctor.address, world.acts.void(held.opening))


def test_a_paused_prescription_is_not_claimed_until_it_is_resumed(world: World, rx: Prescribed) -> None:
    with refused("NotThePrescriber"):
        world.chain.send(world.ada.address, world.acts.set_pause(rx.opening, True))
    with refused("PrescriptionStateUnfit", status=Status.ACTIVE):
        world.chain.send(world.doctor.address, world.acts.set_pause(rx.opening, False))
    world.chain.send(world.doctor.address, world.acts.set_pause(rx.opening, True))
    attempts: list[Callable[[], Receipt]] = [
        lambda: world.dispense_granted(rx, world.pharmacist),
        lambda: world.reserve(rx, world.pharmacist),
    ]
    for attempt in attempts:
        with refused("PrescriptionStateUnfit", status=Status.SUSPENDED):
            attempt()
    world.chain.send(world.doctor.address, world.acts.set_pause(rx.opening, False))
    assert world.dispense_granted(rx, world.pharmacist).events
    world.reserve(world.prescribe(ALLOWED), world.pharmacist)


def test_a_paused_prescription_can_be_cancelled_and_a_held_one_not_paused(world: World, rx: Prescribed) -> None:
    world.reserve(rx, world.pharmacist)
    with refused("PrescriptionStateUnfit", status=Status.CLAIMED):
        world.chain.send(world.doctor.address, world.acts.set_pause(rx.opening, True))
    world.chain.send(world.pharmacist.address, world.acts.release(rx.opening, 1))
    world.chain.send(world.doctor.address, world.acts.set_pause(rx.opening, True))
    world.chain.send(world.ada.address, world.acts.cancel(rx.opening))
    assert world.chain.status(rx.id) == Status.CANCELLED
