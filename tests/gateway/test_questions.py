"""Asking for access: in plain words, answered with yes, less or no; a question by itself permits nothing."""

from time import time
from typing import Any

import httpx
import pytest

from ledger.index_care import CareIndex
from ledger.types import raw
from tests.gateway.conftest import Cast
from tests.gateway.served import Person, correlation, fresh_key
from tests.gateway.test_delegates import DAY, named, refused

REASON = "We plan your operation together. Canary-Plover."


def ask(asker: Person, patient: Person, *categories: str, **more: Any) -> httpx.Response:
    body = {
        "patient": patient.address,
        "categories": list(categories),
        "purposes": ["TREAT"],
        "expiry": int(time()) + 90 * DAY,
        "reason": REASON,
        **more,
    }
    headers = {"Idempotency-Key": fresh_key()}
    return asker.post("/v1/questions", json=body, headers=headers)


def asked(asker: Person, patient: Person, *categories: str, **more: Any) -> str:
    response = ask(asker, patient, *categories, **more)
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


def open_questions(patient: Person) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = patient.get("/v1/questions").json()["items"]
    return items


def test_she_sees_the_question_in_plain_words_and_grants_it(cast: Cast) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"K 4.1", "laboratory")["digest"]
    question = asked(cast.doctor, ana, "laboratory", "medication")
    assert cast.doctor.open(digest).json()["reason"] == "no_basis", "a question permits nothing"

    seen = open_questions(ana)[0]
    assert seen["id"] == question
    assert seen["reason"] == REASON
    assert seen["sentence"].startswith(
        "Dr Ruiz asks to read your records (medication and laboratory) for treatment, until "
    )
    told = ana.get("/v1/notifications").json()["items"][0]
    assert told["text"].startswith("Dr Ruiz asks to read your records (medication and laboratory) for treatment")
    granted = ana.post(f"/v1/questions/{question}/grant", json={})

    assert granted.status_code == 200, granted.text
    assert cast.doctor.open(digest).content == b"K 4.1"
    assert open_questions(ana) == []
    answered = cast.doctor.get("/v1/questions?asked=true").json()["items"][0]
    assert (answered["state"], answered["consent"]) == ("granted", granted.json()["id"])
    news = [item["kind"] for item in cast.doctor.get("/v1/notifications").json()["items"][:2]]
    assert set(news) == {"question-granted", "consent-granted"}


def test_she_answers_narrower_and_never_wider(cast: Cast) -> None:
    ana = cast.new_patient()
    lab, drug = (ana.deposit(ana.address, b"x", kind)["digest"] for kind in ("laboratory", "medication"))
    question = asked(cast.doctor, ana, "laboratory", "medication", may_write=True)
    end = int(time()) + DAY

    for wider in (
        {"categories": ["laboratory", "genetics"]},
        {"purposes": ["TREAT", "HRESCH"]},
        {"expiry": int(time()) + 91 * DAY},
    ):
        assert refused(ana.post(f"/v1/questions/{question}/grant", json=wider)) == (422, "AnswerWider")
    narrower = {"categories": ["laboratory"], "expiry": end, "may_write": False}
    granted = ana.post(f"/v1/questions/{question}/grant", json=narrower)

    assert granted.status_code == 200, granted.text
    consent = ana.get("/v1/consents").json()["items"][0]
    assert (consent["categories"], consent["expiry"], consent["may_write"]) == (["laboratory"], end, False)
    assert [cast.doctor.open(digest).status_code for digest in (lab, drug)] == [200, 403]


def test_she_says_no_and_the_asker_is_told(cast: Cast) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"x", "laboratory")["digest"]
    question = asked(cast.doctor, ana, "laboratory")

    assert ana.post(f"/v1/questions/{question}/decline").status_code == 200

    told = cast.doctor.get("/v1/notifications").json()["items"][0]
    assert told["kind"] == "question-declined"
    assert told["text"].endswith(" said no to what you asked.")
    assert cast.doctor.open(digest).status_code == 403
    late = ana.post(f"/v1/questions/{question}/grant", json={})
    assert refused(late) == (409, "QuestionNotOpen")


def test_somebody_whom_she_denies_cannot_ask(cast: Cast) -> None:
    ana = cast.new_patient()
    assert ana.put(f"/v1/denials/{cast.hospital.address}").status_code == 200

    assert refused(ask(cast.doctor, ana, "laboratory")) == (403, "AskingDenied")
    assert refused(ask(cast.hospital, ana, "laboratory")) == (403, "AskingDenied")

    assert open_questions(ana) == []
    assert ask(cast.stranger, ana, "laboratory").status_code == 201


def test_the_same_question_is_asked_once(cast: Cast) -> None:
    ana = cast.new_patient()
    body = {
        "patient": ana.address,
        "categories": ["laboratory"],
        "purposes": ["TREAT"],
        "expiry": int(time()) + DAY,
        "reason": REASON,
    }
    activity = correlation()
    headers = {"Idempotency-Key": fresh_key(), "X-Correlation-Id": activity}

    first, again = (cast.doctor.post("/v1/questions", json=body, headers=headers) for _ in range(2))

    assert first.status_code == 201, first.text
    assert again.json() == first.json()
    assert first.json()["act"]["correlation"] == activity
    assert len(open_questions(ana)) == 1
    other = cast.doctor.post("/v1/questions", json={**body, "reason": "another"}, headers=headers)
    assert other.status_code == 422


def test_an_answer_is_given_once(cast: Cast) -> None:
    ana = cast.new_patient()
    question = asked(cast.doctor, ana, "laboratory")
    headers = {"Idempotency-Key": fresh_key()}
    path = f"/v1/questions/{question}/grant"

    first, again = (ana.post(path, json={}, headers=headers) for _ in range(2))

    assert first.status_code == 200, first.text
    assert again.json() == first.json()
    assert refused(ana.post(path, json={})) == (409, "QuestionNotOpen")
    assert refused(ana.post(f"/v1/questions/{question}/decline")) == (409, "QuestionNotOpen")
    assert len(ana.get("/v1/consents").json()["items"]) == 1


def test_only_those_concerned_know_of_a_question_and_only_she_answers(cast: Cast) -> None:
    ana, other = cast.new_patient(), cast.new_patient()
    question = asked(cast.doctor, ana, "laboratory")

    for intruder in (other, cast.colleague, cast.stranger, cast.hospital):
        assert intruder.get(f"/v1/questions/{question}").status_code == 404
        assert intruder.post(f"/v1/questions/{question}/grant", json={}).status_code == 404
        assert intruder.post(f"/v1/questions/{question}/decline").status_code == 404
        assert intruder.delete(f"/v1/questions/{question}").status_code == 404
    assert refused(cast.doctor.post(f"/v1/questions/{question}/grant", json={}))[0] == 403
    assert refused(cast.doctor.post(f"/v1/questions/{question}/decline"))[0] == 403
    assert refused(ana.delete(f"/v1/questions/{question}")) == (403, "NotTheAsker")
    assert open_questions(ana)[0]["state"] == "open"


def test_the_asker_takes_a_question_back(cast: Cast) -> None:
    ana = cast.new_patient()
    question = asked(cast.doctor, ana, "laboratory")

    assert cast.doctor.delete(f"/v1/questions/{question}").status_code == 200

    assert open_questions(ana) == []
    assert ana.get("/v1/notifications").json()["items"][0]["kind"] == "question-taken-back"
    assert refused(ana.post(f"/v1/questions/{question}/grant", json={})) == (409, "QuestionNotOpen")


def test_a_delegate_answers_for_her_within_what_was_delegated(cast: Cast) -> None:
    ana = cast.new_patient()
    son = cast.served.person(cast.hospital, "patient", name="Jon Oakfield")
    digest = ana.deposit(ana.address, b"x", "laboratory")["digest"]
    named(ana, son, "read,grant", "laboratory", until=int(time()) + 30 * DAY)
    both = asked(cast.doctor, ana, "laboratory", "medication")
    beyond = asked(cast.colleague, ana, "imaging")
    assert ana.delete("/v1/session").status_code == 204
    seen = son.get(f"/v1/for/{ana.address}/questions").json()["items"]
    assert [item["id"] for item in seen] == [both]
    assert seen[0]["reason"] is None, "it was asked for more than what he may answer"

    path = f"/v1/questions/{both}/grant"
    assert refused(son.post(path, json={})) == (403, "DelegationExceeded")
    end = int(time()) + 20 * DAY
    granted = son.post(path, json={"categories": ["laboratory"], "expiry": end})
    assert granted.status_code == 200, granted.text
    assert son.post(f"/v1/questions/{beyond}/decline").status_code == 404

    assert cast.doctor.open(digest).content == b"x"
    ana = cast.served.sign_in(ana.address)
    assert ana.get("/v1/done-for-me").json()["items"][0]["sentence"] == (
        "Jon Oakfield granted what Dr Ruiz asked for, for you."
    )
    assert ana.get("/v1/consents").json()["items"][0]["granted_by_name"] == "Jon Oakfield"


def test_a_delegate_cannot_answer_his_own_question(cast: Cast) -> None:
    ana = cast.new_patient()
    named(ana, cast.colleague, "grant", "laboratory")
    question = asked(cast.colleague, ana, "laboratory", expiry=int(time()) + DAY)

    answer = cast.colleague.post(f"/v1/questions/{question}/grant", json={})

    assert refused(answer) == (403, "ActsOnHimself")


def test_the_reason_is_sealed_and_stands_nowhere_in_the_clear(cast: Cast) -> None:
    ana = cast.new_patient()
    question = asked(cast.doctor, ana, "laboratory")

    folder = cast.served.gateway.settings.data_dir
    found = [path.name for path in folder.rglob("*") if path.is_file() and b"Canary-Plover" in path.read_bytes()]

    assert found == []
    assert open_questions(ana)[0]["id"] == question


@pytest.mark.parametrize(
    "more",
    [
        {"reason": ""},
        {"reason": " "},
        {"reason": "x" * 2001},
        {"categories": []},
        {"purposes": ["BTG"]},
        {"expiry": 1},
        {"expiry": 2**40 - 1},
        {"forever": True},
    ],
)
def test_a_question_that_is_not_right_is_refused(cast: Cast, more: dict[str, Any]) -> None:
    body = {"categories": ["laboratory"], **more}
    categories = body.pop("categories")
    response = ask(cast.doctor, cast.patient, *categories, **body)
    assert response.status_code == 422, response.text


def test_slips_of_the_reason_go_to_those_concerned_alone(cast: Cast) -> None:
    ana = cast.new_patient()
    question = asked(cast.doctor, ana, "laboratory")
    found = CareIndex(cast.served.gateway.ledger_database).question(bytes.fromhex(question[2:]))
    assert found is not None

    readers = set(cast.served.gateway.store.list_slips(found.question.reason))

    assert readers == {raw(ana.address), raw(cast.doctor.address)}
