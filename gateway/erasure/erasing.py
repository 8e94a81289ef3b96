"""Erasing on the patient's wish: keys and sealed bytes destroyed, a signed line, and a receipt among her records.

>>> erased = erase(gateway, ana, [digest], errand)
>>> erased.lines[0].fields["cause"]
'erasure'

In this order, so that a kill at any instant is made good by asking again, or by the chore `finish_erasures`:

1. Is she allowed to: it is hers, nobody must keep it longer, and it is no prescription that may still be dispensed.
2. A tombstone: from now on nobody opens it here.
3. Key slips, then sealed blocks are destroyed, wherever this gateway holds them.
4. A signed line in the list of disposals.
5. A receipt, with the lines, sealed for her and anchored.

What stays: the digest of bytes that no longer exist, on the ledger; and what others keep outside, who are named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from gateway.erasure.disposals import Cause, Disposal, DisposalLine, Disposals
from gateway.erasure.receipts import put_late_receipts, put_receipt
from gateway.erasure.rules import kept_until, organization_of
from gateway.erasure.shredding import blocks_of, prescription_of, readers_of, shred
from gateway.erasure.tombstones import Tombstone, Tombstones
from gateway.errors import NotFound, RecordRetained
from gateway.export.holdings import Holding, holding_of, holdings
from gateway.identity.keystore import Identity
from gateway.prescriptions.bodies import read_slip
from gateway.sending import Errand
from ledger.codes import PrescriptionStatus
from ledger.outbox import Entry
from offchain_store.store import delete_record

if TYPE_CHECKING:
    from gateway.services import Gateway

_OVER = (PrescriptionStatus.COMPLETED, PrescriptionStatus.CANCELLED, PrescriptionStatus.VOIDED)
_AT_ONCE = 100
_LOOK_AGAIN = 3_600
"""Seconds after which it is looked whether what was erased is still gone."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A record that was not erased, and why."""

    digest: bytes
    reason: str
    until: int | None
    """Seconds since 1970 from which on it may be; None: that depends."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What became of a wish."""

    lines: tuple[DisposalLine, ...]
    kept: tuple[Kept, ...]
    receipt: bytes | None
    """Digest of the receipt among her records; None: nothing was erased."""
    entry: Entry | None
    """The act that anchors the receipt; None: it was anchored before."""
    unfinished: tuple[bytes, ...] = ()
    """Nobody opens these any more, but a key that they share with others is still to be parted."""


def tombstones(gateway: "Gateway") -> Tombstones:
    """The erased records of a gateway."""
    return Tombstones(gateway.database, gateway.settings.data_dir)


def erase(gateway: "Gateway", patient: Identity, digests: Sequence[bytes], errand: Errand) -> Erased:
    """Erase some records of hers, all that may be erased.

    Raises:
        NotFound: one of them is not hers; nothing was erased then.
        RecordRetained: there was only one, and it must be kept.
        StoreError, LedgerError: cut off; asking again, or the chore, goes on from there.
    """
    found = []
    for digest in dict.fromkeys(digests):
        holding = holding_of(gateway, digest)
        if holding is None or holding.patient != patient.address:
            raise NotFound("no such record about you")
        found.append(holding)
    return _erase(gateway, patient, found, errand)


def erase_everything(gateway: "Gateway", patient: Identity, errand: Errand) -> Erased:
    """Erase all records of hers that may be erased, but for the receipts of earlier erasures."""
    receipts = tombstones(gateway)
    found = [one for one in holdings(gateway, patient.address) if not receipts.is_receipt(one.digest)]
    return _erase(gateway, patient, found, errand)


def begin(gateway: "Gateway", holding: Holding, *, cause: Cause, basis: str, correlation: str) -> Tombstone:
    """From now on nobody opens the record here."""
    stone = Tombstone(
        digest=holding.digest,
        patient=holding.patient,
        cause=cause.value,
        basis=basis,
        correlation=correlation,
        readers=readers_of(gateway, holding),
        blocks=blocks_of(gateway, holding.digest),
        begun_at=int(gateway.clock()),
    )
    return tombstones(gateway).set_down(stone)


def finish(
    gateway: "Gateway", holding: Holding, stone: Tombstone, *, patient: Identity | None, whole: bool = False
) -> DisposalLine | None:
    """Destroy what a tombstone stands for, and write the line; None: a key that it shares is still to be parted."""
    if not shred(gateway, holding, patient=patient, whole=whole):
        return None
    line = Disposals(gateway.database, gateway.operator).append(
        Disposal(
            at=int(gateway.clock()),
            digest=holding.digest,
            patient=holding.patient,
            author=holding.author,
            organization=organization_of(gateway, holding.author),
            categories=holding.categories,
            cause=Cause(stone.cause),
            basis=stone.basis,
            readers=stone.readers,
            blocks=stone.blocks,
            correlation=stone.correlation,
        )
    )
    tombstones(gateway).finish(stone, int(gateway.clock()))
    return line


def finish_erasures(gateway: "Gateway") -> None:
    """A chore: go on with what was cut off, and look again whether what is erased is still gone."""
    stones = tombstones(gateway)
    for stone in stones.unfinished(_AT_ONCE):
        holding = holding_of(gateway, stone.digest)
        if holding is not None:
            whole = stone.cause == Cause.RETENTION.value
            finish(gateway, holding, stone, patient=gateway.sessions.unlocked(stone.patient), whole=whole)
    for address in gateway.sessions.signed_in():
        patient = gateway.sessions.unlocked(address)
        if patient is not None:
            put_late_receipts(gateway, patient)
    now = int(gateway.clock())
    due = stones.to_check(now - _LOOK_AGAIN, _AT_ONCE)
    for digest in due:
        holding = holding_of(gateway, digest)
        if holding is not None:
            shred(gateway, holding, patient=gateway.sessions.unlocked(holding.patient))
    stones.checked(due, now)


def replay(gateway: "Gateway") -> int:
    """Before anybody is served: erase again what a restored backup has brought back; how many there were."""
    forgotten = tombstones(gateway).only_in_file()
    for digest in forgotten:
        delete_record(gateway.store, digest)
    gateway.indexer.sync()
    for digest in forgotten:
        holding = holding_of(gateway, digest)
        if holding is not None:
            stone = begin(gateway, holding, cause=Cause.ERASURE, basis="", correlation=str(uuid4()))
            finish(gateway, holding, stone, patient=None)
    return len(forgotten)


def _erase(gateway: "Gateway", patient: Identity, found: Sequence[Holding], errand: Errand) -> Erased:
    kept: list[Kept] = []
    lines: list[DisposalLine] = []
    unfinished: list[bytes] = []
    for holding in found:
        why = _must_be_kept(gateway, patient, holding)
        if why is not None:
            kept.append(why)
            continue
        stone = begin(gateway, holding, cause=Cause.ERASURE, basis="", correlation=errand.correlation)
        line = finish(gateway, holding, stone, patient=patient)
        if line is None:
            unfinished.append(holding.digest)
        else:
            lines.append(line)
    if len(found) == 1 and kept:
        raise RecordRetained(kept[0].digest, kept[0].reason, kept[0].until)
    if not lines:
        return Erased((), tuple(kept), None, None, tuple(unfinished))
    receipt, entry = put_receipt(gateway, patient, lines, errand)
    return Erased(tuple(lines), tuple(kept), receipt, entry, tuple(unfinished))


def _must_be_kept(gateway: "Gateway", patient: Identity, holding: Holding) -> Kept | None:
    if tombstones(gateway).of(holding.digest) is not None:
        return None
    if holding.kind == "prescription" and _may_be_dispensed(gateway, patient, holding.digest):
        return Kept(holding.digest, "this prescription may still be dispensed: have it cancelled first", None)
    until = kept_until(gateway, holding)
    if until is not None and until.at > gateway.clock():
        return Kept(holding.digest, f"its author must keep it ({until.basis})", until.at)
    return None


def _may_be_dispensed(gateway: "Gateway", patient: Identity, body: bytes) -> bool:
    prescription = prescription_of(gateway, body)
    indexed = gateway.index.prescription(prescription) if prescription else None
    if prescription is None or indexed is None:
        return False
    if gateway.ledger.prescription(prescription).status in _OVER:
        return False
    slip = read_slip(gateway, indexed.terms_hash, patient.address, patient.sealing)
    return slip is None or gateway.clock() < slip.opening.terms.expiry
