"""A local network for one machine: anvil with free gas and its state on disk.

    >>> with Devnet.start(Path("state")) as devnet:
    ...     node = Node(devnet.url)
    ...     node.request("eth_chainId")
    '0x7a69'

anvil writes its state once a second and when it is stopped, in place: killed in the middle it leaves half a file. So a
keeper (a thread) copies every whole state aside, and a start falls back on the last copy. What was mined since then is
gone after a kill; `went_back` tells, and the outbox sends it again. The longer the chain, the longer each dump takes:
for a load test raise `save_every`.

On Linux the kernel stops anvil when the process that started it dies, however it dies. Elsewhere an orphan may live on;
it keeps the state folder locked, so that no second one starts on the same state.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from typing import IO, Self

from ledger import devnet_state
from ledger.errors import DevnetError, NodeError, NodeWentBack
from ledger.rpc import Node, check_head, head, quantity

CHAIN_ID = 31337
HARDFORK = "prague"
GAS_LIMIT = 1_000_000_000
"""Of a block: roomy, so that a block takes all that waits."""

_LAUNCH = """
import ctypes, os, signal, sys
ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Asks the kernel for SIGTERM at the parent's death (PR_SET_PDEATHSIG = 1), then becomes anvil."""


class Devnet:
    """A running anvil. Made by `start`."""

    @classmethod
    def start(
        cls,
        state_dir: Path,
        *,
        port: int = 0,
        chain_id: int = CHAIN_ID,
        block_time: float | None = 1.0,
        save_every: int = 1,
        gas_limit: int = GAS_LIMIT,
        keep_history: bool = False,
        anvil: Path | None = None,
        timeout: float = 30.0,
    ) -> Self:
        """Start anvil on the state in `state_dir` and wait until it answers.

        Args:
            port: of 127.0.0.1; 0 takes a free one.
            block_time: seconds from block to block; None mines each transaction at once, which anvil does not survive
                under batches from several senders.
            save_every: seconds from one dump of the state to the next.
            keep_history: keep the state of old blocks over a restart (the state file grows much faster).
            anvil: the program; found by `find_anvil` if None.
            timeout: seconds until it must answer, and that another's lock on the folder is waited for.

        Raises:
            DevnetError: anvil is not to be found, the folder is in use, its state is broken, or it did not answer.
        """
        program = anvil or find_anvil()
        state_dir.mkdir(parents=True, exist_ok=True)
        lock = devnet_state.lock(state_dir, timeout)
        try:
            devnet_state.mend(state_dir)
            state = str(state_dir / devnet_state.STATE)
            options = ["--port", str(port), "--chain-id", str(chain_id), "--hardfork", HARDFORK, "--accounts", "0"]
            options += ["--gas-price", "0", "--base-fee", "0", "--gas-limit", str(gas_limit), "--order", "fifo"]
            options += ["--state", state, "--state-interval", str(save_every)]
            options += ["--block-time", str(block_time)] if block_time is not None else []
            options += ["--preserve-historical-states"] if keep_history else []
            return cls(state_dir, [str(program), *options], lock, timeout)
        except BaseException:
            lock.close()
            raise

    def __init__(self, state_dir: Path, command: list[str], lock: IO[bytes], timeout: float) -> None:
        self.state_dir = state_dir
        self.went_back: NodeWentBack | None = None
        """What the chain lost when it last stopped, if anything."""
        self._lock = lock
        self._node: Node | None = None
        self._ending = Event()
        self._output: deque[str] = deque(maxlen=20)
        started: Queue[subprocess.Popen[bytes] | OSError] = Queue()
        # The kernel takes the death of the *thread* that forked for the parent's: the keeper lives as long as anvil.
        self._keeper = Thread(target=self._keep, args=(command, started), name="devnet-keeper", daemon=True)
        self._keeper.start()
        process = started.get()
        if isinstance(process, OSError):
            raise DevnetError(f"anvil cannot be run: {process}")
        self._process = process
        try:
            self.port = self._listening(timeout)
            self.url = f"http://127.0.0.1:{self.port}"
            node = Node(self.url, timeout=timeout)
            self.chain_id = quantity(node.request("eth_chainId"))
            node.request("anvil_setLoggingEnabled", False)  # a line for each request costs time, and nobody reads it
            self._compare(node)
            self._node = node
        except (NodeError, DevnetError) as failure:
            self.kill()
            raise DevnetError(f"anvil did not start: {failure}") from failure

    @property
    def pid(self) -> int:
        """anvil's process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether anvil lives."""
        return self._process.poll() is None

    def stop(self, timeout: float = 30.0) -> None:
        """End anvil and let it write its state; harmless if it has ended."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._end()

    def kill(self) -> None:
        """End anvil at once, as a power failure would: what it mined since the last dump is lost."""
        self._process.kill()
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _end(self) -> None:
        self._process.wait()
        self._ending.set()
        self._keeper.join()
        if self._node is not None:
            self._node.close()
        self._lock.close()

    def _keep(self, command: list[str], started: "Queue[subprocess.Popen[bytes] | OSError]") -> None:
        """Start anvil, then look after its folder until it ends."""
        if sys.platform == "linux":
            command = [sys.executable, "-ISc", _LAUNCH, str(os.getpid()), *command]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(self._lock.fileno(),),  # anvil holds the lock too, until it has written its state
            )
        except OSError as failure:
            started.put(failure)
            return
        started.put(process)
        kept = 0
        while not self._ending.wait(0.2):
            kept = devnet_state.keep_copy(self.state_dir, kept)
            if self._node is not None and self.is_running:
                try:
                    devnet_state.remember_head(self.state_dir, head(self._node))
                except NodeError:
                    continue  # it is ending; the head of before stays remembered
        devnet_state.keep_copy(self.state_dir, kept)

    def _listening(self, timeout: float) -> int:
        """The port, from anvil's own words; its later words are read too, lest the pipe fill."""
        ports: Queue[int | None] = Queue()

        def read() -> None:
            with self._process.stdout or open(os.devnull, "rb") as output:
                for line in output:
                    text = line.decode(errors="replace").strip()
                    self._output.append(text)
                    if text.startswith("Listening on "):
                        ports.put(int(text.rsplit(":", 1)[1]))
            ports.put(None)

        Thread(target=read, name="devnet-output", daemon=True).start()
        try:
            port = ports.get(timeout=timeout)
        except Empty:
            raise DevnetError(f"no answer within {timeout:.0f} s") from None
        if port is None:
            raise DevnetError(f"it ended: {' '.join(self._output)[-500:]}")
        return port

    def _compare(self, node: Node) -> None:
        """Compare the chain with the newest block that an earlier run saw; from now on this run's counts."""
        remembered = devnet_state.remembered_head(self.state_dir)
        try:
            if remembered is not None:
                check_head(node, remembered)
        except NodeWentBack as failure:
            self.went_back = failure
        devnet_state.remember_head(self.state_dir, head(node))


def find_anvil() -> Path:
    """The anvil program: $CONSENT_LEDGER_ANVIL, the search path, or npm's copy in the checkout or working folder.

    Raises:
        DevnetError: there is none.
    """
    for candidate in _candidates():
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    raise DevnetError("anvil is not to be found: run `npm ci`, or set CONSENT_LEDGER_ANVIL to the program")


def _candidates() -> Iterator[Path]:
    named = os.environ.get("CONSENT_LEDGER_ANVIL")
    if named:
        yield Path(named)
        return  # who names one does not want another
    on_path = shutil.which("anvil")
    if on_path:
        yield Path(on_path)
    for root in (Path(__file__).resolve().parent.parent, Path.cwd()):
        yield from sorted(root.glob("node_modules/@foundry-rs/anvil-*/bin/anvil"))
