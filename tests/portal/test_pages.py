"""Every page of the patient's: accessible, valid, as wide as its window, in light and dark, on a phone and a desk."""

from pathlib import Path

import pytest

from tests.portal.browsing import DESK, PHONE, Browsing, assert_accessible, assert_valid_html, page_source
from tests.portal.cast import Household, ask, household
from tests.portal.served import Portal


@pytest.fixture(scope="module")
def home(portal: Portal) -> Household:
    return household(portal)


def paths_of(portal: Portal, home: Household) -> dict[str, str]:
    """Every page by a name for its picture."""
    question = ask(portal, home.stranger, home.patient).hex()
    return {
        "home": "/portal/patient",
        "records": "/portal/patient/records",
        "report": f"/portal/patient/records/{home.reports[1].hex()}?over=time",
        "letter": f"/portal/patient/records/{home.letter.hex()}",
        "sharing": "/portal/patient/sharing",
        "ended": "/portal/patient/sharing/ended",
        "deny": "/portal/patient/sharing/deny",
        "grant-1": "/portal/patient/sharing/new",
        "question": f"/portal/patient/sharing/questions/{question}",
        "looked": "/portal/patient/looked",
        "prescriptions": "/portal/patient/prescriptions",
        "prescription": f"/portal/patient/prescriptions/{home.prescription.hex()}",
        "present": f"/portal/patient/prescriptions/{home.prescription.hex()}/show",
        "more": "/portal/patient/more",
        "emergency": "/portal/patient/more/emergency",
        "delegates": "/portal/patient/more/delegates",
        "export": "/portal/patient/more/export",
        "for": "/portal/patient/for",
    }


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("size", "dark"), [(DESK, False), (PHONE, True)], ids=["desk-light", "phone-dark"])
def test_every_page_is_accessible_and_fits(
    browsing: Browsing, portal: Portal, home: Household, size: dict[str, int], dark: bool
) -> None:
    page = browsing.signed_in(home.patient, size=size, dark=dark)
    look = "phone-dark" if dark else "desk"
    for name, path in paths_of(portal, home).items():
        response = page.goto(path)
        assert response is not None
        assert response.status == 200, path
        assert_accessible(page)
        browsing.shot(page, f"page-{name}-{look}")
    browsing.assert_stays_here()


@pytest.mark.timeout(300)
def test_every_page_is_valid_html_and_has_no_script_in_it(
    browsing: Browsing, portal: Portal, home: Household, tmp_path: Path
) -> None:
    page = browsing.signed_in(home.patient)
    for path in paths_of(portal, home).values():
        source = page_source(page, path)
        assert_valid_html(source, tmp_path)
        assert "onclick" not in source
        assert "<style" not in source
