"""Bundles: the list of the key slips that came with one anchor or grant, whose digest goes into the ledger's event.

    >>> bundle = Bundle.of([(record, reader, slip)])
    >>> name = store.put(bundle.encode(), Codec.DAG_CBOR)
    >>> Bundle.decode(store.get(name)).get(store, record, reader) == slip
    True

A bundle names slips by digest and does not hold them: erasing a record takes its slips away and leaves the bundle's
digest, which is on the ledger for ever, true.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from offchain_store import dagcbor
from offchain_store.digest import MAX_BLOCK, Cid, Codec, Digest, digest_of, reader_of
from offchain_store.errors import BadVersion, Malformed, SlipMissing, TooLarge, WrongDigest
from offchain_store.store import Slips

VERSION = 1

MAX_ENTRIES = 10_000
"""Slips of one bundle at most, so that it fits a block; a larger grant has several."""

_WHAT = "bundle"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The digests of slips, by record and reader."""

    slips: Mapping[tuple[bytes, bytes], Digest]

    @classmethod
    def of(cls, slips: Iterable[tuple[bytes, bytes, bytes]]) -> Self:
        """The bundle of these slips, each given as record, reader, slip.

        Raises:
            TooLarge: more than `MAX_ENTRIES`.
        """
        digests = {
            (bytes(digest_of(record)), reader_of(reader)): Digest(sha256(slip).digest())
            for record, reader, slip in slips
        }
        if len(digests) > MAX_ENTRIES:
            raise TooLarge(_WHAT, size=len(digests) * 91, most=MAX_ENTRIES * 91)
        return cls(digests)

    def encode(self) -> bytes:
        """The bundle as a block, its entries in order of record and reader."""
        entries = [[record, reader, slip] for (record, reader), slip in sorted(self.slips.items())]
        return dagcbor.encode({"entries": entries, "version": VERSION})

    @property
    def digest(self) -> Digest:
        """What the ledger's event names."""
        return Cid.of(Codec.DAG_CBOR, self.encode()).digest

    @classmethod
    def decode(cls, block: bytes) -> Self:
        """Read a bundle, in its one form only.

        Raises:
            BadVersion, Truncated, TrailingData, Malformed, TooLarge
        """
        if len(block) > MAX_BLOCK:
            raise TooLarge(_WHAT, size=len(block), most=MAX_BLOCK)
        fields = dagcbor.decode_map(block, what=_WHAT)
        if fields.get("version") != VERSION:
            raise BadVersion("bundle version", fields.get("version"))
        match fields:
            case {"entries": list(entries), "version": _, **others} if not others:
                pairs = [_entry(entry) for entry in entries]
            case _:
                raise Malformed(_WHAT, "it has not the two fields that it must have")
        names = [name for name, _ in pairs]
        if names != sorted(set(names)):
            raise Malformed(_WHAT, "its entries are not in order, or one comes twice")
        return cls(dict(pairs))

    def get(self, store: Slips, record: bytes, reader: bytes) -> bytes:
        """The slip of this record and reader, as it was when the bundle was made.

        Raises:
            SlipMissing: not in the bundle, or not in the store any more.
            WrongDigest: the store has another slip.
        """
        expected = self.slips.get((record, reader))
        if expected is None:
            raise SlipMissing(record, reader)
        slip = store.get_slip(record, reader)
        actual = sha256(slip).digest()
        if actual != expected:
            raise WrongDigest(expected, actual)
        return slip


def _entry(entry: dagcbor.Value) -> tuple[tuple[bytes, bytes], Digest]:
    match entry:
        case [bytes(record), bytes(reader), bytes(slip)] if (len(record), len(reader), len(slip)) == (32, 20, 32):
            return (record, reader), Digest(slip)
    raise Malformed(_WHAT, "an entry is not record, reader and slip digest")
