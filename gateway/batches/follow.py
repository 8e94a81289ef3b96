"""Reading the manifests of anchored batches into `gateway.batches.index`, from wherever they came.

>>> follow(gateway)      # the roots of the batches that were read
[b'...']
"""

from typing import TYPE_CHECKING

from gateway.batches.index import BatchIndex, Reading
from gateway.batches.manifest import get_manifest, tree_of
from gateway.batches.store import BatchStore
from gateway.errors import RecordAltered
from ledger.index import IndexedBatch
from offchain_store.errors import StoreError

if TYPE_CHECKING:
    from gateway.services import Gateway

_MOST = 20
"""Batches read in one step."""


def follow(gateway: "Gateway") -> list[bytes]:
    """Read the manifests of batches that are new, and forget those that are gone; the roots that were read."""
    index = BatchIndex(gateway.database)
    cursor = index.cursor()
    known = index.known(cursor)
    fresh = [root for root in index.missing(_MOST) if _read(gateway, index, gateway.index.batch(root))]
    for batch in gateway.index.batches_after(cursor, _MOST + len(known)):
        position = known.pop(batch.root, None)
        if position is None and batch.kind == "records" and _read(gateway, index, batch):
            fresh.append(batch.root)
        elif position not in (None, batch.position):
            index.move(batch.root, batch.position)
    for root in known:
        if gateway.index.batch(root) is None:
            index.drop(root)
    return fresh


def _read(gateway: "Gateway", index: BatchIndex, batch: IndexedBatch | None) -> bool:
    if batch is None:
        return False
    try:
        manifest = get_manifest(gateway.store, batch.manifest)
    except StoreError:
        index.add(batch, Reading.MISSING)
        return False
    except RecordAltered:
        index.add(batch, Reading.REFUSED)
        return False
    tree = tree_of(manifest, batch.author)
    if tree.root != batch.root or len(manifest) != batch.count:
        index.add(batch, Reading.REFUSED)
        return False
    BatchStore(gateway.database).unsettle(batch.root)
    index.add(batch, Reading.READ, manifest, tree)
    return True
