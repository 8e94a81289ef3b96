"""What a prescription allows, read from a FHIR R4 MedicationRequest or stated by the prescriber.

    >>> order = {"resourceType": "MedicationRequest", "dispenseRequest": {"quantity": {"value": 30}, ...}}
    >>> terms_of(order, now=now, stated=StatedTerms(expiry=now + 90 * DAY)).per_fill
    30

What the ledger's terms cannot express is refused by name, never approximated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gateway.errors import InvalidInput
from gateway.notices.told import Told
from ledger.types import PrescriptionTerms

DAY = 86_400
MOST_FILLS = 12
_MOST_UNITS = 2**24 - 1
_MOST_INTERVAL = 2**32 - 1

_SECONDS = {"s": 1, "min": 60, "h": 3_600, "d": DAY, "wk": 7 * DAY, "mo": 30 * DAY, "a": 365 * DAY}
"""UCUM's units of time; a month counts 30 days, a year 365."""
_SMALLER_UNIT = Told("is not a whole number: count in a smaller unit")
_NO_SECONDS = Told("is not a whole number: it is no number of seconds")


@dataclass(frozen=True, slots=True)
class StatedTerms:
    """What the prescriber states herself; it goes before what the order says. Times are seconds since 1970."""

    fills: int | None = None
    per_fill: int | None = None
    quantity: int | None = None
    """Units in all; default: a full fill each time."""
    min_interval: int | None = None
    """Seconds between fills."""
    not_before: int | None = None
    expiry: int | None = None
    grantable: bool = False
    """A pharmacy with the patient's consent may claim without a code."""


def terms_of(order: Mapping[str, Any] | None, *, stated: StatedTerms, now: int) -> PrescriptionTerms:
    """The terms of a prescription.

    Args:
        order: a FHIR R4 MedicationRequest, where the body is one.
        now: the first moment at which it may be filled unless something else is said.

    Raises:
        InvalidInput: something is missing, out of range, or cannot be expressed.
    """
    said = _read(order) if order is not None else StatedTerms()
    fills = _first(stated.fills, said.fills, 1)
    per_fill = _first(stated.per_fill, said.per_fill)
    expiry = _first(stated.expiry, said.expiry)
    if per_fill is None:
        raise InvalidInput("per_fill", Told("the order names no dispenseRequest.quantity: state the units a fill"))
    if expiry is None:
        raise InvalidInput("expiry", Told("the order names no dispenseRequest.validityPeriod.end: state an expiry"))
    interval = _first(stated.min_interval, said.min_interval, 0)
    terms = PrescriptionTerms(
        fills=_within("fills", fills, 1, MOST_FILLS),
        per_fill=_within("per_fill", per_fill, 1, _MOST_UNITS),
        quantity=_within("quantity", _first(stated.quantity, per_fill * fills), 1, _MOST_UNITS),
        min_interval=_within("min_interval", interval if fills > 1 else 0, 0, _MOST_INTERVAL),
        not_before=_within("not_before", _first(stated.not_before, said.not_before, now), 0, 2**40 - 1),
        expiry=_within("expiry", expiry, 0, 2**40 - 1),
        grantable=stated.grantable,
    )
    if terms.quantity < terms.per_fill:
        raise InvalidInput(
            "quantity",
            Told(
                "{all} units in all are fewer than the {each} of a fill",
                {"all": terms.quantity, "each": terms.per_fill},
            ),
        )
    if terms.expiry <= max(terms.not_before, now):
        raise InvalidInput("expiry", Told("the prescription would have expired before it could be filled"))
    return terms


def _read(order: Mapping[str, Any]) -> StatedTerms:
    if order.get("status", "active") not in ("active", "draft"):
        raise InvalidInput("status", Told("only an active MedicationRequest can be issued"))
    if order.get("intent", "order") in ("proposal", "plan", "option"):
        raise InvalidInput("intent", Told("a proposal, plan or option is no order to dispense"))
    request = _object(order, "dispenseRequest")
    if request.get("initialFill"):
        raise InvalidInput("dispenseRequest.initialFill", Told("a first fill unlike the others cannot be expressed"))
    repeats = request.get("numberOfRepeatsAllowed")
    if repeats is not None and (type(repeats) is not int or repeats < 0):
        raise InvalidInput("dispenseRequest.numberOfRepeatsAllowed", Told("is not a whole number"))
    period = _object(request, "validityPeriod")
    # How soon the next fill may be: what the order says outright, else how long a fill lasts.
    interval = _duration(request, "dispenseInterval")
    return StatedTerms(
        fills=None if repeats is None else repeats + 1,
        per_fill=_units(_object(request, "quantity")),
        min_interval=_duration(request, "expectedSupplyDuration") if interval is None else interval,
        not_before=_moment(period.get("start"), "dispenseRequest.validityPeriod.start", end=False),
        expiry=_moment(period.get("end"), "dispenseRequest.validityPeriod.end", end=True),
    )


def _object(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput(name, Told("is not an object"))
    return value


def _units(quantity: Mapping[str, Any]) -> int | None:
    if "value" not in quantity:
        return None
    if quantity.get("comparator"):
        raise InvalidInput("dispenseRequest.quantity", Told("a quantity with a comparator cannot be expressed"))
    return _whole(quantity["value"], "dispenseRequest.quantity", _SMALLER_UNIT)


def _duration(request: Mapping[str, Any], name: str) -> int | None:
    duration = _object(request, name)
    if "value" not in duration:
        return None
    code = duration.get("code", duration.get("unit"))
    if not isinstance(code, str) or code not in _SECONDS:
        raise InvalidInput(
            f"dispenseRequest.{name}", Told("the unit is none of {units} (UCUM)", {"units": ", ".join(_SECONDS)})
        )
    value = _number(duration["value"], f"dispenseRequest.{name}", _NO_SECONDS)
    return _whole(value * _SECONDS[code], f"dispenseRequest.{name}", _NO_SECONDS)


def _number(value: Any, name: str, problem: Told) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
        raise InvalidInput(name, problem)
    return value


def _whole(value: Any, name: str, problem: Told) -> int:
    number = _number(value, name, problem)
    if number != int(number):
        raise InvalidInput(name, problem)
    return int(number)


def _moment(text: Any, name: str, *, end: bool) -> int | None:
    """A FHIR date or dateTime; a day without a time begins at its start and ends at its end, in UTC."""
    if text is None:
        return None
    try:
        if len(text) == len("2026-01-31"):
            day = date.fromisoformat(text) + (timedelta(days=1) if end else timedelta())
            return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError, OverflowError):
        raise InvalidInput(name, Told("is not a day (YYYY-MM-DD) or a time with a time zone")) from None
    if moment.tzinfo is None:
        raise InvalidInput(name, Told("has a time but no time zone"))
    return int(moment.timestamp())


def _first(*values: int | None) -> Any:
    return next((value for value in values if value is not None), None)


def _within(name: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise InvalidInput(
            name, Told("{value} is not between {least} and {most}", {"value": value, "least": least, "most": most})
        )
    return value
