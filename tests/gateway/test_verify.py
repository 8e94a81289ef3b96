"""The stand-alone verifier: when the gateway is gone, its database with it, a node and a store are enough to tell what
was anchored from what was altered, lost or made up."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gateway.verify
from gateway.verify.evidence import encode_evidence
from gateway.verify.reading import read_evidence
from gateway.verify.result import Verdict
from offchain_store.digest import Cid, Codec
from offchain_store.local import LocalStore
from tests.gateway.outside import CONTENT, Outside, left_behind, run


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """What a gateway has left behind."""
    with left_behind(tmp_path_factory.mktemp("outside")) as left:
        yield left


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("record", ["block in the store is the record", "(journal)", "and it stands", "medically right"]),
        ("in-batch", ["(laboratory)", "and it stands", "who has opened it"]),
        ("one-signature", ["signed by its author alone while a second signature is awaited"]),
        ("two-signatures", ["and it stands, signed by its author and by"]),
        ("retracted", ["(laboratory)", "declared it entered in error since"]),
        ("body", ["(medication)", "and it stands"]),
        ("consent", ["read and write medication for TREAT until", "it is live", "that anybody has read"]),
        ("signed-consent", ["By her signature", "read laboratory for TREAT until", "anchored by", "it is live"]),
        ("withdrawn", ["read laboratory for TREAT", "she withdrew it on"]),
        ("prescription", ["1 of 2 fills and 30 of 60 units", "it is open", "was taken"]),
        ("line", ["was permitted to open record", "for PATRQT", "checkpoint of", "no other access"]),
        ("refused", ["was refused (", "for TREAT"]),
        ("checkpoint", ["was anchored on", "begins with the", "every access was written"]),
    ],
)
def test_what_is_true_is_proven_without_the_gateway(outside: Outside, name: str, said: list[str]) -> None:
    status, answer = outside.verify(name)

    assert (status, answer["verdict"]) == (0, "proven"), answer
    for words in said:
        assert words in answer["sentence"]
    assert answer["sentence"].count(". ") == 0
    assert answer["proven"]
    assert answer["not_proven"]
    assert len(answer["facts"]["anchor"]["transaction"]) == 66


def test_evidence_is_read_as_it_was_written(outside: Outside) -> None:
    for name, file in outside.files.items():
        evidence = read_evidence(file.read_bytes())
        assert evidence.as_json() == outside.json[name]
        assert encode_evidence(evidence) == file.read_bytes()


def test_every_field_and_every_verdict_is_described(outside: Outside) -> None:
    described = (Path(gateway.verify.__file__).parent / "README.md").read_text()

    def names(value: object) -> set[str]:
        found = set(value) if isinstance(value, dict) else set()
        return found.union(*(names(one) for one in value.values())) if isinstance(value, dict) else found

    for evidence in outside.json.values():
        assert {name for name in names(evidence) if not re.search(rf"\b{name}\b", described)} == set()
    assert all(f"`{verdict}`" in described for verdict in Verdict)


def test_a_digest_alone_is_enough_for_a_record_that_was_anchored_alone(outside: Outside) -> None:
    where = ["--node", outside.node, "--deployment", str(outside.deployment), "--store", str(outside.store), "--json"]

    assert run("record", outside.json["record"]["digest"], *where)[0] == 0
    status, answer = run("record", "00" * 32, *where)
    assert (status, answer["verdict"]) == (1, "never-anchored")


def test_a_consent_is_found_by_patient_and_grantee(outside: Outside) -> None:
    consent = outside.json["consent"]
    pair = ["--patient", consent["patient"], "--grantee", consent["grantee"]]
    where = ["--node", outside.node, "--deployment", str(outside.deployment), "--json"]

    assert run("consent", *pair, *where)[1]["verdict"] == "proven"
    assert run("consent", *pair, "--number", "9", *where)[1]["verdict"] == "never-anchored"


def test_the_key_opens_the_record_and_another_does_not(outside: Outside) -> None:
    key, output = outside.folder / "key", outside.folder / "opened"
    key.write_text(outside.secrets["record"].hex() + "\n")

    status, answer = outside.verify("record", "--key", str(key), "--output", str(output))
    assert (status, output.read_bytes()) == (0, CONTENT)
    assert answer["facts"]["media_type"] == "text/plain"
    assert CONTENT.decode() not in json.dumps(answer)

    key.write_text("11" * 32)
    assert outside.verify("record", "--key", str(key))[1]["verdict"] == "contradicted"


# --- altered, missing, never anchored


def spoiled(outside: Outside, digest: bytes, spoil: Callable[[Path], object]) -> Path:
    """A copy of the store in which something was done to a block."""
    copy = outside.folder / "spoiled"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(outside.store, copy)
    (block,) = [path for path in (copy / "blocks").rglob("*") if path.is_file() and str(Cid.root(digest)) in path.name]
    spoil(block)
    return copy


@pytest.mark.parametrize(
    ("name", "field_"), [("record", "digest"), ("consent", "document"), ("prescription", "digest")]
)
def test_altered_and_missing_are_told_apart(outside: Outside, name: str, field_: str) -> None:
    evidence = outside.json[name]
    digest = bytes.fromhex((evidence["opening"] if name == "prescription" else evidence)[field_])

    flipped = spoiled(outside, digest, lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x00"))
    assert outside.verify(name, "--store", str(flipped))[1]["verdict"] == "altered"
    gone = spoiled(outside, digest, Path.unlink)
    status, answer = outside.verify(name, "--store", str(gone))
    assert (status, answer["verdict"]) == (1, "missing")
    assert "anchored, but missing" in answer["sentence"]


def test_what_nobody_anchored_is_said_to_be_so_though_the_store_has_it(outside: Outside) -> None:
    name = LocalStore(outside.store).put(b"\xa1\x61a\x01", Codec.DAG_CBOR)

    status, answer = outside.verify("record", digest=name.digest.hex(), cid=str(name))

    assert (status, answer["verdict"]) == (1, "never-anchored")


@pytest.mark.parametrize(
    ("name", "changes", "verdict"),
    [
        ("record", {"patient": "0x1111111111111111111111111111111111111111"}, "contradicted"),
        ("record", {"author": "0x1111111111111111111111111111111111111111"}, "contradicted"),
        ("record", {"categories": ["laboratory"]}, "contradicted"),
        ("in-batch", {"categories": ["medication"]}, "contradicted"),
        ("in-batch", {"author": "0x1111111111111111111111111111111111111111"}, "contradicted"),
        ("body", {"patient": "0x1111111111111111111111111111111111111111"}, "never-anchored"),
        ("consent", {"categories": ["medication", "laboratory"]}, "contradicted"),
        ("consent", {"expiry": 2**40 - 1}, "contradicted"),
        ("consent", {"document": "11" * 32}, "contradicted"),
        ("consent", {"consent": "11" * 32}, "contradicted"),
        ("line", {"index": 1}, "altered"),
        ("line", {"inclusion": ["11" * 32]}, "altered"),
        ("checkpoint", {"consistency": []}, "contradicted"),
        ("checkpoint", {"consistency": ["11" * 32]}, "contradicted"),
    ],
)
def test_evidence_that_says_something_else_than_the_ledger_is_contradicted(
    outside: Outside, name: str, changes: dict[str, Any], verdict: str
) -> None:
    status, answer = outside.verify(name, **changes)

    assert (status, answer["verdict"]) == (1, verdict), answer


def test_a_record_moved_to_another_place_of_its_batch_is_contradicted(outside: Outside) -> None:
    place = outside.json["in-batch"]["place"]

    for bent in ({**place, "index": place["index"] + 1}, {**place, "path": place["path"][:-1]}):
        assert outside.verify("in-batch", place=bent)[1]["verdict"] == "contradicted"
    assert outside.verify("in-batch", place={**place, "root": "11" * 32})[1]["verdict"] == "never-anchored"


def test_a_line_that_says_something_else_is_altered(outside: Outside) -> None:
    line = outside.json["refused"]["line"]

    status, answer = outside.verify("refused", line=line.replace('"permitted":false', '"permitted":true'))

    assert (status, answer["verdict"]) == (1, "altered")
    assert "does not read as it is given here" in answer["sentence"]


def test_another_prescriptions_terms_are_no_evidence(outside: Outside) -> None:
    opening = outside.json["prescription"]["opening"]
    bent = {**opening, "terms": {**opening["terms"], "quantity": 600}}

    assert outside.verify("prescription", opening=bent)[0] == 2
