"""A store in a folder: the default. Atomic, crash-safe, shared by any number of processes on one machine.

    >>> store = LocalStore(folder)
    >>> name = store.put(b"hello world", Codec.RAW)
    >>> store.get(name)
    b'hello world'

    blocks/5e/bafkrei...5ne5e                 a block under its CID, in a folder of the CID's last two characters
    slips/4a/bafyrei...4a/<reader in hex>     a record's key slips
    new/                                      files being written

A file appears whole or not at all: it is written in `new`, synced, renamed, and then its folder is synced. Names come
from digests and addresses only, never from text that somebody sent.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from time import time

from offchain_store.digest import Cid, Codec, cid_of, reader_of
from offchain_store.errors import BlockMissing, InvalidName, SlipMissing, StoreRejected, StoreUnavailable
from offchain_store.many_files import write_files
from offchain_store.store import Block, Slip, checked_name, checked_slip

_READER = re.compile("[0-9a-f]{40}")
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
            return self._block(cid).read_bytes()
        except FileNotFoundError as error:
            raise BlockMissing(cid.digest) from error
        except OSError as error:
            raise _refusal(error) from error

    def put(self, block: bytes, codec: Codec) -> Cid:
        """Keep a block durably; when this returns, it survives a power cut.

        Raises:
            TooLarge, BackendError
        """
        name = checked_name(block, codec)
        path = self._block(name)
        try:
            if not _holds(path, block):
                self._write(path, block)
        except OSError as error:
            raise _refusal(error) from error
        return name

    def put_many(self, blocks: Sequence[Block], slips: Sequence[Slip] = ()) -> list[Cid]:
        """Keep blocks and slips durably, with two syncs for all of them.

        Raises:
            TooLarge, BackendError
        """
        names = [checked_name(block, codec) for block, codec in blocks]
        files = [(self._block(name), block) for name, (block, _) in zip(names, blocks, strict=True)]
        files += [(self._slip(record, reader), checked_slip(slip)) for record, reader, slip in slips]
        try:
            write_files(files, new=self._new)
        except OSError as error:
            raise _refusal(error) from error
        return names

    def has(self, name: bytes | Cid) -> bool:
        """Whether the block is here."""
        return self._block(cid_of(name)).is_file()

    def delete(self, name: bytes | Cid) -> None:
        """Remove a block."""
        self._remove(self._block(cid_of(name)))

    def list(self) -> Iterator[Cid]:
        """The names of all blocks."""
        for path in self._folder.glob("blocks/*/*"):
            with suppress(InvalidName):  # somebody else's file
                yield Cid.parse(path.name)

    def put_slip(self, record: bytes, reader: bytes, slip: bytes) -> None:
        """Keep a slip durably, in place of the one that may be there.

        Raises:
            TooLarge, BackendError
        """
        try:
            self._write(self._slip(record, reader), checked_slip(slip))
        except OSError as error:
            raise _refusal(error) from error

    def get_slip(self, record: bytes, reader: bytes) -> bytes:
        """The slip.

        Raises:
            SlipMissing, BackendError
        """
        try:
            return self._slip(record, reader).read_bytes()
        except FileNotFoundError as error:
            raise SlipMissing(record, reader) from error
        except OSError as error:
            raise _refusal(error) from error

    def delete_slip(self, record: bytes, reader: bytes) -> None:
        """Remove a slip, and the record's folder of slips with the last of them."""
        path = self._slip(record, reader)
        self._remove(path)
        with suppress(OSError):  # there are other slips in it
            path.parent.rmdir()

    def list_slips(self, record: bytes) -> Sequence[bytes]:
        """The readers for whom there is a slip, in order."""
        try:
            names = os.listdir(self._slips(record))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _refusal(error) from error
        return sorted(bytes.fromhex(name) for name in names if _READER.fullmatch(name))

    def _block(self, name: Cid) -> Path:
        return self._sharded("blocks", name)

    def _slips(self, record: bytes) -> Path:
        return self._sharded("slips", Cid.root(record))

    def _slip(self, record: bytes, reader: bytes) -> Path:
        return self._slips(record) / reader_of(reader).hex()

    def _sharded(self, part: str, name: Cid) -> Path:
        text = str(name)
        return Path(f"{self._folder}/{part}/{text[-2:]}/{text}")  # faster than joining the parts one by one

    def _write(self, path: Path, content: bytes) -> None:
        new = self._new / token_hex(16)
        try:
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._rename(new, path)
        finally:
            new.unlink(missing_ok=True)

    def _rename(self, new: Path, path: Path) -> None:
        while True:
            _make_folder(path.parent)
            try:
                new.replace(path)
            except FileNotFoundError:
                if not new.exists():
                    raise
                continue  # the folder went with the last slip in it, just now
            _sync(path.parent)
            return

    def _remove(self, path: Path) -> None:
        try:
            path.unlink()
            _sync(path.parent)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _refusal(error) from error

    def _remove_abandoned(self) -> None:
        for path in self._new.iterdir():
            with suppress(FileNotFoundError):  # another process was quicker
                if path.stat().st_mtime < time() - _ABANDONED:
                    path.unlink()


def _holds(path: Path, block: bytes) -> bool:
    try:
        return path.read_bytes() == block
    except FileNotFoundError:
        return False


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refusal(error: OSError) -> StoreUnavailable | StoreRejected:
    """The system's reason, without the path: that names the record and the reader."""
    reason = error.strerror or type(error).__name__
    if isinstance(error, FileNotFoundError | FileExistsError | PermissionError | NotADirectoryError):
        return StoreUnavailable("the local store", reason)
    return StoreRejected("the local store", reason)
