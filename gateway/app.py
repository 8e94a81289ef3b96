"""The gateway over HTTP: `create_app` makes the app from a running gateway.

>>> with open_gateway(Settings()) as gateway:
...     uvicorn.run(create_app(gateway))
"""

from collections.abc import Sequence
from importlib.metadata import version

from fastapi import APIRouter, FastAPI

from gateway import problems
from gateway.api import (
    access_log,
    acts,
    consents,
    deposits,
    health,
    notifications,
    participants,
    records,
    session,
    teams,
)
from gateway.middleware import Guard
from gateway.services import Gateway

_DESCRIPTION = """
A record is **sealed** for the patient, **put** into a content-addressed store, and its digest **anchored** on an
Ethereum ledger. A patient's **consent** on the same ledger decides who may **open** it, for what purpose and until
when. Whoever opens it leaves a line in an access log that the patient can read.

Sign in first (`/v1/session`); send the token as `Authorization: Bearer`. Every write takes an `Idempotency-Key` and
answers once the ledger has it, or with 202 when that takes longer than the caller cares to wait (`Prefer: wait=5`,
`Prefer: respond-async`). Errors are problem+json (RFC 9457). Times are seconds since 1970; addresses EIP-55; digests 64
hexadecimal digits.
"""

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    session.router,
    participants.router,
    teams.router,
    records.router,
    records.opening,
    deposits.router,
    consents.router,
    access_log.router,
    notifications.router,
    acts.router,
)
"""What every gateway serves."""


def create_app(gateway: Gateway, *, routers: Sequence[APIRouter] = ()) -> FastAPI:
    """The app of a running gateway.

    Args:
        routers: what else it is to serve.
    """
    app = FastAPI(
        title="Consent ledger",
        version=version("consent-ledger"),
        description=_DESCRIPTION,
        docs_url="/docs",
        redoc_url=None,
    )
    app.state.gateway = gateway
    problems.install(app)
    for router in (*ROUTERS, *routers):
        app.include_router(router)
    app.add_middleware(Guard, gateway=gateway)
    return app
