"""Checkpoints: signed once the last one is on the ledger, never over a log that is not the one it was, and none lost
by a crash."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import time

import pytest
from sqlalchemy import delete, text, update

from gateway.errors import LogBroken
from gateway.log import checkpoints as log_checkpoints
from gateway.log.accesslog import AccessLog
from gateway.log.checkpoints import anchor_checkpoints, anchor_now, anchored, is_anchored
from gateway.log.evidence import checkpoint_evidence, line_evidence
from gateway.log.tree import checkpoints, lines, nodes
from gateway.verify.checks import check
from gateway.verify.result import Verdict
from ledger.checkpoint import Checkpoint, open_note, origin_of
from ledger.outbox import State
from ledger.translog import MemoryTree, leaf_hash, root_of
from tests.gateway.logs import anchor, chain_of, deposit, keep_anchoring, look, tampering
from tests.gateway.people import World, populate, running


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A gateway of its own, whose log nobody else writes."""
    with running(tmp_path, block_time=None, checkpoint_seconds=0) as gateway:
        yield populate(gateway)


def test_a_checkpoint_is_signed_over_all_lines_and_anchored(world: World) -> None:
    gateway = world.gateway
    look(world, deposit(world), times=5)

    size = anchor(gateway)

    (found,) = anchored(gateway)
    leaves = [leaf_hash(leaf) for _, leaf in gateway.log.each()]
    assert (found.size, found.root) == (size, root_of(MemoryTree(leaves), 5)) == (5, gateway.log.root(5))
    assert gateway.ledger.checkpoint(gateway.operator.address)[0] == 5
    signed = gateway.checkpoints.signed(5)
    assert signed is not None
    origin = origin_of(gateway.ledger.chain_id, gateway.ledger.address, gateway.operator.address)
    assert signed.note.split("\n")[:4] == [origin, "5", base64.b64encode(found.root).decode(), ""]
    assert Checkpoint.parse(open_note(signed.note, gateway.checkpoints.key)) == signed.checkpoint


def test_each_checkpoint_begins_with_the_one_before(world: World) -> None:
    digest = deposit(world)
    sizes = []
    for times in (1, 3, 4, 1):
        look(world, digest, times=times)
        sizes.append(anchor(world.gateway))

    assert sizes == [1, 4, 8, 9] == [one.size for one in anchored(world.gateway)]
    with chain_of(world.gateway) as chain:
        for earlier in sizes:
            for later in sizes[sizes.index(earlier) :]:
                evidence = checkpoint_evidence(world.gateway, size=later, earlier=earlier)
                assert check(evidence, chain=chain, store=None).verdict is Verdict.PROVEN


def test_nothing_new_is_nothing_to_sign(world: World) -> None:
    assert anchor_now(world.gateway) is None
    look(world, deposit(world))
    anchor(world.gateway)

    assert anchor_now(world.gateway) is None
    anchor_checkpoints(world.gateway)
    assert len(anchored(world.gateway)) == 1


def test_the_chore_waits_for_the_interval_or_the_count(tmp_path: Path) -> None:
    with running(tmp_path, block_time=None, checkpoint_seconds=3_600, checkpoint_lines=4) as gateway:
        world = populate(gateway)
        digest = deposit(world)
        look(world, digest, times=3)
        anchor_checkpoints(gateway)
        assert gateway.checkpoints.latest() is None

        look(world, digest)
        anchor_checkpoints(gateway)
        latest = gateway.checkpoints.latest()
        assert latest is not None
        assert latest.checkpoint.size == 4

    with running(tmp_path, block_time=None, checkpoint_seconds=0, checkpoint_lines=10_000) as gateway:
        look(replace(world, gateway=gateway), digest)
        keep_anchoring(gateway, 5)
        assert [one.size for one in anchored(gateway)] == [4, 5]


def test_anchoring_goes_on_where_a_crash_cut_it_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path, block_time=None) as gateway:
        world = populate(gateway)
        digest = deposit(world)
        look(world, digest, times=2)
        monkeypatch.setattr(log_checkpoints, "_enqueue", _die)
        with pytest.raises(KeyboardInterrupt):
            anchor_now(gateway)
        look(world, digest)
        monkeypatch.undo()
        assert gateway.ledger.checkpoint(gateway.operator.address) == (0, 0)

    with running(tmp_path, block_time=None, checkpoint_seconds=0) as gateway:
        # First the one that was signed, as it was; then what came since.
        keep_anchoring(gateway, 3)
        assert [one.size for one in anchored(gateway)] == [2, 3]
        sent = gateway.outbox.entries(
            signer=gateway.operator.address, correlation_id=f"access-log-checkpoint/{gateway.ledger.address}/2"
        )
        assert [entry.kind for entry in sent] == ["anchorCheckpoint"]


def test_no_second_checkpoint_is_signed_while_the_first_is_on_its_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = deposit(world)
    look(world, digest)
    monkeypatch.setattr(log_checkpoints, "is_anchored", lambda gateway, checkpoint: False)
    first = anchor_now(world.gateway)
    look(world, digest)
    second = anchor_now(world.gateway)

    assert first is not None
    assert second is not None
    assert first.id == second.id
    latest = world.gateway.checkpoints.latest()
    assert latest is not None
    assert latest.checkpoint.size == 1


def test_a_checkpoint_that_the_ledger_refuses_is_sent_again_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = world.gateway
    look(world, deposit(world))
    real = type(gateway.ledger.acts).anchor_checkpoint
    monkeypatch.setattr(type(gateway.ledger.acts), "anchor_checkpoint", lambda acts, size, root: real(acts, 0, root))
    refused = anchor_now(gateway)
    monkeypatch.undo()

    assert refused is not None
    assert (refused.state, refused.failure and refused.failure.name) == (State.FAILED, "CheckpointNotNewer")
    again = anchor_now(gateway)
    assert again is not None
    assert again.id == refused.id  # not at once
    monkeypatch.setattr(log_checkpoints, "_TRY_AGAIN", 1)
    keep_anchoring(gateway, 1)


def test_nothing_is_signed_over_a_log_that_lost_a_line(world: World) -> None:
    digest = deposit(world)
    look(world, digest, times=4)
    anchor(world.gateway)
    with tampering(world.gateway) as connection:
        connection.execute(delete(lines).where(lines.c.seq == 3))
    with pytest.raises(LogBroken, match="lost line 3"):
        look(world, digest)
    # A gateway that was started again does not remember; the ledger does.
    restarted = _with_log(world)
    with pytest.raises(LogBroken, match="only 3"):
        anchor_now(restarted.gateway)
    with pytest.raises(LogBroken, match="does not end where"):
        look(restarted, digest)
    assert [one.size for one in anchored(world.gateway)] == [4]


def test_nothing_is_signed_over_a_log_that_was_written_anew(world: World) -> None:
    digest = deposit(world)
    look(world, digest, times=4)
    anchor(world.gateway)
    with tampering(world.gateway) as connection:
        connection.execute(delete(lines))
        connection.execute(delete(nodes))
    restarted = _with_log(world)
    look(restarted, digest, times=6)

    with pytest.raises(LogBroken, match="not those that were anchored"):
        anchor_now(restarted.gateway)


def test_nothing_is_signed_by_a_database_that_was_put_back_from_a_copy(world: World) -> None:
    digest = deposit(world)
    look(world, digest, times=2)
    anchor(world.gateway)
    with tampering(world.gateway) as connection:
        connection.execute(delete(checkpoints))
    look(world, digest)

    with pytest.raises(LogBroken, match="never signed"):
        anchor_now(world.gateway)


def test_a_node_of_the_tree_that_was_changed_stops_signing(world: World) -> None:
    digest = deposit(world)
    look(world, digest, times=4)
    anchor(world.gateway)
    with tampering(world.gateway) as connection:
        connection.execute(update(nodes).where(nodes.c.level == 1, nodes.c.position == 0).values(hash=bytes(32)))
        connection.execute(update(nodes).where(nodes.c.level == 2).values(hash=bytes(32)))
    look(world, digest)

    with pytest.raises(LogBroken):
        anchor_now(world.gateway)


@pytest.mark.parametrize("table", ["access_log_nodes", "access_log_checkpoints"])
@pytest.mark.parametrize("act", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "REPLACE INTO {} SELECT * FROM {}"])
def test_the_database_itself_refuses_to_change_tree_and_checkpoints(world: World, table: str, act: str) -> None:
    look(world, deposit(world), times=2)
    anchor(world.gateway)
    column = "hash" if table.endswith("nodes") else "root"
    statement = act.format(table, column, "x'00'") if "SET" in act else act.format(table, table)

    with pytest.raises(Exception, match="append-only"), world.gateway.database.begin() as connection:
        connection.execute(text(statement))


def test_lines_that_were_written_before_there_was_a_tree_get_one(world: World) -> None:
    digest = deposit(world)
    look(world, digest, times=11)
    with tampering(world.gateway) as connection:
        connection.execute(delete(nodes).where(nodes.c.position > 0))
        connection.execute(delete(nodes))
    log = AccessLog(world.gateway.database)

    leaves = [leaf_hash(leaf) for _, leaf in log.each()]
    assert log.root(11) == root_of(MemoryTree(leaves), 11)


def test_the_ledgers_other_checkpoint_of_the_same_size_is_a_fork(world: World) -> None:
    look(world, deposit(world))
    anchor(world.gateway)

    with pytest.raises(LogBroken, match="another checkpoint"):
        is_anchored(world.gateway, Checkpoint("x", 1, bytes(32)))


def test_a_line_never_stands_before_the_one_above_it(world: World) -> None:
    (first,) = look(world, deposit(world))
    late = world.gateway.log.append(first.attempt)
    early = world.gateway.log.append(replace(first.attempt, at=first.attempt.at - 1_000))

    assert early.attempt.at == late.attempt.at <= time() + 1


def test_a_line_is_proven_by_the_first_checkpoint_that_counts_it(world: World) -> None:
    digest = deposit(world)
    (line,) = look(world, digest)
    anchor(world.gateway)
    look(world, digest, times=3)
    anchor(world.gateway)

    evidence = line_evidence(world.gateway, line)

    assert evidence.checkpoint.split("\n")[1] == "1"


def _with_log(world: World) -> World:
    """The same gateway as if it had been started again: it knows of its log what the database says."""
    log = AccessLog(world.gateway.database)
    checkpoints_ = log_checkpoints.Checkpoints(
        world.gateway.database,
        log,
        origin=world.gateway.checkpoints.key.name,
        seed=bytes(32),
        operator=world.gateway.operator,
    )
    return replace(world, gateway=replace(world.gateway, log=log, checkpoints=checkpoints_))


def _die(*_: object) -> None:
    raise KeyboardInterrupt
