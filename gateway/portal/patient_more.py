"""Less often needed: emergencies, delegates, taking everything along, signing out everywhere."""

from itertools import chain
from uuid import uuid4

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from gateway.consents import delegating
from gateway.consents.deeds import deeds_for
from gateway.consents.delegates import live_delegation
from gateway.consents.delegating import Leave
from gateway.emergencies.escrow import emergency_of
from gateway.export.exporting import NAME, export
from gateway.portal import patient_sharing as sharing
from gateway.portal import wording
from gateway.portal.forms import Done, FormDep
from gateway.portal.language import mark
from gateway.portal.patient_consents import address
from gateway.portal.view import View, ViewDep
from gateway.sending import Errand, send
from ledger.codes import ORDINARY, SENSITIVE, Category, Power, Purpose, Role
from ledger.index_care import CareIndex

router = APIRouter(prefix="/patient/more")

_HERE = "/portal/patient/more"
_DAY = 86_400
POWERS: dict[Power, str] = {
    Power.READ: mark("read your records"),
    Power.GRANT: mark("let others read them"),
    Power.WITHDRAW: mark("withdraw consents, and keep people out"),
    Power.PRESENT: mark("show your prescriptions at a pharmacy"),
    Power.ACCEPT: mark("accept records that are proposed to you"),
}
_DEEDS = 50
"""Of those, so many are shown."""
_LENGTHS = (("30", mark("One month"), 30), ("182", mark("Half a year"), 182), ("365", mark("One year"), 365))


@router.get("")
def more(view: ViewDep) -> Response:
    """What else there is."""
    view.require(Role.PATIENT)
    return view.page("patient/more.html")


@router.get("/emergency")
def emergency(view: ViewDep) -> Response:
    """What an emergency department may open while she cannot be asked."""
    view.require(Role.PATIENT)
    allowed = emergency_of(view.gateway, view.address)
    ordinary, sensitive = sharing.ordinary_and_sensitive()
    choice = "ordinary" if allowed == ORDINARY else "nothing" if not allowed else "some"
    return view.page(
        "patient/emergency.html",
        choice=choice,
        chosen=allowed.labels(),
        kinds=[(one.label, wording.categories(view.language, one), "") for one in (*ordinary, *sensitive)],
        sensitive=wording.categories(view.language, SENSITIVE),
    )


@router.post("/emergency")
def set_emergency(form: FormDep) -> Response:
    """Say so on the ledger."""
    view = form.view

    def do(errand: Errand) -> Done:
        match form.one("choice"):
            case "ordinary":
                allowed = ORDINARY
            case "nothing":
                allowed = Category(0)
            case "some":
                allowed = _kinds(form.all("kinds"))
                if not allowed:
                    raise form.refuse("kinds", view.say("Choose at least one kind of record."))
            case _:
                raise form.refuse("choice", view.say("Choose one of the three."))
        act = view.gateway.ledger.acts.set_preferences(
            emergency=allowed,
            barred_authors=Category(0),
            over_denials=form.one("over") == "yes",
        )
        send(view.gateway, act, signer=view.identity.address, errand=errand)
        return Done(_HERE, view.say("Your wish for emergencies is on the ledger."))

    return form.once(do)


@router.get("/delegates")
def delegates(view: ViewDep) -> Response:
    """Who acts for her, and who may be named."""
    view.require(Role.PATIENT)
    words = view.kept.fields.get("words", ("",))[0] if view.kept else ""
    ordinary, sensitive = sharing.ordinary_and_sensitive()
    return view.page(
        "patient/delegates.html",
        standing=_standing(view),
        deeds=_deeds(view),
        words=words,
        found=sharing.find_people(view, words),
        powers=[(one.label, view.say(said), "") for one, said in POWERS.items()],
        kinds=[(one.label, wording.categories(view.language, one), "") for one in (*ordinary, *sensitive)],
        ordinary=[one.label for one in ordinary],
        lengths=[
            (code, view.say(said), view.say("until {day}", day=view.language.day(view.now + days * _DAY)))
            for code, said, days in _LENGTHS
        ],
    )


@router.post("/delegates")
def name_delegate(form: FormDep) -> Response:
    """Find somebody, or name him."""
    view = form.view
    if form.one("do") == "find":
        return form.again()

    def do(errand: Errand) -> Done:
        whom = address(form, "whom")
        powers = _powers(form.all("powers"))
        kinds = _kinds(form.all("kinds"))
        days = {code: days for code, _, days in _LENGTHS}.get(form.one("length"))
        if not powers:
            raise form.refuse("powers", view.say("Choose at least one thing that they may do."))
        if not kinds:
            raise form.refuse("kinds", view.say("Choose at least one kind of record."))
        if days is None:
            raise form.refuse("length", view.say("Choose until when."))
        leave = Leave(powers, kinds, view.now + days * _DAY)
        delegating.name_delegate(view.gateway, view.identity, whom, leave, errand)
        who = view.names(whom)[whom]
        return Done(f"{_HERE}/delegates", view.say("{who} may act for you now, within what you chose.", who=who))

    return form.once(do)


@router.post("/delegates/end")
def end_delegation(form: FormDep) -> Response:
    """At once; he is told nothing."""
    view = form.view

    def do(errand: Errand) -> Done:
        whom = address(form, "whom")
        delegating.end_delegation(view.gateway, view.identity, whom, errand)
        who = view.names(whom)[whom]
        return Done(f"{_HERE}/delegates", view.say("{who} acts for you no more. They are not told.", who=who))

    return form.once(do)


@router.get("/export")
def what_export_is(view: ViewDep) -> Response:
    """What taking everything along means."""
    view.require(Role.PATIENT)
    return view.page("patient/export.html")


@router.post("/export")
def take(form: FormDep) -> Response:
    """Everything of hers as one archive, made as it leaves and kept nowhere."""
    view = form.view
    view.require(Role.PATIENT)
    stream = export(view.gateway, view.identity, view.address, purpose=Purpose.PATRQT, correlation=str(uuid4()))
    first = next(stream)  # what refuses the whole is a page, not a broken file
    headers = {"Content-Disposition": f'attachment; filename="{NAME}.zip"'}
    return StreamingResponse(chain([first], stream), headers=headers, media_type="application/zip")


@router.post("/sign-out-everywhere")
def sign_out_everywhere(form: FormDep) -> Response:
    """End every session of hers, this one too."""
    form.view.portal.desk.clear(form.view.person.session.token_hash)
    form.view.gateway.sessions.close_all(form.view.address)
    return form.view.redirect("/portal/")


def _standing(view: View) -> list[dict[str, str]]:
    found = CareIndex(view.gateway.ledger_database).delegations_of(view.address, at=view.now)
    names = view.names(*{one.delegate for one in found})
    shown = []
    for one in found:
        live = live_delegation(view.gateway, one.delegate, view.address)
        if live is not None:
            shown.append(
                {
                    "address": one.delegate,
                    "who": names[one.delegate],
                    "may": view.language.listed([view.say(POWERS[power]) for power in live.powers]),
                    "kinds": wording.categories(view.language, live.categories),
                    "until": view.language.day(live.until),
                }
            )
    return shown


def _deeds(view: View) -> list[str]:
    """What was done for her, newest first: for ever, also by those who act for her no more."""
    found = deeds_for(view.gateway, view.address, _DEEDS)
    names = view.names(*{one.delegate for one in found}, *{one.other for one in found if one.other})
    return [view.say(one.text, who=names[one.delegate], other=names[one.other] if one.other else "") for one in found]


def _kinds(labels: tuple[str, ...]) -> Category:
    known = {one.label: one for one in Category}
    mask = Category(0)
    for label in labels:
        mask |= known.get(label, Category(0))
    return mask


def _powers(labels: tuple[str, ...]) -> Power:
    known = {one.label: one for one in Power}
    mask = Power(0)
    for label in labels:
        mask |= known.get(label, Power(0))
    return mask
