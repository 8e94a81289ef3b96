"""The store in a folder: what a crash, rot and other people's files do to it."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from offchain_store.digest import Cid, Codec
from offchain_store.errors import BackendError, StoreUnavailable, WrongDigest
from offchain_store.local import LocalStore
from offchain_store.store import VerifiedStore

RECORD, ANA = bytes(32), b"a" * 20


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_block_is_a_file_under_its_cid_that_only_its_owner_reads(local: LocalStore, tmp_path: Path) -> None:
    name = local.put(b"hello world", Codec.RAW)
    (file,) = _files(tmp_path)
    assert file.name == str(name)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700


def test_putting_mends_a_block_that_rotted(local: LocalStore, tmp_path: Path) -> None:
    name = local.put(b"hello world", Codec.RAW)
    (file,) = _files(tmp_path)
    file.write_bytes(b"hello rot")
    with pytest.raises(WrongDigest):
        VerifiedStore(local).get(name)
    local.put(b"hello world", Codec.RAW)
    assert local.get(name) == b"hello world"


def test_other_peoples_files_are_no_blocks(local: LocalStore, tmp_path: Path) -> None:
    name = local.put(b"hello world", Codec.RAW)
    (file,) = _files(tmp_path)
    file.with_name("notes.txt").write_text("not a block")
    assert list(local.list()) == [name]


def test_half_written_files_are_removed_when_they_are_old(tmp_path: Path) -> None:
    LocalStore(tmp_path)
    old, fresh = tmp_path / "new" / "old", tmp_path / "new" / "fresh"
    for file in (old, fresh):
        file.write_bytes(b"half")
    two_hours_ago = time.time() - 7_200
    os.utime(old, (two_hours_ago, two_hours_ago))
    store = LocalStore(tmp_path)
    assert not old.exists()
    assert fresh.exists()
    assert list(store.list()) == []


def test_the_folder_of_slips_goes_with_the_last(local: LocalStore, tmp_path: Path) -> None:
    local.put_slip(RECORD, ANA, b"slip")
    local.delete_slip(RECORD, ANA)
    assert not list(tmp_path.rglob(str(Cid.root(RECORD))))


WRITER = """
import sys
from pathlib import Path
from offchain_store.digest import Codec
from offchain_store.local import LocalStore

store = LocalStore(Path(sys.argv[1]))
number = 0
while True:
    block = number.to_bytes(8, "big") * 20_000
    name = store.put(block, Codec.RAW)
    store.put_slip(name.digest, b"a" * 20, block[:1000])
    print(name, flush=True)
    number += 1
"""


def test_what_was_acknowledged_survives_a_kill_and_nothing_half_is_seen(tmp_path: Path) -> None:
    acknowledged: set[Cid] = set()
    for delay in (0.0, 0.003, 0.011, 0.017, 0.029):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "store")],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        ) as writer:
            assert writer.stdout is not None
            acknowledged.add(Cid.parse(writer.stdout.readline().strip()))
            time.sleep(delay)
            writer.send_signal(signal.SIGKILL)
            lines = writer.stdout.read().splitlines()
        acknowledged |= {Cid.parse(line) for line in lines}
        store = LocalStore(tmp_path / "store")
        for name in store.list():
            assert name.verified(store.get(name))
            for reader in store.list_slips(name.digest):
                assert len(store.get_slip(name.digest, reader)) == 1_000
        assert acknowledged <= set(store.list())
        assert all(store.list_slips(name.digest) == [ANA] for name in acknowledged)


def test_a_folder_that_cannot_be_is_named_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreUnavailable) as caught:
        LocalStore(tmp_path / "file" / "store")
    assert str(tmp_path) not in str(caught.value)


def test_a_block_that_is_a_folder_is_a_backend_error(local: LocalStore, tmp_path: Path) -> None:
    name = local.put(b"hello world", Codec.RAW)
    (file,) = _files(tmp_path)
    file.unlink()
    file.mkdir()
    for act in (lambda: local.get(name), lambda: local.put(b"hello world", Codec.RAW), lambda: local.delete(name)):
        with pytest.raises(BackendError):
            act()
