"""Showing a prescription at the counter for somebody who has named one her delegate; she can read that one did."""

from uuid import uuid4

from fastapi import APIRouter, Response

from gateway.api.paging import position_of
from gateway.consents.fill_keys import present_for, presentable
from gateway.portal.patient_for import Whom
from gateway.portal.patient_prescriptions import PAGE, Id, shown_code, shown_list
from gateway.portal.view import ViewDep
from ledger.codes import Role
from ledger.types import address_of

router = APIRouter(prefix="/patient/for/{whom}/prescriptions")


@router.get("")
def listed(view: ViewDep, whom: Whom, cursor: str = "") -> Response:
    """Those of the kinds that were delegated, newest first."""
    view.require(Role.PATIENT)
    patient = address_of(whom)
    found = presentable(view.gateway, view.identity, patient, PAGE, position_of(cursor or None))
    return shown_list(view, found, first=not cursor, name=view.names(patient)[patient])


@router.get("/{id}/show")
def present(view: ViewDep, whom: Whom, id: Id) -> Response:
    """The code of the portion that is due, large, once it is written down who shows it."""
    view.require(Role.PATIENT)
    patient = address_of(whom)
    shown = present_for(view.gateway, view.identity, patient, bytes.fromhex(id), correlation=str(uuid4()))
    return shown_code(view, shown, f"/portal/patient/for/{whom}/prescriptions", view.names(patient)[patient])
