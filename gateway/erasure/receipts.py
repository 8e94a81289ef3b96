"""The receipt of an erasure: the signed lines, sealed for the patient and anchored as a record of hers.

>>> digest, entry = put_receipt(gateway, ana, lines, errand)
>>> put_receipt(gateway, ana, lines, another_errand)[0] == digest
True
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from gateway import flow
from gateway.erasure.disposals import Cause, DisposalLine, Disposals
from gateway.erasure.tombstones import Tombstones
from gateway.identity.keystore import Identity
from gateway.sending import Errand
from ledger.codes import Category
from ledger.outbox import Entry
from ledger.types import Address
from offchain_store.record import Header

if TYPE_CHECKING:
    from gateway.services import Gateway

_LATE = 30
"""Seconds after which a receipt that is not there was cut off, and is not on its way."""
_DAY = 86_400


def put_receipt(
    gateway: "Gateway", patient: Identity, lines: Sequence[DisposalLine], errand: Errand
) -> tuple[bytes, Entry | None]:
    """Put the receipt of these lines among her records; where there is one already, it stays the only one."""
    stones = Tombstones(gateway.database, gateway.settings.data_dir)
    digests = [bytes.fromhex(line.fields["digest"]) for line in lines]
    before = {stone.receipt for digest in digests if (stone := stones.of(digest)) is not None}
    sealed_before = before.pop() if len(before) == 1 else None
    if sealed_before is not None and gateway.ledger.record_word(sealed_before):
        return sealed_before, None
    created = datetime.fromtimestamp(int(gateway.clock()), UTC)
    header = Header("application/json", int(Category.CONSENT_DOCUMENT), "Receipt of erasure", created)
    draft = flow.Draft(patient.address, Category.CONSENT_DOCUMENT, header)
    deposited = flow.deposit(
        gateway,
        patient,
        draft,
        BytesIO(receipt_of(lines, gateway.operator.address)),
        errand.step("receipt"),
        sealed_before=sealed_before,
        on_sealed=lambda digest: stones.remember_receipt(digests, digest),
    )
    return deposited.digest, deposited.entry


def receipt_of(lines: Sequence[DisposalLine], signer: Address) -> bytes:
    """A receipt's bytes: the lines as they were signed, by whom, and what they do not cover."""
    content: dict[str, Any] = {
        "receipt": "consent-ledger/v1/erasure",
        "signer": signer,
        "lines": [{"line": line.line.decode(), "signature": line.signature.hex()} for line in lines],
        "means": "Every key slip and sealed block of these records that this gateway held is destroyed.",
        "outside": "What the readers named in a line copied or keep elsewhere; backups of other organizations.",
        "stays": "On the ledger: the digests, which are of sealed bytes that no longer exist here.",
    }
    return json.dumps(content, indent=2, sort_keys=True).encode() + b"\n"


def put_late_receipts(gateway: "Gateway", patient: Identity) -> None:
    """The receipts of erasures that were cut off before the ledger had them."""
    stones = Tombstones(gateway.database, gateway.settings.data_dir)
    now = int(gateway.clock())
    recent = stones.finished_between(patient.address, Cause.ERASURE.value, now - _DAY, now - _LATE)
    waiting = [stone for stone in recent if stone.receipt is None or gateway.index.record(stone.receipt) is None]
    disposals = Disposals(gateway.database, gateway.operator)
    for correlation in dict.fromkeys(stone.correlation for stone in waiting):
        together = [stone for stone in waiting if stone.correlation == correlation]
        lines = [line for stone in together if (line := disposals.of(stone.digest)) is not None]
        put_receipt(gateway, patient, lines, Errand(correlation, f"late/{together[0].digest.hex()}"))
