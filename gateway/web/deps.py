"""What the API's functions ask for: the gateway, who is calling, and what the request carries along."""

import re
from dataclasses import dataclass
from secrets import token_hex
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import Depends, Header, Query, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from gateway.errors import InvalidInput, KeyNotHeld, NotPermitted, NotSignedIn
from gateway.identity.keystore import Identity
from gateway.identity.sessions import Session
from gateway.located import PROFESSIONAL
from gateway.sending import Errand
from gateway.services import Gateway
from ledger.codes import Role
from ledger.types import Address, Participant

COOKIE = "consent_ledger_session"

_bearer = HTTPBearer(auto_error=False, description="The token that signing in gives.")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="The same token, as browsers keep it.")
_WAIT = re.compile(r"\bwait(?:=(\d{1,4}))?\b")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling: signed in, registered, and neither she nor her organization is suspended at this moment."""

    session: Session
    participant: Participant

    @property
    def address(self) -> Address:
        return self.session.address

    @property
    def roles(self) -> Role:
        return self.participant.roles

    @property
    def identity(self) -> Identity:
        """Her unlocked keys.

        Raises:
            KeyNotHeld: she signs elsewhere.
        """
        if self.session.identity is None:
            raise KeyNotHeld
        return self.session.identity

    def require_role(self, anyof: Role) -> None:
        """Raises:
        NotPermitted: the caller holds none of the roles.
        """
        if not self.roles & anyof:
            raise NotPermitted(f"this is for: {', '.join(anyof.labels())}")


def gateway_of(request: Request) -> Gateway:
    """The gateway that this app serves."""
    gateway: Gateway = request.app.state.gateway
    return gateway


async def _gateway(request: Request) -> Gateway:  # async, because it needs no thread of its own
    return gateway_of(request)


GatewayDep = Annotated[Gateway, Depends(_gateway)]


def token_of(request: Request) -> str | None:
    """The session token of a request, if it has one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return request.cookies.get(COOKIE)


def session_of(
    request: Request,
    gateway: GatewayDep,
    _bearer_token: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None,
    _cookie_token: Annotated[str | None, Depends(_cookie)] = None,
) -> Session:
    """The caller's session; whether the ledger has suspended her is not asked.

    Raises:
        NotSignedIn
    """
    token = token_of(request)
    if token is None:
        raise NotSignedIn("sign in first")
    session = gateway.sessions.find(token)
    request.state.caller = session.address
    return session


SessionDep = Annotated[Session, Depends(session_of)]


def caller_of(gateway: GatewayDep, session: SessionDep) -> Caller:
    """The caller, as the ledger sees her now.

    Raises:
        NotSignedIn
        NotPermitted: not registered, or suspended.
    """
    return Caller(session, live_participant(gateway, session.address))


CallerDep = Annotated[Caller, Depends(caller_of)]


def live_participant(gateway: Gateway, address: Address) -> Participant:
    """A participant whom the chain, now, lets act.

    Raises:
        NotPermitted: not registered, or suspended.
    """
    participant = gateway.ledger.participant(address)
    if participant is None:
        raise NotPermitted("you are not registered on this ledger: an organization registers you")
    if participant.suspended:
        raise NotPermitted("you are suspended: ask your organization")
    if participant.roles & PROFESSIONAL and participant.organization != address:
        organization = gateway.ledger.participant(participant.organization)
        if organization is None or organization.suspended:
            # A suspended organization's staff keep what they may as patients.
            patient_alone = participant.roles & Role.PATIENT
            if not patient_alone:
                raise NotPermitted("your organization is suspended")
    return participant


async def correlation_of(
    request: Request,
    gateway: GatewayDep,
    session: SessionDep,
    x_correlation_id: Annotated[
        UUID | None, Header(description="Names the activity from its start to its end; made up if absent.")
    ] = None,
) -> str:
    """The activity that the request belongs to; a request repeated under its idempotency key is the same one."""
    key = request_key(gateway, request, session.address)
    correlation = str(x_correlation_id or (UUID(bytes=key[:16], version=4) if key else uuid4()))
    request.state.correlation = correlation
    return correlation


CorrelationDep = Annotated[str, Depends(correlation_of)]


def errand_of(
    request: Request,
    gateway: GatewayDep,
    session: SessionDep,
    correlation: CorrelationDep,
    prefer: Annotated[
        str | None, Header(description="`wait=5` waits so many seconds for the ledger, `respond-async` not at all.")
    ] = None,
    wait: Annotated[bool | None, Query(description="Whether to wait until the ledger has it.")] = None,
    _idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            max_length=255,
            description="Of the client's choice: the same request under the same key is done once.",
        ),
    ] = None,
) -> Errand:
    """What the request carries along: correlation, idempotency key, patience."""
    most = gateway.settings.wait_seconds
    seconds = most
    if prefer:
        found = _WAIT.search(prefer)
        if "respond-async" in prefer:
            seconds = 0.0
        elif found and found.group(1):
            seconds = min(float(found.group(1)), most)
    if wait is not None:
        seconds = most if wait else 0.0
    key = request_key(gateway, request, session.address)
    return Errand(correlation, key.hex() if key else token_hex(32), seconds)


ErrandDep = Annotated[Errand, Depends(errand_of)]


def request_key(gateway: Gateway, request: Request, caller: Address) -> bytes | None:
    """The name under which a request is remembered, and its acts too; None: it has no idempotency key.

    Raises:
        InvalidInput
    """
    chosen = idempotency_key_of(request)
    if chosen is None:
        return None
    return gateway.requests.key(caller, request.method, f"{request.url.path}?{request.url.query}", chosen)


def idempotency_key_of(request: Request) -> str | None:
    """The idempotency key of a request, if it has one.

    Raises:
        InvalidInput: empty, too long, or not printable ASCII.
    """
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
        raise InvalidInput("Idempotency-Key", "1 to 255 printable ASCII characters")
    return key
