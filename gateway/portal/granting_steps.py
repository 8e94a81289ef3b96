"""Letting somebody read, in four steps: who, what, for how long and for what, and a sentence to sign. The same for
one's own records and, within what was delegated, for somebody else's.

What was answered so far travels in the form itself: nothing of it is in an address, and nothing is lost when a session
ends between two steps.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import Response

from gateway.clocks import beginning
from gateway.errors import InvalidInput
from gateway.export.holdings import holding_of
from gateway.notices.told import Told
from gateway.portal import patient_sharing as sharing
from gateway.portal import wording
from gateway.portal.errors import FormRefused
from gateway.portal.explaining import explain
from gateway.portal.forms import Form
from gateway.portal.language import mark
from gateway.portal.patient_consents import address
from gateway.portal.sent import Sent
from gateway.portal.view import View
from ledger.codes import ORDINARY, SENSITIVE, Category, Purpose, Role, purposes_mask
from ledger.types import FOREVER, Address, ConsentTerms

_DAY = 86_400
LENGTHS: tuple[tuple[str, str, int], ...] = (
    ("week", mark("One week"), 7),
    ("months", mark("Three months"), 91),
    ("year", mark("One year"), 365),
)
"""Choices of how long: code, words, days."""
OFFERED = (Purpose.TREAT, Purpose.CAREMGT, Purpose.HPAYMT, Purpose.HRESCH, Purpose.CLINTRCH)
"""Purposes to choose from."""
_SHOWN = {1: {"whom", "words"}, 2: {"kinds"}, 3: {"length", "day", "why", "write"}, 4: set[str]()}
"""Fields that a step shows; all others it carries along."""


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose records they are, and how far whoever signs may go."""

    patient: Address
    here: str
    """Path of the first step; of the others, with their number after it."""
    home: str
    """Path of the list of consents."""
    name: str = ""
    """Of somebody else whom one acts for; empty: they are one's own."""
    kinds: Category = ORDINARY | SENSITIVE
    """That may be granted."""
    until: int = FOREVER
    """The latest end that may be granted, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the four steps come to."""

    grantee: Address
    terms: ConsentTerms
    record: bytes | None


def who(view: View, whose: Whose, about: str = "") -> Response:
    """First step.

    Args:
        about: the title of the one record that it is about.
    """
    words = kept(view, "words")
    apart = {view.address, whose.patient}
    return _step(
        view,
        whose,
        1,
        known=[one for one in sharing.known_people(view, whose.patient) if one.address not in apart],
        found=[one for one in sharing.find_people(view, words) if one.address not in apart],
        words=words,
        about=about,
    )


def chose_who(form: Form, whose: Whose) -> Response:
    """On to what; or find somebody first."""
    if form.one("do") == "find":
        return form.again(page=whose.here)
    try:
        address(form, "whom")
    except FormRefused:
        return form.again({"whom": form.view.say("Choose who may read, or find somebody by name.")}, whose.here)
    return form.again(page=f"{whose.here}/{'3' if form.one('record') else '2'}")


def what(view: View, whose: Whose) -> Response:
    """Second step."""
    ordinary, sensitive = ([one for one in kinds if one in whose.kinds] for kinds in sharing.ordinary_and_sensitive())
    return _step(view, whose, 2, ordinary=_choices(view, ordinary), sensitive=_choices(view, sensitive))


def chose_what(form: Form, whose: Whose) -> Response:
    """On to how long."""
    if not form.all("kinds"):
        return form.again({"kinds": form.view.say("Choose at least one kind of record.")}, f"{whose.here}/2")
    return form.again(page=f"{whose.here}/3")


def how_long(view: View, whose: Whose) -> Response:
    """Third step."""
    tomorrow = datetime.fromtimestamp(view.now + _DAY, UTC).date().isoformat()
    lengths = [
        (code, view.say(words), view.say("until {day}", day=view.language.day(view.now + days * _DAY)))
        for code, words, days in LENGTHS
        if view.now + days * _DAY <= whose.until
    ]
    lengths.append(("day", view.say("Until a certain day"), ""))
    if whose.until >= FOREVER:
        lengths.append(("forever", view.say("For ever"), view.say("until you withdraw it")))
    else:
        last = view.say("until {day}", day=view.language.day(whose.until))
        lengths.append(("end", view.say("As long as you may act for {who}", who=whose.name), last))
    said = wording.PURPOSES if whose.name else wording.PURPOSES_TO_HER
    purposes = [(one.name, _capital(view.say(said[one])), "") for one in OFFERED]
    usual = "months" if any(code == "months" for code, _, _ in lengths) else "end"
    return _step(view, whose, 3, lengths=lengths, usual=usual, purposes=purposes, tomorrow=tomorrow)


def chose_how_long(form: Form, whose: Whose) -> Response:
    """On to the sentence."""
    try:
        wish_of(form.view, form.sent, whose)
    except InvalidInput as failure:
        return form.again({failure.field: explain(form.view, failure)}, f"{whose.here}/3")
    return form.again(page=f"{whose.here}/4")


def check(view: View, whose: Whose) -> Response:
    """Fourth step: the sentence that is signed."""
    if view.kept is None:
        return view.redirect(whose.here)
    wish = wish_of(view, Sent(view.kept.fields, {}, whose.here), whose)
    return _step(
        view,
        whose,
        4,
        summary=sentence_of(view, wish, whose),
        sensitive=wording.categories(view.language, wish.terms.categories & SENSITIVE),
        who=sharing.described(view, [wish.grantee]),
    )


def sentence_of(view: View, wish: Wish, whose: Whose) -> str:
    """What is signed, in words."""
    who = view.names(wish.grantee)[wish.grantee]
    return sharing.sentence(view, who, wish.terms, single=wish.record is not None, whom=whose.name)


def wish_of(view: View, sent: Sent, whose: Whose) -> Wish:
    """What all steps together say.

    Raises:
        InvalidInput: something is missing or malformed.
    """
    form = Form(view, sent)
    grantee = address(form, "whom")
    record = bytes.fromhex(sent.one("record")) if is_digest(sent.one("record")) else None
    if record is not None:
        holding = holding_of(view.gateway, record)
        if holding is None or holding.patient != whose.patient:
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
    expiry = _expiry(view, sent, whose)
    terms = ConsentTerms(kinds, purposes_mask(*chosen), beginning(view.gateway), expiry, sent.one("write") == "yes")
    return Wish(grantee, terms, record)


def kept(view: View, name: str) -> str:
    """What an earlier step was answered."""
    return view.kept.fields.get(name, ("",))[0] if view.kept else ""


def is_digest(text: str) -> bool:
    """Whether it can be the name of a record."""
    return len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)


def _step(view: View, whose: Whose, number: int, **context: Any) -> Response:
    view.require(Role.PATIENT)
    if number > 1 and view.kept is None:
        return view.redirect(whose.here)
    carried = {name: values for name, values in (view.kept.fields if view.kept else {}).items() if name != "do"}
    shown = _SHOWN[number]
    hidden = [(name, value) for name, values in carried.items() if name not in shown for value in values]
    return view.page("patient/grant.html", step=number, carried=hidden, whose=whose, **context)


def _expiry(view: View, sent: Sent, whose: Whose) -> int:
    length = sent.one("length")
    for code, _, days in LENGTHS:
        if length == code:
            return view.now + days * _DAY
    if length == "forever":
        return FOREVER
    if length == "end":
        return whose.until
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


def _choices(view: View, kinds: list[Category]) -> list[tuple[str, str, str]]:
    return [(one.label, _capital(wording.categories(view.language, one)), "") for one in kinds]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
