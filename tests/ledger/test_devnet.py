"""The local network: found, started, stopped, killed, and never left behind."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from ledger import devnet_state
from ledger.devnet import Devnet, find_anvil
from ledger.errors import DevnetError, NodeRejected, NodeUnavailable, NodeWentBack
from ledger.rpc import Head, Node, check_head, head, quantity
from tests.waiting import until


def test_it_survives_a_restart_with_everything(anvil: Path, tmp_path: Path) -> None:
    with Devnet.start(tmp_path, anvil=anvil, block_time=0.1) as first, Node(first.url) as node:
        until(lambda: head(node).number >= 3)
        seen = head(node)
    assert not first.is_running
    with Devnet.start(tmp_path, anvil=anvil, block_time=0.1, port=first.port) as second:
        assert second.url == first.url
        assert second.went_back is None
        with Node(second.url) as node:
            check_head(node, seen)


def test_gas_is_free_and_nobody_is_rich(anvil: Path, tmp_path: Path) -> None:
    with Devnet.start(tmp_path, anvil=anvil, chain_id=4711) as devnet, Node(devnet.url) as node:
        assert devnet.chain_id == 4711
        assert node.request("eth_accounts") == []
        assert quantity(node.request("eth_getBlockByNumber", "latest", False)["baseFeePerGas"]) == 0


def test_a_kill_loses_what_was_not_saved_and_the_next_start_says_so(anvil: Path, tmp_path: Path) -> None:
    with Devnet.start(tmp_path, anvil=anvil, block_time=0.1) as first, Node(first.url) as node:
        until(lambda: head(node).number >= 5)
        saved = head(node).number
    devnet = Devnet.start(tmp_path, anvil=anvil, block_time=0.1, save_every=3600)
    until(lambda: (devnet_state.remembered_head(tmp_path) or Head(0, b"")).number > saved + 5)
    devnet.kill()
    half = (tmp_path / "state.json").read_bytes()
    (tmp_path / "state.json").write_bytes(half[: len(half) // 2])  # as if it had been writing
    with Devnet.start(tmp_path, anvil=anvil, block_time=0.1) as again, Node(again.url) as node:
        assert isinstance(again.went_back, NodeWentBack)
        assert head(node).number > 0
    with Devnet.start(tmp_path, anvil=anvil, block_time=0.1) as third:
        assert third.went_back is None


def test_half_a_state_without_a_copy_is_refused(anvil: Path, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"block":{"number":')
    with pytest.raises(DevnetError, match="cut short"):
        Devnet.start(tmp_path, anvil=anvil)


def test_two_do_not_start_on_one_state(anvil: Path, tmp_path: Path) -> None:
    with Devnet.start(tmp_path, anvil=anvil), pytest.raises(DevnetError, match="in use by another devnet"):
        Devnet.start(tmp_path, anvil=anvil, timeout=0.1)


def test_a_port_that_is_taken_is_an_error(anvil: Path, tmp_path: Path) -> None:
    with Devnet.start(tmp_path / "a", anvil=anvil) as first, pytest.raises(DevnetError, match="did not start"):
        Devnet.start(tmp_path / "b", anvil=anvil, port=first.port)


def test_it_outlives_the_thread_that_started_it(anvil: Path, tmp_path: Path) -> None:
    started: list[Devnet] = []
    thread = Thread(target=lambda: started.append(Devnet.start(tmp_path, anvil=anvil, block_time=0.1)))
    thread.start()
    thread.join()
    with started[0] as devnet, Node(devnet.url) as node:
        until(lambda: head(node).number >= 3)
        assert devnet.is_running


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_it_does_not_outlive_a_killed_parent(anvil: Path, tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from ledger.devnet import Devnet\n"
        "print(Devnet.start(Path(sys.argv[1]), anvil=Path(sys.argv[2]), block_time=0.1).pid, flush=True)\n"
        "time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(tmp_path), str(anvil)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.send_signal(signal.SIGKILL)
    until(lambda: not is_alive(pid))
    with Devnet.start(tmp_path, anvil=anvil, block_time=0.1) as again:  # the lock went with it
        assert again.went_back is None  # and it wrote its state before


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_anvil_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "my-anvil"
    program.write_text("#!/bin/sh\necho no chain today\n")
    program.chmod(0o755)
    monkeypatch.setenv("CONSENT_LEDGER_ANVIL", str(program))
    assert find_anvil() == program
    with pytest.raises(DevnetError, match="no chain today"):
        Devnet.start(tmp_path / "state")
    monkeypatch.setenv("CONSENT_LEDGER_ANVIL", str(tmp_path / "missing"))
    with pytest.raises(DevnetError, match="npm ci"):
        find_anvil()


def test_a_node_that_is_away_is_unavailable(anvil: Path, tmp_path: Path) -> None:
    with Devnet.start(tmp_path, anvil=anvil) as devnet:
        node = Node(devnet.url)
        node.request("eth_chainId")
    with pytest.raises(NodeUnavailable, match="does not answer"):
        node.request("eth_chainId")
    node.close()


def test_a_connection_that_broke_while_idle_is_made_anew(anvil: Path, tmp_path: Path) -> None:
    with Devnet.start(tmp_path, anvil=anvil) as first:
        node = Node(first.url)
        before = node.request("eth_getBlockByNumber", "0x0", False)["hash"]
    with Devnet.start(tmp_path, anvil=anvil, port=first.port), node:
        assert node.request("eth_getBlockByNumber", "0x0", False)["hash"] == before


def test_errors_come_as_exceptions_alone_and_as_values_in_a_batch(anvil: Path, tmp_path: Path) -> None:
    with Devnet.start(tmp_path, anvil=anvil) as devnet, Node(devnet.url) as node:
        with pytest.raises(NodeRejected, match="eth_nonsense failed with code -3260"):
            node.request("eth_nonsense")
        good, bad, also_good = node.batch([("eth_chainId", ()), ("eth_nonsense", ()), ("eth_chainId", ())], size=2)
        assert good == also_good == "0x7a69"
        assert isinstance(bad, NodeRejected)
        assert node.batch([]) == []


def test_a_chain_that_went_back_is_told_from_one_that_went_on(anvil: Path, tmp_path: Path) -> None:
    with Devnet.start(tmp_path, anvil=anvil, block_time=0.1) as devnet, Node(devnet.url) as node:
        remembered = head(node)
        until(lambda: head(node).number > remembered.number)
        check_head(node, remembered)
        with pytest.raises(NodeWentBack) as went_back:
            check_head(node, Head(remembered.number, bytes(32)))
        assert went_back.value.found == "0x" + remembered.hash.hex()
        with pytest.raises(NodeWentBack, match="not there"):
            check_head(node, Head(10**6, bytes(32)))


def test_a_state_with_several_genesis_blocks_keeps_the_first(tmp_path: Path) -> None:
    def block(number: int, at: int) -> dict[str, dict[str, str]]:
        return {"header": {"number": hex(number), "timestamp": hex(at)}}

    state = {"blocks": [block(0, 30), block(1, 11), block(0, 10), block(0, 20)], "historical_states": None}
    path = tmp_path / "state.json"
    path.write_text(json.dumps(state, separators=(",", ":")))

    devnet_state.mend(tmp_path)

    assert json.loads(path.read_text())["blocks"] == [block(0, 10), block(1, 11)]
    assert path.read_text().endswith(',"historical_states":null}')


def test_the_first_block_is_the_same_after_several_starts(tmp_path: Path) -> None:
    hashes = set()
    for _ in range(4):
        with Devnet.start(tmp_path, block_time=None) as devnet, Node(devnet.url) as node:
            node.request("anvil_mine", "0x1")
            hashes.add(node.request("eth_getBlockByNumber", "0x0", False)["hash"])
    assert len(hashes) == 1
