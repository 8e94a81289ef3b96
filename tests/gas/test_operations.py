"""Every operation against its receipts, its trace, its floor and its ceiling."""

import pytest

from ledger.abi import Abi
from ledger.gas.catalogue import OPERATIONS, operation
from ledger.gas.measure import Measured, measure_operations
from ledger.gas.network import Network
from ledger.gas.networks import measuring_devnet
from ledger.gas.theatre import Theatre, open_theatre

NAMES = [one.name for one in OPERATIONS]


def test_every_external_function_has_an_operation() -> None:
    functions = set(Abi.shipped().functions)
    assert functions == {one.function for one in OPERATIONS}


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_operation_touches_what_its_rules_demand_and_nothing_more(name: str, measured: dict[str, Measured]) -> None:
    parts = measured[name].parts
    assert parts is not None, "the devnet traces"
    touches = operation(name).touches
    rules = touches.rules(Abi.shipped())
    assert (parts.read, parts.written) == (touches.reads, touches.created + touches.changed + touches.emptied)
    assert parts.emitted == tuple((log.topics, log.data) for log in rules.logs)
    assert parts.recovered == touches.signatures


@pytest.mark.parametrize("name", NAMES)
def test_the_parts_of_an_operation_add_up_to_its_receipt(name: str, measured: dict[str, Measured]) -> None:
    one = measured[name]
    parts = one.parts
    assert parts is not None
    assert parts.intrinsic + parts.storage + parts.logs + parts.execution - parts.refund == one.median
    assert parts.execution > 0
    assert one.floor <= one.median


def test_every_figure_is_that_of_a_receipt_on_the_chain(network: Network, measured: dict[str, Measured]) -> None:
    for one in measured.values():
        for receipt in one.receipts:
            told = network.node.request("eth_getTransactionReceipt", receipt.transaction)
            assert int(told["gasUsed"], 16) == receipt.gas
        assert one.median in {receipt.gas for receipt in one.receipts}
        assert one.least <= one.median <= one.most


def test_two_runs_with_one_seed_agree_to_the_unit_whatever_else_is_measured() -> None:
    some = [operation(name) for name in ("dispensePresented", "grantSigned", "anchorBatch", "link")]

    def gas(order: int, seed: str) -> dict[str, list[int]]:
        with measuring_devnet() as devnet:
            measured = measure_operations(open_theatre(devnet, seed=seed), runs=4, operations=some[::order])
        return {one.name: [receipt.gas for receipt in one.receipts] for one in measured}

    first = gas(1, "one")
    assert gas(-1, "one") == first
    assert gas(1, "another") != first


def test_the_contract_fits(theatre: Theatre) -> None:
    code = theatre.network.node.request("eth_getCode", theatre.contract, "latest")
    assert len(code) // 2 - 1 <= 24_576
