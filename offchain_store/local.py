"""A store in a folder: the default. Atomic, crash-safe, shared by any number of processes on one machine.

    >>> store = LocalStore(folder)
    >>> name = store.put(b"hello world", Codec.RAW)
    >>> store.get(name)
    b'hello world'

    blocks/5e/bafkrei...5ne5e                 a block under its CID, in a folder of the CID's last two characters
    slips/4a/bafyrei...4a/<reader in hex>     a record's key slips
    packs/<32 hexadecimal digits>             hundreds of small blocks and slips that came at once
    new/                                      files being written

A file appears whole or not at all: it is written in `new`, synced, renamed, and then its folder is synced. Names come
from digests and addresses only, never from text that somebody sent.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from time import time

from offchain_store.digest import Cid, Codec, cid_of, reader_of
from offchain_store.durable import sync, write_files
from offchain_store.errors import BlockMissing, InvalidName, SlipMissing, StoreRejected, StoreUnavailable
from offchain_store.packs import Packs, block_key, slip_key
from offchain_store.store import Block, Slip, checked_name, checked_slip

_READER = re.compile("[0-9a-f]{40}")
PACKED_FROM = 256
"""Blocks and slips from which on they are kept in a pack: every file costs a sync, and so does every pack."""

_ABANDONED = 3_600.0
"""Seconds after which a file in `new` belongs to nobody any more."""


class LocalStore:
    """Blocks and slips as files in a folder, which is made if it is not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._new = folder / "new"
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            for part in (folder, folder / "blocks", folder / "slips", self._new):
                part.mkdir(mode=0o700, exist_ok=True)
            sync([str(folder.parent), str(folder)], folder)
            self._packs = Packs(folder / "packs", new=self._new)
            self._remove_abandoned()
        except OSError as error:
            raise _refusal(error) from error

    def get(self, name: bytes | Cid) -> bytes:
        """The block.

        Raises:
            BlockMissing, BackendError
        """
        cid = cid_of(name)
        try:
            block = self._read(cid)
        except OSError as error:
            raise _refusal(error) from error
        if block is None:
            raise BlockMissing(cid.digest)
        return block

    def put(self, block: bytes, codec: Codec) -> Cid:
        """Keep a block durably; when this returns, it survives a power cut.

        Raises:
            TooLarge, BackendError
        """
        name = checked_name(block, codec)
        try:
            if self._read(name) != block:
                write_files([(self._block(name), block)], new=self._new)
        except OSError as error:
            raise _refusal(error) from error
        return name

    def put_many(
        self, blocks: Sequence[Block], slips: Sequence[Slip] = (), *, names: Sequence[Cid] | None = None
    ) -> Sequence[Cid]:
        """Keep blocks and slips durably, with two syncs for all of them; many in a pack.

        Args:
            names: the blocks' names, from whoever has computed them just now.

        Raises:
            TooLarge, BackendError
        """
        if names is None:
            names = [checked_name(block, codec) for block, codec in blocks]
        named = list(zip(names, (block for block, _ in blocks), strict=True))
        for _, _, slip in slips:
            checked_slip(slip)
        try:
            if len(blocks) + len(slips) < PACKED_FROM:
                files = [(self._block(name), block) for name, block in named]
                files += [(self._slip(record, reader), slip) for record, reader, slip in slips]
                write_files(files, new=self._new)
            else:
                self._pack(named, slips)
        except OSError as error:
            raise _refusal(error) from error
        return names

    def has(self, name: bytes | Cid) -> bool:
        """Whether the block is here."""
        cid = cid_of(name)
        try:
            return self._block(cid).is_file() or self._packs.has(block_key(cid))
        except OSError as error:
            raise _refusal(error) from error

    def delete(self, name: bytes | Cid) -> None:
        """Remove a block; of one in a pack, the bytes."""
        cid = cid_of(name)
        self._remove(self._block(cid), block_key(cid))

    def list(self) -> Iterator[Cid]:
        """The names of all blocks."""
        for path in self._folder.glob("blocks/*/*"):
            with suppress(InvalidName):  # somebody else's file
                yield Cid.parse(path.name)
        for name in self._packs.blocks():
            if not self._block(name).is_file():
                yield name

    def put_slip(self, record: bytes, reader: bytes, slip: bytes) -> None:
        """Keep a slip durably, in place of the one that may be there.

        Raises:
            TooLarge, BackendError
        """
        try:
            write_files([(self._slip(record, reader), checked_slip(slip))], new=self._new)
        except OSError as error:
            raise _refusal(error) from error

    def get_slip(self, record: bytes, reader: bytes) -> bytes:
        """The slip.

        Raises:
            SlipMissing, BackendError
        """
        try:
            slip = _read_file(self._slip(record, reader))
            if slip is None:
                slip = self._packs.read(slip_key(record, reader))
        except OSError as error:
            raise _refusal(error) from error
        if slip is None:
            raise SlipMissing(record, reader)
        return slip

    def delete_slip(self, record: bytes, reader: bytes) -> None:
        """Remove a slip, and the record's folder of slips with the last of them."""
        path = self._slip(record, reader)
        self._remove(path, slip_key(record, reader))
        with suppress(OSError):  # there are other slips in it
            path.parent.rmdir()

    def list_slips(self, record: bytes) -> Sequence[bytes]:
        """The readers for whom there is a slip, in order."""
        folder = self._slips(record)
        try:
            packed = self._packs.readers(record)
            names = _names_in(folder)
        except OSError as error:
            raise _refusal(error) from error
        return sorted({*packed, *(bytes.fromhex(name) for name in names if _READER.fullmatch(name))})

    def _block(self, name: Cid) -> Path:
        return self._sharded("blocks", name)

    def _slips(self, record: bytes) -> Path:
        return self._sharded("slips", Cid.root(record))

    def _slip(self, record: bytes, reader: bytes) -> Path:
        return self._slips(record) / reader_of(reader).hex()

    def _sharded(self, part: str, name: Cid) -> Path:
        text = str(name)
        return Path(f"{self._folder}/{part}/{text[-2:]}/{text}")  # faster than joining the parts one by one

    def _read(self, name: Cid) -> bytes | None:
        """The block from its file or a pack; where one of them has rotted, from the other."""
        block, key = _read_file(self._block(name)), block_key(name)
        if block is None:
            return self._packs.read(key)
        if self._packs.may_have(key) and sha256(block).digest() != name.digest:
            return self._packs.read(key)
        return block

    def _pack(self, blocks: Sequence[tuple[Cid, bytes]], slips: Sequence[Slip]) -> None:
        # A slip's file counts before a pack, and the first pack before the next: what replaces a slip is a file.
        self._packs.look()
        # A record has slips for several readers, and one that is new has none to be replaced.
        old = cache(lambda record: self._packs.may_name(record) or os.path.isdir(self._slips(record)))
        replaced = {
            (record, reader): slip
            for record, reader, slip in slips
            if old(record) and (self._slip(record, reader).is_file() or self._packs.may_have(slip_key(record, reader)))
        }
        packed = {block_key(name): block for name, block in blocks}
        packed |= {slip_key(record, reader): slip for record, reader, slip in slips if (record, reader) not in replaced}
        self._packs.write(list(packed.items()))
        write_files([(self._slip(*name), slip) for name, slip in replaced.items()], new=self._new)

    def _remove(self, path: Path, key: bytes) -> None:
        try:
            self._packs.remove(key)
            path.unlink()
            sync([str(path.parent)], self._folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _refusal(error) from error

    def _remove_abandoned(self) -> None:
        for path in self._new.iterdir():
            with suppress(FileNotFoundError):  # another process was quicker
                if path.stat().st_mtime < time() - _ABANDONED:
                    path.unlink()


def _read_file(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _refusal(error: OSError) -> StoreUnavailable | StoreRejected:
    """The system's reason, without the path: that names the record and the reader."""
    reason = error.strerror or type(error).__name__
    if isinstance(error, FileNotFoundError | FileExistsError | PermissionError | NotADirectoryError):
        return StoreUnavailable("the local store", reason)
    return StoreRejected("the local store", reason)
