"""Answering what was proposed to somebody who has named one her delegate."""

from fastapi import APIRouter, Response

from gateway.api.paging import next_of, place_cursor, place_of
from gateway.consents import proposals
from gateway.consents.delegates import require
from gateway.portal.forms import FormDep
from gateway.portal.patient_for import Whom, leave_of
from gateway.portal.patient_proposals import answered, rows_of
from gateway.portal.view import ViewDep
from ledger.codes import Power, Role
from ledger.types import address_of

router = APIRouter(prefix="/patient/for/{whom}/proposals")

_PAGE = 20


@router.get("")
def waiting(view: ViewDep, whom: Whom, cursor: str = "") -> Response:
    """What waits for an answer, of the kinds that were delegated, newest first."""
    view.require(Role.PATIENT)
    patient = address_of(whom)
    live = require(view.gateway, view.address, patient, Power.ACCEPT)
    found = proposals.proposals_to(view.gateway, patient, _PAGE, place_of(cursor or None))
    return view.page(
        "patient/for_proposals.html",
        leave=leave_of(view, patient),
        proposals=rows_of(view, [one for one in found if not one.categories & ~live.categories]),
        following=next_of(found, _PAGE, lambda one: place_cursor(one.place)),
        first=not cursor,
    )


@router.post("")
def answer(form: FormDep, whom: Whom) -> Response:
    """Accept a proposed record for her, or turn it down."""
    view, patient = form.view, address_of(whom)
    name = view.names(patient)[patient]
    accepted = view.say("Accepted for {whom}: it counts as theirs now.", whom=name)
    turned_down = view.say("Turned down for {whom}: it does not count.", whom=name)
    return answered(form, patient, f"/portal/patient/for/{whom}/proposals", accepted, turned_down)
