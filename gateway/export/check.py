#!/usr/bin/env python3
"""Check this archive with nothing but Python 3.9 or later: `python3 check.py`, in the folder that was unpacked.

What is checked: every file is there and is the one that was exported (SHA-256, as `sha256sum -c manifest-sha256.txt`
does); nothing was added; and every line of the access log is in the tree whose root the log's operator signed.
What is not: signatures and the Ethereum ledger. `consent-ledger verify archive FILE` checks those as well.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterator, List, Tuple  # noqa: UP035  (older Pythons run this too)

_CHUNK = 1 << 20


class Folder:
    """The archive, unpacked."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> List[str]:  # noqa: UP006
        """All files, with slashes."""
        files = (path for path in self._root.rglob("*") if path.is_file() or path.is_symlink())
        return [path.relative_to(self._root).as_posix() for path in files]

    def open(self, name: str) -> BinaryIO:
        """One file's bytes.

        Raises:
            OSError: it is not there, or a link that leads elsewhere.
        """
        path = self._root / name
        if path.is_symlink():
            raise FileNotFoundError(2, "a link is no file of the archive", name)
        return path.open("rb")


def problems_of(archive: Any) -> List[str]:  # noqa: UP006
    """What is wrong with the files of an archive: nothing, if the list is empty.

    Args:
        archive: a `Folder`, or anything with its two methods.
    """
    found = []
    listed = {"tagmanifest-sha256.txt"}
    there = set(archive.names())
    for manifest in ("tagmanifest-sha256.txt", "manifest-sha256.txt"):
        if manifest not in there:
            return [f"{manifest} is missing: this is no complete archive"]
        for digest, name in _lines(archive, manifest):
            listed.add(name)
            if name not in there:
                found.append(f"missing: {name}")
            elif _digest(archive, name) != digest:
                found.append(f"altered: {name}")
    found += [f"not part of what was exported: {name}" for name in sorted(there - listed)]
    if found:
        return found  # what was altered is not worth reading
    logs = [name for name in sorted(there) if name.endswith("/lines.jsonl")]
    return [problem for name in logs for problem in _log(archive, name)]


def root_of_inclusion(leaf_hash: bytes, index: int, size: int, path: List[bytes]) -> bytes:  # noqa: UP006
    """The root that a leaf and its inclusion proof lead to (RFC 9162, 2.1.3.2); empty: the proof has another length."""
    if not 0 <= index < size:
        return b""
    node, last, at = leaf_hash, size - 1, index
    for sibling in path:
        if last == 0:
            return b""
        if at & 1 or at == last:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        at, last = at >> 1, last >> 1
    return node if last == 0 else b""


def _log(archive: Any, name: str) -> Iterator[str]:
    with archive.open(name) as file:
        for number, raw in enumerate(file, 1):
            try:
                evidence = json.loads(raw)["evidence"]
                stands = evidence is None or _is_in_log(evidence)
            except (KeyError, ValueError, TypeError, AttributeError):
                stands = False
            if not stands:
                yield f"line {number} of {name} is not in the log that it is said to be in"


def _is_in_log(evidence: Dict[str, Any]) -> bool:  # noqa: UP006
    _origin, size, root = evidence["checkpoint"].split("\n")[:3]
    path = [bytes.fromhex(one) for one in evidence["inclusion"]]
    leaf = hashlib.sha256(b"\x00" + evidence["line"].encode()).digest()
    return root_of_inclusion(leaf, evidence["index"], int(size), path) == base64.b64decode(root)


def _lines(archive: Any, manifest: str) -> Iterator[Tuple[str, str]]:  # noqa: UP006
    with archive.open(manifest) as file:
        for raw in file:
            digest, _, name = raw.decode().rstrip("\n").partition("  ")
            yield digest, name


def _digest(archive: Any, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def main() -> int:
    """Check the folder that this file lies in; 0 if nothing is wrong."""
    archive = Folder(Path(__file__).resolve().parent)
    found = problems_of(archive)
    for problem in found:
        print(problem)
    if not found:
        print(f"{len(archive.names())} files: all there, and none altered since they were exported.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
