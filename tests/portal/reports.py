"""Records as laboratories and doctors write them, made for these tests."""

import json
from typing import Any


def observation(name: str, code: str, value: float, unit: str, low: float, high: float, day: str) -> dict[str, Any]:
    """A FHIR R4 Observation with its reference range."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": name},
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, "unit": unit},
        "referenceRange": [{"low": {"value": low, "unit": unit}, "high": {"value": high, "unit": unit}}],
    }


def blood_count(day: str, haemoglobin: float, platelets: float = 250) -> bytes:
    """A FHIR DiagnosticReport with three measurements."""
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "Blood count"},
        "effectiveDateTime": day,
        "conclusion": "Haemoglobin is a little low; come again in three months.",
        "contained": [
            observation("Haemoglobin", "718-7", haemoglobin, "g/dL", 12, 16, day),
            observation("White cells", "6690-2", 6.1, "10*9/L", 4, 10, day),
            observation("Platelets", "777-3", platelets, "10*9/L", 150, 400, day),
        ],
    }
    return json.dumps(report).encode()


def medication(name: str = "Metformin 500 mg", said: str = "One tablet with breakfast and with supper") -> bytes:
    """A FHIR MedicationRequest."""
    return json.dumps(
        {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"text": name},
            "subject": {"display": "the patient"},
            "authoredOn": "2026-01-05",
            "dosageInstruction": [{"text": said}],
            "dispenseRequest": {"numberOfRepeatsAllowed": 2, "quantity": {"value": 30, "unit": "tablets"}},
        }
    ).encode()


def pdf(text: str = "Discharge letter") -> bytes:
    """A PDF of one page."""
    stream = f"BT /F1 24 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        table,
        len(objects) + 1,
        len(out),
    )
