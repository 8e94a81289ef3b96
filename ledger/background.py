"""Repeating a step in a background thread until told to stop, with patience for what fails in between."""

import logging
from collections.abc import Callable
from threading import Event

from ledger.errors import LedgerError

log = logging.getLogger(__name__)

_LONGEST_PAUSE = 5.0
"""Seconds between two tries while a step fails."""


def repeat(name: str, step: Callable[[], object], stopping: Event, *, idle: float, work: Event | None = None) -> None:
    """Take the step again and again; a false result means that there was nothing to do, and a pause.

    Args:
        idle: seconds of the pause; doubled with each failure in a row.
        work: ends the pause.
    """
    work = work or Event()
    pause = idle
    while not stopping.is_set():
        work.clear()
        try:
            if not step():
                work.wait(idle)
            pause = idle
        except LedgerError as failure:
            pause = min(pause * 2, _LONGEST_PAUSE)
            log.warning("%s waits %.1f s: %s", name, pause, failure)
            stopping.wait(pause)
