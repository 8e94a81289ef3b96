"""Signing in and out, and the reader's language."""

from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from gateway import demo_people
from gateway.errors import InvalidInput, NotSignedIn, TooManyAttempts
from gateway.identity.people import publish_card
from gateway.portal import wording
from gateway.portal.areas import areas_of
from gateway.portal.explaining import explain
from gateway.portal.forms import FormDep, is_ours, sent_form
from gateway.portal.language import mark
from gateway.portal.problem_pages import signed_in_again
from gateway.portal.sent import PREFIX, Sent, local_path
from gateway.portal.view import LANGUAGE, BestDep, View, ViewDep, VisitorDep, set_cookie, visitor_view
from gateway.sending import Errand
from gateway.services import Gateway
from gateway.web.deps import COOKIE, Caller, live_participant
from ledger.types import Address, address_of

router = APIRouter()

_YEAR = 365 * 86_400
_KEPT = "kept."
"""Before the names of an interrupted form's fields in the sign-in form."""
_WRONG = mark("There is no such person here, or the passphrase is another one.")
_OLD_PAGE = mark("This page was open for too long. Try once more.")


@router.get("/")
def start(view: BestDep) -> Response:
    """Where everybody begins: her own home, or the sign-in page."""
    areas = view.areas
    if view.caller is not None:
        return view.redirect(areas[0].links[0].path if areas else f"{PREFIX}/nothing")
    return _sign_in_page(view)


@router.get("/nothing")
def nothing(view: ViewDep) -> Response:
    """For those whose roles have no pages yet: organizations manage their people by the command line."""
    return view.page("nothing.html", roles=wording.roles(view.language, view.person.roles))


@router.get("/sign-in")
def sign_in_page(view: VisitorDep, to: str = "") -> Response:
    """The sign-in page."""
    return _sign_in_page(view, to=local_path(to) or "")


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Sign in, as a demo person or with a passphrase. Whatever session the browser had is ended: a new one, a new
    token."""
    return await run_in_threadpool(_sign_in, request, await sent_form(request))


def _sign_in(request: Request, sent: Sent) -> Response:
    view = visitor_view(request)
    kept = _kept(sent)
    to = local_path(sent.one("to")) or ""
    if not is_ours(view, sent):
        return _sign_in_page(view, to=to, kept=kept, problem=view.say(_OLD_PAGE), status=403)
    try:
        signed_in, token = _open(view, sent)
    except (NotSignedIn, InvalidInput):
        return _sign_in_page(view, to=to, kept=kept, problem=view.say(_WRONG), status=401)
    except TooManyAttempts as failure:
        return _sign_in_page(view, to=to, kept=kept, problem=explain(view, failure), status=429)
    areas = areas_of(signed_in.person.roles)
    home = areas[0].links[0].path if areas else f"{PREFIX}/nothing"
    response = signed_in_again(signed_in, kept) if kept else view.redirect(to or home)
    set_cookie(view, response, COOKIE, token, seconds=view.gateway.settings.session_absolute_seconds)
    return response


def _open(view: View, sent: Sent) -> tuple[View, str]:
    """Check who it is; end the session that the browser had; open a new one."""
    gateway = view.gateway
    address, passphrase = _credentials(gateway, sent)
    client = view.request.client.host if view.request.client else "unknown"
    identity = gateway.auth.passphrase(address, passphrase, client=client)
    participant = live_participant(gateway, identity.address)
    old = view.request.cookies.get(COOKIE)
    if old:
        _close(view, old)
    token = gateway.sessions.open(identity.address, identity)
    publish_card(gateway, identity, Errand.new())
    session = gateway.sessions.find(token)
    caller = Caller(session, participant)
    return View(view.request, gateway, view.portal, view.language, view.visitor, caller), token


def _credentials(gateway: Gateway, sent: Sent) -> tuple[Address, str]:
    handle = sent.one("handle")
    if handle:
        person = _demo_people(gateway).get(handle)
        if person is None:
            raise NotSignedIn("there is no such demo person")
        return person.address, person.passphrase
    try:
        return address_of(sent.one("address")), sent.fields.get("passphrase", ("",))[0]
    except ValueError as failure:
        raise InvalidInput("address", "0x and 40 hexadecimal digits") from failure


def _demo_people(gateway: Gateway) -> dict[str, demo_people.DemoPerson]:
    """Only on a local devnet: elsewhere nobody's passphrase lies about."""
    return demo_people.load(gateway.settings.data_dir) if gateway.settings.node_url is None else {}


def _sign_in_page(
    view: View, *, to: str = "", kept: Sent | None = None, problem: str = "", status: int = 200
) -> Response:
    roles = {part.handle: part.roles for part in demo_people.CAST if part.organization}
    people = [
        {"handle": one.handle, "name": one.name, "what": wording.roles(view.language, roles[one.handle])}
        for one in sorted(_demo_people(view.gateway).values(), key=lambda one: one.handle != "patient")
        if one.handle in roles
    ]
    return view.page("sign_in.html", status, people=people, problem=problem, kept=kept, to=to)


def _kept(sent: Sent) -> Sent | None:
    """The interrupted form that the sign-in form carries along."""
    fields = {name.removeprefix(_KEPT): values for name, values in sent.fields.items() if name.startswith(_KEPT)}
    path = local_path(sent.one("kept_path"))
    return Sent(fields, {}, path) if path and fields else None


@router.post("/sign-out")
def sign_out(form: FormDep) -> Response:
    """End the session; its keys are forgotten."""
    view = form.view
    view.portal.desk.clear(view.person.session.token_hash)
    view.gateway.sessions.close(view.person.session.token_hash)
    response = view.redirect(f"{PREFIX}/")
    response.delete_cookie(COOKIE)
    return response


@router.post("/language")
async def choose_language(request: Request) -> Response:
    """Another language, for this browser."""
    sent = await sent_form(request)
    view = visitor_view(request)
    back = local_path(sent.one("back")) or f"{PREFIX}/"
    response = view.redirect(urlsplit(back)._replace(fragment="").geturl())
    code = sent.one("language")
    if code in view.portal.languages:
        set_cookie(view, response, LANGUAGE, code, seconds=_YEAR)
    return response


def _close(view: View, token: str) -> None:
    try:
        session = view.gateway.sessions.find(token)
    except NotSignedIn:
        return  # it had ended by itself
    view.portal.desk.clear(session.token_hash)
    view.gateway.sessions.close(session.token_hash)
