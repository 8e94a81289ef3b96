"""How far somebody who follows the ledger's events has come: a place among them that outlives a restart.

>>> swept = Bookmark("swept")
>>> for row in swept.behind(gateway, events.withdrawals, limit=100):
...     swept.move(gateway, (row.block_number, row.log_index))
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, Integer, Row, Table, select

from gateway.database import metadata, reading, writing
from ledger.positions import Position, oldest_first, stands_after

if TYPE_CHECKING:
    from gateway.services import Gateway

_BEGINNING = (-1, -1)


class Bookmark:
    """A table of one row."""

    def __init__(self, name: str) -> None:
        self._table = Table(
            name,
            metadata,
            Column("id", Integer, primary_key=True, autoincrement=False),
            Column("block_number", BigInteger, nullable=False),
            Column("log_index", Integer, nullable=False),
        )

    def behind(
        self, gateway: "Gateway", table: Table, *conditions: ColumnElement[bool], limit: int
    ) -> Sequence[Row[Any]]:
        """Events that stand behind this place, oldest first.

        Args:
            table: of the index.
        """
        query = select(table).where(stands_after(table, self._place(gateway)), *conditions)
        with gateway.ledger_database.connect() as connection:
            return connection.execute(query.order_by(*oldest_first(table)).limit(limit)).all()

    def move(self, gateway: "Gateway", place: Position) -> None:
        """Everything up to here has been gone through."""
        with writing(gateway.database) as connection:
            self.move_in(connection, place)

    def move_in(self, connection: Connection, place: Position) -> None:
        """As `move`, in the transaction in which what came of the events is written."""
        connection.execute(self._table.delete())
        connection.execute(self._table.insert().values(id=1, block_number=place[0], log_index=place[1]))

    def _place(self, gateway: "Gateway") -> Position:
        with reading(gateway.database) as connection:
            row = connection.execute(select(self._table)).one_or_none()
        return (row.block_number, row.log_index) if row else _BEGINNING
