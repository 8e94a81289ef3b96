"""The root block of an envelope: its one encoding, its keys, its sealed header.

>>> root = Root.decode(block)
>>> keys = derive_keys(record_key)
>>> root.commitment == keys.commitment, root.open_header(keys).title
(True, 'Potassium')
"""

from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from offchain_store import dagcbor
from offchain_store.digest import MAX_BLOCK, Cid, Codec
from offchain_store.errors import Altered, BadVersion, Malformed, TooLarge, TrailingData, Truncated
from offchain_store.record import Header

VERSION = 1

TAG_LENGTH = 16

CHUNK_SIZE = MAX_BLOCK - TAG_LENGTH
"""Bytes of content in a chunk: sealed, it is a block of exactly 1 MiB."""

INLINE_MOST = 64 << 10
"""Content up to this size stands in the root itself."""

MAX_LINKS = 25_000
"""Chunks of a record at most: their links, 41 bytes each, fit one root block. In full chunks 26.2 GB."""

LABEL = b"consent-ledger/v1/envelope/"
"""What the labels of an envelope's keys begin with."""

_WHAT = "envelope root"


@dataclass(frozen=True, slots=True)
class Keys:
    """What follows from a record key."""

    content: bytes = field(repr=False)
    header: bytes = field(repr=False)
    commitment: bytes
    """Public: tells the right record key from a wrong one before anything is opened."""


def derive_keys(record_key: bytes) -> Keys:
    """HKDF-Expand under one label for each use; a record key is uniformly random, so there is nothing to extract."""

    def derive(use: bytes) -> bytes:
        return HKDFExpand(SHA256(), 32, LABEL + use).derive(record_key)

    return Keys(derive(b"content"), derive(b"header"), derive(b"commitment"))


def is_inline(size: int, chunk_size: int) -> bool:
    """Whether content of this size stands in the root: there is one way only to lay out a record."""
    return size <= min(chunk_size, INLINE_MOST)


@dataclass(frozen=True, slots=True)
class Root:
    """An envelope's root block, well-formed; whether it is the right one its digest tells."""

    commitment: bytes
    sealed_header: bytes
    chunk_size: int
    size: int
    """Bytes of content."""
    inline: bytes | None = None
    """The only chunk, sealed, of a small record."""
    links: tuple[Cid, ...] = ()
    """The sealed chunks of a larger one, in order."""

    @classmethod
    def of(
        cls,
        keys: Keys,
        header: Header,
        *,
        chunk_size: int,
        size: int,
        inline: bytes | None = None,
        links: tuple[Cid, ...] = (),
    ) -> Self:
        """Seal the header, bound to the layout of the content."""
        sealed = AESGCM(keys.header).encrypt(bytes(12), header.encode(), _layout(keys.commitment, chunk_size, size))
        return cls(keys.commitment, sealed, chunk_size, size, inline, links)

    @staticmethod
    def bound(commitment: bytes, chunk_size: int) -> bytes:
        """What every chunk is bound to: known before the first is sealed, so not the size."""
        return VERSION.to_bytes(1, "big") + commitment + chunk_size.to_bytes(4, "big")

    def open_header(self, keys: Keys) -> Header:
        """The header.

        Raises:
            Altered: it does not authenticate with this layout.
            Truncated, TrailingData, Malformed
        """
        bound = _layout(self.commitment, self.chunk_size, self.size)
        try:
            encoded = AESGCM(keys.header).decrypt(bytes(12), self.sealed_header, bound)
        except (InvalidTag, ValueError) as error:
            raise Altered("header") from error
        return Header.decode(encoded)

    def encode(self) -> bytes:
        """The root as a block."""
        layout: dict[str, dagcbor.Value] = {
            "chunk": self.chunk_size,
            "commitment": self.commitment,
            "header": self.sealed_header,
            "length": self.size,
            "version": VERSION,
        }
        if self.inline is None:
            return dagcbor.encode({**layout, "links": self.links})
        return dagcbor.encode({**layout, "inline": self.inline})

    @classmethod
    def decode(cls, block: bytes) -> Self:
        """Read a root block, in its one form only.

        Raises:
            BadVersion, Truncated, TrailingData, Malformed
            TooLarge: no block is as large.
        """
        if len(block) > MAX_BLOCK:
            raise TooLarge(_WHAT, size=len(block), most=MAX_BLOCK)
        fields = dagcbor.decode_map(block, what=_WHAT)
        if fields.get("version") != VERSION:
            raise BadVersion("envelope version", fields.get("version"))
        match fields:
            case {
                "chunk": int(chunk_size),
                "commitment": bytes(commitment),
                "header": bytes(header),
                "length": int(size),
                "version": _,
                **content,
            } if 0 < chunk_size <= CHUNK_SIZE and len(commitment) == 32:
                pass
            case _:
                raise Malformed(_WHAT, "it has not the fields that it must have")
        match content:
            case {"inline": bytes(inline), **others} if not others and is_inline(size, chunk_size):
                return cls(commitment, header, chunk_size, size, inline=inline)
            case {"links": list(links), **others} if not others and not is_inline(size, chunk_size):
                _require_count(len(links), size, chunk_size)
                chunks = tuple(link for link in links if isinstance(link, Cid) and link.codec is Codec.RAW)
                if len(chunks) != len(links):
                    raise Malformed(_WHAT, "a link does not name a raw block")
                return cls(commitment, header, chunk_size, size, links=chunks)
        raise Malformed(_WHAT, "its content is neither inline nor linked, or is the one where it must be the other")


def _require_count(count: int, size: int, chunk_size: int) -> None:
    expected = -(-size // chunk_size)
    if count < expected:
        raise Truncated("list of chunks")
    if count > expected:
        raise TrailingData("list of chunks")


def _layout(commitment: bytes, chunk_size: int, size: int) -> bytes:
    return Root.bound(commitment, chunk_size) + size.to_bytes(8, "big")
