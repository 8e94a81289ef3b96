"""Why a prescription's act was refused, in words for the person at the counter.

    >>> raise refusal(failure, state=state, opening=opening, at=now, ...)
    ClaimRefused: another pharmacy dispensed this fill on 4 May 2026, 09:31 UTC

The contract names the first rule that an act broke. Where somebody else was quicker that is rarely what a person wants
to know: the fence has moved on, so the fill key's signature names the wrong number. What has happened meanwhile is read
from the chain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.errors import GatewayError
from gateway.notices.told import Told
from gateway.prescriptions.standing import Word, standing
from ledger.codes import PrescriptionStatus
from ledger.errors import ContractRejected
from ledger.types import Address, Opening, PrescriptionState


class ClaimRefused(GatewayError):
    """The ledger does not let this act happen to this prescription."""

    def __init__(self, prescription: bytes, reason: str, told: Told, *, status: int = 409, **facts: int) -> None:
        self.prescription = prescription
        self.reason = reason
        """A word for programs."""
        self.told = told
        """The reason for people, to be said in their language."""
        self.sentence = str(told)
        """The reason for people, in English."""
        self.status = status
        """HTTP's: 403 who may not, 404 unknown, 409 not now or not any more, 422 not like this."""
        self.facts = facts
        """Times (seconds since 1970) and units that the sentence speaks of."""
        super().__init__(self.sentence)


@dataclass(frozen=True, slots=True)
class Claim:
    """What was attempted."""

    opening: Opening
    by: Address
    fence: int | None = None
    """The number under which the claim was signed or is held; None: none."""
    fill: int | None = None
    """The fill whose key was presented."""


@dataclass(frozen=True, slots=True)
class Now:
    """What the chain says after the refusal."""

    state: PrescriptionState
    at: int
    """Seconds since 1970."""
    holder: Address | None
    last_by: Address | None
    """Who dispensed last, as far as the index knows."""


def refusal(failure: ContractRejected, claim: Claim, now: Now) -> ClaimRefused:
    """The reason for people behind the contract's refusal."""
    prescription = claim.opening.id()
    values = failure.values
    match failure.name:
        case "FillKeyInvalid":
            return _fill_key(claim, now)
        case "NothingLeftToDispense" | "PrescriptionStateUnfit" | "NextFillTooSoon" | "PrescriptionExpired":
            return unfit(claim, now)
        case "PrescriptionNotYetValid" | "LeaseHeldByAnother" | "PrescriptionUnknown":
            return unfit(claim, now)
        case "LeaseLost":
            return _lease_lost(claim, now)
        case "UnitsOutOfRange":
            most = values["most"]
            told = Told(SENTENCES["units-out-of-range"], {"most": most})
            return ClaimRefused(prescription, "units-out-of-range", told, status=422, most=most)
        case "DeadlinePassed":
            return ClaimRefused(prescription, "too-slow", Told(SENTENCES["too-slow"]))
        case "WriteNotPermitted" | "RecordAlreadyAnchored" | "SubjectInvalid":
            told = Told(SENTENCES["record-refused"], {"rule": failure.name})
            return ClaimRefused(prescription, "record-refused", told)
    if failure.name in WHO:
        reason, sentence = WHO[failure.name]
        return ClaimRefused(prescription, reason, Told(sentence), status=403)
    told = Told(SENTENCES["another-rule"], {"rule": failure.name})
    return ClaimRefused(prescription, _kebab(failure.name), told)


SENTENCES: Mapping[str, str] = {
    "units-out-of-range": "At most {most} units can be handed out on this fill now; fewer if the rest is owed.",
    "too-slow": "The claim took too long to reach the ledger: try again.",
    "record-refused": "The dispense record is refused: {rule}.",
    "another-rule": "The ledger refuses: {rule}.",
    "held-by-you": "You hold it reserved until {when}.",
    "reserved-by-another": "Another pharmacy has reserved it until {when}.",
    "changed": "It changed while you acted: check it again.",
    "wrong-fill": "This code is for fill {shown}; fill {due} is due: ask for that code.",
    "claimed-meanwhile": "Somebody else claimed it meanwhile: check it again.",
    "code-invalid": "This code is not that of the prescription's fill.",
    "lapsed-and-reserved": "Your reservation lapsed, and another pharmacy has reserved it until {when}.",
    "reservation-superseded": "Your reservation is over: the prescription was claimed again after it.",
    "reservation-lapsed": "Your reservation lapsed on {when}: claim it again.",
    "last-by-another": "Another pharmacy dispensed the last of it on {when}.",
    "last-by-some": "A pharmacy dispensed the last of it on {when}.",
    "last-by-you": "You dispensed the last of it on {when}.",
    "fill-by-another": "Another pharmacy dispensed this fill on {when}.",
    "fill-by-some": "A pharmacy dispensed this fill on {when}.",
    "fill-by-you": "You dispensed this fill on {when}.",
}
"""What is said, beside where it stands (`standing.SENTENCES`) and who may not (`WHO`)."""

WHO: Mapping[str, tuple[str, str]] = {
    "RoleMissing": ("not-licensed", "You are not registered for this: only a licensed pharmacist or prescriber may."),
    "NotRegistered": ("not-licensed", "You are not registered on the ledger."),
    "SuspendedParticipant": ("suspended", "You are suspended."),
    "SuspendedOrganization": ("organization-suspended", "Your organization is suspended."),
    "DispenseNotPermitted": (
        "not-let-in",
        "The patient or the prescriber has not let you in: ask the patient for a prescription code.",
    ),
    "NotThePrescriber": ("not-the-prescriber", "Only the prescriber may do this."),
    "NeitherPrescriberNorPatient": ("not-yours", "Only the prescriber and the patient may do this."),
}


def unfit(claim: Claim, now: Now) -> ClaimRefused:
    """Why nothing can be claimed now, from where the prescription stands."""
    prescription = claim.opening.id()
    stands = standing(now.state, claim.opening.terms, at=now.at, holder=now.holder)
    match stands.word:
        case Word.UNKNOWN:
            return ClaimRefused(prescription, "unknown", stands.told, status=404)
        case Word.DISPENSED:
            return _dispensed(claim, now, "last")
        case Word.RESERVED if now.holder == claim.by:
            until = now.state.lease_until
            return ClaimRefused(prescription, "held-by-you", _timed("held-by-you", until), until=until)
        case Word.RESERVED:
            until = now.state.lease_until
            told = _timed("reserved-by-another", until)
            return ClaimRefused(prescription, "reserved-by-another", told, until=until)
        case Word.NOT_YET | Word.TOO_SOON:
            return ClaimRefused(prescription, stands.word.value, stands.told, from_time=stands.from_time or 0)
        case Word.EXPIRED:
            return ClaimRefused(prescription, "expired", stands.told, expiry=claim.opening.terms.expiry)
        case Word.ISSUED | Word.PARTLY_DISPENSED:
            return ClaimRefused(prescription, "changed-meanwhile", Told(SENTENCES["changed"]))
    return ClaimRefused(prescription, stands.word.value, stands.told)


def _fill_key(claim: Claim, now: Now) -> ClaimRefused:
    """The signature is not by the key of the fill that is due, or not for the number that is due."""
    prescription = claim.opening.id()
    state = now.state
    moved = claim.fence is not None and state.fence + 1 != claim.fence
    due = state.claimable_fill()
    if claim.fill is not None and claim.fill < due and state.status is not PrescriptionStatus.CLAIMED:
        return _dispensed(claim, now, "fill")
    if not _is_open(claim, now):
        return unfit(claim, now)
    if claim.fill is not None and claim.fill < due:
        return _dispensed(claim, now, "fill")
    if claim.fill is not None and claim.fill > due:
        told = Told(SENTENCES["wrong-fill"], {"shown": claim.fill + 1, "due": due + 1})
        return ClaimRefused(prescription, "wrong-fill", told, fill_due=due + 1)
    if moved:
        return ClaimRefused(prescription, "changed-meanwhile", Told(SENTENCES["claimed-meanwhile"]))
    return ClaimRefused(prescription, "code-invalid", Told(SENTENCES["code-invalid"]), status=403)


def _lease_lost(claim: Claim, now: Now) -> ClaimRefused:
    prescription = claim.opening.id()
    if now.holder is not None and now.holder != claim.by and now.at < now.state.lease_until:
        until = now.state.lease_until
        told = _timed("lapsed-and-reserved", until)
        return ClaimRefused(prescription, "reserved-by-another", told, until=until)
    if claim.fence is not None and claim.fence < now.state.fence:
        return ClaimRefused(prescription, "reservation-superseded", Told(SENTENCES["reservation-superseded"]))
    told = _timed("reservation-lapsed", now.state.lease_until)
    return ClaimRefused(prescription, "reservation-lapsed", told, until=now.state.lease_until)


def _dispensed(claim: Claim, now: Now, what: Literal["last", "fill"]) -> ClaimRefused:
    """`what`: the last of it, or this fill."""
    who = "another"
    if now.last_by is None:
        who = "some"
    elif now.last_by == claim.by:
        who = "you"
    at = now.state.dispensed_at
    return ClaimRefused(claim.opening.id(), "already-dispensed", _timed(f"{what}-by-{who}", at), dispensed_at=at)


def _timed(code: str, at: int) -> Told:
    """A sentence that names one time."""
    return Told(SENTENCES[code], {"when": at})


def _is_open(claim: Claim, now: Now) -> bool:
    stands = standing(now.state, claim.opening.terms, at=now.at)
    return stands.word in (Word.ISSUED, Word.PARTLY_DISPENSED) or (
        stands.word is Word.RESERVED and now.holder == claim.by
    )


def _kebab(name: str) -> str:
    return "".join(("-" if letter.isupper() and i else "") + letter.lower() for i, letter in enumerate(name))
