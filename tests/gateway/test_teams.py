"""Teams as grantees: slips for whoever joins, none for whoever left, and decisions while reads are in flight."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from secrets import token_bytes
from threading import Event
from time import monotonic, time

import httpx
import pytest

from gateway.consents import teaming
from gateway.consents.consenting import hand_over
from gateway.consents.teaming import follow_rosters, roster_work
from gateway.flow import Draft, deposit
from gateway.identity import people
from gateway.identity.keystore import identity
from gateway.services import Gateway
from gateway.slips.slips import raw
from ledger.codes import Category, Role
from ledger.index import IndexedConsent
from ledger.types import Address
from offchain_store.errors import StoreUnavailable
from tests.gateway.conftest import Cast
from tests.gateway.people import World, populate, running
from tests.gateway.served import Person
from tests.waiting import until


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


@dataclass(frozen=True, slots=True)
class Opened:
    """One attempt of a reader who never rests."""

    began: float
    status: int


def reading_on(reader: Person, digest: str, stop: Event, purpose: str = "TREAT") -> list[Opened]:
    """Open a record again and again until told to stop."""
    attempts = []
    while not stop.is_set():
        began = monotonic()
        attempts.append(Opened(began, reader.open(digest, purpose).status_code))
    return attempts


def ends_while_reading(
    cast: Cast, reader: Person, digest: str, end: Callable[[], httpx.Response], purpose: str = "TREAT"
) -> None:
    """No open that began after the act was answered is permitted, with three readers in flight all the time."""
    assert reader.open(digest, purpose).status_code == 200
    stop = Event()
    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(reading_on, reader, digest, stop, purpose) for _ in range(3)]
        before = cast.served.gateway.log.size()
        until(lambda: cast.served.gateway.log.size() > before + 10)
        answer = end()
        answered = monotonic()
        after = cast.served.gateway.log.size()
        until(lambda: cast.served.gateway.log.size() > after + 10)
        stop.set()
        attempts = [attempt for one in readers for attempt in one.result()]
    assert answer.status_code == 200, answer.text
    late = [attempt.status for attempt in attempts if attempt.began >= answered]
    assert {attempt.status for attempt in attempts} == {200, 403}
    assert len(late) >= 5
    assert set(late) == {403}


def test_leaving_with_reads_in_flight(cast: Cast, team: Address) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"x", "vital-signs")["digest"]
    ana.grant(team, "vital-signs")
    join(cast, team, cast.stranger)
    ends_while_reading(cast, cast.stranger, digest, lambda: leave(cast, team, cast.stranger))


def test_withdrawing_from_a_team_with_reads_in_flight(cast: Cast, team: Address) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"x", "vital-signs")["digest"]
    consent = ana.grant(team, "vital-signs")
    join(cast, team, cast.stranger)
    ends_while_reading(cast, cast.stranger, digest, lambda: ana.delete(f"/v1/consents/{consent}"))


def test_suspending_the_team_with_reads_in_flight(cast: Cast, team: Address) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"x", "vital-signs")["digest"]
    ana.grant(team, "vital-signs")
    join(cast, team, cast.stranger)
    body = {"suspended": True}
    suspend = lambda: cast.hospital.put(f"/v1/participants/{team}/suspension", json=body)  # noqa: E731
    ends_while_reading(cast, cast.stranger, digest, suspend)


def test_expiry_with_reads_in_flight_is_exact_to_the_second(cast: Cast, team: Address) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"x", "vital-signs")["digest"]
    expiry = int(time()) + 4
    ana.grant(team, "vital-signs", expiry=expiry)
    join(cast, team, cast.stranger)
    stop = Event()
    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(reading_on, cast.stranger, digest, stop) for _ in range(3)]
        until(lambda: time() > expiry + 1.5)
        stop.set()
        assert {attempt.status for one in readers for attempt in one.result()} == {200, 403}

    lines = cast.served.gateway.log.page(reader=cast.stranger.address, limit=10_000)
    ours = [line.attempt for line in lines if line.attempt.digest == bytes.fromhex(digest)]
    # The ledger's clock may be a second ahead of the gateway's; it is never behind.
    assert all(not attempt.permitted for attempt in ours if attempt.at >= expiry)
    assert all(attempt.permitted for attempt in ours if attempt.at < expiry - 1)


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
