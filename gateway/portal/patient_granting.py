"""Letting somebody read, in four steps: who, what, for how long and for what, and a sentence to sign.

What was answered so far travels in the form itself: nothing of it is in an address, and nothing is lost when a session
ends between two steps.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Response

from gateway.consents import consenting
from gateway.errors import InvalidInput
from gateway.export.holdings import holding_of
from gateway.notices.told import Told
from gateway.portal import patient_sharing as sharing
from gateway.portal import wording
from gateway.portal.errors import FormRefused
from gateway.portal.explaining import explain
from gateway.portal.forms import Done, Form, FormDep, show_again
from gateway.portal.language import mark
from gateway.portal.patient_consents import HOME, address, hers
from gateway.portal.patient_records import header_of
from gateway.portal.sent import Sent
from gateway.portal.view import View, ViewDep
from gateway.sending import Errand
from ledger.codes import SENSITIVE, Category, Purpose, Role, purposes_in, purposes_mask
from ledger.types import FOREVER, Address, ConsentTerms

router = APIRouter(prefix="/patient/sharing/new")

_HERE = f"{HOME}/new"
_DAY = 86_400
LENGTHS: tuple[tuple[str, str, int], ...] = (
    ("week", mark("One week"), 7),
    ("months", mark("Three months"), 91),
    ("year", mark("One year"), 365),
)
"""Choices of how long: code, words, days."""
OFFERED = (Purpose.TREAT, Purpose.CAREMGT, Purpose.HPAYMT, Purpose.HRESCH, Purpose.CLINTRCH)
"""Purposes that a patient chooses from."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the four steps come to."""

    grantee: Address
    terms: ConsentTerms
    record: bytes | None


@router.get("")
def who(view: ViewDep, record: str = "", like: str = "") -> Response:
    """First step. `record` is the one record that it is about, `like` an ended consent to be given again."""
    view.require(Role.PATIENT)
    if like and not view.kept:
        return _like(view, like)
    if record and not view.kept:
        return _go_on(view, {"record": (record,)}, "")
    words = _kept(view, "words")
    return _step(
        view,
        1,
        known=sharing.known_people(view),
        found=sharing.find_people(view, words),
        words=words,
        about=_about(view),
    )


@router.post("")
def chose_who(form: FormDep) -> Response:
    """On to what; or find somebody first."""
    if form.one("do") == "find":
        return form.again(page=_HERE)
    try:
        address(form, "whom")
    except FormRefused:
        return form.again({"whom": form.view.say("Choose who may read, or find somebody by name.")}, _HERE)
    return form.again(page=f"{_HERE}/{'3' if form.one('record') else '2'}")


@router.get("/2")
def what(view: ViewDep) -> Response:
    """Second step."""
    ordinary, sensitive = sharing.ordinary_and_sensitive()
    return _step(view, 2, ordinary=_choices(view, ordinary), sensitive=_choices(view, sensitive))


@router.post("/2")
def chose_what(form: FormDep) -> Response:
    """On to how long."""
    if not form.all("kinds"):
        return form.again({"kinds": form.view.say("Choose at least one kind of record.")}, f"{_HERE}/2")
    return form.again(page=f"{_HERE}/3")


@router.get("/3")
def how_long(view: ViewDep) -> Response:
    """Third step."""
    tomorrow = datetime.fromtimestamp(view.now + _DAY, UTC).date().isoformat()
    lengths = [
        (code, view.say(words), view.say("until {day}", day=view.language.day(view.now + days * _DAY)))
        for code, words, days in LENGTHS
    ]
    purposes = [(one.name, _capital(view.say(wording.PURPOSES_TO_HER[one])), "") for one in OFFERED]
    return _step(view, 3, lengths=lengths, purposes=purposes, tomorrow=tomorrow)


@router.post("/3")
def chose_how_long(form: FormDep) -> Response:
    """On to the sentence."""
    try:
        _wish(form.view, form.sent)
    except InvalidInput as failure:
        return form.again({failure.field: explain(form.view, failure)}, f"{_HERE}/3")
    return form.again(page=f"{_HERE}/4")


@router.get("/4")
def check(view: ViewDep) -> Response:
    """Fourth step: the sentence that is signed."""
    if view.kept is None:
        return view.redirect(_HERE)
    wish = _wish(view, Sent(view.kept.fields, {}, _HERE))
    names = view.names(wish.grantee)
    said = sharing.sentence(view, names[wish.grantee], wish.terms, single=wish.record is not None)
    return _step(
        view,
        4,
        summary=said,
        sensitive=wording.categories(view.language, wish.terms.categories & SENSITIVE),
        who=sharing.described(view, [wish.grantee]),
    )


@router.post("/4")
def sign(form: FormDep) -> Response:
    """Grant."""
    view = form.view

    def do(errand: Errand) -> Done:
        wish = _wish(view, form.sent)
        consenting.grant(view.gateway, view.identity, wish.grantee, wish.terms, errand=errand, record=wish.record)
        who = view.names(wish.grantee)[wish.grantee]
        return Done(HOME, sharing.sentence(view, who, wish.terms, single=wish.record is not None))

    return form.once(do)


def _step(view: View, number: int, **context: Any) -> Response:
    view.require(Role.PATIENT)
    if number > 1 and view.kept is None:
        return view.redirect(_HERE)
    carried = {name: values for name, values in (view.kept.fields if view.kept else {}).items() if name != "do"}
    shown = _SHOWN[number]
    hidden = [(name, value) for name, values in carried.items() if name not in shown for value in values]
    return view.page("patient/grant.html", step=number, carried=hidden, here=_HERE, **context)


_SHOWN = {1: {"whom", "words"}, 2: {"kinds"}, 3: {"length", "day", "why", "write"}, 4: set[str]()}
"""Fields that a step shows; all others it carries along."""


def _wish(view: View, sent: Sent) -> Wish:
    """What all steps together say.

    Raises:
        InvalidInput: something is missing or malformed.
    """
    form = Form(view, sent)
    grantee = address(form, "whom")
    record = bytes.fromhex(sent.one("record")) if _is_digest(sent.one("record")) else None
    if record is not None:
        holding = holding_of(view.gateway, record)
        if holding is None or holding.patient != view.address:
            raise InvalidInput("record", Told(mark("There is no such record of yours.")))
        kinds = holding.categories
    else:
        try:
            kinds = Category.parse(",".join(sent.all("kinds")))
        except ValueError as failure:
            raise InvalidInput("kinds", Told(mark("Choose at least one kind of record."))) from failure
        if not kinds:
            raise InvalidInput("kinds", Told(mark("Choose at least one kind of record.")))
    chosen = [one for one in OFFERED if one.name in sent.all("why")]
    if not chosen:
        raise InvalidInput("why", Told(mark("Choose what it is for.")))
    terms = ConsentTerms(kinds, purposes_mask(*chosen), view.now, _expiry(view, sent), sent.one("write") == "yes")
    return Wish(grantee, terms, record)


def _expiry(view: View, sent: Sent) -> int:
    length = sent.one("length")
    for code, _, days in LENGTHS:
        if length == code:
            return view.now + days * _DAY
    if length == "forever":
        return FOREVER
    if length != "day":
        raise InvalidInput("length", Told(mark("Choose until when.")))
    try:
        # To the end of that day.
        ends = datetime.fromisoformat(sent.one("day")).replace(tzinfo=UTC) + timedelta(days=1)
    except ValueError as failure:
        raise InvalidInput("day", Told(mark("Write the day like this: 2030-12-31."))) from failure
    if not view.now < ends.timestamp() < FOREVER:
        raise InvalidInput("day", Told(mark("Choose a day that is still to come.")))
    return int(ends.timestamp())


def _like(view: View, id: str) -> Response:
    """Straight to the last but one step, filled in as an earlier consent was."""
    was = hers(view, id)
    fields: dict[str, tuple[str, ...]] = {
        "whom": (was.grantee,),
        "kinds": tuple(was.terms.categories.labels()),
        "why": tuple(one.name for one in purposes_in(was.terms.purposes)),
        **({"write": ("yes",)} if was.terms.may_write else {}),
        **({"record": (was.scope.hex(),)} if sharing.is_single(was) else {}),
    }
    return _go_on(view, fields, "/3")


def _go_on(view: View, fields: dict[str, tuple[str, ...]], step: str) -> Response:
    return show_again(view, Sent(fields, {}, _HERE), {}, f"{_HERE}{step}")


def _about(view: View) -> str:
    """The title of the one record that it is about; empty: of kinds of records."""
    record = _kept(view, "record")
    holding = holding_of(view.gateway, bytes.fromhex(record)) if _is_digest(record) else None
    if holding is None or holding.patient != view.address:
        return ""
    return header_of(view, holding).title


def _choices(view: View, kinds: list[Category]) -> list[tuple[str, str, str]]:
    return [(one.label, _capital(wording.categories(view.language, one)), "") for one in kinds]


def _kept(view: View, name: str) -> str:
    return view.kept.fields.get(name, ("",))[0] if view.kept else ""


def _is_digest(text: str) -> bool:
    return len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
