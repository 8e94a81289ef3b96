"""Our operations beside others': public projects' measured figures, and what each of them leaves out.

>>> beside("grant")[0].peer
'VigilRx'
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class PeerFigure:
    """What somebody else's contract takes for the like."""

    peer: str
    operations: tuple[str, ...]
    """Ours that it stands beside."""
    gas: int | None
    """None: the peer cannot do it."""
    gap: str
    """What it does not do that ours does."""
    parts: str = ""
    """The transactions it takes, where there are several."""
    grown: int | None = None
    """A later call of a contract whose calls become dearer."""
    reference: bool = False
    """Not a medical project: a general contract that does a part of it."""
    each: bool = False
    """Gas a record, not a transaction."""


@cache
def _table() -> tuple[str, tuple[PeerFigure, ...]]:
    table = json.loads(files("ledger").joinpath("gas", "peers.json").read_text())
    rows = tuple(PeerFigure(**(row | {"operations": tuple(row["operations"])})) for row in table["rows"])
    return table["source"], rows


def peers() -> tuple[PeerFigure, ...]:
    """The shipped table, in the order of our operations."""
    return _table()[1]


def source() -> str:
    """How the figures were come by."""
    return _table()[0]


def beside(operation: str) -> list[PeerFigure]:
    """The figures beside one of our operations, the cheapest first, those who cannot do it last."""
    rows = [row for row in peers() if operation in row.operations]
    return sorted(rows, key=lambda row: (row.gas is None, row.gas or 0))


def compared_operations() -> list[str]:
    """Our operations that somebody stands beside."""
    return list(dict.fromkeys(name for row in peers() for name in row.operations))
