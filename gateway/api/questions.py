"""Asking a patient for access: asked in plain words, answered with yes, with less, or with no."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from gateway.api.consents import GrantedOut
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
from gateway.consents import asking
from gateway.consents.delegates import live_delegation, require
from gateway.errors import NotFound, RecordError
from gateway.identity.names import visible_names
from gateway.notices.sentences import short
from gateway.services import Gateway
from gateway.web.deps import Caller, CallerDep, ErrandDep, GatewayDep
from gateway.web.once import OnceRoute
from ledger.codes import Power, purposes_in, purposes_mask
from ledger.index_care import CareIndex, IndexedQuestion
from ledger.types import Address, ConsentTerms, consent_id
from offchain_store.errors import StoreError

router = APIRouter(prefix="/v1", tags=["asking for access"], route_class=OnceRoute)


class QuestionIn(In):
    """What the caller asks a patient for."""

    patient: AddressField
    categories: CategoryNames = Field(description="Sensitive ones only if they are named.")
    purposes: Annotated[list[PurposeName], Field(min_length=1, max_length=13)]
    expiry: Seconds = Field(description="Until when; seconds since 1970. Nobody asks for ever.")
    may_write: bool = Field(default=False, description="Ask to write records about her as well.")
    reason: Annotated[str, Field(min_length=1, max_length=asking.LONGEST_REASON)] = Field(
        description="Why, in plain words; it is sealed for the patient."
    )


class NarrowerIn(In):
    """What the patient grants of what she is asked for; what is left out stands as asked."""

    categories: CategoryNames | None = None
    purposes: Annotated[list[PurposeName], Field(min_length=1, max_length=13)] | None = None
    expiry: Seconds | None = None
    may_write: bool | None = None


class AskedOut(Out):
    """A question on its way to the ledger."""

    id: str
    act: ActOut


class QuestionOut(Out):
    """A question and what has become of it."""

    id: str
    patient: str
    patient_name: str | None
    asker: str
    asker_name: str | None
    categories: list[str]
    purposes: list[str]
    not_before: int
    expiry: int
    may_write: bool
    reason: str | None = Field(description="null: it was not sealed for the caller, or her key is not unlocked here.")
    state: str = Field(description="open, granted, declined or taken_back")
    consent: str | None = Field(description="Of a granted one: the consent's id.")
    sentence: str = Field(description="The question for people.")
    cursor: str


@router.post("/questions", summary="Ask a patient for access", status_code=201)
def ask(body: QuestionIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> AskedOut:
    """By anybody who takes part and whom she does not deny. A question permits nothing."""
    terms = ConsentTerms(
        categories=categories_of(body.categories),
        purposes=purposes_mask(*(purpose_of(name) for name in body.purposes)),
        not_before=beginning(gateway),
        expiry=body.expiry,
        may_write=body.may_write,
    )
    asked = asking.ask(gateway, caller.identity, Address(body.patient), terms, body.reason, errand)
    return AskedOut(id=hexed(asked.question.id()), act=ActOut.of(asked.entry))


@router.get("/questions", summary="What the caller is asked, or asks")
def questions(
    request: Request,
    response: Response,
    caller: CallerDep,
    gateway: GatewayDep,
    asked: Annotated[
        bool, Query(description="Those that the caller asked; default: what she can still answer.")
    ] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[QuestionOut]:
    """Newest first; her own ones with their answers."""
    index, before = CareIndex(gateway.ledger_database), position_of(cursor)
    if asked:
        found = index.questions_by(caller.address, limit, before)
    else:
        found = index.open_questions_to(caller.address, at=int(gateway.clock()), limit=limit, before=before)
    following = next_of(found, limit, lambda one: cursor_of(one.position))
    link_next(request, response, following)
    return Page(items=_shown(gateway, caller, found), next=following)


@router.get("/questions/{id}", summary="One question")
def question(id: DigestField, caller: CallerDep, gateway: GatewayDep) -> QuestionOut:
    return _shown(gateway, caller, [_found(gateway, caller, id)])[0]


@router.post("/questions/{id}/grant", summary="Grant what is asked, or less")
def grant(id: DigestField, body: NarrowerIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> GrantedOut:
    """By the patient, or her delegate with the power to grant. Never more than what was asked."""
    found = _found(gateway, caller, id).question
    terms = narrowed(body, found.terms)
    granted = asking.grant_as_asked(gateway, caller.identity, found, terms, errand)
    return GrantedOut(id=hexed(consent_id(found.patient, found.asker, granted.scope)), act=ActOut.of(granted.entry))


@router.post("/questions/{id}/decline", summary="Say no")
def decline(id: DigestField, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """By the patient, or her delegate with the power to grant. The asker is told, and no reason is asked for."""
    found = _found(gateway, caller, id).question
    return ActOut.of(asking.decline(gateway, caller.identity, found, errand))


@router.delete("/questions/{id}", summary="Take a question back")
def take_back(id: DigestField, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """By its asker."""
    found = _found(gateway, caller, id).question
    return ActOut.of(asking.take_back(gateway, caller.identity, found, errand))


@router.get("/for/{patient}/questions", summary="What a patient is asked that the caller may answer for her")
def questions_for(
    patient: AddressField,
    request: Request,
    response: Response,
    caller: CallerDep,
    gateway: GatewayDep,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[QuestionOut]:
    """By her delegate with the power to grant, where something was asked for that was delegated. Newest first."""
    leave = require(gateway, caller.address, Address(patient), Power.GRANT)
    found = CareIndex(gateway.ledger_database).open_questions_to(
        Address(patient), at=int(gateway.clock()), limit=limit, before=position_of(cursor)
    )
    following = next_of(found, limit, lambda one: cursor_of(one.position))
    link_next(request, response, following)
    his = [one for one in found if one.question.terms.categories & leave.categories]
    return Page(items=_shown(gateway, caller, his), next=following)


def narrowed(body: NarrowerIn, asked: ConsentTerms) -> ConsentTerms:
    """What was asked for, less what the answer leaves out."""
    return ConsentTerms(
        categories=categories_of(body.categories) if body.categories else asked.categories,
        purposes=purposes_mask(*(purpose_of(name) for name in body.purposes)) if body.purposes else asked.purposes,
        not_before=asked.not_before,
        expiry=asked.expiry if body.expiry is None else body.expiry,
        may_write=asked.may_write if body.may_write is None else body.may_write,
    )


def _found(gateway: Gateway, caller: Caller, id: str) -> IndexedQuestion:
    """A question that concerns the caller: asked by her, asked of her, or hers to answer as a delegate."""
    found = CareIndex(gateway.ledger_database).question(bytes.fromhex(id))
    if found is not None:
        asked = found.question
        if caller.address in (asked.asker, asked.patient):
            return found
        leave = live_delegation(gateway, caller.address, asked.patient)
        if leave and Power.GRANT in leave.powers and asked.terms.categories & leave.categories:
            return found
    raise NotFound("no such question, or not for you to know of")


def _shown(gateway: Gateway, caller: Caller, found: list[IndexedQuestion]) -> list[QuestionOut]:
    people = {one for each in found for one in (each.question.asker, each.question.patient)}
    names = visible_names(gateway, caller.address, people)
    shown = []
    for one in found:
        asked = one.question
        consent = hexed(consent_id(asked.patient, asked.asker, one.scope)) if one.scope else None
        shown.append(
            QuestionOut(
                id=hexed(one.id),
                patient=asked.patient,
                patient_name=names.get(asked.patient),
                asker=asked.asker,
                asker_name=names.get(asked.asker),
                categories=asked.terms.categories.labels(),
                purposes=[purpose.name for purpose in purposes_in(asked.terms.purposes)],
                not_before=asked.terms.not_before,
                expiry=asked.terms.expiry,
                may_write=asked.terms.may_write,
                reason=_reason(gateway, caller, one),
                state=one.state.name.lower(),
                consent=consent,
                sentence=asking.sentence(asked, names.get(asked.asker) or short(asked.asker)),
                cursor=cursor_of(one.position),
            )
        )
    return shown


def _reason(gateway: Gateway, caller: Caller, one: IndexedQuestion) -> str | None:
    """Why, if it was sealed for the caller and is what was asked with; a lost reason does not hide the question."""
    if caller.session.identity is None:
        return None
    try:
        return asking.reason_of(gateway, caller.session.identity, one.question)
    except (RecordError, StoreError):
        return None
