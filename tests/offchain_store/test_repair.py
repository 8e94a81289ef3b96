"""Mending a record from stores that need not be honest."""

from io import BytesIO

import pytest

from offchain_store.digest import Cid
from offchain_store.envelope import open_record, seal
from offchain_store.errors import BlockMissing, StoreUnavailable, WrongDigest
from offchain_store.local import LocalStore
from offchain_store.record import Header
from offchain_store.repair import repair_record
from tests.offchain_store.simulator import Simulator, flipped


def _copied(store: LocalStore) -> Simulator:
    other = Simulator()
    for name in store.list():
        other.put(store.get(name), name.codec)
    return other


def test_missing_and_rotten_blocks_are_mended_from_whoever_has_them(local: LocalStore, header: Header) -> None:
    sealed = seal(BytesIO(bytes(100)), header, local, chunk_size=32)
    liar, away, honest = _copied(local), _copied(local), _copied(local)
    liar.spoil = lambda name, block: flipped(block, 0)

    def unavailable(name: Cid, block: bytes) -> bytes:
        raise StoreUnavailable("the simulator", "told to fail")

    away.spoil = unavailable
    for name in list(local.list())[:3]:
        local.delete(name)
    assert repair_record(local, sealed.digest, sources=[liar, away, Simulator(), honest]) == 3
    assert repair_record(local, sealed.digest, sources=[]) == 0
    assert open_record(local, sealed.digest, sealed.record_key).content == bytes(100)


def test_what_nobody_has_stays_missing(local: LocalStore, header: Header) -> None:
    sealed = seal(BytesIO(bytes(100)), header, local, chunk_size=32)
    local.delete(sealed.digest)
    with pytest.raises(BlockMissing):
        repair_record(local, sealed.digest, sources=[Simulator()])


def test_what_everybody_has_rotten_stays_rotten(header: Header) -> None:
    store = Simulator()
    sealed = seal(BytesIO(b"content"), header, store)
    store.spoil = lambda name, block: flipped(block, 0)
    with pytest.raises(WrongDigest):
        repair_record(store, sealed.digest, sources=[store])
