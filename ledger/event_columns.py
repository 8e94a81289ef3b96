"""What all tables of events have in common: where an event stands on the chain, and how its parameters are kept.

>>> table("examples", address("who"), word("digest"), indexes=(("who",),)).name
'examples'
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table

metadata = MetaData()
"""The tables of all events."""

Row = tuple[Table, dict[str, Any]]
"""A table and the columns of one row, without those that say where the event stands."""

Params = Mapping[str, Any]
"""An event's parameters by name; addresses as 0x text, words as 32 bytes, the rest as numbers."""


def table(name: str, *columns: Column[Any], indexes: tuple[tuple[str, ...], ...] = ()) -> Table:
    """A table of events; every one says where its event stands on the chain."""
    return Table(
        name,
        metadata,
        Column("block_number", BigInteger, primary_key=True, autoincrement=False),
        Column("log_index", Integer, primary_key=True, autoincrement=False),
        Column("transaction_hash", LargeBinary(32), nullable=False),
        *columns,
        *(Index(f"ix_{name}_{'_'.join(index)}", *index, "block_number", "log_index") for index in indexes),
    )


def address(name: str) -> Column[Any]:
    """A column of addresses, 20 bytes."""
    return Column(name, LargeBinary(20), nullable=False)


def word(name: str, nullable: bool = False) -> Column[Any]:
    """A column of 32 bytes."""
    return Column(name, LargeBinary(32), nullable=nullable)
