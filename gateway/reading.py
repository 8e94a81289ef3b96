"""From a digest and its record key to the record, or to one of the verdicts: altered, missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.errors import RecordAltered, RecordMissing
from offchain_store.envelope import BlockSource, open_envelope
from offchain_store.errors import BlockMissing, OpeningError
from offchain_store.record import Header

IN_MEMORY = 4 << 20
"""Largest content, in bytes, that is held in memory as a whole."""


def open_verified(store: BlockSource, digest: bytes, record_key: bytes) -> tuple[Header, Iterator[bytes], int]:
    """Header, content and size of a record whose every byte is there and is the one that was anchored.

    Nothing is given out before all of it has been verified: a small record is held in memory, a larger one is gone
    through twice, and checked both times.

    Raises:
        RecordMissing, RecordAltered
    """
    with verdicts(digest):
        opened = open_envelope(store, digest, record_key)
        if opened.size <= IN_MEMORY:
            return opened.header, iter(list(opened.chunks)), opened.size
        for _ in opened.chunks:
            pass
    return opened.header, _again(store, digest, record_key), opened.size


def _again(store: BlockSource, digest: bytes, record_key: bytes) -> Iterator[bytes]:
    with verdicts(digest):
        yield from open_envelope(store, digest, record_key).chunks


@contextmanager
def verdicts(digest: bytes) -> Iterator[None]:
    """Says of a store's errors what they mean for the record."""
    try:
        yield
    except BlockMissing as failure:
        raise RecordMissing(digest, "it is anchored, but the store does not have it; ask its author") from failure
    except OpeningError as failure:
        raise RecordAltered(digest, f"the stored bytes are not the anchored ones ({failure.outcome})") from failure
