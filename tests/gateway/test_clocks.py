"""A gateway's clock and the chain's are never quite the same: what begins now holds now, by both."""

import time
from base64 import b64encode
from collections.abc import Iterator

import pytest

from gateway.api import dispensing as dispensing_api
from gateway.api import prescriptions as prescriptions_api
from tests.gateway.served import YEAR, Person, Served, serving

OFF = 20
"""Seconds. Anvil starts a whole one behind now and then; servers that nobody looks after are off by more."""


@pytest.fixture(scope="module", params=[OFF, -OFF], ids=["ahead", "behind"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    routers = (dispensing_api.reading, dispensing_api.router, prescriptions_api.router, prescriptions_api.bearer)
    with serving(
        tmp_path_factory.mktemp("gateway"), routers=routers, clock=lambda: time.time() + request.param
    ) as running:
        yield running


@pytest.fixture(scope="module")
def hospital(served: Served) -> Person:
    return served.organization("patient", "practitioner", "prescriber", name="St. Anne's Hospital")


@pytest.fixture
def patient(served: Served, hospital: Person) -> Person:
    return served.person(hospital, "patient")


@pytest.fixture(scope="module")
def doctor(served: Served, hospital: Person) -> Person:
    return served.person(hospital, "practitioner", "prescriber")


def test_a_consent_from_now_on_holds_at_once(patient: Person, doctor: Person) -> None:
    patient.grant(doctor.address, "laboratory", may_write=True)

    deposited = doctor.deposit(patient.address, b"4.1", "laboratory")

    assert not deposited["proposed"]
    assert doctor.open(deposited["digest"]).status_code == 200


def test_what_was_asked_for_from_now_on_holds_once_she_grants_it(patient: Person, doctor: Person) -> None:
    asked = doctor.post(
        "/v1/questions",
        json={
            "patient": patient.address,
            "categories": ["imaging"],
            "purposes": ["TREAT"],
            "expiry": int(time.time()) + YEAR,
            "may_write": True,
            "reason": "For your appointment",
        },
    )
    assert asked.status_code == 201, asked.text
    granted = patient.post(f"/v1/questions/{asked.json()['id']}/grant", json={})
    assert granted.status_code < 300, granted.text

    assert not doctor.deposit(patient.address, b"no fracture", "imaging")["proposed"]


def test_a_prescription_from_now_on_can_be_claimed_at_once(served: Served, patient: Person, doctor: Person) -> None:
    patient.grant(doctor.address, "medication", may_write=True)
    pharmacist = served.person(served.organization("pharmacist"), "pharmacist")
    order = {
        "patient": patient.address,
        "body": {"content": b64encode(b"one a day").decode(), "title": "Tablets"},
        "terms": {"per_fill": 30, "expiry": int(time.time()) + YEAR},
    }
    issued = doctor.post("/v1/prescriptions", json=order)
    assert issued.status_code == 201, issued.text
    code = patient.post(f"/v1/prescriptions/{issued.json()['id']}/present", json={}).json()["code"]

    dispensed = pharmacist.post("/v1/prescriptions/dispense", json={"code": code, "units": 30})

    assert dispensed.status_code == 200, dispensed.text
