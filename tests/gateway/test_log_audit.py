"""What somebody with the database of a real log can do to it, and that going through it against the ledger finds it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from gateway.log.audit import audit_database
from gateway.log.tree import add_nodes, checkpoints, lines, nodes
from gateway.verify.audit import Audit
from gateway.verify.log import anchored_of
from gateway.verify.result import Verdict
from ledger.translog import leaf_hash
from tests.gateway.logs import anchor, be_refused, chain_of, deposit, look, tampering
from tests.gateway.people import World, populate, running

REST = {0: 3, 1: 3, 2: 4, 3: 2}
"""Lines of the log in the tests: before the first checkpoint, the second, the third, and after it."""


@pytest.fixture(scope="module")
def gateway_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("log"), block_time=None) as gateway:
        world = populate(gateway)
        digest = deposit(world)
        for number in range(4):
            look(world, digest, times=REST[number] - 1)
            be_refused(world, digest)
            if number < 3:
                anchor(gateway)
        yield world


@pytest.fixture
def world(gateway_world: World) -> Iterator[World]:
    """The log, which the test may do anything to: it is put back afterwards."""
    tables = (lines, nodes, checkpoints)
    with gateway_world.gateway.database.connect() as connection:
        before = {table: [dict(row) for row in connection.execute(select(table)).mappings()] for table in tables}
    yield gateway_world
    with tampering(gateway_world.gateway) as connection:
        for table, rows in before.items():
            connection.execute(delete(table))
            connection.execute(insert(table), rows)


def audit(world: World) -> Audit:
    with chain_of(world.gateway) as chain:
        return audit_database(world.gateway.database, anchored_of(chain, world.gateway.operator.address))


def rewrite(connection: Connection, leaves: list[bytes]) -> None:
    """Write the whole log anew, its tree with it, so that all of the database agrees with itself."""
    rows = [dict(row) for row in connection.execute(select(lines).order_by(lines.c.seq)).mappings()]
    connection.execute(delete(lines))
    connection.execute(delete(nodes))
    for number, leaf in enumerate(leaves):
        said = json.loads(leaf)
        leaf = leaf if said["seq"] == number else _with(leaf, seq=number)
        columns = {
            **rows[min(number, len(rows) - 1)],
            "seq": number,
            "leaf": leaf,
            "leaf_hash": leaf_hash(leaf),
            "at": said["at"],
            "reader": bytes.fromhex(said["reader"][2:]),
            "patient": bytes.fromhex(said["patient"][2:]),
            "digest": bytes.fromhex(said["digest"]),
            "permitted": said["permitted"],
        }
        connection.execute(insert(lines), [columns])
        add_nodes(connection, number, leaf_hash(leaf))


def _with(leaf: bytes, **changes: object) -> bytes:
    return json.dumps({**json.loads(leaf), **changes}, sort_keys=True, separators=(",", ":")).encode()


def leaves_of(world: World) -> list[bytes]:
    return [leaf for _, leaf in world.gateway.log.each()]


def test_an_honest_log_is_proven_up_to_its_last_checkpoint_and_says_so(world: World) -> None:
    found = audit(world)
    result = found.result(world.gateway.operator.address)

    assert (found.faults, found.lines, found.counted, found.waiting) == ([], 12, 10, 2)
    assert (result.verdict, result.status) == (Verdict.PROVEN, 0)
    assert "last 2 lines" in result.sentence
    assert "every access" in result.sentence


@pytest.mark.parametrize("number", [0, 2, 3, 5, 9, 10])
def test_a_line_that_is_deleted_is_missed_before_and_after_a_checkpoint(world: World, number: int) -> None:
    with tampering(world.gateway) as connection:
        connection.execute(delete(lines).where(lines.c.seq == number))

    found = audit(world)

    assert any(f"line {number} is gone" in fault for fault in found.faults)
    assert found.result(world.gateway.operator.address).status == 1


def test_the_last_line_is_missed_though_no_checkpoint_counts_it(world: World) -> None:
    with tampering(world.gateway) as connection:
        connection.execute(delete(lines).where(lines.c.seq == 11))

    assert "the log's tree has 6 nodes at level 1 over 11 below" in audit(world).faults


def test_a_line_that_is_deleted_and_the_rest_renumbered_is_missed(world: World) -> None:
    leaves = leaves_of(world)
    with tampering(world.gateway) as connection:
        rewrite(connection, leaves[:4] + leaves[5:])

    faults = audit(world).faults

    assert "the first 6 lines are not those that were anchored" in faults
    assert "the first 3 lines are not those that were anchored" not in faults


def test_a_log_cut_off_before_its_last_checkpoint_is_missed(world: World) -> None:
    leaves = leaves_of(world)
    with tampering(world.gateway) as connection:
        rewrite(connection, leaves[:8])

    assert "the ledger has a checkpoint of 10 lines, and there are 8: lines are gone" in audit(world).faults


def test_lines_that_change_places_are_found(world: World) -> None:
    leaves = leaves_of(world)
    leaves[4], leaves[5] = leaves[5], leaves[4]
    with tampering(world.gateway) as connection:
        rewrite(connection, leaves)

    assert "the first 6 lines are not those that were anchored" in audit(world).faults


def test_lines_that_change_places_and_keep_their_numbers_are_found(world: World) -> None:
    with tampering(world.gateway) as connection:
        for number, leaf in ((10, leaves_of(world)[11]), (11, leaves_of(world)[10])):
            connection.execute(update(lines).where(lines.c.seq == number).values(leaf=leaf, leaf_hash=leaf_hash(leaf)))

    faults = audit(world).faults
    assert "line 10 numbers itself 11" in faults
    assert "line 11 numbers itself 10" in faults


def test_a_line_that_says_something_else_is_found(world: World) -> None:
    leaves = leaves_of(world)
    leaves[5] = _with(leaves[5], permitted=True)
    with tampering(world.gateway) as connection:
        rewrite(connection, leaves)

    assert "the first 6 lines are not those that were anchored" in audit(world).faults


def test_a_line_that_is_back_dated_before_it_is_anchored_is_found(world: World) -> None:
    """Even one that no checkpoint counts yet: the ledger had two checkpoints without it by then."""
    leaves = leaves_of(world)
    at = json.loads(leaves[11])["at"]
    leaves[11] = _with(leaves[11], at=at - 86_400)
    with tampering(world.gateway) as connection:
        rewrite(connection, leaves)

    faults = audit(world).faults
    assert "line 11 is dated before the line above it" in faults
    assert any("line 11: it is back-dated" in fault for fault in faults)


def test_lines_that_are_back_dated_together_are_found(world: World) -> None:
    leaves = leaves_of(world)
    leaves = [_with(leaf, at=json.loads(leaf)["at"] - 86_400) for leaf in leaves]
    with tampering(world.gateway) as connection:
        rewrite(connection, leaves)

    faults = audit(world).faults
    assert not any("above it" in fault for fault in faults)
    assert sum("it is back-dated" in fault for fault in faults) == 6  # all behind the second checkpoint


def test_a_line_that_is_dated_later_than_its_checkpoint_is_found(world: World) -> None:
    leaves = leaves_of(world)
    leaves = [_with(leaf, at=json.loads(leaf)["at"] + 86_400) for leaf in leaves]
    with tampering(world.gateway) as connection:
        rewrite(connection, leaves)

    assert sum("dated after the ledger took in" in fault for fault in audit(world).faults) == 10


def test_a_fork_that_was_signed_and_never_anchored_is_found(world: World) -> None:
    """Another log beside the anchored one, with checkpoints of its own."""
    leaves = leaves_of(world)
    leaves[5] = _with(leaves[5], digest="00" * 32)
    with tampering(world.gateway) as connection:
        rewrite(connection, leaves)
        forked = world.gateway.log
        connection.execute(delete(checkpoints).where(checkpoints.c.size > 3))
    with tampering(world.gateway) as connection:
        for size in (6, 10):
            connection.execute(insert(checkpoints).values(size=size, root=forked.root(size), signed_at=0))

    faults = audit(world).faults

    assert "the first 6 lines are not those that were anchored" in faults
    assert "the checkpoint of 6 lines on the ledger is not one that was signed here" in faults
    assert "the checkpoint of 3 lines on the ledger is not one that was signed here" not in faults


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("patient", bytes(20), "patient"),
        ("reader", bytes(20), "reader"),
        ("digest", bytes(32), "record"),
        ("permitted", True, "answer"),
        ("at", 1, "time"),
        ("leaf_hash", bytes(32), "hash"),
    ],
)
def test_a_line_that_is_hidden_from_whom_it_concerns_is_found(
    world: World, column: str, value: object, named: str
) -> None:
    with tampering(world.gateway) as connection:
        connection.execute(update(lines).where(lines.c.seq == 11).values({column: value}))

    assert f"line 11 is filed under another {named} than its own" in audit(world).faults


@pytest.mark.parametrize(
    "spoil", [lambda leaf: leaf + b" ", lambda leaf: b"{}", lambda leaf: b"\xff", lambda leaf: b""]
)
def test_a_line_that_cannot_be_read_is_said_to_be_so(world: World, spoil: Callable[[bytes], bytes]) -> None:
    with tampering(world.gateway) as connection:
        leaf = spoil(leaves_of(world)[11])
        connection.execute(update(lines).where(lines.c.seq == 11).values(leaf=leaf))

    assert any(fault.startswith("line 11 cannot be read") for fault in audit(world).faults)


def test_a_log_without_a_checkpoint_is_undecided() -> None:
    result = replace(Audit(), lines=7).result("0x" + "00" * 20)  # type: ignore[arg-type]

    assert (result.verdict, result.status) == (Verdict.UNDECIDED, 2)


def test_a_fork_that_was_anchored_is_found(world: World) -> None:
    """Whoever holds the operator's key can anchor another log behind the first; no log then has both. The ledger keeps
    what this test anchors, so it comes last."""
    leaves = leaves_of(world)
    honest = list(leaves)
    leaves[5] = _with(leaves[5], digest="00" * 32)
    with tampering(world.gateway) as connection:
        rewrite(connection, leaves)
    root = world.gateway.log.root(12)
    acts = world.gateway.ledger.acts
    world.act(acts.anchor_checkpoint(12, root), world.gateway.operator)

    assert any("first 6 lines" in fault for fault in audit(world).faults)
    with tampering(world.gateway) as connection:
        rewrite(connection, honest)
    assert any("first 12 lines" in fault for fault in audit(world).faults)
