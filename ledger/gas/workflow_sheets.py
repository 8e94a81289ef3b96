"""Workflows as tables: in all, step by step, by who pays.

>>> workflows_sheet(costs, Terms()).rows[0]["workflow"]
'admission'
"""

from collections.abc import Sequence
from fractions import Fraction

from ledger.gas.sheets import Terms
from ledger.gas.tables import Column, Table
from ledger.gas.workflows import WorkflowCost


def workflows_sheet(costs: Sequence[WorkflowCost], terms: Terms) -> Table:
    """Each workflow in all, in gas, money and block space."""
    rows = [
        {
            "workflow": cost.name,
            "title": cost.title,
            "transactions": sum(1 for step in cost.steps if step.receipt),
            "runs": cost.runs,
            "min": cost.least,
            "first": cost.first,
            "max": cost.most,
            "each": cost.each,
            "per": cost.per,
            "unit": Fraction(cost.each, cost.per),
            **terms.worth(cost.each),
            "block_part": terms.space.share(cost.each),
            "per_day": terms.space.per_day(cost.each),
        }
        for cost in costs
    ]
    return Table(
        "workflows",
        "Workflows",
        (
            Column("workflow", "Workflow", "name"),
            Column("title", "What happens", "text", 9),
            Column("transactions", "Transactions", "n", 8),
            Column("min", "Min", "n", 6),
            Column("first", "First time", "n"),
            Column("max", "Max", "n", 6),
            Column("each", "Each further", "n"),
            Column("per", "Records or consents", "n", 4),
            Column("unit", "Gas for one", "n"),
            *terms.columns,
            Column("block_part", "Of a block", "part", 2),
            Column("per_day", "Room a day", "n", 3),
        ),
        tuple(rows),
        (
            "The first time has what is done once (standing consents); money and block space are each further time's.",
            terms.note,
        ),
    )


def steps_sheet(costs: Sequence[WorkflowCost], terms: Terms) -> Table:
    """Each step of each workflow, and who pays for it."""
    rows = [
        {
            "workflow": cost.name,
            "step": number,
            "operation": step.operation,
            "payer": step.payer,
            "gas": step.gas,
            "how_often": "once" if step.once else "each time",
            **terms.worth(step.gas),
            "transaction": step.receipt.transaction if step.receipt else None,
            "block": step.receipt.block if step.receipt else None,
        }
        for cost in costs
        for number, step in enumerate(cost.steps, start=1)
    ]
    return Table(
        "workflow-steps",
        "Who pays for what in each workflow",
        (
            Column("workflow", "Workflow", "name"),
            Column("step", "Step", "n"),
            Column("operation", "Operation", "name"),
            Column("payer", "Paid by", "name"),
            Column("gas", "Gas", "n"),
            Column("how_often", "How often", "name", 1),
            *terms.columns,
        ),
        tuple(rows),
        ("A read is a decision, asked by a call: it costs nothing.",),
    )


def payers_sheet(costs: Sequence[WorkflowCost], terms: Terms) -> Table:
    """What each workflow costs whom."""
    rows = [
        {"workflow": cost.name, "payer": payer, "gas": gas, "part": Fraction(gas, cost.first), **terms.worth(gas)}
        for cost in costs
        for payer, gas in cost.by_payer.items()
    ]
    return Table(
        "workflow-payers",
        "Workflows by who pays, the first time",
        (
            Column("workflow", "Workflow", "name"),
            Column("payer", "Paid by", "name"),
            Column("gas", "Gas", "n"),
            Column("part", "Of the workflow", "part"),
            *terms.columns,
        ),
        tuple(rows),
    )
