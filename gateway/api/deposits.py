"""Where records come in: the content streams through, and is sealed as it comes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, BinaryIO, cast
from urllib.parse import unquote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, ValidationError
from starlette.concurrency import run_in_threadpool

from gateway import flow
from gateway.api.models import (
    ActOut,
    AddressField,
    CategoryNames,
    DigestField,
    In,
    Out,
    categories_of,
)
from gateway.consents import cosigning
from gateway.errors import InvalidInput
from gateway.selfcustody.records import prepare_deposit
from gateway.sending import Errand
from gateway.services import Gateway
from gateway.web.bodies import Body, Multipart
from gateway.web.deps import Caller, CallerDep, ErrandDep, GatewayDep, request_key
from gateway.web.once import replayed
from gateway.web.problems import refused_fields
from ledger.types import Address, Subject
from offchain_store.digest import Cid
from offchain_store.errors import HeaderInvalid
from offchain_store.record import Header

router = APIRouter(prefix="/v1", tags=["records"])


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
    needs_cosignature: bool = Field(
        default=False, description="Such as a session's summary: it counts as agreed once the other side has signed it."
    )


class DepositedOut(Out):
    """A record that was sealed and put, and the act that anchors it."""

    digest: str
    cid: str = Field(description="The same name as IPFS writes it.")
    proposed: bool = Field(description="The patient has not let the author write: it counts once she accepts it.")
    act: ActOut


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
            "name": "needs_cosignature",
            "in": "query",
            "schema": {"type": "boolean"},
            "description": "Unless the body is multipart: ask for a second signature under it.",
        },
        {
            "name": "Record-Title",
            "in": "header",
            "schema": {"type": "string"},
            "description": "Unless the body is multipart: one line, percent-encoded UTF-8; it is sealed.",
        },
    ],
}


@router.post(
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
    described, content_type, content = await _taken(request, gateway)
    draft, needs_cosignature = _draft(gateway, described, content_type)
    mac = gateway.requests.new_mac(described)
    body = Body(content, most=gateway.settings.max_record_bytes, mac=mac)
    deposit = _Deposit(gateway, caller, draft, errand, needs_cosignature)
    return await run_in_threadpool(_deposit_once, request, deposit, body)


class PreparedDepositOut(Out):
    """A record that was sealed and put, and what its author has to sign so that it is anchored."""

    digest: str
    cid: str = Field(description="The same name as IPFS writes it.")
    proposed: bool = Field(description="The patient has not let the author write: it counts once she accepts it.")
    transaction: dict[str, Any] = Field(description="Unsigned, for eth_signTransaction; then `/v1/acts/submit`.")


@router.post("/records/prepare", summary="Seal a record whose author signs elsewhere", openapi_extra=_DEPOSIT_BODY)
async def prepare(request: Request, gateway: GatewayDep, caller: CallerDep) -> PreparedDepositOut:
    """As a deposit, for callers who keep their keys: what is sealed counts once the transaction is mined."""
    described, content_type, content = await _taken(request, gateway)
    draft, needs_cosignature = _draft(gateway, described, content_type)
    if needs_cosignature:
        raise InvalidInput("needs_cosignature", "ask for the second signature once the record is anchored")
    body = Body(content, most=gateway.settings.max_record_bytes, mac=gateway.requests.new_mac(described))
    source = cast(BinaryIO, body)
    done = await run_in_threadpool(prepare_deposit, gateway, caller.address, draft, source)
    cid = str(Cid.root(done.digest))
    return PreparedDepositOut(digest=done.digest.hex(), cid=cid, proposed=done.proposed, transaction=done.transaction)


async def _taken(request: Request, gateway: Gateway) -> tuple[bytes, str, AsyncIterator[bytes]]:
    """Metadata, media type and content of a deposit, in whichever of its two forms."""
    content_type = request.headers.get("content-type", "")
    if not content_type.lower().startswith("multipart/form-data"):
        return _described(request), content_type, request.stream()
    parts = Multipart(content_type, request.stream(), most_metadata=gateway.settings.max_json_bytes)
    described = await parts.metadata()
    return described, parts.content_type(), parts.content()


@dataclass(frozen=True, slots=True)
class _Deposit:
    """What one request is to do."""

    gateway: Gateway
    caller: Caller
    draft: flow.Draft
    errand: Errand
    needs_cosignature: bool

    def make(self, body: Body, **more: Any) -> Response:
        """Deposit, and ask for the second signature."""
        gateway, author = self.gateway, self.caller.identity
        result = flow.deposit(gateway, author, self.draft, cast(BinaryIO, body), self.errand, **more)
        if self.needs_cosignature:
            subject = Subject(self.draft.patient, self.draft.categories)
            cosigning.await_second_with(gateway, author, result.digest, subject, self.errand)
        return _deposited(result)


def _deposit_once(request: Request, deposit: _Deposit, body: Body) -> Response:
    """Deposit; under an idempotency key only once, going on where an earlier try was cut off."""
    gateway = deposit.gateway
    key = request_key(gateway, request, deposit.caller.address)
    if key is None:
        return deposit.make(body)
    with gateway.requests.at_work(key):
        sealed_before = None
        if gateway.requests.is_known(key):
            known = gateway.requests.find(key, body.digest())
            if known and known.answer:
                return replayed(*known.answer)
            sealed_before = known.sealed if known else None
        response = deposit.make(
            body,
            sealed_before=sealed_before,
            on_sealed=lambda digest: gateway.requests.remember_sealed(key, body.digest(), digest),
        )
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
    plain = ("patient", "supersedes", "needs_cosignature")
    draft: dict[str, Any] = {name: query[name] for name in plain if name in query}
    draft["categories"] = [name for name in query.get("categories", "").split(",") if name]
    title = request.headers.get("record-title")
    if title is not None:
        draft["title"] = unquote(title)
    return DraftIn.model_construct(**draft).model_dump_json(exclude_unset=True, warnings=False).encode()


def _draft(gateway: Gateway, described: bytes, content_type: str) -> tuple[flow.Draft, bool]:
    """The draft, and whether it needs a second signature."""
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
    return flow.Draft(Address(draft.patient), categories, header, supersedes), draft.needs_cosignature
