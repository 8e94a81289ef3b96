"""One ledger whose code lies in several contracts: one storage, one address, nothing to be had by going round it."""

import itertools
import json
from pathlib import Path

import pytest
from eth_abi.abi import encode

from ledger import eip712
from ledger.abi import Abi, artifact
from ledger.code import SIZE_LIMIT, contracts
from ledger.codes import Category, Role
from ledger.errors import ContractRejected
from ledger.types import ZERO_ADDRESS, Subject
from tests.contracts.actors import LATE, World
from tests.contracts.evm import refused

DECISION, CARE, EXTENSION, LEDGER = contracts()
BEHIND = [EXTENSION.name, CARE.name, DECISION.name]
EVERYDAY = {
    "anchor",
    "anchorBatch",
    "anchorConsents",
    "dispenseGranted",
    "dispensePresented",
    "grant",
    "grantManySigned",
    "grantSigned",
    "issue",
    "register",
    "registerWithKeyCard",
    "retractInBatch",
    "setDenial",
    "withdraw",
}


def test_the_storage_of_the_ledger_is_the_storage_of_what_runs_on_it() -> None:
    """Variable by variable: slot, place in the slot and type. What runs on it may have more, after them."""
    assert len(LEDGER.storage) >= 10
    assert LEDGER.storage[0] == ("_participants", 0, 0, "t_mapping(t_address,t_struct(ParticipantEntry)_storage)")
    for one, other in itertools.combinations(contracts(), 2):
        common = min(len(one.storage), len(other.storage))
        assert one.storage[:common] == other.storage[:common], f"{one.name}, {other.name}"


def test_each_contract_is_under_the_limit() -> None:
    assert all(0 < len(contract.code) <= SIZE_LIMIT for contract in contracts())


def test_only_the_acts_of_every_day_are_compared_with_a_call_at_the_ledger() -> None:
    selectors = {name: function.selector for name, function in Abi.shipped().functions.items()}
    there = {name for name, selector in selectors.items() if b"\x63" + selector.lstrip(b"\0") in LEDGER.code}
    assert there == EVERYDAY


def test_what_can_be_called_is_told_once() -> None:
    entries = [(entry["type"], entry["name"], json.dumps(entry.get("inputs"))) for entry in artifact()["abi"]]
    assert len(set(entries)) == len(entries)
    named = [name for type_, name, _ in entries if type_ == "function"]
    assert len(set(named)) == len(named)


def test_a_call_that_nobody_knows_is_refused(world: World) -> None:
    for data in (b"", b"\x01", b"\xde\xad\xbe\xef", b"\xde\xad\xbe\xef" + bytes(64)):
        with refused("FailedCall"):
            world.chain.call_part(world.ada.address, LEDGER.name, data)


def test_refusals_and_results_of_the_extension_come_through_unchanged(world: World) -> None:
    with refused("RoleMissing", participant=world.ada.address, anyOf=Role.CONSORTIUM):
        world.chain.send(world.ada.address, world.acts.admit(world.stranger.address, Role.LABORATORY))
    team = world.open_team(world.hospital, 7, world.doctor)
    assert world.chain.view("isMember", team, world.doctor.address)


@pytest.mark.parametrize("part", BEHIND)
def test_called_by_itself_what_runs_on_the_ledger_can_do_nothing(world: World, part: str) -> None:
    """Not even the consortium is anybody there: every act is refused, and every word is zero."""
    subject = Subject(world.ada.address, Category.LABORATORY)
    acts = [
        world.acts.admit(world.stranger.address, Role.LABORATORY),
        world.acts.set_suspension(world.ada.address, True),
        world.acts.set_roles(world.doctor.address, Role.PRACTITIONER),
        world.acts.open_team(1),
        world.acts.propose(world.digest(), subject),
        world.acts.anchor_checkpoint(1, bytes(32)),
        world.acts.set_preferences(emergency=Category.LABORATORY, barred_authors=Category(0)),
    ]
    for who in world.everybody():
        for act in acts:
            with pytest.raises(ContractRejected) as caught:
                world.chain.call_part(who.address, part, act.data)
            assert caught.value.name in {"RoleMissing", "FailedCall", "Unknown"}
    if part == EXTENSION.name:
        word = world.chain.call_part(
            world.ada.address, part, Abi.shipped().encode("participantOf", world.consortium.address)
        )
        assert word == bytes(32)


def test_every_function_of_the_extension_refuses_or_reads_nothing_at_its_own_address(world: World) -> None:
    """Zeros as arguments to all of them: nothing is emitted, nothing is written that a later call would see."""
    for name, function in Abi.shipped().functions.items():
        data = function.selector + bytes(32 * 40)
        try:
            output = world.chain.call_part(world.consortium.address, EXTENSION.name, data)
        except ContractRejected:
            continue
        assert function.is_view, f"{name} did something"
        assert name in {"eip712Domain", "decide"} or output.strip(b"\0") == b"", name


def test_a_signature_for_the_extension_is_none_for_the_ledger(world: World) -> None:
    """An act that is relayed through the extension is signed for the ledger's address, and for no other."""
    world.grant(world.ada, world.doctor)
    elsewhere = eip712.Domain(world.chain.domain.chain_id, world.chain.parts[EXTENSION.name])
    with refused("SignatureInvalid", expected=world.ada.address):
        world.chain.send(world.stranger.address, world.signed_withdrawal(world.ada, elsewhere, LATE))
    sent = world.chain.send(world.stranger.address, world.signed_withdrawal(world.ada))
    assert [event.name for event in sent.events] == ["ConsentWithdrawn"]


def test_a_signed_grant_is_for_the_ledger_too(world: World) -> None:
    """The same for the relayed act of every day, which the ledger's own code checks."""
    domain = world.chain.view("eip712Domain")
    assert domain[1:5] == ("HealthLedger", "1", world.chain.domain.chain_id, world.chain.contract.lower())
    world.chain.send(world.stranger.address, world.acts.grant_signed(world.signed_grant(world.ada, world.doctor)))
    assert world.chain.consent(world.ada.address, world.doctor.address).terms is not None


def test_a_ledger_is_not_made_without_the_code_that_it_hands_on_to(world: World) -> None:
    for contract in (EXTENSION, LEDGER):
        for nothing in (ZERO_ADDRESS, world.ada.address):
            arguments = encode(["address", "address"], [world.consortium.address, nothing])
            with refused("ExtensionMissing", extension=nothing):
                world.chain.create(world.consortium.address, contract.creation + arguments)


def test_the_addresses_of_the_contracts_are_in_the_code_and_nowhere_else(world: World) -> None:
    """No slot holds them, so no write can change them."""
    for one, next_one in itertools.pairwise(reversed(contracts())):
        deployed = world.chain.code(world.chain.parts[one.name])
        assert one.extension(deployed) == world.chain.parts[next_one.name]
    assert DECISION.extension(world.chain.code(world.chain.parts[DECISION.name])) is None
    names = {name for contract in contracts() for name, *_ in contract.storage}
    assert "EXTENSION" not in names


def test_the_only_assembly_is_a_hash_that_touches_no_storage() -> None:
    root = Path(__file__).resolve().parents[2] / "contracts"
    sources = {file.name: file.read_text() for file in root.rglob("*.sol")}
    found = {name: text for name, text in sources.items() if "assembly (" in text or "assembly {" in text}
    assert set(found) == {"Hashing.sol"}
    assert "sstore" not in found["Hashing.sol"]
    assert "call" not in found["Hashing.sol"]
