"""Leases and fences: one holder at a time, to the second."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ledger.codes import Category, PrescriptionStatus
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


def test_a_reservation_is_a_lease_of_a_day_and_said(world: World, rx: Prescribed) -> None:
    sent = world.reserve(rx, world.pharmacist)
    state = world.chain.prescription(rx.id)
    values = {"id": rx.id, "pharmacist": world.pharmacist.address, "state": state.word}
    assert sent.events == (Event("PrescriptionClaimed", values),)
    assert (state.status, state.lease_until, state.fence) == (Status.CLAIMED, START + LEASE, 1)
    assert (state.fills_used, state.units_used) == (0, 0)
    assert world.chain.view("holderOf", rx.id) == world.pharmacist.address.lower()


def test_a_lease_does_not_outlast_the_prescription(world: World, rx: Prescribed) -> None:
    world.chain.go_to(START + 60 * DAY - 10)
    world.chain.send(world.pharmacist.address, world.acts.reserve_granted(rx.opening))
    assert world.chain.prescription(rx.id).lease_until == START + 60 * DAY


def test_while_a_lease_lives_nobody_else_claims_by_any_way(world: World, rx: Prescribed) -> None:
    world.reserve(rx, world.pharmacist)
    held = {"id": rx.id, "holder": world.pharmacist.address, "leaseUntil": START + LEASE}
    world.chain.go_to(START + LEASE - 1)
    attempts: list[Callable[[], Receipt]] = [
        lambda: world.dispense(rx, world.rival),
        lambda: world.reserve(rx, world.rival),
        lambda: world.dispense_granted(rx, world.rival),
        lambda: world.chain.send(world.rival.address, world.acts.reserve_granted(rx.opening)),
    ]
    for attempt in attempts:
        with refused("LeaseHeldByAnother", **held):
            attempt()
    world.chain.go_to(START + LEASE)
    world.reserve(rx, world.rival)
    assert world.chain.view("holderOf", rx.id) == world.rival.address.lower()


def test_a_dispense_under_a_lease_ends_it(world: World, rx: Prescribed) -> None:
    world.reserve(rx, world.pharmacist)
    world.chain.pass_time(60)
    sent = hand_out(world, rx, world.pharmacist, 1)
    state = world.chain.prescription(rx.id)
    assert sent.events[0].values["state"] == state.word
    assert (state.status, state.fills_used, state.units_used, state.lease_until) == (Status.ACTIVE, 1, 30, 0)
    with refused("PrescriptionStateUnfit", id=rx.id, status=Status.ACTIVE):
        hand_out(world, rx, world.pharmacist, 1)


def test_a_lease_goes_on_while_units_of_the_fill_are_owed(world: World, rx: Prescribed) -> None:
    world.reserve(rx, world.pharmacist)
    hand_out(world, rx, world.pharmacist, 1, 10, owed=True)
    state = world.chain.prescription(rx.id)
    assert (state.status, state.owing, state.lease_until) == (Status.CLAIMED, 20, START + LEASE)
    with refused("UnitsOutOfRange", units=21, most=20):
        hand_out(world, rx, world.pharmacist, 1, 21)
    hand_out(world, rx, world.pharmacist, 1, 20)
    state = world.chain.prescription(rx.id)
    assert (state.status, state.fills_used, state.units_used, state.owing) == (Status.ACTIVE, 1, 30, 0)


def test_a_lease_lapses_to_the_second_and_then_gives_nothing(world: World, rx: Prescribed) -> None:
    world.reserve(rx, world.pharmacist)
    world.chain.go_to(START + LEASE)
    with refused("LeaseLost", id=rx.id, fence=1, currentFence=1):
        hand_out(world, rx, world.pharmacist, 1)
    with refused("LeaseLost"):
        world.chain.send(world.pharmacist.address, world.acts.release(rx.opening, 1))
    world.chain.go_to(START + LEASE - 1)
    assert hand_out(world, rx, world.pharmacist, 1).events


def test_whoever_claims_later_fences_out_whoever_claimed_before(world: World, rx: Prescribed) -> None:
    world.reserve(rx, world.pharmacist)
    world.chain.pass_time(LEASE)
    world.reserve(rx, world.rival)
    with refused("LeaseLost", fence=1, currentFence=2):
        hand_out(world, rx, world.pharmacist, 1)
    with refused("LeaseLost", fence=2, currentFence=2):
        hand_out(world, rx, world.pharmacist, 2)
    with refused("LeaseLost", fence=1, currentFence=2):
        hand_out(world, rx, world.rival, 1)
    assert hand_out(world, rx, world.rival, 2).events


def test_the_holder_may_claim_her_own_lease_anew(world: World, rx: Prescribed) -> None:
    world.reserve(rx, world.pharmacist)
    world.chain.pass_time(3_600)
    world.reserve(rx, world.pharmacist)
    state = world.chain.prescription(rx.id)
    assert (state.fence, state.lease_until) == (2, START + 3_600 + LEASE)
    with refused("LeaseLost", fence=1, currentFence=2):
        hand_out(world, rx, world.pharmacist, 1)


def test_a_released_lease_is_anybodys(world: World, rx: Prescribed) -> None:
    world.reserve(rx, world.pharmacist)
    for who, fence in ((world.rival, 1), (world.pharmacist, 2)):
        with refused("LeaseLost"):
            world.chain.send(who.address, world.acts.release(rx.opening, fence))
    sent = world.chain.send(world.pharmacist.address, world.acts.release(rx.opening, 1))
    state = world.chain.prescription(rx.id)
    values = {"id": rx.id, "pharmacist": world.pharmacist.address, "state": state.word}
    assert sent.events == (Event("PrescriptionReleased", values),)
    assert (state.status, state.lease_until, state.fence) == (Status.ACTIVE, 0, 1)
    assert world.dispense(rx, world.rival).events


def test_an_open_fill_survives_a_release_and_is_collected_elsewhere(world: World, rx: Prescribed) -> None:
    world.reserve(rx, world.pharmacist)
    hand_out(world, rx, world.pharmacist, 1, 10, owed=True)
    world.chain.send(world.pharmacist.address, world.acts.release(rx.opening, 1))
    world.dispense(rx, world.rival, 20)
    state = world.chain.prescription(rx.id)
    assert (state.fills_used, state.units_used, state.owing) == (1, 30, 0)


def test_a_reservation_counts_no_fill_and_waits_for_the_interval_too(world: World, rx: Prescribed) -> None:
    world.dispense_granted(rx, world.pharmacist)
    with refused("NextFillTooSoon"):
        world.reserve(rx, world.rival)
    world.chain.pass_time(7 * DAY)
    world.reserve(rx, world.rival)
    assert world.chain.prescription(rx.id).fills_used == 1


def test_nothing_happens_to_a_prescription_that_was_never_issued(world: World, rx: Prescribed) -> None:
    opening = replace(rx.opening, digest=bytes(32))
    for who, act in (
        (world.doctor, world.acts.cancel(opening)),
        (world.doctor, world.acts.void(opening)),
        (world.doctor, world.acts.set_pause(opening, True)),
        (world.pharmacist, world.acts.release(opening, 0)),
        (world.pharmacist, world.acts.dispense_reserved(opening, 0, HandOut(1), RECORD)),
        (world.pharmacist, world.acts.undo(opening, world.chain.prescription(rx.id))),
        (world.pharmacist, world.acts.reserve_granted(opening)),
    ):
        with refused("PrescriptionUnknown", id=opening.id()):
            world.chain.send(who.address, act)
