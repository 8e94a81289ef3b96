"""The events of care as SQL tables: delegations, what delegates did, questions, second signatures, emergencies."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, String

from ledger.event_columns import Params, Row, address, table, word
from ledger.types import ConsentTerms, raw

delegations = table(
    "delegations",
    address("patient"),
    address("delegate"),
    Column("powers", Integer, nullable=False),
    Column("categories", Integer, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("resigned", Boolean, nullable=False),
    indexes=(("patient", "delegate"), ("delegate", "patient")),
)
"""Powers, categories and `until` are 0 where the delegation ended; `resigned`: by the delegate himself."""
delegated_acts = table(
    "delegated_acts",
    address("patient"),
    address("delegate"),
    word("what"),
    Column("act", Integer, nullable=False),
    indexes=(("patient",), ("delegate",), ("what",)),
)
"""`act`: a `ledger.codes.DelegatedAct`; what it changed is in another event of the same transaction."""
questions = table(
    "questions",
    word("question"),
    address("patient"),
    address("asker"),
    Column("categories", Integer, nullable=False),
    Column("purposes", Integer, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("expiry", BigInteger, nullable=False),
    Column("may_write", Boolean, nullable=False),
    word("reason"),
    indexes=(("question",), ("patient",), ("asker",)),
)
question_changes = table(
    "question_changes",
    word("question"),
    address("patient"),
    Column("change", String(16), nullable=False),
    word("scope", nullable=True),
    indexes=(("question",), ("patient",)),
)
"""`change`: granted (the consent's `scope`), declined, taken-back; a question has one at most."""
cosignatures = table(
    "cosignatures",
    word("digest"),
    address("patient"),
    Column("signer", LargeBinary(20)),
    indexes=(("digest",), ("patient",), ("signer",)),
)
"""`signer` is empty where the author asked for a second signature, and nobody has signed by that."""
openings = table(
    "openings",
    address("patient"),
    address("clinician"),
    Column("number", Integer, nullable=False),
    Column("reason", Integer, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("repeated", Boolean, nullable=False),
    word("correlation"),
    indexes=(("patient", "clinician", "number"), ("clinician",)),
)
"""Every time that the glass was broken."""
reviews = table(
    "reviews",
    address("patient"),
    address("clinician"),
    Column("number", Integer, nullable=False),
    address("auditor"),
    Column("outcome", Integer, nullable=False),
    word("report"),
    indexes=(("patient", "clinician", "number"), ("clinician",), ("auditor",)),
)


def _delegation(params: Params) -> Row:
    return delegations, {
        "patient": raw(params["patient"]),
        "delegate": raw(params["delegate"]),
        "powers": params.get("powers", 0),
        "categories": params.get("categories", 0),
        "until": params.get("until", 0),
        "resigned": bool(params.get("resigned", False)),
    }


def _delegated_act(params: Params) -> Row:
    return delegated_acts, {
        "patient": raw(params["patient"]),
        "delegate": raw(params["delegate"]),
        "what": params["what"],
        "act": params["act"],
    }


def _asked(params: Params) -> Row:
    terms = ConsentTerms.unpack(params["terms"])
    return questions, {
        "question": params["id"],
        "patient": raw(params["patient"]),
        "asker": raw(params["asker"]),
        "categories": int(terms.categories),
        "purposes": terms.purposes,
        "not_before": terms.not_before,
        "expiry": terms.expiry,
        "may_write": terms.may_write,
        "reason": params["reason"],
    }


def _question_change(change: str) -> Callable[[Params], Row]:
    return lambda params: (
        question_changes,
        {
            "question": params["id"],
            "patient": raw(params["patient"]),
            "change": change,
            "scope": params.get("scope"),
        },
    )


def _cosignature(params: Params) -> Row:
    signer = params.get("signer")
    return cosignatures, {
        "digest": params["digest"],
        "patient": raw(params["patient"]),
        "signer": raw(signer) if signer else None,
    }


def _opening(params: Params) -> dict[str, Any]:
    return {
        "patient": raw(params["patient"]),
        "clinician": raw(params["clinician"]),
        "number": params["number"],
    }


def _broken(params: Params) -> Row:
    return openings, {
        **_opening(params),
        "reason": params["reason"],
        "until": params["until"],
        "repeated": bool(params["repeated"]),
        "correlation": params["correlation"],
    }


def _reviewed(params: Params) -> Row:
    return reviews, {
        **_opening(params),
        "auditor": raw(params["auditor"]),
        "outcome": params["outcome"],
        "report": params["report"],
    }


ROWS: Mapping[str, Callable[[Params], Row]] = {
    "DelegationSet": _delegation,
    "DelegationEnded": _delegation,
    "DoneByDelegate": _delegated_act,
    "QuestionAsked": _asked,
    "QuestionGranted": _question_change("granted"),
    "QuestionDeclined": _question_change("declined"),
    "QuestionTakenBack": _question_change("taken-back"),
    "CosignatureAwaited": _cosignature,
    "RecordCosigned": _cosignature,
    "GlassBroken": _broken,
    "BreakGlassReviewed": _reviewed,
}
"""For each event of care, the row that it becomes."""
