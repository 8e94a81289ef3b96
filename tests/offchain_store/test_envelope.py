"""Sealing and opening: round trips at every border, and nothing altered goes unnoticed."""

from io import BytesIO, RawIOBase
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offchain_store.digest import MAX_BLOCK, Cid, Codec
from offchain_store.envelope import open_envelope, open_record, seal, seal_record
from offchain_store.errors import (
    InvalidName,
    OpeningError,
    StoreError,
    StoreUnavailable,
    TooLarge,
    WrongDigest,
    WrongKey,
)
from offchain_store.record import Header, Record
from offchain_store.root import CHUNK_SIZE, INLINE_MOST, Root
from tests.offchain_store.conftest import HEADER
from tests.offchain_store.simulator import Simulator, digest_that_is_none, flipped


@settings(deadline=None, max_examples=150)
@given(chunk_size=st.integers(1, 40), chunks=st.integers(0, 4), more=st.integers(-2, 2))
def test_records_come_back_around_every_border_of_a_chunk(chunk_size: int, chunks: int, more: int) -> None:
    content = bytes(range(256))[: max(0, chunks * chunk_size + more)]
    store = Simulator()
    sealed = seal(BytesIO(content), HEADER, store, chunk_size=chunk_size)
    opened = open_envelope(store, sealed.digest, sealed.record_key)
    assert opened.header == HEADER
    assert opened.size == sealed.size == len(content)
    parts = list(opened.chunks)
    assert b"".join(parts) == content
    assert all(len(part) == chunk_size for part in parts[:-1])


@pytest.mark.parametrize(
    ("size", "blocks"),
    [
        (INLINE_MOST, 1),
        (INLINE_MOST + 1, 2),
        (CHUNK_SIZE, 2),
        (CHUNK_SIZE + 1, 3),
        (3 * CHUNK_SIZE, 4),
    ],
)
def test_blocks_of_real_size_fit_an_ipfs_block(size: int, blocks: int) -> None:
    content = bytes(size)
    store = Simulator()
    sealed = seal_record(Record(HEADER, content), store)
    assert len(store.blocks) == blocks
    assert max(map(len, store.blocks.values())) <= MAX_BLOCK
    assert open_record(store, sealed.digest, sealed.record_key) == Record(HEADER, content)


def test_the_root_is_put_last() -> None:
    store = Simulator()
    sealed = seal(BytesIO(bytes(100)), HEADER, store, chunk_size=16)
    assert list(store.blocks)[-1] == Cid.root(sealed.digest)
    assert [name.codec for name in store.blocks] == [Codec.RAW] * 7 + [Codec.DAG_CBOR]


def test_a_store_that_fails_halfway_has_no_root() -> None:
    for puts in range(7):
        store = Simulator()
        store.fail_after = puts
        with pytest.raises(StoreUnavailable):
            seal(BytesIO(bytes(100)), HEADER, store, chunk_size=16)
        assert {name.codec for name in store.blocks} <= {Codec.RAW}


def test_one_record_sealed_twice_has_two_digests_and_no_block_in_common() -> None:
    store = Simulator()
    record = Record(HEADER, bytes(CHUNK_SIZE + 1))
    first, second = seal_record(record, store), seal_record(record, store)
    assert first.digest != second.digest
    assert len(store.blocks) == 6


def test_nothing_of_the_record_is_in_its_blocks() -> None:
    store = Simulator()
    header = Header("application/pdf", 2, "Potassium too high", HEADER.created)
    sealed = seal_record(Record(header, b"potassium 6.1 mmol/l" * 5_000), store)
    for block in store.blocks.values():
        for word in (b"potassium", b"Potassium", b"mmol", b"pdf", sealed.record_key):
            assert word not in block


def test_equal_chunks_are_sealed_to_different_blocks() -> None:
    store = Simulator()
    seal(BytesIO(bytes(64)), HEADER, store, chunk_size=16)
    assert len(store.blocks) == 5


def test_the_wrong_key_is_told_apart_before_any_chunk_is_got() -> None:
    store = Simulator()
    sealed = seal(BytesIO(bytes(100)), HEADER, store, chunk_size=16)
    for name in list(store.blocks):
        if name.codec is Codec.RAW:
            store.delete(name)
    with pytest.raises(WrongKey):
        open_envelope(store, sealed.digest, flipped(sealed.record_key, 0))


@pytest.mark.parametrize("content", [b"", b"short", bytes(90)], ids=["empty", "inline", "linked"])
def test_every_flipped_bit_of_a_small_envelope_is_noticed(content: bytes) -> None:
    """By the digest as it is got; and, were the flipped root itself anchored, by its form or the AEAD."""
    store = Simulator()
    sealed = seal(BytesIO(content), HEADER, store, chunk_size=32)
    for name, block in list(store.blocks.items()):
        for bit in range(8 * len(block)):
            store.spoil = lambda got, honest, n=name, b=bit: flipped(honest, b) if got == n else honest
            with pytest.raises(WrongDigest):
                open_record(store, sealed.digest, sealed.record_key)
            store.spoil = None
            if name.codec is Codec.DAG_CBOR:
                anchored = store.put(flipped(block, bit), Codec.DAG_CBOR)
                with pytest.raises(StoreError):
                    open_record(store, anchored.digest, sealed.record_key)
                store.delete(anchored)
    assert open_record(store, sealed.digest, sealed.record_key).content == content


@settings(deadline=None, max_examples=300)
@given(block=st.binary(max_size=300))
def test_any_bytes_are_refused_as_a_root_by_name(block: bytes) -> None:
    with pytest.raises(OpeningError):
        Root.decode(block)


def test_a_root_larger_than_any_block_is_refused() -> None:
    with pytest.raises(TooLarge):
        Root.decode(bytes(MAX_BLOCK + 1))


def test_more_chunks_than_a_root_can_link_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offchain_store.envelope.MAX_LINKS", 4)
    with pytest.raises(TooLarge) as caught:
        seal(BytesIO(bytes(65)), HEADER, Simulator(), chunk_size=16)
    assert caught.value.most == 64
    assert seal(BytesIO(bytes(64)), HEADER, Simulator(), chunk_size=16).size == 64


def test_a_root_with_the_most_links_fits_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """25,000 chunks; of one byte each here, of 1 MiB each in a record of 26 GB."""
    monkeypatch.setattr("offchain_store.root.INLINE_MOST", 0)
    store = Simulator()
    sealed = seal(BytesIO(bytes(25_000)), HEADER, store, chunk_size=1)
    assert len(store.get(sealed.digest)) <= MAX_BLOCK
    assert open_record(store, sealed.digest, sealed.record_key).content == bytes(25_000)


def test_a_record_too_large_for_memory_is_only_streamed() -> None:
    store = Simulator()
    sealed = seal_record(Record(HEADER, bytes(100)), store)
    with pytest.raises(TooLarge):
        open_record(store, sealed.digest, sealed.record_key, most=99)
    assert b"".join(open_envelope(store, sealed.digest, sealed.record_key).chunks) == bytes(100)


def test_a_sink_that_gives_another_name_is_caught() -> None:
    store = Simulator()
    store.rename = digest_that_is_none
    with pytest.raises(WrongDigest):
        seal_record(Record(HEADER, b"content"), store)


def test_a_source_that_gives_a_byte_at_a_time_is_read_whole() -> None:
    class Dripping(RawIOBase):
        def __init__(self) -> None:
            self.left = 70

        def read(self, size: int = -1, /) -> bytes:
            give = min(1, self.left)
            self.left -= give
            return b"x" * give

    store = Simulator()
    sealed = seal(cast(BinaryIO, Dripping()), HEADER, store, chunk_size=32)
    assert open_record(store, sealed.digest, sealed.record_key).content == b"x" * 70


def test_keys_and_names_of_another_length_are_refused() -> None:
    store = Simulator()
    sealed = seal_record(Record(HEADER, b""), store)
    with pytest.raises(InvalidName):
        open_envelope(store, sealed.digest, bytes(31))
    with pytest.raises(InvalidName):
        open_envelope(store, sealed.digest[1:], sealed.record_key)
    with pytest.raises(InvalidName):
        seal(BytesIO(), HEADER, store, record_key=b"")
    for chunk_size in (0, CHUNK_SIZE + 1):
        with pytest.raises(ValueError, match="chunks of"):
            seal(BytesIO(), HEADER, store, chunk_size=chunk_size)


def test_no_key_shows_in_a_repr() -> None:
    sealed = seal_record(Record(HEADER, b"content"), Simulator())
    assert repr(sealed.record_key) not in repr(sealed)
    assert sealed.record_key.hex() not in repr(sealed)
