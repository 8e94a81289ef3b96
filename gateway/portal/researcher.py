"""A researcher's pages: what this ledger has cost so far, what was measured to cost how much, waiting lists projected.

No page is about a person. Every chart can be taken along, with the table that it is drawn from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response

from gateway.errors import InvalidInput, NotFound
from gateway.notices.told import Told
from gateway.portal.errors import FormRefused
from gateway.portal.explaining import explain
from gateway.portal.file_forms import FileFormDep, taken
from gateway.portal.forms import Done, Form, FormDep
from gateway.portal.language import mark
from gateway.portal.researcher_figures import Figure, live_figures, measured_figures
from gateway.portal.researcher_measured import Measured
from gateway.portal.researcher_projection import Asked, Job, price_of, projected_figures, safe_name, table_of
from gateway.portal.researcher_words import cell_words, table_words
from gateway.portal.view import View, ViewDep
from gateway.portal.wording import roles as roles_in_words
from gateway.portal.work import work_of
from gateway.sending import Errand
from ledger.codes import Role
from ledger.gas.history import CostSoFar
from ledger.gas.prices import Price
from ledger.gas.projection import Stock
from ledger.gas.sheets import Terms
from ledger.gas.tables import Table, show, to_csv, to_json

router = APIRouter(prefix="/researcher")

_PROJECTIONS = "/portal/researcher/projections"
_MIX = {"laboratory-result": 1, "prescription": 1}
"""What each waiting person goes through unless something else is chosen."""
_SHOWN = 60
"""Rows of a table on a page; its file has them all."""
_PATIENCE = 4.0
"""Seconds that a browser waits for a projection before it is shown the progress."""
Kind = Literal["svg", "csv", "json"]
_TYPES = {"svg": "image/svg+xml", "csv": "text/csv; charset=utf-8", "json": "application/json"}


def researcher_view(view: ViewDep) -> View:
    """Raises:
    NotPermitted: she is no researcher.
    """
    view.require(Role.RESEARCHER)
    return view


def researcher_form(form: FormDep) -> Form:
    """Raises:
    NotPermitted: she is no researcher.
    """
    form.view.require(Role.RESEARCHER)
    return form


ResearcherDep = Annotated[View, Depends(researcher_view)]
ResearcherForm = Annotated[Form, Depends(researcher_form)]


@router.get("")
def home(view: ResearcherDep) -> Response:
    """What the acts on this ledger have cost so far."""
    return view.page("researcher/home.html", **_so_far(view))


@router.get("/so-far")
def so_far(view: ResearcherDep, known: Annotated[int, Query(ge=0)] = 0) -> Response:
    """The part of that page that changes; nothing, while no more transactions are counted than it shows."""
    if view.gateway.costs.so_far().transactions == known:
        return Response(status_code=204)
    return view.page("researcher/so_far.html", **_so_far(view))


@router.get("/measured")
def measured_page(view: ResearcherDep) -> Response:
    """Workflows, operations, peers, batches and growth, as measured."""
    measured = _measured(view)
    measuring = work_of(view).measuring
    return view.page(
        "researcher/measured.html",
        figures=measured_figures(measured, view.language),
        about=measured.about,
        is_of_this_code=measured.is_of_this_code,
        doing=measuring.doing,
        failure=measuring.failure,
        most=_SHOWN,
        **_words(view),
    )


@router.post("/measured")
def measure_again(form: ResearcherForm) -> Response:
    """Measure everything anew, with the code that this gateway runs."""

    def do(errand: Errand) -> Done:
        work_of(form.view).measuring.start(form.view.gateway.settings.data_dir)
        return Done("/portal/researcher/measured", form.view.say(_BEGUN))

    return form.once(do)


_BEGUN = mark("It is being measured. This takes about a minute; the figures below change when it is done.")


@router.get("/measuring")
def measuring(view: ResearcherDep) -> Response:
    """What is being measured at this moment."""
    doing = work_of(view).measuring.doing
    if doing is None and view.request.headers.get("hx-request"):
        return Response(status_code=200, headers={"HX-Refresh": "true"})
    return view.page("researcher/measuring.html", doing=doing, **_words(view))


@router.get("/files/{name}.{kind}")
def file_of(name: str, kind: Kind, view: ResearcherDep) -> Response:
    """A chart, or the table that it is drawn from, to keep."""
    measured = _measured(view)
    found = view.gateway.costs.so_far()
    figures = [*live_figures(found, view.language), *measured_figures(measured, view.language)]
    about = dict(measured.about)
    if name.startswith("so-far"):
        about = {"network": view.gateway.ledger.chain_id, "block": found.block}
    return _file(_figure(figures, name), kind, about)


@router.get("/projections")
def projections(view: ResearcherDep) -> Response:
    """Hand a waiting list in, and what was projected before."""
    measured = _measured(view)
    workflows = [
        {"name": row["workflow"], "title": row["title"], "times": _MIX.get(str(row["workflow"]), 0)}
        for row in measured.tables["workflows"].rows
    ]
    return view.page(
        "researcher/projections.html",
        workflows=workflows,
        jobs=work_of(view).projections.all_of(view.address),
        stocks=_stocks(view),
        most=view.gateway.settings.max_form_bytes >> 20,
        **_words(view),
    )


@router.post("/projections")
def project(form: FileFormDep) -> Response:
    """Read a file and project it; the same file and questions again are the same projection."""
    view = form.view
    view.require(Role.RESEARCHER)
    files = form.files("file")
    try:
        if not files:
            raise InvalidInput("file", Told(mark("choose a waiting-list file")))
        one = taken(files[0])
        asked = _asked(form)
        job = work_of(view).projections.start(
            view.address, one.name, one.content, asked, _measured(view).unit_costs, wait=_PATIENCE
        )
    except InvalidInput as failure:
        return form.again({failure.field: explain(view, failure)}, _PROJECTIONS)
    except FormRefused as failure:
        return form.again(dict(failure.errors), _PROJECTIONS)
    if job.failure:
        return form.again({"file": _words(view)["failed"](job.failure)}, _PROJECTIONS)
    return view.redirect(f"{_PROJECTIONS}/{job.id}")


@router.get("/projections/{name}")
def one_projection(name: str, view: ResearcherDep) -> Response:
    """One projection, or how far it has come."""
    job = work_of(view).projections.of(view.address, name)
    figures = projected_figures(job.result, view.language) if job.result else []
    return view.page("researcher/projection.html", job=job, figures=figures, most=_SHOWN, **_parts(job), **_words(view))


@router.get("/projections/{name}/progress")
def projection_progress(name: str, view: ResearcherDep) -> Response:
    """How far it has come."""
    job = work_of(view).projections.of(view.address, name)
    if not job.is_at_work:
        return Response(status_code=200, headers={"HX-Refresh": "true"})
    return view.page("researcher/reading.html", job=job)


@router.get("/projections/{name}/files/{table}.{kind}")
def projection_file(name: str, table: str, kind: Kind, view: ResearcherDep) -> Response:
    """A projection's chart or table, to keep."""
    job = work_of(view).projections.of(view.address, name)
    if job.result is None:
        raise NotFound("this projection is not done yet")
    about = {"file": job.file, "gas": dict(_measured(view).about)}
    stem = f"{safe_name(job.file).rpartition('.')[0] or 'waiting-list'}-"
    if kind == "svg":
        return _file(_figure(projected_figures(job.result, view.language), table), kind, about, stem)
    return _table_file(table_of(job.result, table), kind, about, stem)


def _so_far(view: View) -> dict[str, Any]:
    found = view.gateway.costs.so_far()
    return {
        "block": found.block,
        "found": found,
        "figures": live_figures(found, view.language),
        "payers": _payers(view, found),
        "show": show,
        "most": _SHOWN,
        **_words(view),
    }


def _words(view: View) -> dict[str, Any]:
    """How pages say what tables and failures say."""

    def failed(failure: str) -> str:
        return f"{table_words(view.language, failure)}."

    return {"words": partial(table_words, view.language), "cell": partial(cell_words, view.language), "failed": failed}


def _payers(view: View, found: CostSoFar) -> list[dict[str, Any]]:
    return [
        {
            "who": roles_in_words(view.language, one.roles) or view.say(mark("somebody who is not registered")),
            **{key: value for key, value in asdict(one).items() if key != "roles"},
            "part": one.gas / found.gas if found.gas else 0,
        }
        for one in found.payers
    ]


def _measured(view: View) -> Measured:
    return work_of(view).measuring.current(view.gateway.settings.data_dir)


def _figure(figures: Sequence[Figure], name: str) -> Figure:
    for one in figures:
        if one.name == name:
            return one
    raise NotFound("there is no such chart")


def _file(figure: Figure, kind: Kind, about: Mapping[str, object], stem: str = "") -> Response:
    if kind != "svg":
        return _table_file(figure.table, kind, about, stem)
    # On paper of its own: a viewer may have a dark ground.
    svg = figure.svg.replace("</title>", '</title><rect width="100%" height="100%" fill="#ffffff"/>', 1)
    return _attached(svg, "svg", f"{stem}{figure.name}")


def _table_file(table: Table, kind: Kind, about: Mapping[str, object], stem: str) -> Response:
    text = to_csv(table) if kind == "csv" else to_json((table,), about)
    return _attached(text, kind, f"{stem}{table.name}")


def _attached(text: str, kind: str, name: str) -> Response:
    ascii_name = name.encode("ascii", "replace").decode().replace("?", "_")
    return Response(
        text, media_type=_TYPES[kind], headers={"Content-Disposition": f'attachment; filename="{ascii_name}.{kind}"'}
    )


def _asked(form: Form) -> Asked:
    """Raises:
    FormRefused, InvalidInput: a number is none.
    """
    say = form.view.say
    times: dict[str, int] = {}
    for name, values in form.sent.fields.items():
        if not name.startswith("times-"):
            continue
        text = values[0].strip() or "0"
        if not (text.isascii() and text.isdigit() and len(text) < 4):
            raise form.refuse(name, say(mark("Write how often, as a whole number below 1,000.")))
        times[name.removeprefix("times-")] = int(text)
    if not any(times.values()):
        raise form.refuse("times-laboratory-result", say(mark("Choose at least one workflow.")))
    ether = price_of(form.one("ether_price", "2500"), "ether_price")
    gwei = [price_of(text, "gas_price") for text in form.one("gas_price", "1 20").split()] or [
        price_of("1", "gas_price")
    ]
    currency = form.one("currency", "EUR")
    if not (currency.isascii() and currency.isalpha() and len(currency) <= 8):
        raise form.refuse("currency", say(mark("Write the currency in letters, such as EUR.")))
    month = form.one("month") or None
    stock = form.one("stock", Stock.LATEST.value)
    if stock not in list(Stock):
        raise form.refuse("stock", say(mark("Choose how the counts are taken together.")))
    terms = Terms(tuple(Price(price, ether, currency) for price in dict.fromkeys(gwei[:4])), Terms().space)
    return Asked(times, Stock(stock), month, terms)


def _stocks(view: View) -> list[tuple[str, str, str]]:
    again = view.say(mark("Whoever waits on is counted again each time: these are not people."))
    return [
        (Stock.LATEST.value, view.say(mark("the last count")), ""),
        (Stock.MEAN.value, view.say(mark("the mean of all counts")), ""),
        (Stock.SUM.value, view.say(mark("all counts added up")), again),
    ]


def _parts(job: Job) -> dict[str, Any]:
    if job.result is None:
        return {"summary": None, "months": None, "rejected": None}
    return {
        "summary": table_of(job.result, "projection"),
        "months": table_of(job.result, "by-month"),
        "rejected": table_of(job.result, "rejected"),
    }
