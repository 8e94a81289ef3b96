"""Breaking the glass: opened in public with a reason, for hours; told at once; judged afterwards.

>>> opened = break_glass(gateway, clinician, ana.address, EmergencyReason.UNRESPONSIVE, hours=4, errand=errand)
>>> retrieve(gateway, clinician, digest, purpose=Purpose.BTG, correlation="...")

Nothing here permits anything: the ledger decides at each opening of a record, and `gateway.escrow` gives a key out only
on its word. What is told to whom follows from the ledger's events alone, so no kill can swallow it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING

from sqlalchemy import select

from gateway.clocks import chain_time
from gateway.errors import InvalidInput, NotFound
from gateway.identity.keystore import Identity
from gateway.notices.told import Told
from gateway.reading import open_verified
from gateway.sending import Errand, await_entry, earlier, send
from gateway.slips.slips import hand_out, unwrap
from ledger.codes import Category, EmergencyReason, ReviewOutcome
from ledger.database import reading
from ledger.index_care import CareIndex, IndexedOpening
from ledger.index_tables import blocks
from ledger.outbox import Entry
from ledger.positions import Position
from ledger.types import Address
from offchain_store.envelope import seal
from offchain_store.record import Header

if TYPE_CHECKING:
    from gateway.services import Gateway

MOST_REPORT = 10_000
"""Characters of a reviewer's report."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An opening, and how things stand with it at this moment."""

    opening: IndexedOpening
    opened_at: int
    """Seconds since 1970."""
    is_open: bool


def break_glass(
    gateway: "Gateway",
    clinician: Identity,
    patient: Address,
    reason: EmergencyReason,
    *,
    hours: int,
    errand: Errand,
) -> Entry:
    """Open what the patient's emergency preference allows, for some hours, in public.

    Raises:
        ContractRejected: she is no emergency staff, it is open already, or the hours are out of range.
    """
    correlation = sha256(errand.correlation.encode()).digest()
    act = gateway.ledger.acts.break_glass(patient, reason, hours=hours, correlation=correlation)
    return send(gateway, act, signer=clinician.address, errand=errand)


def coverage(gateway: "Gateway", viewer: Address, patient: Address) -> Category:
    """What an open break-glass lets the viewer read of the patient at this moment: nothing, if there is none."""
    opening = gateway.ledger.break_glass(patient, viewer)
    if opening is None or chain_time(gateway) >= opening.until:
        return Category(0)
    her, clinician = gateway.ledger.participant(patient), gateway.ledger.participant(viewer)
    if her is None or clinician is None:
        return Category(0)
    denied = any(gateway.ledger.is_denied(patient, one) for one in (viewer, clinician.organization))
    return Category(0) if denied and not her.over_denials else her.emergency


def openings_over(gateway: "Gateway", patient: Address, limit: int, before: Position | None = None) -> list[Standing]:
    """Every time that the glass was broken over a patient, newest first."""
    return _standing(gateway, CareIndex(gateway.ledger_database).openings_over(patient, limit, before))


def openings_by(gateway: "Gateway", clinician: Address, limit: int, before: Position | None = None) -> list[Standing]:
    """Every time that a clinician broke the glass, newest first."""
    return _standing(gateway, CareIndex(gateway.ledger_database).openings_by(clinician, limit, before))


def to_review(gateway: "Gateway", limit: int, before: Position | None = None) -> list[Standing]:
    """The auditors' queue: what has ended and nobody has judged, newest first."""
    index = CareIndex(gateway.ledger_database)
    found = index.unreviewed_openings(over_by=chain_time(gateway), limit=limit, before=before)
    return _standing(gateway, found)


def review(
    gateway: "Gateway",
    auditor: Identity,
    opening: IndexedOpening,
    outcome: ReviewOutcome,
    report: str,
    *,
    errand: Errand,
) -> Entry:
    """Judge an opening. The report is sealed for the auditor, the patient and the clinician; its digest is public.

    Raises:
        InvalidInput: no report, or too long a one.
        ContractRejected: still open, judged already, or the auditor was involved.
    """
    if not 0 < len(report.strip()) <= MOST_REPORT:
        raise InvalidInput("report", Told("say why, in 1 to {most} characters", {"most": f"{MOST_REPORT:,}"}))
    sent = earlier(gateway, auditor.address, errand)
    if sent is not None:
        # The same errand, cut off before it was answered: its report was sealed then.
        return await_entry(gateway, sent, errand.wait)
    acts = gateway.ledger.acts
    pair = (opening.patient, opening.clinician, opening.number)
    gateway.ledger.rehearse(acts.review_break_glass(*pair, outcome, bytes(32)), auditor.address)
    created = datetime.fromtimestamp(int(gateway.clock()), UTC)
    header = Header("text/plain", int(Category.OTHER), "Review of an emergency access", created)
    sealed = seal(BytesIO(report.strip().encode()), header, gateway.store)
    readers = [auditor.address, opening.patient, opening.clinician]
    hand_out(gateway, sealed.digest, sealed.record_key, readers, required=(auditor.address,))
    return send(gateway, acts.review_break_glass(*pair, outcome, sealed.digest), signer=auditor.address, errand=errand)


def open_report(gateway: "Gateway", reader: Identity, opening: IndexedOpening) -> str:
    """The report of a review, for those whom it concerns; verified against the digest on the ledger.

    Raises:
        NotFound: there is none, or none for this reader.
        RecordMissing, RecordAltered
    """
    record_key = unwrap(gateway, reader.address, reader.sealing, opening.report) if opening.report else None
    if record_key is None or opening.report is None:
        raise NotFound("there is no report, or none that was sealed for you")
    _, chunks, _ = open_verified(gateway.store, opening.report, record_key)
    return b"".join(chunks).decode()


def find(gateway: "Gateway", patient: Address, clinician: Address, number: int) -> Standing:
    """One opening.

    Raises:
        NotFound
    """
    found = CareIndex(gateway.ledger_database).opening(patient, clinician, number)
    if found is None:
        raise NotFound("there is no such opening")
    return _standing(gateway, [found])[0]


def _standing(gateway: "Gateway", found: Sequence[IndexedOpening]) -> list[Standing]:
    if not found:
        return []
    query = select(blocks.c.block_number, blocks.c.time)
    query = query.where(blocks.c.block_number.in_({one.position[0] for one in found}))
    with reading(gateway.ledger_database) as connection:
        times = {row.block_number: row.time for row in connection.execute(query)}
    now = chain_time(gateway)
    return [Standing(one, times.get(one.position[0], 0), now < one.until) for one in found]
