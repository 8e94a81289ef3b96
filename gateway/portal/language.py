"""The languages of the portal: catalogues of sentences, dates, and which language a reader gets.

>>> languages = load()
>>> languages["es"].say("Sign in")
'Iniciar sesión'

English sentences are the keys. A catalogue is a folder of JSON files, `locales/<code>/<area>.json`, each an object of
English to translation. Both languages have one singular and one plural.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.notices.told import Told
from ledger.types import FOREVER

_LOCALES = Path(__file__).parent / "locales"
_MONTHS: Mapping[str, tuple[str, ...]] = {
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    "es": (
        *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
        *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
    ),
}
_DATES: Mapping[str, str] = {"en": "{day} {month} {year}", "es": "{day} de {month} de {year}"}
NAMES: Mapping[str, str] = {"en": "English", "es": "Español"}
"""Every language by its code, named in itself."""


def mark(message: str) -> str:
    """Marks a sentence for translation where it stands, to be said later."""
    return message


@dataclass(frozen=True, slots=True)
class Language:
    """One language."""

    code: str
    catalogue: Mapping[str, str]

    def say(self, message: str, /, **values: Any) -> str:
        """A sentence, with values put in where its braces are."""
        return self.catalogue.get(message, message).format(**values)

    def told(self, one: Told, **names: str) -> str:
        """A sentence of the gateway's, with what it speaks of; names are put in as they are."""
        said: dict[str, Any] = {**one.values, **names}
        for name, value in one.values.items():
            if name == "when":
                said[name] = self.moment(int(value))
            elif name == "reason":
                phrase = str(value)
                said[name] = self.say(phrase)
        return self.say(one.sentence, **said)

    def many(self, one: str, many: str, /, count: int, **values: Any) -> str:
        """A sentence about one or several; `{count}` is how many."""
        return self.say(one if count == 1 else many, count=count, **values)

    def day(self, seconds: int) -> str:
        """A date, in UTC."""
        if seconds >= FOREVER:
            return self.say("for ever")
        at = datetime.fromtimestamp(seconds, UTC)
        return _DATES[self.code].format(day=at.day, month=_MONTHS[self.code][at.month - 1], year=at.year)

    def moment(self, seconds: int) -> str:
        """A date and time, in UTC."""
        at = datetime.fromtimestamp(seconds, UTC)
        return f"{self.day(seconds)}, {at:%H:%M} UTC"

    def listed(self, parts: list[str]) -> str:
        """Several things in one phrase: a, b and c."""
        if len(parts) < 2:
            return "".join(parts)
        joint = "and" if self.code == "en" else "e" if parts[-1].lower().startswith(("i", "hi")) else "y"
        return f"{', '.join(parts[:-1])} {joint} {parts[-1]}"


ENGLISH = Language("en", {})
"""What the sentences are written in."""


def load() -> dict[str, Language]:
    """Every language."""
    languages = {"en": ENGLISH}
    for code in NAMES:
        if code == "en":
            continue
        catalogue: dict[str, str] = {}
        for path in sorted((_LOCALES / code).glob("*.json")):
            for message, translation in json.loads(path.read_text(encoding="utf-8")).items():
                catalogue.setdefault(message, translation)
        languages[code] = Language(code, catalogue)
    return languages


def preferred(accepted: str, languages: Mapping[str, Language]) -> Language:
    """The language that an `Accept-Language` header asks for first, of those there are; else English."""
    for part in accepted[:200].split(","):
        code = part.partition(";")[0].strip().partition("-")[0].lower()
        if code in languages:
            return languages[code]
    return languages["en"]
