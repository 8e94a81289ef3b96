"""What a benchmark found: samples of what is measured and of its baseline, taken in turns, and the aim for them.

    >>> finding = Finding("opening", "1,000 records", measured, baseline, aim=Aim(most=3.0))
    >>> print_findings([finding], Console())

The machine is noisy, so each sample of one side is followed at once by one of the other, and what counts is the median
of the pairs' ratios.
"""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Series:
    """Samples of one figure."""

    name: str
    unit: str
    samples: tuple[float, ...]

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.samples)

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "unit": self.unit, "median": self.middle, "samples": list(self.samples)}

    def __str__(self) -> str:
        return f"{figure(self.middle)} {self.unit}"


@dataclass(frozen=True, slots=True)
class Aim:
    """What was set as a goal."""

    least: float | None = None
    most: float | None = None
    of_ratio: bool = True
    """Of the ratio to the baseline; else of the measured figure itself."""

    def met_by(self, value: float) -> bool:
        """Whether the goal is reached."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        limit = f"≥ {figure(self.least)}" if self.least is not None else f"≤ {figure(self.most or 0)}"
        return limit if self.of_ratio else f"{limit} itself"


@dataclass(frozen=True, slots=True)
class Finding:
    """One benchmark's outcome."""

    name: str
    input: str
    """What was fed in, in words."""
    measured: Series
    baseline: Series
    aim: Aim
    bound: str = ""
    """What bounds the measured figure, if the aim is missed: where its time goes."""
    note: str = ""
    """What else was measured on the way."""

    @property
    def ratios(self) -> tuple[float, ...]:
        """Measured to baseline, pair by pair."""
        return tuple(m / b for m, b in zip(self.measured.samples, self.baseline.samples, strict=True))

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios."""
        return median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """Between which ratios the middle half of the pairs lies."""
        ordered = sorted(self.ratios)
        quarter = len(ordered) // 4
        return ordered[quarter], ordered[-1 - quarter]

    @property
    def met(self) -> bool:
        """Whether the aim is reached."""
        return self.aim.met_by(self.ratio if self.aim.of_ratio else self.measured.middle)

    def as_json(self) -> dict[str, Any]:
        """The finding with every sample."""
        return {
            "name": self.name,
            "input": self.input,
            "measured": self.measured.as_json(),
            "baseline": self.baseline.as_json(),
            "ratio": {"median": self.ratio, "middle_half": list(self.spread), "pairs": list(self.ratios)},
            "aim": str(self.aim),
            "met": self.met,
            "bound": self.bound,
            "note": self.note,
        }


def print_findings(findings: Sequence[Finding], console: Console) -> None:
    """A table, and for every aim that was missed what bounds it."""
    table = Table(show_lines=True)
    for column in ("benchmark", "input", "measured", "baseline", "ratio (middle half)", "aim", "met"):
        table.add_column(column, justify="left" if column in ("benchmark", "input") else "right")
    for one in findings:
        low, high = one.spread
        table.add_row(
            one.name,
            one.input,
            f"{one.measured}\n{one.measured.name}",
            f"{one.baseline}\n{one.baseline.name}",
            f"{figure(one.ratio)}\n({figure(low)} to {figure(high)})",
            str(one.aim),
            "[green]yes[/]" if one.met else "[red]no[/]",
        )
    console.print(table)
    for one in findings:
        for word, text in (("missed; its time goes to", one.bound), ("also", one.note)):
            if text:
                console.print(f"[bold]{one.name}[/], {word}: {text}")


def write_json(findings: Sequence[Finding], path: Path) -> None:
    """The findings with all samples, and what machine they are from."""
    machine = {
        "cpus": os.cpu_count(),
        "processor": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    document = {"machine": machine, "findings": [one.as_json() for one in findings]}
    path.write_text(json.dumps(document, indent=2) + "\n")


def figure(value: float) -> str:
    """Three digits that mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
