"""Charts that a paper can print: black, white and grey, told apart by hatching and marks, axes with their units.

>>> save(batch_chart(batches, single=50_113), Path("batches.svg"))

Figures are made without pyplot, so that nothing is shared between charts; an SVG of the same data is the same file.
Matplotlib takes a second to load, so it is loaded where something is drawn: most commands draw nothing.
"""

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from ledger.gas.catalogue import FAMILY_OF
from ledger.gas.measure import Measured
from ledger.gas.peers import beside, compared_operations
from ledger.gas.projection import Projection
from ledger.gas.scaling import BatchCost, Growth
from ledger.gas.waiting_lists import Dimension
from ledger.gas.workflows import WorkflowCost

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOKS = {
    "participants": ("#d9d9d9", ""),
    "consents": ("#ffffff", "////"),
    "records": ("#ffffff", "...."),
    "prescriptions": ("#bfbfbf", "xxxx"),
    "care": ("#a6a6a6", "----"),
}
"""Grey and hatching of each family of operations."""

MOST_BARS = 20
"""Bars in a chart of many: the rest is one bar of its own."""


def workflow_chart(costs: Sequence[WorkflowCost]) -> "Figure":
    """Cost of each workflow the first time, stacked by operation; the operation is written into its piece."""
    from matplotlib.patches import Patch

    figure, axes = _figure(9.5, 0.42 * len(costs) + 1.4)
    for row, cost in enumerate(costs):
        left = 0
        for step in cost.steps:
            if not step.receipt:
                continue
            grey, hatch = LOOKS[FAMILY_OF[step.operation]]
            axes.barh(row, step.gas, left=left, color=grey, hatch=hatch, edgecolor="black", linewidth=0.7)
            inside = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
            middle = left + step.gas / 2
            axes.text(middle, row, step.operation, ha="center", va="center", fontsize=6, bbox=inside)
            left += step.gas
        axes.text(left, row, f" {left:,}", va="center", fontsize=8)
    axes.set_yticks(range(len(costs)), [_per(cost) for cost in costs], fontsize=8)
    axes.set_ylim(len(costs) - 0.4, -0.6)
    axes.set_xlabel("Gas, the first time (with consents that then stand)")
    axes.margins(x=0.1)
    _thousands(axes, "x")
    handles = [
        Patch(facecolor=grey, hatch=hatch, edgecolor="black", label=name) for name, (grey, hatch) in LOOKS.items()
    ]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(LOOKS), frameon=False, fontsize=8)
    return figure


def batch_chart(batches: Sequence[BatchCost], *, single: int) -> "Figure":
    """Cost of a record against batch size, both logarithmic, with the floor."""
    figure, axes = _figure(6.5, 4.5)
    sizes = [one.size for one in batches]
    axes.axhline(single, color="black", linestyle=":", linewidth=1)
    axes.annotate(f"anchored by itself: {single:,}", (sizes[-1], single), ha="right", va="bottom", fontsize=8)
    floors = [one.floor / one.size for one in batches]
    axes.plot(sizes, [one.each for one in batches], "ko-", label="measured", markersize=3.5, linewidth=0.8, zorder=3)
    axes.plot(sizes, floors, "ks--", markerfacecolor="white", markersize=8, linewidth=0.8, label="floor", zorder=2)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("Records in the batch")
    axes.set_ylabel("Gas a record")
    _thousands(axes, "x")
    _thousands(axes, "y")
    axes.grid(True, which="major", color="0.85", linewidth=0.5)
    axes.legend(frameon=False)
    return figure


def growth_chart(growth: Sequence[Growth]) -> "Figure":
    """Above, the gas of an act against how many came before; below, of all acts together; each with its line."""
    with _style():
        figure = _blank(8, 6.5)
        above, below = figure.subplots(2, 1, sharex=True)
    marks = ("o", "s", "^", "D", "v", "x")
    dashes = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
    for one, mark, dash in zip(growth, marks, dashes, strict=False):
        shown = one.points[:: max(1, len(one.points) // 20)]
        xs = [at for at, _ in shown]
        look = {"color": "black", "marker": mark, "markerfacecolor": "white", "markersize": 4, "linewidth": 0.9}
        above.plot(xs, [gas for _, gas in shown], **(look | {"linestyle": "none"}))
        label = f"{one.operation}: {one.fit.slope:+.1e} ± {one.fit.half_width:.0e} gas an act"
        line = [one.fit.intercept + one.fit.slope * x for x in xs]
        above.plot(xs, line, linestyle=dash, label=label, **look)
        sums = [(one.total.intercept + one.total.slope * x) / 1e6 for x in xs]
        below.plot(xs, sums, linestyle=dash, label=f"{one.operation}: {one.total.slope:,.0f} gas an act", **look)
    above.set_ylabel("Gas of one act")
    above.set_ylim(0, max(gas for one in growth for _, gas in one.points) * 1.15)
    below.set_ylabel("Million gas of all acts")
    below.set_ylim(0)
    below.set_xlabel("Acts of the kind that came before")
    _thousands(above, "y")
    _thousands(below, "y")
    _thousands(below, "x")
    for axes in (above, below):
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def projection_chart(projection: Projection, dimension: Dimension, title: str) -> "Figure":
    """Cost by specialty, hospital or any other dimension: the dearest, and all others in one bar."""
    groups = projection.breakdown[dimension]
    bars = [(group.value, float(group.gas)) for group in groups[:MOST_BARS]]
    others = groups[MOST_BARS:]
    if others:
        bars.append((f"{len(others)} others", float(sum(group.gas for group in others))))
    figure, axes = _figure(8, 0.26 * len(bars) + 1.4)
    scale, unit = (1e9, "Billion") if bars and bars[0][1] >= 1e10 else (1e6, "Million")
    for row, (_, gas) in enumerate(bars):
        is_rest = bool(others) and row == len(bars) - 1
        axes.barh(
            row,
            gas / scale,
            color="white" if is_rest else "0.8",
            hatch="///" if is_rest else "",
            edgecolor="black",
            linewidth=0.7,
        )
        axes.text(gas / scale, row, f" {float(gas / projection.mix.gas):,.0f}", va="center", fontsize=7.5)
    axes.set_yticks(range(len(bars)), [_escaped(value) for value, _ in bars], fontsize=8)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xlabel(f"{unit} gas; behind each bar the people waiting ({projection.mix.gas:,} gas a person)")
    figure.suptitle(_escaped(fill(title, 100, break_on_hyphens=False)), x=0.01, ha="left", fontsize=9)
    axes.margins(x=0.12)
    _thousands(axes, "x")
    return figure


def compare_chart(measured: Sequence[Measured]) -> "Figure":
    """Ours beside the peers, logarithmic: a filled mark is ours, a square a medical peer, a cross a reference."""
    ours = {one.name: one.median / one.per for one in measured}
    names = compared_operations()
    figure, axes = _figure(8, 0.42 * len(names) + 1.6)
    for row, name in enumerate(names):
        rows = [peer for peer in beside(name) if peer.gas]
        for kind, mark, face in ((False, "s", "white"), (True, "x", "black")):
            gas = [peer.gas for peer in rows if peer.reference is kind and peer.gas]
            label = ("reference contract" if kind else "medical peer") if row == 1 else None
            axes.plot(
                gas, [row + 0.16] * len(gas), mark, color="black", markerfacecolor=face, markersize=5, label=label
            )
        axes.plot([ours[name]], [row - 0.16], "o", color="black", markersize=6, label="ours" if row == 0 else None)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xscale("log")
    axes.set_xlabel("Gas (anchorBatch: a record)")
    _thousands(axes, "x")
    axes.grid(True, axis="x", color="0.85", linewidth=0.5)
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=8)
    return figure


def save(figure: "Figure", path: Path) -> None:
    """Write a chart as PNG or SVG, by the name's ending."""
    with _style():
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(path, dpi=160, metadata=metadata)


def to_svg(figure: "Figure") -> str:
    """The chart as an SVG element, for a page."""
    text = io.StringIO()
    with _style():
        figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def _style() -> AbstractContextManager[None]:
    from matplotlib import rc_context

    return rc_context(
        {
            "font.size": 9,
            "font.family": "DejaVu Sans",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "hatch.linewidth": 0.6,
            "svg.hashsalt": "consent-ledger",
            "svg.fonttype": "path",
        }
    )


def _figure(width: float, height: float) -> tuple["Figure", "Axes"]:
    with _style():
        figure = _blank(width, height)
        return figure, figure.subplots()


def _blank(width: float, height: float) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _escaped(text: str) -> str:
    """Text of a file: its dollars are no formulas."""
    return text.replace("$", r"\$")


def _thousands(axes: "Axes", which: str) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(lambda value, _: f"{value:,.10g}")


def _per(cost: WorkflowCost) -> str:
    return cost.name if cost.per == 1 else f"{cost.name}\n({cost.per:,} {cost.unit})"
