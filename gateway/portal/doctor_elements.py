"""The elements of the FHIR R4 types that occur in a MedicationRequest or a Composition, as the specification has them.

>>> TYPES["Narrative"]["div"].kind
'xhtml'
"""

from collections.abc import Mapping
from dataclasses import dataclass

_REQUEST_STATUS = ("active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft", "unknown")
_INTENT = (
    "proposal",
    "plan",
    "order",
    "original-order",
    "reflex-order",
    "filler-order",
    "instance-order",
    "option",
)
_PRIORITY = ("routine", "urgent", "asap", "stat")
_COMPOSITION_STATUS = ("preliminary", "final", "amended", "entered-in-error")
_NARRATIVE = ("generated", "extensions", "additional", "empty")


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type."""

    kind: str
    """A primitive, or the name of a type in `TYPES`."""
    least: int = 0
    many: bool = False
    codes: tuple[str, ...] = ()


def _one(kind: str, *codes: str) -> Element:
    return Element(kind, 1, codes=codes)


def _any(kind: str, *codes: str) -> Element:
    return Element(kind, codes=codes)


def _list(kind: str, least: int = 0) -> Element:
    return Element(kind, least, many=True)


_BASE = {"id": _any("string"), "meta": _any("Meta"), "language": _any("string"), "text": _any("Narrative")}
_BASE |= {"identifier": _list("Identifier")}
TYPES: Mapping[str, Mapping[str, Element]] = {
    "MedicationRequest": _BASE
    | {
        "status": _one("code", *_REQUEST_STATUS),
        "intent": _one("code", *_INTENT),
        "category": _list("CodeableConcept"),
        "priority": _any("code", *_PRIORITY),
        "doNotPerform": _any("boolean"),
        "medicationCodeableConcept": _any("CodeableConcept"),
        "medicationReference": _any("Reference"),
        "subject": _one("Reference"),
        "encounter": _any("Reference"),
        "authoredOn": _any("dateTime"),
        "requester": _any("Reference"),
        "reasonCode": _list("CodeableConcept"),
        "groupIdentifier": _any("Identifier"),
        "courseOfTherapyType": _any("CodeableConcept"),
        "note": _list("Annotation"),
        "dosageInstruction": _list("Dosage"),
        "dispenseRequest": _any("DispenseRequest"),
        "substitution": _any("Substitution"),
    },
    "Composition": _BASE
    | {
        "identifier": _any("Identifier"),
        "status": _one("code", *_COMPOSITION_STATUS),
        "type": _one("CodeableConcept"),
        "category": _list("CodeableConcept"),
        "subject": _any("Reference"),
        "encounter": _any("Reference"),
        "date": _one("dateTime"),
        "author": _list("Reference", 1),
        "title": _one("string"),
        "confidentiality": _any("code"),
        "custodian": _any("Reference"),
        "section": _list("Section"),
    },
    "DispenseRequest": {
        "initialFill": _any("InitialFill"),
        "dispenseInterval": _any("Quantity"),
        "validityPeriod": _any("Period"),
        "numberOfRepeatsAllowed": _any("unsignedInt"),
        "quantity": _any("Quantity"),
        "expectedSupplyDuration": _any("Quantity"),
        "performer": _any("Reference"),
    },
    "InitialFill": {"quantity": _any("Quantity"), "duration": _any("Quantity")},
    "Substitution": {
        "allowedBoolean": _any("boolean"),
        "allowedCodeableConcept": _any("CodeableConcept"),
        "reason": _any("CodeableConcept"),
    },
    "Dosage": {
        "sequence": _any("integer"),
        "text": _any("string"),
        "additionalInstruction": _list("CodeableConcept"),
        "patientInstruction": _any("string"),
        "timing": _any("Timing"),
        "asNeededBoolean": _any("boolean"),
        "asNeededCodeableConcept": _any("CodeableConcept"),
        "site": _any("CodeableConcept"),
        "route": _any("CodeableConcept"),
        "method": _any("CodeableConcept"),
        "doseAndRate": _list("DoseAndRate"),
    },
    "DoseAndRate": {
        "type": _any("CodeableConcept"),
        "doseQuantity": _any("Quantity"),
        "rateQuantity": _any("Quantity"),
    },
    "Timing": {"event": _list("dateTime"), "repeat": _any("Repeat"), "code": _any("CodeableConcept")},
    "Repeat": {
        "boundsPeriod": _any("Period"),
        "count": _any("positiveInt"),
        "duration": _any("decimal"),
        "durationUnit": _any("code", "s", "min", "h", "d", "wk", "mo", "a"),
        "frequency": _any("positiveInt"),
        "period": _any("decimal"),
        "periodUnit": _any("code", "s", "min", "h", "d", "wk", "mo", "a"),
        "timeOfDay": _list("string"),
        "when": _list("code"),
    },
    "Section": {
        "title": _any("string"),
        "code": _any("CodeableConcept"),
        "author": _list("Reference"),
        "focus": _any("Reference"),
        "text": _any("Narrative"),
        "entry": _list("Reference"),
        "section": _list("Section"),
    },
    "Narrative": {"status": _one("code", *_NARRATIVE), "div": _one("xhtml")},
    "Meta": {"profile": _list("string"), "lastUpdated": _any("dateTime"), "versionId": _any("string")},
    "CodeableConcept": {"coding": _list("Coding"), "text": _any("string")},
    "Coding": {
        "system": _any("uri"),
        "version": _any("string"),
        "code": _any("code"),
        "display": _any("string"),
        "userSelected": _any("boolean"),
    },
    "Identifier": {
        "use": _any("code", "usual", "official", "temp", "secondary", "old"),
        "type": _any("CodeableConcept"),
        "system": _any("uri"),
        "value": _any("string"),
        "period": _any("Period"),
    },
    "Reference": {
        "reference": _any("string"),
        "type": _any("uri"),
        "identifier": _any("Identifier"),
        "display": _any("string"),
    },
    "Quantity": {
        "value": _any("decimal"),
        "comparator": _any("code", "<", "<=", ">=", ">"),
        "unit": _any("string"),
        "system": _any("uri"),
        "code": _any("code"),
    },
    "Period": {"start": _any("dateTime"), "end": _any("dateTime")},
    "Annotation": {
        "authorReference": _any("Reference"),
        "authorString": _any("string"),
        "time": _any("dateTime"),
        "text": _one("string"),
    },
}
"""The types and their elements; references to the specification's tables by name."""
