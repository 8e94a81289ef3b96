"""A gateway that is stopped and started in the middle of somebody's work: nothing that was typed or told is lost, and
none of it lies in the database for a thief to read."""

from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.database import create_tables, open_database
from gateway.errors import KeystoreError
from gateway.waiting import Waiting
from tests.portal.browsing import PHONE, Browsing
from tests.portal.conftest import SCREENSHOTS
from tests.portal.served import Portal, serving
from tests.portal.test_laboratory import hand_in
from tests.portal.working import lines, result

CANARY = "number-4711-of-a-patient"
OWNER = b"o" * 32


@pytest.mark.timeout(300)
def test_nothing_is_lost_when_the_gateway_is_restarted(tmp_path: Path, chromium: Browser) -> None:
    with ExitStack() as stack:
        with serving(tmp_path) as portal:
            browsing = stack.enter_context(Browsing(portal, chromium, SCREENSHOTS))
            page = browsing.signed_in("patient", size=PHONE, scripts=False)
            begin(page)
            work = browsing.signed_in("technician", scripts=False)
            broken = lines(result("patient"), "{broken", result("nobody"))
            hand_in(work, CANARY, (f"{CANARY}.ndjson", broken))
            told = work.locator("ul.rows.lines").inner_text()
        assert f"{CANARY}.ndjson, line 2: not JSON" in told
        assert holding(tmp_path, CANARY, "genetics", "patient’s number leads to nobody") == []
        with serving(tmp_path, port=urlsplit(portal.url).port or 0) as portal:
            page.reload()
            expect(page.get_by_label("Three months")).to_be_checked()
            page.get_by_label("One week").check()
            page.get_by_role("button", name="Go on").click()
            expect(page.locator(".summary")).to_contain_text("Dr Kofi Osei may read your genetic test results")
            page.get_by_role("button", name="Sign: let them read").click()
            expect(page.locator(".notice.problem")).to_contain_text("The gateway was started anew")
            browsing.shot(page, "restarted")
            come_back(page, portal, "patient")
            expect(page.get_by_text("You are signed in again. Nothing was sent yet")).to_be_visible()
            expect(page.locator(".summary")).to_contain_text("Dr Kofi Osei may read your genetic test results")
            assert portal.gateway.index.consents_of(portal.people["patient"].address, 5) == []
            page.get_by_role("button", name="Sign: let them read").click()
            expect(page.get_by_role("status").first).to_contain_text("may read your genetic test results")
            assert len(portal.gateway.index.consents_of(portal.people["patient"].address, 5)) == 1
            work.reload()
            assert work.locator("ul.rows.lines").inner_text() == told
            work.get_by_role("button", name="I have seen these").click()
            expect(work.locator("ul.rows.lines")).to_have_count(0)


def begin(page: Page) -> None:
    """Choose whom to let read genetic test results; the third step stands open."""
    page.goto("/portal/patient/sharing/new")
    page.get_by_label("Find somebody by name").fill("Kofi Osei")
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_label("Dr Kofi Osei").check()
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Genetic test results").check()
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/sharing/new/3?*")


def come_back(page: Page, portal: Portal, handle: str) -> None:
    """Sign in with the passphrase, where the page asks for it."""
    page.locator("#field-address").fill(portal.people[handle].address)
    page.locator("#field-passphrase").fill(portal.people[handle].passphrase)
    page.locator("section.narrow button[type=submit]").click()


def holding(folder: Path, *canaries: str) -> list[tuple[str, str]]:
    """Databases that have one of these words in them as it is."""
    files = [path for path in folder.rglob("*") if path.suffix in (".db", ".db-wal") or "-wal" in path.name]
    assert files, "there is a database to look into"
    return [(path.name, word) for path in files for word in canaries if word.encode() in path.read_bytes()]


class Time:
    """A clock that is put forward."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def waiting(tmp_path: Path, clock: Time) -> Waiting:
    return opened(tmp_path, clock)


def opened(folder: Path, clock: Time, key: bytes = bytes(32)) -> Waiting:
    engine = open_database(f"sqlite:///{folder / 'waiting.db'}")
    create_tables(engine)
    return Waiting(engine, key, clock)


def test_what_waits_outlives_its_process_and_ends_at_its_end(waiting: Waiting, tmp_path: Path, clock: Time) -> None:
    waiting.put("form", OWNER, "a", b"typed", seconds=60)
    again = opened(tmp_path, clock)
    clock.now += 59
    assert again.get("form", OWNER, "a") == b"typed"
    assert again.sweep() == 0
    clock.now += 1
    assert again.get("form", OWNER, "a") is None
    assert again.sweep() == 1
    clock.now -= 60
    assert waiting.get("form", OWNER, "a") is None, "it is gone, not hidden"


def test_what_waits_is_its_owner_s_kind_s_and_name_s_alone(waiting: Waiting) -> None:
    waiting.put("form", OWNER, "a", b"typed", seconds=60)
    assert waiting.get("form", b"p" * 32, "a") is None
    assert waiting.get("hand-in", OWNER, "a") is None
    assert waiting.get("form", OWNER, "b") is None
    waiting.put("form", OWNER, "a", b"typed anew", seconds=60)
    assert waiting.get("form", OWNER, "a") == b"typed anew"


def test_of_many_that_wait_the_oldest_go(waiting: Waiting) -> None:
    for number in range(5):
        waiting.put("form", OWNER, str(number), b"typed", seconds=60, most=3)
    assert [waiting.get("form", OWNER, str(number)) is not None for number in range(5)] == [False] * 2 + [True] * 3


def test_what_waits_opens_under_its_key_alone(waiting: Waiting, tmp_path: Path, clock: Time) -> None:
    waiting.put("form", OWNER, "a", CANARY.encode(), seconds=60)
    assert holding(tmp_path, CANARY) == []
    with pytest.raises(KeystoreError):
        opened(tmp_path, clock, key=b"k" * 32).get("form", OWNER, "a")
