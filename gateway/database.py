"""The gateway's own tables live in one database; SQLite by default, PostgreSQL by URL, the same statements on both.

>>> engine = open_database("sqlite:///gateway.db")
>>> with writing(engine) as connection: connection.execute(sessions.delete())
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event

metadata = MetaData()
"""Every table of this package; the modules that own them register them here."""


def open_database(url: str) -> Engine:
    """Connect; a SQLite file gets write-ahead logging, so that readers never wait for a writer."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def create_tables(engine: Engine) -> None:
    """Create what is not there yet."""
    metadata.create_all(engine)


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


def _configure_sqlite(connection: Any, _record: object) -> None:
    # Transactions are begun below, not by the driver, which would begin them too late to take the write lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # NORMAL: a commit survives the death of this process at any instant. A loss of power may cost the last commits,
    # which hold nothing that the chain does not (acts have a database of their own that is synced on every commit).
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        # Straight to the driver, as this never fails and is half of what a short read costs otherwise.
        connection.connection.cursor().execute("BEGIN")
