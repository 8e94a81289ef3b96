"""Growth and batches as tables.

>>> growth_sheet(growth).rows[0]["verdict"]
'flat'
"""

from collections.abc import Sequence

from ledger.gas.scaling import BatchCost, Growth
from ledger.gas.tables import Column, Table


def growth_sheet(growth: Sequence[Growth]) -> Table:
    """Each series: its line, and what the line says."""
    rows = [
        {
            "series": one.name,
            "operation": one.operation,
            "against": one.against,
            "acts": one.fit.count,
            "first": one.first,
            "last": one.last,
            "slope": one.fit.slope,
            "low": one.fit.low,
            "high": one.fit.high,
            "growth": one.fit.growth,
            "verdict": "flat" if one.fit.is_flat else "grows",
            "total_slope": one.total.slope,
            "total_half_width": one.total.half_width,
            "total_r_squared": one.total.r_squared,
            "total_verdict": "linear" if one.total.is_linear else "not linear",
            "points": [list(point) for point in one.points],
        }
        for one in growth
    ]
    return Table(
        "scaling",
        "Growth: the gas of an act against how many came before",
        (
            Column("operation", "Operation", "name"),
            Column("against", "Against", "text", 9),
            Column("acts", "Acts", "n"),
            Column("first", "First", "n", 6),
            Column("last", "Last", "n", 6),
            Column("slope", "Slope (gas an act)", "real"),
            Column("low", "95 % from", "real", 4),
            Column("high", "to", "real", 4),
            Column("growth", "Growth over all, at most", "real", 5),
            Column("verdict", "One act"),
            Column("total_slope", "Gas an act, of the sum", "real", 3),
            Column("total_r_squared", "R2 of the sum", "real", 2),
            Column("total_verdict", "All acts"),
        ),
        tuple(rows),
        (
            "Flat: zero lies in the slope's 95 % interval, or the worse end of it makes less than 0.1 % of the mean "
            "over all acts. Linear: the sum rises in a line with R2 above 0.999.",
        ),
    )


def batches_sheet(batches: Sequence[BatchCost], single: int) -> Table:
    """Cost a record against batch size."""
    rows = [
        {
            "size": one.size,
            "gas": one.gas,
            "each": one.each,
            "floor": one.floor,
            "floor_each": one.floor / one.size,
            "saved": 1 - one.each / single,
        }
        for one in batches
    ]
    return Table(
        "batches",
        "Batches: gas a record against batch size",
        (
            Column("size", "Records", "n"),
            Column("gas", "Gas", "n"),
            Column("each", "Gas a record", "real"),
            Column("floor", "Floor", "n", 2),
            Column("floor_each", "Floor a record", "real", 3),
            Column("saved", "Saved of a single anchor", "part"),
        ),
        tuple(rows),
        (f"One record anchored by itself: {single:,} gas.",),
    )
