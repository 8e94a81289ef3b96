"""What the index says the ledger has cost is what the receipts say."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ledger.codes import Role
from ledger.database import open_database
from ledger.gas import history
from ledger.gas.history import CostBook, CostSoFar, cost_so_far
from ledger.gas.network import Network
from ledger.gas.networks import measuring_devnet
from ledger.gas.theatre import open_theatre
from ledger.gas.workflows import WorkflowCost, measure_workflows
from ledger.indexer import Indexer
from ledger.rpc import quantity

RUNS = 3


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Network, list[WorkflowCost], Engine]]:
    """Every workflow a few times on a ledger of its own, and the index of it."""
    folder: Path = tmp_path_factory.mktemp("history")
    with measuring_devnet() as network:
        theatre = open_theatre(network, seed="history")
        costs = measure_workflows(theatre, runs=RUNS)
        engine = open_database(f"sqlite:///{folder / 'index.db'}")
        Indexer(engine, network.node, theatre.contract).sync()
        yield network, costs, engine
        engine.dispose()


@pytest.fixture(scope="module")
def so_far(played: tuple[Network, list[WorkflowCost], Engine]) -> CostSoFar:
    return cost_so_far(played[2])


def test_all_gas_is_that_of_all_receipts(played: tuple[Network, list[WorkflowCost], Engine], so_far: CostSoFar) -> None:
    network, _, _ = played
    newest = quantity(network.node.request("eth_blockNumber"))
    receipts = [
        receipt for block in range(newest + 1) for receipt in network.node.request("eth_getBlockReceipts", hex(block))
    ]
    # The code that the ledger hands on to was made before there was a ledger: nothing in its index tells of that.
    *before, _ledger = [receipt for receipt in receipts if receipt["contractAddress"]]
    assert len(before) == 3
    gas = [quantity(receipt["gasUsed"]) for receipt in receipts if receipt not in before]
    assert (so_far.transactions, so_far.gas, so_far.unknown) == (len(gas), sum(gas), 0)


def test_every_transaction_is_in_one_operation_one_workflow_and_has_one_payer(so_far: CostSoFar) -> None:
    assert sum(one.gas for one in so_far.operations) == so_far.gas
    assert sum(one.gas for one in so_far.payers) == so_far.gas
    assert sum(one.gas for one in so_far.workflows) == pytest.approx(so_far.gas, abs=100)


def test_a_prescription_has_cost_what_its_acts_have(
    played: tuple[Network, list[WorkflowCost], Engine], so_far: CostSoFar
) -> None:
    costs = [cost for cost in played[1] if cost.name.startswith("prescription")]
    (found,) = [one for one in so_far.workflows if one.workflow == "prescription"]
    assert found.count == RUNS * len(costs)
    longest = max(sum(step.gas for step in cost.steps if step.operation != "grant") for cost in costs)
    assert found.most == pytest.approx(longest, abs=500)
    assert found.least < found.median < found.most


def test_who_pays_is_told_by_role_and_not_by_person(so_far: CostSoFar) -> None:
    roles = {one.roles for one in so_far.payers}
    assert Role.PATIENT in roles
    assert Role.ORGANIZATION | Role.LABORATORY in roles


def test_an_index_that_is_empty_has_cost_nothing(tmp_path: Path, network: Network) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'empty.db'}")
    indexed = Indexer(engine, network.node, "0x" + "11" * 20).sync()
    assert cost_so_far(engine) == CostSoFar((), (), (), 0, 0, 0, 0, indexed.block)
    engine.dispose()


def test_many_who_ask_have_it_worked_out_seldom(
    played: tuple[Network, list[WorkflowCost], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    now, worked_out = 0.0, 0

    def slowly(engine: Engine) -> CostSoFar:
        nonlocal now, worked_out
        now, worked_out = now + 3, worked_out + 1
        return cost_so_far(engine)

    monkeypatch.setattr(history, "cost_so_far", slowly)
    book = CostBook(played[2], clock=lambda: now)
    first = book.so_far()
    assert first == cost_so_far(played[2])

    now = 14.9
    assert book.so_far() is first
    now = 15.0
    assert book.so_far() == first
    assert worked_out == 2
