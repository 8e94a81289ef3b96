"""What ends while somebody is reading, over and over, counts from the next decision on: what a patient says, who leaves
a team, who is suspended, what expires; for a record that came by itself and for one of a batch. Delegates are in
`test_delegates`."""

from collections.abc import Callable

import httpx
import pytest

from gateway.batches.posting import add, item_of, open_batch, post
from gateway.batches.seal import NewItem
from ledger.codes import Category
from ledger.types import Address
from tests.gateway.conftest import Cast
from tests.gateway.in_flight import ends_while_reading, expires_while_reading
from tests.gateway.people import WAIT
from tests.gateway.served import Person, fresh_key
from tests.gateway.test_teams import join, leave
from tests.waiting import until

KIND = Category.VITAL_SIGNS


def alone(cast: Cast, patient: Person) -> str:
    """A record that came by itself."""
    return str(patient.deposit(patient.address, b"x", *KIND.labels())["digest"])


def in_a_batch(cast: Cast, patient: Person) -> str:
    """The second of three that a technician has posted at once, with her leave."""
    gateway, author = cast.served.gateway, cast.served.person(cast.laboratory, "laboratory").address
    patient.grant(author, *KIND.labels(), may_write=True)
    people = {"before": cast.patient, "hers": patient, "after": cast.patient}
    batch = open_batch(gateway, author, fresh_key())
    add(
        gateway,
        author,
        batch.job,
        [NewItem(name, one.address, KIND, "text/plain", b"x") for name, one in people.items()],
    )
    assert post(gateway, author, batch.job, wait=WAIT).state == "anchored"
    found = item_of(gateway, author, batch.job, "hers")
    assert found is not None
    assert found[0] == 1
    return found[1].hex()


SUBJECTS = (alone, in_a_batch)

Ending = tuple[Person, Callable[[], httpx.Response]]
"""Who reads, and what ends it."""


def reader_of(cast: Cast, patient: Person) -> Person:
    """A doctor of the hospital's, new, whom a patient lets read."""
    reader = cast.served.person(cast.hospital, "practitioner")
    patient.grant(reader.address, *KIND.labels())
    return reader


def member_of(cast: Cast, patient: Person) -> tuple[Person, Address]:
    """A doctor from elsewhere, in a new team of the hospital's which a patient lets read; the team."""
    answer = cast.hospital.post("/v1/teams", json={"name": "Home care"})
    assert answer.status_code == 201, answer.text
    team = Address(answer.json()["team"])
    patient.grant(team, *KIND.labels())
    join(cast, team, cast.stranger)
    return cast.stranger, team


def suspend(by: Person, who: Address) -> httpx.Response:
    return by.put(f"/v1/participants/{who}/suspension", json={"suspended": True})


def she_denies_the_reader(cast: Cast, ana: Person) -> Ending:
    reader = reader_of(cast, ana)
    return reader, lambda: ana.put(f"/v1/denials/{reader.address}")


def she_denies_the_readers_hospital(cast: Cast, ana: Person) -> Ending:
    return reader_of(cast, ana), lambda: ana.put(f"/v1/denials/{cast.hospital.address}")


def she_withdraws(cast: Cast, ana: Person) -> Ending:
    consent = ana.grant(cast.doctor.address, *KIND.labels())
    return cast.doctor, lambda: ana.delete(f"/v1/consents/{consent}")


def she_withdraws_from_the_readers_hospital(cast: Cast, ana: Person) -> Ending:
    consent = ana.grant(cast.hospital.address, *KIND.labels())
    return cast.doctor, lambda: ana.delete(f"/v1/consents/{consent}")


def the_reader_leaves_the_team(cast: Cast, ana: Person) -> Ending:
    member, team = member_of(cast, ana)
    return member, lambda: leave(cast, team, member)


def the_team_is_suspended(cast: Cast, ana: Person) -> Ending:
    member, team = member_of(cast, ana)
    return member, lambda: suspend(cast.hospital, team)


def the_reader_is_suspended(cast: Cast, ana: Person) -> Ending:
    reader = reader_of(cast, ana)
    return reader, lambda: suspend(cast.hospital, reader.address)


def the_readers_organization_is_suspended(cast: Cast, ana: Person) -> Ending:
    clinic = cast.served.organization("practitioner", name="Short-lived Clinic")
    reader = cast.served.person(clinic, "practitioner")
    ana.grant(reader.address, *KIND.labels())
    return reader, lambda: suspend(cast.served.operator(), clinic.address)


ENDINGS = (
    she_denies_the_reader,
    she_denies_the_readers_hospital,
    she_withdraws,
    she_withdraws_from_the_readers_hospital,
    the_reader_leaves_the_team,
    the_team_is_suspended,
    the_reader_is_suspended,
    the_readers_organization_is_suspended,
)


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_no_open_that_began_after_it_was_acknowledged_is_permitted(
    cast: Cast, ending: Callable[[Cast, Person], Ending], subject: Callable[[Cast, Person], str]
) -> None:
    ana = cast.new_patient()
    digest = subject(cast, ana)
    reader, end = ending(cast, ana)

    ends_while_reading(cast, reader, digest, end)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_consent_to_one_record_outlives_a_wider_one_while_its_patient_sleeps(
    cast: Cast, subject: Callable[[Cast, Person], str]
) -> None:
    ana = cast.new_patient()
    digest = subject(cast, ana)
    reader = cast.served.person(cast.hospital, "practitioner")
    ana.grant(reader.address, *KIND.labels(), record=digest)
    until(lambda: reader.open(digest).status_code == 200)
    wider = ana.grant(reader.address, *KIND.labels())
    until(lambda: ana.delete(f"/v1/consents/{wider}").status_code == 200)
    assert ana.delete("/v1/session").status_code == 204

    assert reader.open(digest).content == b"x"


@pytest.mark.parametrize("subject", SUBJECTS)
def test_expiry_is_exact_to_the_second(cast: Cast, subject: Callable[[Cast, Person], str]) -> None:
    ana = cast.new_patient()
    digest = subject(cast, ana)

    expires_while_reading(
        cast, cast.doctor, digest, lambda expiry: ana.grant(cast.doctor.address, *KIND.labels(), expiry=expiry)
    )
