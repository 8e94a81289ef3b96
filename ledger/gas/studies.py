"""The studies behind the commands: measure, then lay out as tables and charts.

>>> with measuring_devnet() as network:
...     result = study_operations(network, seed="1", runs=100)
>>> result.tables[0].name
'operations'
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ledger.errors import LedgerError
from ledger.gas.account import account, account_sheet
from ledger.gas.catalogue import OPERATIONS, operation
from ledger.gas.charts import batch_chart, compare_chart, growth_chart, projection_chart, workflow_chart
from ledger.gas.growth_sheets import batches_sheet, growth_sheet
from ledger.gas.measure import measure_operations
from ledger.gas.network import Network
from ledger.gas.peers import compared_operations
from ledger.gas.projection import Mix, Stock, UnitCost, project
from ledger.gas.projection_sheets import breakdown_sheet, days_sheet, long_sheet, rejected_sheet, summary_sheet
from ledger.gas.provenance import provenance
from ledger.gas.result import Result
from ledger.gas.scaling import measure_batches, measure_growth
from ledger.gas.sheets import Terms, about_sheet, compare_sheet, opcodes_sheet, operations_sheet
from ledger.gas.stage import waits
from ledger.gas.tables import Table
from ledger.gas.theatre import Theatre, open_theatre
from ledger.gas.trace import opcodes
from ledger.gas.waiting_lists import Dimension, WaitingList
from ledger.gas.workflow_sheets import payers_sheet, steps_sheet, workflows_sheet
from ledger.gas.workflows import WORKFLOWS, WorkflowCost, measure_workflows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Progress = Callable[[str], None]
"""Told what is being measured now."""


def study_operations(network: Network, *, seed: str, runs: int, progress: Progress | None = None) -> Result:
    """Every external function."""
    theatre = open_theatre(network, seed=seed)
    chosen = [one for one in OPERATIONS if network.is_devnet or not waits(one.script)]
    measured = measure_operations(theatre, runs=runs, operations=chosen, progress=progress)
    tables = (operations_sheet(measured), operations_sheet(measured, views=True))
    return Result(provenance(network, seed=seed), tables)


def study_workflows(
    network: Network, terms: Terms, *, seed: str, runs: int, progress: Progress | None = None
) -> Result:
    """Every workflow."""
    chosen = [one for one in WORKFLOWS if network.is_devnet or not waits(one.steps)]
    costs = measure_workflows(open_theatre(network, seed=seed), runs=runs, workflows=chosen, progress=progress)
    return workflow_result(network, costs, terms, seed=seed)


def workflow_result(network: Network, costs: Sequence[WorkflowCost], terms: Terms, *, seed: str) -> Result:
    """Workflows that have been measured, laid out."""
    tables = (workflows_sheet(costs, terms), steps_sheet(costs, terms), payers_sheet(costs, terms))
    return Result(provenance(network, seed=seed), tables, charts={"workflows": workflow_chart(costs)})


def study_scaling(network: Network, *, seed: str, most: int, progress: Progress | None = None) -> Result:
    """Growth with patients, consents, records, prescriptions and batch size."""
    theatre = open_theatre(network, seed=seed)
    growth = measure_growth(theatre, most=most, progress=_counting(progress, most))
    batches = measure_batches(theatre)
    single = _single(theatre)
    charts = {"scaling": growth_chart(growth), "batches": batch_chart(batches, single=single)}
    return Result(provenance(network, seed=seed), (growth_sheet(growth), batches_sheet(batches, single)), charts=charts)


def study_compare(network: Network, *, seed: str, runs: int, progress: Progress | None = None) -> Result:
    """Ours beside the peers."""
    chosen = [operation(name) for name in compared_operations()]
    theatre = open_theatre(network, seed=seed)
    measured = measure_operations(theatre, runs=runs, operations=chosen, progress=progress)
    return Result(
        provenance(network, seed=seed), (compare_sheet(measured),), charts={"compare": compare_chart(measured)}
    )


def study_opcodes(network: Network, name: str, *, seed: str) -> Result:
    """One run of one operation, step by step and by instruction: where every unit of its gas went.

    Raises:
        LedgerError: there is no operation of that name, or the node cannot trace.
    """
    if name not in {one.name for one in OPERATIONS}:
        raise LedgerError(f"there is no operation {name}: there are {', '.join(one.name for one in OPERATIONS)}")
    theatre = open_theatre(network, seed=seed)
    measured = measure_operations(theatre, runs=1, operations=[operation(name)])[-1]
    kinds = opcodes(network.node, measured.median_receipt)
    found = account(network.node, measured.median_receipt)
    if kinds is None or found is None:
        raise LedgerError("the node cannot trace transactions")
    sheets = (account_sheet(name, found), opcodes_sheet(measured, kinds))
    return Result(provenance(network, seed=seed), sheets)


def study_everything(
    network: Network,
    terms: Terms,
    *,
    seed: str,
    runs: int,
    most: int,
    waiting_lists: Sequence[tuple[str, WaitingList]],
    mix: Callable[[Mapping[str, UnitCost]], Mix],
    progress: Progress | None = None,
) -> Result:
    """All of it, on one deployment, for the report.

    Args:
        mix: from what each workflow costs, what each waiting person goes through.
    """
    theatre = open_theatre(network, seed=seed)
    measured = measure_operations(theatre, runs=runs, progress=progress)
    costs = measure_workflows(theatre, runs=runs, progress=progress)
    growth = measure_growth(theatre, most=most, progress=_counting(progress, most))
    batches = measure_batches(theatre)
    single = next(one.median for one in measured if one.name == "anchor")
    about = provenance(network, seed=seed)
    tables = [
        about_sheet(about),
        operations_sheet(measured),
        operations_sheet(measured, views=True),
        workflows_sheet(costs, terms),
        steps_sheet(costs, terms),
        payers_sheet(costs, terms),
        growth_sheet(growth),
        batches_sheet(batches, single),
        compare_sheet(measured),
    ]
    charts = {
        "workflows": workflow_chart(costs),
        "scaling": growth_chart(growth),
        "batches": batch_chart(batches, single=single),
        "compare": compare_chart(measured),
    }
    projections = [study_projection(file, waiting, mix(unit_costs(costs)), terms) for file, waiting in waiting_lists]
    together = join(about, projections)
    return Result(about, (*tables, *together.tables), charts={**charts, **together.charts})


def join(about: Mapping[str, Any], projections: Sequence[Result]) -> Result:
    """Several projections as one result; each one's tables and charts bear its number."""
    tables: list[Table] = []
    charts: dict[str, Figure] = {}
    for number, one in enumerate(projections, start=1):
        prefix = f"projection-{number}"
        tables += [replace(table, name=f"{prefix}-{table.name}") for table in one.tables]
        charts |= {f"{prefix}-{name}": chart for name, chart in one.charts.items()}
    flats = [one.flat for one in projections if one.flat]
    flat = replace(flats[0], rows=tuple(row for one in flats for row in one.rows)) if flats else None
    return Result(about, tuple(tables), flat=flat, charts=charts)


def study_projection(
    file: str,
    waiting: WaitingList,
    mix: Mix,
    terms: Terms,
    *,
    stock: Stock = Stock.LATEST,
    month: str | None = None,
    dimensions: Sequence[Dimension] = (),
) -> Result:
    """One waiting-list file, projected; by the dimensions chosen, or by all that it has."""
    projection = project(waiting, mix, stock=stock, month=month)
    chosen = [dimension for dimension in projection.breakdown if not dimensions or dimension in dimensions]
    tables = [summary_sheet(file, projection, terms)]
    tables += [breakdown_sheet(dimension, projection, terms) for dimension in chosen]
    tables += [days_sheet(projection, terms), rejected_sheet(projection)]
    title = f"{file}: {projection.taken}; {mix.label}"
    charts = {f"by-{dimension}": projection_chart(projection, dimension, title) for dimension in chosen}
    return Result({}, tuple(tables), flat=long_sheet(file, projection, terms), charts=charts)


def unit_costs(costs: Sequence[WorkflowCost]) -> dict[str, UnitCost]:
    """What one run of each workflow costs."""
    return {cost.name: UnitCost(Fraction(cost.first, cost.per), Fraction(cost.each, cost.per)) for cost in costs}


def _single(theatre: Theatre) -> int:
    return measure_operations(theatre, runs=1, operations=[operation("anchor")])[-1].median


def _counting(progress: Progress | None, most: int) -> Callable[[str, int], None] | None:
    if progress is None:
        return None
    return lambda name, count: progress(f"{name} {count:,}/{most:,}")
