"""The access log over HTTP: lines for those whom they concern, proofs for them, checkpoints for anybody, numbers
without persons for organizations."""

from time import time
from typing import Any

import httpx
import pytest

from gateway.verify.checks import check
from gateway.verify.reading import read_evidence
from gateway.verify.result import Verdict
from tests.gateway.conftest import Cast
from tests.gateway.logs import anchor, chain_of
from tests.gateway.served import Person


@pytest.fixture(scope="module")
def record(cast: Cast) -> str:
    """A record of the patient's that the doctor has opened six times and a stranger tried to."""
    cast.patient.grant(cast.doctor.address, "journal")
    digest = str(cast.patient.deposit(cast.patient.address, b"CANARY", "journal")["digest"])
    for _ in range(6):
        assert cast.doctor.open(digest).status_code == 200
    assert cast.stranger.open(digest).status_code == 403
    anchor(cast.served.gateway)
    return digest


def lines_of(person: Person) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = person.get("/v1/access-log").json()["items"]
    return items


def problem(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["type"].rpartition(":")[2]


def test_a_line_and_its_proof_are_for_those_whom_it_concerns(cast: Cast, record: str) -> None:
    (refused,) = [line for line in lines_of(cast.patient) if line["reader"] == cast.stranger.address]
    path = f"/v1/access-log/{refused['seq']}"

    for person in (cast.patient, cast.stranger):
        assert person.get(path).json()["digest"] == record
        assert read_evidence(person.get(f"{path}/proof").content).kind == "access-line"
    for person in (cast.doctor, cast.colleague, cast.hospital, cast.new_patient(), cast.served.operator()):
        assert problem(person.get(path)) == (404, "not-found")
        assert problem(person.get(f"{path}/proof")) == (404, "not-found")
    assert problem(httpx.get(cast.served.url + path)) == (401, "not-signed-in")
    assert problem(httpx.get(f"{cast.served.url}{path}/proof")) == (401, "not-signed-in")


def test_auditors_see_every_line_and_no_record(cast: Cast, record: str) -> None:
    auditor = cast.served.person(cast.served.organization("auditor"), "auditor")
    (refused,) = [line for line in lines_of(auditor) if line["reader"] == cast.stranger.address]

    evidence = auditor.get(f"/v1/access-log/{refused['seq']}/proof")

    assert evidence.status_code == 200
    assert b"CANARY" not in evidence.content
    assert problem(auditor.open(record)) == (403, "access-denied")
    assert problem(auditor.get(f"/v1/records/{record}/evidence")) == (404, "not-found")


def test_the_proof_over_http_is_proven_by_the_node_alone(cast: Cast, record: str) -> None:
    assert cast.doctor.open(record).status_code == 200
    anchor(cast.served.gateway)
    with chain_of(cast.served.gateway) as chain:
        for line in lines_of(cast.patient):
            evidence = read_evidence(cast.patient.get(f"/v1/access-log/{line['seq']}/proof").content)
            assert check(evidence, chain=chain, store=None).verdict is Verdict.PROVEN


def test_a_line_that_no_checkpoint_counts_yet_has_no_proof_yet(cast: Cast, record: str) -> None:
    assert cast.doctor.open(record).status_code == 200
    seq = lines_of(cast.doctor)[0]["seq"]

    assert problem(cast.doctor.get(f"/v1/access-log/{seq}/proof")) == (409, "line-not-anchored")
    anchor(cast.served.gateway)
    assert cast.doctor.get(f"/v1/access-log/{seq}/proof").status_code == 200


def test_checkpoints_are_for_anybody_and_tell_of_nobody(cast: Cast, record: str) -> None:
    anybody = httpx.Client(base_url=cast.served.url)
    with anybody:
        cast.doctor.open(record)
        anchor(cast.served.gateway)
        sizes = [item["size"] for item in anybody.get("/v1/access-log/checkpoints").json()["items"]]
        newest = anybody.get("/v1/access-log/checkpoint").json()
        older = anybody.get("/v1/access-log/checkpoint", params={"size": sizes[-1]}).json()
        between = anybody.get("/v1/access-log/consistency", params={"from": sizes[-1], "to": sizes[0]})
        key = anybody.get("/v1/access-log/key").json()
        paged = anybody.get("/v1/access-log/checkpoints", params={"limit": 1, "cursor": str(sizes[0])}).json()

    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) >= 2
    assert newest["checkpoint"].split("\n")[1] == str(sizes[0])
    assert older["checkpoint"].split("\n")[1] == str(sizes[-1])
    assert newest["log"] == key
    assert [item["size"] for item in paged["items"]] == [sizes[1]]
    for person in (cast.patient, cast.doctor, cast.stranger):
        assert person.address.lower()[2:] not in between.text.lower()
    with chain_of(cast.served.gateway) as chain:
        result = check(read_evidence(between.content), chain=chain, store=None)
    assert result.verdict is Verdict.PROVEN
    assert f"begins with the {sizes[-1]} lines" in result.sentence


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"from": 10**9}, 422),
        ({"from": 0}, 422),
        ({"from": -1}, 422),
        ({"from": "all"}, 422),
        ({}, 422),
        ({"from": 1}, 404),
        ({"from": 7, "to": 10**9}, 404),
        ({"from": 2**70}, 422),
    ],
)
def test_consistency_is_between_checkpoints_on_the_ledger_alone(
    cast: Cast, record: str, query: dict[str, Any], status: int
) -> None:
    assert record
    assert cast.patient.get("/v1/access-log/consistency", params=query).status_code == status


@pytest.mark.parametrize("line", ["-1", "x", str(2**60), "99999"])
def test_a_line_that_is_not_there_is_not_found(cast: Cast, line: str) -> None:
    assert cast.patient.get(f"/v1/access-log/{line}").status_code in (404, 422)
    assert cast.patient.get(f"/v1/access-log/{line}/proof").status_code in (404, 422)


def test_an_organization_gets_numbers_of_its_own_people_without_persons(cast: Cast, record: str) -> None:
    assert record
    today = cast.hospital.get("/v1/access-log/counts").json()
    elsewhere = cast.laboratory.get("/v1/access-log/counts").json()

    treated = [one for one in today if one["purpose"] == "TREAT" and one["permitted"]]
    assert len(treated) == 1
    assert treated[0]["number"] >= 6
    assert set(today[0]) == {"day", "purpose", "permitted", "number"}
    assert elsewhere == []


def test_a_number_that_would_name_somebody_is_not_told(cast: Cast, record: str) -> None:
    assert record
    auditor = cast.served.person(cast.served.organization("auditor"), "auditor")

    refused = [one for one in auditor.get("/v1/access-log/counts").json() if not one["permitted"]]

    assert refused
    assert all(one["number"] is None for one in refused)


def test_numbers_are_for_those_who_manage(cast: Cast) -> None:
    for person in (cast.patient, cast.doctor):
        assert problem(person.get("/v1/access-log/counts")) == (403, "not-permitted")
    now = int(time())
    for query in ({"since": now, "until": now - 1}, {"since": 0, "until": now}):
        assert problem(cast.hospital.get("/v1/access-log/counts", params=query)) == (422, "invalid-input")
    nothing = cast.hospital.get("/v1/access-log/counts", params={"since": 0, "until": 86_400})
    assert nothing.json() == []


# --- evidence of records and consents


def test_evidence_of_a_record_is_for_those_who_may_know_of_it(cast: Cast, record: str) -> None:
    for person in (cast.patient, cast.doctor):
        evidence = read_evidence(person.get(f"/v1/records/{record}/evidence").content)
        with chain_of(cast.served.gateway) as chain:
            result = check(evidence, chain=chain, store=cast.served.gateway.store)
        assert result.verdict is Verdict.PROVEN
    for person in (cast.stranger, cast.colleague, cast.laboratory, cast.served.operator()):
        assert problem(person.get(f"/v1/records/{record}/evidence")) == (404, "not-found")
    assert problem(cast.patient.get(f"/v1/records/{'00' * 32}/evidence")) == (404, "not-found")


def test_evidence_of_a_consent_is_for_its_two_sides(cast: Cast) -> None:
    id_ = cast.patient.grant(cast.colleague.address, "imaging")
    for person in (cast.patient, cast.colleague):
        evidence = read_evidence(person.get(f"/v1/consents/{id_}/evidence").content)
        with chain_of(cast.served.gateway) as chain:
            result = check(evidence, chain=chain, store=cast.served.gateway.store)
        assert result.verdict is Verdict.PROVEN, result.sentence
        assert result.facts["state"] == "live"
    for person in (cast.doctor, cast.stranger, cast.hospital):
        assert problem(person.get(f"/v1/consents/{id_}/evidence")) == (404, "not-found")

    cast.patient.delete(f"/v1/consents/{id_}")
    evidence = read_evidence(cast.patient.get(f"/v1/consents/{id_}/evidence").content)
    with chain_of(cast.served.gateway) as chain:
        assert check(evidence, chain=chain, store=None).facts["state"] == "withdrawn"


def test_what_a_proof_shows_of_other_lines_tells_nothing_of_them(cast: Cast, record: str) -> None:
    """The neighbour's hash stands in the proof: without the salt it cannot be guessed, however little there is to."""
    assert record
    gateway = cast.served.gateway
    leaves = dict(gateway.log.each())
    salts = {leaf.partition(b'"salt":"')[2][:32] for leaf in leaves.values()}

    assert len(salts) == len(leaves)
    assert all(len(salt) == 32 for salt in salts)
