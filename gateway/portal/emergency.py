"""Emergency pages: break the glass with a reason, for hours, in public; read what that opens while it is open."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from gateway.api.models import DigestField
from gateway.api.paging import Cursor
from gateway.emergencies import breakglass
from gateway.emergencies.breakglass import Standing
from gateway.errors import NotFound
from gateway.portal import wording
from gateway.portal.doctor import RECORD_STATES, address_from, place_of
from gateway.portal.doctor_finding import SYSTEM, find_patient
from gateway.portal.doctor_patients import records_of
from gateway.portal.doctor_record import content, opened
from gateway.portal.forms import Done, Form, FormDep
from gateway.portal.language import mark
from gateway.portal.showing import FLAGS
from gateway.portal.view import View, ViewDep
from gateway.sending import Errand
from ledger.care import MOST_HOURS
from ledger.codes import Category, EmergencyReason, Purpose, ReviewOutcome, Role
from ledger.types import Address

router = APIRouter(prefix="/emergency")

_HOME = "/portal/emergency"
_MOST = 30
_PAGE = 40
REASONS = {
    EmergencyReason.UNRESPONSIVE: mark("The patient cannot respond"),
    EmergencyReason.CANNOT_DECIDE: mark("The patient cannot decide"),
    EmergencyReason.LIFE_IN_DANGER: mark("A life is in danger"),
    EmergencyReason.DELAY_HARMS: mark("Waiting would do harm"),
}
OUTCOMES = {
    ReviewOutcome.JUSTIFIED: mark("judged as justified"),
    ReviewOutcome.UNJUSTIFIED: mark("judged as not justified"),
    ReviewOutcome.UNCLEAR: mark("judged as unclear"),
}
HOURS = (1, 2, 4, 8, 12, MOST_HOURS)
_OPEN = mark("The glass is broken. The patient and those who act for her have been told, and an auditor will judge it.")


def emergency_view(view: ViewDep) -> View:
    """Raises:
    NotPermitted: she is no emergency staff.
    """
    view.require(Role.EMERGENCY)
    return view


def emergency_form(form: FormDep) -> Form:
    """Raises:
    NotPermitted: she is no emergency staff.
    """
    form.view.require(Role.EMERGENCY)
    return form


EmergencyDep = Annotated[View, Depends(emergency_view)]
EmergencyForm = Annotated[Form, Depends(emergency_form)]


@router.get("")
def home(view: EmergencyDep) -> Response:
    """What is open, the form that opens, and what was opened before."""
    found = breakglass.openings_by(view.gateway, view.address, _MOST)
    names = view.names(*{one.opening.patient for one in found})
    rows = [_row(view, one, names) for one in found]
    return view.page(
        "emergency/home.html",
        open=[row for row in rows if row["is_open"]],
        before=[row for row in rows if not row["is_open"]],
        reasons=[(one.name, view.say(said), "") for one, said in REASONS.items()],
        hours=[(hours, view.language.many("{count} hour", "{count} hours", hours)) for hours in HOURS],
        system=SYSTEM,
    )


@router.post("/break")
def break_glass(form: EmergencyForm) -> Response:
    """Break it."""
    view = form.view

    def do(errand: Errand) -> Done:
        patient = find_patient(view, form.one("patient"), form.one("system"))
        try:
            reason = EmergencyReason[form.one("reason")]
        except KeyError:
            raise form.refuse("reason", view.say(mark("Choose why."))) from None
        hours = form.one("hours")
        if hours not in {str(one) for one in HOURS}:
            raise form.refuse("hours", view.say(mark("Choose for how many hours.")))
        breakglass.break_glass(view.gateway, view.identity, patient, reason, hours=int(hours), errand=errand)
        return Done(f"{_HOME}/patients/{patient}", view.say(_OPEN))

    return form.once(do)


@router.get("/patients/{patient}")
def one_patient(patient: str, view: EmergencyDep, cursor: Cursor = None) -> Response:
    """What the open glass lets her read of one patient."""
    who = address_from(patient)
    standing = _open_over(view, who)
    if standing is None:
        return view.redirect(_HOME)
    rows, following = records_of(view, who, limit=_PAGE, before=place_of(cursor))
    covered = breakglass.coverage(view.gateway, view.address, who)
    return view.page(
        "emergency/patient.html",
        name=view.names(who)[who],
        until=standing.opening.until,
        covered=wording.categories(view.language, covered) if covered else "",
        rows=rows,
        next="-".join(map(str, following)) if following else None,
        first=cursor is None,
        wording=wording,
        state_words={state: view.say(word) for state, word in RECORD_STATES.items()},
    )


@router.get("/records/{digest}")
def record_page(digest: DigestField, view: EmergencyDep) -> Response:
    """One record, opened by the broken glass; the ledger decides, and the patient reads of it."""
    one = opened(view, bytes.fromhex(digest), Purpose.BTG)
    return view.page(
        "doctor/record.html",
        one=one,
        FLAGS=FLAGS,
        kinds=wording.categories(view.language, Category(one.header.category)),
        purpose=Purpose.BTG.name,
        purpose_words=view.say(wording.PURPOSES[Purpose.BTG]),
        content=f"{_HOME}/records/{digest}/content?for=BTG",
        back=f"{_HOME}/patients/{one.patient}",
        awaits_hers=False,
        may_sign=False,
        cosigner="",
    )


@router.get("/records/{digest}/content")
def record_content(digest: DigestField, view: EmergencyDep, keep: bool = False) -> Response:
    """Its bytes; asked for by the page, or to be kept."""
    return content(view, bytes.fromhex(digest), Purpose.BTG, inline=not keep)


def _open_over(view: View, patient: Address) -> Standing | None:
    """Her open glass over a patient; None: there is none (any more)."""
    last = view.gateway.ledger.break_glass(patient, view.address)
    if last is None:
        return None
    try:
        found = breakglass.find(view.gateway, patient, view.address, last.count)
    except NotFound:
        return None
    return found if found.is_open else None


def _row(view: View, one: Standing, names: dict[Address, str]) -> dict[str, object]:
    opening = one.opening
    return {
        "patient": opening.patient,
        "name": names[opening.patient],
        "reason": view.say(REASONS[opening.reason]),
        "opened_at": one.opened_at,
        "until": opening.until,
        "until_iso": iso(opening.until),
        "is_open": one.is_open,
        "repeated": opening.repeated,
        "outcome": view.say(OUTCOMES[opening.outcome]) if opening.outcome else "",
    }


def iso(seconds: int) -> str:
    """A time for programs."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
