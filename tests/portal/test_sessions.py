"""Sessions: one that ends in the middle of a form loses nothing; a form of another session, or none, does nothing."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from ledger.codes import Role
from tests.portal.browsing import Browsing, assert_accessible
from tests.portal.served import Portal, Somebody

POLICY = "default-src 'none'; style-src 'self'; script-src 'self'"


@pytest.fixture(scope="module")
def reader(portal: Portal) -> Somebody:
    return portal.person("Dr Ilse Baum", Role.PRACTITIONER)


@pytest.fixture(scope="module")
def patient(portal: Portal) -> Somebody:
    return portal.patient("Nora Kempf")


def deny_form(page: Page, reader: Somebody) -> None:
    """Fill in the form that keeps somebody out, as far as the last click."""
    page.goto("/portal/patient/sharing/deny")
    page.get_by_label("Find somebody by name").fill("Ilse Baum")
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_label(re.compile(reader.name)).check()


def sign_in_here(page: Page, who: Somebody) -> None:
    page.locator("#field-address").fill(who.address)
    page.locator("#field-passphrase").fill(who.passphrase)
    page.locator("section.narrow button[type=submit]").click()


def test_a_session_that_ends_in_the_middle_of_a_form_keeps_what_was_typed(
    browsing: Browsing, portal: Portal, patient: Somebody, reader: Somebody
) -> None:
    page = browsing.signed_in(patient)
    deny_form(page, reader)
    portal.gateway.sessions.close_all(patient.address)
    page.get_by_role("button", name="Keep them out").click()
    expect(page.locator(".notice.problem")).to_contain_text("what you typed is kept")
    assert_accessible(page)
    browsing.shot(page, "session-ended")
    assert reader.name not in page.url
    assert "Baum" not in page.url
    sign_in_here(page, patient)
    expect(page.get_by_text("You are signed in again. Nothing was sent yet")).to_be_visible()
    expect(page.get_by_label(re.compile(reader.name))).to_be_checked()
    browsing.shot(page, "session-again")
    assert portal.gateway.index.denials_of(patient.address, 5) == []
    page.get_by_role("button", name="Keep them out").click()
    expect(page.get_by_role("status").first).to_contain_text("Dr Ilse Baum is kept out")
    assert portal.gateway.index.denials_of(patient.address, 5) == [reader.address]


def test_what_one_person_typed_is_not_shown_to_the_next(browsing: Browsing, portal: Portal, reader: Somebody) -> None:
    first, second = portal.patient("First Person"), portal.patient("Second Person")
    page = browsing.signed_in(first)
    deny_form(page, reader)
    portal.gateway.sessions.close_all(first.address)
    page.get_by_role("button", name="Keep them out").click()
    sign_in_here(page, second)
    expect(page.get_by_role("heading", level=1)).to_have_text("Keep somebody out")
    expect(page.get_by_label(re.compile(reader.name))).to_have_count(0)
    assert portal.gateway.index.denials_of(second.address, 5) == []


def signed_in_client(portal: Portal, who: Somebody) -> httpx.Client:
    token = portal.gateway.sessions.open(who.address, who.identity)
    return httpx.Client(base_url=portal.url, cookies={"consent_ledger_session": token}, timeout=30)


def fields_of(client: httpx.Client, path: str) -> dict[str, str]:
    """The hidden fields of the page's last form."""
    return dict(re.findall(r'<input type="hidden" name="(_\w+)" value="([^"]*)">', client.get(path).text))


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_a_form_without_its_session_s_token_does_nothing(
    portal: Portal, patient: Somebody, reader: Somebody, token: str
) -> None:
    fresh = portal.person("Dr Otto Held", Role.PRACTITIONER)
    with signed_in_client(portal, patient) as client:
        fields = fields_of(client, "/portal/patient/sharing/deny")
        client.post(
            "/portal/patient/sharing/deny", data={**fields, "_csrf": token, "do": "deny", "whom": fresh.address}
        )
    assert fresh.address not in portal.gateway.index.denials_of(patient.address, 9)


def test_a_form_of_somebody_else_s_session_does_nothing(portal: Portal, reader: Somebody) -> None:
    mallory, victim = portal.patient("Mallory"), portal.patient("Victim")
    with signed_in_client(portal, mallory) as hers, signed_in_client(portal, victim) as client:
        fields = fields_of(hers, "/portal/patient/sharing/deny")
        answer = client.post("/portal/patient/sharing/deny", data={**fields, "do": "deny", "whom": reader.address})
    assert answer.status_code == 403
    assert portal.gateway.index.denials_of(victim.address, 5) == []


def test_another_site_can_make_no_browser_write(portal: Portal, patient: Somebody) -> None:
    with signed_in_client(portal, patient) as client:
        answer = client.post("/portal/sign-out", headers={"Origin": "https://elsewhere.example"})
        assert answer.status_code == 403
        assert "another site" in answer.text
        assert client.get("/portal/patient").status_code == 200


def test_every_answer_has_the_headers_by_the_book(portal: Portal, patient: Somebody) -> None:
    with signed_in_client(portal, patient) as client:
        for path in ("/portal/", "/portal/patient", "/portal/nowhere", "/portal/static/portal.css"):
            headers = client.get(path).headers
            assert headers["content-security-policy"].startswith(POLICY), path
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert headers["referrer-policy"] == "same-origin"
        assert client.get("/portal/patient").headers["cache-control"] == "no-store"


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(portal: Portal, patient: Somebody) -> None:
    with httpx.Client(base_url=portal.url, timeout=30) as client:
        fields = fields_of(client, "/portal/sign-in")
        form = {**fields, "address": patient.address, "passphrase": patient.passphrase}
        answer = client.post("/portal/sign-in", data=form)
        cookies = answer.headers.get_list("set-cookie")
        assert any(one.startswith("consent_ledger_session=") for one in cookies)
        assert all("HttpOnly" in one and "SameSite=strict" in one for one in cookies)


def test_pages_of_other_roles_are_refused_in_a_sentence(portal: Portal, patient: Somebody, reader: Somebody) -> None:
    with signed_in_client(portal, reader) as client:
        answer = client.get("/portal/patient/records")
    assert answer.status_code == 403
    assert "This page is not for you" in answer.text


def test_without_a_session_one_is_led_to_sign_in_and_back(portal: Portal) -> None:
    with httpx.Client(base_url=portal.url, timeout=30) as client:
        answer = client.get("/portal/patient/records")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/portal/sign-in?to=%2Fportal%2Fpatient%2Frecords"
        assert "https://elsewhere" not in client.get("/portal/sign-in?to=https://elsewhere.example/").text
        assert client.get("/portal/events").status_code == 401
