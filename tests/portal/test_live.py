"""An open page hears of what happens, within two seconds, and a withdrawal is felt by whoever reads elsewhere."""

from time import monotonic

import pytest
from playwright.sync_api import expect

from ledger.codes import Category, Role
from tests.portal.browsing import Browsing
from tests.portal.cast import CARE, Household, household, prescribe
from tests.portal.reports import blood_count
from tests.portal.served import Portal

TRIES = 3
"""How often it is tried, as a busy machine may be slow once."""


@pytest.fixture(scope="module")
def home(portal: Portal) -> Household:
    return household(portal, "Lena Vogt", "Dr Ruth Amsel")


def test_a_result_shows_on_the_open_page_within_two_seconds(
    browsing: Browsing, portal: Portal, home: Household
) -> None:
    page = browsing.signed_in(home.patient)
    page.goto("/portal/patient/records")
    page.wait_for_timeout(1_500)  # the stream has begun
    news, seconds = page.locator("#news").get_by_text("Dr Ruth Amsel wrote a record about you."), []
    for number in range(1, TRIES + 1):
        count = blood_count("2026-02-01", 12.5 + number)
        portal.deposit(home.doctor, home.patient.address, count, Category.LABORATORY, title=f"New {number}")
        anchored = monotonic()
        expect(news).to_have_count(number)
        seconds.append(monotonic() - anchored)
        expect(page.locator("#list").get_by_role("link", name=f"New {number}", exact=True)).to_be_visible()
    assert min(seconds) < 2
    browsing.shot(page, "patient-live")


def test_a_prescription_shows_on_every_page(browsing: Browsing, portal: Portal, home: Household) -> None:
    page = browsing.signed_in(home.patient)
    page.goto("/portal/patient/more")
    page.wait_for_timeout(1_500)
    prescribe(portal, home.doctor, home.patient)
    expect(page.locator("#news")).to_contain_text("has written you a prescription")


def test_withdrawn_in_one_browser_unreadable_in_the_other(browsing: Browsing, portal: Portal) -> None:
    patient = portal.patient("Iris Lang")
    doctor = portal.person("Dr Emil Roth", Role.PRACTITIONER)
    portal.grant(patient, doctor.address, CARE)
    digest = portal.deposit(patient, patient.address, b"my own note", Category.ENCOUNTER, media_type="text/plain")
    hers, his = browsing.signed_in(patient), browsing.signed_in(doctor)
    his.wait_for_timeout(1_500)
    body = {"purpose": "TREAT"}
    headers = {"Origin": portal.url}
    permitted = his.request.post(f"/v1/records/{digest.hex()}/open", data=body, headers=headers)
    assert permitted.status == 200
    assert permitted.body() == b"my own note"
    hers.goto("/portal/patient/looked")
    expect(hers.locator("#list")).to_contain_text("Dr Emil Roth opened your record to treat")
    hers.goto("/portal/patient/sharing")
    hers.get_by_role("button", name="Withdraw from Dr Emil Roth").click()
    expect(hers.get_by_text("Withdrawn. From now on")).to_be_visible()
    denied = his.request.post(f"/v1/records/{digest.hex()}/open", data=body, headers=headers)
    assert denied.status == 403
    expect(his.locator("#news")).to_contain_text("has withdrawn a consent")
    browsing.shot(his, "doctor-hears-of-withdrawal")
    hers.goto("/portal/patient/looked")
    expect(hers.locator("#list")).to_contain_text("Dr Emil Roth was refused your record")
    browsing.shot(hers, "patient-looked")


def test_what_came_while_the_network_was_away_is_there_after_it(
    browsing: Browsing, portal: Portal, home: Household
) -> None:
    page = browsing.signed_in(home.patient)
    page.goto("/portal/patient")
    page.wait_for_timeout(1_500)
    page.context.set_offline(True)
    portal.deposit(home.doctor, home.patient.address, blood_count("2026-03-01", 12.9), Category.LABORATORY, title="Cut")
    page.wait_for_timeout(500)
    page.context.set_offline(False)
    page.reload()
    expect(page.get_by_role("link", name="Cut", exact=True)).to_be_visible()


def test_an_ended_session_is_said_on_the_open_page(browsing: Browsing, portal: Portal) -> None:
    patient = portal.patient("Ada Moor")
    page = browsing.signed_in(patient)
    page.wait_for_timeout(1_500)
    portal.gateway.sessions.close_all(patient.address)
    expect(page.locator("#ended")).to_contain_text("Your session has ended")
