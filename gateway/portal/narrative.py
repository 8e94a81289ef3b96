"""A FHIR narrative as plain words: what is read of XHTML that somebody else wrote, with none of its markup left.

>>> words_of('<div xmlns="http://www.w3.org/1999/xhtml"><p>Well.</p><p>Sleeps<br/>again.</p></div>')
'Well.\\n\\nSleeps\\nagain.'
"""

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

_BLOCKS = frozenset({"p", "div", "ul", "ol", "table", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote"})
_SILENT = frozenset({"script", "style"})
_DEEPEST = 8


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BLOCKS:
            self.parts.append("\n\n")
        elif tag in ("br", "li"):
            self.parts.append("\n• " if tag == "li" else "\n")
        elif tag in ("td", "th"):
            self.parts.append("  ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(self._silent - 1, 0)
        elif tag in _BLOCKS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(re.sub(r"\s+", " ", data))


def words_of(xhtml: str) -> str:
    """The words, paragraphs apart by an empty line."""
    parser = _Words()
    parser.feed(xhtml[:200_000])
    parser.close()
    lines = "\n".join(line.strip() for line in "".join(parser.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


def composition_words(resource: Mapping[str, Any]) -> str:
    """A Composition's sections, one after the other, each under its title."""
    title = resource.get("title")
    parts = []
    for heading, text in _sections(resource, 0):
        shown = heading if heading != title else ""
        parts.append("\n\n".join(filter(None, (shown, text))))
    return "\n\n".join(filter(None, parts))


def _sections(parent: Mapping[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    found = parent.get("section")
    for section in found if isinstance(found, list) and depth < _DEEPEST else []:
        if not isinstance(section, dict):
            continue
        heading, text = section.get("title"), section.get("text")
        div = text.get("div") if isinstance(text, dict) else None
        yield str(heading or ""), words_of(div) if isinstance(div, str) else ""
        yield from _sections(section, depth + 1)
