"""A real IPFS node for the tests."""

import os
import subprocess
import time
from pathlib import Path


class IpfsNode:
    """Kubo in a repository of its own, offline, on free ports of the loopback interface."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._environment = {**os.environ, "IPFS_PATH": str(folder / "repo"), "IPFS_TELEMETRY": "off"}
        self._process: subprocess.Popen[bytes] | None = None
        self._run("init", "--empty-repo", "--profile=test")

    @property
    def address(self) -> str:
        """Its RPC; another one after every start."""
        return (self._folder / "repo" / "api").read_text().strip()

    def start(self) -> None:
        """Start, and wait until it answers."""
        log = self._folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [self._program, "daemon", "--offline"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 60
        while b"Daemon is ready" not in log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the IPFS node did not start:\n{log.read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop, and wait until it has."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)
            self._process = None

    def collect_garbage(self) -> None:
        """Let the node throw away all that nothing holds."""
        self._run("repo", "gc")

    def _run(self, *arguments: str) -> None:
        subprocess.run([self._program, *arguments], env=self._environment, check=True, capture_output=True, timeout=60)
