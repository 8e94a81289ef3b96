"""A line of one measurement over time, as the few coordinates that a template draws as SVG: no script, no library.

>>> line = trend([("2025-01-02", 5.1), ("2025-06-02", 6.4)], low=4.0, high=6.0)
>>> line.points[0].x < line.points[1].x
True
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

WIDTH, HEIGHT = 340, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 12, 24


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement in the picture."""

    x: float
    y: float
    day: str
    """ISO date."""
    value: float


@dataclass(frozen=True, slots=True)
class Trend:
    """A picture's parts, in its own units: `WIDTH` by `HEIGHT`."""

    points: tuple[Point, ...]
    band: tuple[float, float] | None
    """Top and bottom of the reference range, as far as it lies in the picture."""
    marks: tuple[tuple[float, float], ...]
    """Heights and values to write beside it: the reference range, else the least and the most."""

    @property
    def path(self) -> str:
        """The line, as SVG takes it."""
        return " ".join(f"{'L' if i else 'M'}{point.x:.1f},{point.y:.1f}" for i, point in enumerate(self.points))


def trend(measured: Sequence[tuple[str, float]], *, low: float | None, high: float | None) -> Trend | None:
    """The picture of dated values; None: fewer than two, or undated.

    Args:
        measured: ISO date or time, and value; in any order.
    """
    dated = sorted({(at, value) for text, value in measured if (at := _instant(text)) is not None})
    if len({at for at, _ in dated}) < 2:
        return None
    ends = [value for _, value in dated] + [bound for bound in (low, high) if bound is not None]
    bottom, top = min(ends), max(ends)
    margin = (top - bottom) * 0.1 or abs(top) * 0.1 or 1.0
    bottom, top = bottom - margin, top + margin
    first, last = dated[0][0], dated[-1][0]

    def x(at: float) -> float:
        return round(_LEFT + (at - first) / (last - first) * (WIDTH - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        return round(_TOP + (top - value) / (top - bottom) * (HEIGHT - _TOP - _BOTTOM), 1)

    points = tuple(
        Point(x(at), y(value), datetime.fromtimestamp(at, UTC).date().isoformat(), value) for at, value in dated
    )
    band = None
    if low is not None or high is not None:
        band = (y(top if high is None else high), y(bottom if low is None else low))
    values = [bound for bound in (low, high) if bound is not None] or sorted({min(ends), max(ends)})
    return Trend(points, band, tuple((y(value), value) for value in values))


def _instant(text: str) -> float | None:
    """Seconds since 1970 of a FHIR date or time; None: it is none, or only a year."""
    try:
        at = datetime.fromisoformat(text if len(text) > 7 else f"{text}-01" if len(text) == 7 else "")
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
