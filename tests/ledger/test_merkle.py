"""Trees agree with OpenZeppelin's own, and proofs prove only what they are for."""

import json
from pathlib import Path

import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle import MerkleTree, verify

leaves = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def test_trees_and_proofs_equal_those_of_openzeppelin(shared_data: Path) -> None:
    vectors = json.loads((shared_data / "vectors/openzeppelin-merkle/oz_merkle_tree_1.0.8_generated.json").read_text())
    assert vectors["standard"]
    for case in vectors["standard"]:
        hashes = [_bytes(leaf["leafHash"]) for leaf in case["leaves"]]
        tree = MerkleTree(sorted(hashes))
        assert tree.root == _bytes(case["root"])
        for leaf in case["leaves"]:
            value = _bytes(leaf["leafHash"])
            path = tree.path(sorted(hashes).index(value))
            assert path == tuple(_bytes(node) for node in leaf["proof"])
            assert verify(path, tree.root, value)


@given(leaves)
def test_every_leaf_is_proven_by_its_own_path(values: list[bytes]) -> None:
    tree = MerkleTree(values)
    assert all(verify(tree.path(i), tree.root, leaf) for i, leaf in enumerate(values))


@given(leaves, st.binary(min_size=32, max_size=32))
def test_a_leaf_that_is_not_there_is_not_proven(values: list[bytes], stranger: bytes) -> None:
    tree = MerkleTree(values)
    proven = [verify(tree.path(i), tree.root, stranger) for i in range(len(values))]
    assert any(proven) == (stranger in values)


@pytest.mark.parametrize("values", [[], [b"short"], [bytes(32), bytes(33)]])
def test_a_tree_of_anything_but_words_is_refused(values: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        MerkleTree(values)


def test_the_root_of_one_leaf_is_the_leaf() -> None:
    assert MerkleTree([keccak(b"only")]).root == keccak(b"only")
