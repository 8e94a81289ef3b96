"""A patient's prescriptions: what they say, where they stand, and the code to show at the counter."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Path, Response
from markupsafe import Markup

from gateway import flow
from gateway.api.paging import cursor_of, next_of, position_of
from gateway.errors import RecordError
from gateway.portal import wording
from gateway.portal.forms import Done, FormDep
from gateway.portal.language import mark
from gateway.portal.showing import Shown, show
from gateway.portal.view import View, ViewDep
from gateway.prescriptions import issuing as prescriptions
from gateway.prescriptions import qr
from gateway.prescriptions.access import Listed, times_of
from gateway.prescriptions.qr import Presentation
from gateway.prescriptions.standing import OPEN, Word
from gateway.sending import Errand
from ledger.codes import Purpose, Role
from ledger.errors import AccessDenied

router = APIRouter(prefix="/patient/prescriptions")

Id = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
_HOME = "/portal/patient/prescriptions"
PAGE = 20
WORDS: Mapping[Word, str] = {
    Word.UNKNOWN: mark("Nobody knows where it stands"),
    Word.NOT_YET: mark("It cannot be filled yet"),
    Word.ISSUED: mark("Ready at any pharmacy"),
    Word.TOO_SOON: mark("The next portion is not due yet"),
    Word.RESERVED: mark("A pharmacy has reserved it"),
    Word.PARTLY_DISPENSED: mark("Partly dispensed, ready for more"),
    Word.PAUSED: mark("Paused by whoever wrote it"),
    Word.CANCELLING: mark("Being cancelled"),
    Word.DISPENSED: mark("Dispensed"),
    Word.CANCELLED: mark("Cancelled"),
    Word.VOIDED: mark("Entered in error"),
    Word.EXPIRED: mark("Expired"),
}
"""Where a prescription stands, in words."""
_CHANGES: Mapping[str, str] = {
    "claimed": mark("{who} reserved it, {when}."),
    "dispensed": mark("{who} dispensed it, {when}."),
    "released": mark("{who} gave the reservation back, {when}."),
    "undone": mark("{who} undid the dispense, {when}."),
    "changed": mark("{who} changed it, {when}."),
}


@router.get("")
def listed(view: ViewDep, cursor: str = "") -> Response:
    """All of hers, newest first."""
    view.require(Role.PATIENT)
    found = prescriptions.prescriptions_of(
        view.gateway, view.identity, patient=view.address, limit=PAGE, before=position_of(cursor or None)
    )
    return shown_list(view, found, first=not cursor)


def shown_list(view: View, found: Sequence[Listed], *, first: bool, name: str = "") -> Response:
    """A page of a list.

    Args:
        first: nothing newer comes before it.
        name: whose they are, if not the reader's own.
    """
    names = view.names(*{one.indexed.prescriber for one in found})
    return view.page(
        "patient/prescriptions.html",
        rows=[{**_row(view, one), "by": names[one.indexed.prescriber]} for one in found],
        following=next_of(found, PAGE, lambda one: cursor_of(one.indexed.position)),
        first=first,
        name=name,
    )


@router.get("/{id}")
def one(view: ViewDep, id: Id) -> Response:
    """What it says, where it stands, what happened to it."""
    view.require(Role.PATIENT)
    found = prescriptions.prescription_of(view.gateway, view.identity, bytes.fromhex(id))
    return view.page(
        "patient/prescription.html",
        row=_row(view, found),
        by=view.names(found.indexed.prescriber)[found.indexed.prescriber],
        shown=_body(view, found),
        history=_history(view, bytes.fromhex(id)),
        FLAGS={},
    )


@router.get("/{id}/show")
def present(view: ViewDep, id: Id) -> Response:
    """The code of the portion that is due, large. Whoever holds it can have that portion, once."""
    view.require(Role.PATIENT)
    return shown_code(view, prescriptions.present(view.gateway, view.identity, bytes.fromhex(id)), f"{_HOME}/{id}")


def shown_code(view: View, presented: Presentation, back: str, name: str = "") -> Response:
    """A code, large.

    Args:
        back: the page before.
        name: of whom it is shown for, if not for the reader herself.
    """
    code = qr.encode(presented)
    picture = qr.svg(code).decode()
    # Inside a page there is no XML declaration, and the page says how large it is.
    picture = re.sub(r'width="(\d+)" height="(\d+)"', r'viewBox="0 0 \1 \2"', picture[picture.index("<svg") :], count=1)
    return view.page(
        "patient/present.html",
        code=code,
        picture=Markup(picture),  # noqa: S704 - made here, of a code of ours
        portion=presented.fill + 1,
        back=back,
        name=name,
    )


@router.post("/{id}/cancel")
def cancel(form: FormDep, id: Id) -> Response:
    """She does not want it any more."""
    view = form.view

    def do(errand: Errand) -> Done:
        prescriptions.cancel(view.gateway, view.identity, bytes.fromhex(id), errand)
        return Done(f"{_HOME}/{id}", view.say("Cancelled. What was dispensed before stays in its history."))

    return form.once(do)


def _row(view: View, found: Listed) -> dict[str, object]:
    standing, slip = found.standing, found.slip
    word = standing.word if standing else Word.UNKNOWN
    until = slip.opening.terms.expiry if slip else None
    return {
        "id": found.indexed.prescription.hex(),
        "kinds": wording.categories(view.language, found.indexed.categories),
        "word": view.say(WORDS[word]),
        "is_open": word in OPEN,
        "is_sealed": slip is not None,
        "can_present": bool(slip and slip.fill_keys and word in OPEN),
        "can_cancel": word in (*OPEN, Word.NOT_YET, Word.TOO_SOON, Word.PAUSED),
        "fills_left": standing.fills_left if standing else None,
        "until": view.language.day(until) if until else "",
        "from_day": view.language.moment(standing.from_time) if standing and standing.from_time else "",
    }


def _body(view: View, found: Listed) -> Shown | None:
    """The sealed order, opened: a line in her log, as for any record."""
    if found.slip is None:
        return None
    try:
        opened = flow.retrieve(
            view.gateway,
            view.identity,
            found.slip.opening.digest,
            purpose=Purpose.PATRQT,
            correlation=str(uuid4()),
        )
    except (RecordError, AccessDenied):
        return None
    if not opened.is_in_memory:
        return None
    return show(b"".join(opened.content), opened.header.media_type, view.language)


def _history(view: View, prescription: bytes) -> list[str]:
    changes = prescriptions.history(view.gateway, prescription)
    names = view.names(*{one.by for one in changes})
    times = times_of(view.gateway, changes)
    return [
        view.say(_CHANGES[one.change], who=names[one.by], when=view.language.moment(times[one.position[0]]))
        for one in reversed(changes)
        if one.change in _CHANGES
    ]
