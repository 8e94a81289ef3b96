"""A delegate acts for a patient, in Chromium: grants, withdraws, keeps out, shows prescriptions, answers; said at every
step, marked for ever, and refused in words where the delegation does not reach."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gateway.consents.delegating import Leave, end_delegation, name_delegate
from gateway.consents.fill_keys import slip_name
from gateway.prescriptions.qr import decode
from gateway.sending import Errand
from ledger.codes import ORDINARY, SENSITIVE, Category, Power, RecordState, Role
from ledger.types import raw
from tests.portal.browsing import DESK, PHONE, Browsing, assert_accessible, assert_valid_html, page_source
from tests.portal.served import WAIT, Portal, Somebody
from tests.portal.test_sessions import fields_of, signed_in_client
from tests.portal.test_without import tab_to
from tests.portal.working import prescribe

LABORATORY = Category.LABORATORY
SOME = LABORATORY | Category.MEDICATION
DAYS = 86_400


@pytest.fixture(scope="module")
def clinic(portal: Portal) -> Somebody:
    return portal.person("Dr Hanne Kruse", Role.PRACTITIONER)


def named(
    portal: Portal,
    her: str,
    his: str,
    powers: Power,
    days: int = 200,
    kinds: Category = SOME,
) -> tuple[Somebody, Somebody]:
    """A patient, and whom she lets act for her."""
    patient, delegate = portal.patient(her), portal.patient(his)
    for one in (patient, delegate):
        portal.gateway.directory.put(one.address, one.name)
    until = int(portal.gateway.clock()) + days * DAYS
    leave = Leave(powers, kinds, until)
    name_delegate(portal.gateway, patient.identity, delegate.address, leave, Errand.new(WAIT))
    return patient, delegate


def looked_at(page: Page, browsing: Browsing, name: str) -> None:
    """The page is accessible at both sizes and in both schemes; a picture of each."""
    for size in (DESK, PHONE):
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        for dark in (False, True):
            page.emulate_media(color_scheme="dark" if dark else "light")
            assert_accessible(page)
    browsing.shot(page, name)
    page.emulate_media(color_scheme="light")


def test_a_daughter_grants_and_withdraws_for_her_mother(
    browsing: Browsing, portal: Portal, clinic: Somebody, tmp_path: Path
) -> None:
    ada, tilda = named(portal, "Ada Birk", "Tilda Birk", Power.GRANT | Power.WITHDRAW)
    page = browsing.signed_in(tilda, size=PHONE)
    page.goto("/portal/patient/for")
    looked_at(page, browsing, "for-whom")
    page.get_by_role("link", name="Who can see them Ada Birk").click()
    assert_valid_html(page_source(page, page.url.replace(portal.url, "")), tmp_path)
    page.get_by_role("link", name="Let somebody read, for Ada Birk").click()
    page.get_by_label("Find somebody by name").fill("Hanne Kruse")
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.get_by_label(re.compile("Hanne Kruse"))).to_be_visible()
    looked_at(page, browsing, "for-who")
    page.get_by_label(re.compile("Hanne Kruse")).check()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator('input[name="kinds"]')).to_have_count(2)
    looked_at(page, browsing, "for-what")
    page.get_by_label("Laboratory results").check()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_label("For ever")).to_have_count(0)
    expect(page.get_by_label("One year")).to_have_count(0)
    looked_at(page, browsing, "for-how-long")
    page.get_by_label("As long as you may act for Ada Birk").check()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".summary")).to_have_text(
        re.compile("^For Ada Birk: until .*, Dr Hanne Kruse may read laboratory results, to treat.$")
    )
    looked_at(page, browsing, "for-summary")
    page.get_by_role("button", name="Sign for Ada Birk").click()
    expect(page.get_by_role("status").first).to_contain_text("For Ada Birk: until")
    expect(page.locator(".consent .tag")).to_have_text("given by you for Ada Birk")
    looked_at(page, browsing, "for-sharing")
    given = portal.gateway.index.consents_of(ada.address, 5)
    assert [(one.grantee, one.terms.categories, one.withdrawn) for one in given] == [
        (clinic.address, LABORATORY, False)
    ]
    hers = browsing.signed_in(ada, size=PHONE)
    hers.goto("/portal/patient/sharing")
    expect(hers.locator(".consent .tag")).to_have_text("given by Tilda Birk for you")
    assert_accessible(hers)
    browsing.shot(hers, "done-for-her")
    page.get_by_role("button", name="Withdraw from Dr Hanne Kruse, For Ada Birk").click()
    expect(page.get_by_role("status").first).to_contain_text("Withdrawn for Ada Birk. From now on Dr Hanne Kruse")
    expect(page.get_by_text("Nobody, by a consent that you may see.")).to_be_visible()
    assert portal.gateway.index.consents_of(ada.address, 5)[0].withdrawn
    hers.goto("/portal/patient/sharing/ended")
    expect(hers.locator(".tag")).to_have_text("withdrawn by Tilda Birk for you")
    end_delegation(portal.gateway, ada.identity, tilda.address, Errand.new(WAIT))
    hers.goto("/portal/patient/more/delegates")
    deeds = hers.get_by_role("region", name="What was done for you").get_by_role("listitem")
    expect(deeds).to_have_text(
        [
            "Tilda Birk withdrew a consent to Dr Hanne Kruse for you.",
            "Tilda Birk granted Dr Hanne Kruse a consent for you.",
        ]
    )
    browsing.assert_stays_here()


def test_granting_for_somebody_works_by_keyboard_and_without_scripts(
    browsing: Browsing, portal: Portal, clinic: Somebody
) -> None:
    ada, karl = named(portal, "Ada Lorenz", "Karl Lorenz", Power.GRANT)
    portal.grant(ada, clinic.address, LABORATORY)
    page = browsing.signed_in(karl, scripts=False)
    page.goto(f"/portal/patient/for/{ada.address}/sharing")
    expect(page.get_by_role("button", name="Withdraw")).to_have_count(0)
    expect(page.get_by_text("You may withdraw what you see here")).to_have_count(0)
    tab_to(page, "Let somebody read, for Ada Lorenz")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sharing/new")
    for wanted in ("whom", "Go on", "kinds", "Go on", "Go on"):
        tab_to(page, wanted)
        before = page.url
        page.keyboard.press("Enter" if wanted == "Go on" else "Space")
        if wanted == "Go on":
            page.wait_for_function("before => location.href !== before", arg=before)
    tab_to(page, "Sign for Ada Lorenz")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("For Ada Lorenz: until")
    assert len(portal.gateway.index.consents_of(ada.address, 5)) == 2


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"kinds": "imaging"}, "This goes beyond the kinds of records that were delegated to you."),
        ({"length": "year"}, "This would last longer than you may act for them."),
        ({"length": "forever"}, "This would last longer than you may act for them."),
        ({"whom": "himself"}, "Who acts for somebody gives nothing to himself"),
        ({"kinds": "nothing"}, "Choose at least one kind of record."),
    ],
)
def test_what_the_delegation_does_not_cover_is_refused_in_words(
    portal: Portal, clinic: Somebody, typed: dict[str, str], said: str
) -> None:
    ada, otto = named(portal, "Ada Falk", "Otto Falk", Power.GRANT, days=120)
    path = f"/portal/patient/for/{ada.address}/sharing/new/4"
    wish = {"whom": clinic.address, "kinds": "laboratory", "length": "week", "why": "TREAT", **typed}
    if wish["whom"] == "himself":
        wish["whom"] = otto.address
    with signed_in_client(portal, otto) as client:
        client.follow_redirects = True
        answer = client.post(path, data={**fields_of(client, "/portal/patient/more"), **wish, "_page": path[:-2]})
    assert said in answer.text.replace("&#39;", "’")
    assert portal.gateway.index.consents_of(ada.address, 5) == []


def test_who_may_only_withdraw_grants_nothing_and_withdraws_nothing_beyond(
    browsing: Browsing, portal: Portal, clinic: Somebody
) -> None:
    ada, rita = named(portal, "Ada Voss", "Rita Voss", Power.WITHDRAW)
    portal.grant(ada, clinic.address, LABORATORY | Category.IMAGING)
    home = f"/portal/patient/for/{ada.address}/sharing"
    consent = portal.gateway.index.consents_of(ada.address, 1)[0]
    page = browsing.signed_in(rita)
    page.goto(home)
    expect(page.get_by_text("Nobody, by a consent that you may see.")).to_be_visible()
    expect(page.get_by_text("Ada Voss has not delegated that.")).to_be_visible()
    assert page.request.get(f"{home}/new").status == 403
    page.goto(f"{home}/new")
    expect(page.get_by_text("they have not delegated it to you, or not any more")).to_be_visible()
    with signed_in_client(portal, rita) as client:
        client.follow_redirects = True
        form = {**fields_of(client, home), "consent": consent.consent_id.hex()}
        answer = client.post(f"{home}/withdraw", data=form)
        assert "This goes beyond the kinds of records" in answer.text
        end_delegation(portal.gateway, ada.identity, rita.address, Errand.new(WAIT))
        late = client.post(f"{home}/withdraw", data={**form, "_key": "k" * 32})
        assert "they have not delegated it to you, or not any more" in late.text
    assert not portal.gateway.index.consents_of(ada.address, 1)[0].withdrawn


def test_a_consent_of_somebody_else_is_not_withdrawn_for_her(portal: Portal, clinic: Somebody) -> None:
    ada, emil = named(portal, "Ada Roth", "Emil Roth", Power.WITHDRAW)
    other = portal.patient("Somebody Else")
    portal.grant(other, clinic.address, LABORATORY)
    consent = portal.gateway.index.consents_of(other.address, 1)[0]
    home = f"/portal/patient/for/{ada.address}/sharing"
    with signed_in_client(portal, emil) as client:
        client.follow_redirects = True
        answer = client.post(f"{home}/withdraw", data={**fields_of(client, home), "consent": consent.consent_id.hex()})
    assert "There is no such thing here" in answer.text
    assert not portal.gateway.index.consents_of(other.address, 1)[0].withdrawn


def test_a_daughter_shows_her_mothers_prescription_at_the_pharmacy(
    browsing: Browsing, portal: Portal, tmp_path: Path
) -> None:
    ida, tilda = named(portal, "Ida Holm", "Tilda Holm", Power.PRESENT)
    prescription = prescribe(portal, ida, fills=2)
    page = browsing.signed_in(tilda, size=PHONE)
    page.goto("/portal/patient/for")
    expect(page.get_by_role("link", name="Records you may read")).to_have_count(0)
    page.get_by_role("link", name="Prescriptions Ida Holm").click()
    expect(page.locator(".tag")).to_have_text("Ready at any pharmacy")
    expect(page.get_by_text("2 portions left")).to_be_visible()
    looked_at(page, browsing, "for-prescriptions")
    assert_valid_html(page_source(page, page.url.replace(portal.url, "")), tmp_path)
    page.get_by_role("link", name="Show at the pharmacy").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Show this at the pharmacy for Ida Holm")
    page.get_by_text("The code as text").click()
    assert decode(page.locator("#code").inner_text()).id == prescription
    looked_at(page, browsing, "for-present")
    page.get_by_role("link", name="Prescriptions of Ida Holm").click()
    hers = browsing.signed_in(ida)
    hers.goto("/portal/patient/more/delegates")
    deeds = hers.get_by_role("region", name="What was done for you").get_by_role("listitem")
    expect(deeds).to_have_text(["Tilda Holm showed a prescription for you."])
    end_delegation(portal.gateway, ida.identity, tilda.address, Errand.new(WAIT))
    for path in ("", f"/{prescription.hex()}/show"):
        assert page.request.get(f"/portal/patient/for/{ida.address}/prescriptions{path}").status == 403
    browsing.assert_stays_here()


def test_a_prescription_whose_fill_keys_are_not_sealed_for_him_says_so(browsing: Browsing, portal: Portal) -> None:
    ida, nils = named(portal, "Ida Munk", "Nils Munk", Power.PRESENT)
    prescription = portal.gateway.index.prescription(prescribe(portal, ida))
    assert prescription is not None
    portal.gateway.sessions.close_all(ida.address)
    portal.gateway.store.delete_slip(slip_name(prescription.terms_hash), raw(nils.address))
    page = browsing.signed_in(nils)
    page.goto(f"/portal/patient/for/{ida.address}/prescriptions")
    expect(page.locator(".tag")).to_have_text("Not sealed for you")
    expect(page.get_by_text("You can show it while Ida Munk is signed in here.")).to_be_visible()
    expect(page.get_by_role("link", name="Show at the pharmacy")).to_have_count(0)
    portal.gateway.sessions.open(ida.address, ida.identity)
    page.reload()
    page.get_by_role("link", name="Show at the pharmacy").click()
    expect(page.locator(".qr svg")).to_be_visible()


def test_a_son_keeps_somebody_out_for_his_mother(browsing: Browsing, portal: Portal, clinic: Somebody) -> None:
    ida, rolf = named(portal, "Ida Krogh", "Rolf Krogh", Power.WITHDRAW, kinds=ORDINARY | SENSITIVE)
    portal.grant(ida, clinic.address, LABORATORY)
    home = f"/portal/patient/for/{ida.address}/sharing"
    page = browsing.signed_in(rolf, size=PHONE)
    page.goto(home)
    page.get_by_role("link", name="Keep somebody out, for Ida Krogh").click()
    page.get_by_label("Find somebody by name").fill("Hanne Kruse")
    page.get_by_role("button", name="Find", exact=True).click()
    looked_at(page, browsing, "for-deny")
    page.get_by_label(re.compile("Hanne Kruse")).check()
    page.get_by_role("button", name="Keep them out").click()
    expect(page.get_by_role("status").first).to_contain_text("Dr Hanne Kruse is kept out of all records of Ida")
    assert portal.gateway.index.denials_of(ida.address, 5) == [clinic.address]
    hers = browsing.signed_in(ida)
    hers.goto("/portal/patient/sharing")
    hers.get_by_role("button", name="Keep out no more Dr Hanne Kruse").click()
    expect(hers.get_by_role("status").first).to_contain_text("no longer kept out")


def test_who_may_not_withdraw_everything_keeps_nobody_out(portal: Portal, clinic: Somebody) -> None:
    ida, otto = named(portal, "Ida Riis", "Otto Riis", Power.WITHDRAW)
    home = f"/portal/patient/for/{ida.address}/sharing"
    with signed_in_client(portal, otto) as client:
        client.follow_redirects = True
        assert "Keep somebody out" not in client.get(home).text
        answer = client.post(f"{home}/deny", data={**fields_of(client, f"{home}/deny"), "whom": clinic.address})
    assert "This goes beyond the kinds of records" in answer.text
    assert portal.gateway.index.denials_of(ida.address, 5) == []


def test_what_was_proposed_is_accepted_and_turned_down_for_her(
    browsing: Browsing, portal: Portal, clinic: Somebody, tmp_path: Path
) -> None:
    ida, jens = named(portal, "Ida Lykke", "Jens Lykke", Power.ACCEPT)
    wanted, unwanted = (
        portal.deposit(clinic, ida.address, text, LABORATORY, media_type="text/plain") for text in (b"4.1", b"4.2")
    )
    beyond = portal.deposit(clinic, ida.address, b"A picture.", Category.IMAGING, media_type="text/plain")
    page = browsing.signed_in(jens)
    page.goto("/portal/patient/for")
    page.get_by_role("link", name="Waiting for an answer Ida Lykke").click()
    expect(page.get_by_text("Dr Hanne Kruse proposes: laboratory results")).to_have_count(2)
    looked_at(page, browsing, "for-proposals")
    path = page.url.replace(portal.url, "")
    assert_valid_html(page_source(page, path), tmp_path)
    page.get_by_role("button", name="Turn down").first.click()  # the newest stands first
    expect(page.get_by_role("status").first).to_contain_text("Turned down for Ida Lykke: it does not count.")
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("status").first).to_contain_text("Accepted for Ida Lykke: it counts as theirs now.")
    expect(page.get_by_text("Nothing waits for an answer that you may give.")).to_be_visible()
    states = [record.state for one in (wanted, unwanted, beyond) if (record := portal.gateway.index.record(one))]
    assert states == [RecordState.ANCHORED, RecordState.TURNED_DOWN, RecordState.PROPOSED]
    with signed_in_client(portal, jens) as client:
        client.follow_redirects = True
        form = {**fields_of(client, "/portal/patient/more"), "digest": beyond.hex(), "answer": "accept", "_page": path}
        assert "This goes beyond the kinds of records" in client.post(path, data=form).text
