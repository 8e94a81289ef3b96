"""The log's Merkle tree against vectors that others made, against a tree written down as RFC 6962 defines it, and
against proofs that were tampered with."""

import base64
import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.translog import (
    EMPTY_ROOT,
    Frontier,
    MemoryTree,
    Node,
    completed,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    siblings,
    verify_consistency,
    verify_inclusion,
)
from scripts.translog_vectors import vectors

OWN = json.loads((Path(__file__).parents[1] / "vectors/translog/proofs.json").read_text())
sizes = st.integers(1, 200)


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(b"line %d" % number) for number in range(size)]


def defined(leaves: Sequence[bytes]) -> bytes:
    """The Merkle tree hash in the words of RFC 6962, section 2.1."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\x01" + defined(leaves[:k]) + defined(leaves[k:])).digest()


def cases(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    return [(str(path.relative_to(folder)), json.loads(path.read_text())) for path in sorted(folder.rglob("*.json"))]


def bytes_of(values: Sequence[str] | None) -> list[bytes]:
    return [base64.b64decode(value) for value in values or ()]


def inclusion_holds(case: dict[str, Any]) -> bool:
    return verify_inclusion(
        base64.b64decode(case["leafHash"]),
        index=case["leafIdx"],
        size=case["treeSize"],
        proof=bytes_of(case["proof"]),
        root=base64.b64decode(case["root"]),
    )


def consistency_holds(case: dict[str, Any]) -> bool:
    return verify_consistency(
        first=case["size1"],
        second=case["size2"],
        proof=bytes_of(case["proof"]),
        first_root=base64.b64decode(case["root1"]),
        second_root=base64.b64decode(case["root2"]),
    )


def test_every_proof_of_the_independent_vectors_comes_out_as_it_should(shared_data: Path) -> None:
    folder = shared_data / "vectors/merkle-rfc6962/testdata"
    inclusion, consistency = cases(folder / "inclusion"), cases(folder / "consistency")

    wrong = [name for name, case in inclusion if inclusion_holds(case) == case["wantErr"]]
    wrong += [name for name, case in consistency if consistency_holds(case) == case["wantErr"]]

    assert wrong == []
    # 192, and the four edge cases of the next test.
    assert len(inclusion) + len(consistency) == 196
    assert {case["wantErr"] for _, case in inclusion + consistency} == {False, True}


@pytest.mark.parametrize(
    "name",
    [
        "inclusion/single-entry/empty-root-and-leaf.json",
        "inclusion/additional/0/empty-root.json",
        "consistency/additional/sizes-are-equal-zero-and-proof-is-empty.json",
        "consistency/additional/size1-is-zero-and-size2-is-not-zero.json",
    ],
)
def test_the_edge_cases_are_refused(shared_data: Path, name: str) -> None:
    case = json.loads((shared_data / "vectors/merkle-rfc6962/testdata" / name).read_text())

    assert case["wantErr"]
    assert not (inclusion_holds(case) if name.startswith("inclusion") else consistency_holds(case))


def test_roots_equal_those_of_the_independent_vectors(shared_data: Path) -> None:
    vectors = json.loads((shared_data / "vectors/merkle-rfc6962/rfc6962_roots.json").read_text())
    leaves = [leaf_hash(bytes.fromhex(text)) for text in vectors["leaf_inputs_hex"]]
    tree = MemoryTree(leaves)

    assert [root_of(tree, size).hex() for size in range(len(leaves) + 1)] == vectors["root_by_tree_size_hex"]


def test_the_shipped_vectors_come_out() -> None:
    tree = MemoryTree([leaf_hash(bytes.fromhex(leaf)) for leaf in OWN["leaves"]])
    for size, root in enumerate(OWN["roots"]):
        assert root_of(tree, size).hex() == root
    for case in OWN["inclusion"]:
        proof = [bytes.fromhex(node) for node in case["proof"]]
        leaf = leaf_hash(bytes.fromhex(OWN["leaves"][case["index"]]))
        root = bytes.fromhex(case["root"])
        found = verify_inclusion(leaf, index=case["index"], size=case["size"], proof=proof, root=root)
        assert found == (case["outcome"] == "ok"), case
        if found:
            assert inclusion_proof(tree, case["index"], case["size"]) == proof
    for case in OWN["consistency"]:
        proof = [bytes.fromhex(node) for node in case["proof"]]
        found = verify_consistency(
            first=case["first"],
            second=case["second"],
            proof=proof,
            first_root=bytes.fromhex(case["first_root"]),
            second_root=bytes.fromhex(case["second_root"]),
        )
        assert found == (case["outcome"] == "ok"), case
        if found:
            assert consistency_proof(tree, case["first"], case["second"]) == proof


def test_making_the_vectors_again_changes_nothing() -> None:
    assert vectors() == OWN


@given(sizes)
def test_the_tree_is_the_one_that_rfc_6962_defines(size: int) -> None:
    leaves = leaves_of(size)
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)

    assert root_of(MemoryTree(leaves), size) == frontier.root == defined(leaves)


def test_an_empty_log_has_the_root_of_nothing() -> None:
    assert root_of(MemoryTree(), 0) == Frontier().root == EMPTY_ROOT == defined([])


@given(st.data())
def test_every_line_is_proven_in_every_log_that_has_it(data: st.DataObject) -> None:
    size = data.draw(sizes)
    index = data.draw(st.integers(0, size - 1))
    leaves = leaves_of(size)
    tree, root = MemoryTree(leaves), defined(leaves)
    proof = inclusion_proof(tree, index, size)

    assert verify_inclusion(leaves[index], index=index, size=size, proof=proof, root=root)
    other = data.draw(st.integers(0, size + 3).filter(lambda number: number != index))
    assert not verify_inclusion(leaves[index], index=other, size=size, proof=proof, root=root)
    assert not verify_inclusion(leaf_hash(b"stranger"), index=index, size=size, proof=proof, root=root)
    if proof:
        assert not verify_inclusion(leaves[index], index=index, size=size, proof=proof[:-1], root=root)
    assert not verify_inclusion(leaves[index], index=index, size=size, proof=[*proof, bytes(32)], root=root)


@given(st.data())
def test_a_longer_log_is_proven_to_begin_with_a_shorter_one_and_with_no_other(data: st.DataObject) -> None:
    second = data.draw(sizes)
    first = data.draw(st.integers(1, second))
    leaves = leaves_of(second)
    tree = MemoryTree(leaves)
    old, new = defined(leaves[:first]), defined(leaves)
    proof = consistency_proof(tree, first, second)

    assert verify_consistency(first=first, second=second, proof=proof, first_root=old, second_root=new)
    forked = defined([*leaves[: first - 1], leaf_hash(b"another")])
    assert not verify_consistency(first=first, second=second, proof=proof, first_root=forked, second_root=new)
    assert not verify_consistency(first=first, second=second, proof=proof, first_root=old, second_root=forked)
    for place in range(len(proof)):
        bent = [*proof[:place], sha256(proof[place]).digest(), *proof[place + 1 :]]
        assert not verify_consistency(first=first, second=second, proof=bent, first_root=old, second_root=new)


@given(st.integers(0, 2**40))
def test_a_line_costs_at_most_a_hash_for_each_bit_of_its_number(index: int) -> None:
    left: list[Node] = siblings(index)

    assert len(left) <= index.bit_length()
    assert [node for node, _ in completed(index, bytes(32), [bytes(32)] * len(left))] == [
        (level, index >> level) for level in range(1, len(left) + 1)
    ]


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_no_proof_is_made_for_a_line_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no line"):
        inclusion_proof(MemoryTree(leaves_of(size)), index, size)


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3), (-1, 2)])
def test_no_proof_is_made_from_an_empty_or_a_longer_log(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="begins"):
        consistency_proof(MemoryTree(leaves_of(second)), first, second)
