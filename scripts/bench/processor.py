"""Processor time of this process and all that it has started: what a busy machine distorts least.

>>> spent = Spent()
>>> with spent.on(1_000):
...     post(records)
>>> spent.each
0.00007
"""

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM = 1, 11, 12
"""Fields of /proc/<process>/stat behind the name in brackets, which may hold anything."""


@dataclass(slots=True)
class Spent:
    """Processor time spent on many of a kind."""

    seconds: float = 0.0
    count: int = 0

    @contextmanager
    def on(self, count: int) -> Iterator[None]:
        """Add what is spent within, on so many."""
        before = processor_seconds()
        yield
        self.seconds += processor_seconds() - before
        self.count += count

    @property
    def each(self) -> float:
        """Seconds for one."""
        return self.seconds / self.count


def compared(ours: Spent, a: str, theirs: Spent, b: str) -> str:
    """Two kinds side by side, in words."""
    return (
        f"processor time, of all processes: {1e6 * ours.each:.0f} µs {a}, {1e6 * theirs.each:.0f} µs {b} "
        f"({theirs.each / ours.each:.2f} times as much)"
    )


def processor_seconds() -> float:
    """Seconds that this process and its descendants that live have had a processor; of this one alone where there is
    no /proc."""
    own = os.times()
    seconds = own.user + own.system
    children: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        spent = (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS
        children[int(fields[_PARENT])].append((int(stat.parent.name), spent))
    left = [os.getpid()]
    while left:
        for process, spent in children[left.pop()]:
            left.append(process)
            seconds += spent
    return seconds
