"""Who may not, and what is not right: a named problem each time, and never a failure of the gateway's own."""

from time import time
from typing import Any

import httpx
import pytest

from tests.gateway.conftest import Cast
from tests.gateway.served import YEAR, Person


def problem(response: httpx.Response) -> str:
    """The kind of a problem."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    body = response.json()
    assert body["status"] == response.status_code
    assert body["instance"].startswith("urn:uuid:")
    return str(body["type"]).rpartition(":")[2]


def test_without_a_session_nothing_is_told(cast: Cast) -> None:
    client = cast.served.client()
    for path in ("/v1/session", "/v1/records", "/v1/consents", "/v1/access-log", "/v1/acts", "/v1/denials"):
        response = client.get(path)
        assert (response.status_code, problem(response)) == (401, "not-signed-in"), path
    assert client.post(f"/v1/records/{'ab' * 32}/open", json={"purpose": "TREAT"}).status_code == 401
    assert cast.served.client("not-a-token").get("/v1/session").status_code == 401


def test_only_organizations_register_and_only_the_consortium_admits(cast: Cast) -> None:
    person = {"name": "X", "roles": ["patient"], "passphrase": "long enough"}
    assert problem(cast.doctor.post("/v1/participants", json=person)) == "not-permitted"
    assert problem(cast.hospital.post("/v1/organizations", json=person)) == "not-permitted"


def test_an_organization_confers_only_what_it_holds(cast: Cast) -> None:
    body = {"name": "X", "roles": ["pharmacist"], "passphrase": "long enough"}

    response = cast.laboratory.post("/v1/participants", json=body)

    assert (response.status_code, response.json()["error"]) == (403, "RolesNotConferrable")


def test_an_organization_suspends_only_its_own(cast: Cast) -> None:
    response = cast.laboratory.put(f"/v1/participants/{cast.doctor.address}/suspension", json={"suspended": True})

    assert (response.status_code, response.json()["error"]) == (403, "NotInCharge")


def test_a_weak_passphrase_is_refused(cast: Cast) -> None:
    body = {"name": "X", "roles": ["patient"], "passphrase": "short"}
    assert problem(cast.hospital.post("/v1/participants", json=body)) == "passphrase-too-weak"


def test_only_the_patient_withdraws_answers_and_sees_her_consents(cast: Cast) -> None:
    consent = cast.patient.grant(cast.doctor.address, "journal")
    assert problem(cast.doctor.delete(f"/v1/consents/{consent}")) == "not-permitted"
    assert problem(cast.stranger.get(f"/v1/consents/{consent}")) == "not-found"
    proposed = cast.stranger.deposit(cast.patient.address, b"x", "encounter")["digest"]
    answer = cast.doctor.post(f"/v1/records/{proposed}/answer", json={"accepted": True})
    assert problem(answer) == "not-permitted"
    assert problem(cast.doctor.post(f"/v1/records/{proposed}/retract")) == "not-permitted"


def test_a_patient_writes_about_nobody_else(cast: Cast) -> None:
    response = cast.new_patient().try_deposit(cast.patient.address, b"x", "journal")

    assert (response.status_code, response.json()["error"]) == (403, "RoleMissing")


def test_auditors_read_the_log_and_no_record(cast: Cast) -> None:
    house = cast.served.organization("auditor")
    auditor = cast.served.person(house, "auditor")
    digest = cast.patient.deposit(cast.patient.address, b"x", "journal")["digest"]
    cast.patient.grant(auditor.address, "journal")

    assert auditor.open(digest).json()["reason"] == "auditors_read_no_records"
    assert auditor.get("/v1/access-log").json()["items"][0]["digest"] == digest


CONSENT = {"categories": ["journal"], "purposes": ["TREAT"], "forever": True}


@pytest.mark.parametrize(
    "change",
    [
        {"grantee": "0x123"},
        {"grantee": "0x" + "g" * 40},
        {"grantee": "0xAb5801a7D398351b8bE11C439e05C5B3259aeC9b".swapcase().replace("X", "x")},
        {"categories": []},
        {"categories": ["everything"]},
        {"categories": "journal"},
        {"purposes": []},
        {"purposes": ["SELLING"]},
        {"forever": False},
        {"forever": False, "expiry": -1},
        {"forever": False, "expiry": 2**40},
        {"forever": False, "expiry": 10**30},
        {"forever": False, "expiry": 1.5},
        {"forever": False, "expiry": "soon"},
        {"expiry": 2_000_000_000},
        {"not_before": 2**41},
        {"record": "ab"},
        {"surprise": 1},
    ],
)
def test_a_consent_that_is_not_right_is_refused_and_names_the_field(cast: Cast, change: dict[str, Any]) -> None:
    response = cast.patient.post("/v1/consents", json={"grantee": cast.doctor.address, **CONSENT, **change})

    assert response.status_code == 422, response.text
    assert problem(response) == "invalid-input"
    assert response.json()["errors"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"purposes": ["BTG"]}, "ConsentTermsInvalid"),
        ({"forever": False, "expiry": 1}, "ConsentPeriodEmpty"),
        ({"not_before": int(time()) + 2 * YEAR, "forever": False, "expiry": int(time()) + YEAR}, "ConsentPeriodEmpty"),
        ({"grantee": "self"}, "GranteeInvalid"),
    ],
)
def test_a_consent_that_the_ledger_refuses_says_which_rule(cast: Cast, change: dict[str, Any], error: str) -> None:
    body = {"grantee": cast.doctor.address, **CONSENT, **change}
    if body["grantee"] == "self":
        body["grantee"] = cast.patient.address

    response = cast.patient.post("/v1/consents", json=body)

    assert (response.status_code, response.json()["error"]) == (422, error)


@pytest.mark.parametrize("digest", ["ab", "AB" * 32, "zz" * 32, "ab" * 33, "..%2f..%2fetc%2fpasswd", "%00" * 8])
def test_a_malformed_digest_is_refused(cast: Cast, digest: str) -> None:
    response = cast.patient.open(digest)

    assert response.status_code in (404, 422)
    assert problem(response) in ("invalid-input", "http-404")


@pytest.mark.parametrize(
    "body",
    [{}, {"purpose": "treat"}, {"purpose": 0}, {"purpose": None}, {"purpose": "TREAT", "reader": "0x"}, [], "TREAT"],
)
def test_a_purpose_is_always_stated_and_nothing_else(cast: Cast, body: Any) -> None:
    response = cast.patient.post(f"/v1/records/{'ab' * 32}/open", json=body)

    assert (response.status_code, problem(response)) == (422, "invalid-input")


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ({"categories": ""}, {}),
        ({"categories": "everything"}, {}),
        ({"patient": "0x12"}, {}),
        ({"supersedes": "xyz"}, {}),
        ({}, {"Content-Type": "no media type at all"}),
        ({}, {"Record-Title": "%0A"}),
        ({}, {"Record-Title": "x" * 1001}),
        ({}, {"Record-Title": "%FF%FE\x00".replace("\x00", "%00")}),
        ({}, {"Content-Type": "multipart/form-data"}),
        ({}, {"Content-Type": "multipart/form-data; boundary=x"}),
        ({}, {"Idempotency-Key": "x" * 256}),
        ({}, {"X-Correlation-Id": "Maria"}),
    ],
)
def test_a_deposit_that_is_not_right_is_refused(cast: Cast, query: dict[str, str], headers: dict[str, str]) -> None:
    ana = cast.patient
    params = {"patient": ana.address, "categories": "journal", **query}

    response = ana.post("/v1/records", params=params, content=b"x", headers={"Content-Type": "text/plain", **headers})

    assert (response.status_code, problem(response)) == (422, "invalid-input"), response.text


MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--\r\n",
        b"--b\r\nContent-Disposition: form-data; name=content\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\nContent-Disposition: form-data; name=metadata\r\n\r\n{}\r\n--b--\r\n",
        b"--b\r\nContent-Disposition: form-data; name=metadata\r\n\r\nnot json",
        b"--b\r\n" + b"X: " + b"y" * 5000,
        b"\xff" * 100,
    ],
)
def test_multipart_that_is_not_right_is_refused(cast: Cast, body: bytes) -> None:
    response = cast.patient.post("/v1/records", content=body, headers=MULTIPART)

    assert (response.status_code, problem(response)) == (422, "invalid-input"), response.text


def test_multipart_with_a_third_part_or_without_its_end_is_refused(cast: Cast) -> None:
    ana = cast.patient
    head = (
        b"--b\r\nContent-Disposition: form-data; name=metadata\r\n\r\n"
        + f'{{"patient": "{ana.address}", "categories": ["journal"]}}'.encode()
        + b"\r\n--b\r\nContent-Disposition: form-data; name=content\r\n\r\nx"
    )
    more = b"\r\n--b\r\nContent-Disposition: form-data; name=more\r\n\r\ny\r\n--b--\r\n"
    count = len(ana.get("/v1/records").json()["items"])

    assert ana.post("/v1/records", content=head + more, headers=MULTIPART).status_code == 422
    assert ana.post("/v1/records", content=head, headers=MULTIPART).status_code == 422

    assert len(ana.get("/v1/records").json()["items"]) == count


def test_a_body_beyond_the_limit_is_too_large_with_and_without_its_length(cast: Cast) -> None:
    limit = cast.served.gateway.settings.max_json_bytes
    ana = cast.patient

    declared = ana.post("/v1/consents", content=b"[" * (limit + 1))
    streamed = ana.post("/v1/consents", content=(b"[" * 65_536 for _ in range(limit // 65_536 + 2)))

    assert (declared.status_code, problem(declared)) == (413, "body-too-large")
    assert (streamed.status_code, problem(streamed)) == (413, "body-too-large")


@pytest.mark.parametrize("cursor", ["x", "1", "1-", "-1", "1-1-1", "9" * 30 + "-0", "1e3-0", "\u0661-\u0661"])
def test_a_cursor_from_nowhere_is_refused(cast: Cast, cursor: str) -> None:
    for path in ("/v1/records", "/v1/consents", "/v1/notifications"):
        response = cast.patient.get(path, params={"cursor": cursor})
        assert (response.status_code, problem(response)) == (422, "invalid-input"), (path, cursor)


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1e9", ""])
def test_a_limit_out_of_range_is_refused(cast: Cast, limit: str) -> None:
    assert problem(cast.patient.get("/v1/records", params={"limit": limit})) == "invalid-input"


def test_an_unknown_address_is_a_problem_and_so_is_another_method(cast: Cast) -> None:
    assert problem(cast.patient.get("/v1/nothing")) == "http-404"
    assert problem(cast.patient.put("/v1/consents")) == "http-405"


def test_an_answer_does_not_repeat_what_was_sent(cast: Cast) -> None:
    secret = "Canary Cefalexin"
    bodies: list[Any] = [{"name": 5, "roles": [secret], "passphrase": secret}, {secret: secret}, secret]
    for body in bodies:
        response = cast.hospital.post("/v1/participants", json=body)
        assert response.status_code == 422
        assert "Canary" not in response.text


def test_answers_carry_headers_by_the_book(cast: Cast) -> None:
    response = cast.patient.get("/v1/records")

    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert response.headers["x-request-id"]
    assert "server" not in response.headers or response.headers["server"] == "uvicorn"


def test_a_patient_may_bar_authors_from_what_they_wrote(cast: Cast) -> None:
    ana: Person = cast.new_patient()
    digest = cast.doctor.deposit(ana.address, b"x", "mental-health")["digest"]
    assert cast.doctor.open(digest).status_code == 200

    assert ana.put("/v1/me/preferences", json={"barred_authors": ["mental-health"]}).status_code == 200

    assert cast.doctor.open(digest).status_code == 403


def test_what_a_record_says_is_not_remembered_with_the_request_that_opened_it(cast: Cast) -> None:
    digest = cast.patient.deposit(cast.patient.address, b"Canary-Heron", "journal")["digest"]
    for _ in range(2):
        opened = cast.patient.post(
            f"/v1/records/{digest}/open", json={"purpose": "PATRQT"}, headers={"Idempotency-Key": "open-1"}
        )
        assert opened.content == b"Canary-Heron"

    folder = cast.served.gateway.settings.data_dir
    found = [path.name for path in folder.rglob("*") if path.is_file() and b"Canary-Heron" in path.read_bytes()]

    assert found == []
    lines = cast.patient.get("/v1/access-log").json()["items"]
    assert len([line for line in lines if line["digest"] == digest]) == 2
