"""Whose slip of a prescription says what, what the chain says of it now, and acts on it with refusals in words.

>>> slip = open_slip(gateway, ana, prescription)
>>> act_on(gateway, gateway.ledger.acts.cancel(slip.opening), Claim(slip.opening, ana.address), errand)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.clocks import chain_time
from gateway.errors import KeyCardError, NotFound
from gateway.identity.keystore import Identity
from gateway.located import PROFESSIONAL
from gateway.prescriptions.bodies import read_slip, remember_body
from gateway.prescriptions.qr import Presentation
from gateway.prescriptions.refusals import Claim, Now, refusal
from gateway.prescriptions.repeated import require_same
from gateway.prescriptions.slips import PrescriptionSlip
from gateway.prescriptions.standing import Standing, standing
from gateway.sending import Errand, await_entry, earlier, send
from gateway.slips.notes import seal_note
from ledger.acts import Act
from ledger.errors import ContractRejected
from ledger.index import IndexedPrescription, PrescriptionChange
from ledger.outbox import Entry
from ledger.rpc import head
from ledger.types import Address, Opening, PrescriptionState, raw

if TYPE_CHECKING:
    from gateway.services import Gateway


@dataclass(frozen=True, slots=True)
class Listed:
    """A prescription as somebody sees it in a list."""

    indexed: IndexedPrescription
    slip: PrescriptionSlip | None
    """None: she has none, and sees that it is there, and no more."""
    standing: Standing | None
    state: PrescriptionState


INDEX_SECONDS = 5
"""How long a refusal waits for the index, to say who dispensed."""


def open_slip(gateway: "Gateway", reader: Identity, prescription: bytes) -> PrescriptionSlip:
    """The reader's slip of a prescription, checked against the prescription's id.

    Raises:
        NotFound: no such prescription, or no slip of it for this reader.
    """
    indexed = gateway.index.prescription(prescription)
    slip = slip_by_hash(gateway, reader, indexed.terms_hash) if indexed else None
    if slip is None or slip.opening.id() != prescription:
        raise NotFound("no such prescription of yours")
    remember_body(gateway, slip.opening)
    return slip


def presented(gateway: "Gateway", slip: PrescriptionSlip, by: Address, fill: int | None) -> Presentation:
    """What is shown for one fill, by default the one that is due. It is a secret of its bearer.

    Raises:
        NotFound: no such fill, or a slip without fill keys.
        ClaimRefused: nothing is left to claim.
    """
    if fill is None:
        fill = gateway.ledger.prescription(slip.opening.id()).claimable_fill()
        if fill >= len(slip.fill_keys):
            nothing_left = ContractRejected("NothingLeftToDispense", {})
            raise refusal(nothing_left, Claim(slip.opening, by), now_of(gateway, slip.opening))
    return slip.presentation(fill)


def give_slips(gateway: "Gateway", slip: PrescriptionSlip, readers: Sequence[Address]) -> int:
    """Seal a slip, without fill keys, for each reader who has a usable key card; how many have one now."""
    name = slip.opening.terms_hash()
    content = slip.without_fill_keys.encode()
    given = 0
    for reader in dict.fromkeys(readers):
        if reader == slip.opening.subject.patient:
            continue
        try:
            card = gateway.cards.of(reader)
        except KeyCardError:
            continue
        gateway.store.put_slip(name, raw(reader), seal_note(content, name=name, card=card))
        given += 1
    return given


def act_on(gateway: "Gateway", act: Act, claim: Claim, errand: Errand) -> Entry:
    """Send an act, and say in words why it is refused if it is. Of an errand whose act is sent already, that one.

    Raises:
        ClaimRefused
        IdempotencyConflict: the errand has sent another act.
    """
    sent = earlier(gateway, claim.by, errand)
    try:
        if sent is None:
            return send(gateway, act, signer=claim.by, errand=errand)
        require_same(sent, act)
        return await_entry(gateway, sent, errand.wait)
    except ContractRejected as failure:
        raise refusal(failure, claim, now_of(gateway, claim.opening)) from failure


def now_of(gateway: "Gateway", opening: Opening) -> Now:
    """What the chain says of a prescription at this moment."""
    prescription = opening.id()
    state = gateway.ledger.prescription(prescription)
    return Now(
        state=state,
        at=chain_time(gateway),
        holder=gateway.ledger.holder(prescription),
        last_by=_last_by(gateway, prescription, state.dispensed_at) if state.dispensed_at else None,
    )


def _last_by(gateway: "Gateway", prescription: bytes, dispensed_at: int) -> Address | None:
    """Who dispensed at this time; None if the index does not come that far soon."""
    gateway.wait_indexed(head(gateway.node).number, INDEX_SECONDS)
    dispensed = [one for one in gateway.index.prescription_changes(prescription) if one.change == "dispensed"]
    last = dispensed[-1] if dispensed else None
    return last.by if last and last.state.dispensed_at == dispensed_at else None


def times_of(gateway: "Gateway", changes: Iterable[PrescriptionChange]) -> dict[int, int]:
    """When the blocks of these changes were made, seconds since 1970, by block number."""
    blocks = sorted({change.position[0] for change in changes})
    found = gateway.node.batch([("eth_getBlockByNumber", (hex(block), False)) for block in blocks])
    return {
        block: int(answer["timestamp"], 16)
        for block, answer in zip(blocks, found, strict=True)
        if isinstance(answer, dict)
    }


def listed(gateway: "Gateway", indexed: IndexedPrescription, slip: PrescriptionSlip | None) -> Listed:
    """A prescription as whoever has this slip of it sees it."""
    state = gateway.ledger.prescription(indexed.prescription)
    if slip is None:
        return Listed(indexed, None, None, state)
    holder = gateway.ledger.holder(indexed.prescription)
    return Listed(indexed, slip, standing(state, slip.opening.terms, at=chain_time(gateway), holder=holder), state)


def slip_by_hash(gateway: "Gateway", reader: Identity, terms_hash: bytes) -> PrescriptionSlip | None:
    """The reader's own slip, or that of the organization that she acts for, if its key is kept here."""
    slip = read_slip(gateway, terms_hash, reader.address, reader.sealing)
    if slip is not None:
        return slip
    participant = gateway.index.participant(reader.address)
    if participant is None or participant.suspended or not participant.roles & PROFESSIONAL:
        return None
    sealing = gateway.custody.find(participant.organization)
    return read_slip(gateway, terms_hash, participant.organization, sealing) if sealing else None
