"""Sealing the items of a batch: one key slip for all records of one patient and kind, instead of one for each.

    >>> sealed = seal_group(items, master, created=now, crew=gateway.crew)
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
from functools import cache
from hashlib import sha256
from io import BytesIO

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from gateway.batches.crew import Crew
from ledger.codes import Category
from ledger.types import Address, raw
from offchain_store.digest import Cid, Codec
from offchain_store.envelope import seal
from offchain_store.inline import expand, seal_inline
from offchain_store.keys import KeyCard, wrap_key
from offchain_store.record import Header
from offchain_store.root import INLINE_MOST
from offchain_store.store import Block, Slip

_COMPARTMENT = b"consent-ledger/v1/batch/compartment"
_RECORD = b"consent-ledger/v1/batch/record"
_SHA256 = SHA256()

_ALONE = 512
"""Items and slips below which nobody else is asked to help."""
_ITEMS = 256
"""Items handed over at a time: some milliseconds of work."""
_SLIPS = 32
"""Slips handed over at a time: as much work."""


@dataclass(frozen=True, slots=True)
class _Gathered:
    """A sink for sealing that keeps blocks in memory until they are put together."""

    blocks: list[bytes] = field(default_factory=list)

    def put(self, block: bytes, codec: Codec) -> Cid:
        """Remember a block; its name."""
        self.blocks.append(block)
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
class NewSlip:
    """A key slip to be made."""

    name: bytes
    """Under which it will lie: a group's bundle, a compartment's name."""
    key: bytes = field(repr=False)
    card: KeyCard
    """The reader's."""


@dataclass(frozen=True, slots=True)
class SealedGroup:
    """Items sealed and slips made, not yet put."""

    blocks: list[Block]
    roots: list[int]
    """Where among the blocks each item's root stands, in the order of the items."""
    slips: list[Slip]


@dataclass(frozen=True, slots=True)
class _Sealing:
    """Items next to each other, as they are handed to another process."""

    created: datetime
    first: int
    """Place of the first."""
    items: list[tuple[bytes, int, str, str, bytes]] = field(repr=False)
    """Key of the compartment, categories, media type, title, content."""


def compartment_name(bundle: bytes, patient: Address, categories: Category) -> bytes:
    """Under which a compartment's key slips lie, 32 bytes."""
    return sha256(_COMPARTMENT + bundle + _compartment(patient, categories)).digest()


def compartment_key(master: bytes, patient: str, categories: Category) -> bytes:
    """A compartment's key, from its group's master key."""
    return expand(HMAC(master, _SHA256), _COMPARTMENT + _compartment(patient, categories))


def record_key(key: bytes, place: int) -> bytes:
    """The key of the record at a place (from 0) of the group, from its compartment's key."""
    return _record_key(HMAC(key, _SHA256), place)


def _record_key(keyed: HMAC, place: int) -> bytes:
    return expand(keyed, _RECORD + place.to_bytes(4, "big"))


def compartments_of(items: Iterable[NewItem]) -> set[tuple[Address, Category]]:
    """Patients and categories that occur."""
    return {(item.patient, item.categories) for item in items}


def seal_group(
    items: Sequence[NewItem], master: bytes, slips: Sequence[NewSlip] = (), *, created: datetime, crew: Crew
) -> SealedGroup:
    """Seal every item under the key of its place, and make key slips; large groups together with the crew.

    The master key must be fresh: under one key there must never be two contents.

    Raises:
        HeaderInvalid: a media type or title is none.
        BadVersion, Malformed: a key card has no key that is known here.
    """
    key = cache(lambda patient, categories: compartment_key(master, patient, categories))
    plain: list[tuple[bytes, int, str, str, bytes]] = [
        (key(item.patient, item.categories), int(item.categories), item.media_type, item.title, item.content)
        for item in items
    ]
    if len(items) + len(slips) < _ALONE:
        made, sealed = _make_slips(slips), _seal(_Sealing(created, 0, plain))
    else:
        portions: list[_Sealing | Sequence[NewSlip]] = [slips[at : at + _SLIPS] for at in range(0, len(slips), _SLIPS)]
        wrapped = len(portions)
        portions += [_Sealing(created, at, plain[at : at + _ITEMS]) for at in range(0, len(plain), _ITEMS)]
        done = crew.each(_work, portions)
        made = [slip for some in done[:wrapped] for (slip,) in some]
        sealed = [blocks for some in done[wrapped:] for blocks in some]
    blocks: list[Block] = []
    roots: list[int] = []
    for *chunks, root in sealed:
        blocks.extend((chunk, Codec.RAW) for chunk in chunks)
        roots.append(len(blocks))
        blocks.append((root, Codec.DAG_CBOR))
    named = [(slip.name, slip.card.owner, content) for slip, content in zip(slips, made, strict=True)]
    return SealedGroup(blocks, roots, named)


def _work(portion: "_Sealing | Sequence[NewSlip]") -> list[list[bytes]]:
    """A part of a group, in whatever process: the blocks of each item, or each slip as if it were an item's."""
    if isinstance(portion, _Sealing):
        return _seal(portion)
    return [[slip] for slip in _make_slips(portion)]


def _seal(portion: "_Sealing") -> list[list[bytes]]:
    """The blocks of each item, its root the last."""
    frames = cache(lambda *about: _header(portion, *about).encode())
    keyed = cache(lambda compartment: HMAC(compartment, _SHA256))
    sealed: list[list[bytes]] = []
    for place, (compartment, categories, media_type, title, content) in enumerate(portion.items, portion.first):
        key = _record_key(keyed(compartment), place)
        if len(content) <= INLINE_MOST:
            sealed.append([seal_inline(content, frames(media_type, categories, title), key)])
        else:
            sink = _Gathered()
            seal(BytesIO(content), _header(portion, media_type, categories, title), sink, record_key=key)
            sealed.append(sink.blocks)
    return sealed


def _make_slips(slips: Sequence[NewSlip]) -> list[bytes]:
    return [wrap_key(slip.key, record=slip.name, card=slip.card) for slip in slips]


def _header(portion: "_Sealing", media_type: str, categories: int, title: str) -> Header:
    return Header(media_type, categories, title, portion.created)


def _compartment(patient: str, categories: Category) -> bytes:
    return raw(patient) + int(categories).to_bytes(2, "big")
