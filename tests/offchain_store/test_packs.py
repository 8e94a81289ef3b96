"""Many small things in one file: kept, found, erased and mended like any other, whatever a crash or rot leaves."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from secrets import token_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offchain_store.digest import Cid, Codec
from offchain_store.errors import BackendError, BlockMissing, SlipMissing, WrongDigest
from offchain_store.inline import seal_inline
from offchain_store.local import PACKED_FROM, LocalStore
from offchain_store.packs import Packs, block_key, slip_key
from offchain_store.repair import repair_record
from offchain_store.store import VerifiedStore, check_record, delete_record, unreferenced
from tests.offchain_store.conftest import HEADER

ANA, BEN = b"a" * 20, b"b" * 20
BLOCKS = [(number.to_bytes(4, "big") * 50, Codec.RAW) for number in range(PACKED_FROM)]
NAMES = [Cid.of(codec, block) for block, codec in BLOCKS]
SLIPS = [(name.digest, ANA, name.digest * 3) for name in NAMES[:20]]


def packs_of(folder: Path) -> list[Path]:
    return sorted((folder / "store" / "packs").iterdir())


@pytest.fixture
def packed(local: LocalStore) -> LocalStore:
    assert local.put_many(BLOCKS, SLIPS) == NAMES
    return local


def test_many_at_once_are_one_file_that_only_its_owner_reads(packed: LocalStore, tmp_path: Path) -> None:
    (pack,) = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert pack.parent.name == "packs"
    assert stat.S_IMODE(pack.stat().st_mode) == 0o600
    assert [packed.get(name) for name in NAMES] == [block for block, _ in BLOCKS]
    assert [packed.get_slip(record, ANA) for record, _, _ in SLIPS] == [slip for _, _, slip in SLIPS]
    assert all(map(packed.has, NAMES))
    assert sorted(packed.list()) == sorted(NAMES)
    assert packed.list_slips(SLIPS[0][0]) == [ANA]
    assert packed.list_slips(NAMES[20].digest) == []


def test_another_store_on_the_folder_finds_what_was_packed_before_and_after_it_was_opened(
    packed: LocalStore, tmp_path: Path
) -> None:
    other = LocalStore(tmp_path / "store")
    later = [(b"later" + block, codec) for block, codec in BLOCKS]
    names = packed.put_many(later)
    assert [other.get(name) for name in (*NAMES, *names)] == [block for block, _ in (*BLOCKS, *later)]
    assert len(list(other.list())) == 2 * len(NAMES)


def test_what_is_deleted_is_overwritten_and_stays_gone_for_everybody(packed: LocalStore, tmp_path: Path) -> None:
    other = LocalStore(tmp_path / "store")
    (pack,) = packs_of(tmp_path)
    block, slip = BLOCKS[3][0], SLIPS[3][2]
    assert block in pack.read_bytes()
    packed.delete(NAMES[3])
    packed.delete_slip(NAMES[3].digest, ANA)
    packed.delete(NAMES[3])
    assert block not in pack.read_bytes()
    assert slip not in pack.read_bytes()
    for store in (packed, other, LocalStore(tmp_path / "store")):
        assert not store.has(NAMES[3])
        assert NAMES[3] not in set(store.list())
        assert store.list_slips(NAMES[3].digest) == []
        with pytest.raises(BlockMissing):
            store.get(NAMES[3])
        with pytest.raises(SlipMissing):
            store.get_slip(NAMES[3].digest, ANA)
        assert store.get(NAMES[4]) == BLOCKS[4][0]


def test_a_pack_goes_with_the_last_thing_in_it(packed: LocalStore, tmp_path: Path) -> None:
    other = LocalStore(tmp_path / "store")
    for record, reader, _ in SLIPS:
        packed.delete_slip(record, reader)
    for name in NAMES:
        packed.delete(name)
    assert packs_of(tmp_path) == []
    assert list(other.list()) == []
    assert not other.has(NAMES[0])
    with pytest.raises(BlockMissing):
        other.get(NAMES[0])


def test_what_was_deleted_may_be_put_again(packed: LocalStore) -> None:
    packed.delete(NAMES[0])
    assert packed.put(*BLOCKS[0]) == NAMES[0]
    assert packed.get(NAMES[0]) == BLOCKS[0][0]
    assert sorted(packed.list()) == sorted(NAMES)


def test_a_slip_is_replaced_by_the_newest_whichever_way_it_came(packed: LocalStore) -> None:
    record = SLIPS[0][0]
    packed.put_slip(record, ANA, b"second")
    assert packed.get_slip(record, ANA) == b"second"
    packed.put_many(
        [(b"more" + block, codec) for block, codec in BLOCKS], [(record, ANA, b"third"), (record, BEN, b"b")]
    )
    assert packed.get_slip(record, ANA) == b"third"
    packed.put_many([(b"most" + block, codec) for block, codec in BLOCKS], [(record, BEN, b"fourth")])
    assert packed.get_slip(record, BEN) == b"fourth"
    assert packed.list_slips(record) == [ANA, BEN]
    packed.delete_slip(record, ANA)
    packed.delete_slip(record, BEN)
    assert packed.list_slips(record) == []


def test_rot_in_a_pack_is_named_and_mended(packed: LocalStore, tmp_path: Path) -> None:
    (pack,) = packs_of(tmp_path)
    content = pack.read_bytes()
    pack.write_bytes(content.replace(BLOCKS[5][0], b"rot!" * 50))
    verified = VerifiedStore(packed)
    with pytest.raises(WrongDigest):
        verified.get(NAMES[5])
    assert verified.get(NAMES[6]) == BLOCKS[6][0]
    packed.put(*BLOCKS[5])
    assert verified.get(NAMES[5]) == BLOCKS[5][0]
    verified.delete(NAMES[5])
    assert not packed.has(NAMES[5])


def test_a_file_that_rotted_is_mended_by_putting_many_again(local: LocalStore, tmp_path: Path) -> None:
    name = local.put(*BLOCKS[0])
    (file,) = (tmp_path / "store" / "blocks").glob("*/*")
    file.write_bytes(b"rot")
    local.put_many(BLOCKS)
    assert VerifiedStore(local).get(name) == BLOCKS[0][0]


@pytest.mark.parametrize("left", [0.0, 0.0001, 0.1, 0.5, 0.9, 0.9999])
def test_of_a_pack_that_was_cut_short_nothing_wrong_comes_out(packed: LocalStore, tmp_path: Path, left: float) -> None:
    (pack,) = packs_of(tmp_path)
    whole = pack.read_bytes()
    pack.write_bytes(whole[: int(len(whole) * left)])
    found = 0
    for store in (packed, LocalStore(tmp_path / "store")):
        for name, (block, _) in zip(NAMES, BLOCKS, strict=True):
            try:
                assert VerifiedStore(store).get(name) == block
                found += 1
            except (BlockMissing, WrongDigest):
                continue
    assert (found > 0) == (left >= 0.5)
    packed.put_many(BLOCKS)
    assert [VerifiedStore(packed).get(name) for name in NAMES] == [block for block, _ in BLOCKS]


@settings(deadline=None, max_examples=150)
@given(at=st.floats(0, 0.9999), bit=st.integers(0, 7))
def test_no_flipped_bit_makes_a_store_give_another_block(
    tmp_path_factory: pytest.TempPathFactory, at: float, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("flipped")
    LocalStore(folder / "store").put_many(BLOCKS)
    (pack,) = packs_of(folder)
    content = bytearray(pack.read_bytes())
    content[int(at * len(content))] ^= 1 << bit
    pack.write_bytes(content)
    store = VerifiedStore(LocalStore(folder / "store"))
    for name, (block, _) in zip(NAMES, BLOCKS, strict=True):
        try:
            assert store.get(name) == block
        except (BlockMissing, WrongDigest):
            continue


def test_other_peoples_files_are_no_packs(packed: LocalStore, tmp_path: Path) -> None:
    for name, content in (("notes.txt", b"not a pack"), ("empty", b""), ("huge", b"\xff" * 64)):
        (tmp_path / "store" / "packs" / name).write_bytes(content)
    (tmp_path / "store" / "packs" / "folder").mkdir()
    assert sorted(LocalStore(tmp_path / "store").list()) == sorted(NAMES)
    assert packed.get(NAMES[0]) == BLOCKS[0][0]
    assert not packed.has(Cid.of(Codec.RAW, b"never put"))


def test_large_things_fill_several_packs(local: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offchain_store.packs.MOST_BYTES", 10_000)
    names = local.put_many(BLOCKS)
    assert len(packs_of(tmp_path)) == len(BLOCKS) * 200 // 10_000 + 1
    assert [local.get(name) for name in names] == [block for block, _ in BLOCKS]


def test_a_record_in_a_pack_is_checked_repaired_and_erased(local: LocalStore, tmp_path: Path) -> None:
    key = token_bytes(32)
    root = seal_inline(b"content", HEADER.encode(), key)
    name = Cid.of(Codec.DAG_CBOR, root)
    local.put_many([*BLOCKS, (root, Codec.DAG_CBOR)], [(name.digest, ANA, b"slip")])
    partner = LocalStore(tmp_path / "partner")
    partner.put(root, Codec.DAG_CBOR)
    store = VerifiedStore(local)
    assert check_record(store, name.digest) == 1
    (pack,) = packs_of(tmp_path)
    pack.write_bytes(pack.read_bytes().replace(root, bytes(len(root))))
    with pytest.raises(WrongDigest):
        check_record(store, name.digest)
    assert repair_record(store, name.digest, sources=[partner]) == 1
    assert check_record(store, name.digest) == 1
    assert unreferenced(store) == set(NAMES)
    delete_record(store, name.digest)
    assert not store.has(name)
    assert store.list_slips(name.digest) == []


def test_names_that_begin_alike_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    packs = Packs(tmp_path / "packs", new=tmp_path / "new")
    records = [b"the same" + bytes([number]) * 24 for number in range(5)]
    packs.write([(slip_key(record, reader), record + reader) for record in records for reader in (ANA, BEN)])
    assert packs.read(slip_key(records[2], BEN)) == records[2] + BEN
    assert packs.readers(records[3]) == [ANA, BEN]
    packs.remove(slip_key(records[2], BEN))
    assert packs.read(slip_key(records[2], BEN)) is None
    assert packs.read(slip_key(records[2], ANA)) == records[2] + ANA
    assert packs.read(block_key(Cid.root(records[2]))) is None


WRITER = """
import sys
from pathlib import Path
from offchain_store.digest import Codec
from offchain_store.inline import seal_inline
from offchain_store.local import LocalStore, PACKED_FROM

store = LocalStore(Path(sys.argv[1]))
number = 0
while True:
    blocks = [((number * PACKED_FROM + n).to_bytes(8, "big") * 100, Codec.RAW) for n in range(PACKED_FROM)]
    names = store.put_many(blocks)
    print(*names, flush=True)
    number += 1
"""


def test_what_was_acknowledged_survives_a_kill_and_no_torn_pack_is_seen(tmp_path: Path) -> None:
    acknowledged: set[Cid] = set()
    for delay in (0.0, 0.002, 0.005, 0.011, 0.023):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "store")],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        ) as writer:
            assert writer.stdout is not None
            acknowledged |= {Cid.parse(name) for name in writer.stdout.readline().split()}
            time.sleep(delay)
            writer.send_signal(signal.SIGKILL)
            for line in writer.stdout.read().splitlines(keepends=True):
                if line.endswith("\n"):
                    acknowledged |= {Cid.parse(name) for name in line.split()}
        store = LocalStore(tmp_path / "store")
        for name in store.list():
            assert name.verified(store.get(name))
        assert acknowledged <= set(store.list())


@pytest.mark.parametrize("mark", [False, True])
def test_erasing_that_was_cut_off_is_finished_by_erasing_again(
    packed: LocalStore, tmp_path: Path, mark: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash before the bytes are overwritten, or between that and the mark."""
    syncs = [OSError("cut off"), None]
    real = os.fsync

    def cut_off(descriptor: int) -> None:
        failure = syncs.pop(0) if syncs else None
        if failure is not None:
            raise failure
        real(descriptor)

    if mark:
        syncs.insert(0, None)
    monkeypatch.setattr("offchain_store.packs.os.fsync", cut_off)
    with pytest.raises(BackendError):
        packed.delete(NAMES[7])
    packed.delete(NAMES[7])
    (pack,) = packs_of(tmp_path)
    assert BLOCKS[7][0] not in pack.read_bytes()
    assert not LocalStore(tmp_path / "store").has(NAMES[7])
