"""A consent that a patient signed for an organization to collect, on her pages and on the reader's."""

from pathlib import Path
from secrets import token_hex

from playwright.sync_api import expect

from gateway.consents.collected import follow_collected
from gateway.consents.collecting import anchor_collected
from gateway.sending import Errand
from ledger.codes import Role
from tests.gateway.test_collected_consents import signed_by
from tests.portal.browsing import Browsing, assert_accessible, assert_valid_html, page_source
from tests.portal.served import WAIT, Portal, Somebody


def collected_from(portal: Portal, patient: Somebody, reader: Somebody) -> None:
    """The demonstration's hospital collects and anchors what the patient signs for the reader."""
    gateway, hospital = portal.gateway, portal.demo("hospital")
    signed = signed_by(gateway.ledger.domain, patient.identity, reader.address, int(gateway.clock()))
    entry = anchor_collected(gateway, hospital.address, [signed], Errand.new(WAIT))
    assert entry.block_number is not None
    assert gateway.wait_indexed(entry.block_number, WAIT)
    follow_collected(gateway)


def test_she_sees_what_she_signed_and_by_whom_it_was_collected_and_withdraws_it(
    browsing: Browsing, portal: Portal, tmp_path: Path
) -> None:
    patient, other = portal.patient(), portal.patient("Another Patient")
    reader = portal.person(f"Dr Sele {token_hex(3)}", Role.PRACTITIONER)
    collected_from(portal, patient, reader)
    page = browsing.signed_in(patient)
    page.goto("/portal/patient/sharing")
    card = page.locator("li.consent", has_text=reader.name)
    expect(card).to_contain_text("may read your laboratory results")
    expect(card).to_contain_text(f"signed by you, collected by {portal.demo('hospital').name}")
    assert_accessible(page)
    assert_valid_html(page_source(page, "/portal/patient/sharing"), tmp_path)
    browsing.shot(page, "patient-sharing-signed")

    doctor = browsing.signed_in(reader)
    doctor.goto("/portal/doctor")
    expect(doctor.get_by_text("1 patient.")).to_be_visible()
    expect(doctor.get_by_text("You may read laboratory results, to treat")).to_be_visible()

    card.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_role("status").first).to_contain_text(f"{reader.name} can no longer read by this consent")
    expect(page.locator("li.consent", has_text=reader.name)).to_have_count(0)
    page.get_by_role("link", name="Consents that have ended").click()
    expect(page.locator("li", has_text=reader.name)).to_contain_text("withdrawn")

    stranger = browsing.signed_in(other)
    for path in ("/portal/patient/sharing", "/portal/patient/sharing/ended"):
        stranger.goto(path)
        expect(stranger.get_by_text(reader.name)).to_have_count(0)


def test_what_she_has_withdrawn_is_given_again_by_a_grant_of_its_own(browsing: Browsing, portal: Portal) -> None:
    patient, reader = portal.patient(), portal.person(f"Dr Sele {token_hex(3)}", Role.PRACTITIONER)
    collected_from(portal, patient, reader)
    page = browsing.signed_in(patient)
    page.goto("/portal/patient/sharing")
    page.locator("li.consent", has_text=reader.name).get_by_role("button", name="Withdraw").click()
    page.get_by_role("button", name="Undo: let them read again").click()
    expect(page.get_by_role("status").first).to_contain_text(f"{reader.name} may read again")
    card = page.locator("li.consent", has_text=reader.name)
    expect(card).to_have_count(1)
    expect(card).not_to_contain_text("signed by you")
