"""What `ledger.index_care` answers with, and how it comes out of a row."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from ledger.care import Question
from ledger.codes import Category, DelegatedAct, EmergencyReason, Power, QuestionState, ReviewOutcome
from ledger.positions import Position
from ledger.types import Address, ConsentTerms, address_of


@dataclass(frozen=True, slots=True)
class IndexedDelegation:
    """What a patient has delegated to a person; no powers: it was ended."""

    patient: Address
    delegate: Address
    powers: Power
    categories: Category
    until: int
    """Seconds since 1970."""
    resigned: bool
    """Ended by the delegate himself."""
    position: Position


@dataclass(frozen=True, slots=True)
class IndexedDelegatedAct:
    """What a delegate did for a patient."""

    patient: Address
    delegate: Address
    what: bytes
    """Id of a consent or question, digest of a record, root of a batch."""
    act: DelegatedAct
    transaction: bytes
    position: Position


@dataclass(frozen=True, slots=True)
class IndexedQuestion:
    """A question and what has become of it."""

    id: bytes
    question: Question
    state: QuestionState
    scope: bytes | None
    """Of a granted one: the consent's scope."""
    position: Position


@dataclass(frozen=True, slots=True)
class IndexedCosignature:
    """The second signature under a record, or that one is awaited."""

    digest: bytes
    patient: Address
    awaited: bool
    """Its author asked for one."""
    signer: Address | None
    """None: nobody has signed yet."""
    position: Position


@dataclass(frozen=True, slots=True)
class IndexedOpening:
    """One time that the glass was broken, and how it was judged."""

    patient: Address
    clinician: Address
    number: int
    reason: EmergencyReason
    until: int
    """Seconds since 1970."""
    repeated: bool
    correlation: bytes
    auditor: Address | None
    """None: not reviewed."""
    outcome: ReviewOutcome | None
    report: bytes | None
    transaction: bytes
    position: Position


_ANSWERS = {
    None: QuestionState.OPEN,
    "granted": QuestionState.GRANTED,
    "declined": QuestionState.DECLINED,
    "taken-back": QuestionState.TAKEN_BACK,
}


def delegation(row: Row[Any]) -> IndexedDelegation:
    """A row of `delegations`."""
    return IndexedDelegation(
        patient=address_of(row.patient),
        delegate=address_of(row.delegate),
        powers=Power(row.powers),
        categories=Category(row.categories),
        until=row.until,
        resigned=bool(row.resigned),
        position=position_of(row),
    )


def delegated_act(row: Row[Any]) -> IndexedDelegatedAct:
    """A row of `delegated_acts`."""
    return IndexedDelegatedAct(
        patient=address_of(row.patient),
        delegate=address_of(row.delegate),
        what=row.what,
        act=DelegatedAct(row.act),
        transaction=row.transaction_hash,
        position=position_of(row),
    )


def question(row: Row[Any]) -> IndexedQuestion:
    """A row of `questions`, with the answer beside it."""
    terms = ConsentTerms(Category(row.categories), row.purposes, row.not_before, row.expiry, bool(row.may_write))
    return IndexedQuestion(
        id=row.question,
        question=Question(address_of(row.asker), address_of(row.patient), terms, row.reason),
        state=_ANSWERS[row.change],
        scope=row.scope,
        position=position_of(row),
    )


def cosignature(row: Row[Any], earlier: IndexedCosignature | None) -> IndexedCosignature:
    """A row of `cosignatures`, after an earlier one about the same record if there is one."""
    return IndexedCosignature(
        digest=row.digest,
        patient=address_of(row.patient),
        awaited=row.signer is None or (earlier is not None and earlier.awaited),
        signer=address_of(row.signer) if row.signer else None,
        position=position_of(row),
    )


def opening(row: Row[Any]) -> IndexedOpening:
    """A row of `openings`, with the review beside it."""
    return IndexedOpening(
        patient=address_of(row.patient),
        clinician=address_of(row.clinician),
        number=row.number,
        reason=EmergencyReason(row.reason),
        until=row.until,
        repeated=bool(row.repeated),
        correlation=row.correlation,
        auditor=address_of(row.auditor) if row.auditor else None,
        outcome=ReviewOutcome(row.outcome) if row.outcome else None,
        report=row.report,
        transaction=row.transaction_hash,
        position=position_of(row),
    )


def position_of(row: Row[Any]) -> Position:
    """Where a row's event stands."""
    return row.block_number, row.log_index
