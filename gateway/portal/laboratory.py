"""A laboratory's pages: drop results, see which cannot be posted, post the others as one batch, what each has cost."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from gateway.api.models import DigestField
from gateway.batches import posting as batches
from gateway.errors import GatewayError, InvalidInput, RequestConflict
from gateway.notices.told import Told
from gateway.portal import wording
from gateway.portal.explaining import explain
from gateway.portal.file_forms import FileFormDep, taken
from gateway.portal.forms import Done, Form, FormDep
from gateway.portal.laboratory_results import Report, hand_in
from gateway.portal.language import mark
from gateway.portal.view import View, ViewDep
from gateway.portal.work import work_of
from gateway.sending import Errand
from gateway.web.problems import kind_of
from ledger.codes import SENSITIVE, Category, Role
from ledger.errors import LedgerError
from offchain_store.errors import StoreError

router = APIRouter(prefix="/laboratory")

_HOME = "/portal/laboratory"
_MOST_BATCHES = 50
STATES = {
    "open": mark("being put together"),
    "posting": mark("on its way"),
    "posted": mark("on its way"),
    "anchored": mark("on the ledger"),
    "failed": mark("refused by the ledger"),
}
_POSTED_MANY = mark("{count} results are posted. Every patient concerned is told at once.")
_POSTED_ONE = mark("One result is posted. The patient concerned is told at once.")


def laboratory_view(view: ViewDep) -> View:
    """Raises:
    NotPermitted: she is no laboratory, nor of one.
    """
    view.require(Role.LABORATORY)
    return view


def laboratory_form(form: FormDep) -> Form:
    """Raises:
    NotPermitted: she is no laboratory, nor of one.
    """
    form.view.require(Role.LABORATORY)
    return form


LaboratoryDep = Annotated[View, Depends(laboratory_view)]
LaboratoryForm = Annotated[Form, Depends(laboratory_form)]


@router.get("")
def home(view: LaboratoryDep) -> Response:
    """Hand results in, and the batches so far."""
    found = batches.batches_by(view.gateway, view.address, _MOST_BATCHES)
    return view.page(
        "laboratory/home.html",
        found=[_row(view, one) for one in found],
        name=_name(view),
        most=view.gateway.settings.max_form_bytes >> 20,
        sensitive=[(one.label, view.say(wording.CATEGORIES[one]), "") for one in SENSITIVE],
    )


@router.get("/batches/{job}")
def one_batch(job: DigestField, view: LaboratoryDep) -> Response:
    """How far a batch has come, and what is wrong with what was handed in."""
    name = bytes.fromhex(job)
    progress = batches.progress(view.gateway, view.address, name)
    return view.page(
        "laboratory/batch.html",
        row=_row(view, progress),
        report=work_of(view).hand_ins.of(view.address, name),
        most=view.gateway.settings.max_form_bytes >> 20,
        sensitive=[(one.label, view.say(wording.CATEGORIES[one]), "") for one in SENSITIVE],
    )


@router.get("/batches/{job}/state")
def batch_state(job: DigestField, view: LaboratoryDep) -> Response:
    """The part of the page that changes while a batch is on its way."""
    progress = batches.progress(view.gateway, view.address, bytes.fromhex(job))
    return view.page("laboratory/state.html", row=_row(view, progress))


@router.post("/results")
def take_results(request: Request, form: FileFormDep) -> Response:
    """Results as files, or a piece of a file: matched, sealed and kept; the same again changes nothing.

    A script that sends a large file piece by piece asks for JSON; a browser by itself is sent to the batch's page.
    """
    view = form.view
    view.require(Role.LABORATORY)
    wants_json = request.headers.get("accept", "").startswith("application/json")
    try:
        job, report = _take(form)
    except (GatewayError, LedgerError, StoreError) as failure:
        if wants_json:
            kind = kind_of(failure)
            return JSONResponse({"problem": _problem(view, failure)}, kind.status if kind else 500)
        return form.again({"file": _problem(view, failure)}, form.sent.page)
    work_of(view).hand_ins.add(view.address, job, report)
    page = f"{_HOME}/batches/{job.hex()}"
    if not wants_json:
        return view.redirect(page)
    unread = [{"name": one.name, "why": view.say(one.why)} for one in report.unread]
    return JSONResponse(
        {
            "job": job.hex(),
            "page": page,
            "accepted": report.accepted,
            "unchanged": report.unchanged,
            "unread": unread,
        }
    )


@router.post("/batches/{job}/post")
def post(job: DigestField, form: LaboratoryForm) -> Response:
    """Close the list and have it anchored as one root."""
    view = form.view
    name = bytes.fromhex(job)

    def do(errand: Errand) -> Done:
        _ = view.identity  # her key signs
        progress = batches.post(view.gateway, view.address, name, wait=errand.wait, correlation=errand.correlation)
        text = view.language.many(_POSTED_ONE, _POSTED_MANY, progress.items)
        return Done(f"{_HOME}/batches/{job}", text)

    return form.once(do)


@router.post("/batches/{job}/seen")
def seen(job: DigestField, form: LaboratoryForm) -> Response:
    """Forget the list of what could not be posted."""
    work_of(form.view).hand_ins.drop(form.view.address, bytes.fromhex(job))
    return form.view.redirect(f"{_HOME}/batches/{job}")


def _take(form: Form) -> tuple[bytes, Report]:
    view = form.view
    files = form.files("file")
    if not files:
        raise InvalidInput("file", Told(mark("choose a file or a folder of results")))
    job = _job(form)
    categories, known = Category.LABORATORY, {one.label: one for one in SENSITIVE}
    for label in form.all("sensitive"):
        if label not in known:
            raise InvalidInput("sensitive", Told(mark("Choose from the kinds of records.")))
        categories |= known[label]
    first = form.one("first_line", "1")
    if not (first.isascii() and first.isdigit() and 1 <= int(first[:9])):
        raise InvalidInput("first_line", Told(mark("write the number of the first line, from 1 up")))
    report = Report()
    for file in files:
        one = taken(file)
        report += hand_in(
            view.gateway, view.address, job, one.name, one.content, categories=categories, first_line=int(first[:9])
        )
    return job, report


def _job(form: Form) -> bytes:
    """The batch that the results are for: one that is named by its page, or the one of the name that was typed."""
    view = form.view
    known = form.one("job")
    if known:
        try:
            job = bytes.fromhex(known)
        except ValueError as failure:
            raise InvalidInput("job", Told(mark("no batch has such a name"))) from failure
        return batches.progress(view.gateway, view.address, job).job
    name = form.one("name")
    if not name or len(name) > 200:
        raise InvalidInput("name", Told(mark("give the batch a name below 200 letters")))
    return batches.open_batch(view.gateway, view.address, name).job


def _problem(view: View, failure: Exception) -> str:
    """A failure as a sentence; of a value that was sent, what is wrong with it."""
    if isinstance(failure, batches.ItemConflict):
        return explain(view, failure)
    if isinstance(failure, RequestConflict):
        return view.say(mark("This batch is posted already: give these results a batch of their own."))
    return explain(view, failure)


def _row(view: View, progress: batches.Progress) -> dict[str, object]:
    gas = progress.entry.gas_used if progress.entry else None
    return {
        "job": progress.job.hex(),
        "state": progress.state,
        "word": view.say(STATES[progress.state]),
        "items": progress.items,
        "proposals": progress.proposals,
        "gas": gas,
        "each": gas / progress.items if gas and progress.items else None,
        "at": progress.created_at,
        "root": progress.root.hex() if progress.root else None,
        "failure": progress.entry.failure.name if progress.entry and progress.entry.failure else None,
    }


def _name(view: View) -> str:
    """A name to begin with: nobody has to think of one."""
    now = datetime.fromtimestamp(view.now, UTC)
    return view.say(mark("Results of {day}, {time}"), day=view.language.day(view.now), time=f"{now:%H:%M}")
