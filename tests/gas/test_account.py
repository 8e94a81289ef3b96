"""The step-by-step account of a transaction adds up, and says what must be."""

import pytest

from ledger.gas.account import KINDS, Stretch, account, account_sheet, kind_of, stretches
from ledger.gas.floor import TRANSACTION, calldata_gas
from ledger.gas.measure import Measured
from ledger.gas.network import Network


@pytest.mark.parametrize("name", ["anchor", "dispensePresented", "grantManySigned", "publishKeyCard", "decide"])
def test_an_account_adds_up_to_the_receipt(name: str, network: Network, measured: dict[str, Measured]) -> None:
    receipt = measured[name].median_receipt
    found = account(network.node, receipt)
    assert found is not None
    executed = sum(one.between + one.price for one in found)
    assert TRANSACTION + calldata_gas(receipt.data) + executed == receipt.gas


def test_what_must_be_is_told_in_order(network: Network, measured: dict[str, Measured]) -> None:
    found = account(network.node, measured["anchor"].median_receipt) or []
    reads = ["read a slot"] * 3
    assert [one.then for one in found] == [*reads, "write a slot", "leave an event", "end"]
    assert [one.price for one in found] == [2_100, 2_100, 2_100, 20_000, 1_756, 0]


def test_the_way_into_the_extension_is_told_with_its_own_price(network: Network, measured: dict[str, Measured]) -> None:
    found = account(network.node, measured["publishKeyCard"].median_receipt) or []
    hops = [one.price for one in found if one.then == "go on in the extension"]
    assert len(hops) == 1
    assert 2_600 <= hops[0] < 2_800


def test_instructions_are_sorted_by_what_they_are_for() -> None:
    steps = [("PUSH1", 3), ("KECCAK256", 42), ("SLOAD", 2_100), ("EQ", 3), ("JUMPI", 10), ("LOG3", 1_756), ("STOP", 0)]
    first, second, last = stretches(steps)
    assert first == Stretch(hashing=42, stack=3, then="read a slot", price=2_100)
    assert second == Stretch(jumps=10, arithmetic=3, then="leave an event", price=1_756)
    assert last == Stretch()
    assert {kind_of(name) for name in ("CALLDATALOAD", "MSTORE", "TIMESTAMP")} == {"inputs"}


def test_the_table_ends_with_its_sums() -> None:
    *rows, total = account_sheet("x", stretches([("EQ", 3), ("SLOAD", 2_100), ("EQ", 3)])).rows
    for key in (*KINDS, "between", "price"):
        assert total[key] == sum(row[key] for row in rows)
