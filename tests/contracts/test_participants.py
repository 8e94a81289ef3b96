"""Who takes part: admission, registration, roles, suspension, key cards, identifiers, teams."""

import pytest

from ledger.codes import ORDINARY, Category, Role
from ledger.types import ZERO_ADDRESS, Participant, team_address
from tests.contracts.actors import World, person
from tests.contracts.evm import START, Chain, Event, refused

CARD = b"\x01" * 32
IDENTIFIER = b"\x02" * 32


def test_the_consortium_is_there_from_the_start_and_the_predecessor_is_named() -> None:
    first = Chain(consortium=person("consortium").address)
    second = Chain(consortium=person("consortium").address, predecessor=first.contract)
    founder = second.participant(person("consortium").address)
    assert founder is not None
    assert founder.roles == Role.CONSORTIUM | Role.ORGANIZATION
    assert first.view("PREDECESSOR") == ZERO_ADDRESS
    assert second.view("PREDECESSOR") == first.contract.lower()


def test_an_admitted_organization_belongs_to_itself_and_an_event_says_its_roles(world: World) -> None:
    clinic = person("clinic")
    sent = world.admit(clinic, Role.PRACTITIONER)
    roles = Role.PRACTITIONER | Role.ORGANIZATION
    assert sent.events == (Event("OrganizationAdmitted", {"organization": clinic.address, "roles": roles}),)
    assert world.chain.participant(clinic.address) == Participant(
        clinic.address, roles, START, suspended=False, emergency=ORDINARY, barred_authors=Category(0)
    )


def test_a_registered_patient_opens_to_emergencies_what_is_not_sensitive(world: World) -> None:
    assert world.chain.participant(world.ada.address) == Participant(
        world.hospital.address, Role.PATIENT, START, suspended=False, emergency=ORDINARY, barred_authors=Category(0)
    )
    assert world.chain.participant(world.stranger.address) is None


def test_whoever_becomes_a_patient_later_opens_the_same_to_emergencies(world: World) -> None:
    both = Role.PRACTITIONER | Role.PATIENT
    world.chain.send(world.hospital.address, world.acts.set_roles(world.nurse.address, both))
    nurse = world.chain.participant(world.nurse.address)
    assert nurse is not None
    assert nurse.emergency == ORDINARY


def test_a_patient_who_gets_another_role_keeps_her_preferences(world: World) -> None:
    chosen = world.acts.set_preferences(emergency=Category.MEDICATION, barred_authors=Category(0))
    world.chain.send(world.ada.address, chosen)
    both = Role.PRACTITIONER | Role.PATIENT
    world.chain.send(world.hospital.address, world.acts.set_roles(world.ada.address, both))
    ada = world.chain.participant(world.ada.address)
    assert ada is not None
    assert ada.emergency == Category.MEDICATION


@pytest.mark.parametrize("roles", [Role.TEAM, Role.ORGANIZATION, Role(1 << 10), Role.PATIENT | Role.TEAM])
def test_admission_confers_only_roles_that_organizations_have(world: World, roles: Role) -> None:
    with refused("RolesNotConferrable", organization=world.stranger.address, roles=roles):
        world.admit(world.stranger, roles)


def test_only_the_consortium_admits(world: World) -> None:
    with refused("RoleMissing", participant=world.hospital.address, anyOf=Role.CONSORTIUM):
        world.chain.send(world.hospital.address, world.acts.admit(world.stranger.address, Role.LABORATORY))


def test_a_second_member_of_the_consortium_may_admit_and_lose_that_again(world: World) -> None:
    council = person("council")
    world.admit(council, Role.CONSORTIUM)
    world.chain.send(council.address, world.acts.admit(world.stranger.address, Role.LABORATORY))
    world.chain.send(world.consortium.address, world.acts.set_roles(council.address, Role.PAYER))
    with refused("RoleMissing", participant=council.address):
        world.chain.send(council.address, world.acts.admit(person("another").address, Role.LABORATORY))


@pytest.mark.parametrize("again", ["doctor", "hospital", "ada"])
def test_nobody_is_registered_twice(world: World, again: str) -> None:
    who = getattr(world, again)
    with refused("AlreadyRegistered", participant=who.address):
        world.register(world.laboratory, who, Role.LABORATORY)
    with refused("AlreadyRegistered", participant=who.address):
        world.admit(who, Role.LABORATORY)


def test_an_organization_confers_only_what_it_holds_and_patient(world: World) -> None:
    with refused("RolesNotConferrable", organization=world.laboratory.address, roles=Role.PHARMACIST):
        world.register(world.laboratory, world.stranger, Role.PHARMACIST)
    with refused("RolesNotConferrable", roles=Role.LABORATORY | Role.PRACTITIONER):
        world.register(world.laboratory, world.stranger, Role.LABORATORY | Role.PRACTITIONER)
    with refused("RolesNotConferrable", roles=0):
        world.register(world.laboratory, world.stranger, Role(0))
    for role in (Role.TEAM, Role.ORGANIZATION, Role.CONSORTIUM):
        with refused("RolesNotConferrable", roles=role):
            world.register(world.laboratory, world.stranger, role)
    sent = world.register(world.laboratory, world.stranger, Role.LABORATORY | Role.PATIENT)
    assert [event.name for event in sent.events] == ["ParticipantRegistered"]


def test_a_person_registers_nobody(world: World) -> None:
    with refused("RoleMissing", participant=world.doctor.address, anyOf=Role.ORGANIZATION):
        world.register(world.doctor, world.stranger, Role.PATIENT)


def test_registration_can_publish_the_key_card_at_once(world: World) -> None:
    act = world.acts.register_with_key_card(world.stranger.address, Role.PATIENT, CARD)
    sent = world.chain.send(world.hospital.address, act)
    assert [event.name for event in sent.events] == ["ParticipantRegistered", "KeyCardPublished"]
    assert sent.events[1].values == {"participant": world.stranger.address, "keyCard": CARD}
    assert world.chain.view("keyCardOf", world.stranger.address) == CARD


def test_a_key_card_is_replaced_by_its_owner_and_by_nobody_else(world: World) -> None:
    world.chain.send(world.ada.address, world.acts.publish_key_card(CARD))
    sent = world.chain.send(world.ada.address, world.acts.publish_key_card(b"\x03" * 32))
    assert sent.events == (Event("KeyCardPublished", {"participant": world.ada.address, "keyCard": b"\x03" * 32}),)
    assert world.chain.view("keyCardOf", world.ada.address) == b"\x03" * 32
    with refused("RoleMissing", participant=world.stranger.address):
        world.chain.send(world.stranger.address, world.acts.publish_key_card(CARD))
    with refused("AlreadyRegistered"):
        act = world.acts.register_with_key_card(world.ada.address, Role.PATIENT, CARD)
        world.chain.send(world.laboratory.address, act)
    assert world.chain.view("keyCardOf", world.ada.address) == b"\x03" * 32


def test_roles_are_replaced_by_the_persons_organization_or_the_consortium_only(world: World) -> None:
    act = world.acts.set_roles(world.doctor.address, Role.PRACTITIONER)
    for other in (world.laboratory, world.pharmacy):
        with refused("NotInCharge", caller=other.address, participant=world.doctor.address):
            world.chain.send(other.address, act)
    with refused("RoleMissing", participant=world.doctor.address):
        world.chain.send(world.doctor.address, act)
    sent = world.chain.send(world.hospital.address, act)
    assert sent.events == (Event("RolesChanged", {"participant": world.doctor.address, "roles": Role.PRACTITIONER}),)
    world.chain.send(world.consortium.address, world.acts.set_roles(world.doctor.address, Role.PRESCRIBER))
    doctor = world.chain.participant(world.doctor.address)
    assert doctor is not None
    assert doctor.roles == Role.PRESCRIBER


def test_new_roles_too_are_only_what_the_organization_holds(world: World) -> None:
    for caller in (world.hospital, world.consortium):
        with refused("RolesNotConferrable", organization=world.hospital.address, roles=Role.PHARMACIST):
            world.chain.send(caller.address, world.acts.set_roles(world.doctor.address, Role.PHARMACIST))
        with refused("RolesNotConferrable"):
            world.chain.send(caller.address, world.acts.set_roles(world.doctor.address, Role.ORGANIZATION))


def test_an_organization_does_not_raise_itself(world: World) -> None:
    with refused("NotInCharge", caller=world.hospital.address, participant=world.hospital.address):
        world.chain.send(world.hospital.address, world.acts.set_roles(world.hospital.address, Role.CONSORTIUM))
    with refused("NotInCharge", caller=world.consortium.address, participant=world.consortium.address):
        world.chain.send(world.consortium.address, world.acts.set_roles(world.consortium.address, Role.PATIENT))


def test_an_organization_stays_one_whatever_roles_it_is_given(world: World) -> None:
    world.chain.send(world.consortium.address, world.acts.set_roles(world.hospital.address, Role.RESEARCHER))
    hospital = world.chain.participant(world.hospital.address)
    assert hospital is not None
    assert hospital.roles == Role.RESEARCHER | Role.ORGANIZATION
    with refused("RolesNotConferrable", organization=world.hospital.address):
        world.chain.send(world.consortium.address, world.acts.set_roles(world.hospital.address, Role.TEAM))


def test_roles_and_suspensions_of_an_unknown_address_are_refused(world: World) -> None:
    with refused("NotRegistered", participant=world.stranger.address):
        world.chain.send(world.consortium.address, world.acts.set_roles(world.stranger.address, Role.PATIENT))
    with refused("NotRegistered", participant=world.stranger.address):
        world.suspend(world.consortium, world.stranger.address)


def test_suspension_is_said_and_ends_when_reinstated(world: World) -> None:
    sent = world.suspend(world.hospital, world.doctor.address)
    values = {"participant": world.doctor.address, "by": world.hospital.address}
    assert sent.events == (Event("ParticipantSuspended", values),)
    with refused("SuspendedParticipant", participant=world.doctor.address):
        world.chain.send(world.doctor.address, world.acts.publish_key_card(CARD))
    sent = world.suspend(world.hospital, world.doctor.address, False)
    assert sent.events == (Event("ParticipantReinstated", values),)
    assert world.chain.send(world.doctor.address, world.acts.publish_key_card(CARD)).events


def test_suspending_keeps_everything_else_of_the_word(world: World) -> None:
    before = world.chain.view("participantOf", world.ada.address)
    world.suspend(world.hospital, world.ada.address)
    assert world.chain.view("participantOf", world.ada.address) == before | 1 << 216
    world.suspend(world.hospital, world.ada.address, False)
    assert world.chain.view("participantOf", world.ada.address) == before


def test_others_suspend_nobody_and_nobody_suspends_herself(world: World) -> None:
    with refused("NotInCharge", caller=world.pharmacy.address, participant=world.doctor.address):
        world.suspend(world.pharmacy, world.doctor.address)
    with refused("NotInCharge", caller=world.hospital.address, participant=world.pharmacy.address):
        world.suspend(world.hospital, world.pharmacy.address)
    with refused("NotInCharge"):
        world.suspend(world.hospital, world.hospital.address)
    with refused("RoleMissing"):
        world.suspend(world.doctor, world.nurse.address)


def test_the_people_of_a_suspended_organization_can_do_nothing_but_its_patients_can(world: World) -> None:
    world.suspend(world.consortium, world.hospital.address)
    with refused("SuspendedOrganization", participant=world.doctor.address, organization=world.hospital.address):
        world.chain.send(world.doctor.address, world.acts.publish_key_card(CARD))
    with refused("SuspendedParticipant", participant=world.hospital.address):
        world.register(world.hospital, world.stranger, Role.PATIENT)
    assert world.chain.send(world.ada.address, world.acts.publish_key_card(CARD)).events


def test_only_a_patient_has_preferences(world: World) -> None:
    act = world.acts.set_preferences(emergency=Category.MEDICATION, barred_authors=Category.MENTAL_HEALTH)
    sent = world.chain.send(world.ada.address, act)
    values = {
        "patient": world.ada.address,
        "emergency": 1,
        "overDenials": False,
        "barredAuthors": int(Category.MENTAL_HEALTH),
    }
    assert sent.events == (Event("PreferencesSet", values),)
    ada = world.chain.participant(world.ada.address)
    assert ada is not None
    assert (ada.emergency, ada.barred_authors) == (Category.MEDICATION, Category.MENTAL_HEALTH)
    assert (ada.organization, ada.roles, ada.since) == (world.hospital.address, Role.PATIENT, START)
    with refused("RoleMissing", participant=world.doctor.address, anyOf=Role.PATIENT):
        world.chain.send(world.doctor.address, act)


def test_an_identifier_leads_to_one_person_until_her_organization_lets_it_go(world: World) -> None:
    sent = world.chain.send(world.hospital.address, world.acts.link(IDENTIFIER, world.ada.address))
    values = {"identifier": IDENTIFIER, "participant": world.ada.address}
    assert sent.events == (Event("IdentifierLinked", values),)
    assert world.chain.view("participantBy", IDENTIFIER) == world.ada.address.lower()
    with refused("IdentifierTaken", identifier=IDENTIFIER, participant=world.ada.address):
        world.chain.send(world.hospital.address, world.acts.link(IDENTIFIER, world.ben.address))
    world.chain.send(world.hospital.address, world.acts.link(IDENTIFIER, ZERO_ADDRESS))
    assert world.chain.view("participantBy", IDENTIFIER) == ZERO_ADDRESS
    world.chain.send(world.hospital.address, world.acts.link(IDENTIFIER, world.ben.address))
    assert world.chain.view("participantBy", IDENTIFIER) == world.ben.address.lower()


def test_identifiers_of_others_people_are_out_of_reach(world: World) -> None:
    with refused("NotInCharge", caller=world.pharmacy.address, participant=world.ada.address):
        world.chain.send(world.pharmacy.address, world.acts.link(IDENTIFIER, world.ada.address))
    world.chain.send(world.hospital.address, world.acts.link(IDENTIFIER, world.ada.address))
    for to in (ZERO_ADDRESS, world.pharmacist.address):
        with refused("NotInCharge", caller=world.pharmacy.address, participant=world.ada.address):
            world.chain.send(world.pharmacy.address, world.acts.link(IDENTIFIER, to))
    with refused("RoleMissing"):
        world.chain.send(world.ada.address, world.acts.link(IDENTIFIER, world.ada.address))


def test_a_team_has_the_address_that_its_number_gives_and_is_opened_once(world: World) -> None:
    sent = world.chain.send(world.hospital.address, world.acts.open_team(7))
    team = team_address(world.hospital.address, 7)
    assert sent.output[12:] == bytes.fromhex(team[2:])
    values = {"team": team, "organization": world.hospital.address, "number": 7}
    assert sent.events == (Event("TeamOpened", values),)
    with refused("AlreadyRegistered", participant=team):
        world.chain.send(world.hospital.address, world.acts.open_team(7))
    assert world.open_team(world.laboratory, 7) != team
    with refused("RoleMissing"):
        world.chain.send(world.doctor.address, world.acts.open_team(1))


def test_a_team_stays_a_team(world: World) -> None:
    team = world.open_team(world.hospital, 1)
    for caller in (world.hospital, world.consortium):
        with refused("RolesNotConferrable", organization=team, roles=Role.PRACTITIONER):
            world.chain.send(caller.address, world.acts.set_roles(team, Role.PRACTITIONER))


def test_members_join_and_leave_by_the_teams_organization(world: World) -> None:
    team = world.open_team(world.hospital, 1)
    for joined, name in ((True, "TeamJoined"), (False, "TeamLeft")):
        sent = world.chain.send(
            world.hospital.address, world.acts.set_membership(team, world.technician.address, joined)
        )
        assert sent.events == (Event(name, {"team": team, "member": world.technician.address}),)
        assert world.chain.view("isMember", team, world.technician.address) is joined
        with refused("MembershipUnchanged", team=team, member=world.technician.address):
            world.chain.send(world.hospital.address, world.acts.set_membership(team, world.technician.address, joined))


def test_a_member_leaves_by_herself_but_joins_only_by_the_organization(world: World) -> None:
    team = world.open_team(world.hospital, 1, world.nurse)
    world.chain.send(world.nurse.address, world.acts.set_membership(team, world.nurse.address, False))
    assert not world.chain.view("isMember", team, world.nurse.address)
    with refused("RoleMissing", participant=world.nurse.address, anyOf=Role.ORGANIZATION):
        world.chain.send(world.nurse.address, world.acts.set_membership(team, world.nurse.address, True))


def test_nobody_removes_another_member_but_the_organization(world: World) -> None:
    team = world.open_team(world.hospital, 1, world.nurse, world.doctor)
    with refused("RoleMissing"):
        world.chain.send(world.doctor.address, world.acts.set_membership(team, world.nurse.address, False))
    with refused("NotInCharge", caller=world.pharmacy.address, participant=team):
        world.chain.send(world.pharmacy.address, world.acts.set_membership(team, world.nurse.address, False))


def test_a_team_takes_registered_people_only_and_a_person_is_no_team(world: World) -> None:
    team = world.open_team(world.hospital, 1)
    other = world.open_team(world.hospital, 2)
    for member in (world.stranger.address, other):
        with refused("NotRegistered", participant=member):
            world.chain.send(world.hospital.address, world.acts.set_membership(team, member, True))
    with refused("RoleMissing", participant=world.doctor.address, anyOf=Role.TEAM):
        world.chain.send(
            world.hospital.address, world.acts.set_membership(world.doctor.address, world.nurse.address, True)
        )
