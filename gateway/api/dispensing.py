"""Prescriptions at the counter: check, read, reserve, dispense, give back, undo. Codes come in bodies, not URLs."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from gateway.api.models import ActOut, DigestField, In, Number
from gateway.api.prescription_models import (
    CheckedOut,
    Code,
    CounterIn,
    DispensedOut,
    HandOutIn,
    OfflineOut,
    ReservedOut,
)
from gateway.identity.names import visible_names
from gateway.prescriptions import claims, dispensing
from gateway.prescriptions.offline import check_offline
from gateway.prescriptions.qr import decode
from gateway.web.deps import CallerDep, CorrelationDep, ErrandDep, GatewayDep
from gateway.web.once import OnceRoute
from ledger.codes import Role

router = APIRouter(prefix="/v1/prescriptions", tags=["prescriptions"], route_class=OnceRoute)
reading = APIRouter(prefix="/v1/prescriptions", tags=["prescriptions"])
"""What changes nothing on the ledger: its answers are kept nowhere."""

Fence = Annotated[Number, Field(ge=0, le=2**16 - 1, description="The number that reserving gave.")]


class CodeIn(In):
    code: Code


class DispenseIn(CounterIn, HandOutIn):
    """A hand-out on a code, or by consent."""


class DispenseReservedIn(HandOutIn):
    """A hand-out under a reservation."""

    fence: Fence


class ReleaseIn(In):
    fence: Fence


@reading.post("/check", summary="What a presented code is good for")
def check(body: CodeIn, gateway: GatewayDep, caller: CallerDep) -> CheckedOut:
    """Asks the ledger and claims nothing: where the prescription stands, what may be handed out now, or why not."""
    checked = claims.check(gateway, caller.address, decode(body.code))
    names = visible_names(gateway, caller.address, {checked.presentation.opening.prescriber})
    return CheckedOut.of(checked, names)


@reading.post("/check-offline", summary="What a presented code proves without the ledger")
def check_without_ledger(body: CodeIn, gateway: GatewayDep, caller: CallerDep) -> OfflineOut:
    """For when the network is down. What it does not prove is said in the answer."""
    caller.require_role(Role.PHARMACIST | Role.PRESCRIBER | Role.PATIENT)
    shown = decode(body.code)
    return OfflineOut.of(shown.id, check_offline(gateway, shown))


@reading.post(
    "/read",
    summary="Read what a prescription says",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The body, verified."}},
)
def read(body: CounterIn, gateway: GatewayDep, caller: CallerDep, correlation: CorrelationDep) -> Response:
    """On a presented code, under a reservation on one, or by consent. The ledger decides; the attempt is logged."""
    retrieved = claims.read(gateway, caller.identity, body.counter(), correlation)
    headers = {
        "Content-Disposition": "attachment",
        "Record-Title": quote(retrieved.header.title),
        "Record-Categories": ",".join(retrieved.located.subject.categories.labels()),
        "Record-Created": retrieved.header.created.isoformat(),
        "Record-Digest": retrieved.located.digest.hex(),
        "Content-Length": str(retrieved.size),
    }
    return StreamingResponse(retrieved.content, headers=headers, media_type=retrieved.header.media_type)


@router.post("/dispense", summary="Claim and hand out in one step")
def dispense(body: DispenseIn, gateway: GatewayDep, caller: CallerDep, errand: ErrandDep) -> DispensedOut:
    """Of several who try at once, one succeeds; the others are told who was quicker, or what else is in the way."""
    counter = body.counter()
    categories = claims.categories_at(gateway, caller.identity, counter)
    done = dispensing.dispense(
        gateway,
        caller.identity,
        counter,
        body.units,
        errand,
        owed=body.owed,
        dispensed=body.dispensed(gateway, categories),
    )
    return DispensedOut.of(done)


@router.post("/reserve", summary="Reserve a fill")
def reserve(body: CounterIn, gateway: GatewayDep, caller: CallerDep, errand: ErrandDep) -> ReservedOut:
    """For at most a day, to fetch or prepare what is prescribed; it lapses by itself."""
    return ReservedOut.of(dispensing.reserve(gateway, caller.identity, body.counter(), errand))


@router.post("/undo", summary="Take a hand-out back")
def undo(body: CounterIn, gateway: GatewayDep, caller: CallerDep, errand: ErrandDep) -> ActOut:
    """By the pharmacist, within half an hour, if nothing happened since. It stays in the history."""
    return ActOut.of(dispensing.undo(gateway, caller.identity, body.counter(), errand))


@router.post("/{prescription}/dispense", summary="Hand out under a reservation")
def dispense_reserved(
    prescription: DigestField, body: DispenseReservedIn, gateway: GatewayDep, caller: CallerDep, errand: ErrandDep
) -> DispensedOut:
    """With units owed the reservation goes on, else it ends. Refused once it lapsed or somebody else has claimed."""
    name = bytes.fromhex(prescription)
    categories = claims.categories_at(gateway, caller.identity, claims.Counter(prescription=name))
    done = dispensing.dispense_reserved(
        gateway,
        caller.identity,
        name,
        body.fence,
        body.units,
        errand,
        owed=body.owed,
        dispensed=body.dispensed(gateway, categories),
    )
    return DispensedOut.of(done)


@router.post("/{prescription}/release", summary="Give a reservation back")
def release(
    prescription: DigestField, body: ReleaseIn, gateway: GatewayDep, caller: CallerDep, errand: ErrandDep
) -> ActOut:
    """By its holder."""
    name = bytes.fromhex(prescription)
    return ActOut.of(dispensing.release(gateway, caller.identity, name, body.fence, errand))
