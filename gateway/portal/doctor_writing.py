"""What a doctor writes about a patient: a prescription, a note, a file; checked as she types, and when it is sent."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from gateway import flow
from gateway.clocks import beginning
from gateway.consents import cosigning
from gateway.consents.fhir import encode
from gateway.portal import wording
from gateway.portal.doctor import ROLES, DoctorDep, DoctorForm, address_from, let_in
from gateway.portal.doctor_drafts import (
    NOTE_KINDS,
    Checked,
    NoteFields,
    OrderFields,
    check_note,
    check_order,
    check_text,
)
from gateway.portal.doctor_validation import in_words
from gateway.portal.errors import FormRefused
from gateway.portal.file_forms import FileFormDep, taken
from gateway.portal.forms import Done, Form
from gateway.portal.language import mark
from gateway.portal.view import View
from gateway.prescriptions import issuing as prescriptions
from gateway.sending import Errand, await_entry, earlier
from ledger.codes import SENSITIVE, Category, Role
from ledger.types import Address, Subject
from offchain_store.errors import HeaderInvalid
from offchain_store.record import Header

router = APIRouter(prefix="/doctor")

_FHIR = "application/fhir+json"
NOTE_TITLES = {
    "progress": mark("Progress note"),
    "consultation": mark("Consultation"),
    "session": mark("Summary of a session"),
    "plan": mark("Plan of care"),
    "discharge": mark("Discharge summary"),
}
_WRITTEN = mark("It is written, sealed for {name} and for those whom she lets read it.")
_PROPOSED = mark("It is sent to {name} as a proposal: it counts once she accepts it.")
_TO_SIGN = mark("It is written and signed by you. {name} is asked to sign it too.")
_PRESCRIBED = mark("It is prescribed: {name} has it now, and can show it at any pharmacy.")


@router.get("/patients/{patient}/prescription")
def prescription_page(
    patient: str, view: DoctorDep, shape: Annotated[Literal["words", "resource"], Query(alias="as")] = "words"
) -> Response:
    """The form of a prescription: in words, or as FHIR."""
    view.require(Role.PRESCRIBER)
    until = datetime.fromtimestamp(view.now, UTC).date() + timedelta(days=90)
    as_json = shape == "resource"
    return view.page("doctor/prescription.html", who=let_in(view, patient), as_json=as_json, until=until.isoformat())


@router.post("/patients/{patient}/prescription/check")
def check_prescription(patient: str, form: DoctorForm) -> Response:
    """What is wrong with it so far: asked as she types."""
    checked = _order(form, address_from(patient))
    return form.view.page("doctor/checked.html", checked=checked, sentences=_said(form.view, checked))


@router.post("/patients/{patient}/prescription")
def prescribe(patient: str, form: DoctorForm) -> Response:
    """Issue it."""
    view = form.view
    view.require(Role.PRESCRIBER)
    who = let_in(view, patient)
    checked = _order(form, who.patient)

    def do(errand: Errand) -> Done:
        resource, terms = _sound(view, checked).resource, checked.terms
        if resource is None or terms is None:
            raise form.refuse("resource", view.say(mark("Write a MedicationRequest here.")))
        done = Done("/portal/doctor/prescriptions", view.say(_PRESCRIBED, name=who.name))
        if _done_before(view, errand):
            return done
        header = Header(_FHIR, int(Category.MEDICATION), _line(str(_medication(resource))), _now(view))
        order = prescriptions.Order(who.patient, Category.MEDICATION, terms, header)
        prescriptions.issue(view.gateway, view.identity, order, BytesIO(encode(resource)), errand)
        return done

    return form.once(do)


@router.get("/patients/{patient}/note")
def note_page(patient: str, view: DoctorDep) -> Response:
    """The form of a note."""
    return view.page("doctor/note.html", who=let_in(view, patient), kinds=_kinds(view), sensitive=_sensitive(view))


@router.post("/patients/{patient}/note/check")
def check_the_note(patient: str, form: DoctorForm) -> Response:
    """What is wrong with it so far: asked as she types."""
    checked = _note(form, address_from(patient))
    return form.view.page("doctor/checked.html", checked=checked, sentences=_said(form.view, checked))


@router.post("/patients/{patient}/note")
def write_note(patient: str, form: DoctorForm) -> Response:
    """Seal it and put it on the ledger."""
    view = form.view
    who = let_in(view, patient)
    checked = _note(form, who.patient)

    def do(errand: Errand) -> Done:
        resource = _sound(view, checked).resource
        assert resource is not None, "a checked note has one"
        kind = form.one("kind") or "progress"
        categories = Category.parse(NOTE_KINDS[kind][2]) | _marked(form)
        header = Header(_FHIR, int(categories), _line(str(resource["title"])), _now(view))
        cosigned = form.one("cosign") == "yes"
        return _deposit(view, who.patient, who.name, header, encode(resource), errand, cosigned=cosigned)

    return form.once(do)


@router.get("/patients/{patient}/file")
def file_page(patient: str, view: DoctorDep) -> Response:
    """The form that brings a file."""
    kinds = [(one.label, view.say(wording.CATEGORIES[one])) for one in Category if one not in (*SENSITIVE, *_NOT_HERS)]
    return view.page(
        "doctor/file.html",
        who=let_in(view, patient),
        kinds=kinds,
        sensitive=_sensitive(view),
        most=view.gateway.settings.max_form_bytes >> 20,
    )


@router.post("/file")
def write_file(form: FileFormDep) -> Response:
    """Seal a file as it is and put it on the ledger."""
    view = form.view
    view.require(ROLES)
    who = let_in(view, form.one("patient"))
    files = form.files("file")
    title = form.one("title")

    def do(errand: Errand) -> Done:
        if not files:
            raise form.refuse("file", view.say(mark("Choose a file.")))
        if not title or len(title) > 200 or not title.isprintable():
            raise form.refuse("title", view.say(mark("Give it a title of a few words.")))
        file = taken(files[0])
        if not file.content:
            raise form.refuse("file", view.say(mark("This file is empty. Choose another.")))
        categories = _kind(form) | _marked(form)
        try:
            header = Header(file.media_type or "application/octet-stream", int(categories), title, _now(view))
        except HeaderInvalid:
            header = Header("application/octet-stream", int(categories), title, _now(view))
        return _deposit(view, who.patient, who.name, header, file.content, errand)

    return form.once(do)


_NOT_HERS = (Category.JOURNAL, Category.CONSENT_DOCUMENT)
"""Kinds that the patient alone writes."""


def _deposit(
    view: View, patient: Address, name: str, header: Header, content: bytes, errand: Errand, *, cosigned: bool = False
) -> Done:
    """Seal and anchor; where both are to sign, say so on the ledger too."""
    page = f"/portal/doctor/patients/{patient}"
    subject = Subject(patient, Category(header.category))
    sent = earlier(view.gateway, view.address, errand)
    if sent is not None:
        # Sealed by a try that was cut off before it was answered: its digest is the act's first word.
        await_entry(view.gateway, sent, errand.wait)
        digest, proposed = sent.data[4:36], False
    else:
        draft = flow.Draft(patient, subject.categories, header)
        deposited = flow.deposit(view.gateway, view.identity, draft, BytesIO(content), errand)
        digest, proposed = deposited.digest, deposited.proposed
    if cosigned and not proposed:
        cosigning.await_second_with(view.gateway, view.identity, digest, subject, errand)
        return Done(page, view.say(_TO_SIGN, name=name))
    return Done(page, view.say(_PROPOSED if proposed else _WRITTEN, name=name))


def _done_before(view: View, errand: Errand) -> bool:
    """Whether an earlier try, cut off before it was answered, has handed its act to the outbox: it was sealed then."""
    entry = earlier(view.gateway, view.address, errand)
    if entry is None:
        return False
    await_entry(view.gateway, entry, errand.wait)
    return True


def _order(form: Form, patient: Address) -> Checked:
    view = form.view
    if form.one("as") == "resource":
        return check_text(form.one("resource"), grantable=form.one("grantable") == "yes", now=beginning(view.gateway))
    fields = OrderFields(
        medication=form.one("medication"),
        dose=form.one("dose"),
        units=form.one("units"),
        unit=form.one("unit"),
        fills=form.one("fills"),
        days_between=form.one("days_between"),
        until=form.one("until"),
        reason=form.one("reason"),
        grantable=form.one("grantable") == "yes",
    )
    domain = view.gateway.ledger.domain
    return check_order(fields, domain=domain, patient=patient, prescriber=view.address, now=beginning(view.gateway))


def _note(form: Form, patient: Address) -> Checked:
    view = form.view
    fields = NoteFields(form.one("kind") or "progress", form.one("title"), form.one("text"))
    return check_note(
        fields,
        domain=view.gateway.ledger.domain,
        patient=patient,
        author=view.address,
        author_name=view.names(view.address)[view.address],
        now=view.now,
    )


def _sound(view: View, checked: Checked) -> Checked:
    """Raises:
    FormRefused: something is wrong with it.
    """
    if checked.errors:
        raise FormRefused(_said(view, checked))
    return checked


def _said(view: View, checked: Checked) -> dict[str, str]:
    """Errors in the reader's language; names of FHIR's elements are the same in all."""
    if checked.found:
        return dict.fromkeys(checked.errors, in_words(checked.found, view.language))
    return {field: view.say(sentence) for field, sentence in checked.errors.items()}


def _marked(form: Form) -> Category:
    """The sensitive kinds that the writer marks it with.

    Raises:
        FormRefused: something else was marked.
    """
    known = {one.label: one for one in SENSITIVE}
    chosen = Category(0)
    for label in form.all("sensitive"):
        if label not in known:
            raise form.refuse("sensitive", form.view.say(mark("Choose from the kinds of records.")))
        chosen |= known[label]
    return chosen


def _kind(form: Form) -> Category:
    """The kind that a file is.

    Raises:
        FormRefused: none that is brought here.
    """
    for one in Category:
        if one.label == form.one("kind") and one not in (*SENSITIVE, *_NOT_HERS):
            return one
    raise form.refuse("kind", form.view.say(mark("Choose from the kinds of records.")))


def _sensitive(view: View) -> list[tuple[str, str, str]]:
    return [(one.label, view.say(wording.CATEGORIES[one]), "") for one in SENSITIVE]


def _kinds(view: View) -> list[tuple[str, str]]:
    return [(kind, view.say(title)) for kind, title in NOTE_TITLES.items()]


def _medication(resource: dict[str, object]) -> object:
    concept = resource.get("medicationCodeableConcept")
    if not isinstance(concept, dict):
        return ""
    codings = concept.get("coding") or [{}]
    return concept.get("text") or codings[0].get("display") or ""


def _line(text: str) -> str:
    """A title: one printable line."""
    line = " ".join(text.split())[:200]
    return line if line.isprintable() else ""


def _now(view: View) -> datetime:
    return datetime.fromtimestamp(view.now, UTC)
