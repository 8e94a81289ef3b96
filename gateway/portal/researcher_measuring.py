"""Measuring everything anew, at a researcher's request: in the background, one measurement at a time, kept on disk.

>>> measuring.start(folder)
True
>>> measuring.current(folder).about["runs"]
20

It runs on a devnet of its own: no node, no ledger and no money of this gateway is touched.
"""

import logging
from pathlib import Path
from threading import Lock, Thread

from gateway.identity.secrets_at_rest import write_whole
from gateway.portal.researcher_measured import Measured, decode, measure, shipped
from ledger.errors import LedgerError

log = logging.getLogger(__name__)

_FILE = "gas-measured.json"
RUNS = 20
MOST = 2_000
"""Acts of each series of growth: a minute's work; the data set that is shipped has more."""


class Measuring:
    """The measurements of one gateway."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._doing: str | None = None
        self._failure: str | None = None
        self._known: tuple[float, Measured] | None = None

    @property
    def doing(self) -> str | None:
        """What is being measured at this moment; None: nothing."""
        with self._lock:
            return self._doing

    @property
    def failure(self) -> str | None:
        """Why the last measurement came to nothing, in a sentence."""
        with self._lock:
            return self._failure

    def start(self, folder: Path, *, runs: int = RUNS, most: int = MOST) -> bool:
        """Begin, unless one is at work; whether it has."""
        with self._lock:
            if self._doing is not None:
                return False
            self._doing, self._failure = "beginning", None
        Thread(target=self._work, args=(folder, runs, most), name="measuring", daemon=True).start()
        return True

    def current(self, folder: Path) -> Measured:
        """The newest measurement made here, else the one that is shipped.

        Raises:
            LedgerError: the file was damaged.
        """
        path = folder / _FILE
        try:
            changed = path.stat().st_mtime
        except FileNotFoundError:
            changed = 0.0
        with self._lock:
            known = self._known
        if known is not None and known[0] == changed:
            return known[1]
        found = decode(path.read_text(encoding="utf-8")) if changed else shipped()
        with self._lock:
            self._known = (changed, found)
        return found

    def _work(self, folder: Path, runs: int, most: int) -> None:
        failure = None
        try:
            text = measure(seed="1", runs=runs, most=most, progress=self._tell)
            write_whole(folder / _FILE, text.encode())
        except LedgerError as problem:
            failure = str(problem)
        except Exception as problem:
            log.error("unforeseen %s while measuring", type(problem).__name__, exc_info=problem)
            failure = "the measurement ended before its time"
        with self._lock:
            self._doing, self._failure = None, failure

    def _tell(self, what: str) -> None:
        with self._lock:
            self._doing = what
