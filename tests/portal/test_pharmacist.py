"""A pharmacist's journeys in Chromium: two clicks at the counter, a part, a reservation, refusals in words."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gateway.prescriptions import issuing as prescriptions
from gateway.sending import Errand
from ledger.codes import PrescriptionStatus
from tests.portal.browsing import PHONE, Browsing, assert_accessible, assert_valid_html, page_source
from tests.portal.served import WAIT
from tests.portal.working import code_of, forced, prescribe, status

COUNTER = "/portal/pharmacist"


def test_a_whole_fill_is_handed_out_in_two_clicks(browsing: Browsing, tmp_path: Path) -> None:
    portal = browsing.portal
    patient = portal.patient()
    prescription = prescribe(portal, patient, name="Amoxicillin <b>500</b> mg")
    page = browsing.signed_in("pharmacist")
    page.goto(COUNTER)
    assert_accessible(page)
    browsing.shot(page, "pharmacist-counter")
    assert_valid_html(page_source(page, COUNTER), tmp_path)
    look_at(page, code_of(portal, patient, prescription))
    expect(page.get_by_role("heading", name="Amoxicillin <b>500</b> mg")).to_be_visible()
    expect(page.get_by_text("One capsule three times a day")).to_be_visible()
    assert page.locator("main b").count() == 0, "markup in a name is inert"
    assert_accessible(page)
    browsing.shot(page, "pharmacist-look")
    assert_valid_html(page_source(page, page.url.replace(portal.url, "")), tmp_path)
    page.get_by_role("button", name="Hand out all 21").click()
    expect(page.get_by_text("Handed out: 21 capsules.")).to_be_visible()
    assert portal.gateway.ledger.prescription(prescription).status is PrescriptionStatus.COMPLETED
    change = portal.gateway.index.prescription_changes(prescription)[-1]
    assert change.record is not None, "the MedicationDispense is anchored with it"
    assert any(change.record)
    page.goto(f"{COUNTER}/today")
    expect(page.locator("table")).to_contain_text("handed out")
    assert_accessible(page)
    browsing.shot(page, "pharmacist-today")
    assert_valid_html(page_source(page, f"{COUNTER}/today"), tmp_path)
    browsing.assert_stays_here()
    assert not any("CLRX1" in url for url in browsing.requests), "a code is in no address"


def test_a_part_is_handed_out_and_the_rest_collected_later_with_the_same_code(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = portal.patient()
    prescription = prescribe(portal, patient, units=20)
    code = code_of(portal, patient, prescription)
    page = browsing.signed_in("pharmacist", size=PHONE, dark=True)
    look_at(page, code)
    page.get_by_text("Hand out a part, or note the pack").click()
    page.locator("#part").get_by_label("How many").fill("8")
    page.locator("#part").get_by_label("Batch of the pack").fill("B-77")
    assert_accessible(page)
    browsing.shot(page, "pharmacist-part-phone-dark")
    page.get_by_role("button", name="Hand out this many").click()
    expect(page.get_by_text("Handed out: 8 capsules.")).to_be_visible()
    assert portal.gateway.ledger.prescription(prescription).owing == 12
    look_at(page, code)
    page.get_by_role("button", name="Hand out all 12").click()
    expect(page.get_by_text("Handed out: 12 capsules.")).to_be_visible()
    assert portal.gateway.ledger.prescription(prescription).units_used == 20


def test_more_than_is_left_is_refused_in_a_sentence_and_the_input_stays(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = portal.patient()
    prescription = prescribe(portal, patient, units=5)
    page = browsing.signed_in("pharmacist", scripts=False)
    look_at(page, code_of(portal, patient, prescription))
    page.get_by_text("Hand out a part, or note the pack").click()
    page.locator("#part").get_by_label("How many").fill("9")
    page.get_by_role("button", name="Hand out this many").click()
    expect(page.locator(".notice.problem")).to_contain_text("At most 5 units")
    expect(page.locator("#field-units")).to_have_value("9")
    assert portal.gateway.ledger.prescription(prescription).units_used == 0


def test_a_prescription_that_was_cancelled_is_refused_and_says_so(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = portal.patient()
    prescription = prescribe(portal, patient)
    code = code_of(portal, patient, prescription)
    prescriptions.cancel(portal.gateway, patient.identity, prescription, Errand.new(WAIT))
    page = browsing.signed_in("pharmacist")
    look_at(page, code)
    expect(page.locator("main")).to_contain_text("Hand nothing out. It was cancelled.")
    assert page.get_by_role("button", name="Hand out all").count() == 0
    browsing.shot(page, "pharmacist-refused")


@pytest.mark.parametrize("text", ["hello", "CLRX1:AAAA", "CLRX1:" + "9" * 300])
def test_what_is_no_code_is_said_and_kept(browsing: Browsing, text: str) -> None:
    page = browsing.signed_in("pharmacist", scripts=False)
    look_at(page, text)
    expect(page.locator(".notice.problem")).to_contain_text("code")
    expect(page.get_by_label("Code")).to_have_value(text)


def test_a_double_click_and_the_back_button_hand_out_once(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = portal.patient()
    prescription = prescribe(portal, patient, units=10, fills=3)
    page = browsing.signed_in("pharmacist")
    look_at(page, code_of(portal, patient, prescription))
    page.get_by_role("button", name="Hand out all 10").dblclick()
    expect(page.get_by_text("Handed out: 10 capsules.")).to_be_visible()
    page.reload()
    page.go_back()
    again = page.get_by_role("button", name="Hand out all 10")
    if again.count():
        again.click()
        page.wait_for_load_state()
    assert portal.gateway.ledger.prescription(prescription).units_used == 10


def test_a_reservation_is_handed_out_from_todays_list_or_given_back(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = portal.patient()
    first, second = (prescribe(portal, patient, units=units) for units in (6, 7))
    page = browsing.signed_in("pharmacist-2")
    for prescription in (first, second):
        look_at(page, code_of(portal, patient, prescription))
        page.get_by_role("button", name="Reserve it").click()
        page.wait_for_url("**/today")
    expect(page.get_by_role("heading", name="You hold these")).to_be_visible()
    assert_accessible(page)
    browsing.shot(page, "pharmacist-held")
    page.locator("li", has_text="up to 6 units").get_by_role("link", name="Open it").click()
    expect(page.get_by_role("heading", name="Amoxicillin")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Hand out all 6").click()
    expect(page.get_by_text("Handed out: 6.")).to_be_visible()
    page.get_by_role("button", name="Give it back").click()
    expect(page.get_by_text("Given back: any pharmacy")).to_be_visible()
    assert portal.gateway.ledger.prescription(first).units_used == 6
    assert portal.gateway.ledger.prescription(second).status is PrescriptionStatus.ACTIVE


def test_a_hand_out_is_taken_back_and_stays_in_the_history(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = portal.patient()
    prescription = prescribe(portal, patient)
    page = browsing.signed_in("pharmacist")
    look_at(page, code_of(portal, patient, prescription))
    page.get_by_role("button", name="Hand out all 21").click()
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("Taken back.")).to_be_visible()
    assert portal.gateway.ledger.prescription(prescription).units_used == 0
    changes = [one.change for one in portal.gateway.index.prescription_changes(prescription)]
    assert changes[-2:] == ["dispensed", "undone"]


def test_of_two_pharmacies_one_hands_out_and_the_other_reads_why_not(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = portal.patient()
    prescription = prescribe(portal, patient)
    code = code_of(portal, patient, prescription)
    one, other = browsing.signed_in("pharmacist"), browsing.signed_in("pharmacist-2")
    look_at(one, code)
    look_at(other, code)
    one.get_by_role("button", name="Hand out all 21").click()
    expect(one.get_by_text("Handed out: 21 capsules.")).to_be_visible()
    other.get_by_role("button", name="Hand out all 21").click()
    expect(other.locator(".notice.problem").first).to_contain_text("Another pharmacy dispensed")
    assert portal.gateway.ledger.prescription(prescription).units_used == 21


def test_the_counter_works_by_keyboard_alone(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = portal.patient()
    prescription = prescribe(portal, patient)
    page = browsing.signed_in("pharmacist")
    page.goto(COUNTER)
    expect(page.get_by_label("Code")).to_be_focused()
    page.keyboard.insert_text(code_of(portal, patient, prescription))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Hand out all 21")
    expect(button).to_be_visible()
    for _ in range(40):
        page.keyboard.press("Tab")
        if button.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_text("Handed out: 21 capsules.")).to_be_visible()


def test_a_scanned_code_is_looked_at_by_itself(browsing: Browsing) -> None:
    """Chromium on this system has no BarcodeDetector: the page is given one that sees the code, and a drawn camera."""
    portal = browsing.portal
    patient = portal.patient()
    code = code_of(portal, patient, prescribe(portal, patient))
    page = browsing.signed_in("pharmacist")
    page.add_init_script(
        "window.BarcodeDetector = class { static async getSupportedFormats() { return ['qr_code']; }"
        " async detect() { return [{rawValue: window.name}]; } };"
        "navigator.mediaDevices.getUserMedia = async () => {"
        " const canvas = document.createElement('canvas'); canvas.getContext('2d').fillRect(0, 0, 9, 9);"
        " return canvas.captureStream(5); };"
    )
    page.add_init_script(f"window.name = {json.dumps(code)};")
    page.goto(COUNTER)
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.get_by_role("button", name="Hand out all 21")).to_be_visible()


def test_a_refused_camera_is_said_and_typing_still_works(browsing: Browsing) -> None:
    page = browsing.signed_in("pharmacist")
    page.add_init_script(
        "window.BarcodeDetector = class { static async getSupportedFormats() { return ['qr_code']; } };"
        "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); };"
    )
    page.goto(COUNTER)
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.get_by_text("The camera is not allowed here.")).to_be_visible()


def test_nobody_else_stands_at_the_counter(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = portal.patient()
    prescription = prescribe(portal, patient)
    code = code_of(portal, patient, prescription)
    for handle in ("patient", "doctor", "researcher"):
        page = browsing.signed_in(handle)
        assert status(page, COUNTER) == 403
        assert forced(page, f"{COUNTER}/dispense", code=code, units="1") == 403
    assert portal.gateway.ledger.prescription(prescription).units_used == 0


def look_at(page: Page, code: str) -> None:
    page.goto(COUNTER)
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Look at it").click()
    page.wait_for_url("**again=**")
