"""Sentences that other packages have filled in already, recognized by their shape and said in the reader's language.

>>> shapes = Shapes((mark("line {line} numbers itself {number}"),))
>>> shapes.said(load()["es"], "line 7 numbers itself 8")
'la línea 7 dice ser la 8'
"""

import re
from collections.abc import Collection

from gateway.portal.language import Language


class Shapes:
    """Sentences with braces, each the key of a catalogue."""

    def __init__(self, sentences: Collection[str], nested: Collection[str] = ()) -> None:
        """
        Args:
            sentences: the first whose shape fits is taken.
            nested: braces that stand for a sentence or word that is said as well.
        """
        self._shapes = {one: _shape(one) for one in sentences}
        self._nested = nested

    def said(self, language: Language, text: str) -> str:
        """A text in a language; as it is where neither a shape nor the catalogue has it, such as a file's own cells."""
        for sentence, shape in self._shapes.items():
            found = shape.fullmatch(text)
            if found:
                given = found.groupdict()
                nested = {name: self.said(language, given[name]) for name in self._nested if name in given}
                return language.say(sentence, **{**given, **nested})
        return language.catalogue.get(text, text)


def _shape(sentence: str) -> re.Pattern[str]:
    """What a sentence looks like with its braces filled in."""
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(sentence)))
