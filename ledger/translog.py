"""The Merkle tree of an append-only log (RFC 6962; RFC 9162, section 2.1): proofs that a line stands in the log, and
that a longer log begins with a shorter one.

>>> tree = MemoryTree([leaf_hash(line) for line in (b"a", b"b", b"c")])
>>> proof = inclusion_proof(tree, 1, 3)
>>> verify_inclusion(leaf_hash(b"b"), index=1, size=3, proof=proof, root=root_of(tree, 3))
True

A tree is whatever gives the hashes of its complete subtrees: each is written once and never changes, so a line costs
O(log n) however long the log is, and a proof reads O(log n) of them.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Protocol

Node = tuple[int, int]
"""A complete subtree: its level (a leaf's is 0) and its index among those of its level, from 0. Node `(level, index)`
stands over the leaves from `index << level` to before `(index + 1) << level`."""

EMPTY_ROOT = sha256(b"").digest()
"""The root of a log without lines."""

HASH_LENGTH = 32
MOST_PROOF = 64
"""Hashes of a proof at most: a log has fewer than 2**64 lines."""


class Tree(Protocol):
    """Gives the hashes of complete subtrees."""

    def nodes(self, wanted: Sequence[Node]) -> Mapping[Node, bytes]:
        """The hashes of these nodes.

        Raises:
            KeyError: there is no such node yet.
        """
        ...


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf: SHA-256(0x00 || leaf)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def siblings(index: int) -> list[Node]:
    """The nodes to the left that leaf `index` completes a subtree with, from the lowest: as many as the number ends in
    ones. Their hashes are what appending needs."""
    found = []
    level = 0
    while index & 1:
        found.append((level, index - 1))
        index >>= 1
        level += 1
    return found


def completed(index: int, leaf: bytes, left: Sequence[bytes]) -> list[tuple[Node, bytes]]:
    """The inner nodes that leaf `index` completes, from the lowest, with their hashes.

    Args:
        leaf: its leaf hash.
        left: the hashes of its `siblings`.
    """
    found = []
    running = leaf
    for level, sibling in enumerate(left, start=1):
        running = node_hash(sibling, running)
        found.append(((level, index >> level), running))
    return found


def root_of(tree: Tree, size: int) -> bytes:
    """The root of the first `size` lines."""
    return _hashes(tree, [(0, size)])[0]


def inclusion_proof(tree: Tree, index: int, size: int) -> list[bytes]:
    """That line `index` stands in the log of `size` lines (RFC 9162, 2.1.3.1), from the leaf's sibling upwards.

    Raises:
        ValueError: there is no such line.
    """
    if not 0 <= index < size:
        raise ValueError(f"a log of {size} lines has no line {index}")
    ranges: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return _hashes(tree, ranges[::-1])


def consistency_proof(tree: Tree, first: int, second: int) -> list[bytes]:
    """That the log of `second` lines begins with the log of `first` lines (RFC 9162, 2.1.4.1).

    Raises:
        ValueError: not 0 < first <= second.
    """
    if not 0 < first <= second:
        raise ValueError(f"no log of {second} lines begins with {first}")
    ranges: list[tuple[int, int]] = []
    start, end = 0, second
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # else the old root itself is the node, and whoever verifies has it
        ranges.append((start, end))
    return _hashes(tree, ranges[::-1])


def verify_inclusion(leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a line with this leaf hash stands at `index` in the log of this size and root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or len(proof) > MOST_PROOF or not _are_hashes([leaf, root, *proof]):
        return False
    position, last = index, size - 1
    running = leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            running = node_hash(sibling, running)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            running = node_hash(running, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and running == root


def verify_consistency(
    *, first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> bool:
    """Whether the log of `second` lines and this root begins with the log of `first` lines and that root (RFC 9162,
    2.1.4.2). Nothing is proven of an empty log."""
    if not 0 < first <= second or len(proof) > MOST_PROOF:
        return False
    if first == second:
        return not proof and first_root == second_root
    if not proof or not _are_hashes([first_root, second_root, *proof]):
        return False
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    position, last = first - 1, second - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old = node_hash(sibling, old)
            new = node_hash(sibling, new)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            new = node_hash(new, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and old == first_root and new == second_root


class Frontier:
    """A log's tree as whoever only reads along needs it: one hash for each bit of its size."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """The next leaf hash."""
        running = leaf
        size = self.size
        while size & 1:
            running = node_hash(self._peaks.pop(), running)
            size >>= 1
        self._peaks.append(running)
        self.size += 1

    @property
    def root(self) -> bytes:
        """The root of what was added."""
        return _fold(self._peaks) if self._peaks else EMPTY_ROOT


class MemoryTree:
    """A tree that is held in memory."""

    def __init__(self, leaves: Sequence[bytes] = ()) -> None:
        """
        Args:
            leaves: leaf hashes.
        """
        self._nodes: dict[Node, bytes] = {}
        for index, leaf in enumerate(leaves):
            self._nodes[0, index] = leaf
            self._nodes.update(completed(index, leaf, [self._nodes[node] for node in siblings(index)]))

    def nodes(self, wanted: Sequence[Node]) -> Mapping[Node, bytes]:
        return {node: self._nodes[node] for node in wanted}


def _hashes(tree: Tree, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    """The tree hashes over ranges of leaves, each of which begins where a subtree of its size may begin."""
    parts = [_complete(start, end) for start, end in ranges]
    nodes = tree.nodes([node for part in parts for node in part])
    return [_fold([nodes[node] for node in part]) if part else EMPTY_ROOT for part in parts]


def _complete(start: int, end: int) -> list[Node]:
    """The complete subtrees that a range consists of, the largest first."""
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def _fold(peaks: Sequence[bytes]) -> bytes:
    """The hash over subtrees that stand side by side, the largest first."""
    running = peaks[-1]
    for peak in reversed(peaks[:-1]):
        running = node_hash(peak, running)
    return running


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _are_hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == HASH_LENGTH for value in values)
