"""A patient names a delegate, narrows and ends what he may do: at once, alone, and never for ever."""

import pytest

from ledger.care import LONGEST_DELEGATION, Delegation
from ledger.codes import DELEGABLE, Category, Power, Role
from tests.contracts.actors import Person, person
from tests.contracts.carers import ALL, BOTH, LAB, UNTIL, CareWorld
from tests.contracts.evm import START, Event, refused


@pytest.fixture
def world() -> CareWorld:
    return CareWorld()


def delegation(world: CareWorld, delegate: Person) -> Delegation:
    return Delegation.unpack(world.chain.view("delegationOf", world.ada.address, delegate.address))


def test_a_patient_names_a_delegate_and_it_is_said(world: CareWorld) -> None:
    sent = world.delegate(world.ada, world.carer, Power.READ | Power.GRANT, LAB)
    values = {
        "patient": world.ada.address,
        "delegate": world.carer.address,
        "powers": 3,
        "categories": int(LAB),
        "until": UNTIL,
    }
    assert sent.events == (Event("DelegationSet", values),)
    assert delegation(world, world.carer) == Delegation(Power.READ | Power.GRANT, LAB, UNTIL, START, 1)


def test_she_narrows_it_and_it_counts_at_once(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, Power.GRANT, BOTH)
    world.chain.pass_time(5)
    world.delegate(world.ada, world.carer, Power.GRANT, Category.MEDICATION)
    assert delegation(world, world.carer).since == START + 5
    with refused("DelegationExceeded", categories=int(LAB), delegated=int(Category.MEDICATION)):
        world.grant_for(world.carer, world.ada, world.doctor)


def test_she_ends_it_in_the_same_second_and_without_him(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, Power.GRANT)
    world.grant_for(world.carer, world.ada, world.doctor)
    sent = world.end(world.ada, world.carer)
    values = {"patient": world.ada.address, "delegate": world.carer.address, "resigned": False}
    assert sent.events == (Event("DelegationEnded", values),)
    with refused("DelegationMissing", patient=world.ada.address, delegate=world.carer.address, power=int(Power.GRANT)):
        world.grant_for(world.carer, world.ada, world.nurse)
    assert delegation(world, world.carer) == Delegation(Power(0), Category(0), 0, START, 2)


def test_she_ends_it_though_he_is_suspended(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, Power.GRANT)
    world.suspend(world.hospital, world.carer.address)
    assert world.end(world.ada, world.carer).events


def test_what_was_never_delegated_or_is_over_cannot_be_ended(world: CareWorld) -> None:
    for _ in range(2):
        with refused("DelegationMissing", delegate=world.carer.address, power=0):
            world.end(world.ada, world.carer)
        world.delegate(world.ada, world.carer, Power.READ)
        world.end(world.ada, world.carer)


def test_a_delegate_gives_up_what_was_delegated_and_only_that(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, Power.GRANT)
    world.delegate(world.ada, world.neighbour, Power.GRANT)
    sent = world.send(world.carer, world.acts.resign(world.ada.address))
    values = {"patient": world.ada.address, "delegate": world.carer.address, "resigned": True}
    assert sent.events == (Event("DelegationEnded", values),)
    with refused("DelegationMissing"):
        world.grant_for(world.carer, world.ada, world.doctor)
    assert world.grant_for(world.neighbour, world.ada, world.doctor).events
    with refused("DelegationMissing", delegate=world.carer.address):
        world.send(world.carer, world.acts.resign(world.ada.address))


def test_a_delegate_is_a_registered_person_and_not_the_patient(world: CareWorld) -> None:
    team = world.open_team(world.hospital, 1, world.nurse)
    both = person("clinic of one")
    world.admit(both, Role.PRACTITIONER)
    for nobody in (world.stranger, world.hospital, world.consortium, both, world.ada):
        with refused("DelegateInvalid", delegate=nobody.address):
            world.delegate(world.ada, nobody, Power.READ)
    with refused("DelegateInvalid", delegate=team):
        world.send(world.ada, world.acts.set_delegation(team, powers=Power.READ, categories=LAB, until=UNTIL))


@pytest.mark.parametrize(
    ("powers", "categories", "until"),
    [
        (0, 1, UNTIL),
        (1 << 6, 1, UNTIL),
        (0xF7, 1, UNTIL),
        (1, 0, UNTIL),
        (1, 1, 0),
        (1, 1, START),
        (0, 0, UNTIL),
        (0, 1, 0),
        (1, 1, START + LONGEST_DELEGATION + 1),
        (1, 1, 2**40 - 1),
    ],
)
def test_a_delegation_names_powers_categories_and_an_end_within_two_years(
    world: CareWorld, powers: int, categories: int, until: int
) -> None:
    with refused("DelegationInvalid", powers=powers, categories=categories, until=until):
        world.chain.call(world.ada.address, "setDelegation", world.carer.address, powers, categories, until)


def test_the_longest_and_the_shortest_delegation(world: CareWorld) -> None:
    for until in (START + LONGEST_DELEGATION, START + 1):
        assert world.delegate(world.ada, world.carer, Power.READ, until=until).events


def test_every_power_that_an_act_needs_can_be_delegated_for_every_category(world: CareWorld) -> None:
    world.delegate(world.ada, world.carer, DELEGABLE, ALL)
    assert delegation(world, world.carer).powers == DELEGABLE


@pytest.mark.parametrize("others", [Power(0), Power.READ, DELEGABLE])
def test_a_power_that_no_act_needs_is_refused_by_name(world: CareWorld, others: Power) -> None:
    with refused("PowerWithoutAct", power=int(Power.CLAIM)):
        world.delegate(world.ada, world.carer, others | Power.CLAIM, ALL)
    assert delegation(world, world.carer).powers == Power(0)


def test_only_a_live_patient_delegates(world: CareWorld) -> None:
    for other in (world.doctor, world.hospital, world.stranger):
        with refused("RoleMissing", participant=other.address, anyOf=Role.PATIENT):
            world.delegate(other, world.carer, Power.READ)
    world.suspend(world.hospital, world.ada.address)
    with refused("SuspendedParticipant", participant=world.ada.address):
        world.delegate(world.ada, world.carer, Power.READ)


def test_a_delegate_never_delegates_on(world: CareWorld) -> None:
    """Whatever he says, he names a delegate of his own, never one of hers."""
    world.delegate(world.ada, world.carer, DELEGABLE, ALL)
    world.delegate(world.carer, world.neighbour, DELEGABLE, ALL)
    assert delegation(world, world.neighbour).powers == Power(0)
    with refused("DelegationMissing", patient=world.ada.address, delegate=world.neighbour.address):
        world.grant_for(world.neighbour, world.ada, world.doctor)
    with refused("SignatureInvalid", expected=world.ada.address, recovered=world.carer.address):
        world.send(world.neighbour, world.signed_delegation(world.carer))


# --- signed by her, sent by anybody


def test_a_delegation_that_she_signed_is_sent_by_anybody_once(world: CareWorld) -> None:
    act = world.signed_delegation(world.ada, powers=Power.READ, categories=LAB)
    assert world.send(world.stranger, act).events[0].name == "DelegationSet"
    with refused("SignatureInvalid", expected=world.ada.address):
        world.send(world.stranger, act)


def test_an_end_that_she_signed_ends_it_and_the_old_delegation_does_not_come_back(world: CareWorld) -> None:
    first = world.signed_delegation(world.ada)
    world.send(world.stranger, first)
    end = world.signed_delegation(world.ada, powers=Power(0), categories=Category(0), until=0)
    assert world.send(world.stranger, end).events[0].name == "DelegationEnded"
    for replayed in (first, end):
        with refused("SignatureInvalid"):
            world.send(world.carer, replayed)
    assert delegation(world, world.carer).powers == Power(0)


def test_a_signature_does_not_stretch_to_more_powers_categories_or_time(world: CareWorld) -> None:
    act = world.signed_delegation(world.ada)
    ada, carer = world.ada.address, world.carer.address
    r, vs = act.data[-64:-32], act.data[-32:]
    wider = [
        (Power.READ | Power.GRANT, LAB, UNTIL),
        (Power.READ, BOTH, UNTIL),
        (Power.READ, LAB, UNTIL + 1),
    ]
    for powers, categories, until in wider:
        forged = world.acts.set_delegation_signed(
            ada, carer, powers=powers, categories=categories, until=until, deadline=2**40 - 2, r=r, vs=vs
        )
        with refused("SignatureInvalid", expected=ada):
            world.send(world.carer, forged)
    assert world.send(world.carer, act).events
