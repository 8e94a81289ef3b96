"""A batch's manifest: the stored list of its records, from which any gateway rebuilds the batch's Merkle tree.

    >>> digest = put_manifest(store, Manifest((Group.of(bundle, items),)))
    >>> tree_of(get_manifest(store, digest), author).root      # what is anchored together with the digest
    b'...'

The root block (dag-cbor) is `{version, count, groups: [{bundle, items}]}`. `items` links a block of rows (dag-cbor,
one byte string), 76 bytes each, in order: digest (32), patient (20), categories (uint16), writer (20), consent number
(uint16), all big-endian. A record's index is its row's place in the whole, from 0. `bundle` is the group's name, 32
random bytes: where the key slips of its records lie follows from it (`gateway.batches.seal`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Self

from gateway.errors import RecordAltered
from ledger.codes import Category
from ledger.keccak import keccak256
from ledger.merkle import MerkleTree
from ledger.types import ZERO_ADDRESS, Address, Subject, address_of, raw
from offchain_store import dagcbor
from offchain_store.digest import MAX_BLOCK, Cid, Codec, Digest
from offchain_store.errors import OpeningError
from offchain_store.store import Blocks

VERSION = 1
MOST_ROWS = 8_192
"""Rows in a group: a block of 622,592 bytes."""
MOST_GROUPS = MAX_BLOCK // 96
"""Groups that the root block has room for."""

ROW = 76
"""Bytes of a row."""

WRITER_AT = 54
"""Where in a row its writer begins."""

_OWN, _VIA_ORGANIZATION, _PROPOSED = (leave.to_bytes(8, "big") for leave in range(3))
"""How the word of a subject begins: the consent names the author, or her organization, or there is none."""


@dataclass(frozen=True, slots=True)
class Item:
    """One record of a batch."""

    digest: bytes
    patient: Address
    categories: Category
    writer: Address = ZERO_ADDRESS
    """Grantee of the consent that lets the author write; zero: the record is a proposal."""
    consent_number: int = 0

    def subject(self, author: Address) -> Subject:
        """The record's subject, and where the author's leave to write it stands."""
        proposed = self.writer == ZERO_ADDRESS
        via = not proposed and self.writer != author
        return Subject(self.patient, self.categories, self.consent_number, via_organization=via, proposed=proposed)


@dataclass(frozen=True, slots=True)
class Group:
    """Records whose keys lie in the same bundle."""

    bundle: bytes
    rows: bytes = field(repr=False)
    """The records as they are stored, 76 bytes each: a hundred thousand of them should cost no more memory."""

    @classmethod
    def of(cls, bundle: bytes, items: Iterable[Item]) -> Self:
        """The group of these records."""
        return cls(bundle, b"".join(map(_row, items)))

    @property
    def items(self) -> tuple[Item, ...]:
        """The records, in order."""
        return tuple(map(_item, self.each()))

    def each(self) -> Iterator[bytes]:
        """The rows, in order."""
        return (self.rows[at : at + ROW] for at in range(0, len(self.rows), ROW))

    def __len__(self) -> int:
        return len(self.rows) // ROW


@dataclass(frozen=True, slots=True)
class Manifest:
    """All records of a batch, in order."""

    groups: tuple[Group, ...]

    def items(self) -> Iterator[Item]:
        for group in self.groups:
            yield from group.items

    def __len__(self) -> int:
        return sum(map(len, self.groups))


def put_manifest(store: Blocks, manifest: Manifest) -> Digest:
    """Store a manifest, its root last; the same list always has the same digest."""
    groups: list[dagcbor.Value] = []
    for group in manifest.groups:
        # Not a raw block: what no envelope links counts as left over (`offchain_store.store.unreferenced`).
        rows = store.put(dagcbor.encode(group.rows), Codec.DAG_CBOR)
        groups.append({"bundle": group.bundle, "items": rows})
    root = dagcbor.encode({"version": VERSION, "count": len(manifest), "groups": groups})
    return store.put(root, Codec.DAG_CBOR).digest


def get_manifest(store: Blocks, digest: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        RecordAltered: what the digest names is no manifest.
        StoreError: the store does not have it, or does not answer.
    """
    try:
        root = dagcbor.decode_map(store.get(Cid.root(digest)), what="manifest")
        groups = root.get("groups")
        fields = {"version", "count", "groups"}
        if set(root) != fields or root["version"] != VERSION or not isinstance(groups, list):
            raise RecordAltered(digest, "it is no manifest of a version known here")
        manifest = Manifest(tuple(_group(store, digest, group) for group in groups))
    except OpeningError as failure:
        raise RecordAltered(digest, f"its manifest cannot be read ({failure.outcome})") from failure
    if len(manifest) != root["count"]:
        raise RecordAltered(digest, "its manifest lists more or fewer records than it says")
    return manifest


class BatchTree(MerkleTree):
    """A Merkle tree that can be kept, so that one record's path costs no rebuilding of it."""

    def packed(self) -> bytes:
        """Its nodes, 32 bytes each, the root first."""
        return b"".join(self._nodes)


def tree_of(manifest: Manifest, author: Address) -> BatchTree:
    """The Merkle tree over the records of a manifest that this author anchors."""
    rows, begins = chain.from_iterable(group.each() for group in manifest.groups), _begins(author)
    return BatchTree([_leaf(index, row, begins) for index, row in enumerate(rows)])


def path_in(packed: bytes, index: int) -> tuple[bytes, ...]:
    """The Merkle path of leaf `index` from a packed tree; the same as `MerkleTree.path`."""
    node = len(packed) // 32 - 1 - index
    path = []
    while node > 0:
        sibling = node + 1 if node % 2 else node - 1
        path.append(packed[32 * sibling : 32 * sibling + 32])
        node = (node - 1) // 2
    return tuple(path)


def leaf(index: int, item: Item, author: Address) -> bytes:
    """The same as `ledger.types.record_leaf`, which encodes by the ABI and is ten times slower."""
    return _leaf(index, _row(item), _begins(author))


def _begins(author: Address) -> dict[bytes, bytes]:
    """How the word of a subject begins, by the writer; every other writer stands for the author's organization."""
    return {raw(author): _OWN, bytes(20): _PROPOSED}


def _leaf(index: int, row: bytes, begins: dict[bytes, bytes]) -> bytes:
    leave = begins.get(row[WRITER_AT:74], _VIA_ORGANIZATION) + row[74:76]
    return keccak256(keccak256(index.to_bytes(32, "big") + row[:32] + leave + row[52:54] + row[32:52]))


def _group(store: Blocks, digest: bytes, group: object) -> Group:
    if not isinstance(group, dict) or set(group) != {"bundle", "items"}:
        raise RecordAltered(digest, "a group of its manifest is malformed")
    bundle, link = group["bundle"], group["items"]
    if (
        not isinstance(bundle, bytes)
        or len(bundle) != 32
        or not isinstance(link, Cid)
        or link.codec is not Codec.DAG_CBOR
    ):
        raise RecordAltered(digest, "a group of its manifest is malformed")
    rows = dagcbor.decode(store.get(link), what="manifest")
    if not isinstance(rows, bytes) or not rows or len(rows) % ROW:
        raise RecordAltered(digest, "a group of its manifest is malformed")
    return Group(bundle, rows)


def subject_of(patient: Address, categories: Category) -> bytes:
    """Whom and what a record is about, as a row has it: 22 bytes."""
    return raw(patient) + int(categories).to_bytes(2, "big")


def about(row: bytes) -> bytes:
    """The same of a row."""
    return row[32:WRITER_AT]


def written_by(writer: bytes, consent_number: int) -> bytes:
    """Where the author's leave to write a record stands, as a row has it: 22 bytes."""
    return writer + consent_number.to_bytes(2, "big")


def _row(item: Item) -> bytes:
    leave = written_by(raw(item.writer), item.consent_number)
    return item.digest + subject_of(item.patient, item.categories) + leave


def _item(row: bytes) -> Item:
    return Item(
        digest=row[:32],
        patient=address_of(row[32:52]),
        categories=Category(int.from_bytes(row[52:54], "big")),
        writer=address_of(row[54:74]),
        consent_number=int.from_bytes(row[74:76], "big"),
    )
