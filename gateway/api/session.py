"""Signing in and out."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from gateway.api.models import AddressField, In, Name, Out, Passphrase
from gateway.errors import NotPermitted, PassphraseWrong
from gateway.identity.names import visible_names
from gateway.identity.people import publish_card
from gateway.sending import Errand
from gateway.services import Gateway
from gateway.web.deps import COOKIE, GatewayDep, SessionDep, live_participant
from ledger.types import Address

router = APIRouter(prefix="/v1/session", tags=["session"])


class ChallengeIn(In):
    """Who wants to sign in with a wallet."""

    address: AddressField


class ChallengeOut(Out):
    """What to sign."""

    message: str = Field(description="EIP-4361 message, to be signed as it is (personal_sign).")


class WalletIn(In):
    """A signed challenge."""

    message: Annotated[str, Field(max_length=4000)]
    signature: Annotated[str, Field(pattern="^0x[0-9a-fA-F]{130}$")]


class PassphraseIn(In):
    """Sign-in with a keystore held here."""

    address: AddressField
    passphrase: Passphrase


class ChangeIn(In):
    """Another passphrase for the caller's keystore."""

    old: Passphrase
    new: Passphrase


class SessionOut(Out):
    """An open session."""

    token: str = Field(description="For `Authorization: Bearer`; also set as a cookie.")
    address: str
    expires_at: int = Field(description="When it ends whatever happens; idle ones end sooner.")


class Me(Out):
    """Who is signed in."""

    address: str
    name: Name | None
    roles: list[str]
    organization: str
    organization_name: str | None
    teams: list[str]
    key_held: bool = Field(description="Her keys are unlocked here; else she signs elsewhere.")
    expires_at: int


@router.post("/challenge", summary="Ask for a sign-in message")
def challenge(body: ChallengeIn, gateway: GatewayDep) -> ChallengeOut:
    """The message is good once and for five minutes."""
    return ChallengeOut(message=gateway.auth.challenge(Address(body.address)))


@router.post("/wallet", summary="Sign in with a wallet", status_code=201)
def wallet(body: WalletIn, request: Request, response: Response, gateway: GatewayDep) -> SessionOut:
    """EIP-4361. The gateway holds no key of the caller's."""
    address = gateway.auth.wallet(body.message, body.signature, client=_client(request))
    live_participant(gateway, address)
    return _opened(gateway, response, address, gateway.sessions.open(address, None))


@router.post("/passphrase", summary="Sign in with a passphrase", status_code=201)
def passphrase(body: PassphraseIn, request: Request, response: Response, gateway: GatewayDep) -> SessionOut:
    """For keystores held here. The keys are unlocked in memory until the session ends."""
    identity = gateway.auth.passphrase(Address(body.address), body.passphrase, client=_client(request))
    live_participant(gateway, identity.address)
    token = gateway.sessions.open(identity.address, identity)
    publish_card(gateway, identity, Errand.new())
    return _opened(gateway, response, identity.address, token)


@router.get("", summary="Who is signed in")
def me(gateway: GatewayDep, session: SessionDep) -> Me:
    participant = live_participant(gateway, session.address)
    names = visible_names(gateway, session.address, [session.address, participant.organization])
    return Me(
        address=session.address,
        name=session.identity.name if session.identity else names.get(session.address),
        roles=participant.roles.labels(),
        organization=participant.organization,
        organization_name=names.get(participant.organization),
        teams=list(gateway.index.teams_of(session.address)),
        key_held=session.identity is not None,
        expires_at=session.ends_at,
    )


@router.delete("", summary="Sign out", status_code=204)
def sign_out(gateway: GatewayDep, session: SessionDep, response: Response) -> None:
    gateway.sessions.close(session.token_hash)
    response.delete_cookie(COOKIE)


@router.delete("/all", summary="Sign out everywhere", status_code=204)
def sign_out_everywhere(gateway: GatewayDep, session: SessionDep, response: Response) -> None:
    """Ends every session of the caller's."""
    gateway.sessions.close_all(session.address)
    response.delete_cookie(COOKIE)


@router.put("/passphrase", summary="Change the passphrase", status_code=204)
def change_passphrase(body: ChangeIn, request: Request, gateway: GatewayDep, session: SessionDep) -> None:
    """Other sessions go on; sign out everywhere to end them."""
    if session.identity is None:
        raise NotPermitted("your keystore is not here")
    try:
        gateway.keystore.change_passphrase(session.address, body.old, body.new)
    except PassphraseWrong as failure:
        raise NotPermitted("the old passphrase is another one") from failure


def _opened(gateway: Gateway, response: Response, address: Address, token: str) -> SessionOut:
    session = gateway.sessions.find(token)
    response.set_cookie(
        COOKIE,
        token,
        max_age=gateway.settings.session_absolute_seconds,
        httponly=True,
        samesite="strict",
        secure=gateway.settings.origin.startswith("https:"),
        path="/",
    )
    return SessionOut(token=token, address=address, expires_at=session.ends_at)


def _client(request: Request) -> str:
    return request.client.host if request.client else "unknown"
