"""Records: deposit, list, open, correct, retract, answer."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, BinaryIO, cast
from urllib.parse import quote, unquote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import Field, ValidationError
from starlette.concurrency import run_in_threadpool

from gateway import flow, listing
from gateway.api.models import (
    ActOut,
    AddressField,
    CategoryNames,
    DigestField,
    In,
    Out,
    PurposeName,
    categories_of,
    purpose_of,
)
from gateway.api.paging import Cursor, Limit, Page, cursor_of, link_next, next_of, position_of
from gateway.bodies import Body, Multipart
from gateway.deps import Caller, CallerDep, CorrelationDep, ErrandDep, GatewayDep, SessionDep, request_key
from gateway.errors import InvalidInput, KeyNotHeld, NotFound, NotPermitted, SlipMissing
from gateway.listing import Listed
from gateway.names import visible_names
from gateway.once import OnceRoute, replayed
from gateway.problems import refused_fields
from gateway.reading import verdicts
from gateway.sending import Errand, send
from gateway.services import Gateway
from gateway.slips import ensure_slip, raw
from ledger.types import Address, Subject
from offchain_store.digest import Cid
from offchain_store.errors import BlockMissing, HeaderInvalid, InvalidName
from offchain_store.record import Header
from offchain_store.root import Root

router = APIRouter(prefix="/v1", tags=["records"], route_class=OnceRoute)
deposits = APIRouter(prefix="/v1", tags=["records"])
"""What handles content: a deposit keeps its own memory of what was done, and what is opened is remembered nowhere."""


class DraftIn(In):
    """What stands beside a record's content: patient and categories go to the ledger, the rest is sealed."""

    patient: AddressField
    categories: CategoryNames
    title: Annotated[str, Field(max_length=1000)] = ""
    media_type: Annotated[str, Field(max_length=255)] | None = Field(
        default=None, description="Default: the content's Content-Type."
    )
    created: datetime | None = Field(default=None, description="When it was made; default: now.")
    supersedes: DigestField | None = Field(default=None, description="The author's record that this one corrects.")


class DepositedOut(Out):
    """A record that was sealed and put, and the act that anchors it."""

    digest: str
    cid: str = Field(description="The same name as IPFS writes it.")
    proposed: bool = Field(description="The patient has not let the author write: it counts once she accepts it.")
    act: ActOut


class RecordOut(Out):
    """A record as the ledger knows it; nothing of what it says."""

    digest: str
    patient: str
    patient_name: str | None
    author: str
    author_name: str | None
    categories: list[str]
    state: str = Field(description="proposed, anchored, superseded, retracted or turned_down")
    anchored_at: int | None
    superseded_by: str | None
    cursor: str = Field(description="Where it stands in lists.")


class OpenIn(In):
    purpose: PurposeName = Field(description="One is always stated; nothing is assumed in its place.")


class EnvelopeOut(Out):
    """A record for a reader who opens it with keys of her own; `offchain_store/README.md` says how."""

    digest: str
    root: str = Field(description="The root block, base64.")
    slip: str = Field(description="The reader's key slip, base64.")
    chunks: list[str] = Field(description="CIDs of the chunks, to be got from `/v1/blocks/{cid}`.")


class AnswerIn(In):
    accepted: Annotated[bool, Field(strict=True)]


_DEPOSIT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["metadata", "content"],
                    "properties": {
                        "metadata": {"type": "string", "contentMediaType": "application/json"},
                        "content": {"type": "string", "format": "binary"},
                    },
                }
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    },
    "parameters": [
        {
            "name": "patient",
            "in": "query",
            "schema": {"type": "string"},
            "description": "Unless the body is multipart: whom the record is about.",
        },
        {
            "name": "categories",
            "in": "query",
            "schema": {"type": "string"},
            "description": "Unless the body is multipart: names, separated by commas.",
        },
        {"name": "supersedes", "in": "query", "schema": {"type": "string"}},
        {
            "name": "Record-Title",
            "in": "header",
            "schema": {"type": "string"},
            "description": "Unless the body is multipart: one line, percent-encoded UTF-8; it is sealed.",
        },
    ],
}


@deposits.post(
    "/records",
    summary="Deposit a record",
    status_code=201,
    response_model=DepositedOut,
    openapi_extra=_DEPOSIT_BODY,
    responses={202: {"model": DepositedOut, "description": "Durable, and on its way to the ledger."}},
)
async def deposit(request: Request, gateway: GatewayDep, caller: CallerDep, errand: ErrandDep) -> Response:
    """Seal a record for the patient, the author and all who may read it now, put it, and anchor or propose it.

    Either `multipart/form-data` with the parts `metadata` (a JSON `DraftIn`) and `content`, in this order; or the bare
    content, with the metadata in query and headers. The content streams through and is never kept in the clear.
    """
    content_type = request.headers.get("content-type", "")
    content: AsyncIterator[bytes]
    if content_type.lower().startswith("multipart/form-data"):
        parts = Multipart(content_type, request.stream(), most_metadata=gateway.settings.max_json_bytes)
        described = await parts.metadata()
        content_type, content = parts.content_type(), parts.content()
    else:
        described = _described(request)
        content = request.stream()
    draft = _draft(gateway, described, content_type)
    mac = gateway.requests.new_mac(described)
    body = Body(content, most=gateway.settings.max_record_bytes, mac=mac)
    return await run_in_threadpool(_deposit_once, request, gateway, caller, draft, body, errand)


@router.get("/records", summary="List records")
def records(
    request: Request,
    response: Response,
    gateway: GatewayDep,
    caller: CallerDep,
    patient: Annotated[AddressField | None, Query(description="Whose; default: the caller's own.")] = None,
    mine: Annotated[bool, Query(description="Those that the caller wrote.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[RecordOut]:
    """Of a patient: to herself all, to others those that they wrote or that live consents cover. Newest first."""
    before = position_of(cursor)
    if mine:
        found = gateway.index.records_by(caller.address, limit, before)
        shown = found
    else:
        about = Address(patient or caller.address)
        found = gateway.index.records_about(about, limit, before)
        shown = listing.visible(gateway, caller.address, about, found)
    following = next_of(found, limit, lambda record: cursor_of(record.position))
    link_next(request, response, following)
    return Page(items=_shown(gateway, caller.address, listing.described(gateway, shown)), next=following)


@router.get("/records/{digest}", summary="One record's metadata")
def record(digest: DigestField, gateway: GatewayDep, caller: CallerDep) -> RecordOut:
    found = gateway.index.record(bytes.fromhex(digest))
    visible = listing.visible(gateway, caller.address, found.patient, [found]) if found else []
    if not visible:
        raise NotFound("no such record, or not for you to know of")
    return _shown(gateway, caller.address, listing.described(gateway, visible))[0]


@deposits.post(
    "/records/{digest}/open",
    summary="Open a record",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The record, verified."}},
)
def open_record(
    digest: DigestField, body: OpenIn, gateway: GatewayDep, session: SessionDep, correlation: CorrelationDep
) -> Response:
    """The ledger decides now; the attempt is logged; the bytes are verified against their anchor; then they are given
    out. For callers whose keys are unlocked here."""
    if session.identity is None:
        raise KeyNotHeld
    retrieved = flow.retrieve(
        gateway,
        session.identity,
        bytes.fromhex(digest),
        purpose=purpose_of(body.purpose),
        correlation=correlation,
    )
    header = retrieved.header
    headers = {
        "Content-Disposition": "attachment",
        "Record-Title": quote(header.title),
        "Record-Categories": ",".join(retrieved.located.subject.categories.labels()),
        "Record-Created": header.created.isoformat(),
        "Record-State": retrieved.decision.state.name.lower(),
        "Record-Author": retrieved.located.author,
        "Content-Length": str(retrieved.size),
    }
    if retrieved.is_in_memory:
        return Response(b"".join(retrieved.content), headers=headers, media_type=header.media_type)
    return StreamingResponse(retrieved.content, headers=headers, media_type=header.media_type)


@deposits.post("/records/{digest}/envelope", summary="Get a record to open it elsewhere")
def envelope(
    digest: DigestField, body: OpenIn, gateway: GatewayDep, session: SessionDep, correlation: CorrelationDep
) -> EnvelopeOut:
    """The same decision and the same line in the log as for opening it here; for callers who keep their keys."""
    name = bytes.fromhex(digest)
    located, decision = flow.authorize(
        gateway, session.address, name, purpose=purpose_of(body.purpose), correlation=correlation
    )
    if not ensure_slip(gateway, session.address, located, decision):
        raise SlipMissing(name, "you may read it, but the patient's key has not made a key slip for you yet")
    with verdicts(name):
        root = gateway.store.get(name)
        links = Root.decode(root).links
    slip = gateway.store.get_slip(name, raw(session.address))
    return EnvelopeOut(
        digest=digest,
        root=base64.b64encode(root).decode(),
        slip=base64.b64encode(slip).decode(),
        chunks=[str(link) for link in links],
    )


@router.get("/blocks/{cid}", summary="A sealed block", response_class=Response)
def block(cid: Annotated[str, Field(max_length=100)], gateway: GatewayDep, _caller: CallerDep) -> Response:
    """Ciphertext by its CID, for participants who open records with keys of their own."""
    try:
        content = gateway.store.get(Cid.parse(cid))
    except InvalidName as failure:
        raise InvalidInput("cid", "a CIDv1 in lower-case base32") from failure
    except BlockMissing as failure:
        raise NotFound("the store has no such block") from failure
    return Response(content, media_type="application/octet-stream")


@router.post("/records/{digest}/answer", summary="Accept a proposed record, or turn it down")
def answer(digest: DigestField, body: AnswerIn, gateway: GatewayDep, caller: CallerDep, errand: ErrandDep) -> ActOut:
    """By the patient."""
    found = _own(gateway, digest)
    if found.patient != caller.address:
        raise NotPermitted("only the patient answers a proposal")
    subject = Subject(found.patient, found.categories)
    act = gateway.ledger.acts.answer(found.digest, subject, found.author, body.accepted)
    return ActOut.of(send(gateway, act, signer=caller.identity.address, errand=errand))


@router.post("/records/{digest}/retract", summary="Declare a record entered in error")
def retract(digest: DigestField, gateway: GatewayDep, caller: CallerDep, errand: ErrandDep) -> ActOut:
    """By its author. It stays visible, as retracted, to whoever could see it."""
    found = _own(gateway, digest)
    if found.author != caller.address:
        raise NotPermitted("only its author retracts a record")
    act = gateway.ledger.acts.retract(found.digest, Subject(found.patient, found.categories))
    return ActOut.of(send(gateway, act, signer=caller.identity.address, errand=errand))


def _own(gateway: Gateway, digest: str) -> Any:
    found = gateway.index.record(bytes.fromhex(digest))
    if found is None:
        raise NotFound("no such record")
    return found


def _deposit_once(
    request: Request, gateway: Gateway, caller: Caller, draft: flow.Draft, body: Body, errand: Errand
) -> Response:
    """Deposit; under an idempotency key only once, going on where an earlier try was cut off."""
    key = request_key(gateway, request, caller.address)
    if key is None:
        return _deposited(flow.deposit(gateway, caller.identity, draft, cast(BinaryIO, body), errand))
    with gateway.requests.at_work(key):
        sealed_before = None
        if gateway.requests.is_known(key):
            known = gateway.requests.find(key, body.digest())
            if known and known.answer:
                return replayed(*known.answer)
            sealed_before = known.sealed if known else None
        result = flow.deposit(
            gateway,
            caller.identity,
            draft,
            cast(BinaryIO, body),
            errand,
            sealed_before=sealed_before,
            on_sealed=lambda digest: gateway.requests.remember_sealed(key, body.digest(), digest),
        )
        response = _deposited(result)
        gateway.requests.remember_answer(key, body.digest(), response.status_code, bytes(response.body))
        return response


def _deposited(result: flow.Deposited) -> Response:
    content = DepositedOut(
        digest=result.digest.hex(),
        cid=str(Cid.root(result.digest)),
        proposed=result.proposed,
        act=ActOut.of(result.entry),
    )
    status = 201 if result.entry.block_number is not None else 202
    return JSONResponse(content.model_dump(), status)


def _described(request: Request) -> bytes:
    """Query and headers of a bare deposit as the `metadata` that they stand for."""
    query = request.query_params
    draft: dict[str, Any] = {name: query[name] for name in ("patient", "supersedes") if name in query}
    draft["categories"] = [name for name in query.get("categories", "").split(",") if name]
    title = request.headers.get("record-title")
    if title is not None:
        draft["title"] = unquote(title)
    return DraftIn.model_construct(**draft).model_dump_json(exclude_unset=True, warnings=False).encode()


def _draft(gateway: Gateway, described: bytes, content_type: str) -> flow.Draft:
    try:
        draft = DraftIn.model_validate_json(described)
    except ValidationError as failure:
        first = refused_fields(failure.errors(include_input=False, include_url=False))[0]
        # Its cause would repeat what was sent.
        raise InvalidInput(first["field"] or "metadata", first["problem"]) from None
    media_type = (draft.media_type or content_type).partition(";")[0].strip().lower() or "application/octet-stream"
    created = draft.created or datetime.fromtimestamp(gateway.clock(), UTC)
    if created.tzinfo is None:
        raise InvalidInput("created", "a time with its zone")
    categories = categories_of(draft.categories)
    try:
        header = Header(media_type, int(categories), draft.title, created.astimezone(UTC))
    except (HeaderInvalid, OverflowError) as failure:
        raise InvalidInput("metadata", str(failure)) from failure
    supersedes = bytes.fromhex(draft.supersedes) if draft.supersedes else None
    return flow.Draft(Address(draft.patient), categories, header, supersedes)


def _shown(gateway: Gateway, viewer: Address, found: list[Listed]) -> list[RecordOut]:
    people = {person for one in found for person in (one.record.patient, one.record.author)}
    names = visible_names(gateway, viewer, people)
    return [
        RecordOut(
            digest=one.record.digest.hex(),
            patient=one.record.patient,
            patient_name=names.get(one.record.patient),
            author=one.record.author,
            author_name=names.get(one.record.author),
            categories=one.record.categories.labels(),
            state=one.state.name.lower(),
            anchored_at=one.anchored_at,
            superseded_by=one.record.successor.hex() if one.record.successor else None,
            cursor=cursor_of(one.record.position),
        )
        for one in found
    ]
