"""Windows onto the portal: signed in as somebody, at a size, light or dark, with or without scripts; and what every
page must pass."""

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from playwright.sync_api import Browser, BrowserContext, Page, Request

from tests.conftest import REPOSITORY
from tests.portal.served import Portal, Somebody

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
_AXE = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"
_VALIDATE = REPOSITORY / "node_modules" / "html-validate" / "bin" / "html-validate.mjs"
_RULES = Path(__file__).parent / "html-validate.json"
_SERIOUS = ("serious", "critical")


class Browsing:
    """Opens windows; remembers every request that any of them made."""

    def __init__(self, portal: Portal, browser: Browser, screenshots: Path) -> None:
        self.portal = portal
        self.requests: list[str] = []
        self._browser = browser
        self._screenshots = screenshots
        self._contexts: list[BrowserContext] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, at: TracebackType | None
    ) -> None:
        for context in self._contexts:
            context.close()

    def window(
        self, *, size: dict[str, int] = DESK, dark: bool = False, scripts: bool = True, language: str = "en-GB"
    ) -> Page:
        """A new browser window with nothing remembered."""
        context = self._browser.new_context(
            viewport={"width": size["width"], "height": size["height"]},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            locale=language,
            reduced_motion="reduce",  # what is just appearing is too pale to read, and looked at by chance
            base_url=self.portal.url,
        )
        context.set_default_timeout(60_000)
        context.on("request", self._note)
        self._contexts.append(context)
        return context.new_page()

    def signed_in(self, who: Somebody | str, **window: Any) -> Page:
        """A window in which somebody has signed in: one of the demo cast by handle, or whoever a test has made."""
        page = self.window(**window)
        page.goto("/portal/sign-in")
        if isinstance(who, str):
            page.locator(f'button[name="handle"][value="{who}"]').click()
        else:
            page.locator("#field-address").fill(who.address)
            page.locator("#field-passphrase").fill(who.passphrase)
            page.locator("section.narrow button[type=submit]").click()
        page.wait_for_url(lambda url: "/sign-in" not in url)
        return page

    def shot(self, page: Page, name: str) -> None:
        """A picture of the whole page, in build/portal."""
        page.screenshot(path=self._screenshots / f"{name}.png", full_page=True)

    def _note(self, request: Request) -> None:
        self.requests.append(request.url)

    def assert_stays_here(self) -> None:
        """No request has left the host."""
        own = (self.portal.url, "data:", "blob:", "about:", "chrome:", "chrome-extension:")  # the PDF viewer's parts
        assert [url for url in self.requests if not url.startswith(own)] == []


def assert_accessible(page: Page) -> None:
    """axe finds nothing serious, and the page is no wider than its window."""
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [
        (one["id"], [node["html"][:160] for node in one["nodes"][:3]])
        for one in found["violations"]
        if one["impact"] in _SERIOUS
    ]
    assert serious == [], f"{page.url}: {serious}"
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{page.url} is {overflow} px too wide"


def assert_valid_html(html: str, scratch: Path) -> None:
    """The page is valid HTML, and hides no style or script in itself."""
    file = scratch / "page.html"
    file.write_text(html, encoding="utf-8")
    command = ["node", str(_VALIDATE), "--formatter", "json", "--config", str(_RULES), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    found = json.loads(done.stdout or "[]")
    messages = [(one["ruleId"], one["line"], one["message"]) for each in found for one in each["messages"]]
    assert messages == []
    assert done.returncode == 0, done.stderr


def page_source(page: Page, path: str) -> str:
    """The markup of a page as it is sent to this window's person."""
    response = page.request.get(path)
    assert response.ok, f"{path}: {response.status}"
    return response.text()
