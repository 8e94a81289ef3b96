"""The code lists and words of care mean in Python what they mean in `contracts/types/`."""

import re
from enum import IntEnum

import pytest

from ledger.care import (
    LONGEST_DELEGATION,
    MOST_HOURS,
    REPEATED_WITHIN,
    BreakGlass,
    Cosignature,
    Delegation,
    QuestionStanding,
    Review,
)
from ledger.codes import (
    BasisKind,
    Category,
    DelegatedAct,
    EmergencyReason,
    Power,
    QuestionState,
    Reason,
    ReviewOutcome,
)
from ledger.types import address_of
from tests.conftest import REPOSITORY


def source(file: str) -> str:
    return (REPOSITORY / f"contracts/types/{file}.sol").read_text()


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()


@pytest.mark.parametrize(
    ("file", "enum"),
    [
        ("Delegation", DelegatedAct),
        ("Question", QuestionState),
        ("Decision", BasisKind),
        ("Decision", Reason),
    ],
)
def test_lists_are_in_the_order_of_solidity(file: str, enum: type[IntEnum]) -> None:
    found = re.search(rf"enum {enum.__name__} {{(.*?)}}", source(file), re.DOTALL)
    assert found is not None
    names = [snake(name.strip()) for name in found[1].split(",")]
    assert {name: number for number, name in enumerate(names)} == {one.name: int(one) for one in enum}


def test_powers_are_the_bits_of_solidity() -> None:
    found = re.findall(r"POWER_(\w+) = 1 << (\d+);", source("Delegation"))
    assert {name: 1 << int(shift) for name, shift in found} == {power.name: int(power) for power in Power}


def test_reasons_and_outcomes_are_numbered_as_in_solidity() -> None:
    found = {name: int(number) for name, number in re.findall(r"uint8 constant (\w+) = (\d+);", source("Emergency"))}
    lists = {one.name: int(one) for one in [*EmergencyReason, *ReviewOutcome]}
    assert found == lists | {"MOST_HOURS": MOST_HOURS}


def test_periods_are_those_of_solidity() -> None:
    assert "LONGEST_DELEGATION = 2 * 365 days;" in source("Delegation")
    assert "REPEATED_WITHIN = 7 days;" in source("Emergency")
    assert (LONGEST_DELEGATION, REPEATED_WITHIN) == (2 * 365 * 86_400, 7 * 86_400)


def test_a_word_of_zero_is_nothing() -> None:
    assert Delegation.unpack(0) == Delegation(Power(0), Category(0), 0, 0, 0)
    assert BreakGlass.unpack(0) is None
    assert Review.unpack(0) is None
    assert QuestionStanding.unpack(0).state == QuestionState.NONE
    assert Cosignature.unpack(0) == Cosignature(False, None, 0)


def test_a_delegation_is_live_from_its_last_change_until_its_end() -> None:
    held = Delegation(Power.READ | Power.GRANT, Category.LABORATORY, until=20, since=10, changes=1)
    assert [held.has(Power.READ, at) for at in (9, 10, 19, 20)] == [False, True, True, False]
    assert held.has(Power.READ | Power.GRANT, 10)
    assert not held.has(Power.READ | Power.ACCEPT, 10)


def test_a_second_signature_names_its_signer() -> None:
    who = address_of(b"\x21" * 20)
    word = int(who, 16) | 77 << 160 | 1 << 200
    assert Cosignature.unpack(word) == Cosignature(True, who, 77)
