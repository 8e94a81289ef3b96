"""What has happened that concerns the caller."""

from fastapi import APIRouter, Request, Response
from pydantic import Field

from gateway.api.models import Out
from gateway.api.paging import Cursor, Limit, Page, cursor_of, link_next, next_of, position_of
from gateway.identity.names import visible_names
from gateway.notices.notify import notices, sentence
from gateway.web.deps import CallerDep, GatewayDep

router = APIRouter(prefix="/v1", tags=["notifications"])


class NoticeOut(Out):
    """Something that has happened."""

    cursor: str = Field(description="Its place; it also names the notice.")
    kind: str
    who: str
    about: str = Field(description="Digest, consent or prescription that it is about.")
    text: str = Field(description="For people; nothing of what a record says.")


@router.get("/notifications", summary="What concerns the caller")
def notifications(
    request: Request,
    response: Response,
    caller: CallerDep,
    gateway: GatewayDep,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[NoticeOut]:
    """New and proposed records, answers, consents, prescriptions; newest first."""
    found = notices(gateway, caller.address, limit, position_of(cursor))
    names = visible_names(gateway, caller.address, {one for notice in found for one in notice.people})
    following = next_of(found, limit, lambda notice: cursor_of(notice.position))
    link_next(request, response, following)
    items = [
        NoticeOut(
            cursor=cursor_of(notice.position),
            kind=notice.kind,
            who=notice.who,
            about=notice.about,
            text=sentence(notice, names),
        )
        for notice in found
    ]
    return Page(items=items, next=following)
