"""On Spanish pages everything is Spanish: every page that a link leads to, to the last cell of its tables, and whatever
a form answers that is sent empty or filled with nonsense."""

from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Page

from tests.portal.browsing import Browsing
from tests.portal.conftest import SCREENSHOTS
from tests.portal.crawling import PEOPLE, kind_of, pages
from tests.portal.lived import TITLES, hand_in, live
from tests.portal.served import Portal, serving
from tests.portal.untranslated import answers_of, english_in, own_words, speak, texts_of

OWN = own_words(TITLES)
ANSWERS = {
    "patient": 5,
    "caregiver": 4,
    "doctor": 12,
    "emergency": 2,
    "technician": 2,
    "pharmacist": 4,
    "auditor": 1,
    "researcher": 6,
}
"""How many different things the forms of each say at the least."""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Portal]:
    """A gateway of its own: whatever can be shown is there, and every form may be sent."""
    with serving(tmp_path_factory.mktemp("spanish")) as running:
        live(running)
        with Browsing(running, chromium, SCREENSHOTS) as browsing:
            hand_in(browsing)
        yield running


def untranslated(page: Page, path: str) -> list[str]:
    """What is left in English on a page."""
    page.goto(path)
    english = texts_of(page)
    speak(page, "es")
    page.goto(path)
    found = english_in(english, texts_of(page), OWN)
    speak(page, "en")
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("handle", PEOPLE)
def test_every_page_is_spanish_to_the_last_cell(browsing: Browsing, handle: str) -> None:
    page = browsing.signed_in(handle, scripts=False)
    found = {(kind_of(path), text) for path in list(pages(page)) for text in untranslated(page, path)}
    assert not found, "\n".join(f"{where}: {text}" for where, text in sorted(found))


FORMS = """() => [...document.forms].filter((form) => form.method === "post").map((form) => {
    const asked = [...form.elements].filter((one) => one.name && !["hidden", "file", "submit"].includes(one.type));
    const stands = asked.filter((one) => one.checked || !["radio", "checkbox"].includes(one.type));
    return {
        action: form.getAttribute("action"),
        files: form.enctype === "multipart/form-data",
        hidden: [...form.querySelectorAll("input[type=hidden]")].map((one) => [one.name, one.value]),
        asks: [...new Set(asked.map((one) => one.name))],
        stands: stands.map((one) => [one.name, one.value]),
        does: [...form.querySelectorAll("button[name]")].map((one) => [one.name, one.value]),
    };
})"""
NONSENSE = "¿{0}?"


def trials(form: dict[str, Any]) -> Iterator[dict[str, str]]:
    """What is typed into a form: nothing at all, nonsense everywhere, and as it stands with nonsense in one field."""
    yield dict.fromkeys(form["asks"], "")
    yield dict.fromkeys(form["asks"], NONSENSE)
    for name in form["asks"]:
        yield {**dict(form["stands"]), name: NONSENSE}


def answer(page: Page, form: dict[str, Any], typed: dict[str, str]) -> set[str]:
    """Send a form; what it answers."""
    fields = {**dict(form["hidden"]), **typed, **dict(form["does"][-1:]), "_key": token_hex(16)}
    if form["files"]:
        file: FilePayload = {"name": "a.json", "mimeType": "text/plain", "buffer": NONSENSE.encode()}
        with_file = {**fields, **({"file": file} if any(typed.values()) else {})}
        sent = page.request.post(form["action"], multipart=with_file)
    else:
        sent = page.request.post(form["action"], form=fields)
    assert sent.status < 500, form["action"]
    page.set_content(sent.text())
    return answers_of(page)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("handle", "least"), ANSWERS.items())
def test_whatever_a_form_answers_is_spanish(browsing: Browsing, handle: str, least: int) -> None:
    page = browsing.signed_in(handle, scripts=False)
    found, told, sent = set[tuple[str, str]](), set[str](), set[str]()
    for path in list(pages(page)):
        page.goto(path)
        for form in page.evaluate(FORMS):
            if kind_of(form["action"]) in sent or not form["asks"]:
                continue  # a form that asks for nothing would be done
            sent.add(kind_of(form["action"]))
            for typed in trials(form):
                speak(page, "en")
                english = answer(page, form, typed)
                speak(page, "es")
                spanish = answer(page, form, typed)
                told |= spanish
                found |= {(form["action"], text) for text in english_in(english, spanish, OWN)}
        speak(page, "en")
    assert not found, "\n".join(f"{where}: {text}" for where, text in sorted(found))
    assert len(told) >= least
