"""What a doctor types becomes FHIR R4 that another implementation accepts; else it is refused where it is wrong."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.composition import Composition
from fhir.resources.R4B.medicationrequest import MedicationRequest

from gateway.portal.doctor_drafts import (
    NoteFields,
    OrderFields,
    check_note,
    check_order,
    check_text,
    narrative,
)
from gateway.portal.doctor_validation import problems_in
from gateway.portal.narrative import composition_words, words_of
from ledger.eip712 import Domain
from ledger.types import address_of
from tests.conftest import REPOSITORY

NOW = 1_763_700_000
PATIENT, DOCTOR, CONTRACT = (address_of(bytes([number]) * 20) for number in (1, 2, 3))
DOMAIN = Domain(43771, CONTRACT)
SHARED = Path(os.environ.get("CONSENT_LEDGER_SHARED", REPOSITORY.parent / "shared"))
ORDER = OrderFields(
    medication="Amoxicillin 500 mg", dose="One, three times a day", units="21", unit="capsules", until="2026-01-31"
)


def order(**changes: Any) -> Any:
    fields = OrderFields(**{**{name: getattr(ORDER, name) for name in OrderFields.__slots__}, **changes})
    return check_order(fields, domain=DOMAIN, patient=PATIENT, prescriber=DOCTOR, now=NOW)


def test_a_prescription_is_a_medication_request_and_its_terms_are_those_that_were_typed() -> None:
    checked = order(fills="3", days_between="28", reason="Sinusitis", grantable=True)
    assert checked.errors == {}
    MedicationRequest.model_validate(checked.resource)
    terms = checked.terms
    assert (terms.fills, terms.per_fill, terms.quantity, terms.min_interval) == (3, 21, 63, 28 * 86_400)
    assert terms.grantable
    assert terms.expiry == 1_769_904_000, "the end of the day that was chosen"
    assert "0x" in json.dumps(checked.resource), "people stand in it as addresses, by no name"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"medication": ""}, "medication"),
        ({"medication": "x" * 201}, "medication"),
        ({"dose": ""}, "dose"),
        ({"units": "many"}, "units"),
        ({"units": "0"}, "units"),
        ({"units": "٣"}, "units"),
        ({"fills": "13"}, "fills"),
        ({"fills": "2", "days_between": "soon"}, "days_between"),
        ({"until": ""}, "until"),
        ({"until": "2025-01-01"}, "until"),
        ({"until": "2099-01-01"}, "until"),
    ],
)
def test_what_is_missing_is_said_at_its_field(changes: dict[str, str], field: str) -> None:
    checked = order(**changes)
    assert list(checked.errors) == [field]
    assert checked.resource is None


def test_a_note_is_a_composition_and_reads_as_it_was_written() -> None:
    fields = NoteFields("session", "Our session", "She <b>sleeps</b> & walks.\n\nThree times a week,\nin the morning.")
    checked = check_note(fields, domain=DOMAIN, patient=PATIENT, author=DOCTOR, author_name="Dr <Q>", now=NOW)
    assert checked.errors == {}
    assert checked.resource is not None
    Composition.model_validate(checked.resource)
    said = composition_words(checked.resource)
    assert said == "She <b>sleeps</b> & walks.\n\nThree times a week,\nin the morning."


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"status": "activ"}, "status"),
        ({"intent": None}, "intent"),
        ({"subject": {}}, "subject"),
        ({"subject": "Ana"}, "subject"),
        ({"dosis": "1"}, "dosis"),
        ({"authoredOn": "yesterday"}, "authoredOn"),
        ({"authoredOn": "2026-02-31"}, "authoredOn"),
        ({"dosageInstruction": {"text": "1"}}, "dosageInstruction"),
        ({"dosageInstruction": []}, "dosageInstruction"),
        ({"dispenseRequest": {"quantity": {"value": "21"}}}, "dispenseRequest.quantity.value"),
        ({"dispenseRequest": {"numberOfRepeatsAllowed": -1}}, "dispenseRequest.numberOfRepeatsAllowed"),
        ({"medicationReference": {"reference": "#m"}}, "medication"),
    ],
)
def test_a_resource_that_is_none_is_refused_at_its_element(change: dict[str, Any], path: str) -> None:
    resource = {**order().resource, **change}
    resource = {name: value for name, value in resource.items() if value is not None}
    assert path in [problem.path for problem in problems_in(resource)]
    assert "resource" in check_text(json.dumps(resource), grantable=False, now=NOW).errors


def test_text_that_is_no_json_is_refused_by_its_line() -> None:
    assert check_text('{\n"a": }', grantable=False, now=NOW).errors == {"resource": "Line 2 is not JSON."}
    assert "resource" in check_text("[" * 100_000, grantable=False, now=NOW).errors
    assert "resource" in check_text("[]", grantable=False, now=NOW).errors


def test_the_specifications_own_examples_have_no_wrong_element_that_is_known_here() -> None:
    folder = SHARED / "data" / "fhir" / "hl7-examples"
    if not folder.is_dir():
        pytest.skip("no shared FHIR examples beside the checkout")
    seen = 0
    for path in folder.rglob("*.json"):
        resource = json.loads(path.read_text(encoding="utf-8"))
        if resource.get("resourceType") != "MedicationRequest":
            continue
        seen += 1
        wrong = [one for one in problems_in(resource) if "no element of" not in one.sentence]
        assert wrong == [], path.name
    assert seen > 5


def test_a_narrative_of_somebody_elses_leaves_words_and_no_markup() -> None:
    assert (
        words_of("<div><script>alert(1)</script><p>Well</p><ul><li>a</li><li>b</li></ul></div>") == "Well\n\n• a\n• b"
    )
    assert words_of(narrative("<script>alert(1)</script>")) == "<script>alert(1)</script>", "text, escaped by templates"
    assert words_of("<" * 5_000) != ""
