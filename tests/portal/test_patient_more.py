"""A patient's other journeys: proposals, questions, keeping out, prescriptions, the log with proof, emergencies,
delegates, taking everything along."""

import io
import json
import re
import zipfile
from contextlib import nullcontext
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gateway import flow
from gateway.consents.delegates import live_delegation
from gateway.consents.delegating import Leave, name_delegate
from gateway.emergencies.escrow import emergency_of
from gateway.log.checkpoints import anchor_now
from gateway.prescriptions.qr import decode
from gateway.sending import Errand
from ledger.codes import Category, EmergencyReason, Power, Purpose, Reason, Role
from ledger.errors import AccessDenied
from tests.portal.browsing import PHONE, Browsing, assert_accessible
from tests.portal.cast import Household, household
from tests.portal.served import WAIT, Portal
from tests.portal.test_sessions import signed_in_client


@pytest.fixture(scope="module")
def home(portal: Portal) -> Household:
    return household(portal, "Marta Stein", "Dr Jona Brandt")


def expect_said(page: Page, text: str) -> None:
    """What the last act came to."""
    expect(page.get_by_role("status").first).to_contain_text(text)


def test_a_proposal_is_accepted(browsing: Browsing, portal: Portal, home: Household) -> None:
    page = browsing.signed_in(home.patient)
    page.goto("/portal/patient/records")
    expect(page.get_by_text("Dr Sten Falk proposes: notes of visits")).to_be_visible()
    browsing.shot(page, "patient-proposal")
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("status").first).to_contain_text("Accepted: it counts as yours now.")
    expect(page.get_by_role("heading", name="Waiting for your answer")).to_have_count(0)


def test_a_question_is_answered_with_less(browsing: Browsing, portal: Portal, home: Household) -> None:
    page = browsing.signed_in(home.patient, size=PHONE)
    page.get_by_role("link", name="Dr Sten Falk asks to read your records.").click()
    expect(page.locator(".summary")).to_contain_text("Dr Sten Falk may read your medication and laboratory results")
    expect(page.get_by_text("We plan your operation together.")).to_be_visible()
    page.get_by_text("Yes, but less").click()
    page.get_by_label("medication").uncheck()
    page.get_by_label("One week").check()
    browsing.shot(page, "patient-question")
    page.get_by_role("button", name="Let them read this much").click()
    expect(page.get_by_role("status").first).to_contain_text("Dr Sten Falk may read your laboratory results")
    found = portal.gateway.index.consents_for([home.stranger.address], 1)
    assert found[0].terms.categories == Category.LABORATORY


def test_who_is_kept_out_reads_nothing_until_let_in_again(browsing: Browsing, portal: Portal, home: Household) -> None:
    page = browsing.signed_in(home.patient)
    page.goto("/portal/patient/sharing/deny")
    page.get_by_label(re.compile("Dr Jona Brandt")).check()
    browsing.shot(page, "patient-deny")
    page.get_by_role("button", name="Keep them out").click()
    expect_said(page, "Dr Jona Brandt is kept out")
    with pytest.raises(AccessDenied) as denied:
        flow.authorize(
            portal.gateway, home.doctor.address, home.reports[0], purpose=Purpose.TREAT, correlation="a" * 36
        )
    assert denied.value.reason is Reason.DENIED_BY_PATIENT
    page.get_by_role("button", name="Keep out no more Dr Jona Brandt").click()
    expect_said(page, "no longer kept out")
    assert portal.gateway.index.denials_of(home.patient.address, 5) == []


def test_a_prescription_is_shown_as_a_large_code(browsing: Browsing, portal: Portal, home: Household) -> None:
    page = browsing.signed_in(home.patient, size=PHONE)
    page.goto("/portal/patient/prescriptions")
    expect(page.get_by_text("Ready at any pharmacy")).to_be_visible()
    browsing.shot(page, "patient-prescriptions")
    page.get_by_role("link", name="Show at the pharmacy").click()
    picture = page.locator(".qr svg").bounding_box()
    assert picture is not None
    assert picture["width"] > 250
    page.get_by_text("The code as text").click()
    code = page.locator("#code").inner_text()
    assert decode(code).id == home.prescription
    browsing.shot(page, "patient-present")
    assert_accessible(page)


def test_the_log_reads_like_sentences_and_proves_itself(browsing: Browsing, portal: Portal, home: Household) -> None:
    for one in (home.doctor, home.stranger):
        refused = pytest.raises(AccessDenied) if one is home.stranger else nullcontext()
        with refused:
            flow.authorize(portal.gateway, one.address, home.letter, purpose=Purpose.TREAT, correlation="b" * 36)
    page = browsing.signed_in(home.patient)
    page.goto("/portal/patient/looked")
    lines = page.locator(".row-said")
    expect(lines.filter(has_text="Dr Jona Brandt opened your record to treat you, ")).to_have_count(1)
    turned_away = re.compile("Dr Sten Falk was refused your record to treat you, .*: ")
    expect(lines.filter(has_text=turned_away)).to_have_count(1)
    browsing.shot(page, "patient-looked-refused")
    page.get_by_role("link", name=re.compile("Prove it Dr Jona Brandt opened")).click()
    expect(page.get_by_text("Why it was permitted: They wrote it themselves.")).to_be_visible()
    anchor_now(portal.gateway)
    portal.gateway.outbox.drain(timeout=30)
    portal.gateway.wait_indexed(int(portal.gateway.node.request("eth_blockNumber"), 16), 20)
    page.reload()
    expect(page.get_by_text("A checkpoint that counts it stands on the ledger")).to_be_visible()
    assert_accessible(page)
    browsing.shot(page, "patient-proof")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download the proof").click()
    evidence = json.loads(Path(downloading.value.path()).read_text())
    assert evidence["evidence"] == "consent-ledger/v1"


def test_the_wish_for_emergencies_is_set_in_words(browsing: Browsing, portal: Portal, home: Household) -> None:
    page = browsing.signed_in(home.patient)
    page.goto("/portal/patient/more/emergency")
    expect(page.get_by_label("Everything except what is especially private")).to_be_checked()
    page.get_by_label("Only what I tick below").check()
    for box in page.locator('input[name="kinds"]').all():
        box.set_checked(box.get_attribute("value") in ("problems", "medication"))
    browsing.shot(page, "patient-emergency")
    page.get_by_role("button", name="This is my wish").click()
    expect_said(page, "on the ledger")
    assert emergency_of(portal.gateway, home.patient.address) == Category.PROBLEMS | Category.MEDICATION


def test_a_delegate_is_named_and_ended(browsing: Browsing, portal: Portal, home: Household) -> None:
    page = browsing.signed_in(home.patient)
    page.goto("/portal/patient/more/delegates")
    son = portal.patient("Jan Stein")
    page.get_by_label("Or their address on the ledger").fill(son.address)
    page.get_by_label("show your prescriptions at a pharmacy").check()
    page.get_by_role("button", name="Let them act for me").click()
    expect_said(page, "may act for you now")
    live = live_delegation(portal.gateway, son.address, home.patient.address)
    assert live is not None
    assert live.powers == Power.READ | Power.PRESENT
    assert not live.categories & Category.MENTAL_HEALTH
    browsing.shot(page, "patient-delegates")
    page.get_by_role("button", name=re.compile("End it")).click()
    expect_said(page, "They are not told")
    assert live_delegation(portal.gateway, son.address, home.patient.address) is None


def test_everything_can_be_taken_along(browsing: Browsing, portal: Portal, home: Household) -> None:
    page = browsing.signed_in(home.patient)
    page.goto("/portal/patient/more/export")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Make my file").click()
    browsing.shot(page, "patient-export")
    with zipfile.ZipFile(io.BytesIO(Path(downloading.value.path()).read_bytes())) as bag:
        assert bag.testzip() is None
        assert any(name.endswith("index.html") for name in bag.namelist())
        assert sum("/records/" in name for name in bag.namelist()) >= 3


def test_a_broken_glass_stands_at_the_top(browsing: Browsing, portal: Portal, home: Household) -> None:
    clinician = portal.person("Dr Noor Eilig", Role.EMERGENCY)
    act = portal.gateway.ledger.acts.break_glass(
        home.patient.address, EmergencyReason.UNRESPONSIVE, hours=2, correlation=bytes(32)
    )
    portal.act(act, clinician.identity)
    page = browsing.signed_in(home.patient)
    expect(page.locator(".notice.problem")).to_contain_text("Dr Noor Eilig has broken the glass")
    page.goto("/portal/patient/looked")
    expect(page.locator("li.emergency").first).to_contain_text("An auditor has yet to judge it.")
    assert_accessible(page)
    browsing.shot(page, "patient-glass")


def test_a_delegate_reads_for_her_and_she_sees_it(browsing: Browsing, portal: Portal, home: Household) -> None:
    daughter = portal.patient("Tilda Stein")
    leave = Leave(Power.READ, Category.LABORATORY, int(portal.gateway.clock()) + 9_999)
    name_delegate(portal.gateway, home.patient.identity, daughter.address, leave, Errand.new(WAIT))
    page = browsing.signed_in(daughter)
    page.goto("/portal/patient/for")
    assert_accessible(page)
    page.get_by_role("link", name="Records you may read").click()
    expect(page.locator(".rows li")).to_have_count(2)
    assert_accessible(page)
    page.locator(".rows a").first.click()
    expect(page.get_by_role("row", name="Haemoglobin")).to_be_visible()
    assert_accessible(page)
    browsing.shot(page, "delegate-reads")
    letter = page.request.get(f"/portal/patient/for/{home.patient.address}/{home.letter.hex()}")
    assert letter.status == 403
    hers = browsing.signed_in(home.patient)
    hers.goto("/portal/patient/looked")
    expect(hers.locator(".row-said").filter(has_text="opened your record because your family asks")).to_have_count(1)


def test_nobody_acts_for_somebody_who_has_not_named_him(portal: Portal, home: Household) -> None:
    stranger = portal.patient("Not Named")
    with signed_in_client(portal, stranger) as client:
        for path in ("", f"/{home.reports[0].hex()}", f"/{home.reports[0].hex()}/content"):
            assert client.get(f"/portal/patient/for/{home.patient.address}{path}").status_code == 403
