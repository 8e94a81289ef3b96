"""Every page that a link leads to, for every kind of person: accessible in light and dark, on a desk and a phone, valid
HTML, no script or style in it; on a phone, whatever is tapped is large enough for a tired thumb: 44 px high."""

from pathlib import Path

import pytest

from tests.portal.browsing import DESK, PHONE, Browsing, assert_accessible, assert_valid_html, page_source
from tests.portal.crawling import PEOPLE, kind_of, pages
from tests.portal.served import Portal

_SMALL = """() => [...document.querySelectorAll(
    "button, .button, nav a, summary, .crumb a, select, .choice, " +
    "input:not([type=hidden], [type=radio], [type=checkbox])"
)].map((one) => [one, one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 1 && box.height > 1 && box.height < 43.5)
  .map(([one, box]) => `${one.tagName} ${one.className} ${Math.round(box.height)} ${one.innerText.slice(0, 40)}`)"""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("handle", PEOPLE)
def test_every_page_that_a_link_leads_to(browsing: Browsing, furnished: Portal, handle: str, tmp_path: Path) -> None:
    page = browsing.signed_in(handle)
    looked_at, small = 0, set[str]()
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
        small |= {f"{kind_of(path)}: {one}" for one in page.evaluate(_SMALL)}  # it is the size of a phone now
        page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})
    assert not small, "\n".join(sorted(small))
    assert looked_at >= PEOPLE[handle]
    browsing.assert_stays_here()
