"""Signing in and out, as somebody who sees the portal for the first time."""

from pathlib import Path

from playwright.sync_api import expect

from tests.portal.browsing import PHONE, Browsing, assert_accessible, assert_valid_html, page_source


def test_the_first_page_lets_one_choose_who_to_be(browsing: Browsing, tmp_path: Path) -> None:
    page = browsing.window()
    received: list[int] = []
    page.on("response", lambda response: received.append(len(response.body())))
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert_accessible(page)
    browsing.shot(page, "sign-in")
    assert sum(received) < 100_000
    assert_valid_html(page_source(page, "/portal/"), tmp_path)
    browsing.assert_stays_here()


def test_sign_in_on_a_phone_in_the_dark(browsing: Browsing) -> None:
    page = browsing.window(size=PHONE, dark=True)
    page.goto("/")
    assert_accessible(page)
    browsing.shot(page, "sign-in-phone-dark")


def test_sign_in_and_out_gives_a_new_session_each_time(browsing: Browsing) -> None:
    page = browsing.signed_in("patient")
    first = {one["name"]: one["value"] for one in page.context.cookies()}["consent_ledger_session"]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.locator('button[name="handle"][value="patient"]').click()
    page.wait_for_url("**/portal/patient")
    second = {one["name"]: one["value"] for one in page.context.cookies()}["consent_ledger_session"]
    assert first != second
