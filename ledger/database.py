"""Opening the SQL database that outbox and index live in: SQLite by default, PostgreSQL by URL, one code.

    >>> engine = open_database("sqlite:////var/lib/consent-ledger/gateway.db")
    >>> with writing(engine) as connection:
    ...     connection.execute(insert(table), rows)

A commit is durable when it returns: SQLite runs with a write-ahead log and `synchronous=FULL`. A writer takes SQLite's
only write lock at its beginning (`BEGIN IMMEDIATE`), so that what it read stays true until it commits; on PostgreSQL
the same code locks rows with `SELECT ... FOR UPDATE`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from sqlite3 import OperationalError
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ledger.errors import LedgerError

BUSY_TIMEOUT = 30.0
"""Seconds that a writer waits for SQLite's write lock."""

_CREATING = 0x1ED6E2
"""Number of the advisory lock that is held while tables are created."""


class DatabaseError(LedgerError):
    """The database does not answer, or refuses what was asked of it."""


def open_database(url: str, *, synchronous: str = "FULL") -> Engine:
    """An engine for `url`, such as `sqlite:///gateway.db` or `postgresql+psycopg://...`.

    Args:
        synchronous: of SQLite; "NORMAL": a commit survives the death of this process, and a loss of power may cost the
            last ones.

    Raises:
        DatabaseError: no URL of a database, or its driver is not installed.
    """
    try:
        if not url.startswith("sqlite"):
            return create_engine(url, pool_pre_ping=True)
        engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT})
    except (SQLAlchemyError, ImportError) as failure:
        raise DatabaseError(f"no database can be opened: {failure}") from failure
    event.listen(engine, "connect", partial(_prepare, synchronous))
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: committed at the end, rolled back by any exception.

    Raises:
        DatabaseError: the database failed; nothing was written.
    """
    try:
        with engine.connect() as connection, connection.execution_options(writes=True).begin():
            yield connection
    except (DBAPIError, PoolTimeout) as failure:
        raise DatabaseError(f"the database failed: {_brief(failure)}") from failure


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads; on SQLite it neither waits for writers nor holds them up.

    Raises:
        DatabaseError: the database failed.
    """
    try:
        with engine.connect() as connection:
            yield connection
    except (DBAPIError, PoolTimeout) as failure:
        raise DatabaseError(f"the database failed: {_brief(failure)}") from failure


def create_tables(engine: Engine, *tables: MetaData, anew: bool = False) -> None:
    """Create the tables that are not there; several processes may do so at once.

    Args:
        anew: drop them first, with all that is in them.

    Raises:
        DatabaseError: the database failed.
    """
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":  # there, "create if not exists" of two at once may fail for one
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_CREATING})")
        for metadata in tables:
            if anew:
                metadata.drop_all(connection)
            metadata.create_all(connection)
            for index in chain.from_iterable(table.indexes for table in metadata.tables.values()):
                index.create(connection, checkfirst=True)  # a table of an earlier version may lack it


def _prepare(synchronous: str, connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own: `_begin` does
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={int(BUSY_TIMEOUT * 1000)}")
    try:
        cursor.execute("PRAGMA journal_mode=WAL")
    except OperationalError:
        # Of two who open a new file together one is refused without waiting: this waits until the other is done.
        cursor.execute("BEGIN IMMEDIATE")
        cursor.execute("ROLLBACK")
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute(f"PRAGMA synchronous={synchronous}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        # Straight to the driver, as this never fails and is half of what a short read costs otherwise.
        connection.connection.cursor().execute("BEGIN")


def _brief(failure: SQLAlchemyError) -> str:
    return str(getattr(failure, "orig", None) or type(failure).__name__)  # without the statement's values
