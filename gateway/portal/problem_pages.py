"""Every failure as a page: a sentence, what to do, and nothing lost that was typed."""

from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from gateway.errors import KeyNotHeld, NotSignedIn
from gateway.portal.errors import FormDelayed, FormInterrupted, FormStale
from gateway.portal.explaining import SENTENCES, explain, explain_kind
from gateway.portal.forms import show_again
from gateway.portal.headers import POLICY
from gateway.portal.language import mark
from gateway.portal.sent import Sent
from gateway.portal.view import View, best_view, signed_in_view, visitor_view, whose_of
from gateway.web.problems import PROBLEMS, Kind, kind_of
from ledger.errors import LedgerError

_INTERRUPTED = mark(
    "Your session had ended before this was sent. Sign in again: what you typed is kept, and shown again."
)
_LOCKED = mark(
    "The gateway was started anew, and no longer holds your key. Sign in with your passphrase: what you typed is kept,"
    " and shown again."
)
_STALE = mark("You have signed in again since this page was opened. Nothing was sent yet: look at it and send it now.")


def install(portal: FastAPI) -> None:
    """Let the portal answer with pages."""
    for failure in PROBLEMS:
        portal.add_exception_handler(failure, _on_known)
    portal.add_exception_handler(RequestValidationError, _on_invalid)
    portal.add_exception_handler(HTTPException, _on_http)
    portal.add_exception_handler(FormInterrupted, _on_interrupted)
    portal.add_exception_handler(FormStale, _on_stale)
    portal.add_exception_handler(FormDelayed, _on_delayed)


def problem_page(request: Request, kind: Kind, sentence: str | None = None) -> Response:
    """The page of a problem."""
    view = _view(request)
    context = {"kind": kind, "sentence": sentence or explain_kind(view, kind.slug), "request_id": _request_id(request)}
    response = view.page("problem.html", kind.status, **context)
    if kind.status in (429, 503):
        response.headers["Retry-After"] = "5"
    return response


def refusal_page(request: Request, kind: Kind) -> Response:
    """The page of a problem that kept a request from reaching the portal."""
    response = problem_page(request, kind)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def interrupted_page(view: View, sent: Sent, sentence: str, status: int = 401) -> Response:
    """Sign in again, with what was typed carried along in the page: it is in no URL or cookie."""
    return view.page("sign_in.html", status, people=(), problem=sentence, kept=sent, to=sent.page)


def signed_in_again(view: View, sent: Sent) -> Response:
    """After that sign-in: the form as it was, to its own person; to anybody else, an empty one."""
    text = view.say("You are signed in again. Nothing was sent yet: look at it and send it now.")
    if sent.one("_whose") != whose_of(view.gateway, view.address):
        return view.redirect(sent.page)
    return show_again(view, sent, {"": text})


async def _on_known(request: Request, failure: Exception) -> Response:
    kind = kind_of(failure)
    assert kind is not None, "handlers are installed for the table's classes alone"
    if isinstance(failure, NotSignedIn | KeyNotHeld) and request.method == "GET":
        return await run_in_threadpool(_to_sign_in, request)
    return await run_in_threadpool(lambda: problem_page(request, kind, explain(_view(request), failure)))


async def _on_invalid(request: Request, failure: Exception) -> Response:
    kind = Kind(404, "http-404", "Not found") if request.method == "GET" else Kind(422, "invalid-input", "Invalid")
    return await run_in_threadpool(problem_page, request, kind)


async def _on_http(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, HTTPException)
    slug = "body-too-large" if failure.status_code == 413 else f"http-{failure.status_code}"
    kind = Kind(failure.status_code, slug if slug in SENTENCES else "bad-request", "")
    return await run_in_threadpool(problem_page, request, kind)


async def _on_interrupted(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, FormInterrupted)
    sent = failure.sent
    sentence = _LOCKED if isinstance(failure.__cause__, KeyNotHeld) else _INTERRUPTED

    def page() -> Response:
        view = visitor_view(request)
        return interrupted_page(view, sent, view.say(sentence))

    return await run_in_threadpool(page)


async def _on_stale(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, FormStale)
    sent = failure.sent

    def page() -> Response:
        view = signed_in_view(request)
        if sent.one("_whose") != whose_of(view.gateway, view.address):
            return problem_page(request, Kind(403, "foreign-origin", ""))
        return show_again(view, sent, {"": view.say(_STALE)})

    return await run_in_threadpool(page)


async def _on_delayed(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, FormDelayed)
    return RedirectResponse(failure.page, 303)


def _to_sign_in(request: Request) -> Response:
    if request.headers.get("hx-request") or request.url.path.endswith("/events"):
        return Response(status_code=401)
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return visitor_view(request).redirect(f"/portal/sign-in?to={quote(path, safe='')}")


def _view(request: Request) -> View:
    """Signed in where that can still be found out: the ledger itself may be what does not answer."""
    try:
        return best_view(request)
    except LedgerError:
        return visitor_view(request)


def _request_id(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))
