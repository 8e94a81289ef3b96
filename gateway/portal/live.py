"""Live updates: an open page hears by server-sent events of what concerns its person, within two seconds.

The stream carries sentences, never what a record says. It reconnects by itself (`Last-Event-ID`), and being open keeps
no session alive.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from html import escape

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from gateway.api.paging import cursor_of, position_of
from gateway.errors import InvalidInput
from gateway.notices.notify import Notice, notices
from gateway.portal import wording
from gateway.portal.view import View, ViewDep
from ledger.codes import Role
from ledger.positions import Position

router = APIRouter()

_EVERY = 0.4
"""Seconds between two looks."""
_ALIVE = 15.0
"""Seconds of silence after which a line without meaning shows that the connection stands."""
_MOST = 20


@router.get("/events")
def events(view: ViewDep, request: Request) -> StreamingResponse:
    """What happens from now on, or has happened since the event that the browser saw last."""
    stream = _stream(view, _last_seen(request))
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _stream(view: View, since: Position | None) -> AsyncIterator[str]:
    gateway, session = view.gateway, view.person.session
    beat = await run_in_threadpool(view.portal.pulse.beat, gateway)
    seen = {_name(one) for one in await run_in_threadpool(_newest, view) if since is None or one.position <= since}
    looked = await run_in_threadpool(_newest_look, view)
    said = time.monotonic()
    yield "retry: 1000\n\n"
    while not (view.portal.closing.is_set() or await view.request.is_disconnected()):
        if not await run_in_threadpool(gateway.sessions.is_live, session.token_hash):
            yield _event("ended", "", escape(view.say("Your session has ended. Sign in again to go on.")))
            return
        last, beat = beat, await run_in_threadpool(view.portal.pulse.beat, gateway)
        if beat != last or since is not None:
            since = None  # what was missed while the browser was away is said once
            for one in reversed(await run_in_threadpool(_newest, view)):
                if _name(one) not in seen:
                    seen.add(_name(one))
                    said = time.monotonic()
                    yield _event("notice", cursor_of(one.position), await run_in_threadpool(_sentence, view, one))
            newest = await run_in_threadpool(_newest_look, view)
            if newest > looked:
                looked, said = newest, time.monotonic()
                yield _event("looked", "", escape(view.say("Somebody looked at your records, or tried to.")))
        if time.monotonic() - said > _ALIVE:
            said = time.monotonic()
            yield ": still here\n\n"
        await asyncio.sleep(_EVERY)


def _newest(view: View) -> list[Notice]:
    return notices(view.gateway, view.address, _MOST)


def _newest_look(view: View) -> int:
    """The newest line of the access log about her by somebody else; -1: none."""
    if not view.person.roles & Role.PATIENT:
        return -1
    lines = view.gateway.log.page(patients=[view.address], limit=_MOST)
    return max((line.seq for line in lines if line.attempt.reader != view.address), default=-1)


def _sentence(view: View, one: Notice) -> str:
    """As markup, escaped: names may hold anything."""
    return f"<p>{escape(wording.notice(view.language, one, view.names(*one.people)))}</p>"


def _name(one: Notice) -> tuple[Position, str, str]:
    return one.position, one.kind, one.about


def _event(kind: str, id: str, data: str) -> str:
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {kind}\n" + (f"id: {id}\n" if id else "") + lines + "\n"


def _last_seen(request: Request) -> Position | None:
    try:
        return position_of(request.headers.get("last-event-id") or None)
    except InvalidInput:
        return None
