"""Which records somebody may know of, and what the ledger says of each: the index finds, the chain confirms."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from gateway.consents.delegates import live_delegation
from gateway.consents.signed import SignedConsent, signed_helping
from gateway.emergencies import breakglass
from gateway.finding import grantees_of
from ledger.codes import Category, Power, RecordState
from ledger.errors import NodeRejected
from ledger.index import IndexedRecord
from ledger.types import Address

if TYPE_CHECKING:
    from gateway.services import Gateway


@dataclass(frozen=True, slots=True)
class Listed:
    """A record in a list."""

    record: IndexedRecord
    state: RecordState
    anchored_at: int | None
    """Seconds since 1970; None: not on the chain any more."""


def visible(
    gateway: "Gateway", viewer: Address, patient: Address, found: Sequence[IndexedRecord]
) -> list[IndexedRecord]:
    """Those of a patient's records that the viewer may know of: her own, those she wrote, those live consents cover."""
    if viewer == patient:
        return list(found)
    covered: Category | None = None
    shown = []
    for record in found:
        if record.author != viewer:
            covered = live_coverage(gateway, viewer, patient) if covered is None else covered
            if not record.state.counted or record.categories & ~covered:
                continue
        shown.append(record)
    return shown


def live_coverage(gateway: "Gateway", viewer: Address, patient: Address) -> Category:
    """The categories that live consents of the patient, a delegation or a broken glass open to the viewer, for whatever
    purpose, at this moment."""
    now = int(gateway.clock())
    ledger = gateway.ledger
    grantees = grantees_of(gateway, viewer)
    covered = breakglass.coverage(gateway, viewer, patient)
    if any(ledger.is_denied(patient, grantee) for grantee in grantees[:2]):
        return covered
    counts = cache(lambda grantee: _counts(gateway, patient, grantee))
    every = Category(0xFFFF)
    signed = signed_helping(gateway, patient, grantees, every, 0xFFFF, now)
    for found in [*gateway.index.bases(patient, grantees, every, 0xFFFF, now), *signed]:
        if not counts(found.grantee):
            continue
        consent = ledger.consent(patient, found.grantee, found.scope)
        # Of a signed one the ledger knows no terms, only that it was withdrawn.
        terms = found.terms if isinstance(found, SignedConsent) and consent.terms is None else consent.terms
        if terms is None or consent.withdrawn_at or not found.scope.startswith(bytes(30)):
            continue
        if terms.not_before <= now < terms.expiry:
            covered |= terms.categories
    leave = live_delegation(gateway, viewer, patient)
    if leave is not None and Power.READ in leave.powers:
        covered |= leave.categories
    return covered


def _counts(gateway: "Gateway", patient: Address, grantee: Address) -> bool:
    """Whether consents to a grantee count: a team may be suspended or denied while its members are not."""
    known = gateway.ledger.participant(grantee)
    return known is not None and not known.suspended and not gateway.ledger.is_denied(patient, grantee)


def described(gateway: "Gateway", found: Sequence[IndexedRecord]) -> list[Listed]:
    """What the chain says now of each record, asked in one round trip."""
    ledger = gateway.ledger
    calls = [
        (
            "eth_call",
            ({"to": ledger.address, "data": "0x" + ledger.abi.encode("recordOf", record.digest).hex()}, "latest"),
        )
        for record in found
    ]
    listed = []
    for record, answer in zip(found, gateway.node.batch(calls), strict=True):
        if isinstance(answer, NodeRejected):
            raise answer
        word = int(answer, 16)
        state = RecordState(word >> 16 & 0xFF)
        listed.append(Listed(record, state, (word >> 24 & 0xFF_FFFF_FFFF) or None))
    return listed
