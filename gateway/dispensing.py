"""Prescriptions at the counter: check a presented code, read the body, reserve, dispense, give back, undo.

    >>> shown = qr.decode(text)
    >>> check(gateway, pharmacist.address, shown).standing.units_now
    30
    >>> dispense(gateway, pharmacist, Counter(shown), 30, errand, dispensed=record).entry.state
    <State.MINED: 'mined'>

A pharmacist is let in by a code that the patient presents, or, where the prescriber agreed in the terms, by the
patient's consent and a prescription slip. Everything is decided by the ledger; what is checked here first only saves a
failed transaction, and finds better words.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

from gateway.errors import InvalidInput
from gateway.flow import Retrieved, authorize
from gateway.keystore import Identity
from gateway.prescription_bodies import located_by, remember_body
from gateway.prescription_slips import PrescriptionSlip, Reading
from gateway.prescription_standing import LEASE_SECONDS, OPEN, Standing, standing
from gateway.prescriptions import act_on, chain_time, give_slips, now_of, open_slip
from gateway.qr import Presentation
from gateway.reading import open_verified
from gateway.refusals import Claim, ClaimRefused, refusal, unfit
from gateway.sending import Errand
from gateway.slips import hand_out, standing_readers
from ledger.acts import Act, Redemption
from ledger.client import presentation_basis
from ledger.codes import Category, PrescriptionStatus, Purpose, Reason
from ledger.eip712 import presentation_data, redemption_data, sign
from ledger.errors import AccessDenied, ContractRejected
from ledger.outbox import Entry
from ledger.types import Address, HandOut, Opening, PrescriptionState
from offchain_store.envelope import seal
from offchain_store.record import Header
from offchain_store.store import delete_record

if TYPE_CHECKING:
    from gateway.services import Gateway

CLAIM_SECONDS = 120
"""How long a signed claim may take to reach the ledger."""
READ_SECONDS = 300
"""How long a presented code lets its body be read at one go."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a pharmacist may do with a presented code."""

    presentation: Presentation
    standing: Standing
    refused: ClaimRefused | None
    """Why she may not claim; None: she may."""


@dataclass(frozen=True, slots=True)
class Counter:
    """How the pharmacist is let in: by a presented code, or by a slip and the patient's consent."""

    presentation: Presentation | None = None
    prescription: bytes | None = None
    """Id of a prescription that she has a slip of."""


@dataclass(frozen=True, slots=True)
class DispenseRecord:
    """The MedicationDispense: what was handed out, of which batch, until when it keeps."""

    header: Header
    source: BinaryIO = field(repr=False)


@dataclass(frozen=True, slots=True)
class Dispensed:
    """A hand-out on its way to the ledger."""

    prescription: bytes
    record: bytes | None
    """Digest of the MedicationDispense."""
    entry: Entry


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation on its way to the ledger."""

    prescription: bytes
    fence: int
    """Number of the claim: needed to dispense under it, or to give it back."""
    until: int
    """Seconds since 1970 at which it lapses, if it is not dispensed before."""
    entry: Entry


def check(gateway: "Gateway", pharmacist: Address, shown: Presentation) -> Checked:
    """What may be done with a presented code now; claims nothing and leaves no trace on the ledger."""
    claim, redemption = _signed_claim(gateway, pharmacist, shown)
    now = now_of(gateway, shown.opening)
    stands = standing(now.state, shown.opening.terms, at=now.at, holder=now.holder)
    refused = None
    try:
        gateway.ledger.rehearse(gateway.ledger.acts.reserve_presented(shown.opening, redemption), pharmacist)
    except ContractRejected as failure:
        refused = refusal(failure, claim, now)
    return Checked(shown, stands, refused)


def read(gateway: "Gateway", pharmacist: Identity, counter: Counter, correlation: str) -> Retrieved:
    """Open the body of a prescription that is presented, reserved under a presented code, or granted.

    Raises:
        ClaimRefused: the code is no good (any more); the sentence says why.
        AccessDenied: the ledger denies for another reason.
        NotFound: no code, and no slip of this prescription.
        RecordMissing, RecordAltered, RecordNeverAnchored
    """
    shown = counter.presentation
    if shown is not None:
        opening, key = shown.opening, shown.record_key
        leave: Reading | None = _leave_to_read(gateway, pharmacist.address, shown, chain_time(gateway) + READ_SECONDS)
    else:
        slip = _slip(gateway, pharmacist, counter)
        opening, key, leave = slip.opening, slip.record_key, slip.reading
    offered = [presentation_basis(opening, leave.path, leave.deadline, leave.r, leave.vs)] if leave else []
    # The body's digest is nowhere on the ledger before the first claim: the opening itself says where it stands.
    looking = replace(gateway, finders=(lambda _gateway, _digest: located_by(opening),))
    try:
        located, decision = authorize(
            looking, pharmacist.address, opening.digest, purpose=Purpose.TREAT, correlation=correlation, offered=offered
        )
    except AccessDenied as denied:
        if denied.reason is not Reason.PRESENTATION_INVALID:
            raise
        claim = Claim(opening, pharmacist.address, fill=shown.fill if shown else None)
        raise refusal(ContractRejected("FillKeyInvalid", {}), claim, now_of(gateway, opening)) from denied
    header, content, size = open_verified(gateway.store, opening.digest, key)
    return Retrieved(located, header, content, size, decision)


def dispense(
    gateway: "Gateway",
    pharmacist: Identity,
    counter: Counter,
    units: int,
    errand: Errand,
    *,
    owed: bool = False,
    dispensed: DispenseRecord | None = None,
) -> Dispensed:
    """Claim and hand out in one step.

    Args:
        owed: the rest of this fill is owed, to be collected later on the same code.
        dispensed: the MedicationDispense; sealed for patient, prescriber and pharmacist, anchored in the same act.

    Raises:
        ClaimRefused: somebody was quicker, or it is too early, over, not hers...; the sentence says which.
        NotFound, KeyCardError
    """
    hand_out_ = HandOut(units, owed, anchored=dispensed is not None)
    acts = gateway.ledger.acts
    if counter.presentation is not None:
        shown = counter.presentation

        def build(record: bytes) -> tuple[Act, Claim]:
            # Signed last: sealing takes its time, and meanwhile the fence may move on.
            claim, redemption = _signed_claim(gateway, pharmacist.address, shown)
            return acts.dispense_presented(shown.opening, redemption, hand_out_, record), claim

        return _hand_out(gateway, pharmacist, shown.opening, build, dispensed, errand)
    opening = _granted_opening(gateway, pharmacist, counter)
    claim = Claim(opening, pharmacist.address)
    return _hand_out(
        gateway,
        pharmacist,
        opening,
        lambda record: (acts.dispense_granted(opening, hand_out_, record), claim),
        dispensed,
        errand,
    )


def reserve(gateway: "Gateway", pharmacist: Identity, counter: Counter, errand: Errand) -> Reserved:
    """Claim for at most a day, to fetch or prepare what is prescribed; the same pharmacist may renew it.

    On a presented code the pharmacist gets a slip of her own, so that she reads and dispenses without the code.

    Raises:
        ClaimRefused, NotFound
    """
    acts = gateway.ledger.acts
    shown = counter.presentation
    if shown is not None:
        opening = shown.opening
        claim, redemption = _signed_claim(gateway, pharmacist.address, shown)
        act = acts.reserve_presented(opening, redemption)
    else:
        opening = _granted_opening(gateway, pharmacist, counter)
        claim = Claim(opening, pharmacist.address, fence=gateway.ledger.prescription(opening.id()).fence + 1)
        act = acts.reserve_granted(opening)
    entry = act_on(gateway, act, claim, errand)
    state = gateway.ledger.prescription(opening.id())
    until = state.lease_until or min(chain_time(gateway) + LEASE_SECONDS, opening.terms.expiry)
    if shown is not None:
        leave = _leave_to_read(gateway, pharmacist.address, shown, until)
        slip = PrescriptionSlip(opening, shown.record_key, (), shown.endorsement, leave)
        give_slips(gateway, slip, [pharmacist.address])
        remember_body(gateway, opening)
    return Reserved(opening.id(), claim.fence or state.fence, until, entry)


def dispense_reserved(
    gateway: "Gateway",
    pharmacist: Identity,
    prescription: bytes,
    fence: int,
    units: int,
    errand: Errand,
    *,
    owed: bool = False,
    dispensed: DispenseRecord | None = None,
) -> Dispensed:
    """Hand out under a reservation; with units owed it goes on, else it ends.

    Raises:
        ClaimRefused: the reservation lapsed, or somebody else has claimed since.
        NotFound, KeyCardError
    """
    opening = open_slip(gateway, pharmacist, prescription).opening
    hand_out_ = HandOut(units, owed, anchored=dispensed is not None)
    claim = Claim(opening, pharmacist.address, fence=fence)

    def build(record: bytes) -> tuple[Act, Claim]:
        return gateway.ledger.acts.dispense_reserved(opening, fence, hand_out_, record), claim

    return _hand_out(gateway, pharmacist, opening, build, dispensed, errand)


def release(gateway: "Gateway", pharmacist: Identity, prescription: bytes, fence: int, errand: Errand) -> Entry:
    """Give a reservation back.

    Raises:
        ClaimRefused, NotFound
    """
    opening = open_slip(gateway, pharmacist, prescription).opening
    act = gateway.ledger.acts.release(opening, fence)
    return act_on(gateway, act, Claim(opening, pharmacist.address, fence=fence), errand)


def undo(gateway: "Gateway", pharmacist: Identity, counter: Counter, errand: Errand) -> Entry:
    """Take the last hand-out back, within half an hour and if nothing happened since; it stays in the history.

    Raises:
        ClaimRefused: the last hand-out is not hers, or the time is over.
        NotFound
    """
    shown = counter.presentation
    opening = shown.opening if shown is not None else _slip(gateway, pharmacist, counter).opening
    changes = gateway.index.prescription_changes(opening.id())
    before = changes[-2].state if len(changes) > 1 else _ISSUED
    act = gateway.ledger.acts.undo(opening, before)
    return act_on(gateway, act, Claim(opening, pharmacist.address), errand)


def categories_at(gateway: "Gateway", pharmacist: Identity, counter: Counter) -> Category:
    """The categories of a prescription, which its dispense record has too.

    Raises:
        NotFound
    """
    if counter.presentation is not None:
        return counter.presentation.opening.subject.categories
    return _slip(gateway, pharmacist, counter).opening.subject.categories


# --- how it is done

_ISSUED = PrescriptionState.unpack(int(PrescriptionStatus.ACTIVE))


def _hand_out(
    gateway: "Gateway",
    pharmacist: Identity,
    opening: Opening,
    build: Callable[[bytes], tuple[Act, Claim]],
    dispensed: DispenseRecord | None,
    errand: Errand,
) -> Dispensed:
    """Seal and put the dispense record, then act; if the ledger refuses, the record is removed again."""
    record = None
    if dispensed is not None:
        _require_open(gateway, pharmacist.address, opening)
        record = _seal(gateway, pharmacist, opening, dispensed)
    act, claim = build(record or bytes(32))
    try:
        entry = act_on(gateway, act, claim, errand)
    except ClaimRefused as refused:
        if record is not None and refused.reason != "at-work":
            delete_record(gateway.store, record)
        raise
    remember_body(gateway, opening)
    return Dispensed(opening.id(), record, entry)


def _seal(gateway: "Gateway", pharmacist: Identity, opening: Opening, dispensed: DispenseRecord) -> bytes:
    patient, categories = opening.subject.patient, opening.subject.categories
    if dispensed.header.category != int(categories):
        raise InvalidInput("categories", "a dispense record has the categories of its prescription")
    sealed = seal(dispensed.source, dispensed.header, gateway.store)
    readers = [patient, pharmacist.address, opening.prescriber, *standing_readers(gateway, patient, categories)]
    hand_out(gateway, sealed.digest, sealed.record_key, readers, required=(patient, pharmacist.address))
    return sealed.digest


def _require_open(gateway: "Gateway", pharmacist: Address, opening: Opening) -> None:
    """Seal nothing for a prescription of which nothing can be handed out.

    Raises:
        ClaimRefused
    """
    claim, now = Claim(opening, pharmacist), now_of(gateway, opening)
    stands = standing(now.state, opening.terms, at=now.at, holder=now.holder)
    mine = stands.holder == pharmacist
    if stands.word not in OPEN and not mine:
        raise unfit(claim, now)


def _signed_claim(gateway: "Gateway", pharmacist: Address, shown: Presentation) -> tuple[Claim, Redemption]:
    """The fill key's signature for this pharmacist, the next number and the next two minutes."""
    fence = gateway.ledger.prescription(shown.id).fence + 1
    deadline = chain_time(gateway) + CLAIM_SECONDS
    data = redemption_data(
        gateway.ledger.domain,
        prescription=shown.id,
        fill=shown.fill,
        pharmacist=pharmacist,
        fence=fence,
        deadline=deadline,
    )
    claim = Claim(shown.opening, pharmacist, fence=fence, fill=shown.fill)
    return claim, Redemption(shown.path, deadline, *sign(data, shown.fill_key))


def _leave_to_read(gateway: "Gateway", reader: Address, shown: Presentation, deadline: int) -> Reading:
    data = presentation_data(
        gateway.ledger.domain, prescription=shown.id, fill=shown.fill, reader=reader, deadline=deadline
    )
    return Reading(shown.fill, shown.path, deadline, *sign(data, shown.fill_key))


def _granted_opening(gateway: "Gateway", pharmacist: Identity, counter: Counter) -> Opening:
    """The opening, with the patient's consent that lets this pharmacist, or her pharmacy, in."""
    opening = _slip(gateway, pharmacist, counter).opening
    participant = gateway.index.participant(pharmacist.address)
    grantees = [pharmacist.address, *([participant.organization] if participant else [])]
    found = gateway.index.bases(
        opening.subject.patient, grantees, opening.subject.categories, Purpose.TREAT.bit, chain_time(gateway)
    )
    numbered = [one for one in found if not any(one.scope[:30])]
    best = min(numbered, key=lambda one: (one.withdrawn, grantees.index(one.grantee)), default=None)
    subject = opening.subject
    if best is not None:
        number = int.from_bytes(best.scope, "big")
        subject = replace(subject, consent_number=number, via_organization=best.grantee != pharmacist.address)
    return replace(opening, subject=subject)


def _slip(gateway: "Gateway", pharmacist: Identity, counter: Counter) -> PrescriptionSlip:
    if counter.prescription is None:
        raise InvalidInput("code", "present a code, or name a prescription that you have a slip of")
    return open_slip(gateway, pharmacist, counter.prescription)
