"""Acting for a patient who has named the caller her delegate: each request says for whom, the ledger says whether."""

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from gateway.api.consents import ConsentIn, ConsentOut, GrantedOut, shown_consents
from gateway.api.models import ActOut, AddressField, DigestField, hexed
from gateway.api.paging import Cursor, Limit, Page, cursor_of, link_next, next_of, place_cursor, place_of, position_of
from gateway.api.prescription_models import PresentedOut
from gateway.api.prescriptions import PresentIn, presented_out
from gateway.api.proposals import ProposalOut, ReplyIn, shown_proposals
from gateway.clocks import beginning
from gateway.consents import acting, delegating, fill_keys, proposals
from gateway.consents.delegates import require
from gateway.errors import NotFound
from gateway.web.deps import CallerDep, CorrelationDep, ErrandDep, GatewayDep
from gateway.web.once import OnceRoute
from ledger.codes import Power
from ledger.types import Address, consent_id

router = APIRouter(prefix="/v1/for/{patient}", tags=["acting for a patient"], route_class=OnceRoute)
"""What a delegate does and sees in a patient's name."""
bearer = APIRouter(prefix="/v1/for/{patient}", tags=["acting for a patient"])
"""What gives out a bearer's code: its answers are kept nowhere."""


@router.get("/consents", summary="The patient's consents that the caller may act on")
def consents(
    patient: AddressField,
    request: Request,
    response: Response,
    caller: CallerDep,
    gateway: GatewayDep,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ConsentOut]:
    """With the power to grant or to withdraw: those all of whose categories were delegated. Newest first."""
    leave = require(gateway, caller.address, Address(patient), Power.GRANT | Power.WITHDRAW)
    found = gateway.index.consents_of(Address(patient), limit, position_of(cursor))
    following = next_of(found, limit, lambda one: cursor_of(one.position))
    link_next(request, response, following)
    his = [one for one in found if not one.terms.categories & ~leave.categories]
    return Page(items=shown_consents(gateway, caller.address, his), next=following)


@router.post("/consents", summary="Grant for the patient", status_code=201)
def grant(
    patient: AddressField, body: ConsentIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep
) -> GrantedOut:
    """With the power to grant: within the categories and the end of the delegation, never to himself."""
    whose, grantee = Address(patient), Address(body.grantee)
    record = bytes.fromhex(body.record) if body.record else None
    terms = body.terms(beginning(gateway))
    granted = acting.grant_for(gateway, caller.identity, whose, grantee, terms, errand=errand, record=record)
    return GrantedOut(id=hexed(consent_id(whose, grantee, granted.scope)), act=ActOut.of(granted.entry))


@router.delete("/consents/{id}", summary="Withdraw for the patient")
def withdraw(
    patient: AddressField, id: DigestField, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep
) -> ActOut:
    """With the power to withdraw: a consent all of whose categories were delegated, and none to himself."""
    require(gateway, caller.address, Address(patient), Power.WITHDRAW)
    found = gateway.index.consent(bytes.fromhex(id))
    if found is None or found.patient != patient:
        raise NotFound("the patient has given no such consent")
    return ActOut.of(acting.withdraw_for(gateway, caller.identity, found, errand))


@router.put("/denials/{grantee}", summary="Deny somebody everything for the patient")
def deny(
    patient: AddressField, grantee: AddressField, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep
) -> ActOut:
    """With the power to withdraw in all categories. Only the patient lifts it."""
    entry = acting.deny_for(gateway, caller.identity, Address(patient), Address(grantee), errand)
    return ActOut.of(entry)


@router.get("/proposals", summary="What waits for the patient's answer")
def waiting(
    patient: AddressField,
    request: Request,
    response: Response,
    caller: CallerDep,
    gateway: GatewayDep,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ProposalOut]:
    """With the power to accept: those all of whose categories were delegated. Newest first."""
    leave = require(gateway, caller.address, Address(patient), Power.ACCEPT)
    found = proposals.proposals_to(gateway, Address(patient), limit, place_of(cursor))
    following = next_of(found, limit, lambda one: place_cursor(one.place))
    link_next(request, response, following)
    his = [one for one in found if not one.categories & ~leave.categories]
    return Page(items=shown_proposals(gateway, caller.address, his), next=following)


@router.post("/proposals/{digest}/answer", summary="Accept a proposal for the patient, or turn it down")
def answer(
    patient: AddressField,
    digest: DigestField,
    body: ReplyIn,
    caller: CallerDep,
    gateway: GatewayDep,
    errand: ErrandDep,
) -> ActOut:
    """With the power to accept; never what he proposed himself."""
    whose = Address(patient)
    require(gateway, caller.address, whose, Power.ACCEPT)
    entry = proposals.answer(gateway, caller.identity, whose, bytes.fromhex(digest), body.accepted, errand)
    return ActOut.of(entry)


@bearer.post("/prescriptions/{prescription}/present", summary="Show the patient's prescription at the counter")
def present(
    patient: AddressField,
    prescription: DigestField,
    body: PresentIn,
    caller: CallerDep,
    gateway: GatewayDep,
    correlation: CorrelationDep,
    response: Response,
) -> PresentedOut:
    """With the power to present: a code for one fill, written down as shown by him."""
    response.headers["Cache-Control"] = "no-store"
    fill = body.fill - 1 if body.fill is not None else None
    shown = fill_keys.present_for(
        gateway, caller.identity, Address(patient), bytes.fromhex(prescription), correlation=correlation, fill=fill
    )
    return presented_out(prescription, shown, body.picture)


@router.get("/prescriptions", summary="The patient's prescriptions that the caller may show")
def prescriptions(
    patient: AddressField, caller: CallerDep, gateway: GatewayDep, limit: Limit = 50
) -> list[Annotated[str, Field(description="Id of a prescription")]]:
    """With the power to present. Newest first."""
    found = fill_keys.delegated_prescriptions(gateway, caller.address, Address(patient))
    return [hexed(one.prescription) for one in islice(found, limit)]


@router.delete("", summary="Give up what the patient has delegated")
def resign(patient: AddressField, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """By the delegate, at once."""
    return ActOut.of(delegating.resign(gateway, caller.identity, Address(patient), errand))
