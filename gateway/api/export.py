"""Taking everything with one: a subject access request is one request."""

from itertools import chain
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import Field

from gateway.api.models import AddressField, In, purpose_of
from gateway.errors import NotPermitted
from gateway.export.exporting import NAME, export
from gateway.web.deps import CallerDep, CorrelationDep, GatewayDep
from ledger.codes import Role
from ledger.types import Address

router = APIRouter(prefix="/v1", tags=["hers to take and to erase"])


class ExportIn(In):
    """Whose, and why; without a body the caller's own."""

    patient: AddressField | None = Field(default=None, description="For whom a delegate asks.")
    purpose: Literal["PATRQT", "FAMRQT", "PWATRNY"] = Field(
        default="PATRQT", description="PATRQT for the patient herself; the others for her delegates."
    )


@router.post(
    "/export",
    summary="Take everything with you",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}, "description": "A bag (RFC 8493), zipped."}},
)
def take(
    caller: CallerDep, gateway: GatewayDep, correlation: CorrelationDep, body: ExportIn | None = None
) -> StreamingResponse:
    """By the patient: her records opened, her consents, the lines of the access log, and what proves them, as one
    archive that needs no gateway to be read. By a delegate who may read for her: the records that he may read. It is
    made as it leaves and kept nowhere; cut off, it opens nowhere and is asked for again. The ledger decides about every
    record in it, and each leaves its line in the access log."""
    asked = body or ExportIn()
    patient = Address(asked.patient or caller.address)
    if patient == caller.address and not caller.roles & Role.PATIENT:
        raise NotPermitted("this is for patients: there is nothing about you here")
    stream = export(gateway, caller.identity, patient, purpose=purpose_of(asked.purpose), correlation=correlation)
    first = next(stream)  # what refuses the whole is an answer, not a broken stream
    headers = {"Content-Disposition": f'attachment; filename="{NAME}.zip"'}
    return StreamingResponse(chain([first], stream), headers=headers, media_type="application/zip")
