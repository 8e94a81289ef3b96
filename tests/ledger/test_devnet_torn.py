"""A dump whose accounts are a block ahead of its blocks is not started from, if an older one is there to start from."""

import json
from pathlib import Path

import pytest

from ledger import devnet_state
from ledger.devnet import Devnet
from ledger.rpc import Node, quantity
from tests.waiting import until

SENDER = "0x" + "A1" * 20


def dump(path: Path, *, sent: int, nonce: int) -> None:
    """A state in which somebody has sent so many transactions, and has this nonce."""
    transactions = [{"info": {"from": SENDER.lower()}} for _ in range(sent)]
    accounts = {SENDER: {"nonce": nonce, "code": "0x"}, "0x" + "C0" * 20: {"nonce": 1, "code": "0x60"}}
    state = {"accounts": accounts, "blocks": [], "transactions": transactions, "historical_states": None}
    path.write_text(json.dumps(state, separators=(",", ":")))


@pytest.mark.parametrize(
    ("state", "saved", "older", "chosen"),
    [
        ((3, 3), (2, 2), (1, 1), 3),
        ((3, 4), (2, 2), (1, 1), 2),
        ((3, 4), (3, 4), (1, 1), 1),
        ((3, 4), (2, 3), (1, 2), 3),
    ],
    ids=["whole", "torn", "torn twice", "torn always: the newest"],
)
def test_the_newest_that_is_not_torn_is_taken(
    tmp_path: Path, state: tuple[int, int], saved: tuple[int, int], older: tuple[int, int], chosen: int
) -> None:
    for name, (sent, nonce) in {"state.json": state, "state.saved.json": saved, "state.older.json": older}.items():
        dump(tmp_path / name, sent=sent, nonce=nonce)

    devnet_state.mend(tmp_path)

    assert len(json.loads((tmp_path / "state.json").read_text())["transactions"]) == chosen


def test_the_copy_before_the_last_is_kept(tmp_path: Path) -> None:
    kept = 0
    for sent in (1, 2, 3):
        dump(tmp_path / "state.json", sent=sent, nonce=sent)
        kept = devnet_state.keep_copy(tmp_path, kept)

    names = ("state.saved.json", "state.older.json")
    assert [len(json.loads((tmp_path / name).read_text())["transactions"]) for name in names] == [3, 2]


def test_what_anvil_writes_when_it_is_stopped_is_not_torn(tmp_path: Path) -> None:
    with Devnet.start(tmp_path, block_time=None) as devnet, Node(devnet.url) as node:
        node.request("anvil_autoImpersonateAccount", True)
        for _ in range(3):
            node.request("eth_sendTransaction", {"from": SENDER, "to": SENDER, "gasPrice": "0x0"})
        until(lambda: quantity(node.request("eth_getTransactionCount", SENDER, "latest")) == 3)
    before = (tmp_path / "state.json").read_bytes()
    dump(tmp_path / "state.saved.json", sent=1, nonce=1)

    devnet_state.mend(tmp_path)

    assert (tmp_path / "state.json").read_bytes() == before
    assert len(json.loads(before)["transactions"]) == 3
