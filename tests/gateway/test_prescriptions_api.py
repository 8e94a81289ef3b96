"""Prescriptions and batches over HTTP: the same journeys, and everything that must not get through."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from gateway.api import batches as batches_api
from gateway.api import dispensing as dispensing_api
from gateway.api import prescriptions as prescriptions_api
from gateway.app import create_app
from gateway.batches import posting as batches
from gateway.identity.keystore import Identity
from gateway.prescriptions import qr
from gateway.web.requests import table
from ledger.codes import Category
from tests.gateway.people import World, populate, running
from tests.waiting import until

ORDER = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "medicationCodeableConcept": {"text": "CANARY-DRUG"},
    "dispenseRequest": {
        "numberOfRepeatsAllowed": 1,
        "quantity": {"value": 28, "unit": "TAB"},
        "validityPeriod": {"start": "2020-01-01", "end": "2099-12-31"},
    },
}


class Api:
    """The app, and its callers by their keys."""

    def __init__(self, world: World) -> None:
        app = create_app(
            world.gateway,
            routers=(
                dispensing_api.reading,
                dispensing_api.router,
                prescriptions_api.router,
                prescriptions_api.bearer,
                batches_api.router,
                batches_api.records,
            ),
        )
        prescriptions_api.install(app)
        self.world = world
        self.client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)

    def call(
        self, method: str, person: Identity | None, path: str, body: Any = None, key: str | None = None
    ) -> httpx.Response:
        headers = {}
        if person is not None:
            headers["Authorization"] = f"Bearer {self.world.gateway.sessions.open(person.address, person)}"
        if key:
            headers["Idempotency-Key"] = key
        answer: httpx.Response = self.client.request(method, path, json=body, headers=headers)
        return answer

    def post(self, person: Identity, path: str, body: Any = None, status: int = 200, key: str | None = None) -> Any:
        answer = self.call("POST", person, path, body, key)
        assert answer.status_code == status, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.content

    def get(self, person: Identity, path: str, status: int = 200) -> Any:
        answer = self.call("GET", person, path)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running(tmp_path_factory.mktemp("gateway"), chores=(batches.follow_batches,)) as gateway:
        world = populate(gateway)
        world.let(world.patient, world.doctor.address, Category.MEDICATION, write=True)
        world.let(world.patient, world.laboratory.address, Category.LABORATORY, write=True)
        yield Api(world)


@pytest.fixture(scope="module")
def world(api: Api) -> World:
    return api.world


def issue(api: Api, key: str | None = None, **terms: Any) -> dict[str, Any]:
    order = {"patient": api.world.patient.address, "body": {"resource": ORDER, "title": "Tablets"}, "terms": terms}
    issued: dict[str, Any] = api.post(api.world.doctor, "/v1/prescriptions", order, 201, key)
    return issued


def code_of(api: Api, issued: dict[str, Any]) -> str:
    shown = api.post(api.world.patient, f"/v1/prescriptions/{issued['id']}/present", {})
    return str(shown["code"])


def test_the_counters_journey_over_http(api: Api, world: World) -> None:
    issued = issue(api)
    assert (issued["terms"]["fills"], issued["terms"]["per_fill"], issued["terms"]["quantity"]) == (2, 28, 56)
    shown = api.post(world.patient, f"/v1/prescriptions/{issued['id']}/present", {"picture": "svg"})
    assert b"<svg" in base64.b64decode(shown["image"])[:200]
    code = shown["code"]

    checked = api.post(world.pharmacist, "/v1/prescriptions/check", {"code": code})
    assert (checked["standing"]["units_now"], checked["refused"]) == (28, None)
    offline = api.post(world.pharmacist, "/v1/prescriptions/check-offline", {"code": code})
    assert offline["sound"]
    assert offline["not_proven"]
    body = api.post(world.pharmacist, "/v1/prescriptions/read", {"code": code})
    assert body["medicationCodeableConcept"]["text"] == "CANARY-DRUG"

    record = {"resource": {"resourceType": "MedicationDispense"}, "title": "Handed out"}
    hand_out = {"code": code, "units": 28, "record": record}
    done = api.post(world.pharmacist, "/v1/prescriptions/dispense", hand_out, key="counter-1")
    assert done["act"]["state"] in ("mined", "final")
    replayed = api.post(world.pharmacist, "/v1/prescriptions/dispense", hand_out, key="counter-1")
    assert replayed == done

    late = api.post(world.other_pharmacist, "/v1/prescriptions/dispense", {"code": code, "units": 28}, 409)
    assert late["type"].endswith("prescription:already-dispensed")
    assert late["detail"].startswith("Another pharmacy dispensed this fill on")

    seen = api.get(world.patient, f"/v1/prescriptions/{issued['id']}")
    assert seen["prescription"]["standing"]["state"] == "partly-dispensed"
    (change,) = seen["history"]
    assert (change["change"], change["by"], change["record"]) == (
        "dispensed",
        world.pharmacist.address,
        done["record"],
    )
    assert abs(change["at"] - world.now()) < 600
    told = api.get(world.patient, "/v1/notifications")
    assert "prescription-dispensed" in {notice["kind"] for notice in told["items"]}
    opened = api.post(world.patient, f"/v1/records/{done['record']}/open", {"purpose": "PATRQT"})
    assert opened["resourceType"] == "MedicationDispense"


def test_issuing_again_under_the_same_key_issues_once(api: Api, world: World) -> None:
    first, second = issue(api, key="order-1"), issue(api, key="order-1")
    assert first == second
    order = {"patient": world.patient.address, "body": {"resource": ORDER}, "terms": {"fills": 3}}
    other = api.post(world.doctor, "/v1/prescriptions", order, 422, key="order-1")
    assert other["type"].endswith("idempotency-conflict")


def test_reserving_and_dispensing_by_the_prescriptions_id(api: Api, world: World) -> None:
    issued = issue(api)
    reserved = api.post(world.pharmacist, "/v1/prescriptions/reserve", {"code": code_of(api, issued)})
    held = api.post(world.other_pharmacist, "/v1/prescriptions/reserve", {"code": code_of(api, issued)}, 409)
    assert held["facts"]["until"] == reserved["until"]
    body = api.post(world.pharmacist, "/v1/prescriptions/read", {"prescription": issued["id"]})
    assert body["resourceType"] == "MedicationRequest"
    path = f"/v1/prescriptions/{issued['id']}/dispense"
    wrong = api.post(world.pharmacist, path, {"fence": reserved["fence"] + 1, "units": 28}, 409)
    assert wrong["reason"].startswith("reservation")
    api.post(world.pharmacist, path, {"fence": reserved["fence"], "units": 28})
    api.post(world.pharmacist, f"/v1/prescriptions/{issued['id']}/release", {"fence": reserved["fence"]}, 409)


def test_a_code_is_in_no_kept_answer_and_no_file_of_the_gateway(api: Api, world: World) -> None:
    issued = issue(api)
    code = api.post(world.patient, f"/v1/prescriptions/{issued['id']}/present", {}, key="show-1")["code"]
    api.post(world.pharmacist, "/v1/prescriptions/check", {"code": code}, key="check-1")
    api.post(world.pharmacist, "/v1/prescriptions/read", {"code": code}, key="read-1")
    shown = qr.decode(code)
    with world.gateway.database.connect() as connection:
        answers = [row.answer for row in connection.execute(table.select())]
    for secret in (code.encode(), shown.fill_key, shown.record_key, b"CANARY-DRUG"):
        assert not any(answer and secret in answer for answer in answers)
        for path in world.gateway.settings.data_dir.rglob("*"):
            assert not path.is_file() or secret not in path.read_bytes(), path.name


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/prescriptions/check", {"code": "CLRX1:NONSENSE"}),
        ("/v1/prescriptions/check", {"code": "x" * 3_000}),
        ("/v1/prescriptions/check", {"code": "CLRX1:", "more": 1}),
        ("/v1/prescriptions/dispense", {"code": "CLRX1:", "units": 1}),
        ("/v1/prescriptions/dispense", {"units": 1}),
        ("/v1/prescriptions/dispense", {"prescription": "00" * 32, "code": "CLRX1:", "units": 1}),
        ("/v1/prescriptions/dispense", {"code": "CLRX1:", "units": 2**24}),
        ("/v1/prescriptions/dispense", {"code": "CLRX1:", "units": True}),
        ("/v1/prescriptions/reserve", {"prescription": "zz"}),
        ("/v1/batches", {"name": ""}),
        (f"/v1/batches/{'00' * 32}/items", {"items": []}),
        (f"/v1/batches/{'00' * 32}/items", {"items": [{"id": "1", "content": "%%%"}]}),
    ],
)
def test_malformed_bodies_are_refused_without_repeating_them(api: Api, path: str, body: dict[str, Any]) -> None:
    answer = api.call("POST", api.world.pharmacist, path, body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "NONSENSE" not in answer.text


def test_strangers_learn_nothing_of_a_prescription(api: Api, world: World) -> None:
    issued = issue(api)
    assert api.call("GET", None, f"/v1/prescriptions/{issued['id']}").status_code == 401
    api.get(world.technician, f"/v1/prescriptions/{issued['id']}", 404)
    assert api.get(world.technician, f"/v1/prescriptions?patient={world.patient.address}")["items"] == []
    api.post(world.technician, f"/v1/prescriptions/{issued['id']}/present", {}, 404)
    api.post(world.doctor, f"/v1/prescriptions/{issued['id']}/present", {}, 404)
    api.post(world.technician, f"/v1/prescriptions/{issued['id']}/cancel", {}, 404)
    forbidden = api.post(
        world.pharmacist, "/v1/prescriptions", {"patient": world.patient.address, "body": {"resource": ORDER}}, 403
    )
    assert forbidden["type"].endswith("not-permitted")


def test_what_an_order_does_not_say_is_asked_for(api: Api, world: World) -> None:
    order = {"patient": world.patient.address, "body": {"resource": {"resourceType": "MedicationRequest"}}}
    told = api.post(world.doctor, "/v1/prescriptions", order, 422)
    assert told["errors"][0]["field"] == "per_fill"


def test_a_batch_over_http_is_handed_in_posted_listed_opened_and_retracted(api: Api, world: World) -> None:
    batch = api.post(world.technician, "/v1/batches", {"name": "night 4711"}, 201)
    assert batch["state"] == "open"
    items = [
        {
            "id": f"SAMPLE-{n}",
            "patient": world.patient.address,
            "content": base64.b64encode(json.dumps({"potassium": n}).encode()).decode(),
            "media_type": "application/json",
        }
        for n in range(30)
    ]
    path = f"/v1/batches/{batch['id']}"
    assert api.post(world.technician, f"{path}/items", {"items": items[:20]}) == {"accepted": 20, "unchanged": 0}
    assert api.post(world.technician, f"{path}/items", {"items": items}) == {"accepted": 10, "unchanged": 20}
    assert api.get(world.technician, path)["items"] == 30
    items[0]["content"] = base64.b64encode(b"other").decode()
    api.post(world.technician, f"{path}/items", {"items": items[:1]}, 422)
    api.get(world.doctor, path, 404)

    posted = api.post(world.technician, f"{path}/post", {})
    assert (posted["state"], posted["proposals"]) == ("anchored", 0)
    assert api.post(world.technician, f"{path}/post", {})["act"]["id"] == posted["act"]["id"]
    found = api.post(world.technician, f"{path}/find", {"id": "SAMPLE-7"})
    opened = api.post(world.patient, f"/v1/records/{found['digest']}/open", {"purpose": "PATRQT"})
    assert opened == {"potassium": 7}
    api.post(world.pharmacist, f"/v1/records/{found['digest']}/open", {"purpose": "TREAT"}, 403)

    first = api.get(world.patient, "/v1/batch-records?limit=20")
    rest = api.get(world.patient, f"/v1/batch-records?limit=20&cursor={first['next']}")
    assert len({one["digest"] for one in (*first["items"], *rest["items"])}) == 30
    assert api.get(world.pharmacist, f"/v1/batch-records?patient={world.patient.address}")["items"] == []
    api.post(world.technician, f"/v1/batch-records/{found['digest']}/retract", {})
    state = until(lambda: api.get(world.patient, f"/v1/batch-records/{found['digest']}")["state"])
    assert state == "retracted"
    told = api.get(world.patient, "/v1/notifications")
    assert any(n["kind"] == "batch-anchored" and "30 records" in n["text"] for n in told["items"])
    for file in world.gateway.settings.data_dir.rglob("*"):
        assert not file.is_file() or not re.search(rb"SAMPLE-7|night 4711", file.read_bytes()), file.name


def test_a_consent_given_later_opens_a_batchs_records_and_its_withdrawal_closes_them(api: Api, world: World) -> None:
    batch = api.post(world.technician, "/v1/batches", {"name": "before the consent"}, 201)
    content = base64.b64encode(b"before").decode()
    item = {"id": "1", "patient": world.patient.address, "content": content, "media_type": "text/plain"}
    api.post(world.technician, f"/v1/batches/{batch['id']}/items", {"items": [item]})
    api.post(world.technician, f"/v1/batches/{batch['id']}/post", {})
    digest = api.post(world.technician, f"/v1/batches/{batch['id']}/find", {"id": "1"})["digest"]
    api.post(world.doctor, f"/v1/records/{digest}/open", {"purpose": "TREAT"}, 403)

    terms = {"grantee": world.doctor.address, "categories": ["laboratory"], "purposes": ["TREAT"]}
    given = api.post(world.patient, "/v1/consents", terms | {"expiry": world.now() + 86_400}, 201)
    world.gateway.sessions.close_all(world.patient.address)
    assert api.post(world.doctor, f"/v1/records/{digest}/open", {"purpose": "TREAT"}) == b"before"
    withdrawn = api.call("DELETE", world.patient, f"/v1/consents/{given['id']}")
    assert withdrawn.status_code == 200, withdrawn.text
    api.post(world.doctor, f"/v1/records/{digest}/open", {"purpose": "TREAT"}, 403)
