"""Delegates: whom the caller lets act for her, for whom she may act, and what was done for her."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, Field

from gateway.api.models import ActOut, AddressField, CategoryNames, In, Out, Seconds, categories_of
from gateway.api.paging import Cursor, Limit, Page, cursor_of, link_next, next_of, position_of
from gateway.consents import deeds, delegating
from gateway.consents.delegates import live_delegation
from gateway.consents.delegating import Leave
from gateway.identity.names import visible_names
from gateway.notices.sentences import kinds, listed, moment, short
from gateway.services import Gateway
from gateway.web.deps import CallerDep, ErrandDep, GatewayDep
from gateway.web.once import OnceRoute
from ledger.codes import DELEGABLE, Power
from ledger.index_care import CareIndex, IndexedDelegation
from ledger.types import Address

router = APIRouter(prefix="/v1", tags=["delegates"], route_class=OnceRoute)

POWER_NAMES = DELEGABLE.labels()


def _powers(names: list[str]) -> list[str]:
    if Power.CLAIM.label in names:
        raise ValueError("claim is given to nobody yet: there is no insurance claim here that he could file")
    if not set(names) <= set(POWER_NAMES):
        raise ValueError(f"each is one of: {', '.join(POWER_NAMES)}")
    return names


PowerNames = Annotated[
    list[str],
    Field(
        min_length=1, max_length=len(POWER_NAMES), json_schema_extra={"items": {"type": "string", "enum": POWER_NAMES}}
    ),
    AfterValidator(_powers),
]


class DelegationIn(In):
    """What the caller, as a patient, delegates."""

    powers: PowerNames = Field(description="read; grant; withdraw (and deny); present prescriptions; accept proposals")
    categories: CategoryNames = Field(description="Sensitive ones are covered only if named.")
    until: Seconds = Field(description="Seconds since 1970; two years from now at most. Never for ever.")


class DelegationOut(Out):
    """A delegation as it stands now."""

    patient: str
    patient_name: str | None
    delegate: str
    delegate_name: str | None
    powers: list[str]
    categories: list[str]
    until: int
    sentence: str = Field(description="The same for people.")


class DeedOut(Out):
    """Something that a delegate did for the caller."""

    cursor: str
    kind: str = Field(description="grant, withdraw, deny, answer, accept-in-batch, decline, present...")
    delegate: str
    delegate_name: str | None
    about: str = Field(description="Consent, question, record, batch or prescription.")
    sentence: str


@router.get("/delegations", summary="Delegations that stand now")
def delegations(
    caller: CallerDep,
    gateway: GatewayDep,
    received: Annotated[bool, Query(description="For whom the caller may act; default: whom she has named.")] = False,
) -> list[DelegationOut]:
    """Checked with the ledger one by one: what has ended is not among them."""
    index, now = CareIndex(gateway.ledger_database), int(gateway.clock())
    mine = index.delegations_to if received else index.delegations_of
    found = mine(caller.address, at=now)
    return _shown(gateway, caller.address, found)


@router.put("/delegations/{delegate}", summary="Name a delegate, or replace what he may do")
def name(
    delegate: AddressField, body: DelegationIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep
) -> ActOut:
    """By the patient. From now on he may do this, no more, and never delegate on; what he does says that he did it."""
    powers = Power.parse(",".join(body.powers))
    leave = Leave(powers, categories_of(body.categories), body.until)
    return ActOut.of(delegating.name_delegate(gateway, caller.identity, Address(delegate), leave, errand))


@router.delete("/delegations/{delegate}", summary="End a delegation")
def end(delegate: AddressField, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """By the patient, at once, without the delegate, who is told nothing."""
    return ActOut.of(delegating.end_delegation(gateway, caller.identity, Address(delegate), errand))


@router.get("/done-for-me", summary="What delegates did for the caller")
def done_for_me(
    request: Request,
    response: Response,
    caller: CallerDep,
    gateway: GatewayDep,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DeedOut]:
    """For ever, newest first. What they opened for her stands in her access log."""
    found = deeds.deeds_for(gateway, caller.address, limit, position_of(cursor))
    people = {one for deed in found for one in (deed.delegate, deed.other) if one}
    names = visible_names(gateway, caller.address, people)
    following = next_of(found, limit, lambda deed: cursor_of(deed.position))
    link_next(request, response, following)
    items = [
        DeedOut(
            cursor=cursor_of(deed.position),
            kind=deed.kind,
            delegate=deed.delegate,
            delegate_name=names.get(deed.delegate),
            about=deed.about.hex(),
            sentence=deeds.sentence(deed, names),
        )
        for deed in found
    ]
    return Page(items=items, next=following)


def _shown(gateway: Gateway, viewer: Address, found: list[IndexedDelegation]) -> list[DelegationOut]:
    names = visible_names(gateway, viewer, {one for pair in found for one in (pair.patient, pair.delegate)})
    shown = []
    for pair in found:
        live = live_delegation(gateway, pair.delegate, pair.patient)
        if live is None:
            continue
        who = "You" if viewer == pair.delegate else names.get(pair.delegate) or short(pair.delegate)
        whom = "you" if viewer == pair.patient else names.get(pair.patient) or short(pair.patient)
        may = listed([_MAY[power] for power in live.powers])
        shown.append(
            DelegationOut(
                patient=pair.patient,
                patient_name=names.get(pair.patient),
                delegate=pair.delegate,
                delegate_name=names.get(pair.delegate),
                powers=live.powers.labels(),
                categories=live.categories.labels(),
                until=live.until,
                sentence=f"{who} may {may} for {whom} ({kinds(live.categories)}) until {moment(live.until)}.",
            )
        )
    return shown


_MAY = {
    Power.READ: "read records",
    Power.GRANT: "grant consents",
    Power.WITHDRAW: "withdraw consents and deny people",
    Power.PRESENT: "show prescriptions",
    Power.ACCEPT: "accept what is proposed",
}
