"""Where an event stands on the chain: its block and its place among that block's events, compared as one.

    >>> query.where(stands_after(table, (7, 0))).order_by(*oldest_first(table)).limit(100)

In SQL as row values: with them a database goes straight to the place in its index. Two comparisons joined by OR mean
the same, and SQLite reads the table from its beginning for them.
"""

from typing import Any

from sqlalchemy import ColumnElement, Table, tuple_

Position = tuple[int, int]
"""Number of the block, index of the log in it."""


def stands_after(table: Table, position: Position) -> ColumnElement[bool]:
    """Rows that are newer."""
    return tuple_(*oldest_first(table)) > tuple_(*position)


def stands_before(table: Table, position: Position) -> ColumnElement[bool]:
    """Rows that are older."""
    return tuple_(*oldest_first(table)) < tuple_(*position)


def oldest_first(table: Table) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The order in which they came."""
    return table.c.block_number, table.c.log_index


def newest_first(table: Table) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The other way round."""
    return table.c.block_number.desc(), table.c.log_index.desc()
