"""Many small blocks and slips in one file: a pack, written at once, read one by one.

    >>> (folder / "new").mkdir(parents=True)
    >>> packs = Packs(folder / "packs", new=folder / "new")
    >>> packs.write([(block_key(Cid.of(Codec.RAW, b"small")), b"small"), (slip_key(record, reader), slip)])
    >>> packs.read(slip_key(record, reader)) == slip, packs.readers(record) == [reader]
    (True, True)

A file each would cost more than sealing does. A pack appears whole or not at all: it is written in `new`, synced and
renamed, as a single file is. Afterwards only erasing touches it: the bytes of what is erased are overwritten, and the
file goes with the last of them. The layout stands in the README. What comes out of a pack is believed no more than what
comes out of a file: blocks are hashed and slips are opened by whoever asked.
"""

import fcntl
import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from struct import Struct
from threading import Lock
from time import time_ns

from offchain_store.digest import Cid, Codec, Digest
from offchain_store.durable import sync, write_files
from offchain_store.whereabouts import Whereabouts

MAGIC = b"consent-ledger/v1/pack".ljust(28, b"\0")
MOST_BYTES = 64 << 20
"""Bytes of content after which another pack is begun."""

_HEAD = Struct(">28sI32s")
_ENTRY = Struct(">53sII3x")
_SIZE = _ENTRY.size
_STATE = _SIZE - 1
"""Where in an entry its state stands."""
_GONE = b"\1"
_SLIP = b"\0"
_NOBODY = bytes(20)
_SETTLED = 2 * 10**9
"""Nanoseconds after which a folder's time of change can be trusted to change with the next file."""


def block_key(name: Cid) -> bytes:
    """Under which a block stands in a pack, 53 bytes."""
    return name.digest + bytes((name.codec,)) + _NOBODY


def slip_key(record: bytes, reader: bytes) -> bytes:
    """Under which a slip stands in a pack, 53 bytes."""
    return record + _SLIP + reader


@dataclass(frozen=True, slots=True)
class _Pack:
    path: str
    prefixes: "array[int]"
    """The first eight bytes of each entry's name, in order: where in the file the entry stands."""

    def entries(self, name: bytes) -> "list[tuple[int, bytes]]":
        """Position in the file and bytes of the entries that may be of this name; none if the pack is gone."""
        prefix = _prefix(name)
        first = bisect_left(self.prefixes, prefix)
        end = bisect_right(self.prefixes, prefix, first)
        start = _HEAD.size + first * _SIZE
        try:
            found = _pread(self.path, start, (end - first) * _SIZE)
        except FileNotFoundError:
            return []
        return [(start + at, found[at : at + _SIZE]) for at in range(0, len(found) - _STATE, _SIZE)]

    def find(self, key: bytes) -> "tuple[int, int, int] | None":
        """Position of the entry, position and length of the content; None: not here, or erased."""
        for at, entry in self.entries(key):
            own, offset, length = _ENTRY.unpack(entry)
            if own == key and entry[_STATE:] != _GONE:
                return at, offset, length
        return None


class Packs:
    """The packs of a folder, which is made if it is not there; may be shared by threads and processes."""

    def __init__(self, folder: Path, *, new: Path) -> None:
        """Raises:
        OSError
        """
        self._folder = folder
        self._new = new
        self._lock = Lock()
        self._packs: dict[str, _Pack | None] = {}
        self._numbered: list[_Pack] = []
        self._where = Whereabouts()
        """Of the prefixes of all packs, by their place among the numbered; in one that is gone nothing is found."""
        self._listed: tuple[int, int] | None = None
        folder.mkdir(mode=0o700, exist_ok=True)
        self.look()

    def write(self, contents: Sequence[tuple[bytes, bytes]]) -> None:
        """Keep contents by their keys, no key twice; when this returns they survive a power cut.

        Raises:
            OSError: some are not written, and those that are need not last.
        """
        for group in _groups(sorted(contents)):
            name = token_hex(16)
            pack = _encode(group)
            write_files([(self._folder / name, pack)], new=self._new)
            with self._lock:
                if name not in self._packs:  # somebody may have looked since
                    self._take(name, _load(f"{self._folder}/{name}", pack[: _HEAD.size + len(group) * _SIZE]))

    def read(self, key: bytes) -> bytes | None:
        """What stands under a key, of a block in several packs one that has not rotted; None: nothing.

        Raises:
            OSError
        """
        found: list[bytes] = []
        for pack, (_, offset, length) in self._holding(key):
            with suppress(FileNotFoundError):  # erased with all the others, just now
                found.append(_pread(pack.path, offset, length))
        if len(found) < 2:
            return found[0] if found else None
        return next((content for content in found if sha256(content).digest() == key[:32]), found[0])

    def has(self, key: bytes) -> bool:
        """Whether anything stands under a key."""
        return next(self._holding(key), None) is not None

    def may_have(self, key: bytes) -> bool:
        """As `has`, without asking whether other processes have written packs: for names known to be here."""
        return any(pack.find(key) for pack in self._near(key))

    def may_name(self, name: bytes) -> bool:
        """Whether there may be any block or slip of this digest or record, as `may_have` looks for one."""
        return bool(self._near(name))

    def remove(self, key: bytes) -> None:
        """Erase what stands under a key: overwrite it, mark it, and remove the file if nothing else is left in it.

        Raises:
            OSError
        """
        for pack, _ in list(self._holding(key)):
            with suppress(FileNotFoundError), open(pack.path, "r+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                found = pack.find(key)
                if found is None:
                    continue
                at, offset, length = found
                os.pwrite(file.fileno(), bytes(length), offset)
                os.fsync(file.fileno())  # before the mark: what is marked is never looked at again
                os.pwrite(file.fileno(), _GONE, at + _STATE)
                os.fsync(file.fileno())
                index = os.pread(file.fileno(), len(pack.prefixes) * _SIZE, _HEAD.size)
                if index[_STATE::_SIZE].count(_GONE) == len(pack.prefixes):
                    os.unlink(pack.path)
                    sync([str(self._folder)], self._folder)

    def readers(self, record: bytes) -> list[bytes]:
        """For whom there are slips of a record."""
        self.look()
        found = set()
        for pack in self._near(record):
            for _, entry in pack.entries(record):
                if entry[:33] == record + _SLIP and entry[_STATE:] != _GONE:
                    found.add(entry[33:53])
        return sorted(found)

    def blocks(self) -> Iterator[Cid]:
        """The names of all blocks; one that stands in two packs comes twice."""
        self.look()
        for pack in self._known():
            try:
                index = _pread(pack.path, _HEAD.size, len(pack.prefixes) * _SIZE)
            except FileNotFoundError:
                continue
            for at in range(0, len(index) - _STATE, _SIZE):
                codec, state = index[at + 32], index[at + _STATE]
                if codec != _SLIP[0] and state != _GONE[0]:
                    yield Cid(Codec(codec), Digest(index[at : at + 32]))

    def _holding(self, key: bytes) -> Iterator[tuple[_Pack, tuple[int, int, int]]]:
        """The packs in which something stands under a key, and where; the folder is listed again before giving up."""
        looked = False
        for _ in range(2):
            for pack in self._near(key):
                found = pack.find(key)
                if found is not None:
                    yield pack, found
                    looked = True
            if looked or not self.look():
                return

    def _known(self) -> list[_Pack]:
        with self._lock:
            return [pack for pack in self._packs.values() if pack is not None]

    def _near(self, name: bytes) -> list[_Pack]:
        """The packs that may hold something of this name; of many packs, hardly ever more than the one."""
        with self._lock:
            return [self._numbered[number] for number in self._where.near(_prefix(name))]

    def _take(self, name: str, pack: _Pack | None) -> None:
        self._packs[name] = pack
        if pack is not None:
            self._where.add(len(self._numbered), pack.prefixes)
            self._numbered.append(pack)

    def look(self) -> bool:
        """Read the packs that other processes have written since; whether there was anything to look for."""
        with self._lock:
            changed = os.stat(self._folder).st_mtime_ns
            if self._listed is not None and changed == self._listed[0] and self._listed[1] - changed > _SETTLED:
                return False
            self._listed = changed, time_ns()
            names = set(os.listdir(self._folder))
            for name in self._packs.keys() - names:
                del self._packs[name]
            fresh = names - self._packs.keys()
            for name in fresh:
                self._take(name, _load(f"{self._folder}/{name}"))
            return bool(fresh)


def _prefix(name: bytes) -> int:
    return int.from_bytes(name[:8], "big")


def _groups(contents: Sequence[tuple[bytes, bytes]]) -> Iterator[Sequence[tuple[bytes, bytes]]]:
    """Cut into what goes into one pack."""
    first = size = 0
    for number, (_, content) in enumerate(contents):
        if size + len(content) > MOST_BYTES and number > first:
            yield contents[first:number]
            first, size = number, 0
        size += len(content)
    if contents[first:]:
        yield contents[first:]


def _encode(contents: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A pack of contents that are in order of their keys."""
    entries = []
    offset = _HEAD.size + len(contents) * _SIZE
    for key, content in contents:
        entries.append(_ENTRY.pack(key, offset, len(content)))
        offset += len(content)
    index = b"".join(entries)
    head = _HEAD.pack(MAGIC, len(contents), sha256(index).digest())
    return b"".join((head, index, *(content for _, content in contents)))


def _load(path: str, start: bytes | None = None) -> _Pack | None:
    """A pack's index; None: it is no pack, or its index was altered, so that what it held is missing."""
    try:
        if start is None:
            count = _HEAD.unpack(_pread(path, 0, _HEAD.size).ljust(_HEAD.size, b"\0"))[1]
            start = _pread(path, 0, _HEAD.size + min(count, os.path.getsize(path) // _SIZE) * _SIZE)
    except (FileNotFoundError, IsADirectoryError):
        return None
    magic, count, digest = _HEAD.unpack(start[: _HEAD.size].ljust(_HEAD.size, b"\0"))
    index = bytearray(start[_HEAD.size :])
    if magic != MAGIC or len(index) != count * _SIZE:
        return None
    index[_STATE::_SIZE] = bytes(count)  # the digest is that of the pack as it was written, with nothing erased
    if sha256(index).digest() != digest:
        return None
    return _Pack(path, array("Q", (prefix for (prefix,) in Struct(f">Q{_SIZE - 8}x").iter_unpack(index))))


def _pread(path: str, offset: int, length: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.pread(descriptor, length, offset)
    finally:
        os.close(descriptor)
