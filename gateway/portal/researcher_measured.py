"""The measured gas that the researcher's pages are drawn from: every table of the instrument, and what it was measured
with.

    >>> measured = shipped()
    >>> measured.tables["workflows"].rows[0]["workflow"]
    'admission'

One data set is shipped (`python -m scripts.gas_measured` writes it); a researcher may have everything measured anew, on
a devnet of its own, with the code that this gateway runs. No figure is made here: a page that has none shows none.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NoReturn

from ledger.errors import LedgerError
from ledger.gas.projection import UnitCost
from ledger.gas.provenance import compiled
from ledger.gas.sheets import Terms
from ledger.gas.tables import Column, Table, to_json

if TYPE_CHECKING:
    from ledger.gas.result import Result

LEFT_OUT = ("receipts", "transaction", "block")
"""Of each row: they name transactions of a devnet that is gone."""
POINTS = 60
"""Of each series: as many as a chart shows."""
_CODE = "code (SHA-256)"


@dataclass(frozen=True, slots=True)
class Measured:
    """One finished measurement."""

    about: Mapping[str, Any]
    """Versions, commit, seed, runs."""
    tables: Mapping[str, Table]
    """By name."""

    @property
    def is_of_this_code(self) -> bool:
        """Whether what was measured is the contract that this gateway deploys."""
        return bool(self.about.get(_CODE) == compiled()[_CODE])

    @property
    def unit_costs(self) -> dict[str, UnitCost]:
        """What one run of each workflow costs; of a batch, one record's part."""
        return {
            str(row["workflow"]): UnitCost(Fraction(row["first"], row["per"]), Fraction(row["each"], row["per"]))
            for row in self.tables["workflows"].rows
        }


def shipped() -> Measured:
    """The data set that comes with the program."""
    return decode(files("gateway").joinpath("portal", "researcher_measured.json").read_text(encoding="utf-8"))


def measure(*, seed: str, runs: int, most: int, progress: Callable[[str], None]) -> str:
    """Measure everything on a devnet of its own, and write it as `decode` reads it.

    Args:
        most: acts of each series of growth.
        progress: told what is being measured.

    Raises:
        LedgerError: the devnet does not start, or a run fails.
    """
    # Not before somebody measures: the instrument brings a drawing library along that nothing else here needs.
    from ledger.gas.networks import measuring_devnet
    from ledger.gas.studies import study_everything

    with measuring_devnet() as network:
        result = study_everything(
            network, Terms(), seed=seed, runs=runs, most=most, waiting_lists=(), mix=_no_mix, progress=progress
        )
    return encode(result, runs=runs, most=most)


def encode(result: "Result", *, runs: int, most: int) -> str:
    """A result as JSON with its columns, without what no page shows."""
    document = json.loads(to_json(result.tables, result.about))
    document["about"] |= {"runs": runs, "acts of each series": most}
    for table in result.tables:
        entry = document["tables"][table.name]
        entry["columns"] = [[column.key, column.heading, column.kind] for column in table.columns]
        for row in entry["rows"]:
            for key in LEFT_OUT:
                row.pop(key, None)
            points = row.get("points")
            if points:
                row["points"] = points[:: max(1, len(points) // POINTS)]
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def decode(text: str) -> Measured:
    """Read a data set back.

    Raises:
        LedgerError: it is none.
    """
    try:
        document = json.loads(text)
        tables = {
            name: Table(
                name,
                entry["title"],
                tuple(Column(*column) for column in entry["columns"]),
                tuple(entry["rows"]),
                tuple(entry["notes"]),
            )
            for name, entry in document["tables"].items()
        }
        return Measured(document["about"], tables)
    except (ValueError, KeyError, TypeError) as failure:
        raise LedgerError("the file holds no measured gas: write it anew with scripts.gas_measured") from failure


def _no_mix(_: object) -> NoReturn:
    raise AssertionError("no waiting list is projected here")
