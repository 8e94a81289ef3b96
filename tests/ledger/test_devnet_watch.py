"""A devnet that comes back by itself."""

import os
import signal
import socket
from pathlib import Path

from ledger.devnet import Devnet
from ledger.devnet_watch import keep_running
from ledger.errors import NodeUnavailable
from ledger.rpc import Node, head
from tests.waiting import until


def _answers(node: Node, least: int) -> bool:
    try:
        return head(node).number >= least
    except NodeUnavailable:
        return False


def test_it_is_started_again_on_its_state_and_port_each_time_it_is_killed(anvil: Path, tmp_path: Path) -> None:
    def start(port: int) -> Devnet:
        return Devnet.start(tmp_path, port=port, anvil=anvil, block_time=0.1)

    with keep_running(start) as devnet, Node(devnet.url) as node:
        for kills in (1, 2, 3):
            until(lambda: _answers(node, 15))
            until((tmp_path / "state.saved.json").exists)
            before = devnet.pid
            os.kill(before, signal.SIGKILL)
            until(lambda: devnet.restarts == kills)  # noqa: B023
            assert devnet.pid != before
            until(lambda: _answers(node, 1))
        last = devnet.pid
    assert not Path(f"/proc/{last}").exists()


def test_it_waits_for_its_port_and_ends_when_told_to_while_it_waits(anvil: Path, tmp_path: Path) -> None:
    started: list[Devnet] = []

    def start(port: int) -> Devnet:
        if started and port == started[0].port:
            with socket.create_server(("127.0.0.1", port), reuse_port=False):  # somebody else has it for the moment
                return Devnet.start(tmp_path, port=port, anvil=anvil, block_time=0.1)
        started.append(Devnet.start(tmp_path, port=port, anvil=anvil, block_time=0.1))
        return started[0]

    with keep_running(start) as devnet:
        os.kill(devnet.pid, signal.SIGKILL)
        until(lambda: not started[0].is_running)
    assert devnet.restarts == 0
