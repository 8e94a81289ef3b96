"""The rules take no more than the ledger executes, and the account in the README tells what was measured."""

import json
from pathlib import Path

import pytest

import ledger.gas
from ledger.gas.account import KINDS, account, kind_of
from ledger.gas.catalogue import operation
from ledger.gas.least import LEAST, PRICES, least
from ledger.gas.measure import Measured
from ledger.gas.network import Network
from scripts.gas_snapshot import SNAPSHOT
from tests.gas.test_ceilings import ABOVE, CEILINGS, PER_SIGNED_GRANT

README = Path(ledger.gas.__file__).with_name("README.md")
COLUMNS = ("ceiling", "is", "floor", "least", *KINDS)


def _told() -> dict[str, dict[str, int]]:
    """The rows of the README's table, by operation."""
    lines = [line.strip("|\n").split("|") for line in README.read_text().splitlines() if line.startswith("| `")]
    rows = [[cell.strip(" `").replace(",", "") for cell in line] for line in lines if len(line) == 1 + len(COLUMNS)]
    return {name: dict(zip(COLUMNS, map(int, figures), strict=True)) for name, *figures in rows}


TOLD = _told()


def _executed(name: str, network: Network, measured: dict[str, Measured]) -> dict[str, int]:
    found = account(network.node, measured[name].median_receipt)
    assert found is not None, "the devnet traces"
    return {kind: sum(getattr(one, kind) for one in found) for kind in KINDS}


@pytest.mark.parametrize("name", LEAST)
def test_of_no_kind_of_instruction_the_rules_take_more_than_was_executed(
    name: str, network: Network, measured: dict[str, Measured]
) -> None:
    needed = dict.fromkeys(KINDS, 0)
    for instruction in " ".join(rule.code for rule in LEAST[name]).split():
        if instruction != "STATICCALL":
            needed[kind_of(instruction.split("/")[0])] += PRICES[instruction]
    executed = _executed(name, network, measured)
    assert all(needed[kind] <= executed[kind] for kind in KINDS), (needed, executed)
    assert needed["hashing"] == executed["hashing"], "every word that is hashed has to be"


def test_every_act_above_its_ceiling_is_accounted_for() -> None:
    assert {*ABOVE, "dispensePresented"} <= TOLD.keys()
    assert TOLD.keys() <= LEAST.keys()


@pytest.mark.parametrize("name", TOLD)
def test_the_account_tells_what_was_measured(name: str, network: Network, measured: dict[str, Measured]) -> None:
    reviewed = json.loads(SNAPSHOT.read_text())["operations"][name]
    told = TOLD[name]
    assert told["ceiling"] == CEILINGS.get(name, 10 * PER_SIGNED_GRANT)
    assert (told["is"], told["floor"], told["least"]) == (reviewed["median"], reviewed["floor"], least(name))
    signatures = operation(name).touches.signatures
    kinds = sum(told[kind] for kind in KINDS)
    assert kinds + PRICES["STATICCALL"] * signatures == reviewed["median"] - reviewed["floor"]
    # Signatures of other keys: one of two constants is taken for each, on one of two ways through the code.
    executed = _executed(name, network, measured)
    assert all(abs(told[kind] - executed[kind]) <= 20 * signatures for kind in KINDS), executed


def test_no_contract_that_keeps_the_rules_of_anchoring_comes_under_its_ceiling() -> None:
    assert TOLD["anchor"]["floor"] + least("anchor") > CEILINGS["anchor"]


@pytest.mark.parametrize("name", sorted({*TOLD} - {"anchor"}))
def test_the_other_ceilings_are_not_ruled_out_by_arithmetic(name: str) -> None:
    """What is above them there is what the language takes: the README says where."""
    assert TOLD[name]["floor"] + least(name) <= TOLD[name]["ceiling"]
