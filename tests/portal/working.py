"""What the tests of the pages for those who work need: prescriptions that can be presented, results, FHIR resources."""

import json
from datetime import UTC, datetime
from io import BytesIO
from time import time
from typing import Any

from playwright.sync_api import Page

from gateway.demo_people import IDENTIFIER_SYSTEM
from gateway.prescriptions import issuing as prescriptions
from gateway.prescriptions import qr
from gateway.prescriptions.terms import StatedTerms, terms_of
from gateway.sending import Errand
from ledger.codes import Category
from offchain_store.record import Header
from tests.portal.served import WAIT, Portal, Somebody

NUMBERS = {"patient": "DEMO-4711-0815", "patient-2": "DEMO-4711-0816", "patient-3": "DEMO-4711-0817"}
"""The demo patients' numbers."""
DAY = 86_400


def medication_request(name: str = "Amoxicillin 500 mg", *, units: int = 21, fills: int = 1) -> dict[str, Any]:
    """A prescription's body."""
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": name},
        "subject": {"display": "the patient"},
        "dosageInstruction": [{"text": "One capsule three times a day"}],
        "dispenseRequest": {
            "numberOfRepeatsAllowed": fills - 1,
            "quantity": {"value": units, "unit": "capsules"},
        },
    }


def prescribe(
    portal: Portal, patient: Somebody, *, units: int = 21, fills: int = 1, name: str = "Amoxicillin"
) -> bytes:
    """Have the demo doctor issue a prescription; its id."""
    doctor = portal.demo("doctor")
    if not portal.gateway.index.write_consents(
        patient.address, [doctor.address], Category.MEDICATION, int(portal.gateway.clock())
    ):
        portal.grant(patient, doctor.address, Category.MEDICATION, write=True)
    body = medication_request(name, units=units, fills=fills)
    terms = terms_of(body, stated=StatedTerms(expiry=int(time()) + 60 * DAY), now=int(time()) - 5)
    header = Header("application/fhir+json", int(Category.MEDICATION), name, datetime.now(UTC).replace(microsecond=0))
    order = prescriptions.Order(patient.address, Category.MEDICATION, terms, header)
    content = BytesIO(json.dumps(body).encode())
    issued = prescriptions.issue(portal.gateway, doctor.identity, order, content, Errand.new(WAIT))
    return issued.prescription


def code_of(portal: Portal, patient: Somebody, prescription: bytes) -> str:
    """What the patient shows at the counter."""
    return qr.encode(prescriptions.present(portal.gateway, patient.identity, prescription))


def result(handle: str = "patient", *, name: str = "Haemoglobin", value: float = 13.2, **more: Any) -> dict[str, Any]:
    """A laboratory result of a demo patient."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": name},
        "subject": {"identifier": {"system": IDENTIFIER_SYSTEM, "value": NUMBERS.get(handle, handle)}},
        "valueQuantity": {"value": value, "unit": "g/dL"},
        **more,
    }


def forced(page: Page, path: str, **fields: str) -> int:
    """Post a form that this window's person was never shown, with the token of her session; the answer's status."""
    token = page.locator('input[name="_csrf"]').first.get_attribute("value") or ""
    form: dict[str, str | float | bool] = {"_csrf": token, "_key": "k" * 32, **fields}
    return page.request.post(path, form=form, max_redirects=0).status


def status(page: Page, path: str) -> int:
    """Go somewhere; the answer's status."""
    answer = page.goto(path)
    assert answer is not None
    return answer.status


def lines(*resources: dict[str, Any] | str) -> bytes:
    """Resources as NDJSON; a text is a line as it is."""
    return "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in resources).encode()
