"""The vectors: what any implementation of offchain_store/README.md must end in."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from offchain_store.bundle import Bundle
from offchain_store.digest import Cid, cid_of
from offchain_store.envelope import open_record, seal
from offchain_store.errors import BlockMissing, Missing, OpeningError
from offchain_store.keys import KeyCard, SealingKey, unwrap_key
from offchain_store.record import Header
from scripts.store_vectors import HEADER, Collected, content, make
from tests.offchain_store.test_keys import verify

FOLDER = Path(__file__).parent.parent / "vectors" / "store"
OUTCOMES = {
    "ok",
    "wrong_key",
    "wrong_digest",
    "wrong_recipient",
    "bad_version",
    "malformed",
    "truncated",
    "trailing_data",
    "reordered",
    "altered",
    "forged",
    "missing",
}

Case = dict[str, Any]


def cases(kind: str, *, only: Callable[[Case], bool] = lambda case: True) -> list[Any]:
    found = json.loads((FOLDER / f"{kind}.json").read_text())["cases"]
    return [pytest.param(case, id=case["name"]) for case in found if only(case)]


class Answers:
    """A store that answers as a vector says."""

    def __init__(self, blocks: dict[str, str]) -> None:
        self._blocks = {Cid.parse(name): bytes.fromhex(block) for name, block in blocks.items()}

    def get(self, name: bytes | Cid) -> bytes:
        cid = cid_of(name)
        if cid not in self._blocks:
            raise BlockMissing(cid.digest)
        return self._blocks[cid]


def outcome(act: Callable[[], object]) -> str:
    try:
        act()
    except (OpeningError, Missing) as error:
        return error.outcome
    return "ok"


@pytest.mark.parametrize("case", cases("envelope", only=lambda case: "blocks" in case))
def test_envelope(case: Case) -> None:
    source = Answers(case["blocks"])
    digest, record_key = bytes.fromhex(case["digest"]), bytes.fromhex(case["record_key"])
    assert outcome(lambda: open_record(source, digest, record_key)) == case["outcome"]
    if case["outcome"] == "ok":
        record = open_record(source, digest, record_key)
        assert len(record.content) == case["size"]
        assert sha256(record.content).hexdigest() == case["content_sha256"]
        header = case["header"]
        assert record.header == Header(
            header["media_type"], header["category"], header["title"], datetime.fromisoformat(header["created"])
        )


@pytest.mark.parametrize("case", cases("envelope", only=lambda case: "blocks" not in case))
def test_a_large_envelope_is_sealed_to_its_known_digest(case: Case) -> None:
    record_key = bytes.fromhex(case["record_key"])
    sealed = seal(BytesIO(content(case["size"])), HEADER, Collected(), record_key=record_key)
    assert sealed.digest.hex() == case["digest"]


@pytest.mark.parametrize("case", cases("slip"))
def test_slip(case: Case) -> None:
    record, reader, seed, slip = (bytes.fromhex(case[name]) for name in ("record", "reader", "seed", "slip"))
    key = SealingKey.from_seed(seed)
    assert outcome(lambda: unwrap_key(slip, record=record, reader=reader, key=key)) == case["outcome"]
    if case["outcome"] == "ok":
        assert unwrap_key(slip, record=record, reader=reader, key=key).hex() == case["record_key"]


@pytest.mark.parametrize("case", cases("card"))
def test_card(case: Case) -> None:
    block = bytes.fromhex(case["card"])
    assert outcome(lambda: KeyCard.decode(block, verify)) == case["outcome"]
    if "digest" in case:
        card = KeyCard.decode(block, verify)
        assert card.digest.hex() == case["digest"]
        assert card.owner.hex() == case["owner"]
        assert card.message().decode() == case["message"]
        key = SealingKey.from_seed(bytes.fromhex(case["seed"]))
        assert {str(number): key.public(number).hex() for number, _ in card.keys} == case["keys"]


@pytest.mark.parametrize("case", cases("bundle"))
def test_bundle(case: Case) -> None:
    block = bytes.fromhex(case["bundle"])
    assert outcome(lambda: Bundle.decode(block)) == case["outcome"]
    if "digest" in case:
        slips = [tuple(map(bytes.fromhex, slip)) for slip in case["slips"]]
        bundle = Bundle.of((record, reader, slip) for record, reader, slip in slips)
        assert Bundle.decode(block) == bundle
        assert bundle.digest.hex() == case["digest"]


def _all() -> Iterator[Case]:
    for file in sorted(FOLDER.glob("*.json")):
        yield from json.loads(file.read_text())["cases"]


def test_every_outcome_of_the_closed_list_has_a_vector_and_no_other() -> None:
    assert {case["outcome"] for case in _all()} == OUTCOMES


def test_every_error_of_opening_has_an_outcome_of_the_closed_list() -> None:
    assert {error.outcome for error in OpeningError.__subclasses__()} | {Missing.outcome, "ok"} == OUTCOMES


def test_making_the_vectors_again_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "slip.json").write_text((FOLDER / "slip.json").read_text())
    make(tmp_path)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        file.name: file.read_text() for file in FOLDER.iterdir()
    }
