"""The examples at the head of the modules run, and give what they say."""

import doctest
import importlib
import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from offchain_store.envelope import seal
from offchain_store.keys import SealingKey
from offchain_store.local import LocalStore
from offchain_store.record import Header
from offchain_store.store import VerifiedStore
from offchain_store.suites import HYBRID
from tests.offchain_store.kubo import IpfsNode
from tests.offchain_store.test_keys import verify

PACKAGE = Path(__file__).parents[2] / "offchain_store"
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if ">>>" in path.read_text())


def test_every_public_module_has_an_example() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} - set(MODULES) == {"__init__", "errors"}


@pytest.fixture
def names(tmp_path: Path, header: Header, request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the examples speak of without saying where it comes from."""
    account, key = Account.create(), SealingKey.generate()
    store, partner = VerifiedStore(LocalStore(tmp_path)), LocalStore(tmp_path / "partner")
    record_key = sha256(b"record key").digest()
    sealed = seal(BytesIO(b"content"), header, partner, record_key=record_key)
    return {
        "BytesIO": BytesIO,
        "HYBRID": HYBRID,
        "LocalStore": LocalStore,
        "UTC": UTC,
        "block": partner.get(sealed.digest),
        "content": b"content",
        "datetime": datetime,
        "digest": sealed.digest,
        "folder": tmp_path / "example",
        "header": header,
        "key": key,
        "owner": bytes.fromhex(account.address[2:]),
        "partner_store": partner,
        "reader": b"r" * 20,
        "record": sealed.digest,
        "record_key": record_key,
        "seed": key.seed,
        "sign": lambda message: bytes(account.sign_message(encode_defunct(message)).signature),
        "slip": b"slip",
        "store": store,
        "verify": verify,
    }


@pytest.mark.parametrize("module", MODULES)
def test_the_example_runs(module: str, names: dict[str, Any], request: pytest.FixtureRequest) -> None:
    loaded = importlib.import_module(f"offchain_store.{module}")
    text = loaded.__doc__ or ""
    if "/ip4/" in text:
        node: IpfsNode = request.getfixturevalue("ipfs_node")
        text = re.sub(r"/ip4/127\.0\.0\.1/tcp/\d+", node.address, text)
    names["store"].put_slip(names["record"], names["reader"], names["slip"])
    example = doctest.DocTestParser().get_doctest(text, {**names, **vars(loaded)}, module, None, 0)
    report: list[str] = []
    results = doctest.DocTestRunner().run(example, out=report.append)
    for opened in ("store", "rpc"):
        if hasattr(example.globs.get(opened), "close"):
            example.globs[opened].close()
    assert results.attempted > 0
    assert results.failed == 0, "".join(report)


def test_the_example_of_the_specification_is_the_vector() -> None:
    """Every hexadecimal piece of it stands in the vector's root, in this order."""
    cases = json.loads((PACKAGE.parent / "tests/vectors/store/envelope.json").read_text())["cases"]
    (case,) = (case for case in cases if case["name"] == "inline")
    ((name, root),) = case["blocks"].items()
    text = (PACKAGE / "README.md").read_text()
    assert case["digest"] in text
    assert name in text
    assert f"The root, {len(root) // 2} bytes" in text
    example = text.split("### Example")[1].split("```")[1]
    pieces = [piece for line in example.splitlines() for piece in re.findall(r"\b[0-9a-f]{2,}\b", line.split('  "')[0])]
    assert len(pieces) > 20
    position = 0
    for piece in pieces:
        position = root.index(piece, position) + len(piece)
    assert position == len(root)
