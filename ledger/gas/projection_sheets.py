"""Projections as tables.

>>> summary_sheet("waiting-list.csv", projection, Terms()).rows[0]["value"]
'waiting-list.csv'
"""

from fractions import Fraction

from ledger.gas.projection import Projection
from ledger.gas.sheets import Terms
from ledger.gas.tables import Column, Table, show
from ledger.gas.waiting_lists import Dimension

HEADINGS = {
    Dimension.SPECIALTY: "specialty",
    Dimension.HOSPITAL: "hospital",
    Dimension.GROUP: "hospital group",
    Dimension.CASE_TYPE: "case type",
    Dimension.ADULT_CHILD: "adult or child",
    Dimension.AGE: "age group",
    Dimension.TIME_BAND: "time on the list",
}


def summary_sheet(file: str, projection: Projection, terms: Terms) -> Table:
    """What was projected, and how it reconciles with the file."""
    counted = sum(count.people for count in projection.days)
    same = " (the same)" if counted == projection.file_total else ""
    unread = len(projection.rejected)
    rows: list[tuple[str, str, int | Fraction | None]] = [
        ("File", file, None),
        ("Rows read", f"{projection.rows:,}", projection.rows),
        ("Rows that cannot be read", f"{unread:,}" + (" (listed by line below)" if unread else ""), unread),
        ("Blank lines", f"{projection.blank:,}", projection.blank),
        ("Sum of the file's totals", f"{projection.file_total:,}", projection.file_total),
        ("Sum of the counts by day", f"{counted:,}{same}", counted),
        ("Taken", projection.taken, None),
        ("People projected", show(projection.people, "n"), projection.people),
        ("Each goes through", projection.mix.label, None),
        ("Gas a person", f"{projection.mix.gas:,}", projection.mix.gas),
        ("Gas in all", show(projection.gas, "n"), projection.gas),
    ]
    rows += [
        (price.label, show(price.cost(projection.gas), "money"), price.cost(projection.gas)) for price in terms.prices
    ]
    blocks, hours = terms.space.share(projection.gas), terms.space.time(projection.gas) / 3600
    rows.append(("Blocks, were gas free", show(blocks, "n"), blocks))
    rows.append(("Hours that the network does nothing else", f"{float(hours):,.2f}", hours))
    return Table(
        "projection",
        f"Projection of {file}",
        (Column("what", "What"), Column("value", "Value")),
        tuple({"what": what, "value": value, "number": number} for what, value, number in rows),
        (terms.note,),
    )


def breakdown_sheet(dimension: Dimension, projection: Projection, terms: Terms) -> Table:
    """People, gas and money by one dimension; the last row is the sum of those above it."""
    groups = projection.breakdown[dimension]
    people = sum((group.people for group in groups), Fraction(0))
    gas = sum((group.gas for group in groups), Fraction(0))
    rows = [(group.value, group.people, group.gas) for group in groups] + [("all", people, gas)]
    return Table(
        f"by-{dimension}",
        f"Cost by {HEADINGS[dimension]}",
        (
            Column("value", HEADINGS[dimension].capitalize()),
            Column("people", "People", "n"),
            Column("gas", "Gas", "n"),
            Column("part", "Of all", "part", 1),
            *terms.columns,
            Column("blocks", "Blocks", "n", 2),
        ),
        tuple(
            {
                "dimension": str(dimension),
                "value": value,
                "people": count,
                "gas": cost,
                "part": cost / gas if gas else Fraction(0),
                **terms.worth(cost),
                "blocks": terms.space.share(cost),
            }
            for value, count, cost in rows
        ),
    )


def days_sheet(projection: Projection, terms: Terms) -> Table:
    """The stock at each count, as a cost of its own: never to be added up without saying so."""
    return Table(
        "by-month",
        "Cost by month: the stock at each count",
        (
            Column("day", "Day of count"),
            Column("people", "People", "n"),
            Column("taken", "Taken"),
            Column("gas", "Gas", "n"),
            *terms.columns,
        ),
        tuple(
            {
                "day": count.day.isoformat(),
                "people": count.people,
                "taken": "yes" if count.taken else "no",
                "gas": count.people * projection.mix.gas,
                **terms.worth(count.people * projection.mix.gas),
            }
            for count in projection.days
        ),
        ("The totals are a stock: whoever waits on is in the next month's count again.",),
    )


def rejected_sheet(projection: Projection) -> Table:
    """Rows that are in no sum."""
    return Table(
        "rejected",
        "Rows that cannot be read",
        (Column("line", "Line", "n"), Column("reason", "Reason")),
        tuple({"line": row.line, "reason": row.reason} for row in projection.rejected),
        ("The heading is line 1 where the file begins with it.",) if projection.rejected else (),
    )


def long_sheet(file: str, projection: Projection, terms: Terms) -> Table:
    """All breakdowns in one table, for CSV."""
    rows = [row for dimension in projection.breakdown for row in breakdown_sheet(dimension, projection, terms).rows]
    rows += [{**row, "dimension": "month", "value": row["day"]} for row in days_sheet(projection, terms).rows]
    return Table(
        "breakdown",
        "Breakdown",
        (
            Column("file", "File"),
            Column("dimension", "Dimension"),
            Column("value", "Value"),
            Column("people", "People", "n"),
            Column("gas", "Gas", "n"),
            *terms.columns,
        ),
        tuple({"file": file, **row} for row in rows),
    )
