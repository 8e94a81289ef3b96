"""The words of care in Python: delegations, break-glass openings and their reviews, questions, second signatures.

>>> Delegation.unpack(0).powers
<Power: 0>
>>> Question(asker, patient, terms, reason).id() == question_id
True
"""

from dataclasses import dataclass
from typing import Self

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from ledger.codes import BasisKind, Category, EmergencyReason, Power, QuestionState, ReviewOutcome
from ledger.types import ZERO_ADDRESS, Address, Basis, ConsentTerms, address_of

MOST_HOURS = 24
"""The longest that a glass stays broken."""

LONGEST_DELEGATION = 2 * 365 * 86_400
"""Seconds from being named to the latest end of a delegation."""

REPEATED_WITHIN = 7 * 86_400
"""Seconds after an opening in which another one of the same clinician for the same patient is flagged."""

_TIME = 0xFF_FFFF_FFFF


@dataclass(frozen=True, slots=True)
class Delegation:
    """What a patient lets one person do in her name."""

    powers: Power
    """No power: never named, or ended."""
    categories: Category
    until: int
    """Seconds since 1970 from which on he can do nothing; 0: never named, or ended."""
    since: int
    """Seconds since 1970 of the last change; 0: never named."""
    changes: int
    """How often it was set or ended; a signed change names this number."""

    @classmethod
    def unpack(cls, word: int) -> Self:
        return cls(
            powers=Power(word >> 16 & 0xFF),
            categories=Category(word & 0xFFFF),
            until=word >> 24 & _TIME,
            since=word >> 64 & _TIME,
            changes=word >> 104 & 0xFFFF,
        )

    def has(self, powers: Power, at: int) -> bool:
        """Whether it is live at a time and gives all of these powers."""
        return powers in self.powers and self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """The last time that a clinician broke the glass over a patient, and how often she did."""

    opened_at: int
    """Seconds since 1970."""
    until: int
    """Seconds since 1970 from which on it is over."""
    count: int
    """How often; also the last opening's number, counted from 1."""
    reviewed: int
    """How many of the openings were reviewed."""
    reason: EmergencyReason
    repeated: bool
    """Within a week of the opening before."""

    @classmethod
    def unpack(cls, word: int) -> Self | None:
        """From the storage word; None if she never did."""
        if word == 0:
            return None
        return cls(
            opened_at=word & _TIME,
            until=word >> 40 & _TIME,
            count=word >> 80 & 0xFFFF,
            reviewed=word >> 96 & 0xFFFF,
            reason=EmergencyReason(word >> 112 & 0xFF),
            repeated=bool(word >> 120 & 1),
        )

    def is_open(self, at: int) -> bool:
        """Whether the glass is broken at a time."""
        return self.opened_at <= at < self.until


@dataclass(frozen=True, slots=True)
class Review:
    """An auditor's judgement of one opening."""

    auditor: Address
    reviewed_at: int
    outcome: ReviewOutcome

    @classmethod
    def unpack(cls, word: int) -> Self | None:
        """From the storage word; None if it was not reviewed."""
        if word == 0:
            return None
        return cls(
            auditor=address_of(word & (2**160 - 1)),
            reviewed_at=word >> 160 & _TIME,
            outcome=ReviewOutcome(word >> 200 & 0xFF),
        )


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks a patient for: all that the question's id commits to."""

    asker: Address
    patient: Address
    terms: ConsentTerms
    reason: bytes
    """Digest of the sealed reason, 32 bytes."""

    def as_tuple(self) -> tuple[str, str, int, bytes]:
        """The struct as the ABI takes it."""
        return (self.asker, self.patient, self.terms.pack(), self.reason)

    def id(self) -> bytes:
        """The question's id, 32 bytes."""
        return keccak(encode(["address", "address", "uint256", "bytes32"], list(self.as_tuple())))


@dataclass(frozen=True, slots=True)
class QuestionStanding:
    """What has become of a question."""

    state: QuestionState
    asked_at: int
    """Seconds since 1970; 0: never asked."""
    changed_at: int
    """Seconds since 1970, when it was answered or taken back; 0: open."""

    @classmethod
    def unpack(cls, word: int) -> Self:
        return cls(QuestionState(word & 0xFF), word >> 8 & _TIME, word >> 48 & _TIME)


@dataclass(frozen=True, slots=True)
class Cosignature:
    """The second signature under a record; the first is its author's anchor."""

    awaited: bool
    """Its author asked for one."""
    signer: Address | None
    """None: the record has one signature."""
    signed_at: int
    """Seconds since 1970; 0: not signed."""

    @classmethod
    def unpack(cls, word: int) -> Self:
        signer = address_of(word & (2**160 - 1))
        return cls(
            awaited=bool(word >> 200 & 1),
            signer=None if signer == ZERO_ADDRESS else signer,
            signed_at=word >> 160 & _TIME,
        )


@dataclass(frozen=True, slots=True)
class Signatures:
    """Who has signed a record, and when."""

    count: int
    """0: no such record; 1: its author alone; 2: a second one as well."""
    awaited: bool
    """The author asked for a second signature."""
    author: Address | None
    anchored_at: int
    """Seconds since 1970."""
    cosigner: Address | None
    cosigned_at: int
    """Seconds since 1970; 0: not co-signed."""


def delegation_id(patient: Address, delegate: Address) -> bytes:
    """The id by which a decision names the delegation that it rests on."""
    return keccak(encode(["address", "address"], [patient, delegate]))


def opening_id(patient: Address, clinician: Address, number: int) -> bytes:
    """The id of a clinician's opening over a patient, by which decisions and reviews name it."""
    return keccak(encode(["address", "address", "uint16"], [patient, clinician, number]))


def delegation_basis(delegate: Address) -> Basis:
    """What a delegate offers when he reads for a patient."""
    return Basis(BasisKind.DELEGATION, delegate)


def break_glass_basis(clinician: Address) -> Basis:
    """What a clinician offers who has broken the glass."""
    return Basis(BasisKind.BREAK_GLASS, clinician)
