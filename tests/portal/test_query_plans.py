"""No question reads a table through: whatever a life of acts, every page, every list and every chore asks of a database
is found by an index, so that it takes no longer among a million rows."""

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from secrets import token_hex
from time import sleep
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event

from gateway.log.tree import LogTree
from ledger.outbox_intake import Posting
from tests.portal.crawling import PEOPLE, kind_of
from tests.portal.served import Portal, Somebody
from tests.portal.test_sessions import signed_in_client

FEW = {
    "announcing_sweeps": "one row",
    "delegations_followed": "one row",
    "openings": "glasses that were broken",
    "outbox_chain": "one row",
    "preferences_seen": "one row",
    "retention_rules": "a row for each category",
    "roster_work": "what is still to be done",
    "rosters_followed": "one row",
    "sessions": "who is signed in",
    "swept": "one row",
}
"""Tables that stay small, whatever happens on the ledger."""
PARTIAL = ("ix_outbox_open",)
"""Indexes of what is under way only."""
SPENT = "transactions.gas_used"
"""What was spent so far is a sum over all receipts, which a researcher asks for."""
LINK = re.compile(r'href="(/portal/[^"#]*)')
Asked = dict[Engine, set[str]]


def test_no_question_reads_a_table_through(portal: Portal, request: pytest.FixtureRequest) -> None:
    with noting(portal) as asked:
        request.getfixturevalue("furnished")  # a life of acts, which is looked at as well
        for handle in (*PEOPLE, "hospital"):
            look_around(portal, handle)
        with suppress(KeyError):  # as for a long log
            LogTree(portal.gateway.database).nodes([(level, 0) for level in range(12)])
        deny_at_once(portal, [portal.patient(), portal.patient()])
        sleep(2.5)  # two rounds of all chores
    counts = {engine.url.database: len(statements) for engine, statements in asked.items()}
    assert sum(counts.values()) > 200, counts
    through = {line for engine, statements in asked.items() for line in read_through(engine, statements)}
    assert not through, "\n\n".join(sorted(through))


def test_a_table_that_is_read_through_is_noticed(portal: Portal) -> None:
    slow = {
        "SELECT * FROM batch_jobs WHERE items = ?": True,
        "SELECT * FROM batch_jobs WHERE job = ?": False,
        "SELECT * FROM batch_jobs ORDER BY job LIMIT ?": False,
        "SELECT * FROM batch_jobs ORDER BY items LIMIT ?": True,
        "SELECT * FROM swept WHERE block_number = ?": False,
        "DELETE FROM batch_jobs WHERE created_at < ?": True,
    }
    found = {one: bool(list(read_through(portal.gateway.database, {one}))) for one in slow}
    assert found == slow


@contextmanager
def noting(portal: Portal) -> Iterator[Asked]:
    """Statements that this gateway sends to its databases meanwhile."""
    asked: Asked = defaultdict(set)
    folder = str(portal.gateway.settings.data_dir)

    def note(connection: Any, _cursor: object, statement: str, *_: object) -> None:
        if folder in str(connection.engine.url):
            asked[connection.engine].add(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def deny_at_once(portal: Portal, patients: list[Somebody]) -> None:
    """Acts of several people that come to the outbox together, as they do when it is busy."""
    act = portal.gateway.ledger.acts.set_denial(portal.people["doctor-2"].address, True)
    keys = [token_hex(8), token_hex(8)]
    postings = [Posting(act, one.address, key, gas=200_000) for one in patients for key in keys]
    assert len(portal.gateway.outbox.enqueue_many(postings)) == len(postings)


def look_around(portal: Portal, handle: str) -> None:
    """Every kind of page that a link leads this person to, and every list of the API."""
    with signed_in_client(portal, portal.demo(handle)) as client:
        token = client.cookies["consent_ledger_session"]
        waiting, seen = ["/portal"], set[str]()
        while waiting:
            path = waiting.pop()
            if kind_of(path) in seen or "sign-out" in path:
                continue
            seen.add(kind_of(path))
            page = client.get(path, follow_redirects=True)
            assert page.is_success, f"{path}: {page.status_code}"
            if page.headers["content-type"].startswith("text/html"):
                waiting += [link.replace("&amp;", "&") for link in LINK.findall(page.text) if "/static/" not in link]
        assert len(seen) >= PEOPLE.get(handle, 0)
        look_at_lists(client, {"Authorization": f"Bearer {token}"})


def look_at_lists(client: httpx.Client, headers: dict[str, str]) -> None:
    """Every list of the API, whole, and by pages of one."""
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        if "get" in methods and "{" not in path:
            client.get(path, headers=headers)
            page = client.get(path, headers=headers, params={"limit": 1})
            if following := page.links.get("next"):
                assert client.get(following["url"], headers=headers).is_success


def read_through(engine: Engine, statements: set[str]) -> Iterator[str]:
    """Statements for which SQLite would go through a table that grows, from its beginning, and how it says so."""
    connection = engine.raw_connection()
    try:
        for statement in statements:
            if not re.match(r"\s*(SELECT|UPDATE|DELETE|WITH)", statement) or SPENT in statement:
                continue
            # The newest few are what an index's end holds.
            few = "LIMIT" in statement and "WHERE" not in statement
            cursor = connection.cursor()
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", [None] * statement.count("?"))
            for *_, step in cursor.fetchall():
                by_index = few and " USING " in step
                if step.startswith("SCAN ") and not by_index and not is_short(step):
                    yield f"{step}: {' '.join(statement.split())}"
    finally:
        connection.close()


def is_short(step: str) -> bool:
    """Whether what is gone through is a result, a table that stays small, or an index of a few rows."""
    what = step.removeprefix("SCAN ").split(" ")[0]
    return "CONSTANT ROW" in step or what.startswith(("(", "anon_")) or what in FEW or step.endswith(PARTIAL)
