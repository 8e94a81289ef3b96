"""Every page that a link leads to, for every kind of person: accessible in light and dark, on a desk and a phone, valid
HTML, no script or style in it. Pages of the same kind, which differ by a digest or an address, are looked at once."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from gateway.demo_life import furnish
from tests.portal.browsing import DESK, PHONE, Browsing, assert_accessible, assert_valid_html, page_source
from tests.portal.served import Portal

PEOPLE = {
    "patient": 12,
    "caregiver": 4,
    "doctor": 6,
    "emergency": 1,
    "technician": 1,
    "pharmacist": 2,
    "auditor": 2,
    "researcher": 3,
}
"""Who is signed in, and how many kinds of page she has at the least: a crawl that finds nothing checks nothing."""


def kind_of(path: str) -> str:
    """A path without what tells one record, person or place in a list from another."""
    return re.sub(r"(0x)?[0-9a-fA-F]{20,}", "*", urlsplit(path).path)


def pages(page: Page) -> Iterator[str]:
    """Every kind of page that can be reached from here, by links that stay in the portal and show a page."""
    waiting, seen = [urlsplit(page.url).path], set[str]()
    while waiting:
        path = waiting.pop()
        if kind_of(path) in seen:
            continue
        seen.add(kind_of(path))
        response = page.request.get(path)
        assert response.ok, f"{path}: {response.status}"
        if not response.headers["content-type"].startswith("text/html"):
            continue
        page.goto(path)
        yield path
        links = page.locator("a[href]:not([download])").evaluate_all("all => all.map(one => one.href)")
        own = [urlsplit(link) for link in links if link.startswith(page.url.split("/portal")[0] + "/portal/")]
        waiting += [link._replace(scheme="", netloc="", fragment="").geturl() for link in own]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("handle", PEOPLE)
def test_every_page_that_a_link_leads_to(browsing: Browsing, portal: Portal, handle: str, tmp_path: Path) -> None:
    furnish(portal.gateway)
    page = browsing.signed_in(handle)
    looked_at = 0
    for path in pages(page):
        looked_at += 1
        source = page_source(page, path)
        assert_valid_html(source, tmp_path)
        assert "onclick" not in source
        assert "<style" not in source
        for size in (DESK, PHONE):
            page.set_viewport_size({"width": size["width"], "height": size["height"]})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                assert_accessible(page)
        page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})
    assert looked_at >= PEOPLE[handle]
    browsing.assert_stays_here()
