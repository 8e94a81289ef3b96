"""Sealing the items of a batch: one key slip for all records of one patient and kind, instead of one for each.

    >>> sealed = seal_group(items, bundle, master, created=now)
    >>> record_key(compartment_key(master, ana, categories), 0)  # opens items[0], if it is Ana's

Every group of a batch has a master key, fresh and random. Of it follows a key for each *compartment* (the group's
records of one patient and one set of categories), and of that one the key of each record, by its place in the group.
The author's key slip holds the master key, under the group's bundle; a patient's or standing reader's holds the
compartment's, under a name that anyone can compute from the manifest. Who may read one record of a compartment may, as
a rule, read all of them: they differ in nothing that a consent looks at. Where a consent names one record alone, that
record's own key is handed out in a slip of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from io import BytesIO

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from ledger.codes import Category
from ledger.types import Address
from offchain_store.digest import Cid, Codec
from offchain_store.envelope import seal
from offchain_store.record import Header
from offchain_store.store import Block

_COMPARTMENT = b"consent-ledger/v1/batch/compartment"
_RECORD = b"consent-ledger/v1/batch/record"


@dataclass(frozen=True, slots=True)
class _Gathered:
    """A sink for sealing that keeps blocks in memory until they are put together."""

    blocks: list[Block] = field(default_factory=list)

    def put(self, block: bytes, codec: Codec) -> Cid:
        """Remember a block; its name."""
        self.blocks.append((block, codec))
        return Cid.of(codec, block)


@dataclass(frozen=True, slots=True)
class NewItem:
    """One result that a client hands in."""

    id: str
    """The client's own name for it, unique in the batch."""
    patient: Address
    categories: Category
    media_type: str
    content: bytes = field(repr=False)
    title: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class SealedGroup:
    """Items sealed and not yet put."""

    digests: tuple[bytes, ...]
    """In the order of the items."""
    blocks: tuple[Block, ...]


def compartment_name(bundle: bytes, patient: Address, categories: Category) -> bytes:
    """Under which a compartment's key slips lie, 32 bytes."""
    return sha256(_COMPARTMENT + bundle + _compartment(patient, categories)).digest()


def compartment_key(master: bytes, patient: Address, categories: Category) -> bytes:
    """A compartment's key, from its group's master key."""
    return _expand(master, _COMPARTMENT + _compartment(patient, categories))


def record_key(key: bytes, place: int) -> bytes:
    """The key of the record at a place (from 0) of the group, from its compartment's key."""
    return _expand(key, _RECORD + place.to_bytes(4, "big"))


def compartments_of(items: Iterable[NewItem]) -> set[tuple[Address, Category]]:
    """Patients and categories that occur."""
    return {(item.patient, item.categories) for item in items}


def seal_group(items: Sequence[NewItem], master: bytes, *, created: datetime) -> SealedGroup:
    """Seal every item under the key of its place.

    The master key must be fresh: under one key there must never be two contents.
    """
    keys = {pair: compartment_key(master, *pair) for pair in compartments_of(items)}
    sink = _Gathered()
    digests = []
    for place, item in enumerate(items):
        header = Header(item.media_type, int(item.categories), item.title, created)
        key = record_key(keys[item.patient, item.categories], place)
        digests.append(seal(BytesIO(item.content), header, sink, record_key=key).digest)
    return SealedGroup(tuple(digests), tuple(sink.blocks))


def _compartment(patient: Address, categories: Category) -> bytes:
    return bytes.fromhex(patient[2:]) + int(categories).to_bytes(2, "big")


def _expand(key: bytes, info: bytes) -> bytes:
    return HKDFExpand(SHA256(), 32, info).derive(key)
