"""One request's view: who is looking, in which language, and how a template becomes a page.

>>> @router.get("/patient/records")
... def records(view: ViewDep) -> Response:
...     return view.page("patient/records.html", records=...)
"""

from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex, token_urlsafe
from threading import Event
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.errors import NotPermitted, NotSignedIn
from gateway.identity.keystore import Identity
from gateway.identity.names import visible_names
from gateway.notices.sentences import short
from gateway.portal.areas import Area, areas_of
from gateway.portal.desk import Desk, Flash, Kept
from gateway.portal.language import NAMES, Language, preferred
from gateway.portal.pulse import Pulse
from gateway.services import Gateway
from gateway.web.deps import COOKIE, Caller, caller_of, gateway_of
from ledger.codes import Role
from ledger.types import Address

VISITOR = "consent_ledger_visitor"
"""Cookie of a browser that is not signed in: what its forms' tokens are bound to."""
LANGUAGE = "consent_ledger_language"
_HERE = Path(__file__).parent
VENDOR = _HERE / "static" / "vendor"
"""Where set-up copies htmx to."""


@dataclass(frozen=True, slots=True)
class Portal:
    """What all requests share."""

    languages: dict[str, Language]
    desk: Desk
    pulse: Pulse = field(default_factory=Pulse)
    closing: Event = field(default_factory=Event)
    """Set when the server stops: open pages are let go."""
    templates: Environment = field(
        default_factory=lambda: Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
    )


@dataclass(frozen=True, slots=True)
class View:
    """One request of somebody's, or of a visitor who is not signed in."""

    request: Request
    gateway: Gateway
    portal: Portal
    language: Language
    visitor: str
    """The visitor's cookie, made up if there was none."""
    caller: Caller | None = None

    @property
    def person(self) -> Caller:
        """Who is signed in.

        Raises:
            NotSignedIn
        """
        if self.caller is None:
            raise NotSignedIn("sign in first")
        return self.caller

    @property
    def address(self) -> Address:
        return self.person.address

    @property
    def identity(self) -> Identity:
        """Her unlocked keys.

        Raises:
            KeyNotHeld: she signs elsewhere.
        """
        return self.person.identity

    @property
    def now(self) -> int:
        """Seconds since 1970."""
        return int(self.gateway.clock())

    @property
    def areas(self) -> list[Area]:
        return areas_of(self.caller.roles) if self.caller else []

    @property
    def kept(self) -> Kept | None:
        """Input that is to be shown again on this page."""
        state = self.request.state
        if not hasattr(state, "kept"):  # looked up once a request: every field of a form asks
            name = self.request.query_params.get("again")
            session = self.person.session.token_hash if name and self.caller else None
            state.kept = self.portal.desk.kept(session, name) if session and name else None
        kept: Kept | None = state.kept
        return kept

    @property
    def has_scripts(self) -> bool:
        """Whether htmx is where it is served from; the pages work without."""
        return (VENDOR / "htmx.min.js").is_file()

    def say(self, message: str, /, **values: Any) -> str:
        """A sentence in the reader's language."""
        return self.language.say(message, **values)

    def require(self, anyof: Role) -> None:
        """Raises:
        NotPermitted: whoever is signed in holds none of the roles.
        """
        self.person.require_role(anyof)

    def names(self, *addresses: Address) -> dict[Address, str]:
        """What to call people: their names where one may be seen, else the address in short."""
        known = visible_names(self.gateway, self.address, addresses)
        own = self.person.session.identity
        if own is not None:
            known[own.address] = own.name  # a patient's name is in her own keystore only
        return {address: known.get(address) or short(address) for address in addresses}

    def csrf(self) -> str:
        """The token of this session's forms."""
        return csrf_of(self.gateway, self.caller, self.visitor)

    def whose(self) -> str:
        """Marks a form as this person's, so that what it held is shown to nobody else after another sign-in."""
        return whose_of(self.gateway, self.caller.address) if self.caller else ""

    def fresh_key(self) -> str:
        """An idempotency key for a form."""
        return token_hex(16)

    def flash(self, text: str, kind: str = "done") -> None:
        """Show a message on the next page."""
        self.portal.desk.flash(self.person.session.token_hash, Flash(text, kind))

    def page(self, template: str, status: int = 200, **context: Any) -> Response:
        """A template as a page. Every text in it is escaped."""
        flashes = self.portal.desk.take_flashes(self.caller.session.token_hash) if self.caller else []
        html = self.portal.templates.get_template(template).render(
            view=self,
            lang=self.language,
            _=self.language.say,
            n_=self.language.many,
            languages=NAMES,
            flashes=flashes,
            path=self.request.url.path,
            **context,
        )
        response = HTMLResponse(html, status)
        if self.caller is None and self.request.cookies.get(VISITOR) != self.visitor:
            set_cookie(self, response, VISITOR, self.visitor)
        return response

    def redirect(self, path: str) -> Response:
        """Go to another page, as after every write: reloading it repeats nothing."""
        return RedirectResponse(path, 303)


def csrf_of(gateway: Gateway, caller: Caller | None, visitor: str) -> str:
    """The token that ties a form to a session, or to a visitor's browser."""
    bound = caller.session.token_hash if caller else visitor.encode()
    return gateway.requests.mac(b"portal csrf\n" + bound).hex()


def whose_of(gateway: Gateway, address: Address) -> str:
    """The mark of one person's forms."""
    return gateway.requests.mac(b"portal form of\n" + address.encode()).hex()[:32]


def set_cookie(view: View, response: Response, name: str, value: str, *, seconds: int | None = None) -> None:
    """A cookie for this site alone, out of scripts' reach."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=view.gateway.settings.origin.startswith("https:"),
        path="/",
    )


def visitor_view(request: Request) -> View:
    """The view of a request, whoever it comes from and whether or not she is signed in."""
    portal: Portal = request.app.state.portal
    language = portal.languages.get(request.cookies.get(LANGUAGE, "")) or preferred(
        request.headers.get("accept-language", ""), portal.languages
    )
    visitor = request.cookies.get(VISITOR, "")
    if not (20 <= len(visitor) <= 64 and visitor.isascii() and visitor.isprintable()):
        visitor = token_urlsafe(32)
    return View(request, gateway_of(request), portal, language, visitor)


def signed_in_view(request: Request) -> View:
    """The view of somebody who is signed in, registered and not suspended.

    Raises:
        NotSignedIn, NotPermitted
    """
    view = visitor_view(request)
    token = request.cookies.get(COOKIE)
    if token is None:
        raise NotSignedIn("sign in first")
    session = view.gateway.sessions.find(token)
    request.state.caller = session.address
    caller = caller_of(view.gateway, session)
    return View(view.request, view.gateway, view.portal, view.language, view.visitor, caller)


def best_view(request: Request) -> View:
    """Signed in if that is possible, else a visitor's: for pages that are shown to both.

    Raises:
        NodeError: the ledger does not answer.
    """
    try:
        return signed_in_view(request)
    except (NotSignedIn, NotPermitted):
        return visitor_view(request)


VisitorDep = Annotated[View, Depends(visitor_view)]
BestDep = Annotated[View, Depends(best_view)]
ViewDep = Annotated[View, Depends(signed_in_view)]
