"""The shipped ABI: calls, events and errors are found by name and by their first bytes."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from ledger import rejections
from ledger.abi import Abi
from ledger.errors import ContractRejected, LedgerError
from ledger.events import ROWS
from ledger.types import address_of

WHO = address_of(b"\x33" * 20)


def test_a_custom_error_comes_back_as_the_exception_of_its_name_with_its_values() -> None:
    data = keccak(text="WriteNotPermitted(address,address,uint16)")[:4] + encode(
        ["address", "address", "uint16"], [WHO, WHO, 2]
    )
    rejected = Abi.shipped().rejection(data)
    assert isinstance(rejected, rejections.WriteNotPermitted)
    assert rejected.values["categories"] == 2
    assert rejected.name == "WriteNotPermitted"


def test_plain_reverts_and_panics_keep_their_message() -> None:
    text = Abi.shipped().rejection(keccak(text="Error(string)")[:4] + encode(["string"], ["no"]))
    panic = Abi.shipped().rejection(keccak(text="Panic(uint256)")[:4] + encode(["uint256"], [17]))
    unknown = Abi.shipped().rejection(b"\1\2\3\4")
    assert (text.values, panic.values, unknown.name) == ({"message": "no"}, {"code": 17}, "Unknown")


def test_an_error_that_the_contract_does_not_have_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="NoSuchError"):
        rejections.NoSuchError  # noqa: B018


def test_every_rejection_is_a_ledger_error() -> None:
    assert issubclass(rejections.NotThePatient, ContractRejected)
    assert issubclass(ContractRejected, LedgerError)


def test_every_event_of_the_contract_becomes_a_row() -> None:
    # EIP712DomainChanged is declared by EIP-5267 and never emitted: the domain is immutable.
    assert set(ROWS) == set(Abi.shipped().events) - {"EIP712DomainChanged"}


def test_a_view_without_a_result_says_that_there_is_no_contract() -> None:
    with pytest.raises(LedgerError, match="no HealthLedger"):
        Abi.shipped().decode_output("participantOf", b"")
