"""Consents that are about to end are announced to their patient, beforehand and once."""

from collections.abc import Iterator
from dataclasses import replace
from secrets import token_bytes
from time import time

import pytest

from gateway.consents import announcing
from gateway.consents.announcing import announce_endings, announced, announcements
from gateway.identity.keystore import Identity
from gateway.notices.notify import notices
from gateway.services import Gateway
from ledger.codes import Category, Power, Purpose, Role, purposes_mask
from ledger.types import FOREVER, ConsentTerms, consent_id, scope_number
from tests.gateway.people import World, populate, running

DAY = 86_400


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("announcing")
    with running(folder, block_time=None, expiry_notice_days=10, expiry_sweep_seconds=0) as gateway:
        yield populate(gateway)


def in_days(gateway: Gateway, days: float) -> Gateway:
    """The same gateway, so many days later."""
    return replace(gateway, clock=lambda: time() + days * DAY)


def grant(world: World, days: float | None, patient: Identity) -> bytes:
    """A consent of so many days, from now on; its id."""
    grantee = world.person(world.hospital, Role.PRACTITIONER).address
    now = int(time())
    expiry = FOREVER if days is None else now + int(days * DAY)
    terms = ConsentTerms(Category.LABORATORY, purposes_mask(Purpose.TREAT), now, expiry)
    world.act(world.gateway.ledger.acts.grant(grantee, scope_number(0), terms, token_bytes(32)), patient)
    return consent_id(patient.address, grantee, scope_number(0))


def announced_to(world: World, patient: Identity) -> list[bytes]:
    return [one.ending.about for one in announcements(world.gateway, patient.address, 50)]


def test_an_end_is_announced_beforehand_and_once(world: World) -> None:
    gateway, ana = world.gateway, world.person(world.hospital, Role.PATIENT)
    soon, later = grant(world, 30, ana), grant(world, 300, ana)
    grant(world, None, ana)

    announce_endings(gateway)
    assert announced_to(world, ana) == []
    announce_endings(in_days(gateway, 19.9))
    assert announced_to(world, ana) == []
    for day in (20.1, 20.2, 25, 31):
        announce_endings(in_days(gateway, day))
        assert announced_to(world, ana) == [soon]
    announce_endings(in_days(gateway, 295))
    assert announced_to(world, ana) == [later, soon]
    with gateway.database.connect() as connection:
        rows = connection.execute(announced.select()).all()
    assert len({row.about for row in rows}) == len(rows)


def test_the_patient_reads_it_among_her_notices_and_the_grantee_does_not(world: World) -> None:
    gateway, ana = world.gateway, world.person(world.hospital, Role.PATIENT)
    about = grant(world, 30, ana)
    announce_endings(in_days(gateway, 21))

    first = notices(gateway, ana.address, 1)[0]

    assert (first.kind, first.about) == ("consent-ending", about.hex())
    assert first.text.startswith("Your consent to {who} ends on ")
    kinds = [notice.kind for notice in notices(gateway, first.who, 50)]
    assert kinds == ["consent-granted"]
    following = notices(gateway, ana.address, 50, first.position)
    assert about.hex() not in [notice.about for notice in following], "a page goes on behind it"


def test_a_short_consent_is_announced_halfway_and_not_when_it_is_given(world: World) -> None:
    gateway, ana = world.gateway, world.person(world.hospital, Role.PATIENT)
    about = grant(world, 4, ana)
    announce_endings(in_days(gateway, 1))
    assert announced_to(world, ana) == []

    announce_endings(in_days(gateway, 2.1))

    assert announced_to(world, ana) == [about]


def test_what_was_withdrawn_or_is_over_is_not_announced(world: World) -> None:
    gateway, ana = world.gateway, world.person(world.hospital, Role.PATIENT)
    about = grant(world, 30, ana)
    consent = gateway.index.consent(about)
    assert consent is not None
    world.act(gateway.ledger.acts.withdraw(consent.grantee, consent.scope), ana)
    grant(world, 30, ana)

    announce_endings(in_days(gateway, 31))

    assert announced_to(world, ana) == []


def test_many_ends_are_announced_in_portions_that_miss_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, ana = world.gateway, world.person(world.hospital, Role.PATIENT)
    abouts = [grant(world, 30, ana) for _ in range(5)]
    monkeypatch.setattr(announcing, "_AT_ONCE", 2)

    announce_endings(in_days(gateway, 25))

    assert announced_to(world, ana) == abouts[::-1]
    paged = [one.position for one in announcements(gateway, ana.address, 2)]
    rest = [one.ending.about for one in announcements(gateway, ana.address, 50, paged[-1])]
    assert rest == abouts[2::-1]


def test_a_delegations_end_is_announced_to_the_patient_and_not_to_the_delegate(world: World) -> None:
    gateway, ana = world.gateway, world.person(world.hospital, Role.PATIENT)
    son = world.person(world.hospital, Role.PATIENT)
    acts, until = gateway.ledger.acts, world.now() + 60 * DAY
    name = acts.set_delegation(son.address, powers=Power.READ, categories=Category.LABORATORY, until=until)
    world.act(name, ana)
    told = notices(gateway, son.address, 50)

    announce_endings(in_days(gateway, 49))
    assert announced_to(world, ana) == []
    for day in (51, 52):
        announce_endings(in_days(gateway, day))

    assert len(announced_to(world, ana)) == 1
    notice = notices(gateway, ana.address, 1)[0]
    assert (notice.kind, notice.who) == ("delegation-ending", son.address)
    assert notice.text.startswith("{who}'s leave to act for you ends on ")
    assert notices(gateway, son.address, 50) == told


def test_a_delegation_that_was_renewed_or_ended_is_not_announced_by_its_old_end(world: World) -> None:
    gateway, ana = world.gateway, world.person(world.hospital, Role.PATIENT)
    renewed, ended = (world.person(world.hospital, Role.PATIENT) for _ in range(2))
    acts, now = gateway.ledger.acts, world.now()
    for delegate, days in ((renewed, 60), (ended, 60), (renewed, 300)):
        name = acts.set_delegation(
            delegate.address, powers=Power.READ, categories=Category.LABORATORY, until=now + days * DAY
        )
        world.act(name, ana)
    world.act(acts.end_delegation(ended.address), ana)

    announce_endings(in_days(gateway, 55))
    assert announced_to(world, ana) == []
    announce_endings(in_days(gateway, 291))
    assert len(announced_to(world, ana)) == 1


def test_between_two_sweeps_nothing_is_asked(world: World) -> None:
    settings = world.gateway.settings.model_copy(update={"expiry_sweep_seconds": 3600})
    gateway, ana = replace(world.gateway, settings=settings), world.person(world.hospital, Role.PATIENT)
    announce_endings(in_days(gateway, 1000))
    about = grant(world, 1030, ana)

    announce_endings(in_days(gateway, 1025))
    assert announced_to(world, ana) == [about]
    second = grant(world, 1030, ana)
    announce_endings(in_days(gateway, 1025.01))
    assert announced_to(world, ana) == [about], "a quarter of an hour later is too early"
    announce_endings(in_days(gateway, 1025.05))
    assert announced_to(world, ana) == [second, about]
