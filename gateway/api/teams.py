"""Teams: grantees whose members change while the consent does not."""

from secrets import randbits
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from gateway.api.models import ActOut, AddressField, In, Name, Out
from gateway.api.paging import Cursor, Limit, Page, cursor_of, link_next, position_of
from gateway.identity import people
from gateway.identity.names import visible_names
from gateway.sending import send
from gateway.services import Gateway
from gateway.web.deps import CallerDep, ErrandDep, GatewayDep
from gateway.web.once import OnceRoute
from ledger.codes import Role
from ledger.types import Address

router = APIRouter(prefix="/v1/teams", tags=["teams"], route_class=OnceRoute)


class TeamIn(In):
    """A new team."""

    name: Name
    number: Annotated[int, Field(ge=0, lt=2**53, strict=True)] | None = Field(
        default=None, description="Of the organization's choice; at random if absent."
    )


class OpenedOut(Out):
    team: str
    act: ActOut


class MemberOut(Out):
    address: str
    name: str | None


class TeamOut(Out):
    """A team and who is in it now."""

    team: str
    name: str | None
    members: list[MemberOut]


@router.post("", summary="Open a team", status_code=201)
def open_team(body: TeamIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> OpenedOut:
    """By an organization."""
    caller.require_role(Role.ORGANIZATION)
    # Under an idempotency key the same team: the number follows from the key.
    number = body.number if body.number is not None else _number(errand.key)
    team, entry = people.open_team(gateway, caller.identity, body.name, number, errand)
    return OpenedOut(team=team, act=ActOut.of(entry))


@router.get("", summary="The caller's teams")
def teams(caller: CallerDep, gateway: GatewayDep) -> list[TeamOut]:
    """Those she is in."""
    return [_shown(gateway, caller.address, team) for team in gateway.index.teams_of(caller.address)]


@router.get("/opened", summary="The teams that the calling organization opened")
def opened(
    request: Request,
    response: Response,
    caller: CallerDep,
    gateway: GatewayDep,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[TeamOut]:
    """For organizations, newest first."""
    caller.require_role(Role.ORGANIZATION)
    found = gateway.index.teams_opened_by(caller.address, limit, position_of(cursor))
    last = gateway.index.participant(found[-1]) if len(found) == limit else None
    following = cursor_of(last.position) if last else None
    link_next(request, response, following)
    return Page(items=[_shown(gateway, caller.address, team) for team in found], next=following)


@router.get("/{team}", summary="One team")
def team(team: AddressField, caller: CallerDep, gateway: GatewayDep) -> TeamOut:
    return _shown(gateway, caller.address, Address(team))


@router.put("/{team}/members/{member}", summary="Let a member join")
def join(team: AddressField, member: AddressField, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """By the team's organization."""
    act = gateway.ledger.acts.set_membership(Address(team), Address(member), True)
    return ActOut.of(send(gateway, act, signer=caller.identity.address, errand=errand))


@router.delete("/{team}/members/{member}", summary="Let a member leave")
def leave(
    team: AddressField, member: AddressField, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep
) -> ActOut:
    """By the team's organization, or by the member herself. Decisions from the next block on no longer rest on it."""
    act = gateway.ledger.acts.set_membership(Address(team), Address(member), False)
    return ActOut.of(send(gateway, act, signer=caller.identity.address, errand=errand))


def _number(key: str) -> int:
    try:
        return int(key[:13], 16)
    except ValueError:
        return randbits(52)


def _shown(gateway: Gateway, viewer: Address, team: Address) -> TeamOut:
    members = gateway.index.members_of(team)
    names = visible_names(gateway, viewer, [team, *members])
    return TeamOut(
        team=team,
        name=names.get(team),
        members=[MemberOut(address=member, name=names.get(member)) for member in members],
    )
