"""A sentence with what it speaks of kept apart, so that it can be said in another language than English.

>>> str(Told("It expired on {when}.", {"when": 1_772_526_600}))
'It expired on 3 March 2026, 08:30 UTC.'

English sentences are the keys of the portal's catalogues, which `gateway.portal.language` says them from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence."""

    sentence: str
    """In English, with braces where values go."""
    values: Mapping[str, int | str] = field(default_factory=dict)
    """What goes there: `when` in seconds since 1970, `reason` a phrase that is said in the same language, all others
    as they are."""

    def __str__(self) -> str:
        return self.text()

    def text(self, **names: str) -> str:
        """In English, with names put in as they are."""
        said = {name: when(int(value)) if name == "when" else value for name, value in self.values.items()}
        return self.sentence.format(**said, **names)


def when(time: int) -> str:
    """A time as people read it, in UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%-d %B %Y, %H:%M UTC")
