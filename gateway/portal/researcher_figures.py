"""The researcher's charts, each with the table that it is drawn from: nothing is shown that cannot be taken along.

>>> [figure.name for figure in measured_figures(shipped())]
['workflows', 'operations', 'peers', 'batches', 'scaling']
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.portal.language import ENGLISH, Language, mark
from gateway.portal.researcher_charts import Bar, Dot, Piece, Series, bar_chart, curve_chart, dot_chart
from gateway.portal.researcher_measured import Measured
from gateway.portal.researcher_words import CELLS, table_words
from ledger.gas.catalogue import FAMILY_OF
from ledger.gas.history import CostSoFar
from ledger.gas.tables import Column, Table

Row = dict[str, Any]

_FAMILIES = (mark("participants"), mark("consents"), mark("records"), mark("prescriptions"), mark("care"))
_WHOSE = (mark("ours"), mark("floor"), mark("medical project"), mark("reference contract"))
_OTHERS = mark("other acts")
_CALLED = mark("{gas} gas in {count} transactions, by the function that was called.")
_DEAREST = mark(
    "The first time, with the consents that then stand; {workflow} is the dearest with {gas} gas. Each piece is one"
    " transaction."
)
_FURTHEST = mark(
    "The floor is what the protocol asks for the same calldata, slots, logs and signatures with no computation. The"
    " furthest above it is {operation}: {ratio} times."
)
_IN_A_BATCH = mark("In a batch of {size} a record costs {each} gas; by itself it costs {single}.")


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


def measured_figures(measured: Measured, language: Language = ENGLISH) -> list[Figure]:
    """Everything that was measured."""
    return [
        _workflows(measured, language),
        _operations(measured, language),
        _peers(measured, language),
        _batches(measured, language),
        _scaling(measured, language),
    ]


def live_figures(found: CostSoFar, language: Language = ENGLISH) -> list[Figure]:
    """What the acts on this network have cost so far, from their receipts."""
    figures, say = [], language.say
    middle, in_all = say("median"), say("in all")
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
                say("The gas of one, from its first act to its latest: the one in the middle."),
                bar_chart(
                    say("Gas so far of one of each kind"),
                    [
                        Bar(
                            table_words(language, row["workflow"]),
                            (Piece(middle, row["median"]),),
                            f"{row['median']:,} ({row['count']:,})",
                        )
                        for row in workflows
                    ],
                    unit=say("Gas of one so far; in brackets how many there are"),
                    kinds=(middle,),
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
                say(_CALLED, gas=f"{found.gas:,}", count=f"{found.transactions:,}"),
                bar_chart(
                    say("Gas so far by function"),
                    [
                        Bar(_name(language, row), (Piece(in_all, row["gas"]),), f"{row['gas']:,} ({row['count']:,})")
                        for row in operations[:14]
                    ],
                    unit=say("Gas in all; in brackets the number of transactions"),
                    kinds=(in_all,),
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


def _workflows(measured: Measured, language: Language) -> Figure:
    say = language.say
    steps = measured.tables["workflow-steps"]
    by_workflow: dict[str, list[Row]] = {}
    for row in steps.rows:
        by_workflow.setdefault(str(row["workflow"]), []).append(dict(row))
    paid = {_family(str(row["operation"])) for row in steps.rows if row["gas"]}
    kinds = [kind for kind in (*_FAMILIES, _OTHERS) if kind in paid]
    bars = [Bar(name, tuple(_piece(row, language) for row in rows if row["gas"])) for name, rows in by_workflow.items()]
    dearest = max(bars, key=lambda bar: bar.total)
    return Figure(
        "workflows",
        mark("Cost of each workflow"),
        say(_DEAREST, workflow=dearest.label, gas=f"{dearest.total:,.0f}"),
        bar_chart(
            say("Gas of each workflow, by kind of act"),
            bars,
            unit=say("Gas, the first time"),
            kinds=[say(kind) for kind in kinds],
        ),
        steps,
    )


def _operations(measured: Measured, language: Language) -> Figure:
    say = language.say
    table = measured.tables["operations"]
    floor, above = say("floor"), say("above the floor")
    everyday = {str(row["operation"]) for row in measured.tables["workflow-steps"].rows}
    rows = [dict(row) for row in table.rows if row["operation"] in everyday and row["floor"]]
    bars = [
        Bar(
            row["operation"],
            (Piece(floor, row["floor"]), Piece(above, max(row["median"] - row["floor"], 0))),
            f"{row['median']:,} ({row['ratio']:.3f})",
        )
        for row in rows
    ]
    worst = max(rows, key=lambda row: row["ratio"])
    return Figure(
        "operations",
        mark("Each operation beside its floor"),
        say(_FURTHEST, operation=worst["operation"], ratio=f"{worst['ratio']:.3f}"),
        bar_chart(
            say("Gas of each everyday operation and its arithmetic floor"),
            bars,
            unit=say("Gas, median; in brackets the ratio to the floor"),
            kinds=(floor, above),
        ),
        table,
    )


def _peers(measured: Measured, language: Language) -> Figure:
    say = language.say
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
            by_operation.setdefault(name, []).append(Dot(say(_whose(who)), float(row["gas"]), who))
    for name, dots in by_operation.items():
        if name in floors:
            dots.append(Dot(say("floor"), float(floors[name]), say("floor")))
    return Figure(
        "peers",
        mark("Beside other projects"),
        say("Measured figures of public projects for the like; the table says what each of them leaves out."),
        dot_chart(
            say("Gas of our operations, their floor, and other projects' operations"),
            list(by_operation.items()),
            unit=say("Gas (anchorBatch: a record), each line ten times the one before"),
            kinds=[say(kind) for kind in _WHOSE],
        ),
        table,
    )


def _batches(measured: Measured, language: Language) -> Figure:
    say = language.say
    table = measured.tables["batches"]
    rows = [dict(row) for row in table.rows]
    single = next(row["median"] for row in measured.tables["operations"].rows if row["operation"] == "anchor")
    at = next((row for row in rows if row["size"] == 1_000), rows[-1])
    return Figure(
        "batches",
        mark("A record's cost in ever larger batches"),
        say(_IN_A_BATCH, size=f"{at['size']:,}", each=f"{at['each']:,.0f}", single=f"{single:,}"),
        curve_chart(
            say("Gas a record against the number of records in a batch"),
            (
                Series(say("measured"), tuple((row["size"], row["each"]) for row in rows)),
                Series(say("floor"), tuple((row["size"], row["floor_each"]) for row in rows), marked=False),
                Series(say("by itself"), ((rows[0]["size"], single), (rows[-1]["size"], single)), marked=False),
            ),
            across=say("Records in the batch"),
            up=say("Gas a record"),
            logarithmic=True,
        ),
        table,
    )


def _scaling(measured: Measured, language: Language) -> Figure:
    say = language.say
    table = measured.tables["scaling"]
    rows = [dict(row) for row in table.rows]
    flat = all(row["verdict"] == "flat" for row in rows)
    verdict = mark("Every act costs the same however many came before")
    if not flat:
        verdict = mark("Not every act costs the same")
    return Figure(
        "scaling",
        mark("Growth with patients, consents and records"),
        say("{verdict}: the fitted slopes and their 95 % intervals are in the table.", verdict=say(verdict)),
        curve_chart(
            say("Gas of an act against how many of its kind came before"),
            [Series(row["operation"], tuple((x, y) for x, y in row["points"][::6])) for row in rows],
            across=say("Acts of the kind that came before"),
            up=say("Gas of one act"),
        ),
        table,
    )


def _name(language: Language, row: Row) -> str:
    """A function's name; of calls of other contracts, that they are."""
    name = str(row["operation"])
    return table_words(language, name) if name in CELLS else name


def _piece(row: Row, language: Language) -> Piece:
    family = _family(row["operation"])
    return Piece(language.say(family), row["gas"], row["operation"])


def _family(operation: str) -> str:
    return FAMILY_OF.get(operation, _OTHERS)


def _whose(who: str) -> str:
    ours, _, medical, reference = _WHOSE
    if who == "consent-ledger":
        return ours
    return reference if who.endswith("(reference)") else medical


def _table(name: str, title: str, rows: Sequence[Row], columns: tuple[Column, ...]) -> Table:
    return Table(name, title, columns, tuple(rows))
