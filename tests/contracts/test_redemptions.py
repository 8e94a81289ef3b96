"""Fill keys that a patient presents: a signature for one pharmacist, one fill, one fence, one prescription."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.acts import Act
from ledger.codes import Category, PrescriptionStatus
from ledger.merkle import MerkleTree
from ledger.types import HandOut, Opening, PrescriptionTerms, fill_key_leaf
from tests.contracts.actors import DAY, RECORD, Prescribed, World, terms
from tests.contracts.evm import START, refused

MEDICATION = Category.MEDICATION
ALLOWED = PrescriptionTerms(2, 30, 60, 7 * DAY, START, START + 60 * DAY, grantable=True)
Status = PrescriptionStatus


@pytest.fixture
def rx(world: World) -> Prescribed:
    """Two fills of 30 units, a week apart, within 60 days; Ada lets her doctor write and the pharmacist read."""
    world.grant(world.ada, world.doctor)
    world.grant(world.ada, world.pharmacist, terms(MEDICATION))
    return world.prescribe(ALLOWED)


def test_only_a_pharmacist_dispenses_even_with_a_fill_key(world: World, rx: Prescribed) -> None:
    for who in (world.doctor, world.ada, world.stranger):
        with refused("RoleMissing", participant=who.address):
            world.dispense(rx, who)


def presented(world: World, rx: Prescribed, **signed: Any) -> Act:
    """The rival dispenses on what Ada's wallet signed for it."""
    redemption = world.redemption(rx, world.rival, **signed)
    return world.acts.dispense_presented(rx.opening, redemption, HandOut(30), RECORD)


def test_a_snatched_redemption_is_of_no_use_to_another_pharmacist(world: World, rx: Prescribed) -> None:
    act = presented(world, rx)
    with refused("FillKeyInvalid", id=rx.id, fill=0):
        world.chain.send(world.pharmacist.address, act)
    assert world.chain.send(world.rival.address, act).events


def test_a_redemption_is_for_this_fill_this_fence_and_this_prescription(world: World, rx: Prescribed) -> None:
    other = world.prescribe(ALLOWED)
    wrong = [
        presented(world, rx, fill=1),
        presented(world, rx, fence=0),
        presented(world, rx, fence=2),
        presented(world, rx, key=world.ada),
        presented(world, rx, key=rx.keys[1]),
        presented(world, rx, domain=replace(world.chain.domain, chain_id=1)),
        presented(world, rx, domain=replace(world.chain.domain, contract=world.stranger.address)),
    ]
    for act in wrong:
        with refused("FillKeyInvalid", id=rx.id, fill=0):
            world.chain.send(world.rival.address, act)
    with refused("FillKeyInvalid", id=other.id):
        stolen = world.acts.dispense_presented(other.opening, world.redemption(rx, world.rival), HandOut(30), RECORD)
        world.chain.send(world.rival.address, stolen)


def test_a_redemption_is_of_this_body(world: World, rx: Prescribed) -> None:
    redemption = world.redemption(rx, world.rival)
    other = replace(rx.opening, digest=bytes(32))
    shown = (rx.opening.as_tuple(), list(redemption.path), redemption.as_tuple(other.digest))
    with refused("FillKeyInvalid", id=rx.id, fill=0):
        world.chain.call(world.rival.address, "dispensePresented", *shown, 30, RECORD)
    with refused("PrescriptionUnknown", id=other.id()):
        world.chain.send(world.pharmacist.address, world.acts.dispense_granted(other, HandOut(30), RECORD))


def test_a_redemption_is_good_until_its_deadline_and_not_a_second_longer(world: World, rx: Prescribed) -> None:
    act = presented(world, rx, deadline=START + 60)
    world.chain.go_to(START + 61)
    with refused("DeadlinePassed", deadline=START + 60):
        world.chain.send(world.rival.address, act)
    world.chain.go_to(START + 60)
    assert world.chain.send(world.rival.address, act).events


def test_a_redemption_works_once(world: World, rx: Prescribed) -> None:
    act = presented(world, rx)
    world.chain.send(world.rival.address, act)
    world.chain.pass_time(7 * DAY)
    with refused("FillKeyInvalid", fill=1):
        world.chain.send(world.rival.address, act)


def test_the_rest_of_a_fill_is_collected_with_the_same_fills_key(world: World, rx: Prescribed) -> None:
    world.dispense(rx, world.rival, 10, owed=True)
    act = presented(world, rx, key=rx.keys[1], fill=0)
    with refused("FillKeyInvalid", fill=0):
        world.chain.send(world.rival.address, act)
    world.dispense(rx, world.pharmacist, 20)
    assert world.chain.prescription(rx.id).fills_used == 1


def test_a_key_that_recovers_to_nobody_opens_no_fill(world: World, rx: Prescribed) -> None:
    zero = MerkleTree([fill_key_leaf(0, world.chain.view("PREDECESSOR"))])
    opening = Opening(world.doctor.address, rx.opening.subject, RECORD, zero.root, ALLOWED)
    world.chain.send(world.doctor.address, world.acts.issue(opening.terms_hash(), opening.subject))
    redemption = replace(world.redemption(rx, world.rival), path=(), r=bytes(32), vs=bytes(32))
    with refused("ECDSAInvalidSignature"):
        act = world.acts.dispense_presented(opening, redemption, HandOut(1), RECORD)
        world.chain.send(world.rival.address, act)
