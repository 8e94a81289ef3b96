"""Proposals: what others wrote about the caller without her leave, until she accepts it or turns it down."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from gateway.api.models import ActOut, DigestField, In, Out, hexed
from gateway.api.paging import Cursor, Limit, Page, link_next, next_of, place_cursor, place_of
from gateway.consents import proposals
from gateway.consents.proposals import Proposal
from gateway.identity.names import visible_names
from gateway.notices.sentences import kinds, short
from gateway.services import Gateway
from gateway.web.deps import CallerDep, ErrandDep, GatewayDep
from gateway.web.once import OnceRoute
from ledger.types import Address

router = APIRouter(prefix="/v1/proposals", tags=["proposals"], route_class=OnceRoute)


class ProposalOut(Out):
    """A record that waits for the caller's answer; nothing of what it says."""

    digest: str
    author: str
    author_name: str | None
    categories: list[str]
    batch: str | None = Field(description="Root of the batch that it came in; null: it came by itself.")
    cursor: str = Field(description="Where it stands in the list.")
    sentence: str = Field(description="The same for people.")


class ReplyIn(In):
    accepted: Annotated[bool, Field(strict=True, description="false: turned down.")]


@router.get("", summary="What waits for the caller's answer")
def waiting(
    request: Request,
    response: Response,
    caller: CallerDep,
    gateway: GatewayDep,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ProposalOut]:
    """Records by authors whom she has not let write: one by one, and those of batches. Newest first."""
    found = proposals.proposals_to(gateway, caller.address, limit, place_of(cursor))
    following = next_of(found, limit, lambda one: place_cursor(one.place))
    link_next(request, response, following)
    return Page(items=shown_proposals(gateway, caller.address, found), next=following)


@router.get("/{digest}", summary="One proposal")
def one(digest: DigestField, caller: CallerDep, gateway: GatewayDep) -> ProposalOut:
    found = proposals.proposal(gateway, caller.address, bytes.fromhex(digest))
    return shown_proposals(gateway, caller.address, [found])[0]


@router.post("/{digest}/answer", summary="Accept a proposal, or turn it down")
def answer(digest: DigestField, body: ReplyIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """By the patient. What she accepts counts as hers; what she turns down nobody but she and its author can open."""
    entry = proposals.answer(gateway, caller.identity, caller.address, bytes.fromhex(digest), body.accepted, errand)
    return ActOut.of(entry)


def shown_proposals(gateway: Gateway, viewer: Address, found: list[Proposal]) -> list[ProposalOut]:
    """Proposals as the viewer may see them."""
    names = visible_names(gateway, viewer, {one.author for one in found})
    return [
        ProposalOut(
            digest=one.digest.hex(),
            author=one.author,
            author_name=names.get(one.author),
            categories=one.categories.labels(),
            batch=hexed(one.batch) if one.batch else None,
            cursor=place_cursor(one.place),
            sentence=f"{names.get(one.author) or short(one.author)} proposes a record about you "
            f"({kinds(one.categories)}): it counts once you accept it.",
        )
        for one in found
    ]
