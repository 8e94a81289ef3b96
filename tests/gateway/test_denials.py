"""Denials and sensitive categories through every path by which one might get at a record, or know of it."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from time import time
from typing import Any

import httpx
import pytest

from gateway.api import batches, prescriptions
from gateway.api.models import CATEGORY_NAMES as ALL
from gateway.batches.posting import follow_batches
from ledger.types import raw
from tests.gateway.conftest import Cast
from tests.gateway.served import Person, Served, fresh_key, serving
from tests.gateway.test_delegates import DAY, named
from tests.gateway.test_teams import follow_all


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway that takes batches and prescriptions as well."""
    routers = (batches.router, batches.records, prescriptions.router, prescriptions.bearer)
    with serving(tmp_path_factory.mktemp("denials"), routers=routers) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Papers:
    """What there is about one patient."""

    patient: Person
    record: str
    batched: str
    prescription: str


def papers(cast: Cast, category: str) -> Papers:
    """A record of hers, one of a batch, and a prescription, all of one category."""
    ana = cast.new_patient()
    record = ana.deposit(ana.address, b"finding", category)["digest"]
    ana.grant(cast.laboratory.address, category, may_write=True)
    batch = cast.laboratory.post("/v1/batches", json={"name": fresh_key()}).json()["id"]
    item = {
        "id": "1",
        "patient": ana.address,
        "categories": [category],
        "content": base64.b64encode(b"result").decode(),
    }
    added = cast.laboratory.post(f"/v1/batches/{batch}/items", json={"items": [item]})
    assert added.status_code == 200, added.text
    assert cast.laboratory.post(f"/v1/batches/{batch}/post").status_code == 200
    follow_batches(cast.served.gateway)
    batched = ana.get("/v1/batch-records").json()["items"][0]["digest"]
    prescriber = cast.served.person(cast.hospital, "practitioner", "prescriber")
    ana.grant(prescriber.address, category, may_write=True)
    order = {
        "patient": ana.address,
        "categories": [category],
        "body": {"media_type": "text/plain", "content": base64.b64encode(b"take one").decode()},
        "terms": {"fills": 1, "per_fill": 10, "expiry": int(time()) + 30 * DAY},
    }
    issued = prescriber.post("/v1/prescriptions", json=order)
    assert issued.status_code == 201, issued.text
    return Papers(ana, record, batched, issued.json()["id"])


def ways_in(reader: Person, found: Papers, purpose: str = "TREAT") -> dict[str, httpx.Response]:
    """Every request by which the reader might get at the papers, or learn that there are any."""
    ways: dict[str, httpx.Response] = {}
    for name, digest in (("record", found.record), ("batched", found.batched)):
        ways[f"open {name}"] = reader.open(digest, purpose)
        ways[f"envelope of {name}"] = reader.post(f"/v1/records/{digest}/envelope", json={"purpose": purpose})
        ways[f"evidence of {name}"] = reader.get(f"/v1/records/{digest}/evidence")
    ways["metadata"] = reader.get(f"/v1/records/{found.record}")
    ways["signatures"] = reader.get(f"/v1/records/{found.record}/signatures")
    ways["metadata in its batch"] = reader.get(f"/v1/batch-records/{found.batched}")
    ways["prescription"] = reader.get(f"/v1/prescriptions/{found.prescription}")
    sharing = {"grantee": reader.address}
    ways["share of the prescription"] = reader.post(f"/v1/prescriptions/{found.prescription}/share", json=sharing)
    ways["evidence of the prescription"] = reader.get(f"/v1/prescriptions/{found.prescription}/evidence")
    return ways


def lists(reader: Person, found: Papers) -> list[Any]:
    """What lists tell the reader of the patient."""
    whose = {"patient": found.patient.address}
    items: list[Any] = []
    for path in ("/v1/records", "/v1/batch-records"):
        answer = reader.get(path, params=whose)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
    return items


def assert_shut(reader: Person, found: Papers, purpose: str = "TREAT") -> None:
    """Not one way in, not one word in a list."""
    statuses = {name: response.status_code for name, response in ways_in(reader, found, purpose).items()}
    assert {name: status for name, status in statuses.items() if status not in (403, 404)} == {}
    assert lists(reader, found) == []


def assert_open(reader: Person, found: Papers, purpose: str = "TREAT") -> None:
    """The same ways do let in whom she lets: so that the test above can fail."""
    statuses = {name: response.status_code for name, response in ways_in(reader, found, purpose).items()}
    del statuses["share of the prescription"]  # the patient's alone
    assert {name: status for name, status in statuses.items() if status != 200} == {}
    assert {item["digest"] for item in lists(reader, found)} == {found.record, found.batched}


def test_a_denial_shuts_every_way_for_the_person_and_lifting_it_opens_them(cast: Cast) -> None:
    found = papers(cast, "laboratory")
    ana = found.patient
    ana.grant(cast.doctor.address, "laboratory")
    assert_open(cast.doctor, found)

    assert ana.put(f"/v1/denials/{cast.doctor.address}").status_code == 200
    assert_shut(cast.doctor, found)
    slips = cast.served.gateway.store.list_slips(bytes.fromhex(found.record))
    assert raw(cast.doctor.address) not in slips
    later = ana.deposit(ana.address, b"later", "laboratory")["digest"]
    assert raw(cast.doctor.address) not in cast.served.gateway.store.list_slips(bytes.fromhex(later))

    assert ana.delete(f"/v1/denials/{cast.doctor.address}").status_code == 200
    assert cast.doctor.open(found.record).content == b"finding"


def test_a_denied_organization_shuts_every_way_for_its_people(cast: Cast) -> None:
    found = papers(cast, "laboratory")
    found.patient.grant(cast.doctor.address, "laboratory")
    assert_open(cast.doctor, found)

    assert found.patient.put(f"/v1/denials/{cast.hospital.address}").status_code == 200

    assert_shut(cast.doctor, found)
    assert_shut(cast.hospital, found)


def test_a_denied_team_shuts_every_way_for_members_who_read_by_it(cast: Cast) -> None:
    found = papers(cast, "laboratory")
    team = cast.hospital.post("/v1/teams", json={"name": "Ward"}).json()["team"]
    assert cast.hospital.put(f"/v1/teams/{team}/members/{cast.stranger.address}").status_code == 200
    found.patient.grant(team, "laboratory")
    assert cast.stranger.open(found.record).content == b"finding"
    assert lists(cast.stranger, found) != []

    assert found.patient.put(f"/v1/denials/{team}").status_code == 200

    assert_shut(cast.stranger, found)


def test_whom_she_denies_writes_nothing_about_her(cast: Cast) -> None:
    ana = cast.new_patient()
    ana.grant(cast.doctor.address, "laboratory", may_write=True)
    assert ana.put(f"/v1/denials/{cast.doctor.address}").status_code == 200

    refused = cast.doctor.try_deposit(ana.address, b"x", "laboratory")

    assert (refused.status_code, refused.json()["error"]) == (403, "WriteNotPermitted")
    assert ana.get("/v1/proposals").json()["items"] == []
    assert ana.get("/v1/records").json()["items"] == []


@pytest.mark.parametrize("category", ["mental-health", "sexual-health", "genetics"])
def test_a_sensitive_category_is_open_to_nobody_whose_grant_does_not_name_it(cast: Cast, category: str) -> None:
    found = papers(cast, category)
    ana = found.patient
    ordinary = [name for name in ALL if name not in ("mental-health", "sexual-health", "genetics")]
    team = cast.hospital.post("/v1/teams", json={"name": "Ward"}).json()["team"]
    assert cast.hospital.put(f"/v1/teams/{team}/members/{cast.stranger.address}").status_code == 200
    for grantee in (cast.doctor.address, cast.hospital.address, team):
        ana.grant(grantee, *ordinary)
    son = cast.served.person(cast.hospital, "patient", name="Jon")
    named(ana, son, "read", ",".join(ordinary))

    for reader in (cast.doctor, cast.colleague, cast.hospital, cast.stranger):
        assert_shut(reader, found)
    assert_shut(son, found, "FAMRQT")

    ana.grant(cast.doctor.address, category)
    assert_open(cast.doctor, found)
    assert_shut(cast.stranger, found)


def test_what_is_sealed_of_a_sensitive_record_goes_to_nobody_else(cast: Cast) -> None:
    ana = cast.new_patient()
    ana.grant(cast.doctor.address, *[name for name in ALL if name != "genetics"])
    digest = ana.deposit(ana.address, b"x", "laboratory", "genetics")["digest"]

    assert cast.served.gateway.store.list_slips(bytes.fromhex(digest)) == [raw(ana.address)]
    assert cast.doctor.open(digest).json()["reason"] == "category_not_covered"


def test_a_newcomer_to_a_team_gets_slips_of_every_kind_while_the_patient_is_asleep(cast: Cast) -> None:
    found = papers(cast, "laboratory")
    team = cast.hospital.post("/v1/teams", json={"name": "Home care"}).json()["team"]
    found.patient.grant(team, "laboratory")
    assert found.patient.delete("/v1/session").status_code == 204
    newcomer = cast.served.person(cast.hospital, "practitioner")
    assert cast.hospital.put(f"/v1/teams/{team}/members/{newcomer.address}").status_code == 200

    follow_all(cast.served.gateway)

    assert_open(newcomer, found)
    assert cast.hospital.delete(f"/v1/teams/{team}/members/{newcomer.address}").status_code == 200
    follow_all(cast.served.gateway)
    assert_shut(newcomer, found)
