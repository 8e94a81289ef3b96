"""Teams as grantees: slips for whoever joins, none for whoever left, and decisions while reads are in flight."""

from collections.abc import Iterator
from io import BytesIO
from secrets import token_bytes

import httpx
import pytest

from gateway.consents import teaming
from gateway.consents.consenting import hand_over
from gateway.consents.teaming import follow_rosters, roster_work
from gateway.flow import Draft, deposit
from gateway.identity import people
from gateway.identity.keystore import identity
from gateway.services import Gateway
from ledger.codes import Category, Role
from ledger.index import IndexedConsent
from ledger.types import Address, raw
from offchain_store.errors import StoreUnavailable
from tests.gateway.conftest import Cast
from tests.gateway.in_flight import ends_while_reading, expires_while_reading
from tests.gateway.people import World, populate, running
from tests.gateway.served import Person


@pytest.fixture
def team(cast: Cast) -> Address:
    """A new team of the hospital."""
    answer = cast.hospital.post("/v1/teams", json={"name": "Home care"})
    assert answer.status_code == 201, answer.text
    return Address(answer.json()["team"])


def join(cast: Cast, team: Address, member: Person) -> None:
    assert cast.hospital.put(f"/v1/teams/{team}/members/{member.address}").status_code == 200


def leave(cast: Cast, team: Address, member: Person) -> httpx.Response:
    return cast.hospital.delete(f"/v1/teams/{team}/members/{member.address}")


def has_slip(cast: Cast, digest: str, reader: Person) -> bool:
    return raw(reader.address) in cast.served.gateway.store.list_slips(bytes.fromhex(digest))


def follow(cast: Cast) -> None:
    follow_all(cast.served.gateway)


def follow_all(gateway: Gateway) -> None:
    """Let the chore do all it has to do."""
    follow_rosters(gateway)
    while work_left(gateway):
        follow_rosters(gateway)


def test_a_newcomer_gets_the_teams_slips_while_the_patient_is_asleep(cast: Cast, team: Address) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"pain 4 of 10", "vital-signs")["digest"]
    other = ana.deposit(ana.address, b"kept", "journal")["digest"]
    ana.grant(team, "vital-signs")
    assert ana.delete("/v1/session").status_code == 204

    join(cast, team, cast.stranger)
    follow(cast)

    assert has_slip(cast, digest, cast.stranger)
    assert not has_slip(cast, other, cast.stranger)
    assert cast.stranger.open(digest).content == b"pain 4 of 10"
    assert cast.stranger.open(other).status_code == 403


def test_whoever_leaves_is_denied_by_the_next_decision_and_keeps_no_slip(cast: Cast, team: Address) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"x", "vital-signs")["digest"]
    ana.grant(team, "vital-signs")
    join(cast, team, cast.stranger)
    follow(cast)
    assert cast.stranger.open(digest).content == b"x"

    assert leave(cast, team, cast.stranger).status_code == 200

    assert cast.stranger.open(digest).json()["reason"] == "no_basis"
    follow(cast)
    assert not has_slip(cast, digest, cast.stranger)


def test_whoever_leaves_keeps_what_another_consent_lets_her_read(cast: Cast, team: Address) -> None:
    ana = cast.new_patient()
    by_kind, by_digest, by_team = (
        ana.deposit(ana.address, content, kind)["digest"]
        for content, kind in ((b"kind", "imaging"), (b"one", "laboratory"), (b"team", "laboratory"))
    )
    ana.grant(team, "imaging", "laboratory")
    ana.grant(cast.stranger.address, "imaging")
    ana.grant(cast.stranger.address, "laboratory", record=by_digest)
    join(cast, team, cast.stranger)
    follow(cast)

    leave(cast, team, cast.stranger)
    follow(cast)

    assert [has_slip(cast, digest, cast.stranger) for digest in (by_kind, by_digest, by_team)] == [True, True, False]
    assert cast.stranger.open(by_digest).content == b"one"
    assert cast.stranger.open(by_team).status_code == 403


def test_a_newcomer_whom_the_patient_denies_gets_nothing(cast: Cast, team: Address) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"x", "vital-signs")["digest"]
    ana.grant(team, "vital-signs")
    assert ana.put(f"/v1/denials/{cast.stranger.address}").status_code == 200

    join(cast, team, cast.stranger)
    follow(cast)

    assert not has_slip(cast, digest, cast.stranger)
    assert cast.stranger.open(digest).json()["reason"] == "denied_by_patient"


def test_a_withdrawn_consent_gives_a_newcomer_nothing(cast: Cast, team: Address) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"x", "vital-signs")["digest"]
    consent = ana.grant(team, "vital-signs")
    ana.delete(f"/v1/consents/{consent}")

    join(cast, team, cast.stranger)
    follow(cast)

    assert not has_slip(cast, digest, cast.stranger)


def test_a_member_is_made_by_the_teams_organization_alone(cast: Cast, team: Address) -> None:
    for intruder in (cast.laboratory, cast.stranger, cast.patient):
        refused = intruder.put(f"/v1/teams/{team}/members/{intruder.address}")
        assert refused.status_code == 403, refused.text
    assert cast.hospital.get(f"/v1/teams/{team}").json()["members"] == []


def test_joining_again_after_leaving_brings_the_slips_back(cast: Cast, team: Address) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"x", "vital-signs")["digest"]
    ana.grant(team, "vital-signs")
    for _ in range(2):
        join(cast, team, cast.stranger)
        follow(cast)
        assert has_slip(cast, digest, cast.stranger)
        leave(cast, team, cast.stranger)
        follow(cast)
        assert not has_slip(cast, digest, cast.stranger)


def test_expiry_of_a_teams_consent_with_reads_in_flight(cast: Cast, team: Address) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"x", "vital-signs")["digest"]
    join(cast, team, cast.stranger)
    expires_while_reading(cast, cast.stranger, digest, lambda expiry: ana.grant(team, "vital-signs", expiry=expiry))


def test_withdrawing_from_a_team_with_reads_in_flight(cast: Cast, team: Address) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"x", "vital-signs")["digest"]
    consent = ana.grant(team, "vital-signs")
    join(cast, team, cast.stranger)
    ends_while_reading(cast, cast.stranger, digest, lambda: ana.delete(f"/v1/consents/{consent}"))


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("teams"), block_time=None) as gateway:
        yield populate(gateway)


def test_a_chore_cut_off_between_two_portions_goes_on_where_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, acts = world.gateway, world.gateway.ledger.acts
    team, _ = people.open_team(gateway, world.hospital, "Ward", 7, world.errand())
    patients = [world.patient, *(world.person(world.hospital, Role.PATIENT) for _ in range(2))]
    for patient in patients:
        world.let(patient, team, Category.VITAL_SIGNS)
    world.act(acts.set_membership(team, world.technician.address, True), world.hospital)
    seen: list[Address] = []
    original, failing = teaming.welcome, True

    def welcome(gateway: Gateway, consent: IndexedConsent, member: Address) -> int:
        seen.append(consent.patient)
        if failing and len(seen) == 2:
            raise StoreUnavailable("store", "the disk is gone for a moment")
        return original(gateway, consent, member)

    monkeypatch.setattr(teaming, "_AT_ONCE", 1)
    monkeypatch.setattr(teaming, "welcome", welcome)
    follow_rosters(gateway)
    with pytest.raises(StoreUnavailable):
        follow_rosters(gateway)
    failing = False
    while work_left(gateway):
        follow_rosters(gateway)

    first, second, third = (patient.address for patient in patients[::-1])
    assert seen == [first, second, second, third]


@pytest.mark.parametrize("member_is_here", [True, False])
def test_without_the_organizations_key_a_member_who_is_signed_in_makes_the_slips(
    world: World, member_is_here: bool
) -> None:
    gateway, acts = world.gateway, world.gateway.ledger.acts
    elsewhere = identity(token_bytes(32), "An organization whose sealing key is not kept here")
    world.act(acts.admit(elsewhere.address, Role.PRACTITIONER), gateway.operator)
    member, newcomer = (world.person(elsewhere, Role.PRACTITIONER) for _ in range(2))
    patient = world.person(world.hospital, Role.PATIENT)
    team, _ = people.open_team(gateway, elsewhere, "Night shift", 1, world.errand())
    world.act(acts.set_membership(team, member.address, True), elsewhere)
    draft = Draft(patient.address, Category.VITAL_SIGNS, world.header(Category.VITAL_SIGNS))
    digest = deposit(gateway, patient, draft, BytesIO(b"pain 4 of 10"), world.errand()).digest
    world.let(patient, team, Category.VITAL_SIGNS)
    hand_over(gateway, patient)
    gateway.sessions.close_all(patient.address)
    if not member_is_here:
        gateway.sessions.close_all(member.address)

    world.act(acts.set_membership(team, newcomer.address, True), elsewhere)
    follow_all(gateway)

    assert (raw(newcomer.address) in gateway.store.list_slips(digest)) is member_is_here


def work_left(gateway: Gateway) -> bool:
    with gateway.database.connect() as connection:
        return connection.execute(roster_work.select()).first() is not None
