"""Where a prescription stands at a moment, in one word and one sentence: stored state, terms and time together.

>>> standing(state, terms, at=now).word
'partly-dispensed'
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.notices.told import Told
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

SENTENCES: Mapping[Word, str] = {
    Word.UNKNOWN: "No such prescription was ever issued.",
    Word.NOT_YET: "It can be filled from {when} on.",
    Word.ISSUED: "It can be filled.",
    Word.TOO_SOON: "The next fill is due on {when}.",
    Word.RESERVED: "A pharmacy has reserved it until {when}.",
    Word.PARTLY_DISPENSED: "{left} of {fills} fills are left.",
    Word.PAUSED: "The prescriber has paused it.",
    Word.CANCELLING: "It was cancelled while a pharmacy held it; that ends by {when}.",
    Word.DISPENSED: "Everything was dispensed; last on {when}.",
    Word.CANCELLED: "It was cancelled.",
    Word.VOIDED: "It was entered in error and is void.",
    Word.EXPIRED: "It expired on {when}.",
}
OWING = "{units} units of an open fill are still owed."
"""Said of a partly dispensed one whose last fill was not handed out whole."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where it stands."""

    word: Word
    told: Told
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

    @property
    def sentence(self) -> str:
        """Where it stands, in English."""
        return str(self.told)


def standing(state: PrescriptionState, terms: PrescriptionTerms, *, at: int, holder: Address | None = None) -> Standing:
    """Where it stands at a time (seconds since 1970)."""
    word, told, from_time = _word(state, terms, at)
    leased = word is Word.RESERVED or (word is Word.CANCELLING and at < state.lease_until)
    return Standing(
        word=word,
        told=told,
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


def _word(state: PrescriptionState, terms: PrescriptionTerms, at: int) -> tuple[Word, Told, int | None]:
    match state.status:
        case PrescriptionStatus.NONE:
            return _said(Word.UNKNOWN)
        case PrescriptionStatus.COMPLETED:
            return _said(Word.DISPENSED, when=state.dispensed_at)
        case PrescriptionStatus.CANCELLED:
            return _said(Word.CANCELLED)
        case PrescriptionStatus.VOIDED:
            return _said(Word.VOIDED)
        case PrescriptionStatus.CANCEL_PENDING if at < state.lease_until:
            return _said(Word.CANCELLING, when=state.lease_until)
        case PrescriptionStatus.CANCEL_PENDING:
            return _said(Word.CANCELLED)
    if at >= terms.expiry:
        return _said(Word.EXPIRED, when=terms.expiry)
    if state.status is PrescriptionStatus.SUSPENDED:
        return _said(Word.PAUSED)
    if at < terms.not_before:
        return _said(Word.NOT_YET, terms.not_before, when=terms.not_before)
    if state.status is PrescriptionStatus.CLAIMED and at < state.lease_until:
        return _said(Word.RESERVED, state.lease_until, when=state.lease_until)
    if state.owing:
        return Word.PARTLY_DISPENSED, Told(OWING, {"units": state.owing}), None
    next_at = state.dispensed_at + terms.min_interval
    if state.fills_used and at < next_at:
        return _said(Word.TOO_SOON, next_at, when=next_at)
    if state.fills_used:
        return _said(Word.PARTLY_DISPENSED, left=terms.fills - state.fills_used, fills=terms.fills)
    return _said(Word.ISSUED)


def _said(word: Word, from_time: int | None = None, **values: int) -> tuple[Word, Told, int | None]:
    return word, Told(SENTENCES[word], values), from_time
