"""Where a prescription stands at a moment, in one word and one sentence: stored state, terms and time together.

>>> standing(state, terms, at=now).word
'partly-dispensed'
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from ledger.codes import PrescriptionStatus
from ledger.types import Address, PrescriptionState, PrescriptionTerms

LEASE_SECONDS = 24 * 3600
UNDO_SECONDS = 30 * 60


class Word(StrEnum):
    """The states that people are told; some are stored, the others follow from terms and time."""

    UNKNOWN = "unknown"
    NOT_YET = "not-yet"
    ISSUED = "issued"
    TOO_SOON = "too-soon"
    RESERVED = "reserved"
    PARTLY_DISPENSED = "partly-dispensed"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    DISPENSED = "dispensed"
    CANCELLED = "cancelled"
    VOIDED = "entered-in-error"
    EXPIRED = "expired"


OPEN = frozenset({Word.ISSUED, Word.PARTLY_DISPENSED})
"""Where a claim can be made now by anybody who may."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where it stands."""

    word: Word
    sentence: str
    fill: int
    """The fill that a claim made now would be for, from 0."""
    units_now: int
    """Most units that may be handed out on a claim made now; 0: none can be made now."""
    units_left: int
    fills_left: int
    from_time: int | None
    """Seconds since 1970 at which it can be filled again, where only time is in the way."""
    holder: Address | None
    """Who holds it reserved."""


def standing(state: PrescriptionState, terms: PrescriptionTerms, *, at: int, holder: Address | None = None) -> Standing:
    """Where it stands at a time (seconds since 1970)."""
    word, sentence, from_time = _word(state, terms, at)
    leased = word is Word.RESERVED or (word is Word.CANCELLING and at < state.lease_until)
    return Standing(
        word=word,
        sentence=sentence,
        fill=state.claimable_fill(),
        units_now=units_claimable(state, terms) if word in OPEN else 0,
        units_left=max(terms.quantity - state.units_used, 0),
        fills_left=max(terms.fills - state.fills_used, 0),
        from_time=from_time,
        holder=holder if leased else None,
    )


def units_claimable(state: PrescriptionState, terms: PrescriptionTerms) -> int:
    """Most units of the next hand-out: what is owed on an open fill, else a new fill's, as far as any are left."""
    if state.owing:
        return state.owing
    if state.fills_used >= terms.fills:
        return 0
    return max(min(terms.per_fill, terms.quantity - state.units_used), 0)


def _word(state: PrescriptionState, terms: PrescriptionTerms, at: int) -> tuple[Word, str, int | None]:
    match state.status:
        case PrescriptionStatus.NONE:
            return Word.UNKNOWN, "No such prescription was ever issued.", None
        case PrescriptionStatus.COMPLETED:
            return Word.DISPENSED, f"Everything was dispensed; last on {when(state.dispensed_at)}.", None
        case PrescriptionStatus.CANCELLED:
            return Word.CANCELLED, "It was cancelled.", None
        case PrescriptionStatus.VOIDED:
            return Word.VOIDED, "It was entered in error and is void.", None
        case PrescriptionStatus.CANCEL_PENDING if at < state.lease_until:
            held = f"It was cancelled while a pharmacy held it; that ends by {when(state.lease_until)}."
            return Word.CANCELLING, held, None
        case PrescriptionStatus.CANCEL_PENDING:
            return Word.CANCELLED, "It was cancelled.", None
    if at >= terms.expiry:
        return Word.EXPIRED, f"It expired on {when(terms.expiry)}.", None
    if state.status is PrescriptionStatus.SUSPENDED:
        return Word.PAUSED, "The prescriber has paused it.", None
    if at < terms.not_before:
        return Word.NOT_YET, f"It can be filled from {when(terms.not_before)} on.", terms.not_before
    if state.status is PrescriptionStatus.CLAIMED and at < state.lease_until:
        return Word.RESERVED, f"A pharmacy has reserved it until {when(state.lease_until)}.", state.lease_until
    if state.owing:
        return Word.PARTLY_DISPENSED, f"{state.owing} units of an open fill are still owed.", None
    next_at = state.dispensed_at + terms.min_interval
    if state.fills_used and at < next_at:
        return Word.TOO_SOON, f"The next fill is due on {when(next_at)}.", next_at
    if state.fills_used:
        left = terms.fills - state.fills_used
        return Word.PARTLY_DISPENSED, f"{left} of {terms.fills} fills are left.", None
    return Word.ISSUED, "It can be filled.", None


def when(time: int) -> str:
    """A time as people read it, in UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%-d %B %Y, %H:%M UTC")
