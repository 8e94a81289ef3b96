"""What is wrong with a resource is said in the reader's language; elements keep FHIR's names."""

import json
from typing import Any

import pytest

from gateway.portal.doctor_drafts import check_text
from gateway.portal.doctor_validation import in_words
from gateway.portal.language import ENGLISH, load

SPANISH = load()["es"]
ORDER = {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {"display": "A"}}


@pytest.mark.parametrize(
    ("text", "english", "spanish"),
    [
        ('{"a": }', "Line 1 is not JSON.", "La línea 1 no es JSON."),
        ("[]", "resource: is no object: a FHIR resource begins with {.", "un recurso FHIR empieza por {."),
        ('{"resourceType": "Patient"}', "write a MedicationRequest", "resourceType: escriba aquí un MedicationRequest"),
        ({"status": "activ"}, 'status: "activ" is none of active, ', "status: «activ» no es ninguno de active, "),
        ({"status": "{x}"}, 'status: "{x}" is none of', "status: «{x}» no es ninguno de"),
        ({"subject": "Ana"}, "subject: is no Reference", "subject: no es Reference: aquí va un objeto"),
        ({"subject": {}}, "subject: is empty", "subject: está vacío: quítelo o rellénelo"),
        ({"dosis": "1"}, "dosis: is no element of", "dosis: no es un elemento de MedicationRequest"),
        ({"authoredOn": "yesterday"}, "authoredOn: is no date", "authoredOn: no es una fecha"),
        ({"dosageInstruction": []}, "is an empty list", "dosageInstruction: es una lista vacía"),
        ({"dosageInstruction": {}}, "a list belongs here", "dosageInstruction: puede aparecer varias veces"),
        ({"doNotPerform": "no"}, "is neither true nor false", "doNotPerform: no es ni true ni false"),
        (
            {"dispenseRequest": {"numberOfRepeatsAllowed": -1}},
            "is no whole number from 0 up",
            "dispenseRequest.numberOfRepeatsAllowed: no es un número entero a partir de 0",
        ),
        ({}, "medication: name it once: medicationCodeableConcept", "medication: nómbrelo una sola vez"),
    ],
)
def test_a_finding_is_said_in_both_languages(text: str | dict[str, Any], english: str, spanish: str) -> None:
    sent = text if isinstance(text, str) else json.dumps({**ORDER, **text})
    checked = check_text(sent, grantable=False, now=1_763_700_000)
    assert english in checked.errors["resource"]
    assert in_words(checked.found, ENGLISH) == checked.errors["resource"]
    assert spanish in in_words(checked.found, SPANISH)
