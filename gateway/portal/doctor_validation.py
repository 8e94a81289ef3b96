"""What FHIR R4 asks of the two resources that a doctor writes here: a MedicationRequest, a Composition.

    >>> [str(one) for one in problems_in({"resourceType": "MedicationRequest", "status": "activ", "intent": "order"})]
    ['status: "activ" is none of active, on-hold, ...', 'subject: is missing', 'medication: ...']

Structure, types and required value sets, as the specification's tables have them; what a resource carries beyond the
elements that are known here is refused by name rather than sealed unread.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gateway.notices.told import Told
from gateway.portal.doctor_elements import TYPES, Element
from gateway.portal.language import ENGLISH, Language, mark

_TOLD = 8
"""Problems that are told of at once."""
_DATE_TIME = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?)?)?")
_CODE = re.compile(r"[^\s]+( [^\s]+)*")


@dataclass(frozen=True, slots=True)
class Problem:
    """Where a resource is not what FHIR asks for, and what to do."""

    path: str
    """Empty: the whole text."""
    told: Told

    @property
    def sentence(self) -> str:
        """What is wrong, in English."""
        return str(self.told)

    def __str__(self) -> str:
        return self.said(ENGLISH)

    def said(self, language: Language) -> str:
        """The place, named as FHIR names it, and what is wrong with it."""
        sentence = language.told(self.told)
        return f"{self.path}: {sentence}" if self.path else f"{sentence[:1].upper()}{sentence[1:]}"


def problems_in(resource: Any) -> list[Problem]:
    """Everything that is wrong with a resource; none: it is a MedicationRequest or Composition of FHIR R4."""
    if not isinstance(resource, dict):
        return [Problem("resource", Told(mark("is no object: a FHIR resource begins with {{")))]
    kind = resource.get("resourceType")
    if kind not in ("MedicationRequest", "Composition"):
        return [Problem("resourceType", Told(mark("write a MedicationRequest or a Composition here")))]
    found = list(_in_type({key: value for key, value in resource.items() if key != "resourceType"}, kind, ""))
    if kind == "MedicationRequest":
        named = [key for key in ("medicationCodeableConcept", "medicationReference") if key in resource]
        if len(named) != 1:
            found.append(
                Problem("medication", Told(mark("name it once: medicationCodeableConcept or medicationReference")))
            )
    return found


def in_words(found: Sequence[Problem], language: Language = ENGLISH) -> str:
    """The first of them in one sentence."""
    return "; ".join(one.said(language) for one in found[:_TOLD]) + "."


def _in_type(value: Any, kind: str, path: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path, Told(mark("is no {kind}: an object belongs here"), {"kind": kind}))
        return
    if not value:
        yield Problem(path or "resource", Told(mark("is empty: leave it out, or fill it in")))
    elements = TYPES[kind]
    for name, content in value.items():
        here = f"{path}.{name}" if path else name
        if name not in elements:
            yield Problem(here, Told(mark("is no element of {kind} that is known here"), {"kind": kind}))
            continue
        yield from _in_element(content, elements[name], here)
    for name, element in elements.items():
        if element.least and name not in value:
            yield Problem(f"{path}.{name}" if path else name, Told(mark("is missing")))


def _in_element(content: Any, element: Element, path: str) -> Iterator[Problem]:
    if not element.many:
        yield from _in_value(content, element, path)
        return
    if not isinstance(content, list):
        yield Problem(path, Told(mark("may occur several times: a list belongs here")))
        return
    if len(content) < max(element.least, 1):
        yield Problem(path, Told(mark("is an empty list: leave it out, or fill it in")))
    for place, one in enumerate(content):
        yield from _in_value(one, element, f"{path}[{place}]")


def _in_value(content: Any, element: Element, path: str) -> Iterator[Problem]:
    if element.kind in TYPES:
        yield from _in_type(content, element.kind, path)
        return
    told = _primitive(content, element)
    if told:
        yield Problem(path, told)


def _primitive(value: Any, element: Element) -> Told | None:
    """Why it is no such value; None: it is one."""
    kind = element.kind
    if kind == "boolean":
        return None if isinstance(value, bool) else Told(mark("is neither true nor false"))
    if kind in ("integer", "unsignedInt", "positiveInt", "decimal"):
        return _number(value, kind)
    if not isinstance(value, str) or not value.strip():
        return Told(mark("is empty: write a text"))
    if kind == "dateTime" and not _is_date_time(value):
        return Told(mark("is no date: write 2026-01-31, or with a time 2026-01-31T08:30:00Z"))
    if kind == "code" and not _CODE.fullmatch(value):
        return Told(mark("is no code: it has spaces where none may be"))
    if kind == "uri" and re.search(r"\s", value):
        return Told(mark("is no address: it has spaces"))
    if kind == "xhtml" and not value.startswith('<div xmlns="http://www.w3.org/1999/xhtml">'):
        return Told(mark("is no narrative: it begins with <div> in the XHTML namespace"))
    if element.codes and value not in element.codes:
        values = {"value": value[:40], "codes": ", ".join(element.codes)}
        return Told(mark('"{value}" is none of {codes}'), values)
    return None


def _number(value: Any, kind: str) -> Told | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Told(mark("is no number"))
    if kind == "decimal":
        return None
    least = {"positiveInt": 1, "unsignedInt": 0}.get(kind)
    if value != int(value) or (least is not None and value < least):
        if least is None:
            return Told(mark("is no whole number"))
        return Told(mark("is no whole number from {least} up"), {"least": least})
    return None


def _is_date_time(text: str) -> bool:
    if not _DATE_TIME.fullmatch(text):
        return False
    try:
        if "T" in text:
            datetime.fromisoformat(text)
        else:
            date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        return False
    return True
