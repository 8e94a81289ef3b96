"""A served portal for all these tests, and a real Chromium to look at it with."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, expect, sync_playwright

from gateway.consents.delegating import Leave, end_delegation, name_delegate
from gateway.demo_life import furnish
from gateway.sending import Errand
from ledger.codes import ORDINARY, SENSITIVE, Power
from tests.conftest import REPOSITORY
from tests.portal.browsing import Browsing
from tests.portal.cast import household
from tests.portal.served import WAIT, Portal, serving

SCREENSHOTS = REPOSITORY / "build" / "portal"

PATIENCE = 20_000
"""Milliseconds that a page has to show what is expected of it: the machine may be busy."""


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The whole gateway with its demo people."""
    with serving(tmp_path_factory.mktemp("portal")) as running:
        yield running


@pytest.fixture(scope="module")
def furnished(portal: Portal) -> Iterator[Portal]:
    """There is something to see, and the caregiver may do all that a delegate may, for somebody of whom no other test
    knows."""
    furnish(portal.gateway)
    patient, caregiver = household(portal, "Una Oakfield", "Dr Ines Oakfield").patient, portal.demo("caregiver")
    powers = Power.READ | Power.GRANT | Power.WITHDRAW | Power.PRESENT | Power.ACCEPT
    leave = Leave(powers, ORDINARY | SENSITIVE, int(portal.gateway.clock()) + 9_999)
    name_delegate(portal.gateway, patient.identity, caregiver.address, leave, Errand.new(WAIT))
    yield portal
    end_delegation(portal.gateway, patient.identity, caregiver.address, Errand.new(WAIT))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """An installed Chromium, else the one that Playwright has downloaded; without either the tests say so."""
    expect.set_options(timeout=PATIENCE)
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except Error as failure:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"no Chromium is installed (apt-get install chromium): {failure.message[:80]}")
        yield browser
        browser.close()


@pytest.fixture
def browsing(portal: Portal, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Browsing]:
    """A way to open windows onto the portal; all are closed in the end."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with Browsing(portal, chromium, Path(SCREENSHOTS)) as ready:
        yield ready
