"""The devnet's state folder: `state.json` as anvil writes it, `state.saved.json` as the newest whole copy of it.

anvil truncates `state.json` and writes it anew, so at any moment it may be half a file. `keep_copy` copies it whenever
it is whole, `mend` puts the copy back where a kill left half a file. anvil (1.7.1) also makes a genesis block of its
own at every start, adds it to those in its state, and answers with any of them, so that the chain's first block seems
to change: `mend` leaves the first one there was. `head.json` remembers the newest block seen.

anvil also dumps the blocks first and the accounts after them. A block mined in between is then in the accounts and
nowhere else: what it did is done, but its transactions and events are lost for good, and whoever sends them again is
refused. Such a dump is *torn*: no copy is made of it, or, if it is too large to be looked at each time, `mend` takes
the newest that is not (`state.older.json` is the copy before the last).
"""

import fcntl
import json
import os
import shutil
from collections import Counter
from pathlib import Path
from time import monotonic, sleep
from typing import IO

from ledger.errors import DevnetError
from ledger.rpc import Head

STATE = "state.json"
_SAVED = "state.saved.json"
_OLDER = "state.older.json"
_HEAD = "head.json"
_SMALL = 4 << 20
"""Bytes of a state that can be read through for every copy; larger ones are looked at when anvil starts."""
_GENESIS = b'"number":"0x0"'


def lock(folder: Path, timeout: float) -> IO[bytes]:
    """The folder's lock; an anvil that is just ending may hold it a moment longer.

    Raises:
        DevnetError: it is held all the time.
    """
    file = (folder / "lock").open("wb")
    end = monotonic() + timeout
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except OSError:
            if monotonic() > end:
                file.close()
                raise DevnetError(f"the state folder {folder.name} is in use by another devnet: stop it") from None
            sleep(0.02)


def mend(folder: Path) -> None:
    """Put the newest copy that can be used in the place of half a file, or of a torn one.

    Raises:
        DevnetError: there is half a file and no copy.
    """
    state = folder / STATE
    whole = [path for path in (state, folder / _SAVED, folder / _OLDER) if _is_whole(path)]
    if whole:
        chosen = next((path for path in whole if not _is_torn(path)), whole[0])
        if chosen != state:
            _copy(chosen, state)
        _keep_first_genesis(state)
    elif state.exists():
        raise DevnetError(f"{STATE} in {folder.name} is cut short and has no copy: remove it to begin a new chain")


def _is_torn(path: Path) -> bool:
    """Whether accounts without code have sent more transactions than the blocks have of them."""
    state = json.loads(path.read_bytes())
    sent = Counter(transaction["info"]["from"].lower() for transaction in state.get("transactions", []))
    return any(
        _number(account["nonce"]) > sent[address.lower()]
        for address, account in state.get("accounts", {}).items()
        if account["code"] == "0x"
    )


def _number(value: str | int) -> int:
    """anvil writes some numbers in decimal and some in hexadecimal."""
    return value if isinstance(value, int) else int(value, 0)


def _keep_first_genesis(path: Path) -> None:
    content = path.read_bytes()
    if content.count(_GENESIS) < 2:
        return
    state = json.loads(content)
    blocks = state["blocks"]
    genesis = [block for block in blocks if int(block["header"]["number"], 16) == 0]
    first = min(genesis, key=lambda block: int(block["header"]["timestamp"], 16))
    state["blocks"] = [first, *(block for block in blocks if int(block["header"]["number"], 16) != 0)]
    partial = path.with_suffix(".partial")
    # As anvil writes it: whether a file is whole is told by its last bytes.
    partial.write_text(json.dumps(state, separators=(",", ":")))
    partial.replace(path)


def keep_copy(folder: Path, kept: int) -> int:
    """Copy the state aside if it is whole, not torn and newer than `kept`; what to pass as `kept` the next time."""
    state, saved = folder / STATE, folder / _SAVED
    try:
        written = state.stat().st_mtime_ns
        if written == kept or not _is_whole(state):
            return kept
        partial = saved.with_suffix(".partial")
        shutil.copyfile(state, partial)
        if not _is_whole(partial) or state.stat().st_mtime_ns != written:
            return kept  # anvil began to write while we copied
        if partial.stat().st_size <= _SMALL and _is_torn(partial):
            return written
        if saved.exists():
            again = folder / (_OLDER + ".partial")
            again.unlink(missing_ok=True)
            os.link(saved, again)  # so that there is a last copy at every moment
            again.replace(folder / _OLDER)
        partial.replace(saved)
    except FileNotFoundError:
        return kept
    return written


def remember_head(folder: Path, newest: Head) -> None:
    """Remember the newest block seen."""
    partial = folder / (_HEAD + ".partial")
    partial.write_text(json.dumps([newest.number, newest.hash.hex()]))
    partial.replace(folder / _HEAD)


def remembered_head(folder: Path) -> Head | None:
    """The newest block seen before; None in a new folder."""
    try:
        number, block_hash = json.loads((folder / _HEAD).read_text())
    except FileNotFoundError:
        return None
    return Head(number, bytes.fromhex(block_hash))


def _copy(source: Path, target: Path) -> None:
    partial = target.with_suffix(".partial")
    shutil.copyfile(source, partial)
    partial.replace(target)


def _is_whole(path: Path) -> bool:
    """Whether a state file was written to its end; mostly its last bytes tell, reading all of it may take seconds."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 64))
            end = file.read().rstrip()
        return end.endswith(b',"historical_states":null}') or (end.endswith(b"}") and _is_json(path))
    except FileNotFoundError:
        return False


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True
