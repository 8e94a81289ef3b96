"""Granting and withdrawing for somebody who has named one her delegate: within what was delegated, and marked for ever.

The pages show what the delegation covers; the ledger refuses what it does not, whatever a form says.
"""

from fastapi import APIRouter, Response

from gateway.consents import acting
from gateway.consents.delegates import require
from gateway.portal import granting_steps as steps
from gateway.portal import patient_sharing as sharing
from gateway.portal.forms import Done, FormDep
from gateway.portal.granting_steps import Whose
from gateway.portal.language import mark
from gateway.portal.patient_consents import address, consent_of, who_to_keep_out
from gateway.portal.patient_for import Whom, leave_of
from gateway.portal.view import View, ViewDep
from gateway.sending import Errand
from ledger.codes import Power, Role
from ledger.types import address_of

router = APIRouter(prefix="/patient/for/{whom}/sharing")

_KEPT_OUT = mark("{who} is kept out of all records of {whom} now.")
_WITHDRAWN = mark("Withdrawn for {whom}. From now on {who} can no longer read by this consent.")


@router.get("")
def who_can_see(view: ViewDep, whom: Whom, cursor: str = "") -> Response:
    """Her consents that count now, of the kinds that were delegated."""
    view.require(Role.PATIENT)
    patient = address_of(whom)
    live = require(view.gateway, view.address, patient, Power.GRANT | Power.WITHDRAW)
    leave = leave_of(view, patient)
    name = view.names(patient)[patient]
    page = sharing.live_consents_for(view, patient, name, live.categories, before=cursor)
    return view.page(
        "patient/for_sharing.html",
        leave=leave,
        consents=page.consents,
        following=page.following,
        first=not cursor,
    )


@router.post("/withdraw")
def withdraw(form: FormDep, whom: Whom) -> Response:
    """Withdraw one of her consents, at once."""
    view = form.view

    def do(errand: Errand) -> Done:
        patient = address_of(whom)
        require(view.gateway, view.address, patient, Power.WITHDRAW)
        consent = consent_of(view, patient, form.one("consent"))
        acting.withdraw_for(view.gateway, view.identity, consent, errand)
        names = view.names(patient, consent.grantee)
        text = view.say(_WITHDRAWN, whom=names[patient], who=names[consent.grantee])
        return Done(_home(whom), text)

    return form.once(do)


@router.get("/deny")
def whom_to_deny(view: ViewDep, whom: Whom) -> Response:
    """Choose somebody to keep out."""
    view.require(Role.PATIENT)
    patient = address_of(whom)
    require(view.gateway, view.address, patient, Power.WITHDRAW)
    return who_to_keep_out(view, patient, _home(whom), view.names(patient)[patient])


@router.post("/deny")
def deny(form: FormDep, whom: Whom) -> Response:
    """Keep somebody out of everything of hers, or find somebody to keep out."""
    view = form.view
    if form.one("do") == "find":
        return form.again()

    def do(errand: Errand) -> Done:
        patient, grantee = address_of(whom), address(form, "whom")
        acting.deny_for(view.gateway, view.identity, patient, grantee, errand)
        names = view.names(patient, grantee)
        return Done(_home(whom), view.say(_KEPT_OUT, whom=names[patient], who=names[grantee]))

    return form.once(do)


@router.get("/new")
def who(view: ViewDep, whom: Whom) -> Response:
    """First step."""
    return steps.who(view, _whose(view, whom))


@router.post("/new")
def chose_who(form: FormDep, whom: Whom) -> Response:
    """On to what."""
    return steps.chose_who(form, _whose(form.view, whom))


@router.get("/new/2")
def what(view: ViewDep, whom: Whom) -> Response:
    """Second step."""
    return steps.what(view, _whose(view, whom))


@router.post("/new/2")
def chose_what(form: FormDep, whom: Whom) -> Response:
    """On to how long."""
    return steps.chose_what(form, _whose(form.view, whom))


@router.get("/new/3")
def how_long(view: ViewDep, whom: Whom) -> Response:
    """Third step."""
    return steps.how_long(view, _whose(view, whom))


@router.post("/new/3")
def chose_how_long(form: FormDep, whom: Whom) -> Response:
    """On to the sentence."""
    return steps.chose_how_long(form, _whose(form.view, whom))


@router.get("/new/4")
def check(view: ViewDep, whom: Whom) -> Response:
    """Fourth step."""
    return steps.check(view, _whose(view, whom))


@router.post("/new/4")
def sign(form: FormDep, whom: Whom) -> Response:
    """Grant for her."""
    view = form.view

    def do(errand: Errand) -> Done:
        whose = _whose(view, whom)
        wish = steps.wish_of(view, form.sent, whose)
        acting.grant_for(
            view.gateway,
            view.identity,
            whose.patient,
            wish.grantee,
            wish.terms,
            errand=errand,
            record=wish.record,
        )
        return Done(whose.home, steps.sentence_of(view, wish, whose))

    return form.once(do)


def _whose(view: View, whom: str) -> Whose:
    """Her records, as far as the reader may let others read them now.

    Raises:
        NotDelegated
    """
    view.require(Role.PATIENT)
    patient = address_of(whom)
    live = require(view.gateway, view.address, patient, Power.GRANT)
    home = _home(whom)
    return Whose(patient, f"{home}/new", home, view.names(patient)[patient], live.categories, live.until)


def _home(whom: str) -> str:
    return f"/portal/patient/for/{whom}/sharing"
