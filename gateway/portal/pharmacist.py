"""A pharmacist's pages: the counter, where a code is looked at and handed out on in two clicks; today's list."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from gateway.api.models import DigestField
from gateway.consents.fhir import encode
from gateway.errors import InvalidInput
from gateway.portal.explaining import explain
from gateway.portal.forms import Done, Form, FormDep
from gateway.portal.language import mark
from gateway.portal.pharmacist_counter import Look, Order, acts_of, dispense_resource, held, held_by, look_at, order_of
from gateway.portal.view import View, ViewDep
from gateway.prescriptions import dispensing
from gateway.prescriptions.claims import Counter, read, slip_of
from gateway.prescriptions.dispensing import DispenseRecord
from gateway.prescriptions.qr import Presentation, decode
from gateway.sending import Errand, await_entry, earlier
from ledger.codes import Role
from ledger.types import Address, Opening
from offchain_store.record import Header

router = APIRouter(prefix="/pharmacist")

_HOME = "/portal/pharmacist"
_TODAY = "/portal/pharmacist/today"
_FHIR = "application/fhir+json"
CHANGES = {
    "dispensed": mark("handed out"),
    "claimed": mark("reserved"),
    "released": mark("given back"),
    "undone": mark("taken back"),
    "changed": mark("changed"),
}
_HANDED_OUT = mark("Handed out: {units}. The patient and the prescriber are told.")
_TAKEN_BACK = mark("Taken back. It stays in the history, and can be handed out again.")
_RESERVED = mark("Reserved for you until {when}. It lapses by itself; the patient is told.")
_RELEASED = mark("Given back: any pharmacy can fill it again.")


def pharmacist_view(view: ViewDep) -> View:
    """Raises:
    NotPermitted: she is no pharmacist.
    """
    view.require(Role.PHARMACIST)
    return view


def pharmacist_form(form: FormDep) -> Form:
    """Raises:
    NotPermitted: she is no pharmacist.
    """
    form.view.require(Role.PHARMACIST)
    return form


PharmacistDep = Annotated[View, Depends(pharmacist_view)]
PharmacistForm = Annotated[Form, Depends(pharmacist_form)]


@router.get("")
def counter(view: PharmacistDep) -> Response:
    """Type, paste or scan a code; of one that was sent, what it is good for."""
    look: Look | None = None
    unread = problem = ""
    code = view.kept.fields.get("code", ("",))[0] if view.kept else ""
    if code and not (view.kept and "code" in view.kept.errors):
        try:
            look = look_at(view.gateway, view.identity, decode(code), view.request.state.request_id)
        except InvalidInput as failure:
            problem = explain(view, failure)
        if look is not None and look.unread is not None:
            unread = explain(view, look.unread)
    prescriber = look.opening.prescriber if look else view.address
    return view.page(
        "pharmacist/counter.html",
        look=look,
        code=code,
        unread=unread,
        problem=problem,
        prescriber=view.names(prescriber)[prescriber],
    )


@router.post("/check")
def check_code(form: PharmacistForm) -> Response:
    """Keep the code, which is a secret of its bearer, out of every address, and look at it."""
    code = form.one("code")
    try:
        decode(code)
    except InvalidInput as failure:
        return form.again({"code": explain(form.view, failure)}, _HOME)
    return form.again({}, _HOME)


@router.post("/dispense")
def dispense(form: PharmacistForm) -> Response:
    """Claim and hand out in one step."""
    view = form.view
    shown = _shown(form)

    def do(errand: Errand) -> Done:
        units = _units(form)
        look = look_at(view.gateway, view.identity, shown, errand.correlation)
        if not _done_before(view, errand):
            dispensing.dispense(
                view.gateway,
                view.identity,
                Counter(shown),
                units,
                errand,
                owed=form.one("rest") == "owed",
                dispensed=_record(form, shown.opening, look.order, units),
            )
        return Done(_again(form), view.say(_HANDED_OUT, units=_counted(units, look.order)))

    return form.once(do)


@router.post("/reserve")
def reserve(form: PharmacistForm) -> Response:
    """Hold it for at most a day."""
    view = form.view
    shown = _shown(form)

    def do(errand: Errand) -> Done:
        if _done_before(view, errand):
            return Done(_TODAY)
        done = dispensing.reserve(view.gateway, view.identity, Counter(shown), errand)
        return Done(_TODAY, view.say(_RESERVED, when=view.language.moment(done.until)))

    return form.once(do)


@router.post("/undo")
def undo(form: PharmacistForm) -> Response:
    """Take her own last hand-out back, within half an hour."""
    view = form.view
    shown = _shown(form)

    def do(errand: Errand) -> Done:
        if not _done_before(view, errand):
            dispensing.undo(view.gateway, view.identity, Counter(shown), errand)
        return Done(_again(form), view.say(_TAKEN_BACK))

    return form.once(do)


@router.get("/today")
def today(view: PharmacistDep) -> Response:
    """What she has done today, and what she holds."""
    now = datetime.fromtimestamp(view.now, UTC)
    midnight = int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
    acts = acts_of(view.gateway, view.address, midnight)
    held = held_by(view.gateway, view.identity)
    return view.page(
        "pharmacist/today.html",
        acts=acts,
        held=held,
        names=view.names(*{one.prescriber for one in acts}, *{one.prescriber for one in held}),
        words={change: view.say(word) for change, word in CHANGES.items()},
        handed_out=sum(1 for one in acts if one.change == "dispensed"),
    )


@router.get("/held/{prescription}")
def held_page(prescription: DigestField, view: PharmacistDep) -> Response:
    """A prescription that she holds: what it says, and what may be handed out."""
    name = bytes.fromhex(prescription)
    mine = held(view.gateway, view.identity, name)
    order, prescriber = _held_order(view, name, view.request.state.request_id)
    return view.page("pharmacist/held.html", one=mine, order=order, prescriber=view.names(prescriber)[prescriber])


@router.post("/held/{prescription}/dispense")
def dispense_held(prescription: DigestField, form: PharmacistForm) -> Response:
    """Hand out under a reservation."""
    view = form.view
    name = bytes.fromhex(prescription)

    def do(errand: Errand) -> Done:
        units = _units(form)
        if not _done_before(view, errand):
            mine = held(view.gateway, view.identity, name)
            opening = slip_of(view.gateway, view.identity, Counter(prescription=name)).opening
            order, _ = _held_order(view, name, errand.correlation)
            dispensing.dispense_reserved(
                view.gateway,
                view.identity,
                name,
                mine.fence,
                units,
                errand,
                owed=form.one("rest") == "owed",
                dispensed=_record(form, opening, order, units),
            )
        return Done(_TODAY, view.say(_HANDED_OUT, units=units))

    return form.once(do)


@router.post("/held/{prescription}/release")
def release(prescription: DigestField, form: PharmacistForm) -> Response:
    """Give a reservation back."""
    view = form.view
    name = bytes.fromhex(prescription)

    def do(errand: Errand) -> Done:
        if not _done_before(view, errand):
            mine = held(view.gateway, view.identity, name)
            dispensing.release(view.gateway, view.identity, name, mine.fence, errand)
        return Done(_TODAY, view.say(_RELEASED))

    return form.once(do)


def _held_order(view: View, prescription: bytes, correlation: str) -> tuple[Order, Address]:
    """What a prescription that she holds says, and who wrote it; the reading is in the patient's log."""
    found = read(view.gateway, view.identity, Counter(prescription=prescription), correlation)
    return order_of(b"".join(found.content) if found.is_in_memory else b""), found.located.author


def _shown(form: Form) -> Presentation:
    """Raises:
    FormRefused: the code is no code; the reason says what to do.
    """
    try:
        return decode(form.one("code"))
    except InvalidInput as failure:
        raise form.refuse("code", explain(form.view, failure)) from failure


def _again(form: Form) -> str:
    """The counter with the same code: where it stands now, and the way back."""
    view = form.view
    session = view.person.session.token_hash
    name = view.portal.desk.keep(session, _HOME, {"code": (form.one("code"),)}, {})
    return f"{_HOME}?again={name}"


def _units(form: Form) -> int:
    text = form.one("units")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9])):
        raise form.refuse("units", form.view.say(mark("Write how many are handed out, as a whole number.")))
    return int(text[:9])


def _record(form: Form, opening: Opening, order: Order | None, units: int) -> DispenseRecord:
    """The MedicationDispense, sealed and anchored with the hand-out."""
    view = form.view
    try:
        resource = dispense_resource(
            view.gateway,
            view.address,
            opening,
            order,
            units=units,
            lot=form.one("lot")[:80],
            keeps_until=form.one("keeps_until"),
        )
    except InvalidInput as failure:
        raise form.refuse(failure.field, explain(view, failure)) from failure
    title = (order and order.medication) or view.say(mark("Medication handed out"))
    created = datetime.fromtimestamp(view.now, UTC)
    header = Header(_FHIR, int(opening.subject.categories), " ".join(title.split())[:200], created)
    return DispenseRecord(header, BytesIO(encode(resource)))


def _counted(units: int, order: Order | None) -> str:
    return f"{units} {order.unit}" if order and order.unit else str(units)


def _done_before(view: View, errand: Errand) -> bool:
    """Whether an earlier try, cut off before it was answered, has handed its act to the outbox."""
    entry = earlier(view.gateway, view.address, errand)
    if entry is None:
        return False
    await_entry(view.gateway, entry, errand.wait)
    return True
