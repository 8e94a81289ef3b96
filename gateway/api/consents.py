"""Consents and denials: given, received, made, ended."""

from collections.abc import Sequence
from typing import Annotated, Self

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, model_validator

from gateway.api.models import (
    ActOut,
    AddressField,
    CategoryNames,
    DigestField,
    In,
    Out,
    PurposeName,
    Seconds,
    categories_of,
    hexed,
    purpose_of,
)
from gateway.api.paging import Cursor, Limit, Page, cursor_of, link_next, next_of, position_of
from gateway.clocks import beginning
from gateway.consents import consenting, deeds
from gateway.consents.given import given, given_by, given_to
from gateway.consents.signed import SignedConsent
from gateway.errors import NotFound, NotPermitted
from gateway.finding import grantees_of
from gateway.identity.names import visible_names
from gateway.services import Gateway
from gateway.web.deps import Caller, CallerDep, ErrandDep, GatewayDep
from gateway.web.once import OnceRoute
from ledger.codes import purposes_in, purposes_mask
from ledger.index import IndexedConsent
from ledger.types import FOREVER, ZERO_ADDRESS, Address, ConsentTerms, consent_id, scope_number

router = APIRouter(prefix="/v1", tags=["consents"], route_class=OnceRoute)


class ConsentIn(In):
    """What the caller, as a patient, grants."""

    grantee: AddressField = Field(description="A person, a team or an organization.")
    categories: CategoryNames = Field(description="Sensitive ones are covered only if named.")
    purposes: Annotated[list[PurposeName], Field(min_length=1, max_length=13)]
    expiry: Seconds | None = Field(default=None, description="Seconds since 1970 at which it ends.")
    forever: bool = Field(default=False, description="Instead of an expiry, if she says so.")
    not_before: Seconds | None = Field(default=None, description="Default: now.")
    may_write: bool = Field(default=False, description="Whether the grantee may also write records about her.")
    record: DigestField | None = Field(default=None, description="Grant this one record only.")

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if (self.expiry is None) == (not self.forever):
            raise ValueError("give an expiry, or say forever")
        return self

    def terms(self, begins: int) -> ConsentTerms:
        """As the ledger takes them."""
        return ConsentTerms(
            categories=categories_of(self.categories),
            purposes=purposes_mask(*(purpose_of(name) for name in self.purposes)),
            not_before=begins if self.not_before is None else self.not_before,
            expiry=FOREVER if self.expiry is None else self.expiry,
            may_write=self.may_write,
        )


class GrantedOut(Out):
    """A consent on its way to the ledger."""

    id: str
    act: ActOut


class ConsentOut(Out):
    """A consent, whatever became of it."""

    id: str
    patient: str
    patient_name: str | None
    grantee: str
    grantee_name: str | None
    record: str | None = Field(description="Digest of the only record that it is about.")
    categories: list[str]
    purposes: list[str]
    not_before: int
    expiry: int | None = Field(description="null: for ever")
    may_write: bool
    given: str = Field(description="granted, on the ledger, or signed: in a list that an organization anchored")
    collected_by: str | None = Field(description="Of a signed one, the organization that anchored the list.")
    collected_by_name: str | None
    state: str = Field(description="live, not_yet, expired or withdrawn")
    granted_by: str | None = Field(description="The delegate who gave it for her; null: she herself.")
    granted_by_name: str | None
    withdrawn_by: str | None = Field(description="The delegate who withdrew it for her.")
    withdrawn_by_name: str | None


class DenialOut(Out):
    """Somebody whom the caller denies everything."""

    grantee: str
    grantee_name: str | None


@router.post("/consents", summary="Grant", status_code=201)
def grant(body: ConsentIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> GrantedOut:
    """By the patient. Once the ledger has it, the grantee gets key slips for everything that it covers."""
    grantee = Address(body.grantee)
    record = bytes.fromhex(body.record) if body.record else None
    terms = body.terms(beginning(gateway))
    granted = consenting.grant(gateway, caller.identity, grantee, terms, errand=errand, record=record)
    return GrantedOut(id=hexed(consent_id(caller.address, grantee, granted.scope)), act=ActOut.of(granted.entry))


@router.get("/consents", summary="List consents")
def consents(
    request: Request,
    response: Response,
    caller: CallerDep,
    gateway: GatewayDep,
    received: Annotated[bool, Query(description="Those that let the caller read; default: those she gave.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ConsentOut]:
    """Newest first, ended ones too; granted on the ledger, or signed and collected by an organization."""
    before = position_of(cursor)
    if received:
        found = given_to(gateway, grantees_of(gateway, caller.address), limit, before)
    else:
        found = given_by(gateway, caller.address, limit, before)
    following = next_of(found, limit, lambda consent: cursor_of(consent.position))
    link_next(request, response, following)
    return Page(items=shown_consents(gateway, caller.address, found), next=following)


@router.get("/consents/{id}", summary="One consent")
def consent(id: DigestField, caller: CallerDep, gateway: GatewayDep) -> ConsentOut:
    return shown_consents(gateway, caller.address, [_found(gateway, caller, id)])[0]


@router.get(
    "/consents/{id}/document",
    summary="The consent document",
    response_class=Response,
    responses={200: {"content": {"application/fhir+json": {}}, "description": "FHIR R4 Consent, verified."}},
)
def document(id: DigestField, caller: CallerDep, gateway: GatewayDep) -> Response:
    """The FHIR Consent whose digest the ledger holds; for its patient and its grantee."""
    content = consenting.open_document(gateway, caller.identity, _found(gateway, caller, id))
    return Response(content, media_type="application/fhir+json")


@router.delete("/consents/{id}", summary="Withdraw")
def withdraw(id: DigestField, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """By the patient. From the next decision on nothing rests on it."""
    found = _found(gateway, caller, id)
    if found.patient != caller.address:
        raise NotPermitted("only the patient withdraws a consent")
    entry = consenting.withdraw(gateway, caller.identity, found.grantee, found.scope, errand=errand)
    return ActOut.of(entry)


@router.get("/denials", summary="Whom the caller denies")
def denials(caller: CallerDep, gateway: GatewayDep) -> list[DenialOut]:
    found = gateway.index.denials_of(caller.address, 500)
    names = visible_names(gateway, caller.address, found)
    return [DenialOut(grantee=one, grantee_name=names.get(one)) for one in found]


@router.put("/denials/{grantee}", summary="Deny somebody everything")
def deny(grantee: AddressField, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """By the patient: a person, a team or an organization. It wins over every consent."""
    return _set_denial(gateway, caller, Address(grantee), True, errand)


@router.delete("/denials/{grantee}", summary="Lift a denial")
def lift(grantee: AddressField, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """By the patient. Her consents count again."""
    return _set_denial(gateway, caller, Address(grantee), False, errand)


def _set_denial(gateway: Gateway, caller: Caller, grantee: Address, denied: bool, errand: ErrandDep) -> ActOut:
    return ActOut.of(consenting.set_denial(gateway, caller.identity, grantee, denied, errand=errand))


def _found(gateway: Gateway, caller: Caller, id: str) -> IndexedConsent:
    found = given(gateway, bytes.fromhex(id))
    concerned = found and (caller.address == found.patient or found.grantee in grantees_of(gateway, caller.address))
    if found is None or not concerned:
        raise NotFound("no such consent, or not for you to know of")
    return found


def shown_consents(gateway: Gateway, viewer: Address, found: Sequence[IndexedConsent]) -> list[ConsentOut]:
    """Consents as the viewer may see them, with who gave or withdrew them for the patient."""
    now = int(gateway.clock())
    granted, withdrawn = deeds.delegates_behind(gateway, [consent.consent_id for consent in found])
    people = {one for consent in found for one in (consent.patient, consent.grantee)}
    collectors = {one.collector for one in found if isinstance(one, SignedConsent)}
    names = visible_names(gateway, viewer, people | collectors | {*granted.values(), *withdrawn.values()})
    numbered = scope_number(0)[:30]
    return [
        ConsentOut(
            id=hexed(one.consent_id),
            patient=one.patient,
            patient_name=names.get(one.patient),
            grantee=one.grantee,
            grantee_name=names.get(one.grantee),
            record=None if one.scope.startswith(numbered) else one.scope.hex(),
            categories=one.terms.categories.labels(),
            purposes=[purpose.name for purpose in purposes_in(one.terms.purposes)],
            not_before=one.terms.not_before,
            expiry=None if one.terms.expiry == FOREVER else one.terms.expiry,
            may_write=one.terms.may_write,
            given="signed" if isinstance(one, SignedConsent) else "granted",
            collected_by=one.collector if isinstance(one, SignedConsent) else None,
            collected_by_name=names.get(one.collector) if isinstance(one, SignedConsent) else None,
            state=_state(one, now),
            granted_by=granted.get(one.consent_id),
            granted_by_name=names.get(granted.get(one.consent_id, ZERO_ADDRESS)),
            withdrawn_by=withdrawn.get(one.consent_id),
            withdrawn_by_name=names.get(withdrawn.get(one.consent_id, ZERO_ADDRESS)),
        )
        for one in found
    ]


def _state(consent: IndexedConsent, now: int) -> str:
    if consent.withdrawn:
        return "withdrawn"
    if now >= consent.terms.expiry:
        return "expired"
    return "live" if now >= consent.terms.not_before else "not_yet"
