"""Signing, and the two kinds of network."""

import os
from pathlib import Path
from time import time

import pytest
from eth_account import Account

from ledger.devnet import Devnet
from ledger.gas.catalogue import operation
from ledger.gas.measure import measure_operations
from ledger.gas.networks import foreign_network
from ledger.gas.people import Person, person, person_with, random_bytes
from ledger.gas.theatre import open_theatre
from ledger.gas.workflows import measure_workflows, workflow
from ledger.rpc import Node


def test_people_follow_from_the_seed() -> None:
    assert person("1", "doctor") == person("1", "doctor")
    assert len({person("1", "doctor").address, person("2", "doctor").address, person("1", "nurse").address}) == 3
    assert random_bytes("1", "a") != random_bytes("1", "b")


def test_a_person_has_the_address_of_her_key() -> None:
    who = person("signing", "somebody")
    assert Account.from_key(who.key).address == who.address


@pytest.mark.parametrize("block_time", [None, 0.3])
def test_any_network_can_be_profiled(tmp_path: Path, block_time: float | None) -> None:
    """A node that was there before: one that mines each transaction, one that mines at intervals."""
    with Devnet.start(tmp_path, block_time=block_time) as devnet:
        with foreign_network(devnet.url, os.urandom(32), gas_price=0) as network:
            theatre = open_theatre(network, seed="profile")
            anchor = measure_operations(theatre, runs=2, operations=[operation("anchor")])[-1]
            (cost,) = measure_workflows(theatre, runs=1, workflows=[workflow("prescription")])
        with Node(devnet.url) as node:
            for receipt in anchor.receipts:
                told = node.request("eth_getTransactionReceipt", receipt.transaction)
                assert int(told["gasUsed"], 16) == receipt.gas
        assert cost.first > 100_000


def test_where_gas_has_a_price_the_account_pays_for_everybody(tmp_path: Path) -> None:
    account = os.urandom(32)
    payer: Person = person_with(account)
    with Devnet.start(tmp_path, block_time=None) as devnet, Node(devnet.url) as node:
        node.request("anvil_setBalance", payer.address, hex(10**20))
        with foreign_network(devnet.url, account, gas_price=10**9) as network:
            theatre = open_theatre(network, seed="priced")
            grant = measure_operations(theatre, runs=1, operations=[operation("grant")])[-1]
        told = node.request("eth_getTransactionReceipt", grant.median_receipt.transaction)
        assert int(told["effectiveGasPrice"], 16) == 10**9
        assert int(node.request("eth_getBalance", payer.address, "latest"), 16) < 10**20


def test_a_network_whose_newest_block_is_old_can_be_profiled(tmp_path: Path) -> None:
    """One that makes blocks only when there is something for them: the next one has the present time."""
    with Devnet.start(tmp_path, block_time=None) as devnet, Node(devnet.url) as node:
        node.request("evm_setTime", 1_000)
        node.request("evm_mine")
        node.request("evm_setTime", int(time()))
        with foreign_network(devnet.url, os.urandom(32), gas_price=0) as network:
            theatre = open_theatre(network, seed="idle")
            grant = measure_operations(theatre, runs=1, operations=[operation("grant")])[-1]
        assert grant.median > 0
