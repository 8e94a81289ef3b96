"""When the ledger does not answer: a page that says so, and nothing lost that was typed."""

import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from gateway import services
from gateway.settings import Settings
from ledger.codes import Role
from tests.portal.browsing import Browsing, assert_accessible
from tests.portal.conftest import SCREENSHOTS
from tests.portal.relay import Relay
from tests.portal.served import serving


def test_a_ledger_that_is_down_is_said_and_loses_no_input(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relays: list[Relay] = []
    start = services._devnet

    def behind_a_relay(settings: Settings, stack: ExitStack) -> str:
        relay = Relay(start(settings, stack))
        stack.callback(relay.close)
        relays.append(relay)
        return relay.url

    monkeypatch.setattr(services, "_devnet", behind_a_relay)
    with serving(tmp_path) as portal, Browsing(portal, chromium, SCREENSHOTS) as browsing:
        patient, doctor = portal.patient("Rosa Klee"), portal.person("Dr Ina Zorn", Role.PRACTITIONER)
        page = browsing.signed_in(patient)
        page.goto("/portal/patient/sharing/deny")
        page.get_by_label("Find somebody by name").fill("Ina Zorn")
        page.get_by_role("button", name="Find", exact=True).click()
        page.get_by_label(re.compile("Ina Zorn")).check()
        relays[0].cut()
        page.get_by_role("button", name="Keep them out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Not just now", timeout=30_000)
        expect(page.get_by_text("The ledger does not answer. Nothing is lost")).to_be_visible()
        assert_accessible(page)
        browsing.shot(page, "ledger-down")
        relays[0].mend()
        page.get_by_role("link", name="Try again").click()
        expect(page.get_by_label(re.compile("Ina Zorn"))).to_be_checked()
        page.get_by_role("button", name="Keep them out").click()
        expect(page.get_by_role("status").first).to_contain_text("Dr Ina Zorn is kept out")
        assert portal.gateway.index.denials_of(patient.address, 5) == [doctor.address]
