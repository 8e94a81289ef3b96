"""The researcher's charts, each with the table that it is drawn from: nothing is shown that cannot be taken along.

>>> [figure.name for figure in measured_figures(shipped())]
['workflows', 'operations', 'peers', 'batches', 'scaling']
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.portal.language import mark
from gateway.portal.researcher_charts import Bar, Dot, Piece, Series, bar_chart, curve_chart, dot_chart
from gateway.portal.researcher_measured import Measured
from ledger.gas.catalogue.care import CARE, ENDED
from ledger.gas.catalogue.consents import CONSENTS
from ledger.gas.catalogue.participants import PARTICIPANTS
from ledger.gas.catalogue.prescriptions import PRESCRIPTIONS
from ledger.gas.catalogue.records import RECORDS
from ledger.gas.history import CostSoFar
from ledger.gas.tables import Column, Table

Row = dict[str, Any]

_FAMILIES = (
    ("participants", PARTICIPANTS),
    ("consents", CONSENTS),
    ("records", RECORDS),
    ("prescriptions", PRESCRIPTIONS),
    ("care", (*CARE, *ENDED)),
)
_OTHERS = "other acts"


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, its data, and what to see in it."""

    name: str
    """Of its files."""
    title: str
    finding: str
    """What the figures say, in a sentence."""
    svg: str
    table: Table


def measured_figures(measured: Measured) -> list[Figure]:
    """Everything that was measured."""
    return [
        _workflows(measured),
        _operations(measured),
        _peers(measured),
        _batches(measured),
        _scaling(measured),
    ]


def live_figures(found: CostSoFar) -> list[Figure]:
    """What the acts on this network have cost so far, from their receipts."""
    figures = []
    if found.workflows:
        workflows: list[Row] = [
            {
                "workflow": one.workflow,
                "title": one.title,
                "count": one.count,
                "min": one.least,
                "median": one.median,
                "max": one.most,
                "gas": one.gas,
            }
            for one in found.workflows
        ]
        figures.append(
            Figure(
                "so-far-workflows",
                mark("What each thing has cost so far"),
                "The gas of one, from its first act to its latest: the one in the middle.",
                bar_chart(
                    "Gas so far of one of each kind",
                    [
                        Bar(row["workflow"], (Piece("median", row["median"]),), f"{row['median']:,} ({row['count']:,})")
                        for row in workflows
                    ],
                    unit="Gas of one so far; in brackets how many there are",
                    kinds=("median",),
                ),
                _table("so-far-workflows", "What each thing has cost so far", workflows, _WORKFLOW_COLUMNS),
            )
        )
    if found.operations:
        operations: list[Row] = [
            {
                "operation": one.operation,
                "count": one.count,
                "min": one.least,
                "median": one.median,
                "max": one.most,
                "gas": one.gas,
            }
            for one in found.operations
        ]
        figures.append(
            Figure(
                "so-far-operations",
                mark("What each operation has cost so far"),
                f"{found.gas:,} gas in {found.transactions:,} transactions, by the function that was called.",
                bar_chart(
                    "Gas so far by function",
                    [
                        Bar(row["operation"], (Piece("in all", row["gas"]),), f"{row['gas']:,} ({row['count']:,})")
                        for row in operations[:14]
                    ],
                    unit="Gas in all; in brackets the number of transactions",
                    kinds=("in all",),
                ),
                _table("so-far-operations", "What each operation has cost so far", operations, _OPERATION_COLUMNS),
            )
        )
    return figures


_WORKFLOW_COLUMNS = (
    Column("workflow", "Kind", "name"),
    Column("title", "What it is"),
    Column("count", "How many", "n"),
    Column("min", "Least", "n"),
    Column("median", "Median", "n"),
    Column("max", "Most", "n"),
    Column("gas", "Gas in all", "n"),
)
_OPERATION_COLUMNS = (
    Column("operation", "Operation", "name"),
    Column("count", "Transactions", "n"),
    Column("min", "Least", "n"),
    Column("median", "Median", "n"),
    Column("max", "Most", "n"),
    Column("gas", "Gas in all", "n"),
)


def _workflows(measured: Measured) -> Figure:
    steps = measured.tables["workflow-steps"]
    by_workflow: dict[str, list[Row]] = {}
    for row in steps.rows:
        by_workflow.setdefault(str(row["workflow"]), []).append(dict(row))
    paid = {_family(str(row["operation"])) for row in steps.rows if row["gas"]}
    kinds = [kind for kind in (*(name for name, _ in _FAMILIES), _OTHERS) if kind in paid]
    bars = [
        Bar(name, tuple(Piece(_family(row["operation"]), row["gas"], row["operation"]) for row in rows if row["gas"]))
        for name, rows in by_workflow.items()
    ]
    dearest = max(bars, key=lambda bar: bar.total)
    return Figure(
        "workflows",
        mark("Cost of each workflow"),
        f"The first time, with the consents that then stand; {dearest.label} is the dearest with {dearest.total:,.0f} "
        "gas. Each piece is one transaction.",
        bar_chart("Gas of each workflow, by kind of act", bars, unit="Gas, the first time", kinds=kinds),
        steps,
    )


def _operations(measured: Measured) -> Figure:
    table = measured.tables["operations"]
    everyday = {str(row["operation"]) for row in measured.tables["workflow-steps"].rows}
    rows = [dict(row) for row in table.rows if row["operation"] in everyday and row["floor"]]
    bars = [
        Bar(
            row["operation"],
            (Piece("floor", row["floor"]), Piece("above the floor", max(row["median"] - row["floor"], 0))),
            f"{row['median']:,} ({row['ratio']:.3f})",
        )
        for row in rows
    ]
    worst = max(rows, key=lambda row: row["ratio"])
    return Figure(
        "operations",
        mark("Each operation beside its floor"),
        "The floor is what the protocol asks for the same calldata, slots, logs and signatures with no computation. "
        f"The furthest above it is {worst['operation']}: {worst['ratio']:.3f} times.",
        bar_chart(
            "Gas of each everyday operation and its arithmetic floor",
            bars,
            unit="Gas, median; in brackets the ratio to the floor",
            kinds=("floor", "above the floor"),
        ),
        table,
    )


def _peers(measured: Measured) -> Figure:
    table = measured.tables["compare"]
    floors = {
        str(row["operation"]): row["floor"] * row["each"] / row["median"]
        for row in measured.tables["operations"].rows
        if row["floor"]
    }
    by_operation: dict[str, list[Dot]] = {}
    for row in table.rows:
        name, who = str(row["operation"]), str(row["who"])
        if row["gas"]:
            by_operation.setdefault(name, []).append(Dot(_whose(who), float(row["gas"]), who))
    for name, dots in by_operation.items():
        if name in floors:
            dots.append(Dot("floor", float(floors[name]), "floor"))
    return Figure(
        "peers",
        mark("Beside other projects"),
        "Measured figures of public projects for the like; the table says what each of them leaves out.",
        dot_chart(
            "Gas of our operations, their floor, and other projects' operations",
            list(by_operation.items()),
            unit="Gas (anchorBatch: a record)",
            kinds=("ours", "floor", "medical project", "reference contract"),
        ),
        table,
    )


def _batches(measured: Measured) -> Figure:
    table = measured.tables["batches"]
    rows = [dict(row) for row in table.rows]
    single = next(row["median"] for row in measured.tables["operations"].rows if row["operation"] == "anchor")
    at = next((row for row in rows if row["size"] == 1_000), rows[-1])
    return Figure(
        "batches",
        mark("A record's cost in ever larger batches"),
        f"In a batch of {at['size']:,} a record costs {at['each']:,.0f} gas; by itself it costs {single:,}.",
        curve_chart(
            "Gas a record against the number of records in a batch",
            (
                Series("measured", tuple((row["size"], row["each"]) for row in rows)),
                Series("floor", tuple((row["size"], row["floor_each"]) for row in rows), marked=False),
                Series("by itself", ((rows[0]["size"], single), (rows[-1]["size"], single)), marked=False),
            ),
            across="Records in the batch",
            up="Gas a record",
            logarithmic=True,
        ),
        table,
    )


def _scaling(measured: Measured) -> Figure:
    table = measured.tables["scaling"]
    rows = [dict(row) for row in table.rows]
    flat = all(row["verdict"] == "flat" for row in rows)
    verdict = "Every act costs the same however many came before" if flat else "Not every act costs the same"
    return Figure(
        "scaling",
        mark("Growth with patients, consents and records"),
        f"{verdict}: the fitted slopes and their 95 % intervals are in the table.",
        curve_chart(
            "Gas of an act against how many of its kind came before",
            [Series(row["operation"], tuple((x, y) for x, y in row["points"][::6])) for row in rows],
            across="Acts of the kind that came before",
            up="Gas of one act",
        ),
        table,
    )


def _family(operation: str) -> str:
    for family, operations in _FAMILIES:
        if any(one.name == operation for one in operations):
            return family
    return _OTHERS


def _whose(who: str) -> str:
    if who == "consent-ledger":
        return "ours"
    return "reference contract" if who.endswith("(reference)") else "medical project"


def _table(name: str, title: str, rows: Sequence[Row], columns: tuple[Column, ...]) -> Table:
    return Table(name, title, columns, tuple(rows))
