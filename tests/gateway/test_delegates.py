"""Delegates: what they may do for a patient and no more; what they did says so for ever; she ends it in quiet."""

from time import time
from typing import Any

import httpx
import pytest

from gateway.api.models import CATEGORY_NAMES
from gateway.consents.delegating import follow_delegations
from ledger.types import raw
from tests.gateway.conftest import Cast
from tests.gateway.in_flight import ends_while_reading
from tests.gateway.served import YEAR, Person, fresh_key

DAY = 86_400


@pytest.fixture
def son(cast: Cast) -> Person:
    """A family caregiver: registered as anybody may be, and nobody's staff."""
    return cast.served.person(cast.hospital, "patient", name="Jon Oakfield")


@pytest.fixture
def ana(cast: Cast) -> Person:
    """A patient of the test's own, signed in under her name."""
    return cast.served.person(cast.hospital, "patient", name="Ana Oakfield")


def name(patient: Person, delegate: Person, powers: str, categories: str, **more: Any) -> httpx.Response:
    """The patient names a delegate for 30 days; lists are separated by commas."""
    body = {
        "powers": powers.split(","),
        "categories": categories.split(","),
        "until": int(time()) + 30 * DAY,
        **more,
    }
    return patient.put(f"/v1/delegations/{delegate.address}", json=body)


def named(patient: Person, delegate: Person, powers: str, categories: str, **more: Any) -> None:
    response = name(patient, delegate, powers, categories, **more)
    assert response.status_code == 200, response.text


def end(patient: Person, delegate: Person) -> None:
    assert patient.delete(f"/v1/delegations/{delegate.address}").status_code == 200


def grant_for(delegate: Person, patient: Person, grantee: Person, *categories: str, **more: Any) -> httpx.Response:
    body = {
        "grantee": grantee.address,
        "categories": list(categories),
        "purposes": ["TREAT"],
        "expiry": int(time()) + 20 * DAY,
        **more,
    }
    return delegate.post(f"/v1/for/{patient.address}/consents", json=body)


def refused(response: httpx.Response) -> tuple[int, str]:
    """Status and the contract's error, or the gateway's kind of problem."""
    body = response.json()
    return response.status_code, str(body.get("error") or body["type"].rpartition(":")[2])


def test_a_delegate_reads_for_her_what_she_delegated_and_the_log_says_for_whom(
    cast: Cast, ana: Person, son: Person
) -> None:
    before = ana.deposit(ana.address, b"pain 4 of 10", "vital-signs")["digest"]
    other = ana.deposit(ana.address, b"hers alone", "mental-health")["digest"]
    named(ana, son, "read", "vital-signs,laboratory")
    after = ana.deposit(ana.address, b"K 4.1", "laboratory")["digest"]
    assert ana.delete("/v1/session").status_code == 204

    assert son.open(before, "FAMRQT").content == b"pain 4 of 10"
    assert son.open(after, "PWATRNY").content == b"K 4.1"
    assert son.open(before, "TREAT").status_code == 403
    assert son.open(other, "FAMRQT").status_code == 403
    listed = son.get("/v1/records", params={"patient": ana.address}).json()["items"]
    assert {item["digest"] for item in listed} == {before, after}

    ana = cast.served.sign_in(ana.address)
    lines = ana.get("/v1/access-log").json()["items"]
    first = next(line for line in lines if line["digest"] == before and line["permitted"])
    assert first["basis"] == "delegation"
    assert first["sentence"].startswith("Jon Oakfield opened your record for you, at the family's request, on ")


def test_what_is_written_while_she_sleeps_is_sealed_for_her_delegate_too(cast: Cast, ana: Person, son: Person) -> None:
    ana.grant(cast.laboratory.address, "laboratory", may_write=True)
    named(ana, son, "read", "laboratory")
    assert ana.delete("/v1/session").status_code == 204

    digest = cast.laboratory.deposit(ana.address, b"K 4.1", "laboratory")["digest"]

    assert raw(son.address) in cast.served.gateway.store.list_slips(bytes.fromhex(digest))
    assert son.open(digest, "FAMRQT").content == b"K 4.1"


def test_ending_is_at_once_without_him_and_he_is_told_nothing(cast: Cast, ana: Person, son: Person) -> None:
    digest = ana.deposit(ana.address, b"x", "vital-signs")["digest"]
    named(ana, son, "read,grant,withdraw", "vital-signs")
    assert son.open(digest, "FAMRQT").status_code == 200
    news = son.get("/v1/notifications").json()["items"]
    assert son.delete("/v1/session").status_code == 204

    end(ana, son)

    son = cast.served.sign_in(son.address)
    assert son.get("/v1/notifications").json()["items"] == news
    assert ana.address not in {item["patient"] for item in son.get("/v1/delegations?received=true").json()}
    assert son.open(digest, "FAMRQT").json()["reason"] == "delegation_over"
    assert refused(grant_for(son, ana, cast.doctor, "vital-signs")) == (403, "DelegationMissing")
    assert refused(son.get(f"/v1/for/{ana.address}/consents")) == (403, "not-permitted")
    assert son.get("/v1/records", params={"patient": ana.address}).json()["items"] == []
    assert raw(son.address) not in cast.served.gateway.store.list_slips(bytes.fromhex(digest))


def test_narrowing_takes_slips_back_and_is_told_to_nobody(cast: Cast, ana: Person, son: Person) -> None:
    kept, lost = (ana.deposit(ana.address, b"x", kind)["digest"] for kind in ("laboratory", "imaging"))
    named(ana, son, "read", "laboratory,imaging")
    news = son.get("/v1/notifications").json()["items"]

    named(ana, son, "read", "laboratory")

    follow_delegations(cast.served.gateway)
    slips = {digest: cast.served.gateway.store.list_slips(bytes.fromhex(digest)) for digest in (kept, lost)}
    assert [raw(son.address) in slips[digest] for digest in (kept, lost)] == [True, False]
    assert [son.open(digest, "FAMRQT").status_code for digest in (kept, lost)] == [200, 403]
    assert son.get("/v1/notifications").json()["items"] == news


def test_a_delegate_grants_for_her_and_everybody_can_see_who_did(cast: Cast, ana: Person, son: Person) -> None:
    digest = ana.deposit(ana.address, b"K 4.1", "laboratory")["digest"]
    named(ana, son, "read,grant", "laboratory")
    assert ana.delete("/v1/session").status_code == 204

    granted = grant_for(son, ana, cast.doctor, "laboratory")

    assert granted.status_code == 201, granted.text
    assert cast.doctor.open(digest).content == b"K 4.1", "the delegate's key made the doctor's slip"
    told = cast.doctor.get("/v1/notifications").json()["items"][0]
    assert told["text"].endswith("lets you read (laboratory), through a delegate.")
    received = cast.doctor.get("/v1/consents?received=true").json()["items"][0]
    assert received["granted_by"] == son.address
    document = cast.doctor.get(f"/v1/consents/{granted.json()['id']}/document").json()
    assert document["performer"][0]["identifier"]["value"].endswith(son.address)
    ana = cast.served.sign_in(ana.address)
    consent = ana.get("/v1/consents").json()["items"][0]
    assert (consent["granted_by_name"], consent["withdrawn_by"]) == ("Jon Oakfield", None)
    done = ana.get("/v1/done-for-me").json()["items"]
    assert [deed["sentence"] for deed in done] == ["Jon Oakfield granted Dr Ruiz a consent for you."]
    assert ana.get("/v1/notifications").json()["items"][0]["text"] == done[0]["sentence"]


def test_a_delegate_withdraws_and_denies_for_her_and_lifts_nothing(cast: Cast, ana: Person, son: Person) -> None:
    digest = ana.deposit(ana.address, b"x", "laboratory")["digest"]
    consent = ana.grant(cast.doctor.address, "laboratory")
    every = ",".join(CATEGORY_NAMES)
    named(ana, son, "withdraw", every)

    listed = son.get(f"/v1/for/{ana.address}/consents").json()["items"]
    assert [item["id"] for item in listed] == [consent]
    assert son.delete(f"/v1/for/{ana.address}/consents/{consent}").status_code == 200
    assert cast.doctor.open(digest).json()["reason"] == "consent_withdrawn"
    assert son.put(f"/v1/for/{ana.address}/denials/{cast.colleague.address}").status_code == 200
    assert [item["grantee"] for item in ana.get("/v1/denials").json()] == [cast.colleague.address]
    assert son.delete(f"/v1/for/{ana.address}/denials/{cast.colleague.address}").status_code == 405

    sentences = [deed["sentence"] for deed in ana.get("/v1/done-for-me").json()["items"]]
    assert sentences == [
        "Jon Oakfield denied Dr Okafor everything for you; you alone can lift that.",
        "Jon Oakfield withdrew a consent to Dr Ruiz for you.",
    ]
    assert ana.get("/v1/consents").json()["items"][0]["withdrawn_by_name"] == "Jon Oakfield"
    assert ana.delete(f"/v1/denials/{cast.colleague.address}").status_code == 200


def test_a_delegate_delegates_nothing_on(cast: Cast, ana: Person, son: Person) -> None:
    named(ana, son, "read,grant,withdraw,present,accept", "laboratory")
    friend = cast.new_patient()
    digest = ana.deposit(ana.address, b"x", "laboratory")["digest"]

    named(son, friend, "read,grant", "laboratory")  # of his own records: hers are not among them

    assert friend.open(digest, "FAMRQT").status_code == 403
    assert refused(grant_for(friend, ana, cast.doctor, "laboratory")) == (403, "DelegationMissing")
    assert son.put(f"/v1/for/{ana.address}/delegations/{friend.address}", json={}).status_code in (404, 405)
    assert [item["delegate"] for item in ana.get("/v1/delegations").json()] == [son.address]


def test_a_delegate_does_nothing_for_himself(cast: Cast, ana: Person, son: Person) -> None:
    named(ana, son, "read,grant,withdraw,accept", ",".join(CATEGORY_NAMES))
    own = ana.grant(son.address, "imaging")

    assert refused(grant_for(son, ana, son, "laboratory")) == (403, "ActsOnHimself")
    assert refused(son.delete(f"/v1/for/{ana.address}/consents/{own}")) == (403, "ActsOnHimself")
    assert refused(son.put(f"/v1/for/{ana.address}/denials/{son.address}")) == (403, "ActsOnHimself")
    # A doctor who is her delegate does not let his hospital, or a team that he is in, read.
    named(ana, cast.doctor, "grant", "laboratory")
    team = cast.hospital.post("/v1/teams", json={"name": "Ward 4"}).json()["team"]
    cast.hospital.put(f"/v1/teams/{team}/members/{cast.doctor.address}")
    for grantee in (cast.hospital.address, team):
        response = cast.doctor.post(
            f"/v1/for/{ana.address}/consents",
            json={
                "grantee": grantee,
                "categories": ["laboratory"],
                "purposes": ["TREAT"],
                "expiry": int(time()) + DAY,
            },
        )
        assert refused(response) == (403, "ActsOnHimself")


def test_a_delegate_goes_beyond_neither_categories_nor_powers_nor_end(cast: Cast, ana: Person, son: Person) -> None:
    until = int(time()) + 10 * DAY
    named(ana, son, "grant", "laboratory", until=until)
    consent = ana.grant(cast.doctor.address, "medication")

    assert refused(grant_for(son, ana, cast.doctor, "medication", expiry=until)) == (403, "DelegationExceeded")
    assert refused(grant_for(son, ana, cast.doctor, "laboratory", "imaging", expiry=until))[1] == "DelegationExceeded"
    assert refused(grant_for(son, ana, cast.doctor, "laboratory", expiry=until + 1)) == (422, "DelegationOutlived")
    forever = grant_for(son, ana, cast.doctor, "laboratory", expiry=None, forever=True)
    assert refused(forever) == (422, "DelegationOutlived")
    assert refused(son.delete(f"/v1/for/{ana.address}/consents/{consent}")) == (403, "not-permitted")
    assert refused(son.put(f"/v1/for/{ana.address}/denials/{cast.doctor.address}")) == (403, "DelegationMissing")
    assert son.get(f"/v1/for/{ana.address}/consents").json()["items"] == [], "it is of another category"
    assert refused(son.get(f"/v1/for/{ana.address}/proposals")) == (403, "not-permitted")
    assert refused(son.get(f"/v1/for/{ana.address}/prescriptions")) == (403, "not-permitted")
    assert son.get("/v1/access-log").json()["items"] == [
        line for line in son.get("/v1/access-log").json()["items"] if line["reader"] == son.address
    ]


def test_a_delegate_whom_she_denies_does_and_reads_nothing(cast: Cast, ana: Person, son: Person) -> None:
    digest = ana.deposit(ana.address, b"x", "laboratory")["digest"]
    named(ana, son, "read,grant", "laboratory")
    assert ana.put(f"/v1/denials/{son.address}").status_code == 200

    assert son.open(digest, "FAMRQT").json()["reason"] == "denied_by_patient"
    assert refused(grant_for(son, ana, cast.doctor, "laboratory")) == (403, "DelegationMissing")
    assert refused(son.get(f"/v1/for/{ana.address}/consents")) == (403, "not-permitted")
    assert son.get("/v1/records", params={"patient": ana.address}).json()["items"] == []


def test_after_its_end_a_delegation_gives_nothing(cast: Cast, ana: Person) -> None:
    son = cast.served.person(cast.hospital, "patient", name="Jon")
    digest = ana.deposit(ana.address, b"x", "laboratory")["digest"]
    until = int(time()) + 3
    named(ana, son, "read,grant", "laboratory", until=until)
    assert son.open(digest, "FAMRQT").status_code == 200
    while time() <= until:
        son.open(digest, "FAMRQT")

    assert son.open(digest, "FAMRQT").json()["reason"] == "delegation_over"
    late = refused(grant_for(son, ana, cast.doctor, "laboratory", expiry=int(time()) + 60))[1]
    assert late in ("DelegationMissing", "DelegationOutlived"), "either rule is broken"
    assert son.get("/v1/delegations?received=true").json() == []
    lines = [line for line in son.get("/v1/access-log").json()["items"] if line["permitted"]]
    assert max(line["at"] for line in lines) < until


def test_nobody_but_the_patient_names_or_ends_a_delegate(cast: Cast, ana: Person, son: Person) -> None:
    named(ana, son, "read", "laboratory")
    # To name somebody is to name him for oneself: there is no other way to say it.
    assert refused(cast.laboratory.put(f"/v1/delegations/{son.address}", json=_body())) == (403, "RoleMissing")
    assert refused(cast.stranger.delete(f"/v1/delegations/{son.address}"))[0] in (403, 409)
    assert refused(cast.stranger.delete(f"/v1/for/{ana.address}"))[1] == "DelegationMissing"
    assert [item["delegate"] for item in ana.get("/v1/delegations").json()] == [son.address]


def _body(**more: Any) -> dict[str, Any]:
    return {"powers": ["read"], "categories": ["laboratory"], "until": int(time()) + DAY, **more}


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"powers": ["everything"]}, "invalid-input"),
        ({"powers": ["read", "claim"]}, "invalid-input"),
        ({"powers": []}, "invalid-input"),
        ({"categories": []}, "invalid-input"),
        ({"until": 1}, "DelegationInvalid"),
        ({"until": 2**40 - 1}, "DelegationInvalid"),
        ({"until": None}, "invalid-input"),
        ({"forever": True}, "invalid-input"),
    ],
)
def test_a_delegation_that_is_not_right_is_refused(
    cast: Cast, ana: Person, son: Person, more: dict[str, Any], kind: str
) -> None:
    response = ana.put(f"/v1/delegations/{son.address}", json=_body(**more))
    assert refused(response) == (422, kind)


def test_a_power_that_would_let_him_do_nothing_is_refused_by_name(ana: Person, son: Person) -> None:
    response = ana.put(f"/v1/delegations/{son.address}", json=_body(powers=["claim"]))
    assert "claim is given to nobody yet" in response.text
    wanted = {"act": "name_delegate", "delegate": son.address, **_body(powers=["claim"])}
    assert "claim is given to nobody yet" in ana.post("/v1/acts/prepare", json={"act": wanted}).text


def test_only_a_registered_person_is_named(cast: Cast, ana: Person) -> None:
    team = cast.hospital.post("/v1/teams", json={"name": "Ward 5"}).json()["team"]
    nobody = "0x" + "12" * 20
    for delegate in (ana.address, cast.hospital.address, team, nobody):
        assert refused(ana.put(f"/v1/delegations/{delegate}", json=_body())) == (422, "DelegateInvalid")


def test_a_delegate_may_resign(cast: Cast, ana: Person, son: Person) -> None:
    digest = ana.deposit(ana.address, b"x", "laboratory")["digest"]
    named(ana, son, "read", "laboratory")

    assert son.delete(f"/v1/for/{ana.address}").status_code == 200

    assert son.open(digest, "FAMRQT").status_code == 403
    assert ana.get("/v1/delegations").json() == []
    assert raw(son.address) not in cast.served.gateway.store.list_slips(bytes.fromhex(digest))


def test_a_grant_for_her_under_one_key_is_given_once_and_carries_its_activity(
    cast: Cast, ana: Person, son: Person
) -> None:
    named(ana, son, "grant", "laboratory")
    activity = "6f9d1c9e-6d0c-4f0b-9f68-0d3c2b1a5e77"
    headers = {"Idempotency-Key": fresh_key(), "X-Correlation-Id": activity}
    body = {
        "grantee": cast.doctor.address,
        "categories": ["laboratory"],
        "purposes": ["TREAT"],
        "expiry": int(time()) + 20 * DAY,
    }
    path = f"/v1/for/{ana.address}/consents"

    first, again = (son.post(path, json=body, headers=headers) for _ in range(2))
    other = son.post(path, json={**body, "may_write": True}, headers=headers)

    assert first.status_code == 201, first.text
    assert again.json() == first.json()
    assert other.status_code == 422
    assert first.json()["act"]["correlation"] == activity
    assert len(ana.get("/v1/consents").json()["items"]) == 1


def test_two_years_are_the_most(cast: Cast, ana: Person, son: Person) -> None:
    assert refused(name(ana, son, "read", "laboratory", until=int(time()) + 3 * YEAR))[1] == "DelegationInvalid"


def test_a_delegate_answers_what_is_proposed_to_her(cast: Cast, ana: Person, son: Person) -> None:
    mine, also, beyond = (
        cast.doctor.deposit(ana.address, content, kind)["digest"]
        for content, kind in ((b"1", "encounter"), (b"2", "encounter"), (b"3", "mental-health"))
    )
    named(ana, son, "accept,read", "encounter")
    path = f"/v1/for/{ana.address}/proposals"
    assert {item["digest"] for item in son.get(path).json()["items"]} == {mine, also}
    assert son.open(mine, "FAMRQT").content in (b"1",), "he reads what he is to answer"

    assert son.post(f"{path}/{mine}/answer", json={"accepted": True}).status_code == 200
    assert son.post(f"{path}/{also}/answer", json={"accepted": False}).status_code == 200
    assert refused(son.post(f"{path}/{beyond}/answer", json={"accepted": True})) == (403, "DelegationExceeded")
    named(ana, cast.doctor, "accept", "mental-health")
    own = cast.doctor.post(f"{path}/{beyond}/answer", json={"accepted": True})
    assert refused(own) == (403, "ActsOnHimself")

    states = {item["digest"]: item["state"] for item in ana.get("/v1/records").json()["items"]}
    assert (states[mine], states[also], states[beyond]) == ("anchored", "turned_down", "proposed")
    sentences = [deed["sentence"] for deed in ana.get("/v1/done-for-me").json()["items"]]
    assert sentences == [
        "Jon Oakfield turned down a record that Dr Ruiz proposed, for you.",
        "Jon Oakfield accepted a record that Dr Ruiz proposed, for you.",
    ]


def test_ending_a_delegation_with_reads_in_flight(cast: Cast, ana: Person, son: Person) -> None:
    digest = ana.deposit(ana.address, b"x", "laboratory")["digest"]
    named(ana, son, "read", "laboratory")

    end_it = lambda: ana.delete(f"/v1/delegations/{son.address}")  # noqa: E731
    ends_while_reading(cast, son, digest, end_it, "FAMRQT")


def test_a_suspended_delegate_does_and_reads_nothing(cast: Cast, ana: Person, son: Person) -> None:
    digest = ana.deposit(ana.address, b"x", "laboratory")["digest"]
    named(ana, son, "read,grant", "laboratory")
    suspension = f"/v1/participants/{son.address}/suspension"
    assert cast.hospital.put(suspension, json={"suspended": True}).status_code == 200

    assert son.open(digest, "FAMRQT").status_code == 403
    assert grant_for(son, ana, cast.doctor, "laboratory").status_code == 403
    assert ana.get("/v1/delegations").json() == []
    assert cast.hospital.put(suspension, json={"suspended": False}).status_code == 200
    assert son.open(digest, "FAMRQT").content == b"x"
