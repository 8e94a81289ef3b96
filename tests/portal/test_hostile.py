"""Markup in names, titles and notes is text; what a record holds never acts as a page of this site."""

import json

import pytest
from playwright.sync_api import expect

from ledger.codes import Category, Role
from tests.portal.browsing import Browsing
from tests.portal.served import Portal, Somebody
from tests.portal.test_sessions import signed_in_client

EVIL = "<script>window.harm = 1</script><img src=x onerror='window.harm = 2'>\"><b>bold</b> {{ 7 * 7 }} {who}"


@pytest.fixture(scope="module")
def evil(portal: Portal) -> tuple[Somebody, Somebody]:
    """A patient and a doctor whose names are markup, and who writes more of it."""
    patient = portal.patient(f"Pat {EVIL}")
    doctor = portal.person(f"Dr {EVIL}", Role.PRACTITIONER)
    kinds = Category.ENCOUNTER | Category.LABORATORY | Category.MEDICATION
    portal.grant(patient, doctor.address, kinds, write=True)
    note = json.dumps(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": EVIL},
            "valueString": EVIL,
            "text": {"status": "generated", "div": f"<div>{EVIL}</div>"},
        }
    ).encode()
    portal.deposit(doctor, patient.address, note, Category.LABORATORY, title=f"Report {EVIL}")
    portal.deposit(doctor, patient.address, EVIL.encode(), Category.ENCOUNTER, title="Note", media_type="text/plain")
    page = f"<html><body>{EVIL}</body></html>".encode()
    portal.deposit(doctor, patient.address, page, Category.ENCOUNTER, title="Page", media_type="text/html")
    return patient, doctor


def test_markup_in_names_titles_and_notes_is_text(
    browsing: Browsing, portal: Portal, evil: tuple[Somebody, Somebody]
) -> None:
    page = browsing.signed_in(evil[0])
    for path in (
        "/portal/patient",
        "/portal/patient/records",
        "/portal/patient/sharing",
        "/portal/patient/sharing/new",
    ):
        page.goto(path)
        expect(page.locator("main b, main script, main img")).to_have_count(0)
        assert page.evaluate("window.harm") is None
    page.goto("/portal/patient/records")
    for title in ("Report", "Note", "Page"):
        page.get_by_role("link", name=title).first.click()
        expect(page.locator("main b, main script, main img")).to_have_count(0)
        assert page.evaluate("window.harm") is None
        expect(page.locator("main")).to_contain_text("<script>")
        browsing.shot(page, f"hostile-{title.lower()}")
        page.go_back()


def test_a_page_in_a_record_is_never_served_as_a_page(portal: Portal, evil: tuple[Somebody, Somebody]) -> None:
    found = portal.gateway.index.records_about(evil[0].address, 5)
    with signed_in_client(portal, evil[0]) as client:
        for one in found:
            answer = client.get(f"/portal/patient/records/{one.digest.hex()}/content")
            assert answer.status_code == 200
            assert answer.headers["content-disposition"].startswith("attachment")
            assert "sandbox" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_title_or_address_of_a_page_says_anything_of_health(portal: Portal, evil: tuple[Somebody, Somebody]) -> None:
    with signed_in_client(portal, evil[0]) as client:
        digest = portal.gateway.index.records_about(evil[0].address, 1)[0].digest.hex()
        page = client.get(f"/portal/patient/records/{digest}").text
    assert "<title>A record · Consent ledger</title>" in page


def test_what_is_not_hers_is_not_there(portal: Portal, evil: tuple[Somebody, Somebody]) -> None:
    other = portal.patient("Other Person")
    digest = portal.gateway.index.records_about(evil[0].address, 1)[0].digest.hex()
    with signed_in_client(portal, other) as client:
        for path in (f"/portal/patient/records/{digest}", f"/portal/patient/records/{'0' * 64}", "/portal/nowhere"):
            answer = client.get(path)
            assert answer.status_code == 404
            assert "Nothing here" in answer.text
        denied = client.get(f"/portal/patient/records/{digest}/content")
        assert denied.status_code == 403
        assert "You may not read this" in denied.text
