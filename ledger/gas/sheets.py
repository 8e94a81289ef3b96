"""Measurements as tables: one function a table, so that terminal, CSV, JSON and report say the same.

>>> sheet = operations_sheet(measured)
>>> [column.key for column in sheet.columns][:3]
['operation', 'title', 'payer']
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ledger.gas.floor import TRANSACTION, calldata_gas
from ledger.gas.measure import Measured
from ledger.gas.network import Receipt
from ledger.gas.peers import beside, compared_operations, source
from ledger.gas.prices import BlockSpace, Price
from ledger.gas.tables import Column, Table
from ledger.gas.trace import Opcode


@dataclass(frozen=True, slots=True)
class Terms:
    """What gas is worth, for every table that shows it."""

    prices: tuple[Price, ...] = field(
        default_factory=lambda: tuple(Price(Decimal(gwei), Decimal(2500), "EUR") for gwei in (1, 20))
    )
    space: BlockSpace = field(default_factory=lambda: BlockSpace(30_000_000, Decimal(5)))

    @property
    def columns(self) -> tuple[Column, ...]:
        """A column a price, and the block's."""
        return tuple(Column(price.label, price.label, "money") for price in self.prices)

    def worth(self, gas: int | Fraction) -> dict[str, Fraction]:
        """The values of the columns."""
        return {price.label: price.cost(gas) for price in self.prices}

    @property
    def note(self) -> str:
        assumed = ", ".join(dict.fromkeys(f"{price.ether_price:,f} {price.currency}" for price in self.prices))
        return (
            f"Money: an ether at {assumed}. On a network with free gas: blocks of {self.space.gas_limit:,} gas "
            f"every {self.space.block_time.normalize():f} s."
        )


def operations_sheet(measured: Sequence[Measured], *, views: bool = False) -> Table:
    """Every operation with its extremes, parts and floor; the views apart, as nobody pays for them."""
    rows = []
    for one in measured:
        if one.is_view != views:
            continue
        parts = one.parts
        row: dict[str, Any] = {
            "operation": one.name,
            "title": one.title,
            "payer": one.payer,
            "runs": len(one.receipts),
            "min": one.least,
            "median": one.median,
            "max": one.most,
            "calldata": one.calldata,
            "intrinsic_part": None,
            "storage_part": None,
            "logs_part": None,
            "execution_part": None,
            "floor": one.floor,
            "ratio": one.ratio,
            "each": Fraction(one.median, one.per),
        }
        if parts:
            spent = one.median + parts.refund
            row |= {
                "intrinsic_part": parts.intrinsic / spent,
                "storage_part": parts.storage / spent,
                "logs_part": parts.logs / spent,
                "execution_part": parts.execution / spent,
                "refund": parts.refund,
                "slots_read": parts.read,
                "slots_written": parts.written,
            }
        rows.append(row | {"receipts": [receipt_row(receipt) for receipt in one.receipts]})
    return Table(
        "views" if views else "operations",
        "Views: free when called; as a transaction they would cost" if views else "Operations",
        (
            Column("operation", "Operation", "name"),
            Column("title", "What it does", "text", 9),
            Column("payer", "Paid by", "name", 7),
            Column("runs", "Runs", "n", 10),
            Column("min", "Min", "n", 2),
            Column("median", "Median", "n"),
            Column("max", "Max", "n", 2),
            Column("calldata", "Calldata bytes", "n", 5),
            Column("intrinsic_part", "Intrinsic + calldata", "part", 4),
            Column("storage_part", "Storage", "part", 4),
            Column("logs_part", "Logs", "part", 4),
            Column("execution_part", "Execution", "part", 3),
            Column("floor", "Floor", "n"),
            Column("ratio", "Ratio", "ratio"),
        ),
        tuple(rows),
        (
            "Gas of receipts. Parts and floor are the median run's; the floor is transaction, calldata, cold reads, "
            "writes, logs and signatures, no execution.",
        ),
    )


def compare_sheet(measured: Sequence[Measured]) -> Table:
    """Ours beside the peers, with what each leaves out."""
    ours = {one.name: one for one in measured}
    rows: list[Mapping[str, Any]] = []
    for name in compared_operations():
        one = ours[name]
        each = Fraction(one.median, one.per)
        rows.append(
            {
                "operation": name,
                "who": "consent-ledger",
                "gas": each,
                "times": Fraction(1),
                "gap": "role, scope, purpose, period and event checked; flat at any number of calls",
            }
        )
        for peer in beside(name):
            own = each if peer.each else Fraction(one.median)
            rows.append(
                {
                    "operation": name,
                    "who": peer.peer + (" (reference)" if peer.reference else ""),
                    "gas": peer.gas,
                    "grown": peer.grown,
                    "parts": peer.parts or None,
                    "times": Fraction(peer.gas) / own if peer.gas else None,
                    "gap": peer.gap,
                }
            )
    return Table(
        "compare",
        "Beside others",
        (
            Column("operation", "Operation", "name"),
            Column("who", "Whose", "name"),
            Column("gas", "Gas", "n"),
            Column("grown", "Grown to", "n", 1),
            Column("times", "Times ours", "real"),
            Column("gap", "What it does; what a peer does not do"),
        ),
        tuple(rows),
        (source(),),
    )


def opcodes_sheet(measured: Measured, kinds: Sequence[Opcode]) -> Table:
    """Where one run's gas went, to the unit: the transaction, its calldata, every kind of instruction."""
    calldata = calldata_gas(measured.median_receipt.data)
    rows = [("the transaction", 1, TRANSACTION), ("calldata", measured.calldata, calldata)]
    rows += [(kind.name, kind.count, kind.gas) for kind in kinds]
    refund = sum(gas for _, _, gas in rows) - measured.median
    if refund:
        rows.append(("refund", 1, -refund))
    rows.append(("all: the receipt", sum(kind.count for kind in kinds), measured.median))
    return Table(
        "opcodes",
        f"{measured.name}: where the gas of one run goes (floor {measured.floor:,})",
        (
            Column("what", "What", "name"),
            Column("count", "Count", "n"),
            Column("gas", "Gas", "n"),
            Column("part", "Of all", "part"),
        ),
        tuple(
            {"what": what, "count": count, "gas": gas, "part": Fraction(gas, measured.median)}
            for what, count, gas in rows
        ),
        ("A STATICCALL has the price of the precompile that it asks (ecrecover: 3,000).",),
    )


def about_sheet(about: Mapping[str, Any]) -> Table:
    """What everything was measured with."""
    return Table(
        "about",
        "Measured with",
        (Column("what", "What"), Column("value", "Value")),
        tuple({"what": key, "value": str(value)} for key, value in about.items()),
    )


def receipt_row(receipt: Receipt) -> dict[str, Any]:
    return {"transaction": receipt.transaction, "block": receipt.block, "gas": receipt.gas}
