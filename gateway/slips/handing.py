"""Handing key slips over: what a consent or delegation reaches is opened by one holder's slips and sealed for others.

>>> hand_over_reach(gateway, Reach.of(consent), people_behind(gateway, consent.grantee), ana)

The holder is whoever can open: the patient; her delegate; the organization whose sealing key is in custody here, for
its teams. Nobody gets more than the reach says, and nothing here permits anything: the ledger decides at each opening.
"""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from gateway.slips.more_slips import hand_over_more
from gateway.slips.reach import Holder, Reach
from gateway.slips.slips import hand_out, unwrap
from ledger.index import IndexedRecord
from ledger.types import Address, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

_PAGE = 200


def hand_over_reach(gateway: "Gateway", reach: Reach, readers: Collection[Address], holder: Holder) -> int:
    """Make the slips of everything in reach that the readers lack and the holder can open; how many were made.

    Can be cut off anywhere and called again: what is there is not made twice.
    """
    made = 0
    for record in covered(gateway, reach):
        there = set(gateway.store.list_slips(record.digest))
        lacking = [reader for reader in readers if raw(reader) not in there]
        record_key = unwrap(gateway, holder.address, holder.sealing, record.digest) if lacking else None
        if record_key is not None:
            made += hand_out(gateway, record.digest, record_key, lacking)
    return made + hand_over_more(gateway, reach, readers, holder)


def covered(gateway: "Gateway", reach: Reach) -> Iterator[IndexedRecord]:
    """The single records in reach, newest first."""
    if reach.record is not None:
        record = gateway.index.record(reach.record)
        if record and record.patient == reach.patient and not record.categories & ~reach.categories:
            yield record
        return
    for record in records_about(gateway, reach.patient):
        if not record.categories & ~reach.categories:
            yield record


def records_about(gateway: "Gateway", patient: Address) -> Iterator[IndexedRecord]:
    """Every single record about a patient, newest first."""
    before = None
    while True:
        page = gateway.index.records_about(patient, _PAGE, before)
        yield from page
        if len(page) < _PAGE:
            return
        before = page[-1].position
