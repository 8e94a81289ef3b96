"""Patients who let a doctor in: who they are, what each lets her see and write, which records there are.

>>> [patient.name for patient in patients_of(view)]
['Maren Oakfield']
"""

from dataclasses import dataclass

from gateway import listing
from gateway.batches import records as batch_records
from gateway.batches.index import Place
from gateway.consents.given import given_to
from gateway.finding import grantees_of
from gateway.portal.view import View
from ledger.codes import Category, Purpose, RecordState, purposes_in
from ledger.index import IndexedConsent, IndexedRecord
from ledger.types import FOREVER, Address

_MOST_CONSENTS = 1_000
"""That are looked through for a list of patients."""
_NUMBERED = bytes(30)


@dataclass(frozen=True, slots=True)
class LetIn:
    """What one patient lets a doctor do, by all live consents that reach her."""

    patient: Address
    name: str
    reads: Category
    writes: Category
    purposes: tuple[Purpose, ...]
    until: int
    """Seconds since 1970 at which the last of it ends."""
    through: tuple[str, ...]
    """Names of the teams and organizations that it comes by; empty: by her own name alone."""
    records: int = 0
    """Consents for one record alone."""

    @property
    def is_for_ever(self) -> bool:
        return self.until >= FOREVER


@dataclass(frozen=True, slots=True)
class Row:
    """One record in a doctor's list."""

    digest: bytes
    categories: Category
    author: Address
    author_name: str
    state: RecordState
    written_at: int | None
    """Seconds since 1970."""
    is_hers: bool
    """She wrote it."""


def patients_of(view: View) -> list[LetIn]:
    """Everybody whose live consents reach the doctor, by name; consents that were withdrawn are asked of the ledger
    when a record is opened, and of the index here."""
    grantees = grantees_of(view.gateway, view.address)
    live: dict[Address, list[IndexedConsent]] = {}
    for consent in given_to(view.gateway, grantees, _MOST_CONSENTS):
        if not consent.withdrawn and consent.terms.not_before <= view.now < consent.terms.expiry:
            live.setdefault(consent.patient, []).append(consent)
    names = view.names(*live, *grantees)
    denied = view.gateway.index.denials_of_many(list(live))
    found = [
        _let_in(view, patient, consents, names)
        for patient, consents in live.items()
        if not denied.get(patient, set()) & set(grantees[:2])
    ]
    return sorted(found, key=lambda one: one.name.casefold())


def patient_of(view: View, patient: Address) -> LetIn | None:
    """One of them; None: she lets the doctor in no more, or never did."""
    return next((one for one in patients_of(view) if one.patient == patient), None)


def records_of(
    view: View, patient: Address, *, limit: int, before: Place | None = None
) -> tuple[list[Row], Place | None]:
    """The patient's records that the doctor may know of, newest first, single ones and those of batches; and where the
    next page begins."""
    gateway = view.gateway
    found = [
        (one, (*one.position, 0))
        for one in gateway.index.records_about(patient, limit + 1, before[:2] if before else None)
    ]
    for batched in batch_records.records_about(gateway, [patient], limit + 1, before):
        item, record = batched.record.item, batched.record
        indexed = IndexedRecord(
            digest=item.digest,
            patient=item.patient,
            author=record.author,
            categories=item.categories,
            state=batched.state,
            successor=batched.successor,
            position=record.where[:2],
        )
        found.append((indexed, record.where))
    found.sort(key=lambda pair: pair[1], reverse=True)
    following = found[limit - 1][1] if len(found) > limit else None
    visible = listing.visible(gateway, view.address, patient, [one for one, _ in found[:limit]])
    names = view.names(*{one.author for one in visible})
    times = _times(view, visible)
    rows = [
        Row(
            digest=one.digest,
            categories=one.categories,
            author=one.author,
            author_name=names[one.author],
            state=one.state,
            written_at=times.get(one.position[0]),
            is_hers=one.author == view.address,
        )
        for one in visible
    ]
    return rows, following


def _let_in(view: View, patient: Address, consents: list[IndexedConsent], names: dict[Address, str]) -> LetIn:
    reads = writes = Category(0)
    mask = until = records = 0
    through: list[str] = []
    for consent in consents:
        mask |= consent.terms.purposes
        until = max(until, consent.terms.expiry)
        if consent.grantee != view.address:
            through.append(names[consent.grantee])
        if not consent.scope.startswith(_NUMBERED):
            records += 1
            continue
        reads |= consent.terms.categories
        if consent.terms.may_write:
            writes |= consent.terms.categories
    return LetIn(
        patient=patient,
        name=names[patient],
        reads=reads,
        writes=writes,
        purposes=tuple(purposes_in(mask)),
        until=until,
        through=tuple(dict.fromkeys(through)),
        records=records,
    )


def _times(view: View, records: list[IndexedRecord]) -> dict[int, int]:
    """When the blocks were made, seconds since 1970, in one round trip."""
    blocks = sorted({one.position[0] for one in records})
    answers = view.gateway.node.batch([("eth_getBlockByNumber", (hex(block), False)) for block in blocks])
    return {
        block: int(answer["timestamp"], 16)
        for block, answer in zip(blocks, answers, strict=True)
        if isinstance(answer, dict)
    }
