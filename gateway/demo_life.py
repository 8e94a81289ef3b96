"""A little life for the demonstration's people, so that whoever opens the portal for the first time finds something in
it: results over time, a prescription, consents, a question, somebody who looked and somebody who was refused.

>>> furnish(gateway)             # once; nothing where the patient has records already

All of it goes the ordinary way, by the people's own keys. What the records say is made up.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

from gateway import flow
from gateway.clocks import beginning
from gateway.consents import asking, consenting
from gateway.demo_people import load
from gateway.identity.keystore import Identity
from gateway.prescriptions import issuing as prescriptions
from gateway.sending import Errand
from gateway.services import Gateway
from ledger.codes import Category, Purpose, purposes_mask
from ledger.errors import AccessDenied
from ledger.types import Address, ConsentTerms, PrescriptionTerms
from offchain_store.record import Header

_WAIT = 30.0
_DAY = 86_400
_CARE = Category.LABORATORY | Category.MEDICATION | Category.ENCOUNTER
_MEASURED = (
    ("HbA1c", "4548-4", "%", 4.0, 6.0, (7.9, 7.2, 6.6, 6.3)),
    ("Haemoglobin", "718-7", "g/dL", 12.0, 16.0, (11.4, 11.9, 12.6, 13.0)),
    ("Creatinine", "2160-0", "mg/dL", 0.5, 1.1, (0.9, 0.9, 1.0, 0.9)),
)
"""Name, LOINC code, unit, reference range, and a value for each of the reports, oldest first."""
_NOTE = (
    "You came for your check-up. Your long-term sugar is nearly where we want it: please go on as you do.\n"
    "We see each other again in three months. Call us if you feel dizzy."
)


def furnish(gateway: Gateway) -> None:
    """Do it all, if nothing of it was done before.

    Raises:
        LedgerError, StoreError: it could not be done; a later start finds what was done so far and leaves it.
    """
    people = load(gateway.settings.data_dir)
    if not people or gateway.index.records_about(people["patient"].address, 1):
        return
    with _unlocked(gateway, "patient", "doctor", "doctor-2") as (patient, doctor, colleague):
        _grant(gateway, patient, doctor.address, _CARE, write=True)
        _grant(gateway, patient, people["laboratory"].address, Category.LABORATORY, write=True)
        today = datetime.fromtimestamp(int(gateway.clock()), UTC).date()
        days = [today - timedelta(days=days) for days in (270, 180, 90, 2)]
        reports = [
            _deposit(gateway, doctor, patient.address, _report(day, nth), Category.LABORATORY, "Blood test", day)
            for nth, day in enumerate(days)
        ]
        note = _NOTE.encode()
        _deposit(gateway, doctor, patient.address, note, Category.ENCOUNTER, "Your check-up", days[-1], "text/plain")
        _prescribe(gateway, doctor, patient.address)
        hers = b"Slept badly, walked an hour in the evening."
        _deposit(gateway, patient, patient.address, hers, Category.JOURNAL, "My day", today, "text/plain")
        terms = _terms(gateway, Category.LABORATORY | Category.MEDICATION, days=180)
        reason = "We plan your treatment together with your doctor and would like to see how it went so far."
        asking.ask(gateway, colleague, patient.address, terms, reason, Errand.new(_WAIT))
        _look(gateway, doctor, reports[-1])
        _look(gateway, colleague, reports[-1])


@contextmanager
def _unlocked(gateway: Gateway, *handles: str) -> Iterator[list[Identity]]:
    """Some of the cast, signed in for as long as this takes."""
    people = load(gateway.settings.data_dir)
    tokens: list[str] = []
    try:
        found = []
        for handle in handles:
            one = gateway.keystore.unlock(people[handle].address, people[handle].passphrase)
            tokens.append(gateway.sessions.open(one.address, one))
            found.append(one)
        yield found
    finally:
        for token in tokens:
            gateway.sessions.close(gateway.sessions.find(token).token_hash)


def _terms(gateway: Gateway, categories: Category, *, days: int, write: bool = False) -> ConsentTerms:
    now = beginning(gateway)
    return ConsentTerms(categories, purposes_mask(Purpose.TREAT), now, now + days * _DAY, write)


def _grant(gateway: Gateway, patient: Identity, grantee: Address, categories: Category, *, write: bool) -> None:
    terms = _terms(gateway, categories, days=365, write=write)
    consenting.grant(gateway, patient, grantee, terms, errand=Errand.new(_WAIT))


def _deposit(
    gateway: Gateway,
    author: Identity,
    patient: Address,
    content: bytes,
    categories: Category,
    title: str,
    day: date,
    media_type: str = "application/fhir+json",
) -> bytes:
    created = datetime(day.year, day.month, day.day, 9, 30, tzinfo=UTC)
    draft = flow.Draft(patient, categories, Header(media_type, int(categories), title, created))
    return flow.deposit(gateway, author, draft, BytesIO(content), Errand.new(_WAIT)).digest


def _report(day: date, nth: int) -> bytes:
    """A FHIR R4 DiagnosticReport with its Observations."""
    observations: list[dict[str, Any]] = [
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": name},
            "effectiveDateTime": day.isoformat(),
            "valueQuantity": {"value": values[nth], "unit": unit},
            "referenceRange": [{"low": {"value": low, "unit": unit}, "high": {"value": high, "unit": unit}}],
        }
        for name, code, unit, low, high, values in _MEASURED
    ]
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "Blood test"},
        "effectiveDateTime": day.isoformat(),
        "contained": observations,
    }
    return json.dumps(report).encode()


def _prescribe(gateway: Gateway, doctor: Identity, patient: Address) -> None:
    now = beginning(gateway)
    body = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "Metformin 500 mg tablets"},
        "subject": {"identifier": {"value": patient}},
        "authoredOn": datetime.fromtimestamp(now, UTC).date().isoformat(),
        "dosageInstruction": [{"text": "One tablet with breakfast and one with supper"}],
        "dispenseRequest": {"numberOfRepeatsAllowed": 1, "quantity": {"value": 60, "unit": "tablets"}},
    }
    terms = PrescriptionTerms(
        fills=2, per_fill=60, quantity=120, min_interval=21 * _DAY, not_before=now, expiry=now + 180 * _DAY
    )
    created = datetime.fromtimestamp(now, UTC)
    header = Header("application/fhir+json", int(Category.MEDICATION), "Metformin", created)
    order = prescriptions.Order(patient, Category.MEDICATION, terms, header)
    prescriptions.issue(gateway, doctor, order, BytesIO(json.dumps(body).encode()), Errand.new(_WAIT))


def _look(gateway: Gateway, reader: Identity, digest: bytes) -> None:
    """An attempt to open a record, permitted or not: it stands in her log."""
    try:
        opened = flow.retrieve(gateway, reader, digest, purpose=Purpose.TREAT, correlation=str(uuid4()))
    except AccessDenied:
        return
    for _ in opened.content:
        pass
