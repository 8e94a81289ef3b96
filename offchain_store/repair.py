"""Mending a record whose blocks are gone or rotten here from another store that still has them.

    >>> repair_record(store, digest, sources=[partner_store])
    1

The sources need not be honest: only what a digest names is taken.
"""

from collections.abc import Sequence

from offchain_store.digest import Cid
from offchain_store.envelope import BlockSource
from offchain_store.errors import BackendError, BlockMissing, StoreError, TooLarge, WrongDigest
from offchain_store.root import Root
from offchain_store.store import Blocks


def repair_record(store: Blocks, digest: bytes, *, sources: Sequence[BlockSource]) -> int:
    """Mend every block of a record that needs it; the number of blocks mended.

    Raises:
        BlockMissing, WrongDigest: as `store` has it, where no source has better.
        OpeningError: the root is what was anchored, and yet no envelope.
    """
    name = Cid.root(digest)
    block, mended = _mended(store, name, sources)
    for link in Root.decode(block).links:
        mended += _mended(store, link, sources)[1]
    return mended


def _mended(store: Blocks, name: Cid, sources: Sequence[BlockSource]) -> tuple[bytes, int]:
    try:
        return name.verified(store.get(name)), 0
    except (BlockMissing, WrongDigest, TooLarge) as error:
        block = _from_any(sources, name, error)
    store.put(block, name.codec)
    return block, 1


def _from_any(sources: Sequence[BlockSource], name: Cid, otherwise: StoreError) -> bytes:
    for source in sources:
        try:
            return name.verified(source.get(name))
        except (BlockMissing, WrongDigest, TooLarge, BackendError):
            continue  # the next may have it
    raise otherwise
