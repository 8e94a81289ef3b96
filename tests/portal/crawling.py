"""Every kind of page that links lead to, for every kind of person."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from playwright.sync_api import Page

PEOPLE = {
    "patient": 12,
    "caregiver": 22,
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
    """Every kind of page that can be reached from here, by links that stay in the portal and show a page. Pages of the
    same kind, which differ by a digest or an address, are looked at once."""
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
        links = page.locator("a[href]:not([download])").evaluate_all("all => all.map(one => one.href)")
        own = [urlsplit(link) for link in links if link.startswith(page.url.split("/portal")[0] + "/portal/")]
        waiting += [link._replace(scheme="", netloc="", fragment="").geturl() for link in own]
        yield path
