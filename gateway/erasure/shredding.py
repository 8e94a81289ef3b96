"""Destroying every key of a record that this gateway holds, and its sealed bytes: afterwards nothing here opens it.

>>> shred(gateway, holding, patient=ana)
True

Where the keys of several records hang on one (a batch's compartment, `gateway.batches.seal`), those who read the others
get a slip for each of them first, and then the common one goes. That takes somebody who can open it: the patient while
she is signed in here, or an organization whose key is in custody. Until then the sealed bytes are gone already.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import select

from gateway.batches.index import BatchIndex, BatchRecord, batch_records
from gateway.batches.seal import compartment_name, record_key
from gateway.database import reading
from gateway.erasure.tombstones import Tombstones
from gateway.export.holdings import Holding
from gateway.prescriptions.bodies import bodies
from gateway.slips.reach import Holder, KeptKey
from gateway.slips.slips import hand_out, unwrap
from ledger.types import Address, address_of, raw
from offchain_store.errors import BlockMissing, OpeningError
from offchain_store.root import Root
from offchain_store.store import delete_record

if TYPE_CHECKING:
    from gateway.services import Gateway


def shred(gateway: "Gateway", holding: Holding, *, patient: Holder | None, whole: bool = False) -> bool:
    """Destroy a record's keys and sealed bytes; whether nothing is left. Can be cut off anywhere and called again.

    Args:
        patient: she, if her keys are unlocked here.
        whole: the records that share a key with it go as well, so nothing is handed out anew.

    Raises:
        StoreError: the store does not do it; it is to be tried again.
    """
    delete_record(gateway.store, holding.digest)
    for name in slip_names(gateway, holding):
        if name == holding.digest:
            continue
        if holding.kind == "batch" and not whole and not _part_from(gateway, holding, name, patient):
            return False
        for reader in gateway.store.list_slips(name):
            gateway.store.delete_slip(name, reader)
    return not is_left(gateway, holding)


def is_left(gateway: "Gateway", holding: Holding) -> bool:
    """Whether a slip or the root is still there."""
    names = slip_names(gateway, holding)
    return gateway.store.has(holding.digest) or any(gateway.store.list_slips(name) for name in names)


def slip_names(gateway: "Gateway", holding: Holding) -> list[bytes]:
    """Under which names slips lie that open the record."""
    names = [holding.digest]
    if holding.kind == "batch":
        record = BatchIndex(gateway.database).record(holding.digest)
        if record is not None:
            names.append(compartment_name(record.bundle, holding.patient, holding.categories))
    elif holding.kind == "prescription":
        prescription = prescription_of(gateway, holding.digest)
        indexed = gateway.index.prescription(prescription) if prescription else None
        if indexed is not None:
            names.append(indexed.terms_hash)
    return names


def prescription_of(gateway: "Gateway", body: bytes) -> bytes | None:
    """The prescription whose body this is."""
    with reading(gateway.database) as connection:
        query = select(bodies.c.prescription).where(bodies.c.digest == body).limit(1)
        prescription: bytes | None = connection.execute(query).scalar()
    return prescription


def readers_of(gateway: "Gateway", holding: Holding) -> tuple[Address, ...]:
    """Who has a slip that opens the record; the custodian for emergencies is this gateway itself."""
    found = {address_of(one) for name in slip_names(gateway, holding) for one in gateway.store.list_slips(name)}
    return tuple(sorted(found - {gateway.escrow.address}))


def blocks_of(gateway: "Gateway", digest: bytes) -> int:
    """How many of a record's blocks are here."""
    with suppress(BlockMissing, OpeningError):
        links = Root.decode(gateway.store.get(digest)).links
        return 1 + sum(gateway.store.has(link) for link in links)
    return int(gateway.store.has(digest))


def _part_from(gateway: "Gateway", holding: Holding, name: bytes, patient: Holder | None) -> bool:
    """Give every reader of the common key a slip for each of the other records; whether it can be done without now."""
    erased = Tombstones(gateway.database, gateway.settings.data_dir)
    others = [one for one in _compartment(gateway, holding) if one.item.digest != holding.digest]
    others = [one for one in others if one.item.digest not in erased.among([one.item.digest])]
    readers = [address_of(reader) for reader in gateway.store.list_slips(name)]
    if not others or not readers:
        return True
    key = next(
        filter(None, (unwrap(gateway, one.address, one.sealing, name) for one in _holders(gateway, patient))), None
    )
    if key is None:
        return False
    for other in others:
        hand_out(gateway, other.item.digest, record_key(key, other.place), readers)
    return True


def _compartment(gateway: "Gateway", holding: Holding) -> list[BatchRecord]:
    """The records that share a key with one of a batch, itself included."""
    index = BatchIndex(gateway.database)
    record = index.record(holding.digest)
    if record is None:
        return []
    same = (
        batch_records.c.bundle == record.bundle,
        batch_records.c.patient == raw(holding.patient),
        batch_records.c.categories == int(holding.categories),
    )
    with reading(gateway.database) as connection:
        digests = connection.execute(select(batch_records.c.digest).where(*same)).scalars().all()
    return [found for digest in digests if (found := index.record(digest)) is not None]


def _holders(gateway: "Gateway", patient: Holder | None) -> Iterator[Holder]:
    if patient is not None:
        yield patient
    yield KeptKey(gateway.escrow.address, gateway.escrow.sealing)
    for organization in gateway.custody.organizations():
        sealing = gateway.custody.find(organization)
        if sealing is not None:
            yield KeptKey(organization, sealing)
