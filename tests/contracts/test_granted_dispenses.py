"""Dispensing with the patient's consent and the prescriber's; a denial beats both, and a fill key too."""

from dataclasses import replace

import pytest

from ledger.codes import Category, PrescriptionStatus, Purpose
from ledger.types import ConsentTerms, HandOut, PrescriptionTerms
from tests.contracts.actors import DAY, RECORD, Person, Prescribed, World, terms
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


def granted(world: World, rx: Prescribed, units: int = 30, *, owed: bool = False, by: Person | None = None) -> None:
    """Dispense at the counter on the patient's and the prescriber's consent."""
    world.dispense_granted(rx, by or world.pharmacist, units, owed=owed)


def test_without_a_consent_of_both_a_pharmacist_cannot_claim(world: World, rx: Prescribed) -> None:
    values = {"patient": world.ada.address, "pharmacist": world.rival.address}
    with refused("DispenseNotPermitted", **values):
        granted(world, rx, by=world.rival)
    ungrantable = world.prescribe(replace(ALLOWED, grantable=False))
    with refused("DispenseNotPermitted", patient=world.ada.address, pharmacist=world.pharmacist.address):
        granted(world, ungrantable)
    world.withdraw(world.ada, world.pharmacist)
    with refused("DispenseNotPermitted"):
        granted(world, rx)


@pytest.mark.parametrize("what", [terms(Category.LABORATORY), terms(MEDICATION, Purpose.HRESCH, Purpose.CAREMGT)])
def test_the_pharmacists_consent_covers_category_and_treatment(
    world: World, rx: Prescribed, what: ConsentTerms
) -> None:
    world.grant(world.ada, world.rival, what)
    with refused("DispenseNotPermitted"):
        granted(world, rx, by=world.rival)


def test_the_pharmacists_consent_begins_and_ends_to_the_second(world: World, rx: Prescribed) -> None:
    long = world.prescribe(replace(ALLOWED, fills=12, quantity=360, min_interval=0))
    world.grant(world.ada, world.rival, terms(MEDICATION, not_before=START + 10, expiry=START + 20))
    for time, lets in ((9, False), (10, True), (19, True), (20, False)):
        world.chain.go_to(START + time)
        if lets:
            granted(world, long, 1, by=world.rival)
        else:
            with refused("DispenseNotPermitted"):
                granted(world, long, 1, by=world.rival)


def test_the_pharmacys_consent_lets_its_pharmacists_in_under_its_number(world: World, rx: Prescribed) -> None:
    world.grant(world.ada, world.other_pharmacy, terms(MEDICATION), number=4)
    via = replace(rx.opening.subject, consent_number=4, via_organization=True)
    act = world.acts.dispense_granted(replace(rx.opening, subject=via), HandOut(30), RECORD)
    with refused("DispenseNotPermitted"):
        world.chain.send(world.pharmacist.address, act)
    assert world.chain.send(world.rival.address, act).events


@pytest.mark.parametrize("denied", ["pharmacist", "pharmacy"])
@pytest.mark.parametrize("way", ["presented", "granted", "granted via the pharmacy", "granted under number 1"])
def test_a_denial_of_pharmacist_or_pharmacy_beats_consent_and_fill_key(
    world: World, rx: Prescribed, denied: str, way: str
) -> None:
    world.grant(world.ada, world.pharmacy, terms(MEDICATION))
    world.grant(world.ada, world.pharmacist, terms(MEDICATION), number=1)
    via = replace(rx.opening.subject, via_organization=True)
    first = replace(rx.opening.subject, consent_number=1)
    act = {
        "presented": world.acts.dispense_presented(
            rx.opening, world.redemption(rx, world.pharmacist), HandOut(30), RECORD
        ),
        "granted": world.acts.dispense_granted(rx.opening, HandOut(30), RECORD),
        "granted via the pharmacy": world.acts.dispense_granted(replace(rx.opening, subject=via), HandOut(30), RECORD),
        "granted under number 1": world.acts.dispense_granted(replace(rx.opening, subject=first), HandOut(30), RECORD),
    }[way]
    world.deny(world.ada, getattr(world, denied))
    with refused("DispenseNotPermitted", patient=world.ada.address, pharmacist=world.pharmacist.address):
        world.chain.send(world.pharmacist.address, act)
    world.deny(world.ada, getattr(world, denied), False)
    assert world.chain.send(world.pharmacist.address, act).events
