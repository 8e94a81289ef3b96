"""The gateway over HTTP: `create_app` makes the app from a running gateway.

>>> with open_gateway(Settings()) as gateway:
...     uvicorn.run(create_app(gateway))
"""

from collections.abc import Sequence
from importlib.metadata import version

from fastapi import APIRouter, FastAPI

from gateway.api import (
    access_log,
    acting,
    acts,
    breakglass,
    consents,
    cosignatures,
    delegations,
    deposits,
    erasure,
    evidence,
    export,
    health,
    notifications,
    participants,
    proposals,
    questions,
    records,
    retention,
    session,
    teams,
)
from gateway.portal import site
from gateway.services import Gateway
from gateway.web import problems
from gateway.web.middleware import Guard

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
    proposals.router,
    consents.router,
    delegations.router,
    acting.router,
    questions.router,
    cosignatures.router,
    access_log.router,
    evidence.router,
    breakglass.router,
    breakglass.reading,
    export.router,
    erasure.router,
    retention.router,
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
    site.mount(app, gateway)
    app.add_middleware(Guard, gateway=gateway)
    return app
