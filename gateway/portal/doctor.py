"""A doctor's pages: patients who let her in, one patient's records, what she prescribed."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from gateway.api.models import DigestField
from gateway.api.paging import Cursor, cursor_of, number_of, position_of
from gateway.batches.index import Place
from gateway.errors import InvalidInput, NotFound
from gateway.notices.told import Told
from gateway.portal import wording
from gateway.portal.doctor_patients import LetIn, patient_of, patients_of, records_of
from gateway.portal.forms import Done, Form, FormDep
from gateway.portal.language import mark
from gateway.portal.pharmacist_counter import order_of
from gateway.portal.view import View, ViewDep
from gateway.prescriptions import issuing as prescriptions
from gateway.prescriptions.access import Listed
from gateway.prescriptions.standing import OPEN, Word
from gateway.reading import open_verified
from gateway.sending import Errand
from ledger.codes import Category, Purpose, RecordState, Role
from ledger.types import Address, address_of

router = APIRouter(prefix="/doctor")

ROLES = Role.PRACTITIONER | Role.PRESCRIBER
_PAGE = 40
READING_PURPOSES = (
    Purpose.TREAT,
    Purpose.CAREMGT,
    Purpose.HRESCH,
    Purpose.CLINTRCH,
    Purpose.HPAYMT,
    Purpose.HOPERAT,
    Purpose.PUBHLTH,
)
"""What a doctor may state when she opens a record; whether it is enough, the ledger decides."""


def doctor_view(view: ViewDep) -> View:
    """Raises:
    NotPermitted: she is no practitioner.
    """
    view.require(ROLES)
    return view


def doctor_form(form: FormDep) -> Form:
    """Raises:
    NotPermitted: she is no practitioner.
    """
    form.view.require(ROLES)
    return form


DoctorDep = Annotated[View, Depends(doctor_view)]
DoctorForm = Annotated[Form, Depends(doctor_form)]


@router.get("")
def home(view: DoctorDep, find: Annotated[str, Query(max_length=80)] = "", page: int = 1) -> Response:
    """Patients who let her in, by name."""
    everybody = patients_of(view)
    wanted = find.strip().casefold()
    found = [one for one in everybody if wanted in one.name.casefold()]
    first = max(page - 1, 0) * _PAGE
    return view.page(
        "doctor/home.html",
        patients=found[first : first + _PAGE],
        sentences={one.patient: let_in_sentence(view, one) for one in found[first : first + _PAGE]},
        total=len(everybody),
        found=len(found),
        find=find,
        number=max(page, 1),
        more=len(found) > first + _PAGE,
    )


@router.get("/patients/{patient}")
def one_patient(patient: str, view: DoctorDep, purpose: str = Purpose.TREAT.name, cursor: Cursor = None) -> Response:
    """One patient: what she lets the doctor see and write, and her records."""
    who = let_in(view, patient)
    rows, following = records_of(view, who.patient, limit=_PAGE, before=place_of(cursor))
    return view.page(
        "doctor/patient.html",
        who=who,
        sentence=let_in_sentence(view, who),
        rows=rows,
        next="-".join(map(str, following)) if following else None,
        first=cursor is None,
        wording=wording,
        state_words={state: view.say(word) for state, word in RECORD_STATES.items()},
        purposes=purpose_options(view),
        purpose=purpose_of(purpose).name,
        may_prescribe=bool(view.person.roles & Role.PRESCRIBER and who.writes & Category.MEDICATION),
    )


@router.get("/prescriptions")
def prescribed(view: DoctorDep, cursor: Cursor = None) -> Response:
    """What she has prescribed, newest first."""
    view.require(Role.PRESCRIBER)
    found = prescriptions.prescriptions_of(view.gateway, view.identity, limit=_PAGE, before=position_of(cursor))
    names = view.names(*{one.indexed.patient for one in found})
    rows = [
        {
            "id": one.indexed.prescription.hex(),
            "patient": one.indexed.patient,
            "name": names[one.indexed.patient],
            "medication": _medication(view, one),
            "standing": one.standing,
            "terms": one.slip.opening.terms if one.slip else None,
            "can_cancel": bool(
                one.standing and one.standing.word in (*OPEN, Word.NOT_YET, Word.TOO_SOON, Word.RESERVED)
            ),
        }
        for one in found
    ]
    following = cursor_of(found[-1].indexed.position) if len(found) == _PAGE else None
    return view.page(
        "doctor/prescriptions.html", rows=rows, next=following, first=cursor is None, standing_words=_words(view)
    )


@router.post("/prescriptions/{prescription}/cancel")
def cancel(prescription: DigestField, form: DoctorForm) -> Response:
    """Cancel what is not yet dispensed."""

    def do(errand: Errand) -> Done:
        prescriptions.cancel(form.view.gateway, form.view.identity, bytes.fromhex(prescription), errand)
        return Done("/portal/doctor/prescriptions", form.view.say(_CANCELLED))

    return form.once(do)


STANDINGS = {
    Word.UNKNOWN: mark("not on the ledger yet"),
    Word.NOT_YET: mark("not yet"),
    Word.ISSUED: mark("can be filled"),
    Word.TOO_SOON: mark("next fill later"),
    Word.RESERVED: mark("reserved by a pharmacy"),
    Word.PARTLY_DISPENSED: mark("partly handed out"),
    Word.PAUSED: mark("paused"),
    Word.CANCELLING: mark("being cancelled"),
    Word.DISPENSED: mark("handed out"),
    Word.CANCELLED: mark("cancelled"),
    Word.VOIDED: mark("entered in error"),
    Word.EXPIRED: mark("expired"),
}
RECORD_STATES = {
    RecordState.NONE: mark("not on the ledger any more"),
    RecordState.PROPOSED: mark("waiting for her answer"),
    RecordState.ANCHORED: mark("current"),
    RecordState.SUPERSEDED: mark("corrected since"),
    RecordState.RETRACTED: mark("entered in error"),
    RecordState.TURNED_DOWN: mark("turned down"),
    RecordState.TAKEN_BACK: mark("taken back by its author"),
}
_CANCELLED = mark("It is cancelled. If a pharmacy holds it at this moment, it is cancelled as soon as that ends.")


def let_in(view: View, patient: str) -> LetIn:
    """A patient who lets the doctor in.

    Raises:
        NotFound: she does not, or there is nobody of that address.
    """
    found = patient_of(view, address_from(patient))
    if found is None:
        raise NotFound("this patient does not let you in (any more): ask her for access")
    return found


def address_from(text: str) -> Address:
    """An address in a path or a field.

    Raises:
        InvalidInput
    """
    try:
        return address_of(text)
    except ValueError as failure:
        raise InvalidInput(
            "patient", Told(mark("an address begins with 0x and has 40 letters and digits after it"))
        ) from failure


def let_in_sentence(view: View, one: LetIn) -> str:
    """What a patient lets the doctor do, in a sentence."""
    values = {
        "kinds": wording.categories(view.language, one.reads),
        "writes": wording.categories(view.language, one.writes),
        "until": view.language.day(one.until),
        "purposes": wording.purposes(view.language, _mask(one.purposes)),
    }
    if not one.reads and one.records:
        return view.say("You may read single records that she chose, {purposes}, until {until}.", **values)
    if one.is_for_ever:
        said = view.say("You may read {kinds}, {purposes}, for as long as she allows it.", **values)
    else:
        said = view.say("You may read {kinds}, {purposes}, until {until}.", **values)
    return f"{said} {view.say('You may write {writes}.', **values)}" if one.writes else said


def purpose_options(view: View) -> list[tuple[str, str]]:
    """Purposes to choose from, in the reader's words."""
    return [(one.name, view.say(wording.PURPOSES[one])) for one in READING_PURPOSES]


def purpose_of(name: str) -> Purpose:
    """A purpose by its code.

    Raises:
        InvalidInput: it is not one that may be chosen here.
    """
    for one in READING_PURPOSES:
        if one.name == name:
            return one
    raise InvalidInput("purpose", Told(mark("choose one of the purposes")))


def _medication(view: View, one: Listed) -> str:
    """What she prescribed, from the body that her own slip opens; her own writing is no access to log."""
    if one.slip is None:
        return ""
    _, chunks, _ = open_verified(view.gateway.store, one.slip.opening.digest, one.slip.record_key)
    return order_of(b"".join(chunks)).medication


def _words(view: View) -> dict[Word, str]:
    return {word: view.say(said) for word, said in STANDINGS.items()}


def _mask(purposes: tuple[Purpose, ...]) -> int:
    mask = 0
    for one in purposes:
        mask |= one.bit
    return mask


def place_of(cursor: str | None) -> Place | None:
    """Where a page of records begins.

    Raises:
        InvalidInput: the cursor was not given out here.
    """
    if cursor is None:
        return None
    parts = cursor.split("-")
    if len(parts) != 3:
        raise InvalidInput("cursor", "take it from the page before")
    return number_of(parts[0]), number_of(parts[1]), number_of(parts[2])
