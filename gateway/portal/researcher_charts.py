"""Charts for a page: drawn here as SVG, readable in light, dark, and black and white, the same file to keep.

    >>> svg = bar_chart("Cost", (Bar("grant", (Piece("consents", 50_378),)),), unit="Gas", kinds=("consents",))
    >>> svg[:4]
    '<svg'

Kinds are told apart by pattern and by shade, not by hue alone. Colours are the page's where it has them (a variable of
its style sheet, the text's own colour), so that a chart needs no style of its own, which the pages' policy would not
let it have.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 760
"""Units of a drawing's own; a page may show it at any size."""
_ROW = 30
_LETTER = 7.6
"""Width that a letter takes at 13 units of height, about."""
_LONGEST = 34
"""Letters of a label."""
_INK = "currentColor"
_ACCENT = "var(--accent, #1d5c8f)"
_LOOKS = (
    (_ACCENT, "1", ""),
    (_INK, "0.22", ""),
    (_ACCENT, "0.45", "lines"),
    (_INK, "0.5", "dots"),
    (_ACCENT, "0.2", ""),
    (_INK, "0.75", "lines"),
)
"""Colour, opacity and pattern of the first kind, the second, ..."""
_DASHES = ("", "7 4", "2 4", "10 3 2 3", "4 2", "1 3")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar."""

    kind: str
    value: float
    label: str = ""
    """Shown when it is pointed at."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of a bar chart."""

    label: str
    pieces: tuple[Piece, ...]
    note: str = ""
    """Behind the bar, in place of its sum."""

    @property
    def total(self) -> float:
        return sum(piece.value for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Dot:
    """A mark on a line of a dot chart."""

    kind: str
    value: float
    label: str


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one curve."""

    name: str
    points: tuple[tuple[float, float], ...]
    joined: bool = True
    """A line through the points; else marks alone."""
    marked: bool = True


def bar_chart(title: str, bars: Sequence[Bar], *, unit: str, kinds: Sequence[str]) -> str:
    """Horizontal bars, stacked by kind, from zero."""
    left = _label_width([bar.label for bar in bars])
    most = max((bar.total for bar in bars), default=0) or 1
    ticks = linear_ticks(most)
    scale = (WIDTH - left - 96) / max(most, ticks[-1])
    top = _legend_height(kinds)
    parts = [_legend(kinds)] if len(kinds) > 1 else []
    bottom = top + _ROW * len(bars)
    parts += [_tick(left + tick * scale, top, bottom, _short(tick)) for tick in ticks]
    for row, bar in enumerate(bars):
        y, x = top + row * _ROW + 5, float(left)
        parts.append(_text(left - 10, y + 14, _cut(bar.label), anchor="end"))
        for piece in bar.pieces:
            width = piece.value * scale
            hint = f"{piece.label or piece.kind}: {_number(piece.value)}"
            parts.append(_box(x, y, width, _ROW - 10, kinds.index(piece.kind), hint))
            x += width
        parts.append(_text(x + 6, y + 14, bar.note or _number(bar.total), quiet=True))
    parts.append(_text(left, bottom + 36, unit, quiet=True))
    return _drawing(title, bottom + 46, parts)


def dot_chart(title: str, rows: Sequence[tuple[str, Sequence[Dot]]], *, unit: str, kinds: Sequence[str]) -> str:
    """A line a row, a mark a value, on a logarithmic scale, which `unit` is to say."""
    left = _label_width([label for label, _ in rows])
    values = [dot.value for _, dots in rows for dot in dots if dot.value > 0]
    ticks = log_ticks(min(values, default=1), max(values, default=10))
    low, high = math.log10(ticks[0]), math.log10(ticks[-1])
    scale = (WIDTH - left - 40) / (high - low)
    top = _legend_height(kinds)
    bottom = top + _ROW * len(rows)
    parts = [_legend(kinds, marks=True)]
    parts += [_tick(left + (math.log10(tick) - low) * scale, top, bottom, _short(tick)) for tick in ticks]
    for row, (label, dots) in enumerate(rows):
        y = top + row * _ROW + _ROW / 2
        parts.append(_text(left - 10, y + 4, _cut(label), anchor="end"))
        parts.append(_line(left, y, WIDTH - 40, y, opacity="0.18"))
        # Ours last, so that it lies on top.
        for dot in sorted(dots, key=lambda one: -kinds.index(one.kind)):
            x = left + (math.log10(dot.value) - low) * scale
            parts.append(_mark(x, y, kinds.index(dot.kind), f"{dot.label}: {_number(dot.value)}"))
    parts.append(_text(left, bottom + 36, unit, quiet=True))
    return _drawing(title, bottom + 46, parts)


def curve_chart(
    title: str, series: Sequence[Series], *, across: str, up: str, logarithmic: bool = False, height: int = 340
) -> str:
    """Curves on two axes; both logarithmic, or both from zero."""
    names = [one.name for one in series]
    xs = [x for one in series for x, _ in one.points]
    ys = [y for one in series for _, y in one.points]
    ticks_of = log_ticks if logarithmic else lambda _, most: linear_ticks(most)
    across_ticks, up_ticks = ticks_of(min(xs), max(xs)), ticks_of(min(ys), max(ys))
    top, left = _legend_height(names) + 16, 74
    bottom, right = top + height, WIDTH - 30
    place_x = _placing(across_ticks, left, right, logarithmic=logarithmic)
    place_y = _placing(up_ticks, bottom, top, logarithmic=logarithmic)
    parts = [_legend(names, curves=True)]
    parts += [_tick(place_x(tick), top, bottom, _short(tick)) for tick in across_ticks]
    for tick in up_ticks:
        y = place_y(tick)
        parts.append(_line(left, y, right, y, opacity="0.18"))
        parts.append(_text(left - 8, y + 4, _short(tick), anchor="end", quiet=True))
    for number, one in enumerate(series):
        parts += _curve([(place_x(x), place_y(y)) for x, y in one.points], one, number)
    parts.append(_text(left, top - 10, up, quiet=True))
    parts.append(_text(right, bottom + 36, across, anchor="end", quiet=True))
    return _drawing(title, bottom + 46, parts)


def linear_ticks(most: float) -> list[float]:
    """From zero to at least `most`, in round steps."""
    step = 10 ** math.floor(math.log10(most / 4)) if most > 0 else 1.0
    step = next(step * factor for factor in (1, 2, 2.5, 5, 10) if step * factor * 5 >= most)
    return [step * number for number in range(math.ceil(most / step) + 1)]


def log_ticks(least: float, most: float) -> list[float]:
    """Powers of ten around a range above zero."""
    low, high = math.floor(math.log10(max(least, 1e-9))), math.ceil(math.log10(max(most, 1e-9)))
    return [10.0**power for power in range(low, max(high, low + 1) + 1)]


def _placing(ticks: Sequence[float], start: float, end: float, *, logarithmic: bool) -> "_Placing":
    return _Placing(ticks[0], ticks[-1], start, end, logarithmic)


@dataclass(frozen=True, slots=True)
class _Placing:
    """Where a value stands on an axis."""

    least: float
    most: float
    start: float
    end: float
    logarithmic: bool

    def __call__(self, value: float) -> float:
        if self.logarithmic:
            low, high = math.log10(self.least), math.log10(self.most)
            part = (math.log10(max(value, self.least)) - low) / (high - low)
        else:
            part = (value - self.least) / (self.most - self.least)
        return self.start + part * (self.end - self.start)


def _curve(points: Sequence[tuple[float, float]], one: Series, number: int) -> Iterable[str]:
    colour, opacity = (_ACCENT, "1") if number % 4 == 0 else (_INK, "0.7")
    if one.joined:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield (
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-opacity="{opacity}" stroke-width="2"'
            f"{_dashed(number)}/>"
        )
    if one.marked:
        yield from (_mark(x, y, number, one.name, size=4.0) for x, y in points)


def _dashed(number: int) -> str:
    dash = _DASHES[number % len(_DASHES)]
    return f' stroke-dasharray="{dash}"' if dash else ""


def _legend(kinds: Sequence[str], *, marks: bool = False, curves: bool = False) -> str:
    parts, x, y = [], 0.0, 12.0
    for number, kind in enumerate(kinds):
        width = 30 + _LETTER * len(kind) + 18
        if x and x + width > WIDTH:
            x, y = 0.0, y + 22
        if curves:
            colour, opacity = (_ACCENT, "1") if number % 4 == 0 else (_INK, "0.7")
            parts.append(
                f'<line x1="{x:.0f}" y1="{y}" x2="{x + 22:.0f}" y2="{y}" stroke="{colour}" stroke-opacity="{opacity}" '
                f'stroke-width="2"{_dashed(number)}/>'
            )
            parts.append(_mark(x + 11, y, number, kind, size=4.0))
        elif marks:
            parts.append(_mark(x + 10, y, number, kind))
        else:
            parts.append(_box(x, y - 8, 18, 16, number, kind))
        parts.append(_text(x + 28, y + 4, kind))
        x += width
    return "".join(parts)


def _legend_height(kinds: Sequence[str]) -> int:
    if len(kinds) < 2:
        return 10
    lines, x = 1, 0.0
    for kind in kinds:
        width = 30 + _LETTER * len(kind) + 18
        if x and x + width > WIDTH:
            lines, x = lines + 1, 0.0
        x += width
    return 16 + 22 * lines


def _label_width(labels: Iterable[str]) -> int:
    return int(min(max((len(label) for label in labels), default=4), _LONGEST) * _LETTER) + 16


def _cut(label: str) -> str:
    """A label no longer than its column; the table has all of it."""
    return label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"


def _tick(x: float, top: float, bottom: float, text: str) -> str:
    return _line(x, top, x, bottom, opacity="0.18") + _text(x, bottom + 17, text, anchor="middle", quiet=True)


def _line(x1: float, y1: float, x2: float, y2: float, *, opacity: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{_INK}" stroke-opacity="{opacity}"/>'


def _box(x: float, y: float, width: float, height: float, number: int, hint: str) -> str:
    colour, opacity, pattern = _LOOKS[number % len(_LOOKS)]
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height}"'
    box = f'<rect {place} fill="{colour}" fill-opacity="{opacity}" stroke="{_INK}" stroke-opacity="0.35"/>'
    if pattern:
        box += f'<rect {place} fill="url(#chart-{pattern})"/>'
    return f"<g><title>{escape(hint)}</title>{box}</g>"


def _mark(x: float, y: float, number: int, hint: str, *, size: float = 6.0) -> str:
    colour = _ACCENT if number % 4 == 0 else _INK
    hint = f"<title>{escape(hint)}</title>"
    arm = size - 1
    drawn = f'stroke="{colour}" stroke-width="1.8" fill="none">{hint}</path>'
    match number % 4:
        case 0:
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="{colour}">{hint}</circle>'
        case 1:
            return f'<path d="M{x - arm:.1f} {y - arm:.1f}h{2 * arm}v{2 * arm}h{-2 * arm}z" {drawn}'
        case 2:
            return (
                f'<path d="M{x - arm:.1f} {y - arm:.1f}l{2 * arm} {2 * arm}m0 {-2 * arm}l{-2 * arm} {2 * arm}" {drawn}'
            )
    return f'<path d="M{x:.1f} {y - size:.1f}l{size} {size}l{-size} {size}l{-size} {-size}z" {drawn}'


def _text(x: float, y: float, text: str, *, anchor: str = "start", quiet: bool = False) -> str:
    shade = ' fill-opacity="0.78"' if quiet else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{_INK}"{shade}>{escape(text)}</text>'


def _drawing(title: str, height: float, parts: Iterable[str]) -> str:
    patterns = (
        '<defs><pattern id="chart-lines" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<path d="M0 6L6 0" stroke="{_INK}" stroke-width="1.2"/></pattern>'
        '<pattern id="chart-dots" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<circle cx="3" cy="3" r="1.2" fill="{_INK}"/></pattern></defs>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="13"><title>{escape(title)}</title>'
        f"{patterns}{''.join(parts)}</svg>"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 or value == int(value) else f"{value:,.3g}"


def _short(value: float) -> str:
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"
