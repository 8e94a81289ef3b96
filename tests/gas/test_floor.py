"""The floor is arithmetic that one can do by hand."""

import pytest

from ledger.gas.floor import Log, Rules, calldata_gas, calldata_minimum, floor


def test_nothing_at_all_costs_the_transaction() -> None:
    assert floor(b"", Rules()).total == 21_000


@pytest.mark.parametrize(("data", "gas"), [(b"", 0), (b"\0", 4), (b"\1", 16), (b"\0\0\7", 24), (bytes(32), 128)])
def test_calldata_costs_4_a_zero_byte_and_16_another(data: bytes, gas: int) -> None:
    assert calldata_gas(data) == gas


@pytest.mark.parametrize(
    ("rules", "gas"),
    [
        (Rules(reads=1), 2_100),
        (Rules(created=1), 22_100),
        (Rules(changed=1), 5_000),
        (Rules(logs=(Log(topics=0, data=0),)), 375),
        (Rules(logs=(Log(topics=3, data=64),)), 375 + 3 * 375 + 8 * 64),
        (Rules(signatures=2), 6_000),
        (Rules(reads=2, created=1, changed=1), 2 * 2_100 + 22_100 + 5_000),
    ],
)
def test_each_thing_touched_has_its_price(rules: Rules, gas: int) -> None:
    assert floor(b"", rules).total == 21_000 + gas


def test_emptying_a_slot_gives_4800_back_but_never_more_than_a_fifth() -> None:
    one = floor(b"", Rules(emptied=1))
    assert (one.storage, one.refund, one.total) == (5_000, 4_800, 21_200)
    many = floor(b"", Rules(emptied=10))
    assert many.refund == (21_000 + 50_000) // 5 < 48_000


def test_much_calldata_and_little_else_costs_the_minimum_of_eip_7623() -> None:
    data = b"\1" * 1_000
    assert floor(data, Rules()).total == calldata_minimum(data) == 21_000 + 10 * 4 * 1_000
    assert floor(data, Rules(created=2)).total == 21_000 + 16_000 + 2 * 22_100


def test_a_creation_pays_for_its_account_its_init_code_and_its_code() -> None:
    made = floor(b"\1" * 33, Rules(code=10))
    assert made.intrinsic == 21_000 + 32_000 + 2 * 2 + 200 * 10
    assert made.total == made.intrinsic + 33 * 16


def test_the_floor_of_an_anchor_is_that_of_the_specification() -> None:
    """Role and consent read, a slot made, an event of three topics and a word: 28.9k beside what calldata costs."""
    anchor = Rules(reads=2, created=1, logs=(Log(topics=3, data=32),))
    assert floor(b"", anchor).total == 21_000 + 4_200 + 22_100 + 1_756
