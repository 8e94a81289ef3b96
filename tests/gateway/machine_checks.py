"""What must be true of a gateway whatever has failed: its chain, its lists, its log, its index and its files say what
the model says."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from sqlite3 import connect
from typing import Any

from sqlalchemy import select

from ledger import events, index_tables
from ledger.codes import Category
from ledger.database import open_database, reading
from ledger.errors import NodeError
from ledger.indexer import Indexer
from ledger.rpc import Head, check_head, head
from ledger.types import consent_id, scope_number
from tests.contracts.care_model import DELEGATION, GLASS
from tests.contracts.consent_model import Scope
from tests.gateway.machine_process import PATIENCE
from tests.gateway.machine_world import World
from tests.waiting import until

MOST = 100
"""Items of a page; a run has fewer of each kind."""


def settle(world: World) -> None:
    """Wait until chain and gateway agree with the model: after a failure this takes as long as catching up does."""
    if world.troubled:
        until(lambda: _chain_agrees(world) and index_follows(world), PATIENCE)
        until(lambda: lists_differ(world) is None, PATIENCE)
        world.troubled = False


def _chain_agrees(world: World) -> bool:
    try:
        return chain_differs(world) is None
    except NodeError:  # it is coming back
        return False


def index_follows(world: World) -> bool:
    """Whether the gateway's index stands on the chain as it is now, and not on one that a killed node has forgotten."""
    engine = open_database(f"sqlite:///{world.folder / 'index.db'}")
    try:
        newest = head(world.node)
        with reading(engine) as connection:
            cursor = connection.execute(select(index_tables.cursors)).one()
        if cursor.block_number < newest.number:
            return False
        check_head(world.node, Head(cursor.block_number, cursor.block_hash))
    except NodeError:
        return False
    finally:
        engine.dispose()
    return True


def chain_differs(world: World) -> str | None:
    """The first thing on the chain that is not as the model has it."""
    model, ledger, at = world.model, world.ledger, world.addresses
    for (patient, grantee, scope), granted in model.consents.items():
        assert isinstance(scope, int)
        consent = ledger.consent(at[patient], at[grantee], scope_number(scope))
        if consent.terms != granted.terms or bool(consent.withdrawn_at) != (granted.withdrawn_at is not None):
            return f"consent {scope} to {grantee}"
    for name in model.people:
        if name != "ada" and ledger.is_denied(at["ada"], at[name]) != (("ada", name) in model.denials):
            return f"denial of {name}"
    for digest, record in model.records.items():
        if ledger.record_state(digest).name != record.state:
            return "state of a record"
    for (patient, delegate), what in model.delegations.items():
        found = ledger.delegation(at[patient], at[delegate])
        if (what is None and found.powers) or (what and (found.powers, found.until) != (what.powers, what.until)):
            return f"delegation to {delegate}"
    return None


def lists_differ(world: World) -> str | None:
    """The first list that does not have exactly what the model has, or has something twice."""
    model, at = world.model, world.addresses
    consents = {
        "0x" + consent_id(at[patient], at[grantee], scope_number(int(scope))).hex(): granted.withdrawn_at is not None
        for (patient, grantee, scope), granted in model.consents.items()
    }
    found = [(item["id"], item["state"] == "withdrawn") for item in listed(world, "ada", "/v1/consents")]
    if sorted(found) != sorted(consents.items()):
        return f"consents: {found}"
    denied = sorted(at[name] for patient, name in model.denials)
    if sorted(item["grantee"] for item in listed(world, "ada", "/v1/denials")) != denied:
        return "denials"
    states = [(item["digest"], item["state"].upper()) for item in listed(world, "ada", "/v1/records")]
    if sorted(states) != sorted((digest.hex(), record.state) for digest, record in model.records.items()):
        return f"records: {states}"
    delegates = sorted(at[name] for (_, name), what in model.delegations.items() if what and model.now < what.until)
    if sorted(item["delegate"] for item in listed(world, "ada", "/v1/delegations")) != delegates:
        return "delegations"
    return None


def listed(world: World, who: str, path: str) -> list[dict[str, Any]]:
    """All items of somebody's list."""
    body = world.ask(who, "GET", path, params={"limit": MOST} if path in ("/v1/consents", "/v1/records") else {}).json()
    items: list[dict[str, Any]] = body if isinstance(body, list) else body["items"]
    return items


def permits(world: World, reader: str, digest: bytes, purpose: Any) -> bool:
    """Whether the model lets somebody read, with all that could be said for her."""
    offered: list[Scope] = [("ada", reader, DELEGATION), ("ada", reader, GLASS), *world.model.consents]
    permitted, _ = world.model.decide(reader, digest, purpose, offered)
    if permitted:
        assert has_basis(world, reader, digest), "the model permits without a basis"
    return permitted


def has_basis(world: World, reader: str, digest: bytes) -> bool:
    """Said once more, without the model's way of deciding: somebody reads her own; or, neither denied nor suspended,
    what she wrote or what something that is alive covers by name."""
    model, record = world.model, world.model.records[digest]
    if reader == record.patient:
        return True
    names = {reader} | ({model.people[reader].organization} if model.people[reader].is_staff else set())
    if any(("ada", name) in model.denials for name in names) or not model.is_live(reader):
        return False
    covered = Category(0)
    for (_, grantee, _), granted in model.consents.items():
        if grantee in names and granted.is_live(model.now) and granted.terms is not None:
            covered |= granted.terms.categories
    what = model.delegations.get(("ada", reader))
    if what is not None and model.now < what.until:
        covered |= what.categories
    broken = model.glass.get(("ada", reader))
    if broken is not None and model.now < broken.until:
        covered |= record.categories
    return reader == record.author or record.categories in covered


def check_log(world: World, opened: dict[str, bool], tried: Iterable[str]) -> None:
    """Every open that was answered has exactly one line, with that answer; what was cut off has one at most.

    Args:
        opened: attempts that were answered, by correlation id, and whether they were permitted.
        tried: those that were not, or were refused before the ledger was asked.
    """
    lines = log_lines(world.folder)
    assert [line["seq"] for line in lines] == list(range(len(lines)))
    counted = Counter(line["correlation"] for line in lines)
    assert {name: counted[name] for name in opened} == dict.fromkeys(opened, 1)
    said = {line["correlation"]: line["permitted"] for line in lines}
    assert {name: said[name] for name in opened} == opened
    assert all(counted[name] <= 1 for name in tried)


def log_lines(folder: Path) -> list[dict[str, Any]]:
    """The access log, as its file has it."""
    return [json.loads(leaf) for (leaf,) in asked(folder / "gateway.db", "SELECT leaf FROM access_log ORDER BY seq")]


def check_index(world: World) -> None:
    """The index that grew, through all failures, is the one that is made anew. The gateway is not running."""
    until(lambda: world.node.request("txpool_status")["pending"] == "0x0", PATIENCE)
    engine = open_database(f"sqlite:///{world.folder / 'index.db'}")
    try:
        indexer = Indexer(engine, world.node, world.deployment.address, start_block=world.deployment.block)
        while indexer.sync():
            pass
        grown = _dump(engine)
        indexer.rebuild()
        while indexer.sync():
            pass
        assert _dump(engine) == grown
        assert len(grown["consents"]) == len(world.model.consents)
    finally:
        engine.dispose()


def _dump(engine: Any) -> dict[str, list[tuple[Any, ...]]]:
    """All that an index holds, but for the cursor, which moves with every block."""
    tables = [*events.metadata.sorted_tables, index_tables.blocks, index_tables.transactions]
    with reading(engine) as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in tables
        }


def check_nothing_in_the_clear(folder: Path, words: Iterable[bytes]) -> None:
    """No name and nothing of a record is in a database, a log, the store, the chain's state or any other file."""
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for word in words:
                for form in (word, word.hex().encode()):
                    assert form not in content, f"something in the clear in {path.name}"


def acts_by(world: World) -> Counter[str]:
    """How many acts of each, by name, the outbox has seen through or will: all but those that failed."""
    query = "SELECT signer, count(*) FROM outbox WHERE state <> 'failed' GROUP BY signer"
    found = dict(asked(world.folder / "outbox.db", query))
    return Counter({name: found[address] for address, name in world.names.items() if address in found})


def asked(file: Path, query: str) -> list[tuple[Any, ...]]:
    """What a database says."""
    connection = connect(file)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()
