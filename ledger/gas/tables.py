"""Tables that are written as what is wanted: for a terminal, as CSV, as JSON, as HTML.

>>> table = Table("costs", "Costs", (Column("name", "Act"), Column("gas", "Gas", "n")), ({"name": "grant", "gas": 1},))
>>> print(to_csv(table), end="")
name,gas
grant,1

Rows may hold more than the columns show: the rest is in the JSON only (every run's transaction, for one).
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from typing import Any

from rich.console import JustifyMethod
from rich.table import Table as RichTable

from ledger.gas.prices import money


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    key: str
    """Of the row; also the column's name in CSV and JSON."""
    heading: str
    kind: str = "text"
    """text, name (text in one piece), n (whole number), ratio (three decimals), part (of one, shown per cent), money,
    real."""
    detail: int = 0
    """On a terminal too narrow for all, the columns with the highest are left out first; 0: never."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table."""

    name: str
    """In file names and JSON."""
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...] = ()
    """What a reader must know to read it right."""


def show(value: Any, kind: str) -> str:
    """A value for reading."""
    if value is None:
        return "-"
    if kind == "n":
        return f"{int(value):,}" if value == int(value) else f"{float(value):,.1f}"
    if kind == "ratio":
        return f"{float(value):.3f}"
    if kind == "part":
        percent = float(value) * 100
        if 99.95 <= percent < 100:
            return "> 99.9 %"
        return f"{percent:.1f} %" if abs(percent) >= 0.1 or not value else f"{percent:.1g} %"
    if kind == "money":
        return money(Fraction(value))
    if kind == "real":
        return f"{float(value):,.0f}" if abs(value) >= 1000 else f"{float(value):.4g}"
    return str(value)


def to_rich(table: Table, *, width: int, most: int | None = None) -> RichTable:
    """The table for a terminal; of a long one the first rows and the last, and how many more there are.

    No figure is ever cut off: what finds no room is left out by the column, and named.
    """
    left = len(table.rows) - most if most and len(table.rows) > most else 0
    # The last row of many a table is its sum: it is always shown.
    rows = (*table.rows[: most - 1], *table.rows[-1:]) if most and left else table.rows
    texts = {column.key: [show(row.get(column.key), column.kind) for row in rows] for column in table.columns}
    columns, dropped = _fitting(table.columns, texts, width)
    widths = _widths(columns, texts, width)
    notes = list(table.notes)
    if dropped:
        notes.append(f"Left out for want of width: {', '.join(dropped)}. --json, --csv and --out have them.")
    if left:
        notes.append(f"{left:,} more rows: --json, --csv and --out have them all.")
    shown = RichTable(
        title=table.title,
        caption="\n".join(notes) or None,
        title_justify="left",
        caption_justify="left",
        header_style="bold",
    )
    for column, own in zip(columns, widths, strict=True):
        justify: JustifyMethod = "left" if column.kind in ("text", "name") else "right"
        shown.add_column(column.heading, justify=justify, overflow="fold", width=own)
    for at in range(len(rows)):
        shown.add_row(*(texts[column.key][at] for column in columns))
    return shown


def _fitting(
    columns: Sequence[Column], texts: Mapping[str, Sequence[str]], width: int
) -> tuple[list[Column], list[str]]:
    """The columns that find room, and the headings of those that do not."""
    kept = list(columns)
    dropped: list[str] = []
    while True:
        needed = sum(_least_width(column, texts[column.key]) + 3 for column in kept) + 1
        droppable = [column for column in kept if column.detail]
        if needed <= width or not droppable:
            return kept, dropped
        worst = max(droppable, key=lambda column: column.detail)
        kept.remove(worst)
        dropped.append(worst.heading)


def _widths(columns: Sequence[Column], texts: Mapping[str, Sequence[str]], width: int) -> list[int]:
    """What each column gets: what it cannot do without, and of what is left first the texts, then the headings."""
    widths = [_least_width(column, texts[column.key]) for column in columns]
    spare = width - sum(widths) - 3 * len(columns) - 1
    longest = [max(map(len, texts[column.key]), default=0) for column in columns]
    for wanted in (longest, [len(column.heading) for column in columns]):
        for at, most in enumerate(wanted):
            more = max(0, min(spare, most - widths[at]))
            widths[at], spare = widths[at] + more, spare - more
    return widths


def _least_width(column: Column, texts: Sequence[str]) -> int:
    """Figures and names want all of their width; text and headings can be folded at spaces."""
    words = max((len(word) for word in column.heading.split()), default=1)
    longest = max(map(len, texts), default=1)
    return max(words, min(24, longest) if column.kind == "text" else longest)


def to_csv(table: Table) -> str:
    """The table as CSV, numbers plain."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.key for column in table.columns)
    for row in table.rows:
        writer.writerow(_plain(row.get(column.key)) for column in table.columns)
    return text.getvalue()


def to_json(tables: Sequence[Table], about: Mapping[str, Any]) -> str:
    """All tables with everything their rows hold, and what they were measured with."""
    document = {
        "about": about,
        "tables": {
            table.name: {
                "title": table.title,
                "notes": list(table.notes),
                "rows": [{key: _plain(value) for key, value in row.items()} for row in table.rows],
            }
            for table in tables
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def to_html(table: Table) -> str:
    """The table as HTML."""
    heads = "".join(f'<th class="{column.kind}">{escape(column.heading)}</th>' for column in table.columns)
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td class="{column.kind}">{escape(show(row.get(column.key), column.kind))}</td>'
            for column in table.columns
        )
        + "</tr>\n"
        for row in table.rows
    )
    notes = "".join(f"<p class=note>{escape(note)}</p>\n" for note in table.notes)
    return (
        f"<h3>{escape(table.title)}</h3>\n<div class=wide><table>\n<thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{rows}</tbody></table></div>\n{notes}"
    )


def _plain(value: Any) -> Any:
    """A value as JSON and CSV have it: whole numbers whole, other fractions as decimal numbers."""
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    return value
