"""Whatever is tapped on a phone is large enough for a tired thumb: 44 px high."""

import pytest

from gateway.demo_life import furnish
from tests.portal.browsing import PHONE, Browsing
from tests.portal.crawling import PEOPLE, kind_of, pages
from tests.portal.served import Portal

_SMALL = """() => [...document.querySelectorAll(
    "button, .button, nav a, summary, .crumb a, select, .choice, " +
    "input:not([type=hidden], [type=radio], [type=checkbox])"
)].map((one) => [one, one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 1 && box.height > 1 && box.height < 43.5)
  .map(([one, box]) => `${one.tagName} ${one.className} ${Math.round(box.height)} ${one.innerText.slice(0, 40)}`)"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("handle", PEOPLE)
def test_what_is_tapped_is_large_enough(browsing: Browsing, portal: Portal, handle: str) -> None:
    furnish(portal.gateway)
    page = browsing.signed_in(handle, scripts=False, size=PHONE)
    small = {f"{kind_of(path)}: {one}" for path in pages(page) for one in page.evaluate(_SMALL)}
    assert not small, "\n".join(sorted(small))
