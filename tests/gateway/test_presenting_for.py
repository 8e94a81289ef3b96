"""Delegates at the counter: who may present a patient's prescription holds its fill keys, and uses them only while
the ledger says that he may."""

from collections.abc import Iterator
from io import BytesIO

import pytest

from gateway.consents.deeds import deeds_for
from gateway.consents.delegating import Leave, end_delegation, follow_delegations, name_delegate
from gateway.consents.fill_keys import prescriptions_of, present_for, slip_name
from gateway.errors import NotFound, NotPermitted
from gateway.identity.keystore import Identity
from gateway.prescriptions import issuing as prescriptions
from gateway.prescriptions import qr
from gateway.prescriptions.claims import Counter
from gateway.prescriptions.dispensing import dispense
from gateway.prescriptions.issuing import Order
from gateway.prescriptions.refusals import ClaimRefused
from ledger.codes import Category, Power, Role
from ledger.types import PrescriptionTerms, raw
from tests.gateway.people import World, populate, running

DAY = 86_400


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("presenting"), block_time=None) as gateway:
        yield populate(gateway)


@pytest.fixture
def ana(world: World) -> Identity:
    patient = world.person(world.hospital, Role.PATIENT)
    world.let(patient, world.doctor.address, Category.MEDICATION | Category.MENTAL_HEALTH, write=True)
    return patient


@pytest.fixture
def son(world: World) -> Identity:
    return world.person(world.hospital, Role.PATIENT)


def named(world: World, patient: Identity, delegate: Identity, powers: Power, categories: Category) -> None:
    leave = Leave(powers, categories, world.now() + 30 * DAY)
    name_delegate(world.gateway, patient, delegate.address, leave, world.errand())


def issued(world: World, patient: Identity, categories: Category = Category.MEDICATION) -> bytes:
    terms = PrescriptionTerms(1, 30, 30, 0, world.now() - 60, world.now() + 60 * DAY)
    order = Order(patient.address, categories, terms, world.header(categories))
    return prescriptions.issue(world.gateway, world.doctor, order, BytesIO(b"take one"), world.errand()).prescription


def shown(world: World, delegate: Identity, patient: Identity, prescription: bytes) -> qr.Presentation:
    return present_for(world.gateway, delegate, patient.address, prescription, correlation="6f9d1c9e")


def kinds_of(world: World, patient: Identity) -> list[str]:
    return [deed.kind for deed in deeds_for(world.gateway, patient.address, 20)]


def asleep(world: World, person: Identity) -> None:
    world.gateway.sessions.close_all(person.address)


@pytest.mark.parametrize("named_first", [True, False])
def test_a_delegate_collects_what_was_prescribed_while_she_sleeps(
    world: World, ana: Identity, son: Identity, named_first: bool
) -> None:
    before = None if named_first else issued(world, ana)
    named(world, ana, son, Power.PRESENT, Category.MEDICATION)
    asleep(world, ana)
    prescription = before or issued(world, ana)

    presentation = shown(world, son, ana, prescription)

    assert presentation.id == prescription
    assert kinds_of(world, ana) == ["present"]
    dispense(world.gateway, world.pharmacist, Counter(presentation), 30, errand=world.errand())
    with pytest.raises(ClaimRefused):
        shown(world, son, ana, prescription)
    assert kinds_of(world, ana) == ["present"], "what was not shown is not written down"


def test_without_the_power_nothing_is_shown(world: World, ana: Identity, son: Identity) -> None:
    prescription = issued(world, ana)
    named(world, ana, son, Power.READ | Power.GRANT | Power.WITHDRAW, Category.MEDICATION)

    with pytest.raises(NotPermitted):
        shown(world, son, ana, prescription)
    with pytest.raises(NotFound):
        prescriptions.present(world.gateway, son, prescription)
    assert kinds_of(world, ana) == []


def test_beyond_the_categories_nothing_is_shown_or_sealed(world: World, ana: Identity, son: Identity) -> None:
    named(world, ana, son, Power.PRESENT, Category.MEDICATION)
    prescription = issued(world, ana, Category.MEDICATION | Category.MENTAL_HEALTH)

    with pytest.raises(NotPermitted):
        shown(world, son, ana, prescription)
    assert kinds_of(world, ana) == []


def test_after_its_end_the_keys_he_held_show_nothing_here(world: World, ana: Identity, son: Identity) -> None:
    prescription = issued(world, ana)
    named(world, ana, son, Power.PRESENT, Category.MEDICATION)
    shown(world, son, ana, prescription)

    end_delegation(world.gateway, ana, son.address, world.errand())

    with pytest.raises(NotPermitted):
        shown(world, son, ana, prescription)
    assert kinds_of(world, ana) == ["present"]


def test_an_expired_delegate_shows_nothing_though_his_slip_is_there(world: World, ana: Identity, son: Identity) -> None:
    prescription = issued(world, ana)
    leave = Leave(Power.PRESENT, Category.MEDICATION, world.now() + DAY)
    name_delegate(world.gateway, ana, son.address, leave, world.errand())
    shown(world, son, ana, prescription)

    world.travel(DAY)

    with pytest.raises(NotPermitted):
        shown(world, son, ana, prescription)


def test_another_patients_prescription_is_not_shown_under_her_name(world: World, ana: Identity, son: Identity) -> None:
    other = world.person(world.hospital, Role.PATIENT)
    world.let(other, world.doctor.address, Category.MEDICATION, write=True)
    prescription = issued(world, other)
    named(world, ana, son, Power.PRESENT, Category.MEDICATION)

    with pytest.raises(NotFound):
        shown(world, son, ana, prescription)
    with pytest.raises(NotPermitted):
        shown(world, son, other, prescription)


def test_naming_again_and_the_chore_leave_him_his_keys(world: World, ana: Identity, son: Identity) -> None:
    prescription = issued(world, ana)
    for _ in range(2):
        named(world, ana, son, Power.PRESENT, Category.MEDICATION)
        follow_delegations(world.gateway)
    asleep(world, ana)

    assert shown(world, son, ana, prescription).id == prescription


def test_narrowed_to_reading_he_holds_no_fill_keys_any_more(world: World, ana: Identity, son: Identity) -> None:
    prescription = issued(world, ana)
    named(world, ana, son, Power.PRESENT, Category.MEDICATION)
    held = slips_of(world, son)
    named(world, ana, son, Power.READ, Category.MEDICATION)

    follow_delegations(world.gateway)

    assert held == {"slip with fill keys"}
    assert slips_of(world, son) == {"slip"}
    with pytest.raises(NotPermitted):
        shown(world, son, ana, prescription)


def slips_of(world: World, delegate: Identity) -> set[str]:
    """What of prescriptions is sealed for a delegate."""
    found: set[str] = set()
    patients = world.gateway.index.people_of(world.hospital.address, 200)
    for patient in patients:
        for one in prescriptions_of(world.gateway, patient):
            if raw(delegate.address) in world.gateway.store.list_slips(one.terms_hash):
                found.add("slip")
            if raw(delegate.address) in world.gateway.store.list_slips(slip_name(one.terms_hash)):
                found.add("slip with fill keys")
    return found
