"""Makes `tests/vectors/translog/proofs.json`: roots and proofs of a small log, each with the outcome that a verifier
must come to. `python -m scripts.translog_vectors`; run again, it leaves the file as it was.

It computes by the definitions of RFC 6962, section 2.1, recursively, and shares no code with `ledger.translog`.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "translog" / "proofs.json"
LEAVES = [bytes(range(number)) for number in range(11)]
ROOT_OF_NONE = sha256(b"").digest()


def mth(lines: list[bytes]) -> bytes:
    """MTH of the RFC."""
    if not lines:
        return ROOT_OF_NONE
    if len(lines) == 1:
        return sha256(b"\x00" + lines[0]).digest()
    k = _split(len(lines))
    return sha256(b"\x01" + mth(lines[:k]) + mth(lines[k:])).digest()


def path(index: int, lines: list[bytes]) -> list[bytes]:
    """PATH of the RFC."""
    if len(lines) == 1:
        return []
    k = _split(len(lines))
    if index < k:
        return [*path(index, lines[:k]), mth(lines[k:])]
    return [*path(index - k, lines[k:]), mth(lines[:k])]


def proof(first: int, lines: list[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF of the RFC; `whole`: its last argument."""
    if first == len(lines):
        return [] if whole else [mth(lines)]
    k = _split(len(lines))
    if first <= k:
        return [*proof(first, lines[:k], whole=whole), mth(lines[k:])]
    return [*proof(first - k, lines[k:], whole=False), mth(lines[:k])]


def _split(size: int) -> int:
    k = 1
    while 2 * k < size:
        k *= 2
    return k


def _inclusion(index: int, size: int, /, **changes: Any) -> dict[str, Any]:
    case = {
        "outcome": "ok",
        "index": index,
        "size": size,
        "root": mth(LEAVES[:size]).hex(),
        "proof": [node.hex() for node in path(index, LEAVES[:size])],
    }
    return {**case, **changes}


def _consistency(first: int, second: int, /, **changes: Any) -> dict[str, Any]:
    case = {
        "outcome": "ok",
        "first": first,
        "second": second,
        "first_root": mth(LEAVES[:first]).hex(),
        "second_root": mth(LEAVES[:second]).hex(),
        "proof": [node.hex() for node in proof(first, LEAVES[:second])] if first else [],
    }
    return {**case, **changes}


def vectors() -> dict[str, Any]:
    """The whole file."""
    some = _inclusion(5, 11)["proof"]
    other = _consistency(6, 11)["proof"]
    stranger = bytes(32).hex()
    return {
        "about": "RFC 6962 with SHA-256. Bytes in hexadecimal. roots[n]: of the first n leaves.",
        "outcomes": ["ok", "wrong_root", "truncated", "trailing_data", "malformed", "out_of_range"],
        "leaves": [leaf.hex() for leaf in LEAVES],
        "roots": [mth(LEAVES[:size]).hex() for size in range(len(LEAVES) + 1)],
        "inclusion": [
            *(_inclusion(index, size) for size in (1, 2, 3, 7, 8, 11) for index in range(size)),
            _inclusion(5, 11, outcome="wrong_root", root=mth(LEAVES[:10]).hex()),
            _inclusion(5, 11, outcome="truncated", proof=some[:-1]),
            _inclusion(5, 11, outcome="trailing_data", proof=[*some, stranger]),
            _inclusion(5, 11, outcome="trailing_data", proof=[*some, ""]),
            _inclusion(5, 11, outcome="malformed", proof=["", *some]),
            _inclusion(5, 11, outcome="malformed", proof=[some[0][:-2], *some[1:]]),
            _inclusion(5, 11, outcome="out_of_range", size=5),
            _inclusion(5, 11, outcome="out_of_range", index=4, size=0, root=ROOT_OF_NONE.hex(), proof=[]),
        ],
        "consistency": [
            *(_consistency(first, second) for second in (1, 2, 6, 8, 11) for first in range(1, second + 1)),
            _consistency(6, 11, outcome="wrong_root", first_root=mth(LEAVES[:5]).hex()),
            _consistency(6, 11, outcome="wrong_root", second_root=mth(LEAVES[:10]).hex()),
            _consistency(6, 11, outcome="truncated", proof=other[:-1]),
            _consistency(6, 11, outcome="truncated", proof=[]),
            _consistency(6, 11, outcome="trailing_data", proof=[*other, stranger]),
            _consistency(6, 6, outcome="trailing_data", proof=[stranger]),
            _consistency(6, 11, outcome="malformed", proof=["", *other]),
            _consistency(0, 11, outcome="out_of_range"),
            _consistency(0, 0, outcome="out_of_range"),
            _consistency(6, 11, outcome="out_of_range", first=12),
        ],
    }


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps(vectors(), indent=1) + "\n")
