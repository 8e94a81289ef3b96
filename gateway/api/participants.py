"""People, organizations and outside identifiers; written by organizations, for their own people."""

import base64
import binascii
from typing import Annotated, Self

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, Field, model_validator

from gateway.api.models import (
    ActOut,
    AddressField,
    AnyCategoryNames,
    In,
    Name,
    Out,
    Passphrase,
    RoleNames,
    categories_of,
    roles_of,
)
from gateway.api.paging import Cursor, Limit, Page, cursor_of, link_next, position_of
from gateway.errors import NotFound
from gateway.identity import people
from gateway.identity.directory import keyed_identifier
from gateway.identity.names import visible_names
from gateway.located import PROFESSIONAL
from gateway.sending import send
from gateway.services import Gateway
from gateway.web.deps import CallerDep, ErrandDep, GatewayDep
from gateway.web.once import OnceRoute
from ledger.codes import Role
from ledger.types import ZERO_ADDRESS, Address

router = APIRouter(prefix="/v1", tags=["participants"], route_class=OnceRoute)


def _base64(value: str) -> str:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as failure:
        raise ValueError("not base64") from failure
    return value


Base64 = Annotated[str, Field(max_length=20_000), AfterValidator(_base64)]


class RegisterIn(In):
    """A new person: with a passphrase her keystore is made here; with an address she keeps her keys herself."""

    name: Name
    roles: RoleNames
    passphrase: Passphrase | None = None
    address: AddressField | None = None
    key_card: Base64 | None = Field(default=None, description="The card's block, signed by her.")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.passphrase is None) == (self.address is None):
            raise ValueError("give either a passphrase or an address")
        if self.key_card is not None and self.address is None:
            raise ValueError("a key card is for an address")
        return self


class AdmitIn(In):
    """A new organization; its keystore is made here."""

    name: Name
    roles: RoleNames
    passphrase: Passphrase


class RolesIn(In):
    roles: RoleNames


class SuspensionIn(In):
    suspended: Annotated[bool, Field(strict=True)]


class CardIn(In):
    key_card: Base64


class PreferencesIn(In):
    """What an emergency may open, and where authors may no longer read."""

    emergency: AnyCategoryNames = Field(default_factory=list)
    barred_authors: AnyCategoryNames = Field(default_factory=list)
    over_denials: bool = Field(default=False, strict=True, description="An emergency also for whom she denies.")


class IdentifierIn(In):
    """An outside identifier; only its keyed hash goes anywhere."""

    system: Annotated[str, Field(min_length=1, max_length=500, description="URI of the numbering system")]
    value: Annotated[str, Field(min_length=1, max_length=500)]


class LinkIn(IdentifierIn):
    address: AddressField | None = Field(description="Whom it is to lead to; null: nobody.")


class RegisteredOut(Out):
    address: str
    act: ActOut


class ParticipantOut(Out):
    """What the ledger says of a participant, and her name where the caller may know it."""

    address: str
    name: str | None
    roles: list[str]
    organization: str
    suspended: bool
    has_key_card: bool


@router.post("/participants", summary="Register a person", status_code=201)
def register(body: RegisterIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> RegisteredOut:
    """By an organization, with roles that it holds; anybody may be a patient."""
    caller.require_role(Role.ORGANIZATION)
    newcomer = people.Newcomer(body.name, roles_of(body.roles))
    if body.passphrase is not None:
        person, entry = people.register(gateway, caller.identity, newcomer, passphrase=body.passphrase, errand=errand)
        return RegisteredOut(address=person.address, act=ActOut.of(entry))
    address = Address(body.address or "")
    card = base64.b64decode(body.key_card) if body.key_card else None
    entry = people.register_address(gateway, caller.identity, newcomer, address=address, key_card=card, errand=errand)
    return RegisteredOut(address=address, act=ActOut.of(entry))


@router.post("/organizations", summary="Admit an organization", status_code=201)
def admit(body: AdmitIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> RegisteredOut:
    """By the consortium."""
    caller.require_role(Role.CONSORTIUM)
    newcomer = people.Newcomer(body.name, roles_of(body.roles))
    organization, entry = people.admit(gateway, caller.identity, newcomer, passphrase=body.passphrase, errand=errand)
    return RegisteredOut(address=organization.address, act=ActOut.of(entry))


@router.get("/participants", summary="The caller's organization's people")
def people_of(
    request: Request,
    response: Response,
    caller: CallerDep,
    gateway: GatewayDep,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ParticipantOut]:
    """For organizations, newest first."""
    caller.require_role(Role.ORGANIZATION)
    found = gateway.index.people_of(caller.address, limit, position_of(cursor))
    shown = [_shown(gateway, caller.address, one) for one in found]
    known = gateway.index.participant(found[-1]) if len(found) == limit else None
    following = cursor_of(known.position) if known else None
    link_next(request, response, following)
    return Page(items=[one for one in shown if one], next=following)


@router.get("/participants/{address}", summary="One participant")
def participant(address: AddressField, caller: CallerDep, gateway: GatewayDep) -> ParticipantOut:
    shown = _shown(gateway, caller.address, Address(address))
    if shown is None:
        raise NotFound(f"{address} is not registered")
    return shown


@router.put("/participants/{address}/roles", summary="Replace a participant's roles")
def set_roles(
    address: AddressField, body: RolesIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep
) -> ActOut:
    """By her organization; by the consortium for organizations."""
    act = gateway.ledger.acts.set_roles(Address(address), roles_of(body.roles))
    return ActOut.of(send(gateway, act, signer=caller.identity.address, errand=errand))


@router.put("/participants/{address}/suspension", summary="Suspend or reinstate a participant")
def set_suspension(
    address: AddressField, body: SuspensionIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep
) -> ActOut:
    """By her organization or the consortium; she is refused from the next request on."""
    act = gateway.ledger.acts.set_suspension(Address(address), body.suspended)
    entry = send(gateway, act, signer=caller.identity.address, errand=errand)
    return ActOut.of(entry)


@router.put("/me/key-card", summary="Publish the caller's key card")
def publish_card(body: CardIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """Of a caller whose keys are unlocked here: put and published. Others put theirs with `/v1/me/key-card/block` and
    publish it by an act of their own."""
    digest = gateway.cards.put_signed(caller.address, base64.b64decode(body.key_card))
    act = gateway.ledger.acts.publish_key_card(digest)
    return ActOut.of(send(gateway, act, signer=caller.identity.address, errand=errand))


@router.post("/me/key-card/block", summary="Put the block of the caller's key card", status_code=201)
def put_card(body: CardIn, caller: CallerDep, gateway: GatewayDep) -> dict[str, str]:
    """Its digest, for the act `publish_key_card`."""
    return {"digest": gateway.cards.put_signed(caller.address, base64.b64decode(body.key_card)).hex()}


@router.put("/me/preferences", summary="Set a patient's preferences")
def set_preferences(body: PreferencesIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """What an emergency may open, and in which categories authors may no longer read what they wrote."""
    act = gateway.ledger.acts.set_preferences(
        emergency=categories_of(body.emergency),
        barred_authors=categories_of(body.barred_authors),
        over_denials=body.over_denials,
    )
    return ActOut.of(send(gateway, act, signer=caller.identity.address, errand=errand))


@router.put("/identifiers", summary="Let an outside identifier lead to a person")
def link(body: LinkIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """By an organization, for its own people."""
    caller.require_role(Role.ORGANIZATION)
    identifier = keyed_identifier(gateway.consortium_key, body.system, body.value)
    act = gateway.ledger.acts.link(identifier, Address(body.address) if body.address else ZERO_ADDRESS)
    return ActOut.of(send(gateway, act, signer=caller.identity.address, errand=errand))


@router.post("/identifiers/find", summary="Whom an outside identifier leads to")
def find(body: IdentifierIn, caller: CallerDep, gateway: GatewayDep) -> ParticipantOut:
    """For professionals and organizations. A POST, so that the identifier stands in no URL."""
    caller.require_role(PROFESSIONAL | Role.ORGANIZATION)
    found = gateway.ledger.participant_by(keyed_identifier(gateway.consortium_key, body.system, body.value))
    shown = _shown(gateway, caller.address, found) if found else None
    if shown is None:
        raise NotFound("the identifier leads to nobody")
    return shown


def _shown(gateway: Gateway, viewer: Address, address: Address) -> ParticipantOut | None:
    known = gateway.index.participant(address)
    if known is None:
        return None
    return ParticipantOut(
        address=address,
        name=visible_names(gateway, viewer, [address]).get(address),
        roles=known.roles.labels(),
        organization=known.organization,
        suspended=known.suspended,
        has_key_card=known.key_card is not None,
    )
