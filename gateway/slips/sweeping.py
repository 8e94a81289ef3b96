"""Slips of consents that were withdrawn, and of people who were denied, by whatever way that came to the ledger: a
wallet's own transaction, another gateway. The ledger denied at once; here what is left is removed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, Integer, Row, Table, select

from gateway.consents.consenting import take_back
from gateway.database import metadata, reading, writing
from ledger import events
from ledger.positions import oldest_first, stands_after
from ledger.types import address_of

if TYPE_CHECKING:
    from gateway.services import Gateway

swept = Table(
    "swept",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("block_number", BigInteger, nullable=False),
    Column("log_index", Integer, nullable=False),
)
"""How far the events have been gone through."""

_AT_ONCE = 100


def sweep(gateway: "Gateway") -> None:
    """A chore: take back for every withdrawal and denial since the last time."""
    with reading(gateway.database) as connection:
        row = connection.execute(select(swept)).one_or_none()
    after = (row.block_number, row.log_index) if row else (0, 0)
    newer = sorted([*_after(gateway, events.withdrawals, after), *_after(gateway, events.denials, after)])[:_AT_ONCE]
    for block_number, log_index, patient, grantee in newer:
        take_back(gateway, address_of(patient), address_of(grantee))
        with writing(gateway.database) as connection:
            connection.execute(swept.delete())
            connection.execute(swept.insert().values(id=1, block_number=block_number, log_index=log_index))


def _after(gateway: "Gateway", table: Table, after: tuple[int, int]) -> Sequence[Row[Any, Any, Any, Any]]:
    columns = (table.c.block_number, table.c.log_index, table.c.patient, table.c.grantee)
    query = select(*columns).where(stands_after(table, after)).order_by(*oldest_first(table)).limit(_AT_ONCE)
    if table is events.denials:
        query = query.where(table.c.denied)
    with gateway.ledger_database.connect() as connection:
        return connection.execute(query).all()
