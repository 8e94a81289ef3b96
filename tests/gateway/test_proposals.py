"""Proposals: listed, accepted and turned down, by the patient alone; those that came in a batch like the others."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.api import batches
from gateway.batches.posting import follow_batches
from tests.gateway.conftest import Cast
from tests.gateway.served import Person, Served, fresh_key, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway that takes batches."""
    with serving(tmp_path_factory.mktemp("proposals"), routers=(batches.router, batches.records)) as running:
        yield running


def waiting(patient: Person, **params: Any) -> list[dict[str, Any]]:
    answer = patient.get("/v1/proposals", params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def post_batch(cast: Cast, patient: Person, *contents: bytes) -> None:
    """The laboratory posts results about her, without her leave to write."""
    laboratory = cast.laboratory
    batch = laboratory.post("/v1/batches", json={"name": fresh_key()}).json()["id"]
    items = [
        {
            "id": str(number),
            "patient": patient.address,
            "categories": ["laboratory"],
            "content": base64.b64encode(content).decode(),
        }
        for number, content in enumerate(contents)
    ]
    added = laboratory.post(f"/v1/batches/{batch}/items", json={"items": items})
    assert added.status_code == 200, added.text
    posted = laboratory.post(f"/v1/batches/{batch}/post")
    assert posted.json()["proposals"] == len(contents), posted.text
    follow_batches(cast.served.gateway)


def answer(person: Person, digest: str, accepted: bool) -> Any:
    return person.post(f"/v1/proposals/{digest}/answer", json={"accepted": accepted})


def test_what_waits_is_listed_newest_first_alone_and_in_batches(cast: Cast) -> None:
    ana = cast.new_patient()
    first = cast.doctor.deposit(ana.address, b"seen today", "encounter")["digest"]
    post_batch(cast, ana, b"K 4.1", b"Na 140")
    last = cast.stranger.deposit(ana.address, b"seen elsewhere", "encounter")["digest"]

    items = waiting(ana)

    assert [item["digest"] for item in items][::3] == [last, first]
    assert [item["batch"] is None for item in items] == [True, False, False, True]
    assert items[0]["sentence"] == (
        "Dr Stranger proposes a record about you (encounter): it counts once you accept it."
    )
    pages = [waiting(ana, limit=1)]
    while pages[-1]:
        pages.append(waiting(ana, limit=1, cursor=pages[-1][0]["cursor"]))
    assert [page[0]["digest"] for page in pages[:-1]] == [item["digest"] for item in items]


def test_nobody_else_sees_or_answers_what_is_proposed_to_her(cast: Cast) -> None:
    ana, other = cast.new_patient(), cast.new_patient()
    digest = cast.doctor.deposit(ana.address, b"x", "encounter")["digest"]
    for intruder in (other, cast.doctor, cast.hospital):
        assert intruder.get(f"/v1/proposals/{digest}").status_code == 404
        assert answer(intruder, digest, True).status_code == 404
    assert waiting(other) == []
    assert [item["digest"] for item in waiting(ana)] == [digest]


def test_an_answer_is_given_once_and_is_final(cast: Cast) -> None:
    ana = cast.new_patient()
    taken, refused = (cast.doctor.deposit(ana.address, content, "encounter")["digest"] for content in (b"1", b"2"))
    key = {"Idempotency-Key": fresh_key()}
    once = ana.post(f"/v1/proposals/{taken}/answer", json={"accepted": True}, headers=key)
    again = ana.post(f"/v1/proposals/{taken}/answer", json={"accepted": True}, headers=key)
    assert once.status_code == 200, once.text
    assert again.json() == once.json()
    assert answer(ana, refused, False).status_code == 200

    for digest in (taken, refused):
        response = answer(ana, digest, True)
        assert (response.status_code, response.json()["error"]) == (409, "RecordStateUnfit")
    assert waiting(ana) == []


def test_what_is_turned_down_no_consent_opens(cast: Cast) -> None:
    ana = cast.new_patient()
    ana.grant(cast.colleague.address, "encounter")
    digest = cast.doctor.deposit(ana.address, b"not so", "encounter")["digest"]
    answer(ana, digest, False)

    assert cast.colleague.open(digest).json()["reason"] == "not_yet_accepted"
    assert ana.open(digest, "PATRQT").content == b"not so"
    assert cast.doctor.open(digest).content == b"not so"


def test_a_record_of_a_batch_is_accepted_by_itself(cast: Cast) -> None:
    ana = cast.new_patient()
    ana.grant(cast.doctor.address, "laboratory")
    post_batch(cast, ana, b"K 4.1", b"Na 140")
    first, second = (item["digest"] for item in waiting(ana))
    assert cast.doctor.open(first).json()["reason"] == "not_yet_accepted"

    assert answer(ana, first, True).status_code == 200

    assert [item["digest"] for item in waiting(ana)] == [second]
    assert cast.doctor.open(first).status_code == 200
    assert cast.doctor.open(second).json()["reason"] == "not_yet_accepted"


def test_a_record_of_a_batch_is_turned_down_by_itself_and_for_good(cast: Cast) -> None:
    ana = cast.new_patient()
    ana.grant(cast.doctor.address, "laboratory")
    post_batch(cast, ana, b"K 4.1", b"Na 140")
    first, second = (item["digest"] for item in waiting(ana))

    assert answer(ana, first, False).status_code == 200

    assert [item["digest"] for item in waiting(ana)] == [second]
    assert cast.doctor.open(first).json()["reason"] == "not_yet_accepted"
    again = answer(ana, first, True)
    assert (again.status_code, again.json()["error"]) == (409, "RecordStateUnfit")
    states = {item["digest"]: item["state"] for item in ana.get("/v1/batch-records").json()["items"]}
    assert states == {first: "turned_down", second: "proposed"}


@pytest.mark.parametrize("cursor", ["x", "1-2", "1-2-3-4", "-", "9" * 20 + "-0-0"])
def test_a_cursor_from_nowhere_is_refused(cast: Cast, cursor: str) -> None:
    assert cast.patient.get("/v1/proposals", params={"cursor": cursor}).status_code == 422


def test_evidence_of_what_waits_goes_to_nobody_who_could_not_open_it(cast: Cast) -> None:
    ana, reader = cast.new_patient(), cast.doctor
    ana.grant(reader.address, "laboratory")
    post_batch(cast, ana, b"K 4.1", b"Na 140")
    taken, refused = (item["digest"] for item in waiting(ana))

    def status(person: Person, digest: str) -> int:
        return person.get(f"/v1/records/{digest}/evidence").status_code

    for digest in (taken, refused):
        assert reader.open(digest).status_code == 403
        assert [status(person, digest) for person in (reader, ana, cast.laboratory)] == [404, 200, 200]
    answer(ana, taken, True)
    answer(ana, refused, False)
    assert reader.open(taken).status_code == 200
    assert [status(reader, digest) for digest in (taken, refused)] == [200, 404]
    alone = cast.colleague.deposit(ana.address, b"Cl 101", "laboratory")["digest"]
    assert [status(person, alone) for person in (reader, ana, cast.colleague)] == [404, 200, 200]
