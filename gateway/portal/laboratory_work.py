"""What is wrong with results that a laboratory has handed in, kept until it has seen that, a week at most.

>>> hand_ins.add(author, job, Report(accepted=998, unread=(Unread("night.ndjson, line 17", "not JSON"),)))
>>> hand_ins.of(author, job).unread[0].name
'night.ndjson, line 17'

Names of files may be numbers of people: they are shown to whoever sent them, and are in the database sealed.
"""

import json
import re
from threading import Lock

from gateway.portal.laboratory_results import Report, Unread
from gateway.waiting import Waiting
from ledger.types import Address, raw

MOST_LINES = 1_000
"""That are kept of one batch."""
_MOST_BATCHES = 200
"""Of one author; the oldest go."""
_SECONDS = 7 * 86_400
_KIND = "hand-in"


class HandIns:
    """The reports of all batches that are being put together."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._lock = Lock()

    def add(self, author: Address, job: bytes, report: Report) -> None:
        """Add what became of another file; of a line handed in again, the newer word counts."""
        with self._lock:
            known = self.of(author, job)
            lines = {one.name: one for one in (*known.unread, *report.unread)}
            unread = sorted(lines.values(), key=_place)[:MOST_LINES]
            content = {
                "accepted": known.accepted + report.accepted,
                "unchanged": known.unchanged + report.unchanged,
                "unread": [[one.name, one.why] for one in unread],
            }
            owner, name = _whose(author, job)
            self._waiting.put(_KIND, owner, name, json.dumps(content).encode(), seconds=_SECONDS, most=_MOST_BATCHES)

    def of(self, author: Address, job: bytes) -> Report:
        """What is wrong, as far as it is remembered."""
        content = self._waiting.get(_KIND, *_whose(author, job))
        if content is None:
            return Report()
        known = json.loads(content)
        unread = tuple(Unread(name, why) for name, why in known["unread"])
        return Report(known["accepted"], known["unchanged"], unread)

    def drop(self, author: Address, job: bytes) -> None:
        """The laboratory has seen it."""
        self._waiting.drop(_KIND, *_whose(author, job))


def _whose(author: Address, job: bytes) -> tuple[bytes, str]:
    return raw(author), job.hex()


def _place(one: Unread) -> list[tuple[int, str]]:
    """Where a line stands among others: by its file, and by its number."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", one.name) if part]
