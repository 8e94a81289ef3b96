"""What a doctor types, as FHIR: a prescription as a MedicationRequest, a note as a Composition, checked as she types.

    >>> checked = check_order(OrderFields(medication="Amoxicillin 500 mg", dose="One, three times a day", ...), ...)
    >>> checked.errors
    {'until': 'Write until when it may be filled.'}

Errors are sentences by field, in English, to be said in the reader's language. A resource is given only where there are
none; what FHIR asks for is checked on the resource itself, so that nothing is sealed that another system cannot read.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from html import escape
from typing import Any

from gateway.errors import InvalidInput
from gateway.notices.told import Told
from gateway.portal.doctor_validation import Problem, in_words, problems_in
from gateway.portal.language import mark
from gateway.prescriptions.terms import MOST_FILLS, StatedTerms, terms_of
from ledger.eip712 import Domain
from ledger.types import Address, PrescriptionTerms

_LOINC = "http://loinc.org"
_CAIP10 = "https://chainagnostic.org/CAIPs/caip-10"
NOTE_KINDS: Mapping[str, tuple[str, str, str]] = {
    "progress": ("11506-3", "Progress note", "encounter"),
    "consultation": ("11488-4", "Consult note", "encounter"),
    "session": ("34133-9", "Summary of episode note", "encounter"),
    "plan": ("18776-5", "Plan of care note", "care-plan"),
    "discharge": ("18842-5", "Discharge summary", "encounter"),
}
"""Kinds of notes: LOINC code, its display, category of the record."""
MOST_TEXT = 20_000
"""Letters of a note."""


@dataclass(frozen=True, slots=True)
class OrderFields:
    """A prescription's form, as typed."""

    medication: str = ""
    dose: str = ""
    units: str = ""
    unit: str = ""
    """What is counted: tablets, millilitres."""
    fills: str = "1"
    days_between: str = ""
    until: str = ""
    """The last day on which it may be filled, YYYY-MM-DD."""
    reason: str = ""
    grantable: bool = False


@dataclass(frozen=True, slots=True)
class NoteFields:
    """A note's form, as typed."""

    kind: str = "progress"
    title: str = ""
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a form came to."""

    errors: Mapping[str, str]
    """Field to sentence; none: it can be signed."""
    resource: dict[str, Any] | None = field(default=None, repr=False)
    terms: PrescriptionTerms | None = None
    found: tuple[Problem, ...] = ()
    """What FHIR has against the resource, which `errors` says in English."""

    @property
    def pretty(self) -> str:
        """The resource, for reading."""
        return json.dumps(self.resource, indent=2, ensure_ascii=False)


def check_order(fields: OrderFields, *, domain: Domain, patient: Address, prescriber: Address, now: int) -> Checked:
    """A prescription's form as a MedicationRequest and the ledger's terms."""
    errors: dict[str, str] = {}
    if not fields.medication:
        errors["medication"] = mark("Write which medication.")
    elif len(fields.medication) > 200:
        errors["medication"] = mark("Keep the medication's name below 200 letters.")
    if not fields.dose:
        errors["dose"] = mark("Write how it is to be taken.")
    elif len(fields.dose) > 1_000:
        errors["dose"] = mark("Keep the instruction below 1,000 letters.")
    units = _whole(fields.units, "units", mark("Write how many for each fill, such as 30."), errors, most=2**24 - 1)
    fills = _whole(
        fields.fills or "1", "fills", mark("Write a whole number of fills, from 1 to 12."), errors, MOST_FILLS
    )
    between = 0
    if fields.days_between and fills > 1:
        sentence = mark("Write the days between two fills as a whole number, such as 28.")
        between = _whole(fields.days_between, "days_between", sentence, errors, most=3_650)
    until = _day(fields.until, errors, now=now)
    if errors or until is None:
        return Checked(errors)
    resource: dict[str, Any] = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": fields.medication},
        "subject": account(domain, patient),
        "authoredOn": _time(now),
        "requester": account(domain, prescriber),
        "dosageInstruction": [{"text": fields.dose}],
        "dispenseRequest": {
            "validityPeriod": {"start": _time(now), "end": until.isoformat()},
            "numberOfRepeatsAllowed": fills - 1,
            "quantity": {"value": units, **({"unit": fields.unit} if fields.unit else {})},
            **({"dispenseInterval": _days(between)} if between else {}),
        },
    }
    if fields.reason:
        resource["reasonCode"] = [{"text": fields.reason}]
    return check_resource(resource, grantable=fields.grantable, now=now)


def check_note(
    fields: NoteFields, *, domain: Domain, patient: Address, author: Address, author_name: str, now: int
) -> Checked:
    """A note's form as a Composition."""
    errors: dict[str, str] = {}
    if fields.kind not in NOTE_KINDS:
        errors["kind"] = mark("Choose what kind of note it is.")
    if not fields.title:
        errors["title"] = mark("Give it a title of a few words.")
    elif len(fields.title) > 200 or not fields.title.isprintable():
        errors["title"] = mark("Keep the title to one line below 200 letters.")
    if not fields.text.strip():
        errors["text"] = mark("Write the note.")
    elif len(fields.text) > MOST_TEXT:
        errors["text"] = mark("Keep the note below 20,000 letters; attach a longer text as a file.")
    if errors:
        return Checked(errors)
    code, display, _ = NOTE_KINDS[fields.kind]
    resource: dict[str, Any] = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"coding": [{"system": _LOINC, "code": code, "display": display}]},
        "subject": account(domain, patient),
        "date": _time(now),
        "author": [{**account(domain, author), "display": author_name}],
        "title": fields.title,
        "section": [{"title": fields.title, "text": {"status": "additional", "div": narrative(fields.text)}}],
    }
    return replace(_sound_or_not(problems_in(resource)), resource=resource)


def check_text(text: str, *, grantable: bool, now: int) -> Checked:
    """A resource that somebody writes or pastes as JSON."""
    try:
        resource = json.loads(text)
    except (ValueError, RecursionError) as failure:
        line = getattr(failure, "lineno", 1)
        return _sound_or_not([Problem("", Told(mark("Line {line} is not JSON"), {"line": line}))])
    return check_resource(resource, grantable=grantable, now=now)


def check_resource(resource: Any, *, grantable: bool, now: int) -> Checked:
    """A resource as it stands: against FHIR, and, of a prescription, against what the ledger's terms can say."""
    checked = _sound_or_not(problems_in(resource))
    if checked.errors:
        return checked
    if resource["resourceType"] != "MedicationRequest":
        return Checked({}, resource)
    try:
        terms = terms_of(resource, stated=StatedTerms(grantable=grantable), now=now)
    except InvalidInput as failure:
        found = [Problem("", failure.told or Told(failure.problem))]
        return Checked({_FIELDS.get(failure.field.rpartition(".")[2], "resource"): in_words(found)}, found=tuple(found))
    return Checked({}, resource, terms)


def account(domain: Domain, address: Address) -> dict[str, Any]:
    """A person as her ledger address: a resource names nobody."""
    return {"identifier": {"system": _CAIP10, "value": f"eip155:{domain.chain_id}:{address}"}}


def narrative(text: str) -> str:
    """A text as FHIR's XHTML: paragraphs, its own markup inert."""
    paragraphs = [part.strip() for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]
    body = "".join(f"<p>{escape(part).replace(chr(10), '<br/>')}</p>" for part in paragraphs)
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{body}</div>'


_FIELDS = {
    "medicationCodeableConcept": "medication",
    "dosageInstruction": "dose",
    "quantity": "units",
    "per_fill": "units",
    "numberOfRepeatsAllowed": "fills",
    "fills": "fills",
    "dispenseInterval": "days_between",
    "expiry": "until",
    "end": "until",
}


def _sound_or_not(found: Sequence[Problem]) -> Checked:
    """What a checker found, in one sentence about the whole resource."""
    return Checked({"resource": in_words(found)} if found else {}, found=tuple(found))


def _whole(text: str, name: str, sentence: str, errors: dict[str, str], most: int) -> int:
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most:
        return int(text)
    errors[name] = sentence
    return 1


def _day(text: str, errors: dict[str, str], *, now: int) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        errors["until"] = mark("Write until when it may be filled.")
        return None
    today = datetime.fromtimestamp(now, UTC).date()
    if not today <= day <= today + timedelta(days=3_650):
        errors["until"] = mark("Choose a day from today on, within ten years.")
        return None
    return day


def _days(count: int) -> dict[str, Any]:
    return {"value": count, "unit": "d", "system": "http://unitsofmeasure.org", "code": "d"}


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
