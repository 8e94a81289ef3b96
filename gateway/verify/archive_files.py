"""The files of an archive, zipped or unpacked: nothing is written anywhere, and a file is unpacked as it is read.

>>> with opened(Path("mine.zip")) as archive, readable():
...     json_of(archive, "data/ledger.json")["chain_id"]
43771
"""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from gateway.errors import EvidenceInvalid, GatewayError
from gateway.export.check import Folder

_MOST_JSON = 64 << 20
"""Bytes of the largest description that is read."""


class ArchiveUnreadable(GatewayError):
    """Not an archive that this program made, or a part of one."""


class Zipped:
    """The archive, as it came: nothing is unpacked."""

    def __init__(self, zipped: zipfile.ZipFile) -> None:
        self._zip = zipped
        tops = {name.partition("/")[0] for name in zipped.namelist()}
        if len(tops) != 1:
            raise ArchiveUnreadable("the zip holds no archive: there is not one folder in it")
        self._top = tops.pop() + "/"
        names = [name.removeprefix(self._top) for name in zipped.namelist() if not name.endswith("/")]
        if len(set(names)) != len(names):
            raise ArchiveUnreadable("the zip holds two files of one name")
        self._names = names

    def names(self) -> list[str]:
        """All files, with slashes."""
        return self._names

    def open(self, name: str) -> BinaryIO:
        """One file's bytes, unpacked as they are read."""
        return cast(BinaryIO, self._zip.open(self._top + name))


def json_of(archive: Any, name: str) -> dict[str, Any]:
    """A description in an archive.

    Raises:
        ArchiveUnreadable: it is too large, or no JSON object.
    """
    with archive.open(name) as file:
        text = file.read(_MOST_JSON + 1)
    if len(text) > _MOST_JSON:
        raise ArchiveUnreadable("a description in the archive is too large")
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ArchiveUnreadable("a description in the archive is not of the known form")
    return found


@contextmanager
def readable() -> Iterator[None]:
    """Say of whatever goes wrong in reading that the archive is at fault.

    Raises:
        ArchiveUnreadable
    """
    try:
        yield
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, OSError) as failure:
        raise ArchiveUnreadable("the archive is damaged: a file in it is missing or cannot be unpacked") from failure
    except (KeyError, ValueError, TypeError, AttributeError, EvidenceInvalid) as failure:
        raise ArchiveUnreadable("a description in the archive is not of the known form") from failure


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """An archive's files: `names()`, and `open(name)`.

    Raises:
        ArchiveUnreadable: not a whole zip, or not one of an archive.
    """
    if path.is_dir():
        yield Folder(path)
        return
    try:
        with zipfile.ZipFile(path) as zipped:
            yield Zipped(zipped)
    except zipfile.BadZipFile as failure:
        raise ArchiveUnreadable("not a whole zip: it was cut off, or is something else; export again") from failure
