"""Opening a database that others open in the same moment."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from sqlalchemy import text

from ledger.database import open_database, reading, writing

TOGETHER = 6


def test_a_new_file_is_opened_by_several_at_once(tmp_path: Path) -> None:
    """Each would turn it into one with a write-ahead log; SQLite refuses all but one of them without waiting."""
    for number in range(40):
        url, ready = f"sqlite:///{tmp_path}/{number}.db", Barrier(TOGETHER)

        def begin(name: int, url: str = url, ready: Barrier = ready) -> None:
            engine = open_database(url)
            ready.wait()
            with writing(engine) as connection:
                connection.execute(text("CREATE TABLE IF NOT EXISTS names (name INTEGER)"))
                connection.execute(text("INSERT INTO names VALUES (:name)"), {"name": name})
            engine.dispose()

        with ThreadPoolExecutor(TOGETHER) as threads:
            list(threads.map(begin, range(TOGETHER)))
        engine = open_database(url)
        with reading(engine) as connection:
            assert set(connection.execute(text("SELECT name FROM names")).scalars()) == set(range(TOGETHER))
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        engine.dispose()
