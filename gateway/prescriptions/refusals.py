"""Why a prescription's act was refused, in words for the person at the counter.

    >>> raise refusal(failure, state=state, opening=opening, at=now, ...)
    ClaimRefused: another pharmacy dispensed this fill on 4 May 2026, 09:31 UTC

The contract names the first rule that an act broke. Where somebody else was quicker that is rarely what a person wants
to know: the fence has moved on, so the fill key's signature names the wrong number. What has happened meanwhile is read
from the chain.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import GatewayError
from gateway.prescriptions.standing import Word, standing, when
from ledger.codes import PrescriptionStatus
from ledger.errors import ContractRejected
from ledger.types import Address, Opening, PrescriptionState


class ClaimRefused(GatewayError):
    """The ledger does not let this act happen to this prescription."""

    def __init__(self, prescription: bytes, reason: str, sentence: str, *, status: int = 409, **facts: int) -> None:
        self.prescription = prescription
        self.reason = reason
        """A word for programs."""
        self.sentence = sentence
        """The reason for people."""
        self.status = status
        """HTTP's: 403 who may not, 404 unknown, 409 not now or not any more, 422 not like this."""
        self.facts = facts
        """Times (seconds since 1970) and units that the sentence speaks of."""
        super().__init__(sentence)


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
            sentence = f"At most {most} units can be handed out on this fill now; fewer if the rest is owed."
            return ClaimRefused(prescription, "units-out-of-range", sentence, status=422, most=most)
        case "DeadlinePassed":
            return ClaimRefused(prescription, "too-slow", "The claim took too long to reach the ledger: try again.")
        case "WriteNotPermitted" | "RecordAlreadyAnchored" | "SubjectInvalid":
            return ClaimRefused(prescription, "record-refused", f"The dispense record is refused: {failure.name}.")
    reason, sentence = _WHO.get(failure.name, (_kebab(failure.name), f"The ledger refuses: {failure.name}."))
    return ClaimRefused(prescription, reason, sentence, status=403 if failure.name in _WHO else 409)


_WHO: Mapping[str, tuple[str, str]] = {
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
            return ClaimRefused(prescription, "unknown", stands.sentence, status=404)
        case Word.DISPENSED:
            return _dispensed(claim, now, "the last of it")
        case Word.RESERVED if now.holder == claim.by:
            until = now.state.lease_until
            return ClaimRefused(prescription, "held-by-you", f"You hold it reserved until {when(until)}.", until=until)
        case Word.RESERVED:
            until = now.state.lease_until
            sentence = f"Another pharmacy has reserved it until {when(until)}."
            return ClaimRefused(prescription, "reserved-by-another", sentence, until=until)
        case Word.NOT_YET | Word.TOO_SOON:
            return ClaimRefused(prescription, stands.word.value, stands.sentence, from_time=stands.from_time or 0)
        case Word.EXPIRED:
            return ClaimRefused(prescription, "expired", stands.sentence, expiry=claim.opening.terms.expiry)
        case Word.ISSUED | Word.PARTLY_DISPENSED:
            sentence = "It changed while you acted: check it again."
            return ClaimRefused(prescription, "changed-meanwhile", sentence)
    return ClaimRefused(prescription, stands.word.value, stands.sentence)


def _fill_key(claim: Claim, now: Now) -> ClaimRefused:
    """The signature is not by the key of the fill that is due, or not for the number that is due."""
    prescription = claim.opening.id()
    state = now.state
    moved = claim.fence is not None and state.fence + 1 != claim.fence
    due = state.claimable_fill()
    if claim.fill is not None and claim.fill < due and state.status is not PrescriptionStatus.CLAIMED:
        return _dispensed(claim, now, "this fill")
    if not _is_open(claim, now):
        return unfit(claim, now)
    if claim.fill is not None and claim.fill < due:
        return _dispensed(claim, now, "this fill")
    if claim.fill is not None and claim.fill > due:
        sentence = f"This code is for fill {claim.fill + 1}; fill {due + 1} is due: ask for that code."
        return ClaimRefused(prescription, "wrong-fill", sentence, fill_due=due + 1)
    if moved:
        return ClaimRefused(prescription, "changed-meanwhile", "Somebody else claimed it meanwhile: check it again.")
    return ClaimRefused(prescription, "code-invalid", "This code is not that of the prescription's fill.", status=403)


def _lease_lost(claim: Claim, now: Now) -> ClaimRefused:
    prescription = claim.opening.id()
    if now.holder is not None and now.holder != claim.by and now.at < now.state.lease_until:
        until = now.state.lease_until
        sentence = f"Your reservation lapsed, and another pharmacy has reserved it until {when(until)}."
        return ClaimRefused(prescription, "reserved-by-another", sentence, until=until)
    if claim.fence is not None and claim.fence < now.state.fence:
        sentence = "Your reservation is over: the prescription was claimed again after it."
        return ClaimRefused(prescription, "reservation-superseded", sentence)
    sentence = f"Your reservation lapsed on {when(now.state.lease_until)}: claim it again."
    return ClaimRefused(prescription, "reservation-lapsed", sentence, until=now.state.lease_until)


def _dispensed(claim: Claim, now: Now, what: str) -> ClaimRefused:
    who = "another pharmacy"
    if now.last_by is None:
        who = "a pharmacy"
    elif now.last_by == claim.by:
        who = "you"
    at = now.state.dispensed_at
    sentence = f"{who[0].upper()}{who[1:]} dispensed {what} on {when(at)}."
    return ClaimRefused(claim.opening.id(), "already-dispensed", sentence, dispensed_at=at)


def _is_open(claim: Claim, now: Now) -> bool:
    stands = standing(now.state, claim.opening.terms, at=now.at)
    return stands.word in (Word.ISSUED, Word.PARTLY_DISPENSED) or (
        stands.word is Word.RESERVED and now.holder == claim.by
    )


def _kebab(name: str) -> str:
    return "".join(("-" if letter.isupper() and i else "") + letter.lower() for i, letter in enumerate(name))
