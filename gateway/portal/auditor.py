"""An auditor's pages: emergency openings to judge, and the access log's checkpoints. No record is anywhere here."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from gateway.emergencies import breakglass
from gateway.emergencies.breakglass import Standing
from gateway.errors import LogBroken
from gateway.log import checkpoints as log_checkpoints
from gateway.log.audit import audit_database
from gateway.portal import wording
from gateway.portal.auditor_words import finding, findings
from gateway.portal.doctor import address_from
from gateway.portal.emergency import OUTCOMES, REASONS
from gateway.portal.forms import Done, Form, FormDep
from gateway.portal.language import mark
from gateway.portal.view import View, ViewDep
from gateway.sending import Errand
from gateway.verify.chain import Chain
from gateway.verify.log import anchored_of
from ledger.care import opening_id
from ledger.codes import ReviewOutcome, Role
from ledger.index_care import CareIndex
from ledger.types import Address

router = APIRouter(prefix="/auditor")

_HOME = "/portal/auditor"
_MOST = 50
_LINES = 400
"""Lines of the access log that are looked through for what was read under one opening."""
_CHOICES = {
    ReviewOutcome.JUSTIFIED: mark("It was justified"),
    ReviewOutcome.UNJUSTIFIED: mark("It was not justified"),
    ReviewOutcome.UNCLEAR: mark("It stays unclear"),
}
_JUDGED = mark("It is judged, and stands on the ledger. The patient and the clinician are told.")
_SOUND = mark("Every line was gone through: the log is as it was when its checkpoints were anchored.")
_SENT = mark("A checkpoint of every line is signed and on its way to the ledger.")
_NOTHING_NEW = mark("There is no line that the last checkpoint does not count.")
Number = Annotated[int, Path(ge=1, le=65_535)]


def auditor_view(view: ViewDep) -> View:
    """Raises:
    NotPermitted: she is no auditor.
    """
    view.require(Role.AUDITOR)
    return view


def auditor_form(form: FormDep) -> Form:
    """Raises:
    NotPermitted: she is no auditor.
    """
    form.view.require(Role.AUDITOR)
    return form


AuditorDep = Annotated[View, Depends(auditor_view)]
AuditorForm = Annotated[Form, Depends(auditor_form)]


@router.get("")
def home(view: AuditorDep) -> Response:
    """Openings that are over and not judged, and those that are still open."""
    due = breakglass.to_review(view.gateway, _MOST)
    judged = {(one.opening.patient, one.opening.clinician, one.opening.number) for one in due}
    others = [
        breakglass.find(view.gateway, one.patient, one.clinician, one.number)
        for one in CareIndex(view.gateway.ledger_database).unreviewed_openings(limit=_MOST)
        if (one.patient, one.clinician, one.number) not in judged
    ]
    names = view.names(*{one.opening.clinician for one in (*due, *others)})
    return view.page(
        "auditor/home.html",
        due=[_row(view, one, names) for one in due],
        still_open=[_row(view, one, names) for one in others],
    )


@router.get("/openings/{patient}/{clinician}/{number}")
def one_opening(patient: str, clinician: str, number: Number, view: AuditorDep) -> Response:
    """One opening: by whom, why, and when something was read under it, not what."""
    one = breakglass.find(view.gateway, address_from(patient), address_from(clinician), number)
    opening = one.opening
    names = view.names(opening.clinician)
    basis = opening_id(opening.patient, opening.clinician, opening.number)
    lines = view.gateway.log.page(patients=[opening.patient], reader=opening.clinician, limit=_LINES)
    read = [line.attempt for line in lines if line.attempt.basis_id == basis and line.attempt.permitted]
    refused = [
        line.attempt
        for line in lines
        if not line.attempt.permitted
        and (line.attempt.reader, line.attempt.patient) == (opening.clinician, opening.patient)
        and one.opened_at <= line.attempt.at < opening.until
    ]
    return view.page(
        "auditor/opening.html",
        row=_row(view, one, names),
        read=read,
        refused=refused,
        choices=[(each.name, view.say(said), "") for each, said in _CHOICES.items()],
        purposes={purpose: view.say(said) for purpose, said in wording.PURPOSES.items()},
    )


@router.post("/openings/{patient}/{clinician}/{number}/review")
def review(patient: str, clinician: str, number: Number, form: AuditorForm) -> Response:
    """Judge it, on the ledger."""
    view = form.view

    def do(errand: Errand) -> Done:
        one = breakglass.find(view.gateway, address_from(patient), address_from(clinician), number)
        try:
            outcome = ReviewOutcome[form.one("outcome")]
        except KeyError:
            raise form.refuse("outcome", view.say(mark("Choose how you judge it."))) from None
        report = form.one("report")
        if not report or len(report) > breakglass.MOST_REPORT:
            raise form.refuse("report", view.say(mark("Say why, in at most 10,000 letters.")))
        breakglass.review(view.gateway, view.identity, one.opening, outcome, report, errand=errand)
        return Done(_HOME, view.say(_JUDGED))

    return form.once(do)


@router.get("/log")
def log_page(view: AuditorDep) -> Response:
    """The access log's checkpoints, and whether the log still begins with each."""
    gateway = view.gateway
    size = gateway.log.size()
    anchored = log_checkpoints.anchored(gateway, limit=_MOST, newest=True)
    latest = gateway.checkpoints.latest()
    counted = anchored[0].size if anchored else 0
    return view.page(
        "auditor/log.html",
        size=size,
        counted=counted,
        waiting=max(size - counted, 0),
        on_its_way=bool(latest and latest.checkpoint.size > counted),
        signed_at=latest.signed_at if latest else None,
        rows=[
            {"size": one.size, "root": one.root.hex(), "block": one.block_number, "fault": _fault(view, one)}
            for one in anchored
        ],
        key=str(gateway.checkpoints.key),
    )


@router.post("/log/check")
def check_log(form: AuditorForm) -> Response:
    """Go through every line, against the checkpoints that the ledger itself has."""
    view = form.view

    def do(errand: Errand) -> Done:
        gateway = view.gateway
        operator = gateway.checkpoints.operator
        chain = Chain(gateway.node, gateway.ledger, gateway.deployment.block)
        audit = audit_database(gateway.database, anchored_of(chain, operator))
        if audit.number_of_faults:
            view.flash(findings(view.language, audit), "problem")
            return Done(f"{_HOME}/log")
        return Done(f"{_HOME}/log", view.say(_SOUND))

    return form.once(do)


@router.post("/log/anchor")
def anchor_log(form: AuditorForm) -> Response:
    """Have a checkpoint signed and anchored now, rather than when it is due."""
    view = form.view

    def do(errand: Errand) -> Done:
        entry = log_checkpoints.anchor_now(view.gateway)
        return Done(f"{_HOME}/log", view.say(_SENT if entry is not None else _NOTHING_NEW))

    return form.once(do)


def _fault(view: View, one: log_checkpoints.Anchored) -> str:
    """Why the log is not the one that was anchored; empty: it still begins with it."""
    try:
        view.gateway.checkpoints.require_has(one.size, one.root)
    except LogBroken as failure:
        return finding(view.language, str(failure))
    return ""


def _row(view: View, one: Standing, names: dict[Address, str]) -> dict[str, object]:
    opening = one.opening
    return {
        "path": f"{_HOME}/openings/{opening.patient}/{opening.clinician}/{opening.number}",
        "clinician": names[opening.clinician],
        "reason": view.say(REASONS[opening.reason]),
        "opened_at": one.opened_at,
        "until": opening.until,
        "is_open": one.is_open,
        "repeated": opening.repeated,
        "outcome": view.say(OUTCOMES[opening.outcome]) if opening.outcome else "",
    }
