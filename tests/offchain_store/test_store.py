"""What every store does: one suite, run on each backend."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from io import BytesIO

import pytest

from offchain_store import dagcbor
from offchain_store.bundle import Bundle
from offchain_store.digest import MAX_BLOCK, Cid, Codec, digest_of
from offchain_store.envelope import open_record, seal, seal_record
from offchain_store.errors import BlockMissing, InvalidName, OpeningError, SlipMissing, TooLarge, WrongDigest
from offchain_store.ipfs import IpfsStore
from offchain_store.keys import KeyCard, SealingKey, unwrap_key, wrap_key
from offchain_store.local import LocalStore
from offchain_store.record import Header, Record
from offchain_store.root import CHUNK_SIZE
from offchain_store.store import MAX_SLIP, Store, VerifiedStore, check_record, delete_record, unreferenced

RECORD = digest_of(sha256(b"record").digest())
ANA, BEN = b"a" * 20, b"b" * 20


@pytest.mark.parametrize("codec", Codec)
@pytest.mark.parametrize("size", [0, 1, 1_000, MAX_BLOCK])
def test_a_block_comes_back_under_its_cid(store: Store, codec: Codec, size: int) -> None:
    if codec is Codec.DAG_CBOR and size == MAX_BLOCK:
        size -= 5  # its head
    block = bytes(size) if codec is Codec.RAW else dagcbor.encode(bytes(size))
    name = store.put(block, codec)
    assert name == Cid.of(codec, block)
    assert store.get(name) == block
    assert store.has(name)
    assert name in set(store.list())


def test_a_bare_digest_names_a_dag_cbor_block(store: Store) -> None:
    name = store.put(b"\xa0", Codec.DAG_CBOR)
    assert store.get(name.digest) == b"\xa0"
    assert store.has(name.digest)
    store.delete(name.digest)
    assert not store.has(name.digest)


def test_putting_a_block_twice_is_no_error(store: Store) -> None:
    for codec in Codec:
        assert store.put(b"\x42ok", codec) == store.put(b"\x42ok", codec)
    assert len(list(store.list())) == 2


def test_a_block_that_is_not_there_is_missing(store: Store) -> None:
    name = Cid.of(Codec.RAW, b"never put")
    assert not store.has(name)
    with pytest.raises(BlockMissing) as caught:
        store.get(name)
    assert caught.value.digest == name.digest
    store.delete(name)


def test_a_deleted_block_is_missing(store: Store) -> None:
    name = store.put(b"short-lived", Codec.RAW)
    store.delete(name)
    store.delete(name)
    assert not store.has(name)
    assert name not in set(store.list())
    with pytest.raises(BlockMissing):
        store.get(name)


def test_a_block_too_large_is_refused(store: Store) -> None:
    with pytest.raises(TooLarge):
        store.put(bytes(MAX_BLOCK + 1), Codec.RAW)


@pytest.mark.parametrize("name", [b"", bytes(31), b"../../../../../../../etc/passwd.."[:31]])
def test_what_is_no_digest_names_nothing(store: Store, name: bytes) -> None:
    with pytest.raises(InvalidName):
        store.get(name)
    with pytest.raises(InvalidName):
        store.get_slip(name, ANA)
    with pytest.raises(InvalidName):
        store.put_slip(RECORD, name, b"slip")


def test_slips_are_kept_by_record_and_reader(store: Store) -> None:
    other = sha256(b"other").digest()
    store.put_slip(RECORD, BEN, b"for Ben")
    store.put_slip(RECORD, ANA, b"for Ana")
    store.put_slip(other, ANA, b"for Ana, of another record")
    assert store.get_slip(RECORD, ANA) == b"for Ana"
    assert store.get_slip(RECORD, BEN) == b"for Ben"
    assert store.get_slip(other, ANA) == b"for Ana, of another record"
    assert list(store.list_slips(RECORD)) == [ANA, BEN]
    for record in (RECORD, other):
        for reader in store.list_slips(record):
            store.delete_slip(record, reader)
        assert list(store.list_slips(record)) == []


def test_a_slip_put_again_takes_the_place_of_the_first(store: Store) -> None:
    store.put_slip(RECORD, ANA, b"first")
    store.put_slip(RECORD, ANA, b"second")
    store.put_slip(RECORD, ANA, b"second")
    assert store.get_slip(RECORD, ANA) == b"second"
    store.delete_slip(RECORD, ANA)


def test_a_deleted_slip_is_missing(store: Store) -> None:
    store.put_slip(RECORD, ANA, b"slip")
    store.delete_slip(RECORD, ANA)
    store.delete_slip(RECORD, ANA)
    with pytest.raises(SlipMissing) as caught:
        store.get_slip(RECORD, ANA)
    assert (caught.value.record, caught.value.reader) == (RECORD, ANA)
    with pytest.raises(SlipMissing):
        store.get_slip(RECORD, BEN)


def test_a_slip_too_large_is_refused(store: Store) -> None:
    with pytest.raises(TooLarge):
        store.put_slip(RECORD, ANA, bytes(MAX_SLIP + 1))


@pytest.mark.parametrize("size", [0, 1_000, 2 * CHUNK_SIZE + 5])
def test_a_record_goes_the_whole_way(store: Store, header: Header, size: int) -> None:
    """Deposit: seal, slip. Retrieve: slip, open. Erase: nothing is left."""
    key = SealingKey.generate()
    card = KeyCard.unsigned(ANA, key)
    believed = VerifiedStore(store)
    sealed = seal(BytesIO(bytes(size)), header, believed)
    slip = wrap_key(sealed.record_key, record=sealed.digest, card=card)
    believed.put_slip(sealed.digest, ANA, slip)
    bundle = Bundle.of([(sealed.digest, ANA, slip)])

    found = bundle.get(believed, sealed.digest, ANA)
    record_key = unwrap_key(found, record=sealed.digest, reader=ANA, key=key)
    assert open_record(believed, sealed.digest, record_key) == Record(header, bytes(size))
    assert check_record(believed, sealed.digest) == (4 if size > CHUNK_SIZE else 1)

    delete_record(believed, sealed.digest)
    delete_record(believed, sealed.digest)
    assert list(store.list()) == []
    assert list(store.list_slips(sealed.digest)) == []
    with pytest.raises(BlockMissing):
        open_record(believed, sealed.digest, record_key)


def test_deleting_one_record_leaves_the_others(store: Store, header: Header) -> None:
    content = bytes(CHUNK_SIZE + 1)
    first, second = (seal_record(Record(header, content), store) for _ in range(2))
    delete_record(store, first.digest)
    assert open_record(store, second.digest, second.record_key).content == content
    delete_record(store, second.digest)


def test_what_a_crash_while_sealing_leaves_is_found(store: Store, header: Header) -> None:
    whole = seal(BytesIO(bytes(100)), header, store, chunk_size=32)
    left = {store.put(f"chunk without a root {number}".encode(), Codec.RAW) for number in range(3)}
    store.put(b"\xa0", Codec.DAG_CBOR)
    assert unreferenced(store) == left
    for name in left:
        store.delete(name)
    assert unreferenced(store) == set()
    assert check_record(store, whole.digest) == 5


def test_deleting_goes_on_where_a_crash_stopped_it(store: Store, header: Header) -> None:
    sealed = seal(BytesIO(bytes(100)), header, store, chunk_size=32)
    chunks = [name for name in store.list() if name.codec is Codec.RAW]
    store.delete(chunks[0])
    delete_record(store, sealed.digest)
    assert list(store.list()) == []


def test_a_bundle_notices_another_slip(store: Store) -> None:
    bundle = Bundle.of([(RECORD, ANA, b"the slip"), (RECORD, BEN, b"never put")])
    name = store.put(bundle.encode(), Codec.DAG_CBOR)
    assert name.digest == bundle.digest
    bundle = Bundle.decode(store.get(name))
    store.put_slip(RECORD, ANA, b"the slip")
    assert bundle.get(store, RECORD, ANA) == b"the slip"
    store.put_slip(RECORD, ANA, b"another")
    with pytest.raises(WrongDigest):
        bundle.get(store, RECORD, ANA)
    with pytest.raises(SlipMissing):
        bundle.get(store, RECORD, BEN)
    with pytest.raises(SlipMissing):
        bundle.get(store, bytes(32), BEN)
    store.delete_slip(RECORD, ANA)


def test_many_writers_at_once(store: Store) -> None:
    def work(number: int) -> bool:
        name = store.put(f"block {number % 10}".encode(), Codec.RAW)
        reader = bytes((number % 5,)) * 20
        store.put_slip(RECORD, reader, f"slip {number % 5}".encode())
        return store.get(name) == f"block {number % 10}".encode()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(80)))
    assert len(list(store.list())) == 10
    assert list(store.list_slips(RECORD)) == [bytes((number,)) * 20 for number in range(5)]
    for number in range(5):
        assert store.get_slip(RECORD, bytes((number,)) * 20) == f"slip {number}".encode()
        store.delete_slip(RECORD, bytes((number,)) * 20)


def test_slips_put_and_deleted_by_many_at_once(store: Store) -> None:
    def work(number: int) -> None:
        if number % 7 == 6:
            store.delete_slip(RECORD, ANA)
        else:
            store.put_slip(RECORD, ANA, f"slip {number}".encode())

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(400)))
    store.put_slip(RECORD, ANA, b"the last")
    assert store.get_slip(RECORD, ANA) == b"the last"
    store.delete_slip(RECORD, ANA)
    assert list(store.list_slips(RECORD)) == []


def test_a_record_has_the_same_blocks_in_every_backend(local: LocalStore, ipfs: IpfsStore, header: Header) -> None:
    content, key = bytes(3 * CHUNK_SIZE), sha256(b"record key").digest()
    digests = {seal(BytesIO(content), header, store, record_key=key).digest for store in (local, ipfs)}
    assert len(digests) == 1
    assert set(local.list()) == set(ipfs.list())
    assert all(local.get(name) == ipfs.get(name) for name in local.list())


def test_an_envelope_that_was_anchored_badly_is_named_by_the_check(store: Store) -> None:
    name = store.put(b"\xa0", Codec.DAG_CBOR)
    with pytest.raises(OpeningError):
        check_record(store, name.digest)
