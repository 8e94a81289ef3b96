"""A devnet that is started again when it ends by itself: on the same state and port, so that nobody learns a new URL.

    >>> with keep_running(lambda port: Devnet.start(Path("state"), port=port)) as devnet:
    ...     node = Node(devnet.url)

What was mined after the last dump is gone then, as after any start: who remembers blocks (the indexer) or what was sent
(the outbox) notices, and does it again. Meanwhile the node is unavailable, and requests say so at once.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

from ledger.devnet import Devnet
from ledger.errors import DevnetError

log = logging.getLogger(__name__)

Start = Callable[[int], Devnet]
"""Starts a devnet on a port; 0: any."""

_LOOK_EVERY = 0.2
"""Seconds between two looks at the process."""
_LONGEST_PAUSE = 5.0
"""Seconds between two tries to start it."""


class Watched:
    """A devnet, whichever process it is just now. Made by `keep_running`."""

    def __init__(self, start: Start) -> None:
        """Raises:
        DevnetError: it does not start the first time.
        """
        self._start = start
        self._devnet = start(0)
        self.url = self._devnet.url
        self.restarts = 0
        """How often it was started again."""
        self._lock = Lock()
        self._stopping = Event()
        self._watch = Thread(target=self._keep, name="devnet-watch", daemon=True)
        self._watch.start()

    @property
    def pid(self) -> int:
        """The process that it is now."""
        with self._lock:
            return self._devnet.pid

    def stop(self) -> None:
        """End it for good, and let it write its state."""
        self._stopping.set()
        self._watch.join()
        with self._lock:
            self._devnet.stop()

    def _keep(self) -> None:
        while not self._stopping.wait(_LOOK_EVERY):
            if not self._devnet.is_running:
                self._start_again()

    def _start_again(self) -> None:
        """Try until it runs: another devnet may hold the state's lock a moment longer, or somebody the port."""
        log.warning("the devnet ended by itself: starting it again")
        port = self._devnet.port
        self._devnet.stop()
        pause = _LOOK_EVERY
        while not self._stopping.is_set():
            try:
                devnet = self._start(port)
            except DevnetError as failure:
                log.warning("the devnet does not start again, trying in %.1f s: %s", pause, failure)
                self._stopping.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            with self._lock:
                self._devnet = devnet
            self.restarts += 1
            if devnet.went_back is not None:
                log.warning("the devnet went back: what it had mined since is sent again")
            return


@contextmanager
def keep_running(start: Start) -> Iterator[Watched]:
    """Start a devnet, and again whenever it ends, until the end of the block.

    Raises:
        DevnetError: it does not start the first time.
    """
    devnet = Watched(start)
    try:
        yield devnet
    finally:
        devnet.stop()
