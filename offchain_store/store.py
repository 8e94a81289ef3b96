"""What a store is: two small protocols, and the wrapper that believes none of their implementations.

    >>> store = VerifiedStore(LocalStore(folder))
    >>> name = store.put(b"hello world", Codec.RAW)
    >>> store.get(name)
    b'hello world'

Blocks are named by their content, so any store can be checked. Slips are named by record and reader, and prove
themselves when they are opened: they are sealed to exactly that pair.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeAlias, runtime_checkable

from offchain_store.digest import MAX_BLOCK, Cid, Codec, Digest, cid_of, digest_of, reader_of
from offchain_store.errors import BlockMissing, OpeningError, TooLarge, WrongDigest
from offchain_store.root import Root

MAX_SLIP = 4_096
"""The largest key slip that a store takes, in bytes."""

_AT_A_TIME = 8
"""Puts that wait for a disk or a daemon side by side; more than this gains nothing."""

Block: TypeAlias = tuple[bytes, Codec]

Slip: TypeAlias = tuple[bytes, bytes, bytes]
"""Record, reader, slip."""


class Blocks(Protocol):
    """Blocks by content. A bare digest names a dag-cbor block: a record's root, a key card, a bundle."""

    def get(self, name: bytes | Cid) -> bytes:
        """The block.

        Raises:
            BlockMissing: it is not here.
        """
        ...

    def put(self, block: bytes, codec: Codec) -> Cid:
        """Keep a block durably; putting it again is no error, and mends it if it had rotted.

        Raises:
            TooLarge: more than 1 MiB.
        """
        ...

    def has(self, name: bytes | Cid) -> bool:
        """Whether the block is here, without asking whether it is still sound."""
        ...

    def delete(self, name: bytes | Cid) -> None:
        """Remove a block; no error if it is not here."""
        ...

    def list(self) -> Iterator[Cid]:
        """The names of all blocks, in no particular order."""
        ...


class Slips(Protocol):
    """Key slips by record and reader."""

    def put_slip(self, record: bytes, reader: bytes, slip: bytes) -> None:
        """Keep a slip durably, in place of the one that may be there.

        Raises:
            TooLarge
        """
        ...

    def get_slip(self, record: bytes, reader: bytes) -> bytes:
        """The slip.

        Raises:
            SlipMissing: it is not here.
        """
        ...

    def delete_slip(self, record: bytes, reader: bytes) -> None:
        """Remove a slip; no error if it is not here."""
        ...

    def list_slips(self, record: bytes) -> Sequence[bytes]:
        """The readers for whom there is a slip, in order of their addresses."""
        ...


class Store(Blocks, Slips, Protocol):
    """Where an organization keeps records."""


@runtime_checkable
class PutsMany(Protocol):
    """A store that keeps many blocks and slips faster than one after the other."""

    def put_many(
        self, blocks: Sequence[Block], slips: Sequence[Slip] = (), *, names: Sequence[Cid] | None = None
    ) -> Sequence[Cid]:
        """Keep all durably, in no particular order; the blocks' names.

        Args:
            names: the blocks' names, from whoever has computed them just now.
        """
        ...


class VerifiedStore:
    """A store whose blocks are what they are called, whatever the store underneath does."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner

    def get(self, name: bytes | Cid) -> bytes:
        """The block.

        Raises:
            BlockMissing, BackendError
            WrongDigest: the store underneath gave other bytes.
        """
        cid = cid_of(name)
        return cid.verified(self._inner.get(cid))

    def put(self, block: bytes, codec: Codec) -> Cid:
        """Keep a block durably.

        Raises:
            TooLarge, BackendError
            WrongDigest: the store underneath gave it another name.
        """
        name = checked_name(block, codec)
        given = self._inner.put(block, codec)
        if given != name:
            raise WrongDigest(name.digest, given.digest)
        return name

    def put_many(self, blocks: Sequence[Block], slips: Sequence[Slip] = ()) -> list[Cid]:
        """Keep blocks and slips durably, in no particular order; several at a time, if the store underneath does
        nothing faster.

        Raises:
            TooLarge, BackendError: at least one is not kept.
            WrongDigest: the store underneath gave a block another name.
        """
        names = [checked_name(block, codec) for block, codec in blocks]
        slips = [(digest_of(record), reader_of(reader), checked_slip(slip)) for record, reader, slip in slips]
        if isinstance(self._inner, PutsMany):
            given = self._inner.put_many(blocks, slips, names=names)
        else:
            with ThreadPoolExecutor(_AT_A_TIME) as threads:
                given = list(threads.map(lambda block: self._inner.put(*block), blocks))
                list(threads.map(lambda slip: self._inner.put_slip(*slip), slips))
        for name, other in zip(names, given, strict=True):
            if name != other:
                raise WrongDigest(name.digest, other.digest)
        return names

    def has(self, name: bytes | Cid) -> bool:
        """Whether the block is here."""
        return self._inner.has(cid_of(name))

    def delete(self, name: bytes | Cid) -> None:
        """Remove a block."""
        self._inner.delete(cid_of(name))

    def list(self) -> Iterator[Cid]:
        """The names of all blocks."""
        return self._inner.list()

    def put_slip(self, record: bytes, reader: bytes, slip: bytes) -> None:
        """Keep a slip durably."""
        self._inner.put_slip(digest_of(record), reader_of(reader), checked_slip(slip))

    def get_slip(self, record: bytes, reader: bytes) -> bytes:
        """The slip, unverified: opening it is the check.

        Raises:
            SlipMissing, BackendError
            TooLarge: what the store underneath gave cannot be a slip.
        """
        return checked_slip(self._inner.get_slip(digest_of(record), reader_of(reader)))

    def delete_slip(self, record: bytes, reader: bytes) -> None:
        """Remove a slip."""
        self._inner.delete_slip(digest_of(record), reader_of(reader))

    def list_slips(self, record: bytes) -> Sequence[bytes]:
        """The readers for whom there is a slip."""
        return self._inner.list_slips(digest_of(record))


def checked_name(block: bytes, codec: Codec) -> Cid:
    """The name of a block that a store may take.

    Raises:
        TooLarge: more than 1 MiB.
    """
    if len(block) > MAX_BLOCK:
        raise TooLarge("block", size=len(block), most=MAX_BLOCK)
    return Cid.of(codec, block)


def checked_slip(slip: bytes) -> bytes:
    """A slip that a store may take.

    Raises:
        TooLarge
    """
    if len(slip) > MAX_SLIP:
        raise TooLarge("key slip", size=len(slip), most=MAX_SLIP)
    return slip


def check_record(store: Blocks, digest: bytes) -> int:
    """Get all blocks of a record and check them against the digest, without a key; the number of blocks.

    Raises:
        BlockMissing: a block is not there.
        WrongDigest: a block was altered.
        OpeningError: the root is what was anchored, and yet no envelope.
    """
    root = _root(store, digest)
    for link in root.links:
        link.verified(store.get(link))
    return 1 + len(root.links)


def delete_record(store: Store, digest: bytes) -> None:
    """Remove a record for good: its slips first, so that nobody can open what a crash leaves; its root last, so that
    running this again finds the rest. No error if nothing, or only a part, is there.

    Raises:
        BackendError
    """
    for reader in store.list_slips(digest):
        store.delete_slip(digest, reader)
    try:
        links = _root(store, digest).links
    except (BlockMissing, OpeningError):
        links = ()  # gone already, or rotten: what it linked can no longer be known from here (`unreferenced` finds it)
    for link in links:
        store.delete(link)
    store.delete(digest)


def unreferenced(store: Blocks) -> set[Cid]:
    """The raw blocks that no envelope refers to: left by a crash while sealing, or by a rotten root.

    A record that is being put just now looks the same until its root is there: look twice, a day apart, then delete
    what was found both times.
    """
    found: set[Cid] = set()
    referenced: set[Cid] = set()
    for name in store.list():
        if name.codec is Codec.RAW:
            found.add(name)
        else:
            try:
                referenced.update(_root(store, name.digest).links)
            except (BlockMissing, OpeningError):
                continue  # not an envelope (a key card, a bundle), or not readable
    return found - referenced


def _root(store: Blocks, digest: bytes) -> Root:
    name = Cid.root(Digest(digest))
    return Root.decode(name.verified(store.get(name)))
