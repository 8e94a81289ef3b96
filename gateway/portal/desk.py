"""What the portal remembers of a session, in memory and no longer than it: messages to show once, input to show again.

>>> again = desk.keep(session, "/portal/notes", {"text": ("...",)}, {})
>>> desk.kept(session, again).fields["text"]
('...',)

What people type may be health data: it goes into no URL, cookie or database.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_urlsafe
from threading import Lock

_MOST_SESSIONS = 2_000
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


@dataclass(slots=True)
class _Tray:
    kept: OrderedDict[str, Kept] = field(default_factory=OrderedDict)
    flashes: list[Flash] = field(default_factory=list)


class Desk:
    """The trays of all sessions, by the hashes of their tokens."""

    def __init__(self) -> None:
        self._trays: OrderedDict[bytes, _Tray] = OrderedDict()
        self._lock = Lock()

    def keep(self, session: bytes, page: str, fields: Mapping[str, tuple[str, ...]], errors: Mapping[str, str]) -> str:
        """Keep input; the name under which it is found again."""
        name = token_urlsafe(9)
        with self._lock:
            kept = self._tray(session).kept
            kept[name] = Kept(page, dict(fields), dict(errors))
            while len(kept) > _MOST_KEPT:
                kept.popitem(last=False)
        return name

    def kept(self, session: bytes, name: str) -> Kept | None:
        """Input that this session kept; None: not, or not any more."""
        with self._lock:
            tray = self._trays.get(session)
            return tray.kept.get(name) if tray else None

    def drop(self, session: bytes, name: str) -> None:
        """Forget input that has been acted upon."""
        with self._lock:
            if session in self._trays:
                self._trays[session].kept.pop(name, None)

    def flash(self, session: bytes, message: Flash) -> None:
        """Show a message on the session's next page."""
        with self._lock:
            flashes = self._tray(session).flashes
            if message not in flashes:  # a double click says it once
                flashes.append(message)

    def take_flashes(self, session: bytes) -> list[Flash]:
        """The messages to show now."""
        with self._lock:
            tray = self._trays.get(session)
            if tray is None:
                return []
            taken, tray.flashes = tray.flashes, []
            return taken

    def clear(self, session: bytes) -> None:
        """Forget a session that was signed out of."""
        with self._lock:
            self._trays.pop(session, None)

    def _tray(self, session: bytes) -> _Tray:
        tray = self._trays.setdefault(session, _Tray())
        self._trays.move_to_end(session)
        while len(self._trays) > _MOST_SESSIONS:
            self._trays.popitem(last=False)
        return tray
