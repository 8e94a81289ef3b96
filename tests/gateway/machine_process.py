"""A gateway in a process of its own that a test can kill at any instant, or at a named step, and start again.

    process = GatewayProcess(folder, node_url, now=1_900_000_000)
    process.start()
    process.die_at("ledger.outbox/Outbox.enqueue:after")      # steps as in `tests.gateway.crashing`
    process.kill()

Its clock stands still until it is set. Processes are forked from one that has imported everything, so that a start
takes as long as opening the gateway does.
"""

import os
import signal
import socket
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from threading import Thread

import httpx
import uvicorn

from gateway.serve import whole_gateway
from gateway.settings import Settings
from tests.gateway.crashing import die_at
from tests.gateway.served import PLAIN
from tests.waiting import until

PATIENCE = 120.0
"""Seconds that anything may take on a busy machine."""
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.gateway.machine_process"])


@dataclass(slots=True)
class Clock:
    """Stands still at a second until it is set."""

    now: float

    def __call__(self) -> float:
        return self.now


class GatewayProcess:
    """One gateway, through all its lives."""

    def __init__(self, folder: Path, node_url: str, *, now: int) -> None:
        self._folder = folder
        self._node_url = node_url
        self._now = now
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self.url = f"http://localhost:{self._port}"
        self.lives = 0
        """How often it was started."""
        self._process: ForkServerProcess | None = None
        self._control: Connection | None = None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def start(self) -> None:
        """Start it, on what the life before has left, and wait until it can work."""
        self.kill()
        self._control, theirs = _CONTEXT.Pipe()
        arguments = (self._folder, self._port, self._node_url, self._now, theirs)
        self._process = _CONTEXT.Process(target=serve, args=arguments, name="gateway")
        self._process.start()
        theirs.close()
        self.lives += 1
        until(self._is_ready, PATIENCE)

    def kill(self) -> None:
        """SIGKILL; harmless if it is dead."""
        if self._process is not None and self._control is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._control.close()
            self._process = self._control = None

    def die_at(self, step: str) -> None:
        """Let it kill itself when it comes to a step."""
        self._tell(step)

    def set_clock(self, now: int) -> None:
        """Let it be another second, in this life and those to come."""
        self._now = now
        self._tell(now)

    def _tell(self, what: str | int) -> None:
        assert self._control is not None, "it was never started"
        self._control.send(what)
        assert self._control.poll(PATIENCE), "the gateway does not listen"
        assert self._control.recv() == what

    def _is_ready(self) -> bool:
        assert self.is_alive, "the gateway did not start: its log is in log.txt"
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=PATIENCE, verify=PLAIN).status_code == 200
        except httpx.TransportError:
            return False


def serve(folder: Path, port: int, node_url: str, now: int, control: Connection) -> None:
    """The process: serve until it is killed, or whoever started it is gone."""
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    clock = Clock(now)
    Thread(target=_obey, args=(control, clock), name="control", daemon=True).start()
    settings = Settings(
        data_dir=folder, port=port, node_url=node_url, gas_price=0, scrypt_n=2, passphrase_least=8, checkpoint_lines=5
    )
    with whole_gateway(settings, clock=clock) as (_, app):
        uvicorn.run(app, port=port, log_level="info")


def _obey(control: Connection, clock: Clock) -> None:
    """Do what the test says: an integer sets the clock, a word names the step to die at."""
    while True:
        try:
            what = control.recv()
        except EOFError:
            os.kill(os.getpid(), signal.SIGKILL)
            return
        if isinstance(what, int):
            clock.now = what
        else:
            die_at(what)
        control.send(what)
