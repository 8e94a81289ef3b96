"""Without a mouse, without scripts, without English."""

import re

import pytest
from playwright.sync_api import Page, expect

from ledger.codes import Role
from tests.portal.browsing import PHONE, Browsing, assert_accessible
from tests.portal.served import Portal, Somebody


@pytest.fixture(scope="module")
def reader(portal: Portal) -> Somebody:
    return portal.person("Dr Clara Wiese", Role.PRACTITIONER)


def test_granting_and_withdrawing_work_without_scripts(browsing: Browsing, portal: Portal, reader: Somebody) -> None:
    patient = portal.patient("Greta Holm")
    page = browsing.signed_in(patient, scripts=False, size=PHONE)
    page.get_by_role("link", name="Let somebody read").click()
    page.get_by_label("Find somebody by name").fill("Clara Wiese")
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_label(re.compile("Clara Wiese")).check()
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Laboratory results").check()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Sign: let them read").click()
    expect(page.get_by_role("status").first).to_contain_text("Dr Clara Wiese may read your laboratory results")
    page.get_by_role("button", name="Withdraw from Dr Clara Wiese").click()
    expect(page.get_by_text("Withdrawn. From now on Dr Clara Wiese")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone: Dr Clara Wiese may read again")).to_be_visible()
    browsing.shot(page, "patient-without-scripts")
    states = [one.withdrawn for one in portal.gateway.index.consents_of(patient.address, 5)]
    assert states == [False, True]


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.innerText || document.activeElement.name || ''"))


def tab_to(page: Page, wanted: str, most: int = 60) -> None:
    """Press Tab until what is wanted has the focus, and can be seen to have it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted in focused(page):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"the focus on {wanted} cannot be seen"
            return
    raise AssertionError(f"{wanted} cannot be reached by keyboard")


def test_granting_works_by_keyboard_alone(browsing: Browsing, portal: Portal, reader: Somebody) -> None:
    patient = portal.patient("Karl Ebner")
    page = browsing.signed_in(patient)
    page.keyboard.press("Tab")
    assert "Skip to the content" in focused(page)
    page.keyboard.press("Enter")
    tab_to(page, "Let somebody read")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sharing/new")
    tab_to(page, "words")
    page.keyboard.type("Clara Wiese")
    tab_to(page, "Find")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sharing/new?again=*")
    tab_to(page, "whom")
    page.keyboard.press("Space")
    tab_to(page, "Go on")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sharing/new/2?*")
    tab_to(page, "kinds")
    page.keyboard.press("Space")
    tab_to(page, "Go on")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sharing/new/3?*")
    tab_to(page, "Go on")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sharing/new/4?*")
    tab_to(page, "Sign: let them read")
    browsing.shot(page, "keyboard-focus")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Dr Clara Wiese may read your medication")
    assert len(portal.gateway.index.consents_of(patient.address, 5)) == 1


def test_everything_is_there_in_spanish(browsing: Browsing, portal: Portal) -> None:
    patient = portal.patient("Lucía Prado")
    page = browsing.signed_in(patient)
    page.get_by_role("button", name="Español").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hola, Lucía Prado")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    page.get_by_role("link", name="Quién puede verlos").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("¿Quién puede ver mis documentos?")
    assert_accessible(page)
    browsing.shot(page, "patient-spanish")


def test_the_browser_s_language_is_taken_first(browsing: Browsing) -> None:
    page = browsing.window(language="es-PE")
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Iniciar sesión")
    browsing.shot(page, "sign-in-spanish")
