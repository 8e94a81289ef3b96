"""What of a page is still English in Spanish: every text of it, and what is said to those who do not see it.

Two signs: the same words stand on the English page and on the Spanish one, or a Spanish text has a word in it that no
Spanish sentence has. What is nobody's to translate is taken out first: names, what people wrote, codes, units.
"""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from playwright.sync_api import Page

from gateway import demo_life
from gateway.demo_people import CAST
from gateway.portal.researcher_measured import shipped
from gateway.portal.researcher_words import is_said
from gateway.portal.view import LANGUAGE
from ledger.abi import Abi

_TEXTS = """() => {
    const apart = "script, style, code, pre, .mono, .language";
    const found = [document.title];
    const walker = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        if (!walker.currentNode.parentElement.closest(apart)) found.push(walker.currentNode.data);
    }
    for (const one of document.querySelectorAll("body *")) {
        if (one.closest(apart)) continue;
        for (const { name, value } of one.attributes) {
            if (/^(aria-label|title|alt|placeholder|data-.*)$/.test(name)) found.push(value);
        }
        if (one.matches("input[type=text], input[type=search]")) found.push(one.value);
    }
    return found.map((text) => text.trim().replace(/\\s+/g, " "));
}"""
_ENGLISH = re.compile(
    r"\b(the|is|are|of|and|was|were|not|you|your|with|for|been|this|that|by|from|have|it|its|which|who|at|to|in|or"
    r"|she|her|they|their|can|cannot|be|on|nobody|nothing|each|all|read|reads|write|writes|line|row)\b",
    re.IGNORECASE,
)
"""Words that no Spanish sentence has."""
_CODES = re.compile(r"\b(0x)?[0-9a-fA-F]{8,}|\b0x\w+…\w+|\burn:\S+|\{\w+\}")
"""Digests, addresses, whole or in short, names of number systems, and braces that a script fills in."""
SAME = frozenset(
    {
        *("gas", "hospital", "error", "no", "total", "personal", "final", "general", "normal"),
        *("gwei", "eur", "csv", "json", "svg", "fhir", "pdf", "utc", "ntpf", "evm", "ndjson", "mb", "loinc"),
        *("medicationrequest", "devnet", "commit", "hardfork", "anvil", "cancun", "solc", "wei"),
    }
)
"""Words that stand for themselves in both languages: borrowed terms, names of formats, units of money."""


def texts_of(page: Page) -> set[str]:
    """What a page says, each text once."""
    return {text for text in page.evaluate(_TEXTS) if text}


def answers_of(page: Page) -> set[str]:
    """What a page says of a form that was sent: what needs another look, and why it was refused."""
    found = page.locator(".notice li, .notice p, p.error").all_inner_texts()
    return {" ".join(text.split()) for text in found if text.strip()}


def speak(page: Page, code: str) -> None:
    """Have this window's pages in a language from now on."""
    page.context.add_cookies([{"name": LANGUAGE, "value": code, "domain": "localhost", "path": "/"}])


def own_words(names: Iterable[str]) -> list[str]:
    """Names of people, and whatever the demonstration has its people write: the longest first."""
    tree = ast.parse(Path(demo_life.__file__).read_text(encoding="utf-8"))
    written = [one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    lines = [line for text in written for line in text.split("\n") if re.search(r"[A-Z]", line)]
    return sorted({*(part.name for part in CAST), *lines, *names}, key=len, reverse=True)


def code_words() -> frozenset[str]:
    """Names of functions, workflows and measured projects."""
    named = {
        str(row[column.key])
        for table in shipped().tables.values()
        for column in table.columns
        for row in table.rows
        if column.kind == "name" and not is_said(column)
    }
    return frozenset({"", *named, *(one.name for one in Abi.shipped().functions_by_selector.values())})


def english_in(english: set[str], spanish: set[str], own: Iterable[str]) -> list[str]:
    """Texts of the Spanish page that are English, or have English in them."""
    taken_out = re.compile("|".join(map(re.escape, own)))
    codes = code_words()
    found = []
    for text in sorted(spanish):
        if all(part in codes for part in re.split(r"\d+ x | \+ |: [\d,.]+$", text)):
            continue
        left = _CODES.sub(" ", taken_out.sub(" ", text))
        words = [word for word in re.findall(r"[^\W\d_]{3,}", left) if word.lower() not in SAME]
        if words and (text in english or _ENGLISH.search(left)):
            found.append(text)
    return found
