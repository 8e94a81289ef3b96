"""A laboratory's journeys in Chromium: dropped files with a progress bar, errors by line, resumed after a lost
connection, posted once, with the gas of each result."""

import json
from pathlib import Path

from playwright.sync_api import FilePayload, Page, Route, expect

from gateway.batches import posting as batches
from gateway.batches.index import BatchIndex
from ledger.codes import Role
from ledger.types import Address
from tests.portal.browsing import DESK, PHONE, Browsing, assert_accessible, assert_valid_html, page_source
from tests.portal.served import Portal
from tests.portal.working import forced, lines, result, status

HOME = "/portal/laboratory"


def test_a_night_is_handed_in_its_errors_told_by_line_and_posted_once(browsing: Browsing, tmp_path: Path) -> None:
    portal = browsing.portal
    page = browsing.signed_in("technician")
    page.goto(HOME)
    assert_accessible(page)
    assert_valid_html(page_source(page, HOME), tmp_path)
    name_batch(page, "night 1")
    content = lines(
        result("patient", value=13.1),
        "{broken",
        result("nobody at all"),
        result("patient-2", value=12.2),
        {"resourceType": "Observation", "code": {"text": "x"}},
        {"resourceType": "Patient"},
        result("patient-3", name="Glucose <b>fasting</b>", value=5.4),
    )
    choose(page, ("night.ndjson", content))
    page.get_by_role("button", name="Hand in").click()
    page.wait_for_url("**/batches/*")
    told = page.locator("ul.rows.lines").inner_text()
    assert "night.ndjson, line 2: not JSON" in told
    assert "night.ndjson, line 3: its patient’s number leads to nobody" in told
    assert "night.ndjson, line 5: its subject has no identifier" in told
    assert "night.ndjson, line 6: is neither an Observation nor a DiagnosticReport" in told
    assert_accessible(page)
    browsing.shot(page, "laboratory-batch-errors")
    assert_valid_html(page_source(page, page.url.replace(portal.url, "")), tmp_path)
    page.get_by_role("button", name="Post 3 results").dblclick()
    expect(page.locator("#state")).to_contain_text("on the ledger")
    expect(page.locator("#state")).to_contain_text("a result")
    author = portal.people["technician"].address
    assert len(portal.gateway.index.batches_by(author, 10)) == 1
    page.goto(HOME)
    expect(page.locator("table")).to_contain_text("on the ledger")
    assert page.locator("tbody tr").first.locator("td").last.inner_text() != "–", "the gas of a result"
    browsing.shot(page, "laboratory-home")
    browsing.assert_stays_here()


def test_the_same_file_again_changes_nothing_and_what_was_mended_is_added(browsing: Browsing) -> None:
    portal = browsing.portal
    page = browsing.signed_in("technician", scripts=False, size=PHONE)
    first = lines(result("patient", value=1.0), "oh no", result("patient-2", value=2.0))
    hand_in(page, "night 2", ("n.ndjson", first))
    assert items(portal, page) == 2
    browsing.shot(page, "laboratory-phone-no-scripts")
    mended = lines(result("patient", value=1.0), result("patient-3", value=3.0), result("patient-2", value=2.0))
    hand_in(page, "night 2", ("n.ndjson", mended))
    assert items(portal, page) == 3
    expect(page.get_by_text("2 were in before.")).to_be_visible()


def test_another_content_under_the_same_name_is_refused_by_name_and_keeps_nothing_else_out(browsing: Browsing) -> None:
    page = browsing.signed_in("technician", scripts=False)
    hand_in(page, "night 3", ("a.json", json.dumps(result(value=1.0)).encode()))
    changed, fresh = (json.dumps(result(value=value)).encode() for value in (9.0, 2.0))
    hand_in(page, "night 3", ("a.json", changed), ("b.json", fresh))
    expect(page.locator("ul.rows.lines")).to_contain_text("a.json: was handed in before with other content")
    assert items(browsing.portal, page) == 2


def test_a_folder_and_a_bundle_are_taken_and_markup_in_their_names_is_inert(browsing: Browsing) -> None:
    page = browsing.signed_in("technician")
    bundle = {"resourceType": "Bundle", "entry": [{"resource": result(value=7.5)}, {"resource": result("patient-2")}]}
    page.goto(HOME)
    name_batch(page, "night 4")
    choose(
        page,
        ("bundle.json", json.dumps(bundle).encode()),
        ("<img src=x onerror=alert(1)>.json", b"not json at all"),
        ("single.json", json.dumps(result("patient-3")).encode()),
    )
    page.get_by_role("button", name="Hand in").click()
    page.wait_for_url("**/batches/*")
    assert items(browsing.portal, page) == 3
    expect(page.locator("ul.rows.lines")).to_contain_text("<img src=x onerror=alert(1)>.json: not JSON")
    assert page.locator("main img").count() == 0


def test_a_connection_lost_in_the_middle_goes_on_where_it_was(browsing: Browsing) -> None:
    portal = browsing.portal
    page = browsing.signed_in("technician")
    page.goto(HOME)
    name_batch(page, "night 5")
    padding = "x" * 200_000
    content = lines(*(result(value=float(number), note=[{"text": padding}]) for number in range(8)))
    choose(page, ("large.ndjson", content))
    sent = 0

    def lose(route: Route) -> None:
        nonlocal sent
        sent += 1
        if sent in (2, 3, 4):
            route.abort()
        else:
            route.continue_()

    page.route("**/laboratory/results", lose)
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_text("The connection was lost.")).to_be_visible(timeout=15_000)
    browsing.shot(page, "laboratory-connection-lost")
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/batches/*")
    assert items(portal, page) == 8
    assert sent > 5, "piece by piece"


def test_the_progress_bar_moves_while_a_file_of_50_mb_is_handed_in(browsing: Browsing, tmp_path: Path) -> None:
    path = tmp_path / "huge.ndjson"
    padding = "y" * 900_000
    with path.open("wb") as file:
        for number in range(56):
            file.write(lines(result(value=float(number), note=[{"text": padding}])))
    assert path.stat().st_size > 50_000_000
    page = browsing.signed_in("technician")
    page.goto(HOME)
    name_batch(page, "night 6")
    page.locator("#field-file").set_input_files(path)
    page.get_by_role("button", name="Hand in").click()
    bar = page.locator("#bar")
    seen: set[float] = set()
    while "/batches/" not in page.url and len(seen) < 500:
        if bar.count():
            seen.add(bar.evaluate("one => one.value"))
        page.wait_for_timeout(100)
    page.wait_for_url("**/batches/*")
    assert len(seen) > 5, "it moved"
    assert items(browsing.portal, page) == 56


def test_a_posted_batch_takes_nothing_more(browsing: Browsing) -> None:
    page = browsing.signed_in("technician", scripts=False)
    hand_in(page, "night 7", ("a.json", json.dumps(result(value=4.4)).encode()))
    page.get_by_role("button", name="Post 1 result").click()
    page.wait_for_load_state()
    hand_in(page, "night 7", ("b.json", json.dumps(result(value=4.5)).encode()), wait=False)
    expect(page.locator(".notice.problem")).to_contain_text("This batch is posted already")
    expect(page.get_by_label("Name of the batch")).to_have_value("night 7")


def test_a_batch_on_its_way_says_so_to_everybody_and_then_that_it_is_there(browsing: Browsing) -> None:
    portal = browsing.portal
    page = browsing.signed_in("technician")
    hand_in(page, "night under way", ("n.ndjson", lines(result("patient-3", value=3.1))))
    job, node = bytes.fromhex(page.url.rsplit("/", 1)[1]), portal.gateway.node
    node.request("anvil_setIntervalMining", 0)
    try:
        batches.post(portal.gateway, portal.people["technician"].address, job)
        page.reload()
        expect(page.locator("#state")).to_contain_text("It goes on by itself")
        for size in (DESK, PHONE):
            page.set_viewport_size({"width": size["width"], "height": size["height"]})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                assert_accessible(page)
    finally:
        node.request("anvil_setIntervalMining", 1)
    expect(page.locator("#state")).to_contain_text("on the ledger")


def test_every_result_of_a_batch_is_the_patients_to_read(browsing: Browsing) -> None:
    portal = browsing.portal
    page = browsing.signed_in("technician", scripts=False)
    before = len(BatchIndex(portal.gateway.database).records_about([patient_of(portal)], 100))
    hand_in(page, "night 8", ("a.json", json.dumps(result(value=6.6)).encode()))
    page.get_by_role("button", name="Post 1 result").click()
    page.wait_for_load_state()
    batches.follow_batches(portal.gateway)
    assert len(BatchIndex(portal.gateway.database).records_about([patient_of(portal)], 100)) == before + 1


def test_nobody_else_sees_or_posts_a_laboratorys_batch(browsing: Browsing) -> None:
    page = browsing.signed_in("technician", scripts=False)
    hand_in(page, "night 9", ("a.json", json.dumps(result(value=8.8)).encode()))
    path = page.url.replace(browsing.portal.url, "")
    for handle in ("doctor", "patient"):
        other = browsing.signed_in(handle)
        assert status(other, path) == 403
        assert forced(other, f"{path}/post") == 403
    rival = browsing.signed_in(browsing.portal.person("Rival", Role.LABORATORY, organization="laboratory"))
    assert status(rival, path) == 404
    stranger = browsing.window()
    answer = stranger.request.post(
        f"{HOME}/results",
        multipart={"name": "x", "file": {"name": "a.json", "mimeType": "application/json", "buffer": b"{}"}},
        max_redirects=0,
    )
    assert answer.status == 401


def choose(page: Page, *files: tuple[str, bytes]) -> None:
    payloads: list[FilePayload] = [
        {"name": name, "mimeType": "application/json", "buffer": content} for name, content in files
    ]
    page.locator("#field-file").set_input_files(payloads)


def name_batch(page: Page, name: str) -> None:
    page.get_by_label("Name of the batch").fill(name)


def hand_in(page: Page, name: str, *files: tuple[str, bytes], wait: bool = True) -> None:
    page.goto(HOME)
    name_batch(page, name)
    choose(page, *files)
    page.get_by_role("button", name="Hand in").click()
    page.wait_for_load_state()
    if wait:
        page.wait_for_url("**/batches/*")


def items(portal: Portal, page: Page) -> int:
    """How many results the batch of this page holds."""
    job = bytes.fromhex(page.url.rpartition("/")[2])
    return batches.progress(portal.gateway, portal.people["technician"].address, job).items


def patient_of(portal: Portal) -> Address:
    return portal.people["patient"].address
