"""An auditor's journeys in Chromium: judging emergency openings, the log's checkpoints; no record anywhere.

On a chain of its own, whose clock is put forward until an opening is over.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from gateway import flow
from gateway.emergencies import breakglass
from gateway.sending import Errand, send
from ledger.codes import Category, EmergencyReason, Purpose, ReviewOutcome
from ledger.index_care import CareIndex
from tests.portal.browsing import PHONE, Browsing, assert_accessible, assert_valid_html, page_source
from tests.portal.served import WAIT, Portal, Somebody, serving
from tests.portal.working import forced, status

HOME = "/portal/auditor"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A gateway whose time nobody else shares."""
    with serving(tmp_path_factory.mktemp("audited"), checkpoint_seconds=10_000.0) as running:
        yield running


def test_an_opening_is_judged_once_it_is_over_and_shows_no_record(browsing: Browsing, tmp_path: Path) -> None:
    portal = browsing.portal
    patient, clinician = portal.demo("patient"), portal.demo("emergency")
    allow(portal, patient)
    digest = portal.deposit(
        patient, patient.address, b"Penicillin allergy", Category.PROBLEMS, media_type="text/plain", title="Allergy"
    )
    open_glass(portal, patient, clinician)
    flow.retrieve(portal.gateway, clinician.identity, digest, purpose=Purpose.BTG, correlation="c" * 8)
    page = browsing.signed_in("auditor")
    expect(page.locator("#news")).to_have_text("")
    expect(page.locator("section", has_text="Still open")).to_contain_text("Dr Samira Iwu")
    page.get_by_role("link", name="Look at it").click()
    expect(page.get_by_text("It can be judged once it is over.")).to_be_visible()
    pass_hours(portal, 5)
    page.goto(HOME)
    expect(page.get_by_role("heading", name="1 to judge")).to_be_visible()
    assert_accessible(page)
    browsing.shot(page, "auditor-home")
    assert_valid_html(page_source(page, HOME), tmp_path)
    page.get_by_role("link", name="Look at it").click()
    expect(page.get_by_role("heading", name="1 record was read under it")).to_be_visible()
    page.get_by_role("button", name="Put it on the ledger").click()
    page.get_by_label("It was justified").check()
    page.get_by_role("button", name="Put it on the ledger").click()
    expect(page.locator(".notice.problem")).to_contain_text("Say why")
    expect(page.get_by_label("It was justified")).to_be_checked()
    assert_accessible(page)
    browsing.shot(page, "auditor-opening")
    assert_valid_html(page_source(page, page.url.replace(portal.url, "")), tmp_path)
    page.get_by_label("Why").fill("She was unconscious; the allergy mattered. <b>No doubt.</b>")
    page.get_by_role("button", name="Put it on the ledger").dblclick()
    expect(page.get_by_text("It is judged, and stands on the ledger.")).to_be_visible()
    (opening,) = CareIndex(portal.gateway.ledger_database).openings_over(patient.address, 5)
    assert opening.outcome is ReviewOutcome.JUSTIFIED
    report = breakglass.open_report(portal.gateway, patient.identity, opening)
    assert report.endswith("<b>No doubt.</b>")
    for source in (page_source(page, HOME), page.content()):
        assert "Penicillin" not in source
        assert digest.hex() not in source
    browsing.assert_stays_here()


def test_a_second_opening_within_a_week_is_flagged(browsing: Browsing) -> None:
    portal = browsing.portal
    patient, clinician = portal.demo("patient-2"), portal.demo("emergency")
    allow(portal, patient)
    for _ in range(2):
        open_glass(portal, patient, clinician)
        pass_hours(portal, 5)
    page = browsing.signed_in("auditor", size=PHONE, dark=True)
    page.goto(HOME)
    expect(page.get_by_text("not the first time within a week")).to_have_count(1)
    assert_accessible(page)
    browsing.shot(page, "auditor-phone-dark")


def test_checkpoints_are_shown_with_their_state_and_the_log_is_gone_through(browsing: Browsing, tmp_path: Path) -> None:
    portal = browsing.portal
    patient = portal.demo("patient")
    digest = portal.deposit(patient, patient.address, b"A line", Category.PROBLEMS, media_type="text/plain")
    flow.retrieve(portal.gateway, patient.identity, digest, purpose=Purpose.PATRQT, correlation="d" * 8)
    page = browsing.signed_in("auditor")
    page.goto(f"{HOME}/log")
    page.get_by_role("button", name="Anchor a checkpoint now").click()
    expect(page.get_by_text("A checkpoint of every line is signed")).to_be_visible()
    expect(page.locator("table")).to_contain_text("the log begins with it")
    page.get_by_role("button", name="Go through every line").click()
    expect(page.get_by_text("Every line was gone through")).to_be_visible()
    assert_accessible(page)
    browsing.shot(page, "auditor-log")
    assert_valid_html(page_source(page, f"{HOME}/log"), tmp_path)


def test_a_line_that_somebody_has_changed_is_found(browsing: Browsing) -> None:
    portal = browsing.portal
    with portal.gateway.database.begin() as connection:
        connection.execute(text("DROP TRIGGER access_log_no_update"))
        connection.execute(text("UPDATE access_log SET at = at - 86400 WHERE seq = 0"))
    page = browsing.signed_in("auditor")
    page.goto(f"{HOME}/log")
    page.get_by_role("button", name="Go through every line").click()
    expect(page.locator(".notice.problem")).to_contain_text("line 0")
    browsing.shot(page, "auditor-log-broken")


def test_nobody_else_audits_and_an_auditor_opens_no_record(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = portal.demo("patient")
    digest = portal.gateway.index.records_about(patient.address, 1)[0].digest
    page = browsing.signed_in("auditor")
    for path in (f"/portal/doctor/records/{digest.hex()}", f"/portal/emergency/records/{digest.hex()}"):
        assert status(page, path) == 403
    for handle in ("doctor", "emergency", "patient"):
        other = browsing.signed_in(handle)
        assert status(other, HOME) == 403
        assert forced(other, f"{HOME}/log/anchor") == 403


def allow(portal: Portal, patient: Somebody) -> None:
    """What an emergency may open of hers."""
    acts = portal.gateway.ledger.acts
    act = acts.set_preferences(emergency=Category.PROBLEMS, barred_authors=Category(0), over_denials=False)
    send(portal.gateway, act, signer=patient.address, errand=Errand.new(WAIT))


def open_glass(portal: Portal, patient: Somebody, clinician: Somebody) -> None:
    """Break it for four hours."""
    breakglass.break_glass(
        portal.gateway,
        clinician.identity,
        patient.address,
        EmergencyReason.UNRESPONSIVE,
        hours=4,
        errand=Errand.new(WAIT),
    )


def pass_hours(portal: Portal, hours: int) -> None:
    """Put the chain's clock forward."""
    node = portal.gateway.node
    node.request("evm_increaseTime", hours * 3_600)
    node.request("evm_mine")
    portal.gateway.wait_indexed(int(node.request("eth_blockNumber"), 16), WAIT)
