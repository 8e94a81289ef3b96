"""A doctor's journeys in Chromium: who lets her in, reading for a purpose, prescribing and writing with checks as she
types, asking for access, two signatures."""

import json
from dataclasses import replace
from pathlib import Path

from fhir.resources.R4B.composition import Composition
from fhir.resources.R4B.medicationrequest import MedicationRequest
from playwright.sync_api import expect

from gateway import flow
from gateway.consents import asking, consenting, cosigning
from gateway.consents.proposals import proposals_to
from gateway.prescriptions import issuing as prescriptions
from gateway.sending import Errand
from ledger.codes import Category, Purpose, QuestionState
from ledger.index_care import CareIndex
from tests.portal.browsing import PHONE, Browsing, assert_accessible, assert_valid_html, page_source
from tests.portal.served import WAIT, Portal, Somebody
from tests.portal.working import forced, result, status

HOME = "/portal/doctor"
EVERYDAY = Category.MEDICATION | Category.LABORATORY | Category.ENCOUNTER


def test_patients_who_let_her_in_are_listed_with_what_they_let_her_do(browsing: Browsing, tmp_path: Path) -> None:
    portal = browsing.portal
    patient = let_in(portal, "Olga <i>Markup</i>")
    page = browsing.signed_in("doctor")
    card = page.locator("li", has_text="Olga <i>Markup</i>")
    expect(card).to_contain_text("You may read medication, laboratory results and notes of visits, to treat, until")
    expect(card).to_contain_text("You may write")
    assert page.locator("main i").count() == 0, "markup in a name is inert"
    assert_accessible(page)
    browsing.shot(page, "doctor-home")
    assert_valid_html(page_source(page, HOME), tmp_path)
    card.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Olga <i>Markup</i>")
    assert "Olga" not in page.url
    assert "Olga" not in page.title()
    consent = portal.gateway.index.consents_of(patient.address, 1)[0]
    consenting.withdraw(portal.gateway, patient.identity, consent.grantee, consent.scope, errand=Errand.new(WAIT))
    assert status(page, page.url) == 404
    page.goto(HOME)
    assert page.locator("li", has_text="Olga").count() == 0


def test_a_record_is_opened_for_a_purpose_that_stands_in_the_log(browsing: Browsing, tmp_path: Path) -> None:
    portal = browsing.portal
    patient = let_in(portal, "Rosa Records")
    digest = portal.deposit(
        portal.demo("doctor"),
        patient.address,
        json.dumps(result(value=18.9, referenceRange=[{"low": {"value": 12}, "high": {"value": 16}}])).encode(),
        Category.LABORATORY,
        title="Blood count",
    )
    page = browsing.signed_in("doctor")
    page.goto(f"{HOME}/patients/{patient.address}")
    expect(page.get_by_label("You open them")).to_have_value("TREAT")
    assert_accessible(page)
    browsing.shot(page, "doctor-patient")
    assert_valid_html(page_source(page, f"{HOME}/patients/{patient.address}"), tmp_path)
    page.locator("ul.rows").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Blood count")
    expect(page.locator("table.results")).to_contain_text("18.9")
    expect(page.locator("table.results")).to_contain_text("high")
    assert_accessible(page)
    browsing.shot(page, "doctor-record")
    attempt = portal.gateway.log.page(patients=[patient.address], limit=1)[0].attempt
    assert (attempt.digest, attempt.purpose, attempt.permitted) == (digest, Purpose.TREAT, True)
    page.go_back()
    page.get_by_label("You open them").select_option("HRESCH")
    page.get_by_role("button", name="Change the purpose").click()
    colleague = browsing.signed_in("doctor-2")
    assert status(colleague, f"{HOME}/records/{digest.hex()}?purpose=HRESCH") == 403
    expect(colleague.locator("main")).to_contain_text("You may not read this")
    attempt = portal.gateway.log.page(patients=[patient.address], limit=1)[0].attempt
    assert (attempt.purpose, attempt.permitted) == (Purpose.HRESCH, False)


def test_withdrawn_in_one_browser_refused_in_the_other(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = portal.patient("Wilma Withdraws")
    colleague = portal.demo("doctor-2")
    scope = portal.grant(patient, colleague.address, Category.LABORATORY)
    digest = portal.deposit(
        patient, patient.address, b"from her own hand", Category.LABORATORY, media_type="text/plain"
    )
    page = browsing.signed_in("doctor-2")
    address = f"{HOME}/records/{digest.hex()}?purpose=TREAT"
    page.goto(address)
    expect(page.get_by_text("from her own hand")).to_be_visible()
    consenting.withdraw(portal.gateway, patient.identity, colleague.address, scope, errand=Errand.new(WAIT))
    expect(page.locator("#news")).to_contain_text("has withdrawn a consent")
    assert status(page, page.url) == 403
    assert page.get_by_text("from her own hand").count() == 0


def test_a_prescription_is_checked_as_she_types_and_issued_once(browsing: Browsing, tmp_path: Path) -> None:
    portal = browsing.portal
    patient = let_in(portal, "Petra Prescribed")
    path = f"{HOME}/patients/{patient.address}/prescription"
    page = browsing.signed_in("doctor")
    page.goto(path)
    assert_accessible(page)
    assert_valid_html(page_source(page, path), tmp_path)
    checked = page.locator(".checked")
    page.get_by_label("Medication and strength").press_sequentially("Ibuprofen 400 mg")
    expect(checked).to_contain_text("Still to do")
    expect(checked).to_contain_text("Write how it is to be taken.")
    browsing.shot(page, "doctor-prescription-checked")
    page.get_by_label("How to take it").fill("One tablet with food, at most three a day")
    page.get_by_label("How many").fill("many")
    expect(checked).to_contain_text("Write how many for each fill")
    page.get_by_label("How many").fill("20")
    page.get_by_label("Of what").fill("tablets")
    page.get_by_label("Fills").fill("3")
    page.get_by_label("Days between").fill("28")
    expect(checked).to_contain_text("This is a valid MedicationRequest of FHIR R4.")
    expect(checked).to_contain_text("3 fills of 20 units each")
    assert_accessible(page)
    browsing.shot(page, "doctor-prescription-ready")
    page.get_by_role("button", name="Sign and prescribe").dblclick()
    expect(page.get_by_text("It is prescribed")).to_be_visible()
    expect(page.locator(".cards li").first).to_contain_text("Ibuprofen 400 mg")
    browsing.shot(page, "doctor-prescriptions")
    found = prescriptions.prescriptions_of(portal.gateway, patient.identity, patient=patient.address)
    assert len(found) == 1
    terms = found[0].slip.opening.terms  # type: ignore[union-attr]
    assert (terms.fills, terms.per_fill, terms.min_interval) == (3, 20, 28 * 86_400)
    opening = found[0].slip.opening  # type: ignore[union-attr]
    sealed = flow.retrieve(
        portal.gateway, patient.identity, opening.digest, purpose=Purpose.PATRQT, correlation="11111111"
    )
    MedicationRequest.model_validate(json.loads(b"".join(sealed.content)))
    browsing.assert_stays_here()


def test_fhir_that_is_pasted_is_checked_element_by_element(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = let_in(portal, "Fiona Fhir")
    page = browsing.signed_in("doctor")
    page.goto(f"{HOME}/patients/{patient.address}/prescription?as=resource")
    area = page.get_by_label("MedicationRequest (FHIR R4)")
    area.fill('{"resourceType": "MedicationRequest", "status": "activ", "intent": "order", "dosis": 1}')
    checked = page.locator(".checked")
    expect(checked).to_contain_text('status: "activ" is none of active')
    expect(checked).to_contain_text("dosis: is no element of MedicationRequest")
    expect(checked).to_contain_text("subject: is missing")
    area.fill("{ not json")
    expect(checked).to_contain_text("Line 1 is not JSON.")
    page.get_by_role("button", name="Sign and prescribe").click()
    expect(page.locator(".notice.problem")).to_contain_text("Line 1 is not JSON.")
    expect(page.get_by_label("MedicationRequest (FHIR R4)")).to_have_value("{ not json")


def test_a_note_without_scripts_keeps_its_input_and_reaches_the_patient_as_words(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = let_in(portal, "Nina Noted")
    page = browsing.signed_in("doctor", scripts=False, size=PHONE)
    page.goto(f"{HOME}/patients/{patient.address}/note")
    page.get_by_label("Note").fill("She sleeps <script>alert(1)</script> better.\n\nNext visit in May.")
    page.get_by_role("button", name="Sign and write").click()
    expect(page.locator(".notice.problem")).to_contain_text("Give it a title")
    expect(page.get_by_label("Note")).to_have_value(
        "She sleeps <script>alert(1)</script> better.\n\nNext visit in May."
    )
    page.get_by_label("Title").fill("Visit of today")
    browsing.shot(page, "doctor-note-phone")
    page.get_by_role("button", name="Sign and write").click()
    expect(page.get_by_text("It is written, sealed for Nina Noted")).to_be_visible()
    record = portal.gateway.index.records_about(patient.address, 1)[0]
    sealed = flow.retrieve(portal.gateway, patient.identity, record.digest, purpose=Purpose.PATRQT, correlation="2" * 8)
    Composition.model_validate(json.loads(b"".join(sealed.content)))
    hers = browsing.signed_in(patient)
    hers.goto(f"/portal/patient/records/{record.digest.hex()}")
    expect(hers.locator("main")).to_contain_text("She sleeps <script>alert(1)</script> better.")
    expect(hers.locator("main")).to_contain_text("Next visit in May.")


def test_a_note_marked_as_sensitive_is_for_those_alone_whose_access_names_it(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = let_in(portal, "Sara Sensitive")
    page = browsing.signed_in("doctor")
    page.goto(f"{HOME}/patients/{patient.address}/note")
    page.get_by_label("Title").fill("Between us")
    page.get_by_label("Note").fill("Something private.")
    page.locator('input[name="sensitive"][value="mental-health"]').check()
    page.get_by_role("button", name="Sign and write").click()
    expect(page.get_by_text("It is sent to Sara Sensitive as a proposal")).to_be_visible()
    found = proposals_to(portal.gateway, patient.address, 5)
    assert [one.categories for one in found] == [Category.ENCOUNTER | Category.MENTAL_HEALTH]


def test_a_session_that_ends_in_the_middle_loses_no_word(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = let_in(portal, "Ina Interrupted")
    doctor = portal.demo("doctor")
    page = browsing.signed_in("doctor")
    page.goto(f"{HOME}/patients/{patient.address}/note")
    page.get_by_label("Title").fill("Half a note")
    page.get_by_label("Note").fill("What took an hour to write.")
    portal.gateway.sessions.close_all(doctor.address)
    page.get_by_role("button", name="Sign and write").click()
    page.locator("#field-address").fill(doctor.address)
    page.locator("#field-passphrase").fill(doctor.passphrase)
    page.locator("section.narrow button[type=submit]").click()
    expect(page.get_by_label("Note")).to_have_value("What took an hour to write.")
    page.get_by_role("button", name="Sign and write").click()
    expect(page.get_by_text("It is written, sealed for Ina Interrupted")).to_be_visible()
    assert len(portal.gateway.index.records_about(patient.address, 10)) == 1


def test_a_file_of_50_mb_is_sealed_as_it_is(browsing: Browsing, tmp_path: Path) -> None:
    portal = browsing.portal
    patient = let_in(portal, "Paula Pdf")
    path = tmp_path / "letter.pdf"
    path.write_bytes(b"%PDF-1.4\n" + b"0" * 50_000_000)
    page = browsing.signed_in("doctor")
    address = f"{HOME}/patients/{patient.address}/file"
    page.goto(address)
    assert_accessible(page)
    page.get_by_label("File").set_input_files(path)
    page.get_by_label("Title").fill("A letter")
    page.get_by_role("button", name="Sign and write").click()
    expect(page.get_by_text("It is written, sealed for Paula Pdf")).to_be_visible(timeout=30_000)
    record = portal.gateway.index.records_about(patient.address, 1)[0]
    sealed = flow.retrieve(portal.gateway, patient.identity, record.digest, purpose=Purpose.PATRQT, correlation="3" * 8)
    assert (sealed.size, sealed.header.media_type) == (path.stat().st_size, "application/pdf")


def test_a_file_that_is_too_large_is_refused_in_a_sentence_with_scripts_and_without(
    browsing: Browsing, tmp_path: Path
) -> None:
    portal = browsing.portal
    patient = let_in(portal, "Laura Large")
    path = tmp_path / "scan.bin"
    path.write_bytes(b"0" * 68_000_000)
    address = f"{HOME}/patients/{patient.address}/file"
    page = browsing.signed_in("doctor")
    page.goto(address)
    page.get_by_label("Title").fill("A scan")
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Sign and write").click()
    expect(page.get_by_text("This file is larger than 64 MB. Choose a smaller one.")).to_be_visible()
    expect(page.get_by_label("Title")).to_have_value("A scan")
    browsing.shot(page, "doctor-file-too-large")
    plain = browsing.signed_in("doctor", scripts=False)
    plain.goto(address)
    plain.get_by_label("File").set_input_files(path)
    plain.get_by_role("button", name="Sign and write").click()
    expect(plain.get_by_text("Send less, or a smaller file.")).to_be_visible(timeout=30_000)
    assert portal.gateway.index.records_about(patient.address, 5) == []


def test_she_asks_a_patient_who_grants_less(browsing: Browsing, tmp_path: Path) -> None:
    portal = browsing.portal
    patient = portal.patient("Anna Asked")
    page = browsing.signed_in("doctor-2")
    page.goto(f"{HOME}/ask")
    assert_accessible(page)
    browsing.shot(page, "doctor-ask")
    assert_valid_html(page_source(page, f"{HOME}/ask"), tmp_path)
    page.get_by_label("The patient’s number").fill("no such number")
    page.get_by_label("laboratory results").check()
    page.get_by_label("medication").check()
    page.get_by_label("Why", exact=True).fill("We plan your operation together.")
    page.get_by_role("button", name="Ask her").click()
    expect(page.locator(".notice.problem")).to_contain_text("This number leads to nobody here.")
    expect(page.get_by_label("Why", exact=True)).to_have_value("We plan your operation together.")
    page.get_by_label("The patient’s number").fill(patient.address)
    page.get_by_role("button", name="Ask her").click()
    expect(page.locator(".cards li").first).to_contain_text("waiting for her answer")
    (asked,) = CareIndex(portal.gateway.ledger_database).open_questions_to(
        patient.address, at=int(portal.gateway.clock()), limit=5
    )
    assert asked.question.terms.categories == Category.LABORATORY | Category.MEDICATION
    reason = asking.reason_of(portal.gateway, patient.identity, asked.question)
    assert reason == "We plan your operation together."

    narrower = replace(asked.question.terms, categories=Category.LABORATORY)
    asking.grant_as_asked(portal.gateway, patient.identity, asked.question, narrower, Errand.new(WAIT))
    expect(page.locator("#news")).to_contain_text("lets you read")
    page.reload()
    expect(page.locator(".cards li").first).to_contain_text("granted")
    browsing.shot(page, "doctor-asked")
    assert_accessible(page)


def test_a_question_is_taken_back(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = portal.patient("Tina Taken")
    page = browsing.signed_in("doctor-2")
    page.goto(f"{HOME}/ask")
    page.get_by_label("The patient’s number").fill(patient.address)
    page.get_by_label("laboratory results").check()
    page.get_by_label("Why", exact=True).fill("By mistake.")
    page.get_by_role("button", name="Ask her").click()
    page.get_by_role("button", name="Take the question back").first.click()
    expect(page.get_by_text("The question is taken back.")).to_be_visible()
    (asked,) = CareIndex(portal.gateway.ledger_database).questions_to(patient.address, 5)
    assert asked.state is QuestionState.TAKEN_BACK


def test_a_session_summary_needs_two_signatures_and_shows_how_many_it_has(browsing: Browsing, tmp_path: Path) -> None:
    portal = browsing.portal
    patient = let_in(portal, "Clara Cosigns")
    page = browsing.signed_in("doctor")
    page.goto(f"{HOME}/patients/{patient.address}/note")
    page.get_by_label("Kind").select_option("session")
    page.get_by_label("Title").fill("Our session")
    page.get_by_label("Note").fill("We agreed on three walks a week.")
    page.get_by_label("She is to sign it too").check()
    page.get_by_role("button", name="Sign and write").click()
    expect(page.get_by_text("Clara Cosigns is asked to sign it too.")).to_be_visible()
    digest = portal.gateway.index.records_about(patient.address, 1)[0].digest
    page.goto(f"{HOME}/signatures")
    expect(page.locator("section", has_text="Waiting for a patient’s")).to_contain_text("Clara Cosigns")
    assert_accessible(page)
    browsing.shot(page, "doctor-signatures")
    assert_valid_html(page_source(page, f"{HOME}/signatures"), tmp_path)
    page.goto(f"{HOME}/records/{digest.hex()}?purpose=TREAT")
    expect(page.get_by_text("One signature of two")).to_be_visible()
    cosigning.cosign(portal.gateway, patient.identity, digest, Errand.new(WAIT))
    page.reload()
    expect(page.get_by_text("Signed too by")).to_be_visible()
    assert cosigning.signatures(portal.gateway, digest).count == 2


def test_she_signs_what_a_patient_wrote_and_asks_her_to(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = let_in(portal, "Dora Diary")
    digest = portal.deposit(
        patient, patient.address, b"What we agreed, in my words.", Category.ENCOUNTER, media_type="text/plain"
    )
    cosigning.await_second(portal.gateway, patient.identity, digest, Errand.new(WAIT))
    page = browsing.signed_in("doctor")
    page.goto(f"{HOME}/signatures")
    page.locator("section", has_text="Waiting for yours").get_by_role("link", name="Open").first.click()
    page.get_by_role("button", name="I agree: sign it").click()
    expect(page.get_by_text("Signed: the record has two signatures now.")).to_be_visible()
    assert cosigning.signatures(portal.gateway, digest).count == 2


def test_nobody_else_writes_or_reads_as_a_doctor(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = let_in(portal, "Gerda Guarded")
    for handle in ("pharmacist", "researcher", "auditor"):
        page = browsing.signed_in(handle)
        assert status(page, HOME) == 403
        assert status(page, f"{HOME}/patients/{patient.address}") == 403
        note = f"{HOME}/patients/{patient.address}/note"
        assert forced(page, note, title="t", text="x", kind="progress") == 403
    outsider = browsing.signed_in("doctor-2")
    assert status(outsider, f"{HOME}/patients/{patient.address}") == 404
    assert portal.gateway.index.records_about(patient.address, 5) == []


def test_the_check_of_a_form_writes_nothing_and_needs_her_session(browsing: Browsing) -> None:
    portal = browsing.portal
    patient = let_in(portal, "Ella Empty")
    page = browsing.signed_in("doctor")
    page.goto(f"{HOME}/patients/{patient.address}/note")
    answer = page.request.post(
        f"{HOME}/patients/{patient.address}/note/check", form={"_csrf": "0" * 64, "title": "x"}, max_redirects=0
    )
    assert answer.status != 200
    assert portal.gateway.index.records_about(patient.address, 5) == []


def let_in(portal: Portal, name: str) -> Somebody:
    """A patient who lets the demo doctor read and write everyday records."""
    patient = portal.patient(name)
    portal.gateway.directory.put(patient.address, name)
    portal.grant(patient, portal.people["doctor"].address, EVERYDAY, write=True)
    return patient
