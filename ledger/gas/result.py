"""A finished measurement: its tables, its charts, and what it was measured with; shown, printed or written to files.

>>> result = Result(about, tables=(operations_sheet(measured),))
>>> write_files(result, Path("out"))
['operations.csv', 'result.json']
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ledger.errors import LedgerError
from ledger.gas.charts import save
from ledger.gas.tables import Table, to_csv, to_json, to_rich

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ROWS = 60
"""Of a table on a terminal."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a command found."""

    about: Mapping[str, Any]
    """Versions, commit, seed."""
    tables: tuple[Table, ...]
    """As they are read, one after the other; the first is the one that CSV gives unless `flat` is set."""
    flat: Table | None = None
    """All of it in one table, for CSV."""
    charts: Mapping[str, "Figure"] = field(default_factory=dict)
    """By name."""


def show_tables(result: Result, console: Console) -> None:
    """The tables, and one line on what they were measured with."""
    for table in result.tables:
        if table.rows:
            console.print(to_rich(table, width=console.width, most=MOST_ROWS))
            console.print()
    told = ("compiler", "optimizer", "EVM version", "node", "hardfork", "commit", "seed")
    console.print("Measured with: " + ", ".join(f"{key} {result.about[key]}" for key in told if key in result.about))


def as_json(result: Result) -> str:
    """Everything, every run's receipt included."""
    return to_json(result.tables, result.about)


def as_csv(result: Result) -> str:
    """The main table."""
    return to_csv(result.flat or result.tables[0])


def write_files(result: Result, folder: Path) -> list[str]:
    """Write each table as CSV, each chart as PNG and SVG, and everything as `result.json`; the names written.

    Raises:
        LedgerError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for table in (*result.tables, *((result.flat,) if result.flat else ())):
            (folder / f"{table.name}.csv").write_text(to_csv(table), encoding="utf-8")
            written.append(f"{table.name}.csv")
        for name, figure in result.charts.items():
            for ending in ("png", "svg"):
                save(figure, folder / f"{name}.{ending}")
                written.append(f"{name}.{ending}")
        (folder / "result.json").write_text(as_json(result), encoding="utf-8")
    except OSError as failure:
        raise LedgerError(f"{folder.name} cannot be written: {failure.strerror}") from failure
    return [*written, "result.json"]
