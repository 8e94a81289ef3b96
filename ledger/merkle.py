"""Merkle trees that OpenZeppelin's `MerkleProof` verifies: keccak256 over sorted pairs, laid out as its merkle-tree.

>>> tree = MerkleTree([keccak(b"a"), keccak(b"b"), keccak(b"c")])
>>> verify(tree.path(1), tree.root, keccak(b"b"))
True
"""

from collections.abc import Iterable, Sequence

from ledger.keccak import keccak256


class MerkleTree:
    """A complete binary tree over leaves in the order given; leaf `i` is node `len(nodes) - 1 - i`."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        """Raises:
        ValueError: no leaves, or a leaf that is not 32 bytes long.
        """
        if not leaves or any(len(leaf) != 32 for leaf in leaves):
            raise ValueError("a Merkle tree needs at least one leaf, each of 32 bytes")
        size = 2 * len(leaves) - 1
        nodes = [b""] * size
        for i, leaf in enumerate(leaves):
            nodes[size - 1 - i] = leaf
        for i in range(size - 1 - len(leaves), -1, -1):
            nodes[i] = _parent(nodes[2 * i + 1], nodes[2 * i + 2])
        self._nodes = nodes

    @property
    def root(self) -> bytes:
        return self._nodes[0]

    def path(self, index: int) -> tuple[bytes, ...]:
        """The siblings from leaf `index` up to the root."""
        node = len(self._nodes) - 1 - index
        path = []
        while node > 0:
            path.append(self._nodes[node + 1 if node % 2 else node - 1])
            node = (node - 1) // 2
        return tuple(path)


def verify(path: Iterable[bytes], root: bytes, leaf: bytes) -> bool:
    """Whether the path leads from the leaf to the root."""
    node = leaf
    for sibling in path:
        node = _parent(node, sibling)
    return node == root


def _parent(a: bytes, b: bytes) -> bytes:
    return keccak256(a + b if a < b else b + a)
