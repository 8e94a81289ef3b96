"""An opened record as what it is: laboratory results as rows, a prescription as a card, text as text, a PDF as a page.

>>> shown = show(b'{"resourceType": "Observation", ...}', "application/fhir+json", language)
>>> shown.kind, shown.results[0].flag
('results', 'high')

Nothing of a record is ever taken for markup: templates escape every text that is found here.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gateway.portal.language import Language, mark
from gateway.portal.narrative import composition_words

Kind = Literal["results", "medication", "fields", "text", "picture", "pdf", "file"]

_MOST_ROWS = 400
_MOST_FIELDS = 80
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_FLAGS = {
    **dict.fromkeys(("H", "HH", "HU", "HX"), "high"),
    **dict.fromkeys(("L", "LL", "LU", "LX"), "low"),
    **dict.fromkeys(("A", "AA"), "abnormal"),
    "N": "normal",
}
FLAGS: Mapping[str, str] = {
    "high": mark("high"),
    "low": mark("low"),
    "abnormal": mark("abnormal"),
    "normal": mark("normal"),
}


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement."""

    name: str
    value: str
    unit: str
    range: str
    """The reference range in words; empty: none was given."""
    flag: str
    """`high`, `low`, `abnormal`, `normal`, or empty where nobody can tell."""
    key: str
    """Which measurements are of the same thing."""
    at: str
    """When it was measured, ISO 8601; empty: not said."""
    number: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Medication:
    """A prescription's body."""

    name: str
    dosage: tuple[str, ...]
    quantity: str
    repeats: int | None
    valid_until: str
    note: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A record in the shape in which it is shown."""

    kind: Kind
    heading: str = ""
    """What the record calls itself."""
    at: str = ""
    results: tuple[Result, ...] = ()
    conclusion: str = ""
    medication: Medication | None = None
    fields: tuple[tuple[str, str], ...] = ()
    text: str = ""


def kind_of(media_type: str) -> Kind | None:
    """What a media type alone says; None: it depends on the content."""
    media_type = media_type.partition(";")[0].strip().lower()
    if media_type == "application/pdf":
        return "pdf"
    if media_type in _PICTURES:
        return "picture"
    if media_type.startswith("text/") or media_type.endswith("json"):
        return None
    return "file"


def show(content: bytes, media_type: str, language: Language) -> Shown:
    """A record's content in its shape; what is not understood is a file to download."""
    kind = kind_of(media_type)
    if kind is not None:
        return Shown(kind)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return Shown("file")
    if media_type.partition(";")[0].strip().lower().endswith("json"):
        try:
            resource = json.loads(text)
        except (ValueError, RecursionError):
            return Shown("file")
        return _resource(resource, language) if isinstance(resource, dict) else Shown("text", text=text)
    return Shown("text", text=text)


def results_of(content: bytes) -> tuple[Result, ...]:
    """The measurements of a FHIR resource; none, if it holds none."""
    try:
        resource = json.loads(content)
    except (ValueError, RecursionError):
        return ()
    return _results(resource, Language("en", {})) if isinstance(resource, dict) else ()


def _resource(resource: Mapping[str, Any], language: Language) -> Shown:
    kind = _text(resource.get("resourceType"))
    reports = [one for one in _resources(resource) if one.get("resourceType") == "DiagnosticReport"]
    results = _results(resource, language)
    if results:
        report = reports[0] if reports else {}
        return Shown(
            "results",
            heading=_concept(report.get("code")),
            at=_text(report.get("effectiveDateTime")) or _text(report.get("issued")) or results[0].at,
            results=results,
            conclusion=_text(report.get("conclusion")),
        )
    if kind in ("MedicationRequest", "MedicationDispense"):
        return Shown("medication", heading=kind, at=_text(resource.get("authoredOn")), medication=_medication(resource))
    if kind == "Composition":
        text = composition_words(resource)
        return Shown("text", heading=_text(resource.get("title")), at=_text(resource.get("date")), text=text)
    return Shown("fields", heading=kind, fields=tuple(_fields(resource))[:_MOST_FIELDS])


def _resources(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The resource itself, what it contains, and the entries of a bundle."""
    yield resource
    yield from _maps(resource.get("contained"))
    for entry in _maps(resource.get("entry")):
        inner = entry.get("resource")
        if isinstance(inner, dict):
            yield from _resources(inner)


def _results(resource: Mapping[str, Any], language: Language) -> tuple[Result, ...]:
    found: list[Result] = []
    for one in _resources(resource):
        if one.get("resourceType") != "Observation" or len(found) >= _MOST_ROWS:
            continue
        at = _text(one.get("effectiveDateTime")) or _text(one.get("issued"))
        parts = _maps(one.get("component"))
        own = _result(one, at, "", language)
        if own.value or not parts:
            found.append(own)
        found += [_result(part, at, own.key, language) for part in parts]
    return tuple(found[:_MOST_ROWS])


def _result(one: Mapping[str, Any], at: str, within: str, language: Language) -> Result:
    number, value, unit = _value(one, language)
    low, high, text = _range(one)
    name = _concept(one.get("code")) or language.say("Result")
    coding = next(iter(_maps(_map(one.get("code")).get("coding"))), {})
    key = f"{within}/{_text(coding.get('system'))}|{_text(coding.get('code')) or name}|{unit}"
    return Result(name, value, unit, text, _flag(one, number, low, high), key, at, number, low, high)


def _value(one: Mapping[str, Any], language: Language) -> tuple[float | None, str, str]:
    quantity = _map(one.get("valueQuantity"))
    if quantity:
        number = _number(quantity.get("value"))
        sign = _text(quantity.get("comparator"))
        shown = f"{sign} {quantity.get('value')}".strip() if number is not None else ""
        return number, shown, _text(quantity.get("unit")) or _text(quantity.get("code"))
    if isinstance(one.get("valueBoolean"), bool):
        return None, language.say("yes") if one["valueBoolean"] else language.say("no"), ""
    for name in ("valueString", "valueDateTime", "valueTime"):
        if _text(one.get(name)):
            return None, _text(one.get(name)), ""
    if _number(one.get("valueInteger")) is not None:
        return _number(one.get("valueInteger")), str(one["valueInteger"]), ""
    concept = _concept(one.get("valueCodeableConcept"))
    if concept:
        return None, concept, ""
    ends = [_text(_map(_map(one.get("valueRange")).get(end)).get("value")) for end in ("low", "high")]
    if any(ends):
        return None, " – ".join(ends), ""
    absent = _concept(one.get("dataAbsentReason"))
    return None, absent, ""


def _range(one: Mapping[str, Any]) -> tuple[float | None, float | None, str]:
    for given in _maps(one.get("referenceRange")):
        low = _number(_map(given.get("low")).get("value"))
        high = _number(_map(given.get("high")).get("value"))
        if _text(given.get("text")):
            return low, high, _text(given.get("text"))
        if low is not None and high is not None:
            return low, high, f"{low:g} – {high:g}"
        if low is not None:
            return low, None, f"≥ {low:g}"
        if high is not None:
            return None, high, f"≤ {high:g}"
    return None, None, ""


def _flag(one: Mapping[str, Any], number: float | None, low: float | None, high: float | None) -> str:
    """What the laboratory says; where it says nothing, what value and range say."""
    for interpretation in _maps(one.get("interpretation")):
        for coding in _maps(interpretation.get("coding")):
            if _text(coding.get("code")) in _FLAGS:
                return _FLAGS[_text(coding.get("code"))]
    if number is None or (low is None and high is None):
        return ""
    if low is not None and number < low:
        return "low"
    return "high" if high is not None and number > high else "normal"


def _medication(one: Mapping[str, Any]) -> Medication:
    contained = {f"#{_text(each.get('id'))}": each for each in _maps(one.get("contained"))}
    reference = _map(one.get("medicationReference"))
    inner = contained.get(_text(reference.get("reference")), {})
    name = (
        _concept(one.get("medicationCodeableConcept")) or _text(reference.get("display")) or _concept(inner.get("code"))
    )
    order = _map(one.get("dispenseRequest"))
    quantity = _map(order.get("quantity") or one.get("quantity"))
    amount = quantity.get("value")
    repeats = order.get("numberOfRepeatsAllowed")
    return Medication(
        name=name,
        dosage=tuple(_dosage(one)),
        quantity=f"{amount} {_text(quantity.get('unit'))}".strip() if _number(amount) is not None else "",
        repeats=repeats if isinstance(repeats, int) else None,
        valid_until=_text(_map(order.get("validityPeriod")).get("end")),
        note="\n".join(_text(note.get("text")) for note in _maps(one.get("note"))),
    )


def _dosage(one: Mapping[str, Any]) -> Iterator[str]:
    for given in _maps(one.get("dosageInstruction")):
        said = [_text(given.get("text")), _text(given.get("patientInstruction"))]
        yield from dict.fromkeys(filter(None, said))


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every plain value of a resource with its path; narrative markup is left out."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in ("resourceType", "div", "meta"):
                yield from _fields(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for inner in value[:20]:
            yield from _fields(inner, path)
    elif value is not None and str(value):
        yield path, str(value)[:2_000]


def _concept(value: Any) -> str:
    concept = _map(value)
    if _text(concept.get("text")):
        return _text(concept.get("text"))
    codings = _maps(concept.get("coding"))
    return next((said for one in codings if (said := _text(one.get("display")) or _text(one.get("code")))), "")


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return str(value).strip()[:10_000] if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value)
    return number if abs(number) < 1e15 else None
