"""Answering what was proposed to somebody who has named one her delegate."""

from fastapi import APIRouter, Response

from gateway.api.paging import next_of, place_cursor, place_of
from gateway.consents import proposals
from gateway.consents.delegates import require
from gateway.portal import wording
from gateway.portal.forms import Done, FormDep
from gateway.portal.language import mark
from gateway.portal.patient import digest_of
from gateway.portal.patient_for import Whom, leave_of
from gateway.portal.view import ViewDep
from gateway.sending import Errand
from ledger.codes import Power, Role
from ledger.types import address_of

router = APIRouter(prefix="/patient/for/{whom}/proposals")

_PAGE = 20
_ACCEPTED = mark("Accepted for {whom}: it counts as theirs now.")
_TURNED_DOWN = mark("Turned down for {whom}: it does not count.")


@router.get("")
def waiting(view: ViewDep, whom: Whom, cursor: str = "") -> Response:
    """What waits for an answer, of the kinds that were delegated, newest first."""
    view.require(Role.PATIENT)
    patient = address_of(whom)
    live = require(view.gateway, view.address, patient, Power.ACCEPT)
    found = proposals.proposals_to(view.gateway, patient, _PAGE, place_of(cursor or None))
    names = view.names(*{one.author for one in found})
    rows = [
        {
            "digest": one.digest.hex(),
            "who": names[one.author],
            "kinds": wording.categories(view.language, one.categories),
        }
        for one in found
        if not one.categories & ~live.categories
    ]
    return view.page(
        "patient/for_proposals.html",
        leave=leave_of(view, patient),
        rows=rows,
        following=next_of(found, _PAGE, lambda one: place_cursor(one.place)),
        first=not cursor,
    )


@router.post("")
def answer(form: FormDep, whom: Whom) -> Response:
    """Accept a proposed record for her, or turn it down."""
    view = form.view

    def do(errand: Errand) -> Done:
        patient = address_of(whom)
        require(view.gateway, view.address, patient, Power.ACCEPT)
        accepted = form.one("answer") == "accept"
        digest = digest_of(form.one("digest"))
        proposals.answer(view.gateway, view.identity, patient, digest, accepted, errand)
        text = view.say(_ACCEPTED if accepted else _TURNED_DOWN, whom=view.names(patient)[patient])
        return Done(f"/portal/patient/for/{whom}/proposals", text)

    return form.once(do)
