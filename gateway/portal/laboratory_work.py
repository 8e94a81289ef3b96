"""What is wrong with results that a laboratory has handed in, kept in memory until the batch is done with.

>>> hand_ins.add(author, job, Report(accepted=998, unread=(Unread("night.ndjson, line 17", "not JSON"),)))
>>> hand_ins.of(author, job).unread[0].name
'night.ndjson, line 17'

Names of files may be numbers of people: they are shown to whoever sent them, and written down nowhere.
"""

import re
from collections import OrderedDict
from threading import Lock

from gateway.portal.laboratory_results import Report, Unread
from ledger.types import Address

MOST_LINES = 1_000
"""That are kept of one batch."""
_MOST_BATCHES = 200


class HandIns:
    """The reports of all batches that are being put together."""

    def __init__(self) -> None:
        self._reports: OrderedDict[tuple[Address, bytes], Report] = OrderedDict()
        self._lock = Lock()

    def add(self, author: Address, job: bytes, report: Report) -> None:
        """Add what became of another file; of a line handed in again, the newer word counts."""
        with self._lock:
            known = self._reports.pop((author, job), Report())
            lines = {one.name: one for one in (*known.unread, *report.unread)}
            self._reports[author, job] = Report(
                known.accepted + report.accepted,
                known.unchanged + report.unchanged,
                tuple(sorted(lines.values(), key=_place)[:MOST_LINES]),
            )
            while len(self._reports) > _MOST_BATCHES:
                self._reports.popitem(last=False)

    def of(self, author: Address, job: bytes) -> Report:
        """What is wrong, as far as it is remembered."""
        with self._lock:
            return self._reports.get((author, job), Report())

    def drop(self, author: Address, job: bytes) -> None:
        """The laboratory has seen it."""
        with self._lock:
            self._reports.pop((author, job), None)


def _place(one: Unread) -> list[tuple[int, str]]:
    """Where a line stands among others: by its file, and by its number."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", one.name) if part]
