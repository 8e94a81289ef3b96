"""From a FHIR MedicationRequest to terms, and from stored state to words."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidInput
from gateway.prescriptions.standing import Word, standing, units_claimable
from gateway.prescriptions.terms import DAY, StatedTerms, terms_of
from ledger.codes import PrescriptionStatus
from ledger.types import PrescriptionState, PrescriptionTerms

NOW = 1_800_000_000
KEYS = [
    "numberOfRepeatsAllowed",
    "quantity",
    "validityPeriod",
    "expectedSupplyDuration",
    "dispenseInterval",
    "value",
    "code",
    "start",
    "end",
]
EXAMPLES = Path(os.environ.get("CONSENT_LEDGER_SHARED", "../shared")) / "data/fhir/hl7-examples/MedicationRequest"


def order(**request: Any) -> dict[str, Any]:
    return {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "dispenseRequest": request}


QUANTITY = {"value": 30, "unit": "TAB"}
PERIOD = {"start": "2027-02-01", "end": "2027-12-31"}


def test_repeats_quantity_period_and_duration_become_terms() -> None:
    days = {"value": 4, "code": "wk"}
    read = order(numberOfRepeatsAllowed=2, quantity=QUANTITY, validityPeriod=PERIOD, expectedSupplyDuration=days)
    terms = terms_of(read, stated=StatedTerms(), now=NOW)
    assert (terms.fills, terms.per_fill, terms.quantity, terms.min_interval) == (3, 30, 90, 28 * DAY)
    assert terms.not_before == 1_801_440_000
    assert terms.expiry - terms.not_before == 334 * DAY
    assert not terms.grantable


def test_an_interval_that_is_stated_outright_goes_before_how_long_a_fill_lasts() -> None:
    read = order(
        numberOfRepeatsAllowed=1,
        quantity=QUANTITY,
        validityPeriod=PERIOD,
        dispenseInterval={"value": 20, "unit": "d"},
        expectedSupplyDuration={"value": 30, "unit": "days", "code": "d"},
    )
    assert terms_of(read, stated=StatedTerms(), now=NOW).min_interval == 20 * DAY


def test_what_the_prescriber_states_goes_before_what_the_order_says() -> None:
    read = order(quantity=QUANTITY, validityPeriod=PERIOD)
    stated = StatedTerms(fills=4, quantity=100, expiry=NOW + DAY, not_before=NOW, min_interval=5, grantable=True)
    terms = terms_of(read, stated=stated, now=NOW)
    assert terms == PrescriptionTerms(4, 30, 100, 5, NOW, NOW + DAY, grantable=True)


def test_a_body_that_is_no_order_needs_stated_terms() -> None:
    assert terms_of(None, stated=StatedTerms(per_fill=1, expiry=NOW + 1), now=NOW).quantity == 1
    with pytest.raises(InvalidInput, match="per_fill"):
        terms_of(None, stated=StatedTerms(expiry=NOW + 1), now=NOW)
    with pytest.raises(InvalidInput, match="expiry"):
        terms_of(None, stated=StatedTerms(per_fill=1), now=NOW)


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"quantity": {"value": 2.5}, "validityPeriod": PERIOD}, "quantity"),
        ({"quantity": {"value": 30, "comparator": "<"}, "validityPeriod": PERIOD}, "comparator"),
        ({"quantity": {"value": 0}, "validityPeriod": PERIOD}, "per_fill"),
        ({"quantity": QUANTITY, "validityPeriod": PERIOD, "numberOfRepeatsAllowed": 12}, "fills"),
        ({"quantity": QUANTITY, "validityPeriod": PERIOD, "numberOfRepeatsAllowed": -1}, "numberOfRepeatsAllowed"),
        ({"quantity": QUANTITY, "validityPeriod": PERIOD, "initialFill": {"quantity": QUANTITY}}, "initialFill"),
        ({"quantity": QUANTITY, "validityPeriod": {"end": "2020-01-01"}}, "expiry"),
        ({"quantity": QUANTITY, "validityPeriod": {"end": "2027-13-01"}}, "validityPeriod.end"),
        ({"quantity": QUANTITY, "validityPeriod": {"end": "2027-12-01T00:00:00"}}, "time zone"),
        ({"quantity": QUANTITY, "validityPeriod": PERIOD, "dispenseInterval": {"value": 1, "unit": "moon"}}, "UCUM"),
        ({"quantity": {"value": 2**24}, "validityPeriod": PERIOD}, "per_fill"),
    ],
)
def test_what_cannot_be_expressed_is_refused_by_name(request_: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        terms_of(order(**request_), stated=StatedTerms(), now=NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)


@given(JSON, JSON, JSON)
def test_whatever_stands_in_an_order_gives_terms_or_a_named_refusal(request_: Any, status: Any, intent: Any) -> None:
    read = {"resourceType": "MedicationRequest", "status": status, "intent": intent, "dispenseRequest": request_}
    field = ""
    try:
        assert terms_of(read, stated=StatedTerms(per_fill=1, expiry=NOW + 9), now=NOW).fills
    except InvalidInput as refusal:
        field = refusal.field
    assert isinstance(field, str)


@pytest.mark.parametrize(("field", "value"), [("status", "cancelled"), ("intent", "proposal")])
def test_an_order_that_is_none_is_refused(field: str, value: str) -> None:
    read = order(quantity=QUANTITY, validityPeriod=PERIOD) | {field: value}
    with pytest.raises(InvalidInput, match=field):
        terms_of(read, stated=StatedTerms(), now=NOW)


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="shared data: HL7's MedicationRequest examples")
def test_hl7s_own_examples_give_terms_or_a_named_refusal() -> None:
    at = 1_421_300_000
    refused: list[str] = []
    expressed = 0
    for path in sorted(EXAMPLES.glob("*.json")):
        read = json.loads(path.read_text()) | {"status": "active", "intent": "order"}
        try:
            terms = terms_of(read, stated=StatedTerms(), now=at)
        except InvalidInput as refusal:
            refused.append(refusal.field)
        else:
            assert terms.quantity == terms.per_fill * terms.fills
            expressed += 1
    assert expressed >= 3
    assert set(refused) <= {"per_fill", "expiry", "dispenseRequest.quantity"}


TERMS = PrescriptionTerms(3, 30, 90, 10 * DAY, NOW, NOW + 100 * DAY)


def state(status: PrescriptionStatus = PrescriptionStatus.ACTIVE, **fields: int) -> PrescriptionState:
    values = {"fills_used": 0, "units_used": 0, "owing": 0, "dispensed_at": 0, "lease_until": 0, "fence": 0, "word": 0}
    return PrescriptionState(status=status, **(values | fields))


@pytest.mark.parametrize(
    ("stored", "at", "word"),
    [
        (state(), NOW - 1, Word.NOT_YET),
        (state(), NOW, Word.ISSUED),
        (state(), NOW + 100 * DAY, Word.EXPIRED),
        (state(fills_used=1, units_used=30, dispensed_at=NOW), NOW + 10 * DAY - 1, Word.TOO_SOON),
        (state(fills_used=1, units_used=30, dispensed_at=NOW), NOW + 10 * DAY, Word.PARTLY_DISPENSED),
        (state(fills_used=1, units_used=10, owing=20, dispensed_at=NOW), NOW + 1, Word.PARTLY_DISPENSED),
        (state(PrescriptionStatus.CLAIMED, lease_until=NOW + 9), NOW + 8, Word.RESERVED),
        (state(PrescriptionStatus.CLAIMED, lease_until=NOW + 9), NOW + 9, Word.ISSUED),
        (state(PrescriptionStatus.CANCEL_PENDING, lease_until=NOW + 9), NOW + 8, Word.CANCELLING),
        (state(PrescriptionStatus.CANCEL_PENDING, lease_until=NOW + 9), NOW + 9, Word.CANCELLED),
        (state(PrescriptionStatus.SUSPENDED), NOW, Word.PAUSED),
        (state(PrescriptionStatus.COMPLETED, dispensed_at=NOW), NOW + 200 * DAY, Word.DISPENSED),
        (state(PrescriptionStatus.CANCELLED), NOW, Word.CANCELLED),
        (state(PrescriptionStatus.VOIDED), NOW, Word.VOIDED),
        (state(PrescriptionStatus.NONE), NOW, Word.UNKNOWN),
    ],
)
def test_the_word_for_a_prescription_follows_state_terms_and_time(
    stored: PrescriptionState, at: int, word: Word
) -> None:
    stands = standing(stored, TERMS, at=at)
    assert stands.word is word
    assert stands.sentence.endswith(".")
    assert (stands.units_now > 0) == (word in (Word.ISSUED, Word.PARTLY_DISPENSED))


def test_an_open_fill_gives_out_what_is_owed_and_a_last_one_what_is_left() -> None:
    assert units_claimable(state(fills_used=3, units_used=70, owing=20), TERMS) == 20
    assert units_claimable(state(fills_used=3, units_used=90), TERMS) == 0
    short = PrescriptionTerms(3, 30, 70, 0, NOW, NOW + 1)
    assert units_claimable(state(fills_used=2, units_used=60), short) == 10
