"""A store in memory that can be told to lie: what is got from it is spoilt in one chosen way."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from offchain_store.digest import Cid, Codec, Digest, cid_of
from offchain_store.errors import BlockMissing, SlipMissing, StoreUnavailable

Spoil: TypeAlias = Callable[[Cid, bytes], bytes]
"""Takes a block's name and its bytes, gives what the store will answer; may raise."""

SlipName: TypeAlias = tuple[bytes, bytes]


class Simulator:
    """Honest until `spoil`, `spoil_slip` or `rename` is set."""

    def __init__(self) -> None:
        self.blocks: dict[Cid, bytes] = {}
        self.slips: dict[SlipName, list[bytes]] = {}
        """All that ever stood under a name, the newest last."""
        self.spoil: Spoil | None = None
        self.spoil_slip: Callable[[list[bytes]], bytes] | None = None
        self.rename: Callable[[Cid], Cid] | None = None
        self.fail_after: int | None = None
        """So many more puts succeed, then the store is away."""

    def get(self, name: bytes | Cid) -> bytes:
        cid = cid_of(name)
        if cid not in self.blocks:
            raise BlockMissing(cid.digest)
        return self.spoil(cid, self.blocks[cid]) if self.spoil else self.blocks[cid]

    def put(self, block: bytes, codec: Codec) -> Cid:
        if self.fail_after is not None:
            if self.fail_after == 0:
                raise StoreUnavailable("the simulator", "told to fail")
            self.fail_after -= 1
        name = Cid.of(codec, block)
        self.blocks[name] = block
        return self.rename(name) if self.rename else name

    def has(self, name: bytes | Cid) -> bool:
        return cid_of(name) in self.blocks

    def delete(self, name: bytes | Cid) -> None:
        self.blocks.pop(cid_of(name), None)

    def list(self) -> Iterator[Cid]:
        return iter(tuple(self.blocks))

    def put_slip(self, record: bytes, reader: bytes, slip: bytes) -> None:
        self.slips.setdefault((record, reader), []).append(slip)

    def get_slip(self, record: bytes, reader: bytes) -> bytes:
        if (record, reader) not in self.slips:
            raise SlipMissing(record, reader)
        versions = self.slips[record, reader]
        return self.spoil_slip(versions) if self.spoil_slip else versions[-1]

    def delete_slip(self, record: bytes, reader: bytes) -> None:
        self.slips.pop((record, reader), None)

    def list_slips(self, record: bytes) -> Sequence[bytes]:
        return sorted(reader for of_record, reader in self.slips if of_record == record)


def flipped(value: bytes, bit: int) -> bytes:
    """With one bit turned over."""
    changed = bytearray(value)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def digest_that_is_none(name: Cid) -> Cid:
    """Another name of the same codec."""
    return Cid(name.codec, Digest(flipped(name.digest, 0)))
