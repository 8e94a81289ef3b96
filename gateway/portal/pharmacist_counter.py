"""What a pharmacist sees at the counter: a presented code looked at, what she has handed out today, what she holds.

>>> look = look_at(gateway, pharmacist, qr.decode(text), correlation)
>>> look.checked.standing.units_now, look.order.medication
(30, 'Amoxicillin 500 mg')
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from gateway.clocks import chain_time
from gateway.errors import GatewayError, InvalidInput, NotFound
from gateway.identity.keystore import Identity
from gateway.notices.told import Told
from gateway.portal.doctor_drafts import account
from gateway.portal.language import mark
from gateway.prescriptions.access import slip_by_hash, times_of
from gateway.prescriptions.claims import Checked, Counter, check, read
from gateway.prescriptions.qr import Presentation
from gateway.prescriptions.standing import UNDO_SECONDS, Standing, standing
from ledger import events
from ledger.codes import PrescriptionStatus
from ledger.database import reading
from ledger.errors import AccessDenied
from ledger.index import PrescriptionChange
from ledger.positions import newest_first
from ledger.types import Address, Opening, PrescriptionState, PrescriptionTerms, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

_NEWEST = 200
"""Acts of one pharmacist that are looked through for today's list."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a prescription's body says, for the counter."""

    medication: str
    dose: str
    unit: str
    reason: str
    is_known: bool
    """It is a MedicationRequest; else it says itself what it is, and is opened as a file."""


@dataclass(frozen=True, slots=True)
class Look:
    """A presented code, looked at."""

    checked: Checked
    order: Order | None = field(repr=False)
    """None: it may not be read; see `unread`."""
    unread: Exception | None
    can_undo: bool
    """Her own last hand-out, less than half an hour ago."""

    @property
    def opening(self) -> Opening:
        return self.checked.presentation.opening


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a pharmacist did to a prescription."""

    prescription: bytes
    prescriber: Address
    change: str
    """dispensed, claimed, released or undone."""
    at: int
    """Seconds since 1970."""
    units: int
    """Of a hand-out: how many."""
    owing: int


@dataclass(frozen=True, slots=True)
class Held:
    """A reservation of hers that has not lapsed."""

    prescription: bytes
    fence: int
    until: int
    terms: PrescriptionTerms
    stands: Standing
    most: int
    """Units that may be handed out under it."""
    prescriber: Address


def look_at(gateway: "Gateway", pharmacist: Identity, shown: Presentation, correlation: str) -> Look:
    """What may be done with a presented code, and what it is for; the reading is in the patient's log.

    Raises:
        LedgerError: the ledger does not answer.
    """
    checked = check(gateway, pharmacist.address, shown)
    order: Order | None = None
    unread: Exception | None = None
    try:
        found = read(gateway, pharmacist, Counter(shown), correlation)
        order = order_of(b"".join(found.content) if found.is_in_memory else b"")
    except (AccessDenied, GatewayError) as failure:
        unread = failure
    return Look(checked, order, unread, _can_undo(gateway, pharmacist.address, shown.id))


def order_of(content: bytes) -> Order:
    """A body's words; of one that is no MedicationRequest, that it is not."""
    try:
        resource = json.loads(content)
    except (ValueError, RecursionError):
        resource = None
    if not isinstance(resource, dict) or resource.get("resourceType") != "MedicationRequest":
        return Order("", "", "", "", is_known=False)
    doses = [str(one.get("text", "")) for one in _list(resource, "dosageInstruction")]
    reasons = [_words(one) for one in _list(resource, "reasonCode")]
    quantity = _object(_object(resource, "dispenseRequest"), "quantity")
    return Order(
        medication=_words(_object(resource, "medicationCodeableConcept")),
        dose="; ".join(filter(None, doses)),
        unit=str(quantity.get("unit", "")),
        reason="; ".join(filter(None, reasons)),
        is_known=True,
    )


def dispense_resource(
    gateway: "Gateway",
    pharmacist: Address,
    opening: Opening,
    order: Order | None,
    *,
    units: int,
    lot: str = "",
    keeps_until: str = "",
) -> dict[str, Any]:
    """What was handed out, as a FHIR MedicationDispense.

    Raises:
        InvalidInput: the day until which it keeps is none.
    """
    domain = gateway.ledger.domain
    now = datetime.fromtimestamp(int(gateway.clock()), UTC)
    quantity: dict[str, Any] = {"value": units}
    if order and order.unit:
        quantity["unit"] = order.unit
    resource: dict[str, Any] = {
        "resourceType": "MedicationDispense",
        "status": "completed",
        "medicationCodeableConcept": {"text": (order and order.medication) or "as prescribed"},
        "subject": account(domain, opening.subject.patient),
        "performer": [{"actor": account(domain, pharmacist)}],
        "authorizingPrescription": [
            {"identifier": {"system": "urn:ietf:rfc:6920", "value": f"ni:///sha-256;{opening.digest.hex()}"}}
        ],
        "quantity": quantity,
        "whenHandedOver": now.isoformat().replace("+00:00", "Z"),
    }
    if order and order.dose:
        resource["dosageInstruction"] = [{"text": order.dose}]
    if lot or keeps_until:
        batch = {"lotNumber": lot} if lot else {}
        if keeps_until:
            try:
                batch["expirationDate"] = date.fromisoformat(keeps_until).isoformat()
            except ValueError:
                raise InvalidInput(
                    "keeps_until", Told(mark("Write the day until which it keeps as 2027-06-30."))
                ) from None
        resource["contained"] = [{"resourceType": "Medication", "id": "pack", "batch": batch}]
        resource["supportingInformation"] = [{"reference": "#pack"}]
    return resource


def acts_of(gateway: "Gateway", pharmacist: Address, since: int) -> list[Act]:
    """What she did since a time, newest first."""
    table, issued = events.prescription_changes, events.prescriptions
    query = (
        select(table, issued.c.prescriber)
        .join(issued, issued.c.prescription == table.c.prescription)
        .where(table.c.by == raw(pharmacist))
        .order_by(*newest_first(table))
        .limit(_NEWEST)
    )
    with reading(gateway.ledger_database) as connection:
        rows = connection.execute(query).all()
    mine = [(row, (row.block_number, row.log_index)) for row in rows]
    histories = {row.prescription: gateway.index.prescription_changes(row.prescription) for row in rows}
    times = times_of(gateway, [change for changes in histories.values() for change in changes])
    acts = []
    for row, position in mine:
        at = times.get(row.block_number, 0)
        if at < since:
            continue
        before, change = _around(histories[row.prescription], position)
        units = change.state.units_used - before.units_used if row.change == "dispensed" else 0
        who = Address("0x" + row.prescriber.hex())
        acts.append(Act(row.prescription, who, row.change, at, units, change.state.owing))
    return acts


def held_by(gateway: "Gateway", pharmacist: Identity) -> list[Held]:
    """Her reservations that have not lapsed."""
    table = events.prescription_changes
    query = (
        select(table.c.prescription)
        .where(table.c.by == raw(pharmacist.address), table.c.change == "claimed")
        .order_by(*newest_first(table))
        .limit(_NEWEST)
    )
    with reading(gateway.ledger_database) as connection:
        names = list(dict.fromkeys(connection.execute(query).scalars()))
    now = chain_time(gateway)
    held = []
    for name in names:
        state = gateway.ledger.prescription(name)
        if state.lease_until <= now or gateway.ledger.holder(name) != pharmacist.address:
            continue
        indexed = gateway.index.prescription(name)
        slip = slip_by_hash(gateway, pharmacist, indexed.terms_hash) if indexed else None
        if slip is None:
            continue
        terms = slip.opening.terms
        stands = standing(state, terms, at=now, holder=pharmacist.address)
        held.append(
            Held(
                name,
                state.fence,
                state.lease_until,
                terms,
                stands,
                units_held(state, terms),
                slip.opening.prescriber,
            )
        )
    return held


def held(gateway: "Gateway", pharmacist: Identity, prescription: bytes) -> Held:
    """One of them.

    Raises:
        NotFound
    """
    for one in held_by(gateway, pharmacist):
        if one.prescription == prescription:
            return one
    raise NotFound("you do not hold this prescription reserved (any more)")


def units_held(state: PrescriptionState, terms: PrescriptionTerms) -> int:
    """Most units of a hand-out under a reservation."""
    return state.owing or max(min(terms.per_fill, terms.quantity - state.units_used), 0)


def _can_undo(gateway: "Gateway", pharmacist: Address, prescription: bytes) -> bool:
    changes = gateway.index.prescription_changes(prescription)
    if not changes or changes[-1].change != "dispensed" or changes[-1].by != pharmacist:
        return False
    state = gateway.ledger.prescription(prescription)
    recent = chain_time(gateway) < state.dispensed_at + UNDO_SECONDS
    return recent and state.status is not PrescriptionStatus.CLAIMED


def _around(
    changes: list[PrescriptionChange], position: tuple[int, int]
) -> tuple[PrescriptionState, PrescriptionChange]:
    """The state before a change, and the change."""
    before = PrescriptionState.unpack(int(PrescriptionStatus.ACTIVE))
    for change in changes:
        if change.position == position:
            return before, change
        before = change.state
    raise NotFound("the index has moved on: look again")


def _words(concept: Mapping[str, Any]) -> str:
    """A CodeableConcept for people."""
    codings = [one for one in _list(concept, "coding") if one.get("display")]
    return str(concept.get("text") or (codings[0]["display"] if codings else ""))


def _object(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def _list(parent: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = parent.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
