"""What a first visitor finds: the demonstration's people have a little life."""

from playwright.sync_api import expect

from gateway.demo_life import furnish
from tests.portal.browsing import PHONE, Browsing, assert_accessible
from tests.portal.served import Portal


def test_the_demo_patient_has_something_to_see(browsing: Browsing, portal: Portal) -> None:
    furnish(portal.gateway)
    patient = portal.people["patient"].address
    first = portal.gateway.index.records_about(patient, 50)
    furnish(portal.gateway)
    assert len(portal.gateway.index.records_about(patient, 50)) == len(first)

    page = browsing.signed_in("patient")
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Maren Oakfield")
    expect(page.get_by_text("Dr Kofi Osei was refused your record to treat")).to_be_visible()
    expect(page.get_by_text("Dr Ada Quinn opened your record to treat").first).to_be_visible()
    browsing.shot(page, "demo-home")
    page.goto("/portal/patient/records")
    page.get_by_role("link", name="Blood test").first.click()
    page.get_by_role("link", name="See how it changed over time").click()
    expect(page.locator("figure", has_text="HbA1c").locator("circle")).to_have_count(4)
    assert_accessible(page)
    browsing.shot(page, "demo-report")


def test_it_looks_right_on_a_phone(browsing: Browsing, portal: Portal) -> None:
    furnish(portal.gateway)
    page = browsing.signed_in("patient", size=PHONE)
    assert_accessible(page)
    browsing.shot(page, "demo-home-phone")
    page.goto("/portal/patient/prescriptions")
    page.get_by_role("link", name="Show at the pharmacy").click()
    expect(page.locator(".qr svg")).to_be_visible()
    browsing.shot(page, "demo-present-phone")
