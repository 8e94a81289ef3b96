"""Putting many at once: the same as one after the other, only faster, and as safe."""

import stat
from pathlib import Path
from secrets import token_bytes

import pytest

from offchain_store.digest import MAX_BLOCK, Cid, Codec
from offchain_store.durable import write_files
from offchain_store.errors import StoreError, TooLarge, WrongDigest
from offchain_store.local import LocalStore
from offchain_store.store import Store, VerifiedStore
from tests.offchain_store.simulator import Simulator, digest_that_is_none

RECORD, ANA, BEN = bytes(32), b"a" * 20, b"b" * 20


@pytest.mark.parametrize("count", [0, 1, 3, 50])
def test_what_is_put_at_once_is_there(store: Store, count: int) -> None:
    blocks = [(token_bytes(100), Codec.RAW) for _ in range(count)]
    slips = [(token_bytes(32), ANA, token_bytes(80)) for _ in range(count)]
    names = VerifiedStore(store).put_many(blocks, slips)
    assert names == [Cid.of(codec, block) for block, codec in blocks]
    assert [store.get(name) for name in names] == [block for block, _ in blocks]
    assert [store.get_slip(record, reader) for record, reader, _ in slips] == [slip for _, _, slip in slips]


def test_putting_many_again_mends_what_rotted(local: LocalStore, tmp_path: Path) -> None:
    blocks = [(token_bytes(10), Codec.RAW) for _ in range(3)]
    names = local.put_many(blocks, [(RECORD, ANA, b"old"), (RECORD, BEN, b"slip")])
    for path in (tmp_path / "store" / "blocks").glob("*/*"):
        path.write_bytes(b"rot")
    assert local.put_many(blocks, [(RECORD, ANA, b"new")]) == names
    assert [local.get(name) for name in names] == [block for block, _ in blocks]
    assert local.get_slip(RECORD, ANA) == b"new"
    assert local.get_slip(RECORD, BEN) == b"slip"


def test_files_put_at_once_are_their_owners_alone(local: LocalStore, tmp_path: Path) -> None:
    local.put_many([(b"block", Codec.RAW)], [(RECORD, ANA, b"slip")])
    found = list((tmp_path / "store").rglob("*"))
    assert len([path for path in found if path.is_file()]) == 2
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == (0o600 if path.is_file() else 0o700)


def test_one_that_is_too_large_stops_all_before_anything_is_written(local: LocalStore, tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        local.put_many([(b"small", Codec.RAW), (bytes(MAX_BLOCK + 1), Codec.RAW)])
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


def test_a_failure_in_the_middle_leaves_nothing_half_written(tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    (tmp_path / "in the way").write_bytes(b"")
    files = [(tmp_path / "a" / "x", b"x"), (tmp_path / "in the way" / "y", b"y")]
    with pytest.raises(OSError, match="in the way"):
        write_files(files, new=new)
    assert not list(new.iterdir())
    assert (tmp_path / "a" / "x").read_bytes() == b"x"


def test_a_store_that_renames_or_fails_is_noticed() -> None:
    simulator = Simulator()
    simulator.rename = digest_that_is_none
    with pytest.raises(WrongDigest):
        VerifiedStore(simulator).put_many([(b"block", Codec.RAW)])
    simulator.rename, simulator.fail_after = None, 1
    with pytest.raises(StoreError):
        VerifiedStore(simulator).put_many([(b"one", Codec.RAW), (b"two", Codec.RAW)])
