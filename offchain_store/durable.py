"""Writing files so that they survive a power cut; many of them with two syncs for all, instead of two for each.

>>> (folder / "new").mkdir(parents=True)
>>> write_files([(folder / "a" / "x", b"1"), (folder / "b" / "y", b"2")], new=folder / "new")
>>> (folder / "b" / "y").read_bytes()
b'2'

Each file appears whole or not at all: all are written in `new`, synced, and then renamed.
"""

import ctypes
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

_LEVELS = 3
"""Folders above a file that may be new with it; what is above those was made and synced with the store."""

_FEW = 20
"""Files up to which each is synced by itself: the whole file system may hold other people's writes too."""


def write_files(files: Sequence[tuple[Path, bytes]], *, new: Path) -> None:
    """Write all; when this returns, they survive a power cut.

    Args:
        new: a folder on the same file system, where files stand while they are written.

    Raises:
        OSError: some are not written, and those that are need not last.
    """
    pairs: list[tuple[str, str]] = []
    try:
        mark = f"{new}/{token_hex(16)}."
        for number, (path, content) in enumerate(files):
            pairs.append((mark + str(number), str(path)))
            with open(os.open(pairs[-1][0], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0) as file:
                _write(file.fileno(), content)
        sync([temporary for temporary, _ in pairs], new)
        for temporary, final in pairs:
            _rename(temporary, final)
        sync(sorted({folder for _, final in pairs for folder in _above(final)}), new)
    except BaseException:
        for temporary, _ in pairs:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
        raise


def _write(descriptor: int, content: bytes) -> None:
    written = os.write(descriptor, content)
    while written < len(content):
        written += os.write(descriptor, memoryview(content)[written:])


def _rename(temporary: str, path: str) -> None:
    while True:
        try:
            os.replace(temporary, path)
        except FileNotFoundError:
            # Its folder is not there yet, or went with the last file in it, just now.
            if not os.path.exists(temporary):
                raise
            _make_folder(os.path.dirname(path))
        else:
            return


def _make_folder(folder: str) -> None:
    if not os.path.isdir(folder):
        _make_folder(os.path.dirname(folder))
        with suppress(FileExistsError):
            os.mkdir(folder, 0o700)


def _above(path: str) -> Iterator[str]:
    """The folders that may have been made for a file, by this call or by another that has not synced yet."""
    for _ in range(_LEVELS):
        path = os.path.dirname(path)
        yield path


def sync(paths: Sequence[str], folder: Path) -> None:
    """Sync files and folders: of many, on Linux, the file system of `folder` at once, which takes about as long as one.

    What is gone has nothing to be synced: somebody removed what had been put there.
    """
    if sys.platform == "linux" and len(paths) > _FEW:
        _sync_by(_syncfs, str(folder))
        return
    for path in paths:
        with suppress(FileNotFoundError):
            _sync_by(os.fsync, path)


def _sync_by(sync: Callable[[int], None], path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def _syncfs(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
