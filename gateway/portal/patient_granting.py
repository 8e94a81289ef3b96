"""A patient lets somebody read, in the four steps of `granting_steps`: all records of some kinds, or one record."""

from fastapi import APIRouter, Response

from gateway.consents import consenting
from gateway.export.holdings import holding_of
from gateway.portal import granting_steps as steps
from gateway.portal import patient_sharing as sharing
from gateway.portal.forms import Done, FormDep, show_again
from gateway.portal.granting_steps import Whose, kept
from gateway.portal.patient_consents import HOME, hers
from gateway.portal.patient_records import header_of
from gateway.portal.sent import Sent
from gateway.portal.view import View, ViewDep
from gateway.sending import Errand
from ledger.codes import Role, purposes_in

router = APIRouter(prefix="/patient/sharing/new")

_HERE = f"{HOME}/new"


@router.get("")
def who(view: ViewDep, record: str = "", like: str = "") -> Response:
    """First step. `record` is the one record that it is about, `like` an ended consent to be given again."""
    view.require(Role.PATIENT)
    if like and not view.kept:
        return _like(view, like)
    if record and not view.kept:
        return _go_on(view, {"record": (record,)}, "")
    return steps.who(view, _own(view), _about(view))


@router.post("")
def chose_who(form: FormDep) -> Response:
    """On to what."""
    return steps.chose_who(form, _own(form.view))


@router.get("/2")
def what(view: ViewDep) -> Response:
    """Second step."""
    return steps.what(view, _own(view))


@router.post("/2")
def chose_what(form: FormDep) -> Response:
    """On to how long."""
    return steps.chose_what(form, _own(form.view))


@router.get("/3")
def how_long(view: ViewDep) -> Response:
    """Third step."""
    return steps.how_long(view, _own(view))


@router.post("/3")
def chose_how_long(form: FormDep) -> Response:
    """On to the sentence."""
    return steps.chose_how_long(form, _own(form.view))


@router.get("/4")
def check(view: ViewDep) -> Response:
    """Fourth step."""
    return steps.check(view, _own(view))


@router.post("/4")
def sign(form: FormDep) -> Response:
    """Grant."""
    view = form.view

    def do(errand: Errand) -> Done:
        wish = steps.wish_of(view, form.sent, _own(view))
        consenting.grant(view.gateway, view.identity, wish.grantee, wish.terms, errand=errand, record=wish.record)
        return Done(HOME, steps.sentence_of(view, wish, _own(view)))

    return form.once(do)


def _own(view: View) -> Whose:
    return Whose(view.address, _HERE, HOME)


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
    record = kept(view, "record")
    holding = holding_of(view.gateway, bytes.fromhex(record)) if steps.is_digest(record) else None
    if holding is None or holding.patient != view.address:
        return ""
    return header_of(view, holding).title
