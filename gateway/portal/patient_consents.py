"""Letting people read, withdrawing, keeping people out, answering questions: a patient's acts about who can see."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from gateway.clocks import beginning
from gateway.consents import asking, consenting
from gateway.consents.given import given
from gateway.errors import NotFound
from gateway.portal import patient_sharing as sharing
from gateway.portal import wording
from gateway.portal.desk import Undo
from gateway.portal.forms import Done, Form, FormDep
from gateway.portal.language import mark
from gateway.portal.view import View, ViewDep
from gateway.sending import Errand
from ledger.codes import Category, Role
from ledger.index import IndexedConsent
from ledger.index_care import CareIndex, IndexedQuestion
from ledger.types import Address, ConsentTerms, address_of

router = APIRouter(prefix="/patient/sharing")

HOME = "/portal/patient/sharing"
Id = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
_UNDO_SECONDS = 10
_GRACE = 8
"""Seconds beyond those ten in which a tap still counts: it may have been on its way."""
_TOO_LATE = mark(
    "The ten seconds are over, so nothing was changed: it stays withdrawn."
    " You can let them read again whenever you like."
)


@router.get("")
def who_can_see(view: ViewDep, cursor: str = "") -> Response:
    """Consents that count now, people kept out, questions."""
    view.require(Role.PATIENT)
    page = sharing.live_consents(view, before=cursor)
    return view.page(
        "patient/sharing.html",
        consents=page.consents,
        following=page.following,
        first=not cursor,
        denied=sharing.denied(view) if not cursor else [],
        questions=sharing.questions_to(view) if not cursor else [],
    )


@router.get("/ended")
def ended(view: ViewDep, cursor: str = "") -> Response:
    """Consents that do not count any more."""
    view.require(Role.PATIENT)
    page = sharing.ended_consents(view, before=cursor)
    return view.page("patient/ended.html", consents=page.consents, following=page.following, first=not cursor)


@router.post("/withdraw")
def withdraw(form: FormDep) -> Response:
    """One tap: it takes effect at once. For ten seconds the same can be given again with another tap."""
    view = form.view

    def do(errand: Errand) -> Done:
        consent = hers(view, form.one("consent"))
        consenting.withdraw(view.gateway, view.identity, consent.grantee, consent.scope, errand=errand)
        who = view.names(consent.grantee)[consent.grantee]
        text = view.say("Withdrawn. From now on {who} can no longer read by this consent.", who=who)
        undo = Undo(f"{HOME}/again", view.say("Undo: let them read again"), {"consent": form.one("consent")})
        return Done(HOME, text, undo)

    return form.once(do)


@router.post("/again")
def undo(form: FormDep) -> Response:
    """A new consent on the terms of one that was withdrawn a moment ago; what was done stays on the ledger."""
    view = form.view

    def do(errand: Errand) -> Done:
        consent = hers(view, form.one("consent"))
        on_chain = view.gateway.ledger.consent(view.address, consent.grantee, consent.scope)
        if not on_chain.withdrawn_at or view.now > on_chain.withdrawn_at + _UNDO_SECONDS + _GRACE:
            raise form.refuse("", view.say(_TOO_LATE))
        was = consent.terms
        begins = max(was.not_before, beginning(view.gateway))
        terms = ConsentTerms(was.categories, was.purposes, begins, was.expiry, was.may_write)
        record = consent.scope if sharing.is_single(consent) else None
        consenting.grant(view.gateway, view.identity, consent.grantee, terms, errand=errand, record=record)
        who = view.names(consent.grantee)[consent.grantee]
        return Done(HOME, view.say("Undone: {who} may read again, on the same terms as before.", who=who))

    return form.once(do)


@router.get("/deny")
def whom_to_deny(view: ViewDep) -> Response:
    """Choose somebody to keep out."""
    view.require(Role.PATIENT)
    return who_to_keep_out(view, view.address, HOME)


def who_to_keep_out(view: View, patient: Address, home: str, name: str = "") -> Response:
    """The page on which somebody is chosen to be kept out.

    Args:
        patient: of whose records.
        home: the page before.
        name: hers, if she is not the reader.
    """
    words = view.kept.fields.get("words", ("",))[0] if view.kept else ""
    return view.page(
        "patient/deny.html",
        known=sharing.known_people(view, patient),
        found=[one for one in sharing.find_people(view, words) if one.address != patient],
        words=words,
        home=home,
        name=name,
    )


@router.post("/deny")
def deny(form: FormDep) -> Response:
    """Keep somebody out of everything, or find somebody to keep out."""
    view = form.view
    if form.one("do") == "find":
        return form.again()

    def do(errand: Errand) -> Done:
        whom = address(form, "whom")
        consenting.set_denial(view.gateway, view.identity, whom, True, errand=errand)
        who = view.names(whom)[whom]
        return Done(
            HOME, view.say("{who} is kept out of all your records now, whatever you have allowed before.", who=who)
        )

    return form.once(do)


@router.post("/lift")
def lift(form: FormDep) -> Response:
    """Keep somebody out no more."""
    view = form.view

    def do(errand: Errand) -> Done:
        whom = address(form, "whom")
        consenting.set_denial(view.gateway, view.identity, whom, False, errand=errand)
        who = view.names(whom)[whom]
        return Done(HOME, view.say("{who} is no longer kept out: what you allow them counts again.", who=who))

    return form.once(do)


@router.get("/questions/{id}")
def question(view: ViewDep, id: Id) -> Response:
    """What somebody asks for, in words, with its answers."""
    view.require(Role.PATIENT)
    found = _question(view, id)
    return view.page(
        "patient/question.html",
        one=sharing.asked(view, found),
        kinds=[(one.label, wording.categories(view.language, one), "") for one in found.question.terms.categories],
        chosen=found.question.terms.categories.labels(),
        until=view.language.day(found.question.terms.expiry),
    )


@router.post("/questions/{id}")
def answer(form: FormDep, id: Id) -> Response:
    """Yes, less than that, or no."""
    view = form.view

    def do(errand: Errand) -> Done:
        asked = _question(view, id).question
        who = view.names(asked.asker)[asked.asker]
        if form.one("answer") == "no":
            asking.decline(view.gateway, view.identity, asked, errand)
            return Done(HOME, view.say("You have said no to {who}. They are told, and need no reason.", who=who))
        terms = asked.terms
        if form.one("answer") == "less":
            kinds = _kinds(form)
            if not kinds:
                raise form.refuse("kinds", view.say("Choose at least one kind of record, or say no."))
            days = form.one("days")
            ends = (
                view.now + int(days) * 86_400 if days.isascii() and days.isdigit() and len(days) < 5 else terms.expiry
            )
            writes = terms.may_write and form.one("write") == "yes"
            terms = ConsentTerms(kinds, terms.purposes, terms.not_before, min(ends, terms.expiry), writes)
        asking.grant_as_asked(view.gateway, view.identity, asked, terms, errand)
        return Done(HOME, sharing.sentence(view, who, terms))

    return form.once(do)


def hers(view: View, id: str) -> IndexedConsent:
    """A consent that she gave.

    Raises:
        NotFound
    """
    return consent_of(view, view.address, id)


def consent_of(view: View, patient: Address, id: str) -> IndexedConsent:
    """A consent of a patient's.

    Raises:
        NotFound
    """
    found = given(view.gateway, bytes.fromhex(id)) if len(id) == 64 and _is_hex(id) else None
    if found is None or found.patient != patient:
        raise NotFound("the patient has given no such consent")
    return found


def address(form: Form, field: str) -> Address:
    """An address that a field chose.

    Raises:
        FormRefused: none was chosen.
    """
    try:
        return address_of(form.one(field))
    except ValueError:
        raise form.refuse(field, form.view.say("Choose somebody.")) from None


def _question(view: View, id: str) -> IndexedQuestion:
    found = CareIndex(view.gateway.ledger_database).question(bytes.fromhex(id))
    if found is None or found.question.patient != view.address:
        raise NotFound("no such question to you")
    return found


def _kinds(form: Form) -> Category:
    """The kinds that were ticked; none, if one is not known."""
    try:
        return Category.parse(",".join(form.all("kinds")))
    except ValueError:
        return Category(0)


def _is_hex(text: str) -> bool:
    return all(letter in "0123456789abcdef" for letter in text)
