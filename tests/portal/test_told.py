"""What the gateway says of prescriptions, deeds and emergencies is Spanish on Spanish pages, and in English its own."""

import re
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.consents import deeds
from gateway.notices.breakglass import REASONS, SENTENCES
from gateway.notices.notice import Notice
from gateway.notices.told import Told
from gateway.portal import explaining, wording
from gateway.portal.auditor_words import FAULTS, finding, findings
from gateway.portal.language import Language, load
from gateway.portal.view import View
from gateway.prescriptions.refusals import WHO, Claim, ClaimRefused, Now, refusal
from gateway.prescriptions.standing import Word, standing
from gateway.verify.audit import audit_lines
from ledger.codes import Category, EmergencyReason, PrescriptionStatus, Reason
from ledger.errors import ContractRejected
from ledger.types import Address, Opening, PrescriptionState, PrescriptionTerms, Subject

NOW = 1_800_000_000
DAY = 86_400
DOCTOR, PATIENT, HERE, THERE = (Address(f"0x{number:040x}") for number in (1, 2, 3, 4))
TERMS = PrescriptionTerms(
    fills=3, per_fill=30, quantity=90, min_interval=10 * DAY, not_before=NOW, expiry=NOW + 90 * DAY
)
OPENING = Opening(DOCTOR, Subject(PATIENT, Category.MEDICATION), bytes(32), bytes(32), TERMS)
ENGLISH, SPANISH = (load()[code] for code in ("en", "es"))
LEFT_AS_THEY_ARE = {"RecordAlreadyAnchored", "SubjectInvalid", "WriteNotPermitted", "SomethingNew"}
"""Names of the contract's rules, which are names in every language."""


def state(status: PrescriptionStatus = PrescriptionStatus.ACTIVE, **fields: int) -> PrescriptionState:
    # A state like any other but for what is named.
    unpacked = PrescriptionState.unpack(int(status))
    return PrescriptionState(**{name: fields.get(name, getattr(unpacked, name)) for name in unpacked.__slots__})


STATES = [
    (state(PrescriptionStatus.NONE), NOW),
    (state(), NOW - 1),
    (state(), NOW),
    (state(), NOW + 90 * DAY),
    (state(fills_used=1, units_used=30, dispensed_at=NOW), NOW + 1),
    (state(fills_used=1, units_used=30, dispensed_at=NOW), NOW + 11 * DAY),
    (state(fills_used=1, units_used=10, owing=20, dispensed_at=NOW), NOW + 1),
    (state(PrescriptionStatus.CLAIMED, lease_until=NOW + 9), NOW + 8),
    (state(PrescriptionStatus.CANCEL_PENDING, lease_until=NOW + 9), NOW + 8),
    (state(PrescriptionStatus.SUSPENDED), NOW),
    (state(PrescriptionStatus.COMPLETED, dispensed_at=NOW), NOW),
    (state(PrescriptionStatus.CANCELLED), NOW),
    (state(PrescriptionStatus.VOIDED), NOW),
]


def page(language: Language) -> View:
    return cast(View, SimpleNamespace(language=language, say=language.say))


def is_translated(told: Told, said: str) -> bool:
    """Whether it is another sentence than the English one, with the same things in it."""
    facts = [str(value) for name, value in told.values.items() if name not in ("when", "reason")]
    return said != str(told) and "{" not in said and all(fact in said for fact in facts)


def test_every_standing_is_said_in_spanish() -> None:
    words = set()
    for stored, at in STATES:
        stands = standing(stored, TERMS, at=at)
        words.add(stands.word)
        assert ENGLISH.told(stands.told) == stands.sentence
        assert is_translated(stands.told, SPANISH.told(stands.told)), stands.sentence
    assert words == set(Word)


def test_times_in_a_standing_are_dates_of_the_language() -> None:
    stands = standing(state(), TERMS, at=NOW + 90 * DAY)
    assert stands.sentence == "It expired on 15 April 2027, 08:00 UTC."
    assert SPANISH.told(stands.told) == "Caducó el 15 de abril de 2027, 08:00 UTC."


@pytest.mark.parametrize("stored_at", STATES)
@pytest.mark.parametrize("name", ["FillKeyInvalid", "LeaseLost", "PrescriptionStateUnfit"])
@pytest.mark.parametrize("last_by", [None, HERE, THERE])
@pytest.mark.parametrize("holder", [None, HERE, THERE])
def test_every_refusal_of_a_standing_is_said_in_spanish(
    stored_at: tuple[PrescriptionState, int], name: str, last_by: Address | None, holder: Address | None
) -> None:
    stored, at = stored_at
    for fill in (0, 1, 2):
        claim = Claim(OPENING, HERE, fence=stored.fence + 1, fill=fill)
        assert_said(refusal(ContractRejected(name, {}), claim, Now(stored, at, holder, last_by)))


@pytest.mark.parametrize("name", [*WHO, *sorted(LEFT_AS_THEY_ARE), "UnitsOutOfRange", "DeadlinePassed"])
def test_every_refusal_of_the_contract_is_said_in_spanish(name: str) -> None:
    refused = refusal(ContractRejected(name, {"most": 30}), Claim(OPENING, HERE), Now(state(), NOW, None, None))
    assert_said(refused)
    assert (name in explaining.explain(page(SPANISH), refused)) == (name in LEFT_AS_THEY_ARE)


def assert_said(refused: ClaimRefused) -> None:
    assert explaining.explain(page(ENGLISH), refused) == refused.sentence == str(refused)
    assert is_translated(refused.told, explaining.explain(page(SPANISH), refused)), refused.sentence


@pytest.mark.parametrize("sentence", deeds.SENTENCES.values())
def test_every_deed_of_a_delegate_is_said_in_spanish(sentence: str) -> None:
    names = {HERE: "Marta", THERE: "Riverbank"}
    one = Notice((1, 0), "done-for-you-grant", HERE, "", sentence, THERE)
    english, spanish = (wording.notice(language, one, names) for language in (ENGLISH, SPANISH))
    assert english == sentence.format(who="Marta", other="Riverbank")
    assert spanish != english
    assert "Marta" in spanish
    assert ("Riverbank" in spanish) == ("{other}" in sentence)


@pytest.mark.parametrize("code", SENTENCES)
def test_every_notice_of_an_emergency_is_said_in_spanish(code: str) -> None:
    names = {HERE: "Marta", THERE: "Ana"}
    values: dict[str, Any] = {"when": NOW, "reason": REASONS[EmergencyReason.LIFE_IN_DANGER]}
    told = Told(SENTENCES[code], {name: value for name, value in values.items() if f"{{{name}}}" in SENTENCES[code]})
    one = Notice((1, 0), "glass-broken", HERE, "", told.text(who="{who}", other="{other}"), THERE, (told,))
    english, spanish = (wording.notice(language, one, names) for language in (ENGLISH, SPANISH))
    assert english == one.text.format(who="Marta", other="Ana")
    assert spanish != english
    assert ("la vida corría peligro" in spanish) == ("{reason}" in SENTENCES[code])
    assert ("15 de enero de 2027, 08:00 UTC" in spanish) == ("{when}" in SENTENCES[code])


def test_every_reason_of_a_refused_access_has_words() -> None:
    assert set(Reason) == set(wording.REASONS)


@pytest.mark.parametrize("sentence", FAULTS)
def test_every_fault_of_the_access_log_is_said_in_spanish(sentence: str) -> None:
    names = re.findall(r"\{(\w+)\}", sentence)
    filled = sentence.format(**{name: f"<{number}>" for number, name in enumerate(names)})
    assert finding(ENGLISH, filled) == filled
    spanish = finding(SPANISH, filled)
    assert spanish != filled
    assert all(f"<{number}>" in spanish for number in range(len(names)))


def test_an_audit_s_faults_are_told_one_by_one_in_one_sentence() -> None:
    audit = audit_lines([(1, b"no line")], [])
    said = findings(SPANISH, audit)
    assert "la línea 0 no está" in said
    assert "la línea 1 no se puede leer (" in said
    assert findings(ENGLISH, audit) in audit.result(DOCTOR).sentence.replace(f" of {DOCTOR}", "")
