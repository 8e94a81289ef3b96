"""Double click, reload, back button, network gone in the middle of a write: one effect, and nothing typed is lost."""

import re
from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex

import httpx
import pytest
from playwright.sync_api import expect

from ledger.codes import Category, Role
from tests.portal.browsing import Browsing
from tests.portal.served import Portal, Somebody
from tests.portal.test_patient import grant_in_four_steps
from tests.portal.test_sessions import signed_in_client


@pytest.fixture
def reader(portal: Portal) -> Somebody:
    return portal.person(f"Dr Miro {token_hex(3)}", Role.PRACTITIONER)


def test_a_double_click_grants_once(browsing: Browsing, portal: Portal, reader: Somebody) -> None:
    patient = portal.patient()
    page = browsing.signed_in(patient)
    page.goto("/portal/patient/sharing/new")
    grant_in_four_steps(page, reader.name)
    page.get_by_role("button", name="Sign: let them read").dblclick()
    expect(page.get_by_role("status").first).to_contain_text("may read")
    page.reload()
    assert len(portal.gateway.index.consents_of(patient.address, 5)) == 1
    page.go_back()
    page.go_back()
    page.goto("/portal/patient/sharing")
    assert len(portal.gateway.index.consents_of(patient.address, 5)) == 1


def test_the_same_form_sent_many_times_at_once_grants_once(portal: Portal, reader: Somebody) -> None:
    patient = portal.patient()
    with signed_in_client(portal, patient) as client:
        form = last_form(client, portal, reader)
        cookies = dict(client.cookies)
        with ThreadPoolExecutor(4) as pool:

            def send(_: int) -> httpx.Response:
                return httpx.post(f"{portal.url}/portal/patient/sharing/new/4", data=form, cookies=cookies, timeout=60)

            answers = list(pool.map(send, range(4)))
    assert {(one.status_code, one.headers["location"]) for one in answers} == {(303, "/portal/patient/sharing")}
    assert len(portal.gateway.index.consents_of(patient.address, 5)) == 1


def test_sent_again_with_other_answers_it_asks_first(portal: Portal, reader: Somebody) -> None:
    patient = portal.patient()
    with signed_in_client(portal, patient) as client:
        form = last_form(client, portal, reader)
        client.post("/portal/patient/sharing/new/4", data=form)
        again = client.post("/portal/patient/sharing/new/4", data={**form, "length": "year"})
        assert "again=" in again.headers["location"]
        page = client.get(again.headers["location"]).text
    assert "You have sent this form before" in page
    assert len(portal.gateway.index.consents_of(patient.address, 5)) == 1


def last_form(client: httpx.Client, portal: Portal, reader: Somebody) -> dict[str, str | list[str]]:
    """The form of the last step of granting, as a browser would send it."""
    page = client.get("/portal/patient/sharing/new").text
    hidden = dict(re.findall(r'<input type="hidden" name="(_\w+)" value="([^"]*)">', page))
    return {**hidden, "whom": reader.address, "kinds": ["laboratory"], "length": "week", "why": ["TREAT"]}


def test_without_a_network_nothing_is_sent_and_nothing_lost(
    browsing: Browsing, portal: Portal, reader: Somebody
) -> None:
    patient = portal.patient()
    page = browsing.signed_in(patient)
    page.goto("/portal/patient/sharing/new")
    page.get_by_label("Find somebody by name").fill("Somebody whom I typed")
    page.context.set_offline(True)
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.locator("#offline")).to_contain_text("Nothing was sent, and what you typed is still here")
    expect(page.get_by_label("Find somebody by name")).to_have_value("Somebody whom I typed")
    browsing.shot(page, "offline")
    page.context.set_offline(False)
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.get_by_text("Nobody here has that name")).to_be_visible()


def test_what_is_wrong_is_said_and_the_rest_kept(browsing: Browsing, portal: Portal, reader: Somebody) -> None:
    patient = portal.patient()
    page = browsing.signed_in(patient)
    page.goto("/portal/patient/sharing/new")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".notice.problem")).to_contain_text("Choose who may read")
    browsing.shot(page, "patient-grant-wrong")
    page.get_by_label("Find somebody by name").fill(reader.name)
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_label(re.compile(reader.name)).check()
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Mental health records").check()
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Until a certain day").check()
    page.get_by_label("That day").fill("")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".notice.problem")).to_contain_text("Write the day like this")
    expect(page.get_by_label("Until a certain day")).to_be_checked()
    page.get_by_label("One week").check()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("something especially private: mental health records")).to_be_visible()
    page.get_by_role("button", name="Sign: let them read").click()
    expect(page.get_by_role("status").first).to_contain_text("mental health records")
    terms = portal.gateway.index.consents_of(patient.address, 1)[0].terms
    assert terms.categories == Category.MENTAL_HEALTH


def test_undo_is_over_after_its_time(portal: Portal, reader: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = portal.patient()
    portal.grant(patient, reader.address, Category.LABORATORY)
    consent = portal.gateway.index.consents_of(patient.address, 1)[0].consent_id.hex()
    with signed_in_client(portal, patient) as client:
        page = client.get("/portal/patient/sharing").text
        hidden = dict(re.findall(r'<input type="hidden" name="(_\w+)" value="([^"]*)">', page))
        monkeypatch.setattr("gateway.portal.patient_consents._UNDO_SECONDS", -30)
        client.post("/portal/patient/sharing/withdraw", data={**hidden, "consent": consent})
        late = client.post("/portal/patient/sharing/again", data={**hidden, "consent": consent})
        said = client.get(late.headers["location"]).text
    assert "The ten seconds are over" in said
    assert len(portal.gateway.index.consents_of(patient.address, 5)) == 1


def test_nobody_withdraws_or_undoes_for_somebody_else(portal: Portal, reader: Somebody) -> None:
    patient, other = portal.patient(), portal.patient("Another Patient")
    portal.grant(patient, reader.address, Category.LABORATORY)
    consent = portal.gateway.index.consents_of(patient.address, 1)[0]
    with signed_in_client(portal, other) as client:
        page = client.get("/portal/patient/sharing/deny").text
        hidden = dict(re.findall(r'<input type="hidden" name="(_\w+)" value="([^"]*)">', page))
        for act in ("withdraw", "again"):
            client.post(f"/portal/patient/sharing/{act}", data={**hidden, "consent": consent.consent_id.hex()})
    assert [one.withdrawn for one in portal.gateway.index.consents_of(patient.address, 5)] == [False]
