"""Whether anything at all has happened, asked once for all open pages: only then does each look for what is its own.

>>> before = pulse.beat(gateway)
>>> pulse.beat(gateway) == before              # nothing new: no page needs to ask
True
"""

import time
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import func, select, union_all

from gateway.batches.index import followed
from gateway.database import reading
from ledger import events

if TYPE_CHECKING:
    from gateway.services import Gateway

Beat = tuple[int, ...]
"""Newest block of each kind of event, number of batches read, lines in the access log."""

_EVERY = 0.3
"""Seconds that an answer stands."""
_NEWEST = union_all(
    *(
        select(func.coalesce(func.max(table.c.block_number), -1))
        for table in events.metadata.sorted_tables
        if "log_index" in table.c
    )
)


class Pulse:
    """The last answer, for everybody."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._at = float("-inf")
        self._beat: Beat = ()

    def beat(self, gateway: "Gateway") -> Beat:
        """What there is by now; another value than before as soon as there is more, or less."""
        with self._lock:
            if time.monotonic() - self._at > _EVERY:
                with reading(gateway.ledger_database) as connection:
                    newest = connection.execute(_NEWEST).scalars().all()
                with reading(gateway.database) as connection:
                    batches = connection.execute(select(func.count()).select_from(followed)).scalar_one()
                self._beat = (*newest, batches, gateway.log.size())
                self._at = time.monotonic()
            return self._beat
