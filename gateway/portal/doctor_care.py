"""What a doctor asks of a patient, and what both sign: access, second signatures; and records, opened for a purpose."""

from datetime import UTC, date, datetime, timedelta

from fastapi import APIRouter, Response

from gateway.api.models import DigestField
from gateway.clocks import beginning
from gateway.consents import asking, cosigning
from gateway.errors import NotFound
from gateway.portal import wording
from gateway.portal.doctor import DoctorDep, DoctorForm, purpose_of, purpose_options
from gateway.portal.doctor_finding import SYSTEM, find_patient
from gateway.portal.doctor_patients import patients_of
from gateway.portal.doctor_record import content, opened
from gateway.portal.forms import Done, Form
from gateway.portal.language import mark
from gateway.portal.showing import FLAGS
from gateway.portal.view import View
from gateway.sending import Errand
from ledger.codes import SENSITIVE, Category, Purpose, QuestionState, purposes_mask
from ledger.index_care import CareIndex, IndexedQuestion
from ledger.types import Address, ConsentTerms

router = APIRouter(prefix="/doctor")

_ASKED = "/portal/doctor/asked"
_SIGNING = "/portal/doctor/signatures"
_MOST = 50
STATES = {
    QuestionState.NONE: mark("on its way"),
    QuestionState.OPEN: mark("waiting for her answer"),
    QuestionState.GRANTED: mark("granted"),
    QuestionState.DECLINED: mark("declined"),
    QuestionState.TAKEN_BACK: mark("taken back"),
}
_HAS_ASKED = mark("She is asked, and sees your question in plain words. You are told when she answers.")
_SIGNED = mark("Signed: the record has two signatures now.")
_TAKEN_BACK = mark("The question is taken back.")


@router.get("/records/{digest}")
def record_page(digest: DigestField, view: DoctorDep, purpose: str = Purpose.TREAT.name) -> Response:
    """One record; opening it leaves a line in the patient's log."""
    chosen = purpose_of(purpose)
    one = opened(view, bytes.fromhex(digest), chosen)
    signed = one.signatures
    return view.page(
        "doctor/record.html",
        one=one,
        FLAGS=FLAGS,
        kinds=wording.categories(view.language, Category(one.header.category)),
        purpose=chosen.name,
        purpose_words=view.say(wording.PURPOSES[chosen]),
        content=f"/portal/doctor/records/{digest}/content?purpose={chosen.name}",
        awaits_hers=bool(signed and signed.awaited and not signed.cosigner and one.author == view.address),
        may_sign=bool(signed and signed.awaited and not signed.cosigner and one.author == one.patient),
        cosigner=view.names(signed.cosigner)[signed.cosigner] if signed and signed.cosigner else "",
    )


@router.get("/records/{digest}/content")
def record_content(
    digest: DigestField, view: DoctorDep, purpose: str = Purpose.TREAT.name, keep: bool = False
) -> Response:
    """Its bytes; asked for by the page, or to be kept."""
    return content(view, bytes.fromhex(digest), purpose_of(purpose), inline=not keep)


@router.post("/records/{digest}/sign")
def sign(digest: DigestField, form: DoctorForm) -> Response:
    """The second signature under what a patient wrote herself."""
    view = form.view

    def do(errand: Errand) -> Done:
        cosigning.cosign(view.gateway, view.identity, bytes.fromhex(digest), errand)
        return Done(_SIGNING, view.say(_SIGNED))

    return form.once(do)


@router.get("/signatures")
def signatures(view: DoctorDep) -> Response:
    """Records that wait for a second signature: hers, or her patients'."""
    index = CareIndex(view.gateway.ledger_database)
    patients = patients_of(view)
    names = {one.patient: one.name for one in patients}
    mine, theirs = [], []
    for patient in names:
        for digest in index.awaiting_cosignature(patient, _MOST):
            record = view.gateway.index.record(digest)
            if record is None:
                continue
            row = {
                "digest": digest.hex(),
                "name": names[patient],
                "kinds": wording.categories(view.language, record.categories),
            }
            if record.author == patient:
                mine.append(row)
            elif record.author == view.address:
                theirs.append(row)
    return view.page("doctor/signatures.html", mine=mine, theirs=theirs)


@router.get("/asked")
def asked_page(view: DoctorDep) -> Response:
    """Patients whom she has asked for access, and their answers."""
    found = CareIndex(view.gateway.ledger_database).questions_by(view.address, _MOST)
    names = view.names(*{one.question.patient for one in found})
    rows = [_asked_row(view, one, names) for one in found]
    return view.page("doctor/asked.html", rows=rows)


@router.get("/ask")
def ask_page(view: DoctorDep) -> Response:
    """The form that asks a patient."""
    later = datetime.fromtimestamp(view.now, UTC).date() + timedelta(days=90)
    kinds = [(one.label, view.say(wording.CATEGORIES[one]), "") for one in Category if one is not Category.JOURNAL]
    return view.page(
        "doctor/ask.html",
        kinds=kinds,
        sensitive=[one.label for one in SENSITIVE],
        purposes=purpose_options(view),
        until=later.isoformat(),
        system=SYSTEM,
    )


@router.post("/ask")
def ask(form: DoctorForm) -> Response:
    """Ask for access: with a purpose, until a day, and why."""
    view = form.view

    def do(errand: Errand) -> Done:
        patient = find_patient(view, form.one("patient"), form.one("system"))
        terms = _terms(form)
        reason = form.one("reason")
        if not reason or len(reason) > asking.LONGEST_REASON:
            raise form.refuse("reason", view.say(mark("Say why, in at most 2,000 letters: she reads it.")))
        asking.ask(view.gateway, view.identity, patient, terms, reason, errand)
        return Done(_ASKED, view.say(_HAS_ASKED))

    return form.once(do)


@router.post("/asked/{question}/take-back")
def take_back(question: DigestField, form: DoctorForm) -> Response:
    """Take a question back that is not answered yet."""
    view = form.view

    def do(errand: Errand) -> Done:
        known = CareIndex(view.gateway.ledger_database).question(bytes.fromhex(question))
        if known is None or known.question.asker != view.address:
            raise NotFound("you have asked no such question")
        asking.take_back(view.gateway, view.identity, known.question, errand)
        return Done(_ASKED, view.say(_TAKEN_BACK))

    return form.once(do)


def _terms(form: Form) -> ConsentTerms:
    view = form.view
    categories = Category(0)
    for label in form.all("kinds"):
        try:
            categories |= Category.parse(label)
        except ValueError as failure:
            raise form.refuse("kinds", view.say(mark("Choose from the kinds of records."))) from failure
    if not categories:
        raise form.refuse("kinds", view.say(mark("Choose at least one kind of record.")))
    today = datetime.fromtimestamp(view.now, UTC).date()
    try:
        until = date.fromisoformat(form.one("until"))
    except ValueError:
        raise form.refuse("until", view.say(mark("Write until when, as a day."))) from None
    if not today < until <= today + timedelta(days=3_650):
        raise form.refuse("until", view.say(mark("Choose a day after today, within ten years.")))
    end = datetime(until.year, until.month, until.day, tzinfo=UTC) + timedelta(days=1)
    purposes = purposes_mask(purpose_of(form.one("purpose") or Purpose.TREAT.name))
    return ConsentTerms(categories, purposes, beginning(view.gateway), int(end.timestamp()), form.one("write") == "yes")


def _asked_row(view: View, one: IndexedQuestion, names: dict[Address, str]) -> dict[str, object]:
    terms = one.question.terms
    return {
        "id": one.id.hex(),
        "name": names[one.question.patient],
        "patient": one.question.patient,
        "state": one.state.name,
        "word": view.say(STATES[one.state]),
        "kinds": wording.categories(view.language, terms.categories),
        "purposes": wording.purposes(view.language, terms.purposes),
        "until": view.language.day(terms.expiry),
        "writes": terms.may_write,
        "is_open": one.state is QuestionState.OPEN and terms.expiry > view.now,
    }
