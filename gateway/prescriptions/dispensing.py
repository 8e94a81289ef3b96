"""Prescriptions at the counter: reserve, dispense, give back, undo.

    >>> dispense(gateway, pharmacist, Counter(shown), 30, errand, dispensed=record).entry.state
    <State.MINED: 'mined'>

How a pharmacist is let in, and what she may look at before, is in `gateway.prescriptions.claims`. Everything is decided
by the ledger; what is checked here first only saves a failed transaction, and finds better words.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from gateway.clocks import chain_time
from gateway.errors import InvalidInput
from gateway.identity.keystore import Identity
from gateway.prescriptions.access import act_on, give_slips, now_of, open_slip
from gateway.prescriptions.bodies import remember_body
from gateway.prescriptions.claims import Counter, granted_opening, leave_to_read, signed_claim, slip_of
from gateway.prescriptions.refusals import Claim, ClaimRefused, unfit
from gateway.prescriptions.repeated import record_in
from gateway.prescriptions.slips import PrescriptionSlip
from gateway.prescriptions.standing import LEASE_SECONDS, OPEN, standing
from gateway.sending import Errand, earlier
from gateway.slips.slips import hand_out, standing_readers
from ledger.acts import Act
from ledger.codes import PrescriptionStatus
from ledger.outbox import Entry
from ledger.types import Address, HandOut, Opening, PrescriptionState
from offchain_store.envelope import seal
from offchain_store.record import Header
from offchain_store.store import delete_record

if TYPE_CHECKING:
    from gateway.services import Gateway


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
            claim, redemption = signed_claim(gateway, pharmacist.address, shown)
            return acts.dispense_presented(shown.opening, redemption, hand_out_, record), claim

        return _hand_out(gateway, pharmacist, shown.opening, build, dispensed, errand)
    opening = granted_opening(gateway, pharmacist, counter)
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
        claim, redemption = signed_claim(gateway, pharmacist.address, shown)
        act = acts.reserve_presented(opening, redemption)
    else:
        opening = granted_opening(gateway, pharmacist, counter)
        claim = Claim(opening, pharmacist.address, fence=gateway.ledger.prescription(opening.id()).fence + 1)
        act = acts.reserve_granted(opening)
    entry = act_on(gateway, act, claim, errand)
    state = _left_by(gateway, opening, entry) or gateway.ledger.prescription(opening.id())
    until = state.lease_until or min(chain_time(gateway) + LEASE_SECONDS, opening.terms.expiry)
    fence = state.fence if state.lease_until else claim.fence or state.fence
    if shown is not None:
        leave = leave_to_read(gateway, pharmacist.address, shown, until)
        slip = PrescriptionSlip(opening, shown.record_key, (), shown.endorsement, leave)
        give_slips(gateway, slip, [pharmacist.address])
        remember_body(gateway, opening)
    return Reserved(opening.id(), fence, until, entry)


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
    opening = shown.opening if shown is not None else slip_of(gateway, pharmacist, counter).opening
    changes = gateway.index.prescription_changes(opening.id())
    before = changes[-2].state if len(changes) > 1 else _ISSUED
    act = gateway.ledger.acts.undo(opening, before)
    return act_on(gateway, act, Claim(opening, pharmacist.address), errand)


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
    """Seal and put the dispense record, then act; if the ledger refuses, the record is removed again.

    Whoever asks again under the same key, whatever cut the first try off, gets what that one has sealed and sent.
    """
    first = earlier(gateway, pharmacist.address, errand)
    record = record_in(first) if first is not None else None
    if first is None and dispensed is not None:
        _require_open(gateway, pharmacist.address, opening)
        record = _seal(gateway, pharmacist, opening, dispensed)
    act, claim = build(record or bytes(32))
    try:
        entry = act_on(gateway, act, claim, errand)
    except ClaimRefused:
        if first is None and record is not None:
            delete_record(gateway.store, record)
        raise
    remember_body(gateway, opening)
    return Dispensed(opening.id(), record, entry)


def _left_by(gateway: "Gateway", opening: Opening, entry: Entry) -> PrescriptionState | None:
    """How a mined reservation left a prescription, whatever came after it; None: not mined, or not indexed yet."""
    for one in gateway.index.prescription_changes(opening.id()):
        if (one.change, one.by, one.position[0]) == ("claimed", entry.signer, entry.block_number):
            return one.state
    return None


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
