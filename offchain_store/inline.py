"""Sealing records by the thousand: the same envelopes as `envelope.seal` makes, for content that stands in its root.

    >>> len(content), len(seal_inline(content, header.encode(), record_key))
    (7, 387)

What every record needs anew is done here with one call each into C; what only depends on lengths is written down once.
"""

from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from offchain_store import dagcbor
from offchain_store.envelope import nonce
from offchain_store.errors import InvalidName, TooLarge
from offchain_store.root import CHUNK_SIZE, INLINE_MOST, LABEL, TAG_LENGTH, VERSION

_CONTENT, _HEADER, _COMMITMENT = (LABEL + use for use in (b"content", b"header", b"commitment"))
_VERSION = bytes((VERSION,))
_CHUNK = CHUNK_SIZE.to_bytes(4, "big")
_FIRST_AND_LAST = nonce(0, last=True)
_NO_NONCE = bytes(12)
_SHA256 = SHA256()


def seal_inline(content: bytes, frame: bytes, record_key: bytes) -> bytes:
    """Seal a small record that is in memory: its root block, which is all of it.

    Args:
        content: at most `INLINE_MOST` bytes.
        frame: its header, encoded (`Header.encode`): many records may share one.
        record_key: 32 random bytes; under one key there must never be two contents.

    Raises:
        TooLarge: the content does not stand inline.
        InvalidName: the key has another length.
    """
    size = len(content)
    if size > INLINE_MOST:
        raise TooLarge("record to be sealed in one block", size=size, most=INLINE_MOST)
    if len(record_key) != 32:
        raise InvalidName("a record key of another length", "a record key of 32 bytes")
    keyed = HMAC(record_key, _SHA256)
    commitment = expand(keyed, _COMMITMENT)
    bound = _VERSION + commitment + _CHUNK
    header = AESGCM(expand(keyed, _HEADER)).encrypt(_NO_NONCE, frame, bound + size.to_bytes(8, "big"))
    inline = AESGCM(expand(keyed, _CONTENT)).encrypt(_FIRST_AND_LAST, content, bound)
    before, between, after = _around(len(header), size)
    return b"".join((before, header, between, inline, after, commitment))


def expand(keyed: HMAC, label: bytes) -> bytes:
    """One output of a key that was taken in once for all of them: HKDF-Expand with SHA-256 to 32 bytes, which is one
    HMAC of the label and the byte 1 (RFC 5869, 2.3)."""
    mac = keyed.copy()
    mac.update(label + b"\1")
    return mac.finalize()


@lru_cache(maxsize=4_096)
def _around(header: int, size: int) -> tuple[bytes, bytes, bytes]:
    """What stands in a root before the sealed header, between it and the content, and before the commitment.

    It is cut out of what the encoder makes of a root with these lengths, so that there is one encoder only.
    """
    inline = size + TAG_LENGTH
    root = dagcbor.encode(
        {
            "chunk": CHUNK_SIZE,
            "commitment": bytes(32),
            "header": bytes(header),
            "inline": bytes(inline),
            "length": size,
            "version": VERSION,
        }
    )
    first = root.index(dagcbor.encode("header")) + len(dagcbor.encode("header"))
    first += len(dagcbor.encode(bytes(header))) - header
    second = first + header + len(dagcbor.encode("inline")) + len(dagcbor.encode(bytes(inline))) - inline
    return root[:first], root[first + header : second], root[second + inline : -32]
