"""Taking a form: from its own person, of this session, and done once, however often it is sent.

>>> @router.post("/patient/sharing/withdraw")
... def withdraw(form: FormDep) -> Response:
...     def do(errand: Errand) -> Done:
...         ...
...         return Done("/portal/patient/sharing", form.view.say("Withdrawn."))
...     return form.once(do)

After every write the browser is sent to another page, so that reloading repeats nothing. What cannot be done is shown
on the form's page again, filled in, with the reason.
"""

import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Annotated
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from fastapi import Depends, Request, Response
from starlette.datastructures import UploadFile

from gateway.errors import GatewayError, KeyNotHeld, NotSignedIn, RequestConflict
from gateway.portal.desk import Flash, Undo
from gateway.portal.errors import FormDelayed, FormError, FormInterrupted, FormRefused, FormStale
from gateway.portal.explaining import explain, fields_of
from gateway.portal.language import mark
from gateway.portal.sent import Sent, read
from gateway.portal.view import View, csrf_of, signed_in_view, visitor_view, whose_of
from gateway.sending import Errand
from gateway.web.deps import COOKIE
from ledger.errors import LedgerError
from offchain_store.errors import StoreError

_PATIENCE = 20.0
"""Seconds that the second click waits for the first."""
_SENT_BEFORE = mark(
    "You have sent this form before, and that was done. If you also want what stands here now, send it again."
)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a form."""

    page: str
    """Where to go now."""
    text: str = ""
    """What to say there."""
    undo: Undo | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """A form that its person has sent."""

    view: View
    sent: Sent

    def one(self, name: str, default: str = "") -> str:
        """A field's value, without space around it."""
        return self.sent.one(name, default)

    def all(self, name: str) -> tuple[str, ...]:
        """A field's values."""
        return self.sent.all(name)

    def files(self, name: str) -> tuple[UploadFile, ...]:
        """The files of a field; an empty choice is none."""
        return tuple(file for file in self.sent.files.get(name, ()) if file.filename)

    def refuse(self, field: str, sentence: str) -> FormRefused:
        """To be raised: one value needs another look."""
        return FormRefused({field: sentence})

    def once(self, do: Callable[[Errand], Done]) -> Response:
        """Do what the form asks for, once; go on to where it leads, or back to the form with the reason why not."""
        view = self.view
        requests = view.gateway.requests
        key = requests.key(view.address, "POST", self.sent.path, self.one("_key"))
        body = requests.mac(json.dumps(sorted(self.sent.typed().items())).encode())
        try:
            with self._turn(key):
                known = requests.find(key, body)
                if known is not None and known.answer is not None:
                    return self._go(_read_done(known.answer[1]))
                errand = Errand(str(UUID(bytes=key[:16], version=4)), key.hex(), view.gateway.settings.wait_seconds)
                done = do(errand)
                requests.remember_answer(key, body, 303, json.dumps(asdict(done)).encode())
        except RequestConflict as failure:
            return self.again({"": view.say(_SENT_BEFORE)} if not failure.at_work else {"": explain(view, failure)})
        except FormRefused as failure:
            return self.again(failure.errors)
        except KeyNotHeld as failure:
            raise FormInterrupted(self.sent) from failure
        except FormError:
            raise
        except (GatewayError, LedgerError, StoreError, OverflowError) as failure:
            return self.again({fields_of(failure): explain(view, failure)})
        again = dict(parse_qsl(urlsplit(self.sent.page).query)).get("again", "")
        view.portal.desk.drop(view.person.session.token_hash, again)
        return self._go(done)

    def again(self, errors: Mapping[str, str] | None = None, page: str | None = None) -> Response:
        """Show the form again as it was filled in, with what is wrong."""
        return show_again(self.view, self.sent, errors or {}, page)

    def _go(self, done: Done) -> Response:
        if done.text:
            session = self.view.person.session.token_hash
            self.view.portal.desk.flash(session, Flash(done.text, undo=done.undo))
        return self.view.redirect(done.page)

    @contextmanager
    def _turn(self, key: bytes) -> Iterator[None]:
        """Wait while the same form is worked on already: the second of two clicks gets the first one's answer."""
        until = time.monotonic() + _PATIENCE
        with ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(self.view.gateway.requests.at_work(key))
                    break
                except RequestConflict:
                    if time.monotonic() > until:
                        raise
                time.sleep(0.05)
            yield


def show_again(view: View, sent: Sent, errors: Mapping[str, str], page: str | None = None) -> Response:
    """Keep what was typed and go to the page that shows it."""
    return view.redirect(kept_at(view, view.person.session.token_hash, sent, errors, page))


def kept_at(view: View, session: bytes, sent: Sent, errors: Mapping[str, str], page: str | None = None) -> str:
    """Keep what was typed; the path of the page that shows it."""
    parts = urlsplit(page or sent.page)
    name = view.portal.desk.keep(session, parts.path, sent.typed(), errors)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key != "again"]
    return f"{parts.path}?{urlencode([*query, ('again', name)])}"


def _read_done(content: bytes) -> Done:
    known = json.loads(content)
    undo = known["undo"]
    return Done(known["page"], known["text"], Undo(**undo) if undo else None)


async def sent_form(request: Request) -> Sent:
    """What was sent; read before anything is checked, so that it can be kept."""
    return await read(request)


def form_of(request: Request, sent: Annotated[Sent, Depends(sent_form)]) -> Form:
    """A form of whoever is signed in.

    Raises:
        FormInterrupted: nobody is.
        FormStale: it was made for another session.
        FormDelayed: the ledger does not answer.
        NotPermitted: she is suspended.
    """
    try:
        view = signed_in_view(request)
    except NotSignedIn as failure:
        raise FormInterrupted(sent) from failure
    except LedgerError as failure:
        visitor = visitor_view(request)
        session = visitor.gateway.sessions.find(request.cookies[COOKIE])
        if sent.one("_whose") != whose_of(visitor.gateway, session.address):
            raise
        raise FormDelayed(kept_at(visitor, session.token_hash, sent, {"": explain(visitor, failure)})) from failure
    if not is_ours(view, sent):
        raise FormStale(sent)
    return Form(view, sent)


def is_ours(view: View, sent: Sent) -> bool:
    """Whether the form's token is this session's (or visitor's)."""
    return hmac.compare_digest(sent.one("_csrf").encode(), csrf_of(view.gateway, view.caller, view.visitor).encode())


FormDep = Annotated[Form, Depends(form_of)]
