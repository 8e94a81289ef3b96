"""A second implementation of opening, written from offchain_store/README.md alone, opens the vectors that are to open.

It shares no code with the package: HKDF by hand, dag-cbor and CIDs by the libraries.
"""

import hmac
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import dag_cbor
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from multiformats import CID

FOLDER = Path(__file__).parent.parent / "vectors" / "store"
CASES = [case for case in json.loads((FOLDER / "envelope.json").read_text())["cases"] if case["outcome"] == "ok"]


def _expand(key: bytes, use: str) -> bytes:
    return hmac.new(key, f"consent-ledger/v1/envelope/{use}".encode() + b"\x01", "sha256").digest()


def _open(blocks: dict[bytes, bytes], digest: bytes, record_key: bytes) -> tuple[Any, bytes]:
    root: Any = dag_cbor.decode(blocks[digest])
    assert root["version"] == 1
    assert root["commitment"] == _expand(record_key, "commitment")
    bound = b"\x01" + root["commitment"] + root["chunk"].to_bytes(4, "big")
    header = AESGCM(_expand(record_key, "header")).decrypt(
        bytes(12), root["header"], bound + root["length"].to_bytes(8, "big")
    )
    links: list[CID] = root.get("links", [])
    sealed = [blocks[bytes(link.raw_digest)] for link in links] or [root["inline"]]
    content = AESGCM(_expand(record_key, "content"))
    opened = b"".join(
        content.decrypt(index.to_bytes(11, "big") + bytes([index == len(sealed) - 1]), chunk, bound)
        for index, chunk in enumerate(sealed)
    )
    assert len(opened) == root["length"]
    return dag_cbor.decode(header[2 : 2 + int.from_bytes(header[:2], "big")]), opened


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES if "blocks" in case])
def test_a_second_implementation_opens_it(case: dict[str, Any]) -> None:
    blocks = {sha256(bytes.fromhex(block)).digest(): bytes.fromhex(block) for block in case["blocks"].values()}
    header, content = _open(blocks, bytes.fromhex(case["digest"]), bytes.fromhex(case["record_key"]))
    assert sha256(content).hexdigest() == case["content_sha256"]
    assert header["title"] == case["header"]["title"]
