"""The researcher's journeys in Chromium: what the ledger has cost so far, what was measured, a waiting list."""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gateway.portal.researcher_measured import shipped
from ledger.codes import Role
from tests.portal.browsing import PHONE, Browsing, assert_accessible, assert_valid_html, page_source
from tests.portal.working import status

WAITING = '''Archive_Date,Specialty_HIPE,Specialty,Case_Type,Adult_Child,Age_Profile,Time_Bands,Total
2019-01-31,0100,Cardiology,Day Case,Adult,16-64,  0-3 Months,120
2019-01-31,0600,Otolaryngology (ENT),Inpatient,Child,0-15,3-6 Months,30
2019-02-28,0100,Cardiology,Day Case,Adult,16-64,  0-3 Months,100
2019-02-28,0600,"<b>ENT</b> & ""more""",Inpatient,Child,0-15,3-6 Months,20
2019-02-28,0600,Urology,Inpatient,Child,0-15,3-6 Months,<5
2019-02-28,1800,Orthopaedics,Inpatient,Adult,65+,18+ Months,300
'''


def test_the_live_page_changes_when_an_act_has_happened(browsing: Browsing, tmp_path: Path) -> None:
    page = browsing.signed_in("researcher")
    page.goto("/portal/researcher")
    expect(page.get_by_role("heading", level=1)).to_have_text("What this ledger has cost so far")
    before = page.locator(".totals li").nth(1).inner_text()
    browsing.portal.person("Nora New", Role.RESEARCHER)
    expect(page.locator(".totals li").nth(1)).not_to_have_text(before)
    assert_accessible(page)
    browsing.shot(page, "researcher-so-far")
    assert_valid_html(page_source(page, "/portal/researcher"), tmp_path)
    browsing.assert_stays_here()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_measured_chart_is_there_and_can_be_taken_along(browsing: Browsing, tmp_path: Path, dark: bool) -> None:
    page = browsing.signed_in("researcher", dark=dark, size=PHONE if dark else {"width": 1280, "height": 900})
    page.goto("/portal/researcher/measured")
    for title in ("Cost of each workflow", "Each operation beside its floor", "Beside other projects"):
        expect(page.get_by_role("heading", name=title)).to_be_visible()
    assert page.locator(".chart svg").count() == 5
    assert_accessible(page)
    browsing.shot(page, f"researcher-measured-{'phone-dark' if dark else 'light'}")
    assert_valid_html(page_source(page, "/portal/researcher/measured"), tmp_path)


def test_the_data_of_a_chart_are_those_that_were_measured(browsing: Browsing) -> None:
    page = browsing.signed_in("researcher")
    page.goto("/portal/researcher/measured")
    with page.expect_download() as got:
        page.locator('a[href="/portal/researcher/files/batches.csv"]').click()
    rows = list(csv.DictReader(io.StringIO(Path(got.value.path()).read_text())))
    known = {str(row["size"]): str(row["gas"]) for row in shipped().tables["batches"].rows}
    assert {row["size"]: row["gas"] for row in rows} == known
    svg = page.request.get("/portal/researcher/files/batches.svg")
    assert svg.headers["content-type"].startswith("image/svg+xml")
    assert svg.text().startswith("<svg")


def test_a_waiting_list_is_projected_and_reconciles_with_its_file(browsing: Browsing, tmp_path: Path) -> None:
    page = browsing.signed_in("researcher")
    page.goto("/portal/researcher/projections")
    assert_accessible(page)
    browsing.shot(page, "researcher-projections")
    hand_in(page, "IN_WL.csv", WAITING.encode())
    page.wait_for_url("**/projections/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("IN_WL.csv")
    facts = page.locator("dl.facts").inner_text()
    assert "570" in facts, "the file's totals"
    assert "420" in facts, "the last count alone"
    expect(page.get_by_role("heading", name="1 row cannot be read")).to_be_visible()
    assert page.locator("main b").count() == 0, "markup of the file is inert"
    assert_accessible(page)
    browsing.shot(page, "researcher-projection")
    assert_valid_html(page_source(page, page.url.replace(browsing.portal.url, "")), tmp_path)
    with page.expect_download() as got:
        page.locator('a[href$="/files/by-specialty.csv"]').click()
    rows = list(csv.DictReader(io.StringIO(Path(got.value.path()).read_text())))
    people = {row["value"]: row["people"] for row in rows}
    assert people == {"Orthopaedics": "300", "Cardiology": "100", '<b>ENT</b> & "more"': "20", "all": "420"}
    address = page.url
    page.goto("/portal/researcher/projections")
    hand_in(page, "IN_WL.csv", WAITING.encode())
    page.wait_for_url("**/projections/*")
    assert page.url == address, "the same file and questions are the same projection"


def test_what_is_no_waiting_list_is_said_in_a_sentence_and_the_choices_stay(browsing: Browsing) -> None:
    page = browsing.signed_in("researcher", scripts=False)
    page.goto("/portal/researcher/projections")
    page.locator("#field-times-prescription").fill("7")
    hand_in(page, "poem.csv", b"roses,are,red\n1,2,3\n")
    expect(page.locator(".notice.problem")).to_contain_text("is no waiting list")
    expect(page.locator("#field-times-prescription")).to_have_value("7")


def test_a_file_of_50_mb_is_read_with_its_progress_shown(browsing: Browsing, tmp_path: Path) -> None:
    heading, *rows = WAITING.splitlines()[:2]
    path = tmp_path / "large.csv"
    line = (rows[0] + "\n").encode()
    count = 50_000_000 // len(line)
    path.write_bytes(heading.encode() + b"\n" + line * count)
    page = browsing.signed_in("researcher")
    page.goto("/portal/researcher/projections")
    page.locator("#field-file").set_input_files(path)
    page.get_by_role("button", name="Project it").click()
    page.wait_for_url("**/projections/*", timeout=60_000)
    expect(page.get_by_role("heading", name="In all")).to_be_visible(timeout=60_000)
    assert f"{count * 120:,}" in page.locator("dl.facts").inner_text()


def test_more_than_the_gateway_takes_is_refused_in_a_sentence(browsing: Browsing, tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    path.write_bytes(b"x" * (65 << 20))
    page = browsing.signed_in("researcher")
    page.goto("/portal/researcher/projections")
    page.locator("#field-file").set_input_files(path)
    page.get_by_role("button", name="Project it").click()
    expect(page.get_by_text("This file is larger than 64 MB.")).to_be_visible()


def test_nobody_else_sees_gas_pages_or_projections(browsing: Browsing) -> None:
    page = browsing.signed_in("researcher")
    page.goto("/portal/researcher/projections")
    hand_in(page, "mine.csv", WAITING.encode())
    page.wait_for_url("**/projections/*")
    path = page.url.replace(browsing.portal.url, "")
    for handle in ("patient", "doctor", "pharmacist"):
        other = browsing.signed_in(handle)
        assert status(other, path) == 403
        assert status(other, "/portal/researcher") == 403
    second = browsing.portal.person("Rosa Second", Role.RESEARCHER)
    other = browsing.signed_in(second)
    assert status(other, path) == 404


def hand_in(page: Page, name: str, content: bytes) -> None:
    page.locator("#field-file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="Project it").click()
