"""Putting many small blocks at once: durable when it returns, without a sync for each."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from offchain_store.digest import Cid, Codec

_THREADS = 8
"""Waiting for a disk or a daemon side by side; more than this gains nothing."""

Block = tuple[bytes, Codec]


@runtime_checkable
class PutsMany(Protocol):
    """A store that keeps many blocks with one sync for all."""

    def put_many(self, blocks: Sequence[Block]) -> list[Cid]: ...


class PutsOne(Protocol):
    """Any store."""

    def put(self, block: bytes, codec: Codec) -> Cid: ...


@dataclass(frozen=True, slots=True)
class Gathered:
    """A sink for sealing that keeps blocks in memory until they are put together."""

    blocks: list[Block] = field(default_factory=list)

    def put(self, block: bytes, codec: Codec) -> Cid:
        """Remember a block; its name."""
        self.blocks.append((block, codec))
        return Cid.of(codec, block)


def put_all(store: PutsOne, blocks: Sequence[Block]) -> None:
    """Keep all blocks durably, in no particular order.

    Raises:
        StoreError: at least one is not kept.
    """
    if isinstance(store, PutsMany):
        store.put_many(blocks)
        return
    with ThreadPoolExecutor(_THREADS) as threads:
        for _ in threads.map(lambda block: store.put(*block), blocks):
            pass
