"""Sealing and opening: a record's bytes to and from an envelope of content-addressed blocks.

    >>> sealed = seal(BytesIO(content), header, store)
    >>> opened = open_envelope(store, sealed.digest, sealed.record_key)
    >>> opened.header == header, b"".join(opened.chunks) == content
    (True, True)

Both directions hold one chunk in memory, whatever the record's size. The root block is put last: whoever finds it
finds all of it, and a crash before leaves only chunks that nothing refers to.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from secrets import token_bytes
from typing import BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from offchain_store.digest import Cid, Codec, Digest
from offchain_store.errors import (
    Altered,
    InvalidName,
    Reordered,
    TooLarge,
    TrailingData,
    Truncated,
    WrongDigest,
    WrongKey,
)
from offchain_store.record import Header, Record
from offchain_store.root import CHUNK_SIZE, MAX_LINKS, TAG_LENGTH, Root, derive_keys, is_inline

_SEARCHED = 1_024
"""How many places are tried for a misplaced chunk before it is called altered: only the error's name depends on it."""


class BlockSink(Protocol):
    """Where sealing puts its blocks."""

    def put(self, block: bytes, codec: Codec) -> Cid:
        """Keep a block; return its name."""
        ...


class BlockSource(Protocol):
    """Where opening gets blocks from; it need not be honest."""

    def get(self, name: bytes | Cid) -> bytes:
        """The block of this name, or something that claims to be."""
        ...


@dataclass(frozen=True, slots=True)
class Sealed:
    """What sealing leaves in the author's hands."""

    digest: Digest
    """The record's name everywhere."""
    record_key: bytes = field(repr=False)
    """Opens the record: goes into key slips, and nowhere else."""
    size: int
    """Bytes of content."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An envelope whose root and header have been verified."""

    header: Header
    size: int
    """Bytes of content."""
    chunks: Iterator[bytes] = field(repr=False)
    """The content. Each chunk is verified before it is given out; only when they end without an error was all there."""


def seal(
    source: BinaryIO,
    header: Header,
    sink: BlockSink,
    *,
    record_key: bytes | None = None,
    chunk_size: int = CHUNK_SIZE,
) -> Sealed:
    """Seal what `source` holds and put it into `sink`.

    Args:
        record_key: only for reproducing vectors: under one key there must never be two contents.
        chunk_size: only for vectors and tests.

    Raises:
        TooLarge: more than `MAX_LINKS` chunks.
        WrongDigest: the sink gave a block another name.
        StoreError: whatever the sink raises.
    """
    if not 0 < chunk_size <= CHUNK_SIZE:
        raise ValueError(f"chunks of {chunk_size} bytes: they have 1 to {CHUNK_SIZE:,}")
    if record_key is None:
        record_key = token_bytes(32)
    keys = derive_keys(_key_of(record_key))
    aead = AESGCM(keys.content)
    bound = Root.bound(keys.commitment, chunk_size)

    links: list[Cid] = []
    inline: bytes | None = None
    size = 0
    last = False
    following = _read(source, chunk_size)
    while not last:
        chunk, following = following, _read(source, chunk_size) if len(following) == chunk_size else b""
        last = not following
        if len(links) == MAX_LINKS:
            raise TooLarge("record", size=size + len(chunk), most=MAX_LINKS * chunk_size)
        size += len(chunk)
        block = aead.encrypt(nonce(len(links), last=last), chunk, bound)
        if last and is_inline(size, chunk_size):
            inline = block
        else:
            links.append(_put(sink, block, Codec.RAW))
    root = Root.of(keys, header, chunk_size=chunk_size, size=size, inline=inline, links=tuple(links))
    return Sealed(_put(sink, root.encode(), Codec.DAG_CBOR).digest, record_key, size)


def open_envelope(source: BlockSource, digest: bytes, record_key: bytes) -> Opened:
    """Open the envelope that `digest` names; the chunks are got, verified and opened as they are asked for.

    Raises:
        BlockMissing, WrongDigest, BadVersion, Malformed, Truncated, TrailingData
        WrongKey: told apart from altered bytes by the key commitment.
        Altered: the header does not authenticate.
    """
    name = Cid.root(digest)
    root = Root.decode(name.verified(source.get(name)))
    keys = derive_keys(_key_of(record_key))
    if root.commitment != keys.commitment:
        raise WrongKey
    header = root.open_header(keys)
    return Opened(header, root.size, _open_chunks(source, root, AESGCM(keys.content)))


def seal_record(record: Record, sink: BlockSink) -> Sealed:
    """Seal a record that is in memory.

    Raises:
        TooLarge
    """
    return seal(BytesIO(record.content), record.header, sink)


def open_record(source: BlockSource, digest: bytes, record_key: bytes, *, most: int = 256 << 20) -> Record:
    """Open a whole record into memory; nothing of it is returned before all of it is verified.

    Args:
        most: the largest content that may be brought into memory, in bytes.

    Raises:
        TooLarge: use `open_envelope`.
        StoreError: as `open_envelope`, and what verifying the chunks brings to light.
    """
    opened = open_envelope(source, digest, record_key)
    if opened.size > most:
        raise TooLarge("record to be opened in memory", size=opened.size, most=most)
    return Record(opened.header, b"".join(opened.chunks))


def nonce(counter: int, *, last: bool) -> bytes:
    """The nonce of a chunk: its place in 11 bytes, and whether it is the last."""
    return counter.to_bytes(11, "big") + bytes((last,))


def _open_chunks(source: BlockSource, root: Root, aead: AESGCM) -> Iterator[bytes]:
    bound = Root.bound(root.commitment, root.chunk_size)
    count = len(root.links) or 1
    for index in range(count):
        last = index == count - 1
        expected = (root.size - index * root.chunk_size if last else root.chunk_size) + TAG_LENGTH
        block = root.inline if root.inline is not None else _get(source, root.links[index])
        if len(block) < expected:
            raise Truncated("chunk")
        if len(block) > expected:
            raise TrailingData("chunk")
        try:
            yield aead.decrypt(nonce(index, last=last), block, bound)
        except InvalidTag:
            _raise_what_is_wrong(aead, block, bound, index=index, count=count)


def _put(sink: BlockSink, block: bytes, codec: Codec) -> Cid:
    name, given = Cid.of(codec, block), sink.put(block, codec)
    if given != name:
        raise WrongDigest(name.digest, given.digest)
    return name


def _get(source: BlockSource, link: Cid) -> bytes:
    return link.verified(source.get(link))


def _raise_what_is_wrong(aead: AESGCM, block: bytes, bound: bytes, *, index: int, count: int) -> None:
    """Name the reason why a chunk does not authenticate at its place."""

    def opens_at(place: int, *, last: bool) -> bool:
        try:
            aead.decrypt(nonce(place, last=last), block, bound)
        except InvalidTag:
            return False
        return True

    last = index == count - 1
    if opens_at(index, last=not last):
        raise Truncated("content") if last else TrailingData("content")
    for place in range(min(count, _SEARCHED)):
        if opens_at(place, last=False) or opens_at(place, last=True):
            raise Reordered(index, place)
    raise Altered("content")


def _read(source: BinaryIO, count: int) -> bytes:
    """`count` bytes, or what is left: a raw stream may give fewer than it has."""
    read = source.read(count)
    while read and len(read) < count:
        more = source.read(count - len(read))
        if not more:
            break
        read += more
    return read


def _key_of(record_key: bytes) -> bytes:
    if len(record_key) != 32:
        raise InvalidName("a record key of another length", "a record key of 32 bytes")
    return record_key
