"""What the portal remembers of a session, and no longer than it: input to show again, messages to show once.

>>> again = desk.keep(session, "/portal/notes", {"text": ("...",)}, {})
>>> desk.kept(session, again).fields["text"]
('...',)

What people type may be health data: it goes into no URL and no cookie, and into the database sealed, so that it
outlives a restart of the gateway. Messages are in memory: what they tell of stands in lists and logs.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_urlsafe
from threading import Lock

from gateway.waiting import Waiting

_FORM = "form"
_MOST_SESSIONS = 2_000
"""With messages to show; the oldest go."""
_MOST_KEPT = 24
"""Forms a session; the oldest goes."""


@dataclass(frozen=True, slots=True)
class Undo:
    """A way back, offered for a moment."""

    action: str
    """Path to post to."""
    label: str
    fields: Mapping[str, str]
    seconds: int = 10
    """How long it is shown."""


@dataclass(frozen=True, slots=True)
class Flash:
    """A message to be shown once, on the next page."""

    text: str
    kind: str = "done"
    """`done`, `note` or `problem`."""
    undo: Undo | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A form's input, kept to be shown again."""

    page: str
    """Path of the page that shows the form."""
    fields: Mapping[str, tuple[str, ...]]
    errors: Mapping[str, str]
    """Field name to sentence; the empty name is the whole form."""


class Desk:
    """The trays of all sessions, by the hashes of their tokens."""

    def __init__(self, waiting: Waiting, *, seconds: int) -> None:
        """
        Args:
            seconds: that a session lasts at most; no input is kept longer.
        """
        self._waiting = waiting
        self._seconds = seconds
        self._flashes: OrderedDict[bytes, list[Flash]] = OrderedDict()
        self._lock = Lock()

    def keep(self, session: bytes, page: str, fields: Mapping[str, tuple[str, ...]], errors: Mapping[str, str]) -> str:
        """Keep input; the name under which it is found again."""
        name = token_urlsafe(9)
        content = json.dumps({"page": page, "fields": dict(fields), "errors": dict(errors)}).encode()
        self._waiting.put(_FORM, session, name, content, seconds=self._seconds, most=_MOST_KEPT)
        return name

    def kept(self, session: bytes, name: str) -> Kept | None:
        """Input that this session kept; None: not, or not any more."""
        content = self._waiting.get(_FORM, session, name)
        if content is None:
            return None
        known = json.loads(content)
        fields = {field: tuple(values) for field, values in known["fields"].items()}
        return Kept(known["page"], fields, known["errors"])

    def drop(self, session: bytes, name: str) -> None:
        """Forget input that has been acted upon."""
        self._waiting.drop(_FORM, session, name)

    def flash(self, session: bytes, message: Flash) -> None:
        """Show a message on the session's next page."""
        with self._lock:
            flashes = self._flashes.setdefault(session, [])
            self._flashes.move_to_end(session)
            if message not in flashes:  # a double click says it once
                flashes.append(message)
            while len(self._flashes) > _MOST_SESSIONS:
                self._flashes.popitem(last=False)

    def take_flashes(self, session: bytes) -> list[Flash]:
        """The messages to show now."""
        with self._lock:
            return self._flashes.pop(session, [])

    def clear(self, session: bytes) -> None:
        """Forget a session that was signed out of."""
        self._waiting.drop(_FORM, session)
        with self._lock:
            self._flashes.pop(session, None)
