"""The ledger's code lists, numbered as in `contracts/types/`: roles, categories, purposes of use, states, reasons.

>>> Purpose.TREAT.covered_by() == {Purpose.TREAT}
True
>>> Category.parse("laboratory,medication") == Category.LABORATORY | Category.MEDICATION
True
"""

from enum import IntEnum, IntFlag
from typing import Self


class _Mask(IntFlag):
    """A bit mask whose members have lower-case names in commands, URLs and JSON."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a comma-separated list of names.

        Raises:
            ValueError: a name is unknown; the message lists the known ones.
        """
        mask = cls(0)
        for name in filter(None, (part.strip() for part in text.split(","))):
            try:
                mask |= cls[name.upper().replace("-", "_")]
            except KeyError:
                known = ", ".join(member.label for member in cls)
                raise ValueError(f"{name!r} is not one of: {known}") from None
        return mask

    @property
    def label(self) -> str:
        """The lower-case name of a single bit."""
        return (self.name or "").lower().replace("_", "-")

    def labels(self) -> list[str]:
        """The names of all bits set, in order of their numbers."""
        return [member.label for member in self]


class Role(_Mask):
    """What a participant may do; an organization holds the roles that it may confer."""

    PATIENT = 1 << 0
    PRACTITIONER = 1 << 1
    PRESCRIBER = 1 << 2
    LABORATORY = 1 << 3
    PHARMACIST = 1 << 4
    EMERGENCY = 1 << 5
    RESEARCHER = 1 << 6
    PAYER = 1 << 7
    AUDITOR = 1 << 8
    CUSTODIAN = 1 << 9
    TEAM = 1 << 13
    ORGANIZATION = 1 << 14
    CONSORTIUM = 1 << 15


class Category(_Mask):
    """What kind of record; coarse on purpose. A reader needs every category that a record carries."""

    MEDICATION = 1 << 0
    LABORATORY = 1 << 1
    IMAGING = 1 << 2
    VITAL_SIGNS = 1 << 3
    ENCOUNTER = 1 << 4
    CARE_PLAN = 1 << 5
    PROBLEMS = 1 << 6
    MENTAL_HEALTH = 1 << 7
    SEXUAL_HEALTH = 1 << 8
    GENETICS = 1 << 9
    JOURNAL = 1 << 10
    ADVANCE_DIRECTIVE = 1 << 11
    COVERAGE = 1 << 12
    CONSENT_DOCUMENT = 1 << 13
    RESEARCH = 1 << 14
    OTHER = 1 << 15


SENSITIVE = Category.MENTAL_HEALTH | Category.SEXUAL_HEALTH | Category.GENETICS
"""No grant covers these unless it names them."""

ORDINARY = Category(0xFFFF) & ~SENSITIVE
"""What "everything" means: every category that is not sensitive."""


class Purpose(IntEnum):
    """HL7 v3 PurposeOfUse."""

    TREAT = 0
    ETREAT = 1
    CAREMGT = 2
    HPAYMT = 3
    COVERAGE = 4
    HOPERAT = 5
    HRESCH = 6
    CLINTRCH = 7
    PUBHLTH = 8
    PATRQT = 9
    FAMRQT = 10
    PWATRNY = 11
    BTG = 12

    @property
    def bit(self) -> int:
        """This purpose in a mask of granted purposes."""
        return 1 << self

    def covered_by(self) -> set["Purpose"]:
        """The granted purposes that cover this stated one; HL7's hierarchy is not followed (`types/Purpose.sol`)."""
        match self:
            case Purpose.CAREMGT:
                return {Purpose.CAREMGT, Purpose.TREAT}
            case Purpose.COVERAGE:
                return {Purpose.COVERAGE, Purpose.HPAYMT}
            case Purpose.BTG:
                return set()
            case _:
                return {self}


GRANTABLE_PURPOSES = sum(purpose.bit for purpose in Purpose if purpose is not Purpose.BTG)
"""The mask of all purposes that a patient can consent to: nobody consents to a broken glass."""


def purposes_mask(*purposes: Purpose) -> int:
    """The mask of several purposes."""
    mask = 0
    for purpose in purposes:
        mask |= purpose.bit
    return mask


def purposes_in(mask: int) -> list[Purpose]:
    """The purposes of a mask, in order of their numbers."""
    return [purpose for purpose in Purpose if mask & purpose.bit]


class RecordState(IntEnum):
    NONE = 0
    PROPOSED = 1
    ANCHORED = 2
    SUPERSEDED = 3
    RETRACTED = 4
    TURNED_DOWN = 5
    TAKEN_BACK = 6
    """Proposed, and taken back or corrected by its author before the patient answered."""

    @property
    def counted(self) -> bool:
        """Whether it counts as the patient's, or did until it was corrected or retracted; what was only ever proposed
        never did, and is open to nobody but her and its author."""
        return self in (RecordState.ANCHORED, RecordState.SUPERSEDED, RecordState.RETRACTED)

    def ended_as(self, end: "RecordState") -> "RecordState":
        """The state after a retraction or a correction."""
        return end if self.counted else RecordState.TAKEN_BACK


class PrescriptionStatus(IntEnum):
    """Stored states; expired and not-yet follow from the terms, lapsed from the lease."""

    NONE = 0
    ACTIVE = 1
    CLAIMED = 2
    SUSPENDED = 3
    CANCEL_PENDING = 4
    COMPLETED = 5
    CANCELLED = 6
    VOIDED = 7


class AnchorKind(IntEnum):
    SINGLE = 0
    BATCH = 1
    PRESCRIPTION = 2


class BasisKind(IntEnum):
    NONE = 0
    OWN_RECORD = 1
    AUTHOR = 2
    CONSENT = 3
    SIGNED_CONSENT = 4
    PRESENTATION = 5
    DELEGATION = 6
    BREAK_GLASS = 7


class Reason(IntEnum):
    """Why a decision came out as it did; in rising order of how much it tells."""

    NO_BASIS = 0
    PURPOSE_NOT_COVERED = 1
    CATEGORY_NOT_COVERED = 2
    CONSENT_NOT_YET_LIVE = 3
    CONSENT_EXPIRED = 4
    CONSENT_WITHDRAWN = 5
    PRESENTATION_INVALID = 6
    DELEGATION_OVER = 7
    BREAK_GLASS_OVER = 8
    NOT_YET_ACCEPTED = 9
    PURPOSE_UNKNOWN = 10
    DENIED_BY_PATIENT = 11
    RECORD_NOT_ANCHORED = 12
    AUDITORS_READ_NO_RECORDS = 13
    ORGANIZATION_SUSPENDED = 14
    READER_SUSPENDED = 15
    READER_NOT_REGISTERED = 16
    PERMITTED = 17


class Power(_Mask):
    """What a patient may delegate (`DELEGABLE`). Fill keys are the gateway's to guard; the rest the ledger's."""

    READ = 1 << 0
    GRANT = 1 << 1
    WITHDRAW = 1 << 2
    """Also to deny; never to lift a denial."""
    CLAIM = 1 << 3
    """To file insurance claims for her. Nothing here is such a claim yet: the ledger refuses to delegate it."""
    PRESENT = 1 << 4
    ACCEPT = 1 << 5
    """To take in, or turn down, records proposed to her."""


DELEGABLE = Power.READ | Power.GRANT | Power.WITHDRAW | Power.PRESENT | Power.ACCEPT
"""The powers that let a delegate do something."""


class DelegatedAct(IntEnum):
    """What a delegate did in a patient's name."""

    NONE = 0
    GRANT = 1
    WITHDRAW = 2
    DENY = 3
    ANSWER = 4
    ACCEPT_IN_BATCH = 5
    TURN_DOWN_IN_BATCH = 6
    GRANT_AS_ASKED = 7
    DECLINE = 8


class EmergencyReason(IntEnum):
    """Why the glass was broken; the ledger takes no other."""

    UNRESPONSIVE = 1
    CANNOT_DECIDE = 2
    LIFE_IN_DANGER = 3
    DELAY_HARMS = 4


class ReviewOutcome(IntEnum):
    """How an auditor judged an opening; the ledger takes no other."""

    JUSTIFIED = 1
    UNJUSTIFIED = 2
    UNCLEAR = 3


class QuestionState(IntEnum):
    NONE = 0
    OPEN = 1
    GRANTED = 2
    DECLINED = 3
    TAKEN_BACK = 4
