"""Checkpoints of access logs: they only move forward, one log an organization."""

import pytest

from ledger.codes import Role
from tests.contracts.actors import World
from tests.contracts.evm import START, Event, refused

ROOT = b"\x0e" * 32


def test_a_checkpoint_is_said_and_dated(world: World) -> None:
    world.chain.pass_time(9)
    sent = world.chain.send(world.hospital.address, world.acts.anchor_checkpoint(1_000, ROOT))
    values = {"operator": world.hospital.address, "size": 1_000, "root": ROOT}
    assert sent.events == (Event("CheckpointAnchored", values),)
    assert world.chain.view("checkpointOf", world.hospital.address) == (1_000, START + 9)


@pytest.mark.parametrize("size", [0, 1, 999, 1_000])
def test_a_log_does_not_shrink_nor_is_a_size_anchored_twice(world: World, size: int) -> None:
    world.chain.send(world.hospital.address, world.acts.anchor_checkpoint(1_000, ROOT))
    with refused("CheckpointNotNewer", size=size, anchoredSize=1_000):
        world.chain.send(world.hospital.address, world.acts.anchor_checkpoint(size, ROOT))
    world.chain.send(world.hospital.address, world.acts.anchor_checkpoint(1_001, ROOT))
    assert world.chain.view("checkpointOf", world.hospital.address)[0] == 1_001


def test_an_empty_log_has_no_checkpoint(world: World) -> None:
    with refused("CheckpointNotNewer", size=0, anchoredSize=0):
        world.chain.send(world.hospital.address, world.acts.anchor_checkpoint(0, ROOT))
    assert world.chain.view("checkpointOf", world.hospital.address) == (0, 0)


def test_a_log_may_grow_to_the_largest_size_and_no_further(world: World) -> None:
    most = 2**64 - 1
    world.chain.send(world.hospital.address, world.acts.anchor_checkpoint(most, ROOT))
    with refused("CheckpointNotNewer", size=most, anchoredSize=most):
        world.chain.send(world.hospital.address, world.acts.anchor_checkpoint(most, ROOT))


def test_each_organization_has_its_own_log(world: World) -> None:
    world.chain.send(world.hospital.address, world.acts.anchor_checkpoint(1_000, ROOT))
    world.chain.send(world.laboratory.address, world.acts.anchor_checkpoint(1, ROOT))
    assert world.chain.view("checkpointOf", world.laboratory.address) == (1, START)


def test_only_organizations_keep_logs(world: World) -> None:
    for who in (world.doctor, world.ada, world.stranger):
        with refused("RoleMissing", participant=who.address, anyOf=Role.ORGANIZATION):
            world.chain.send(who.address, world.acts.anchor_checkpoint(1, ROOT))
