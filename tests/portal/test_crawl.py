"""Every page that a link leads to, for every kind of person: accessible in light and dark, on a desk and a phone, valid
HTML, no script or style in it."""

from pathlib import Path

import pytest

from gateway.demo_life import furnish
from tests.portal.browsing import DESK, PHONE, Browsing, assert_accessible, assert_valid_html, page_source
from tests.portal.crawling import PEOPLE, pages
from tests.portal.served import Portal


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
