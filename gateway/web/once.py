"""Routes that do a request once: under an idempotency key the same request gets the same answer, another is refused."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from gateway.errors import NotSignedIn
from gateway.services import Gateway
from gateway.web.deps import gateway_of, request_key, token_of

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_SAFE = ("GET", "HEAD", "OPTIONS")


class OnceRoute(APIRoute):
    """A route whose writes are done once under an `Idempotency-Key`."""

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()

        async def once(request: Request) -> Response:
            if request.method in _SAFE or "idempotency-key" not in request.headers:
                return await handler(request)
            gateway = gateway_of(request)
            key = await run_in_threadpool(_key, gateway, request)
            if key is None:
                return await handler(request)
            body = gateway.requests.mac(await request.body())
            with gateway.requests.at_work(key):
                known = await run_in_threadpool(gateway.requests.find, key, body)
                if known and known.answer:
                    status, content = known.answer
                    return replayed(status, content)
                response = await handler(request)
                await run_in_threadpool(
                    gateway.requests.remember_answer, key, body, response.status_code, bytes(response.body)
                )
                return response

        return once


def _key(gateway: Gateway, request: Request) -> bytes | None:
    token = token_of(request)
    if token is None:
        return None
    try:
        return request_key(gateway, request, gateway.sessions.find(token).address)
    except NotSignedIn:
        return None  # the route's own check answers


def replayed(status: int, content: bytes) -> Response:
    """An answer given again."""
    headers = {"Idempotency-Replayed": "true"}
    return Response(content or None, status, headers, media_type="application/json" if content else None)
