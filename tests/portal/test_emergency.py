"""Emergencies in Chromium: the glass broken with a reason, a countdown, records read under it, the patient told."""

import re
from pathlib import Path

from playwright.sync_api import expect

from gateway.sending import Errand, send
from ledger.codes import Category, Purpose, Reason
from tests.portal.browsing import PHONE, Browsing, assert_accessible, assert_valid_html, page_source
from tests.portal.served import WAIT, Portal, Somebody
from tests.portal.working import NUMBERS, forced, status

HOME = "/portal/emergency"


def test_the_glass_is_broken_the_patient_told_and_everyday_records_read(browsing: Browsing, tmp_path: Path) -> None:
    portal = browsing.portal
    patient = portal.demo("patient-3")
    allow(portal, patient, Category.PROBLEMS | Category.MEDICATION)
    digest = portal.deposit(
        patient,
        patient.address,
        b"Allergic to penicillin.",
        Category.PROBLEMS,
        media_type="text/plain",
        title="Allergy",
    )
    hidden = portal.deposit(patient, patient.address, b"Not for them.", Category.MENTAL_HEALTH, media_type="text/plain")
    hers = browsing.signed_in("patient-3")
    page = browsing.signed_in("emergency")
    assert_accessible(page)
    browsing.shot(page, "emergency-home")
    assert_valid_html(page_source(page, HOME), tmp_path)
    page.get_by_label("The patient’s number").fill(NUMBERS["patient-3"].lower())
    page.get_by_label("The patient cannot respond").check()
    page.get_by_label("For how long").select_option("1")
    page.get_by_role("button", name="Break the glass").dblclick()
    expect(page.get_by_text("The glass is broken.")).to_be_visible()
    expect(hers.locator("#news")).to_contain_text("Dr Samira Iwu")
    clock = page.locator(".countdown")
    expect(clock).to_have_text(re.compile(r"^(0:5\d|1:00):\d\d$"))
    first = clock.inner_text()
    page.wait_for_timeout(1_500)
    assert clock.inner_text() < first or first.startswith("1:00")
    expect(page.locator("ul.rows > li")).to_have_count(1)
    assert_accessible(page)
    browsing.shot(page, "emergency-open")
    assert_valid_html(page_source(page, page.url.replace(portal.url, "")), tmp_path)
    page.locator("ul.rows").get_by_role("link").click()
    expect(page.get_by_text("Allergic to penicillin.")).to_be_visible()
    browsing.shot(page, "emergency-record")
    attempt = portal.gateway.log.page(patients=[patient.address], limit=1)[0].attempt
    assert (attempt.digest, attempt.purpose, attempt.permitted) == (digest, Purpose.BTG, True)
    assert status(page, f"{HOME}/records/{hidden.hex()}") == 403
    opened = portal.gateway.ledger.break_glass(patient.address, portal.people["emergency"].address)
    assert opened is not None
    assert opened.count == 1, "a double click breaks it once"
    browsing.assert_stays_here()


def test_what_is_missing_is_said_and_what_was_typed_stays(browsing: Browsing) -> None:
    page = browsing.signed_in("emergency", scripts=False, size=PHONE, dark=True)
    page.get_by_label("The patient’s number").fill("4711")
    page.locator('input[name="reason"][value="LIFE_IN_DANGER"]').check()
    page.get_by_role("button", name="Break the glass").click()
    expect(page.locator(".notice.problem")).to_contain_text("This number leads to nobody here.")
    expect(page.get_by_label("The patient’s number")).to_have_value("4711")
    expect(page.locator('input[name="reason"][value="LIFE_IN_DANGER"]')).to_be_checked()
    browsing.shot(page, "emergency-phone-dark")
    read = browsing.signed_in("emergency", size=PHONE, dark=True)
    assert_accessible(read)


def test_where_she_allows_nothing_an_emergency_opens_nothing(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = portal.patient("Nothing Allowed")
    allow(portal, patient, Category(0))
    digest = portal.deposit(patient, patient.address, b"Mine alone.", Category.PROBLEMS, media_type="text/plain")
    page = browsing.signed_in("emergency")
    page.get_by_label("The patient’s number").fill(patient.address)
    page.get_by_label("A life is in danger").check()
    page.get_by_role("button", name="Break the glass").click()
    expect(page.get_by_text("She has said that an emergency opens nothing.")).to_be_visible()
    assert status(page, f"{HOME}/records/{digest.hex()}") == 403
    assert page.get_by_text("Mine alone.").count() == 0


def test_without_a_broken_glass_nothing_is_shown_and_the_attempt_is_logged(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = portal.patient("Quiet Life")
    digest = portal.deposit(patient, patient.address, b"Nothing happened.", Category.PROBLEMS, media_type="text/plain")
    page = browsing.signed_in("emergency")
    page.goto(f"{HOME}/patients/{patient.address}")
    assert page.url.endswith(HOME)
    assert status(page, f"{HOME}/records/{digest.hex()}") == 403
    attempt = portal.gateway.log.page(patients=[patient.address], limit=1)[0].attempt
    assert not attempt.permitted
    assert attempt.reason is not Reason.PERMITTED


def test_nobody_but_emergency_staff_breaks_it(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = portal.patient("Left Alone")
    for handle in ("doctor", "patient", "auditor"):
        page = browsing.signed_in(handle)
        assert status(page, HOME) == 403
        assert forced(page, f"{HOME}/break", patient=patient.address, reason="UNRESPONSIVE", hours="4") == 403
        assert portal.gateway.ledger.break_glass(patient.address, portal.people[handle].address) is None


def allow(portal: Portal, patient: Somebody, categories: Category) -> None:
    """Her emergency preference."""
    acts = portal.gateway.ledger.acts
    act = acts.set_preferences(emergency=categories, barred_authors=Category(0), over_denials=False)
    send(portal.gateway, act, signer=patient.address, errand=Errand.new(WAIT))
