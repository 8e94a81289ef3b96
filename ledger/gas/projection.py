"""A waiting list projected to gas: what it would cost if each person on it went through the chosen workflows.

>>> projection = project(waiting, mix, stock=Stock.LATEST)
>>> sum(row.people for row in projection.breakdown[Dimension.SPECIALTY]) == projection.people
True

A list's totals are a stock: the same people are counted again each month until they are seen. So a projection takes one
day of count, or the mean over all; adding days up is possible and says that it counts people again. People, gas and
money are exact fractions, so the parts of every breakdown add up to the whole.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from ledger.errors import LedgerError
from ledger.gas.waiting_lists import Dimension, RejectedRow, WaitingList


class Stock(StrEnum):
    """How the days of count become one number of people."""

    LATEST = "latest"
    """The last day of count alone."""
    MEAN = "mean"
    """The mean over all days of count."""
    SUM = "sum"
    """All days added up, counting people who wait on again: person-months, not people."""


class ProjectionImpossible(LedgerError):
    """The file has nothing for the day asked for, or the mix is empty."""


@dataclass(frozen=True, slots=True)
class Mix:
    """What each person on the list goes through."""

    times: tuple[tuple[str, int], ...]
    """Each workflow and how often."""
    gas: int
    """In all, a person."""

    @property
    def label(self) -> str:
        return " + ".join(f"{times} x {name}" for name, times in self.times)


@dataclass(frozen=True, slots=True)
class GroupCost:
    """One value of a dimension."""

    value: str
    people: Fraction
    gas: Fraction


@dataclass(frozen=True, slots=True)
class DayCount:
    """One day of count: its stock."""

    day: date
    people: int
    taken: bool
    """Part of the projection."""


@dataclass(frozen=True, slots=True)
class Projection:
    """A waiting list, projected."""

    mix: Mix
    stock: Stock
    days: tuple[DayCount, ...]
    people: Fraction
    """That were projected."""
    breakdown: Mapping[Dimension, tuple[GroupCost, ...]]
    """By each dimension that the file has, the dearest first."""
    file_total: int
    """The sum of all rows' totals, all days together."""
    rows: int
    rejected: tuple[RejectedRow, ...]
    blank: int

    @property
    def gas(self) -> Fraction:
        return self.people * self.mix.gas

    @property
    def taken(self) -> str:
        """Which people were taken, in words."""
        days = [count.day for count in self.days if count.taken]
        if self.stock is Stock.SUM:
            return f"all {len(days)} counts added up: whoever waits on is counted again each time"
        if self.stock is Stock.MEAN:
            return f"the mean of {len(days)} counts, {days[0]} to {days[-1]}"
        others = len(self.days) - 1
        return f"the count of {days[0]}" + (f", one of {others + 1}" if others else "")


@dataclass(frozen=True, slots=True)
class UnitCost:
    """What one run of a workflow costs; of a batch, one record's part."""

    first: Fraction
    """The first time, with what is done once and then stands."""
    each: Fraction
    """Every further time."""


def mix_of(times: Mapping[str, int], costs: Mapping[str, UnitCost], *, standing: bool = False) -> Mix:
    """A mix of workflows, priced; a person's gas is rounded up to a whole unit.

    Args:
        times: how often a person goes through each workflow.
        standing: the people have been here before: what is done once has been done.

    Raises:
        ProjectionImpossible: nothing is chosen, or a workflow is unknown.
    """
    chosen = tuple((name, count) for name, count in times.items() if count)
    if not chosen or any(count < 0 for _, count in chosen):
        raise ProjectionImpossible("the mix is empty: choose a workflow, such as laboratory-result=1")
    unknown = [name for name, _ in chosen if name not in costs]
    if unknown:
        raise ProjectionImpossible(f"there is no workflow {', '.join(unknown)}: there are {', '.join(sorted(costs))}")
    whole = Fraction(0)
    for name, count in chosen:
        cost = costs[name]
        whole += (cost.each if standing else cost.first) + cost.each * (count - 1)
    return Mix(chosen, -(-whole.numerator // whole.denominator))


def project(waiting: WaitingList, mix: Mix, *, stock: Stock = Stock.LATEST, month: str | None = None) -> Projection:
    """Project a waiting list.

    Args:
        month: as 2019-03: take the last count of that month in place of the last of all.

    Raises:
        ProjectionImpossible: there is no row, or none of that month.
    """
    days = [day for day in waiting.days if month is None or day.isoformat().startswith(month)]
    if not waiting.days:
        raise ProjectionImpossible("the file has no row that can be read")
    if not days:
        known = f"{waiting.days[0]} to {waiting.days[-1]}"
        raise ProjectionImpossible(f"the file has no count of {month}: its counts are from {known}")
    taken = {days[-1]} if stock is Stock.LATEST else set(days)
    share = Fraction(1, len(taken)) if stock is Stock.MEAN else Fraction(1)
    by_day: Counter[date] = Counter()
    sums: list[Counter[str]] = [Counter() for _ in waiting.dimensions]
    for (day, values), people in waiting.people.items():
        by_day[day] += people
        if day in taken:
            for counter, value in zip(sums, values, strict=True):
                counter[value] += people
    breakdown = {
        dimension: tuple(
            GroupCost(value, count * share, count * share * mix.gas)
            for value, count in sorted(counter.items(), key=lambda item: (-item[1], item[0]))
        )
        for dimension, counter in zip(waiting.dimensions, sums, strict=True)
    }
    return Projection(
        mix=mix,
        stock=stock,
        days=tuple(DayCount(day, by_day[day], day in taken) for day in waiting.days),
        people=sum((by_day[day] for day in taken), 0) * share,
        breakdown=breakdown,
        file_total=waiting.total,
        rows=waiting.rows,
        rejected=waiting.rejected,
        blank=waiting.blank,
    )
