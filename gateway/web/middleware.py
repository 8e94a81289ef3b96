"""What every request passes: its id, a limit on its size, no writes from other sites, headers by the book, a log line
without a word of health data."""

import logging
import time
from urllib.parse import urlsplit
from uuid import uuid4

from fastapi import HTTPException
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.errors import BodyTooLarge
from gateway.portal.problem_pages import refusal_page
from gateway.portal.sent import PREFIX
from gateway.services import Gateway
from gateway.web.deps import COOKIE
from gateway.web.problems import PROBLEMS, Kind, problem

log = logging.getLogger("gateway.access")

_SAFE = ("GET", "HEAD", "OPTIONS")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), payment=()",
}
_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
_LARGE = frozenset({("POST", "/v1/records")})
"""Where a body may be as large as a record."""
_WITH_FILES = frozenset({"/portal/doctor/file", "/portal/laboratory/results", "/portal/researcher/projections"})
"""Forms of the portal that bring files along: they say themselves what is too much, in a page (`max_form_bytes`)."""


class Guard:
    """The app's outermost layer."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request = Request(scope, receive)
        request.state.request_id = str(uuid4())
        status = 500
        begun = False

        async def send_out(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                begun = True
                status = message["status"]
                self._add_headers(request, MutableHeaders(scope=message))
            await send(message)

        limit = self._limit(scope)
        refusal = _foreign_write(request.headers, scope, self._gateway.settings.origin) or _too_large(
            request.headers, limit
        )
        try:
            if refusal is not None:
                await (await _answer(request, *refusal))(scope, receive, send_out)
            else:
                await self._app(scope, _counted(receive, limit), send_out)
        except Exception as failure:
            # The last resort: neither the message nor the values of an unforeseen failure leave this process.
            log.error("unforeseen %s in request %s", type(failure).__name__, request.state.request_id, exc_info=failure)
            if begun:
                raise
            kind = Kind(500, "unforeseen", "The gateway failed")
            answer = await _answer(request, kind, "an unforeseen failure; its request id is in the log")
            await answer(scope, receive, send_out)
        finally:
            log.info(
                "request %s",
                request.state.request_id,
                extra={
                    "method": scope["method"],
                    "route": getattr(scope.get("route"), "path", ""),
                    "status": status,
                    "seconds": round(time.perf_counter() - started, 4),
                    "correlation": getattr(request.state, "correlation", None),
                },
            )

    def _limit(self, scope: Scope) -> int:
        settings = self._gateway.settings
        if scope["method"] == "POST" and scope["path"] in _WITH_FILES:
            return settings.max_record_bytes + settings.max_json_bytes
        large = (scope["method"], scope["path"]) in _LARGE
        return settings.max_record_bytes + settings.max_json_bytes if large else settings.max_json_bytes

    def _add_headers(self, request: Request, headers: MutableHeaders) -> None:
        headers["X-Request-Id"] = request.state.request_id
        correlation = getattr(request.state, "correlation", None)
        if correlation:
            headers["X-Correlation-Id"] = correlation
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        if request.url.path.startswith("/v1"):
            headers.setdefault("Cache-Control", "no-store")
            headers.setdefault("Content-Security-Policy", _POLICY)
        if self._gateway.settings.origin.startswith("https:"):
            headers["Strict-Transport-Security"] = "max-age=31536000"


async def _answer(request: Request, kind: Kind, detail: str) -> ASGIApp:
    """A problem in the form that whoever asked can read: a page of the portal, or problem+json."""
    if request.url.path.startswith(PREFIX):
        return await run_in_threadpool(refusal_page, request, kind)
    return problem(request, kind, detail)


def _foreign_write(headers: Headers, scope: Scope, origin: str) -> tuple[Kind, str] | None:
    """A write that another site makes a browser send with this site's cookie."""
    if scope["method"] in _SAFE or COOKIE not in headers.get("cookie", "") or headers.get("authorization"):
        return None
    sent = headers.get("origin")
    here = sent is None or sent == origin or urlsplit(sent).netloc == headers.get("host")
    if here and headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none"):
        return None
    return Kind(403, "foreign-origin", "Written from another site"), "writes come from this gateway's own pages"


def _too_large(headers: Headers, limit: int) -> tuple[Kind, str] | None:
    declared = headers.get("content-length", "0")
    if not (declared.isascii() and declared.isdigit()):
        return Kind(400, "bad-request", "Bad request"), "Content-Length is no number"
    if int(declared[:20]) > limit:
        return PROBLEMS[BodyTooLarge], str(BodyTooLarge(limit))
    return None


def _counted(receive: Receive, limit: int) -> Receive:
    """The body as it comes in, cut off where it exceeds the limit, whatever length was declared."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > limit:
                # Of this class, because FastAPI turns every other one into "400, cannot parse the body".
                raise HTTPException(413, str(BodyTooLarge(limit)))
        return message

    return counted
