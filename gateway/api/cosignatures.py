"""Second signatures under records: asked for by the author, given by the other side, shown as one or two."""

from fastapi import APIRouter, Request, Response
from pydantic import Field

from gateway import listing
from gateway.api.models import ActOut, DigestField, Out
from gateway.api.paging import Cursor, Limit, Page, link_next, next_of, position_of
from gateway.consents import cosigning
from gateway.errors import NotFound
from gateway.identity.names import visible_names
from gateway.services import Gateway
from gateway.web.deps import Caller, CallerDep, ErrandDep, GatewayDep
from gateway.web.once import OnceRoute
from ledger.index_care import CareIndex

router = APIRouter(prefix="/v1", tags=["records"], route_class=OnceRoute)


class SignaturesOut(Out):
    """Who has signed a record."""

    digest: str
    count: int = Field(description="1: its author alone; 2: both.")
    awaited: bool = Field(description="The author has asked for a second signature.")
    author: str | None
    author_name: str | None
    anchored_at: int
    cosigner: str | None
    cosigner_name: str | None
    cosigned_at: int | None
    sentence: str = Field(description="The same for people.")


@router.get("/records/{digest}/signatures", summary="Who has signed a record")
def signatures(digest: DigestField, caller: CallerDep, gateway: GatewayDep) -> SignaturesOut:
    """To whoever may know of the record, as the ledger has it now."""
    _require_visible(gateway, caller, digest)
    return _shown(gateway, caller, bytes.fromhex(digest))


@router.post("/records/{digest}/await-cosignature", summary="Ask for a second signature")
def await_second(digest: DigestField, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """By the author: the record says from now on that it needs one."""
    _require_visible(gateway, caller, digest)
    return ActOut.of(cosigning.await_second(gateway, caller.identity, bytes.fromhex(digest), errand))


@router.post("/records/{digest}/cosign", summary="Sign a record as the second")
def cosign(digest: DigestField, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """By the patient; under what she wrote herself, by a writer whom she lets write. No delegate signs for her."""
    _require_visible(gateway, caller, digest)
    return ActOut.of(cosigning.cosign(gateway, caller.identity, bytes.fromhex(digest), errand))


@router.get("/cosignatures", summary="What waits for the caller's signature")
def awaited(
    request: Request,
    response: Response,
    caller: CallerDep,
    gateway: GatewayDep,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SignaturesOut]:
    """Records about her whose authors ask her to sign them, newest first."""
    index = CareIndex(gateway.ledger_database)
    found = index.awaiting_cosignature(caller.address, limit, position_of(cursor))
    following = next_of(found, limit, lambda digest: _cursor(index, digest))
    link_next(request, response, following)
    return Page(items=[_shown(gateway, caller, digest) for digest in found], next=following)


def _cursor(index: CareIndex, digest: bytes) -> str:
    position = index.cosignatures_of([digest])[digest].position
    return f"{position[0]}-{position[1]}"


def _require_visible(gateway: Gateway, caller: Caller, digest: str) -> None:
    found = gateway.index.record(bytes.fromhex(digest))
    if found is None or not listing.visible(gateway, caller.address, found.patient, [found]):
        raise NotFound("no such record, or not for you to know of")


def _shown(gateway: Gateway, caller: Caller, digest: bytes) -> SignaturesOut:
    found = cosigning.signatures(gateway, digest)
    names = visible_names(gateway, caller.address, {one for one in (found.author, found.cosigner) if one})
    return SignaturesOut(
        digest=digest.hex(),
        count=found.count,
        awaited=found.awaited,
        author=found.author,
        author_name=names.get(found.author) if found.author else None,
        anchored_at=found.anchored_at,
        cosigner=found.cosigner,
        cosigner_name=names.get(found.cosigner) if found.cosigner else None,
        cosigned_at=found.cosigned_at or None,
        sentence=cosigning.sentence(found, names),
    )
