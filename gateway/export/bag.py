"""A bag (BagIt 1.0, RFC 8493) as a zip that leaves while it is being made: one file at a time, a chunk in memory.

>>> bag = BagWriter("consent-ledger-export", made_at=1_700_000_000)
>>> stream = chain(bag.add("data/a.txt", [b"hello"]), bag.finish({"Contact-Name": "Ana"}))

Payload lies under `data/` and is listed in `manifest-sha256.txt`; all else in `tagmanifest-sha256.txt`. Only names and
digests are kept in memory: some hundred bytes a file. A zip that was cut off has no directory and cannot be opened, so
that a part is never taken for the whole.
"""

import io
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256

_LARGE = 1 << 30
"""Bytes from which on a file's sizes need 64 bits in the zip."""
_TAGS = ("manifest-sha256.txt", "bag-info.txt", "bagit.txt")


class _Outlet(io.RawIOBase):
    """Takes what the zip writes and hands it on; it cannot go back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self._parts.append(bytes(part))
        return len(part)

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


class _Zip(zipfile.ZipFile):
    """A zip that is not finished by itself when it is given up half-way: nothing of the system's is open for it."""

    def __del__(self) -> None:
        pass


class BagWriter:
    """One bag in the making. Every method gives the zip's next bytes; they are to be sent in this order."""

    def __init__(self, name: str, *, made_at: int) -> None:
        self._name = name
        self._made_at = made_at
        self._outlet = _Outlet()
        self._zip = _Zip(self._outlet, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self._payload: dict[str, str] = {}
        self._tags: dict[str, str] = {}
        self._octets = 0

    def add(self, path: str, chunks: Iterable[bytes], *, size: int = 0) -> Iterator[bytes]:
        """Put a file into the bag.

        Args:
            path: within the bag, with slashes; payload begins with `data/`.
            size: bytes, where they may be many.

        Raises:
            ValueError: there is a file of that name, or the name leads out of the bag.
        """
        if path in self._payload or path in self._tags:
            raise ValueError("a bag holds no two files of one name")
        if path.startswith("/") or ".." in path.split("/") or not path.isascii() or not path.isprintable():
            raise ValueError("a file's name stays within the bag, in printable ASCII")
        digest, octets = sha256(), 0
        entry = zipfile.ZipInfo(f"{self._name}/{path}", time.gmtime(max(self._made_at, 315_532_800))[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o600 << 16
        with self._zip.open(entry, "w", force_zip64=size >= _LARGE) as file:
            for chunk in chunks:
                digest.update(chunk)
                octets += len(chunk)
                file.write(chunk)
                yield self._outlet.take()
        if path.startswith("data/"):
            self._payload[path] = digest.hexdigest()
            self._octets += octets
        else:
            self._tags[path] = digest.hexdigest()
        yield self._outlet.take()

    def finish(self, info: Mapping[str, str]) -> Iterator[bytes]:
        """Close the bag with its manifests.

        Args:
            info: further lines of `bag-info.txt`.
        """
        described = {
            "Bagging-Date": time.strftime("%Y-%m-%d", time.gmtime(self._made_at)),
            "Payload-Oxum": f"{self._octets}.{len(self._payload)}",
            **info,
        }
        texts = (
            _listing(self._payload),
            "".join(f"{label}: {value}\n" for label, value in described.items()),
            "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        )
        for tag, text in zip(_TAGS, texts, strict=True):
            yield from self.add(tag, [text.encode()])
        yield from self.add("tagmanifest-sha256.txt", [_listing(self._tags).encode()])
        self._zip.close()
        yield self._outlet.take()


def _listing(digests: Mapping[str, str]) -> str:
    """Lines as `sha256sum -c` reads them."""
    return "".join(f"{digest}  {path}\n" for path, digest in digests.items())
