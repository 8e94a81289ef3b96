"""Showing a prescription at the counter for somebody who has named one her delegate; she can read that one did."""

from uuid import uuid4

from fastapi import APIRouter, Response

from gateway.api.paging import cursor_of, next_of, position_of
from gateway.consents.fill_keys import present_for, presentable
from gateway.portal.patient_for import Whom, leave_of
from gateway.portal.patient_prescriptions import Id, row_of, shown_code
from gateway.portal.view import ViewDep
from ledger.codes import Role
from ledger.types import address_of

router = APIRouter(prefix="/patient/for/{whom}/prescriptions")

_PAGE = 20


@router.get("")
def listed(view: ViewDep, whom: Whom, cursor: str = "") -> Response:
    """Those of the kinds that were delegated, newest first."""
    view.require(Role.PATIENT)
    found = presentable(view.gateway, view.identity, address_of(whom), _PAGE, position_of(cursor or None))
    names = view.names(*{one.indexed.prescriber for one in found})
    return view.page(
        "patient/for_prescriptions.html",
        leave=leave_of(view, address_of(whom)),
        rows=[{**row_of(view, one), "by": names[one.indexed.prescriber], "is_sealed": one.slip} for one in found],
        following=next_of(found, _PAGE, lambda one: cursor_of(one.indexed.position)),
        first=not cursor,
    )


@router.get("/{id}/show")
def present(view: ViewDep, whom: Whom, id: Id) -> Response:
    """The code of the portion that is due, large, once it is written down who shows it."""
    view.require(Role.PATIENT)
    patient = address_of(whom)
    shown = present_for(view.gateway, view.identity, patient, bytes.fromhex(id), correlation=str(uuid4()))
    return shown_code(view, shown, f"/portal/patient/for/{whom}/prescriptions", view.names(patient)[patient])
