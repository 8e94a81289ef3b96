"""The headers of the portal's answers: no style and no script but this site's own, and nothing kept by caches."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""No script and no style inside a page: markup that slipped in could do nothing."""

INLINE_DOCUMENT = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; object-src 'self'; frame-ancestors 'self'"
)
"""For a PDF that a page of this site shows in a frame; browsers' viewers bring a style of their own."""


class Headers:
    """Puts them on, where a page has not chosen its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_out(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", POLICY)
                # Not "no-referrer": browsers then send forms without their origin, and it is checked.
                headers.setdefault("Referrer-Policy", "same-origin")
                kept = "/static/" in scope["path"]
                headers.setdefault("Cache-Control", "no-cache" if kept else "no-store")
            await send(message)

        await self._app(scope, receive, send_out)
