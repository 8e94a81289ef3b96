"""The gateway's own tables live in one database; SQLite by default, PostgreSQL by URL, the same statements on both.

>>> engine = open_database("sqlite:///gateway.db")
>>> with writing(engine) as connection: connection.execute(sessions.delete())
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, MetaData

from ledger import database

metadata = MetaData()
"""Every table of this package; the modules that own them register them here."""


def open_database(url: str) -> Engine:
    """Connect, without a sync for each commit: what a loss of power may cost here stands on the chain, and acts that do
    not yet have a database of their own.

    Raises:
        DatabaseError: no URL of a database, or its driver is not installed.
    """
    return database.open_database(url, synchronous="NORMAL")


def create_tables(engine: Engine) -> None:
    """Create what is not there yet; several processes may do so at once.

    Raises:
        DatabaseError
    """
    database.create_tables(engine, metadata)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the write lock from its first statement, and commits at its end."""
    with engine.connect() as connection, connection.execution_options(writes=True).begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads, and waits for no writer."""
    with engine.connect() as connection:
        yield connection
