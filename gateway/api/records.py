"""Records: list, open, retract, answer; `deposits` is where they come in."""

import base64
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from gateway import flow, listing
from gateway.api.models import (
    ActOut,
    AddressField,
    DigestField,
    In,
    Out,
    PurposeName,
    purpose_of,
)
from gateway.api.paging import Cursor, Limit, Page, cursor_of, link_next, next_of, position_of
from gateway.batches.records import shared_slip
from gateway.erasure.tombstones import Tombstones
from gateway.errors import InvalidInput, KeyNotHeld, NotFound, NotPermitted, SlipMissing
from gateway.identity.names import visible_names
from gateway.listing import Listed
from gateway.reading import verdicts
from gateway.sending import send
from gateway.services import Gateway
from gateway.slips.slips import slip_for
from gateway.web.deps import CallerDep, CorrelationDep, ErrandDep, GatewayDep, SessionDep
from gateway.web.once import OnceRoute
from ledger.index_care import CareIndex
from ledger.types import Address, Subject
from offchain_store.digest import Cid
from offchain_store.errors import BlockMissing, InvalidName
from offchain_store.root import Root

router = APIRouter(prefix="/v1", tags=["records"], route_class=OnceRoute)
"""What handles content: a deposit keeps its own memory of what was done, and what is opened is remembered nowhere."""
opening = APIRouter(prefix="/v1", tags=["records"])
"""What gives records out: its answers are kept nowhere, so it is not among the requests that are remembered."""


class RecordOut(Out):
    """A record as the ledger knows it; nothing of what it says."""

    digest: str
    patient: str
    patient_name: str | None
    author: str
    author_name: str | None
    categories: list[str]
    state: str = Field(description="proposed, anchored, superseded, retracted, turned_down, taken_back or erased")
    anchored_at: int | None
    superseded_by: str | None
    signatures: int = Field(description="1: its author's alone; 2: a second one as well.")
    cosignature_awaited: bool = Field(description="The author has asked for a second signature.")
    cursor: str = Field(description="Where it stands in lists.")


class OpenIn(In):
    purpose: PurposeName = Field(description="One is always stated; nothing is assumed in its place.")


class EnvelopeOut(Out):
    """A record for a reader who opens it with keys of her own; `offchain_store/README.md` says how."""

    digest: str
    root: str = Field(description="The root block, base64.")
    slip: str = Field(description="The reader's key slip, base64.")
    slip_name: str = Field(description="What the slip is sealed for: the record's digest, or a compartment of a batch.")
    place: int | None = Field(
        default=None, description="If it is a compartment's: the record's place, from which its key follows."
    )
    chunks: list[str] = Field(description="CIDs of the chunks, to be got from `/v1/blocks/{cid}`.")


class AnswerIn(In):
    accepted: Annotated[bool, Field(strict=True)]


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


@opening.post(
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


@opening.post("/records/{digest}/envelope", summary="Get a record to open it elsewhere")
def envelope(
    digest: DigestField, body: OpenIn, gateway: GatewayDep, session: SessionDep, correlation: CorrelationDep
) -> EnvelopeOut:
    """The same decision and the same line in the log as for opening it here; for callers who keep their keys."""
    name = bytes.fromhex(digest)
    located, decision = flow.authorize(
        gateway, session.address, name, purpose=purpose_of(body.purpose), correlation=correlation
    )
    shared = shared_slip(gateway, session.address, name)
    slip = shared.slip if shared else slip_for(gateway, session.address, located, decision)
    if slip is None:
        raise SlipMissing(name, "you may read it, but the patient's key has not made a key slip for you yet")
    with verdicts(name):
        root = gateway.store.get(name)
        links = Root.decode(root).links
    return EnvelopeOut(
        digest=digest,
        root=base64.b64encode(root).decode(),
        slip=base64.b64encode(slip).decode(),
        slip_name=shared.name.hex() if shared else digest,
        place=shared.place if shared else None,
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


def _shown(gateway: Gateway, viewer: Address, found: list[Listed]) -> list[RecordOut]:
    people = {person for one in found for person in (one.record.patient, one.record.author)}
    names = visible_names(gateway, viewer, people)
    second = CareIndex(gateway.ledger_database).cosignatures_of([one.record.digest for one in found])
    erased = Tombstones(gateway.database, gateway.settings.data_dir).among([one.record.digest for one in found])
    return [
        RecordOut(
            digest=one.record.digest.hex(),
            patient=one.record.patient,
            patient_name=names.get(one.record.patient),
            author=one.record.author,
            author_name=names.get(one.record.author),
            categories=one.record.categories.labels(),
            state="erased" if one.record.digest in erased else one.state.name.lower(),
            anchored_at=one.anchored_at,
            superseded_by=one.record.successor.hex() if one.record.successor else None,
            signatures=2 if one.record.digest in second and second[one.record.digest].signer else 1,
            cosignature_awaited=one.record.digest in second and second[one.record.digest].awaited,
            cursor=cursor_of(one.record.position),
        )
        for one in found
    ]
