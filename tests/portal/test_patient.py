"""A patient's journeys, as she would go them."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ledger.codes import Category, Role
from tests.portal.browsing import PHONE, Browsing, assert_accessible, assert_valid_html, page_source
from tests.portal.reports import blood_count, medication, pdf
from tests.portal.served import Portal, Somebody


@pytest.fixture(scope="module")
def doctor(portal: Portal) -> Somebody:
    """A doctor whom these tests know."""
    return portal.person("Dr Vera Lund", Role.PRACTITIONER | Role.PRESCRIBER)


@pytest.fixture(scope="module")
def patient(portal: Portal, doctor: Somebody) -> Somebody:
    """A patient with two blood counts, a prescription's text and a letter, all by a doctor whom she lets write."""
    somebody = portal.patient("Paula Berg")
    portal.grant(somebody, doctor.address, Category.LABORATORY | Category.MEDICATION | Category.ENCOUNTER, write=True)
    for day, value in (("2025-03-01", 13.1), ("2025-09-01", 11.4)):
        portal.deposit(
            doctor, somebody.address, blood_count(day, value), Category.LABORATORY, title=f"Blood count of {day}"
        )
    portal.deposit(doctor, somebody.address, medication(), Category.MEDICATION, title="Your new medicine")
    portal.deposit(
        doctor, somebody.address, pdf(), Category.ENCOUNTER, title="Discharge letter", media_type="application/pdf"
    )
    return somebody


def test_home_answers_three_questions(browsing: Browsing, patient: Somebody, tmp_path: Path) -> None:
    page = browsing.signed_in(patient)
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Paula Berg")
    for question in ("What is new?", "Who can see my records?", "Who looked?"):
        expect(page.get_by_role("heading", name=question)).to_be_visible()
    expect(page.get_by_role("link", name="Discharge letter")).to_be_visible()
    expect(page.get_by_text("Dr Vera Lund may read and add to your")).to_be_visible()
    assert_accessible(page)
    assert_valid_html(page_source(page, "/portal/patient"), tmp_path)
    browsing.shot(page, "patient-home")
    browsing.assert_stays_here()


def test_a_report_is_a_table_with_ranges_flags_and_a_line_over_time(
    browsing: Browsing, patient: Somebody, tmp_path: Path
) -> None:
    page = browsing.signed_in(patient)
    page.get_by_role("link", name="My records", exact=True).click()
    assert_accessible(page)
    browsing.shot(page, "patient-records")
    assert_valid_html(page_source(page, "/portal/patient/records"), tmp_path)
    page.get_by_role("link", name="Blood count of 2025-09-01").click()
    row = page.get_by_role("row", name="Haemoglobin")
    expect(row).to_contain_text("11.4")
    expect(row).to_contain_text("12 – 16")
    expect(row).to_contain_text("low")
    page.get_by_role("link", name="See how it changed over time").click()
    expect(page.locator("figure", has_text="Haemoglobin").locator("circle")).to_have_count(2)
    assert_accessible(page)
    assert_valid_html(page_source(page, page.url), tmp_path)
    browsing.shot(page, "patient-report")


def test_medication_is_a_card_and_a_letter_opens_in_place(browsing: Browsing, patient: Somebody) -> None:
    page = browsing.signed_in(patient)
    page.goto("/portal/patient/records")
    page.get_by_role("link", name="Your new medicine").click()
    expect(page.locator(".medication")).to_contain_text("Metformin 500 mg")
    expect(page.locator(".medication")).to_contain_text("with breakfast")
    browsing.shot(page, "patient-medication")
    page.goto("/portal/patient/records")
    with page.expect_response(re.compile("/content$")) as got:
        page.get_by_role("link", name="Discharge letter").click()
    assert got.value.headers["content-type"] == "application/pdf"
    assert got.value.status == 200
    page.wait_for_timeout(1_500)
    browsing.shot(page, "patient-letter")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download").click()
    assert Path(downloading.value.path()).read_bytes() == pdf()


def grant_in_four_steps(page: Page, name: str) -> None:
    """From the first page of granting to her signature."""
    page.get_by_label("Find somebody by name").fill(name)
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_label(re.compile(name)).check()
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Laboratory results").check()
    page.get_by_label("Medication").check()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Go on").click()


def test_granting_ends_in_a_sentence_and_withdrawing_takes_one_tap(
    browsing: Browsing, portal: Portal, patient: Somebody, tmp_path: Path
) -> None:
    reader = portal.person("Dr Miro Hahn", Role.PRACTITIONER)
    page = browsing.signed_in(patient, size=PHONE)
    page.goto("/portal/patient/sharing/new")
    browsing.shot(page, "patient-grant-1")
    assert_accessible(page)
    grant_in_four_steps(page, "Miro Hahn")
    summary = page.locator(".summary")
    expect(summary).to_contain_text("Dr Miro Hahn may read your medication and laboratory results, to treat you.")
    expect(summary).to_contain_text("Until ")
    assert_accessible(page)
    assert_valid_html(page.content(), tmp_path)
    browsing.shot(page, "patient-grant-4")
    page.get_by_role("button", name="Sign: let them read").click()
    expect(page.get_by_role("status").first).to_contain_text("Dr Miro Hahn may read")
    assert portal.gateway.index.consents_for([reader.address], 5)
    browsing.shot(page, "patient-sharing")
    assert_accessible(page)
    page.get_by_role("button", name="Withdraw from Dr Miro Hahn").click()
    expect(page.get_by_text("Withdrawn. From now on Dr Miro Hahn")).to_be_visible()
    assert all(one.withdrawn for one in portal.gateway.index.consents_for([reader.address], 5))
    browsing.shot(page, "patient-withdrawn")
    page.get_by_role("button", name="Undo: let them read again").click()
    expect(page.get_by_text("Undone: Dr Miro Hahn may read again")).to_be_visible()
    live = [one for one in portal.gateway.index.consents_for([reader.address], 5) if not one.withdrawn]
    assert [one.terms.categories for one in live] == [Category.LABORATORY | Category.MEDICATION]
