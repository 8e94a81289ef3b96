"""Inserting rows by the thousand without a dictionary for each of them.

>>> insert_rows(connection, names, ("job", "item"), [(b"1", b"a"), (b"1", b"b")])
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Table

_AT_ONCE = 500
"""Rows of one statement. The driver lets other threads go on at each statement, and then waits for its turn again:
a row at a time, beside a thread that computes, takes dozens of times as long."""


@lru_cache(maxsize=64)
def _places(columns: int, rows: int) -> str:
    return ", ".join([f"({', '.join('?' * columns)})"] * rows)


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows of plain values (numbers, bytes, text), given in the order of `columns`.

    Raises:
        IntegrityError: a key is taken; the transaction must be given up.
    """
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        # Straight to the driver: the values need no conversion, and preparing them costs more than inserting.
        names = ", ".join(f'"{table.c[column].name}"' for column in columns)
        for at in range(0, len(rows), _AT_ONCE):
            some = rows[at : at + _AT_ONCE]
            statement = f'INSERT INTO "{table.name}" ({names}) VALUES {_places(len(columns), len(some))}'  # noqa: S608
            connection.exec_driver_sql(statement, tuple(chain.from_iterable(some)))
    else:
        connection.execute(table.insert(), [dict(zip(columns, row, strict=True)) for row in rows])
