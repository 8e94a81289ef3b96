"""Digests and the CIDs that are their texts: how everything in a store is named.

>>> name = Cid.of(Codec.RAW, b"hello world")
>>> str(name)
'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'
>>> Cid.parse(str(name)) == name
True
"""

import base64
import binascii
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import NewType, Self

from offchain_store.errors import InvalidName, WrongDigest

Digest = NewType("Digest", bytes)
"""SHA-256, 32 bytes. Of an envelope's root block: the record's name on chain and off it."""

MAX_BLOCK = 1 << 20
"""The largest block that every IPFS node takes, in bytes: 1 MiB."""

_SHA2_256 = b"\x12\x20"
_TEXT_LENGTH = 59  # "b" and 36 bytes in base32 without padding


class Codec(IntEnum):
    """What a block holds; its multicodec code."""

    RAW = 0x55
    """Sealed bytes: a chunk."""
    DAG_CBOR = 0x71
    """A map that may link other blocks: an envelope's root, a key card, a bundle."""


_CODECS = frozenset(int(codec) for codec in Codec)


@dataclass(frozen=True, slots=True, order=True)
class Cid:
    """A CIDv1 by SHA-256: the only kind of name that a store takes."""

    codec: Codec
    digest: Digest

    def __post_init__(self) -> None:
        digest_of(self.digest)

    @classmethod
    def of(cls, codec: Codec, block: bytes) -> Self:
        """The name of a block."""
        return cls(codec, Digest(sha256(block).digest()))

    @classmethod
    def root(cls, digest: bytes) -> Self:
        """The name of the dag-cbor block with this digest: what a record's 32 bytes on chain point to."""
        return cls(Codec.DAG_CBOR, digest_of(digest))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form, and nothing but its one canonical spelling.

        Raises:
            InvalidName: another base, version, codec, digest function or length, capitals, padding, stray bits.
        """
        refusal = InvalidName(text, "a CIDv1 in lower-case base32 with SHA-256 and codec raw or dag-cbor")
        if len(text) != _TEXT_LENGTH or not text.startswith("b") or text != text.lower():
            raise refusal
        try:
            cid = cls.from_bytes(base64.b32decode(text[1:].upper() + "======"))
        except (binascii.Error, ValueError, InvalidName) as error:
            raise refusal from error
        if str(cid) != text:  # the last character has two bits to spare, which must be zero
            raise refusal
        return cid

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Read the binary form.

        Raises:
            InvalidName: not 0x01, raw or dag-cbor, SHA-256, 32 bytes.
        """
        if len(value) != 36 or value[0] != 1 or value[2:4] != _SHA2_256 or value[1] not in _CODECS:
            raise InvalidName(value.hex(), "a CIDv1 with SHA-256 and codec raw or dag-cbor")
        return cls(Codec(value[1]), Digest(value[4:]))

    def __bytes__(self) -> bytes:
        return bytes((1, self.codec)) + _SHA2_256 + self.digest

    def __str__(self) -> str:
        return "b" + base64.b32encode(bytes(self)).decode().rstrip("=").lower()

    def verified(self, block: bytes) -> bytes:
        """The block, if it is the one that this names.

        Raises:
            WrongDigest: it is another.
        """
        actual = sha256(block).digest()
        if actual != self.digest:
            raise WrongDigest(self.digest, actual)
        return block


def digest_of(value: bytes) -> Digest:
    """32 bytes as a digest.

    Raises:
        InvalidName: not 32 bytes.
    """
    if len(value) != 32:
        raise InvalidName(value.hex(), "a digest of 32 bytes")
    return Digest(value)


def cid_of(name: "bytes | Cid") -> Cid:
    """The CID of a name: a record's bare digest names its dag-cbor root.

    Raises:
        InvalidName: not 32 bytes.
    """
    return name if isinstance(name, Cid) else Cid.root(name)


def reader_of(value: bytes) -> bytes:
    """20 bytes as a reader's address.

    Raises:
        InvalidName: not 20 bytes.
    """
    if len(value) != 20:
        raise InvalidName(value.hex(), "an address of 20 bytes")
    return value
