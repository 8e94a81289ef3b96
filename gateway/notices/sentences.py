"""What happened, in sentences for the people whom it concerns."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from gateway.log.accesslog import Attempt
from ledger.codes import BasisKind, Category, Purpose, Reason
from ledger.types import Address

PURPOSES: Mapping[Purpose, str] = {
    Purpose.TREAT: "for treatment",
    Purpose.ETREAT: "for emergency treatment",
    Purpose.CAREMGT: "to manage care",
    Purpose.HPAYMT: "for payment",
    Purpose.COVERAGE: "to check insurance cover",
    Purpose.HOPERAT: "for running the organization",
    Purpose.HRESCH: "for research",
    Purpose.CLINTRCH: "for a clinical trial",
    Purpose.PUBHLTH: "for public health",
    Purpose.PATRQT: "at the patient's request",
    Purpose.FAMRQT: "at the family's request",
    Purpose.PWATRNY: "under a power of attorney",
    Purpose.BTG: "by breaking the glass",
}

REASONS: Mapping[Reason, str] = {
    Reason.NO_BASIS: "there was no consent",
    Reason.PURPOSE_NOT_COVERED: "the consent is for another purpose",
    Reason.CATEGORY_NOT_COVERED: "the consent does not cover this kind of record",
    Reason.CONSENT_NOT_YET_LIVE: "the consent had not begun",
    Reason.CONSENT_EXPIRED: "the consent had expired",
    Reason.CONSENT_WITHDRAWN: "the consent had been withdrawn",
    Reason.PRESENTATION_INVALID: "the code presented was not valid",
    Reason.DELEGATION_OVER: "what was delegated to them had ended",
    Reason.BREAK_GLASS_OVER: "their emergency access had ended",
    Reason.NOT_YET_ACCEPTED: "the patient has not accepted this record yet",
    Reason.PURPOSE_UNKNOWN: "the purpose is not known",
    Reason.DENIED_BY_PATIENT: "the patient denies them",
    Reason.RECORD_NOT_ANCHORED: "there is no such record",
    Reason.AUDITORS_READ_NO_RECORDS: "auditors read no records",
    Reason.ORGANIZATION_SUSPENDED: "their organization is suspended",
    Reason.READER_SUSPENDED: "they are suspended",
    Reason.READER_NOT_REGISTERED: "they are not registered",
    Reason.PERMITTED: "",
}


def of_attempt(attempt: Attempt, *, viewer: Address, reader_name: str | None) -> str:
    """One line of the access log as a sentence."""
    who = "You" if attempt.reader == viewer else reader_name or short(attempt.reader)
    whose = "your" if attempt.patient == viewer else "a"
    when = moment(attempt.at)
    purpose = PURPOSES[attempt.purpose]
    if attempt.permitted and attempt.basis is BasisKind.DELEGATION:
        for_whom = "for you" if attempt.patient == viewer else "for its patient"
        return f"{who} opened {whose} record {for_whom}, {purpose}, on {when}."
    if attempt.permitted:
        return f"{who} opened {whose} record {purpose} on {when}."
    was = "were" if who == "You" else "was"
    return f"{who} {was} refused {whose} record {purpose} on {when}: {REASONS[attempt.reason]}."


def moment(seconds: int) -> str:
    """A time for people, in UTC."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at.day} {at:%B %Y}, {at:%H:%M} UTC"


def kinds(categories: Category) -> str:
    """Kinds of records for people."""
    return listed([label.replace("-", " ") for label in categories.labels()])


def listed(parts: Sequence[str]) -> str:
    """Several words as people list them."""
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else "".join(parts)


def short(address: Address) -> str:
    """An address where no name is known."""
    return f"{address[:6]}…{address[-4:]}"
