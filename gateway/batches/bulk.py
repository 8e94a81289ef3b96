"""Inserting rows by the thousand without a dictionary for each of them.

>>> insert_rows(connection, names, ("job", "item"), [(b"1", b"a"), (b"1", b"b")])
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table


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
        places = ", ".join("?" for _ in columns)
        connection.exec_driver_sql(f'INSERT INTO "{table.name}" ({names}) VALUES ({places})', list(rows))  # noqa: S608
    else:
        connection.execute(table.insert(), [dict(zip(columns, row, strict=True)) for row in rows])
