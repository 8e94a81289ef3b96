"""Signed transactions: byte for byte what eth-account signs."""

from typing import Any

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from ledger.transactions import KeySigner, rlp
from ledger.types import address_of

KEYS = st.integers(1, 2**256 - 2**129).map(lambda number: number.to_bytes(32, "big"))
AMOUNTS = st.integers(0, 2**128)
COMMON = {
    "chainId": st.integers(1, 2**53),
    "nonce": st.integers(0, 2**63),
    "to": st.binary(min_size=20, max_size=20).map(address_of),
    "data": st.binary(max_size=300),
    "value": AMOUNTS,
    "gas": st.integers(21_000, 2**40),
}
LEGACY = st.fixed_dictionaries({**COMMON, "gasPrice": AMOUNTS})
FEE_MARKET = st.fixed_dictionaries(
    {**COMMON, "type": st.just(2), "maxFeePerGas": AMOUNTS, "maxPriorityFeePerGas": AMOUNTS}
)


@given(KEYS, st.one_of(LEGACY, FEE_MARKET))
def test_signs_the_same_bytes_as_eth_account(key: bytes, transaction: dict[str, Any]) -> None:
    signer, account = KeySigner(key), Account.from_key(key)
    ours, theirs = signer.sign_transaction(transaction), account.sign_transaction(transaction)
    assert signer.address == account.address
    assert ours.raw_transaction == bytes(theirs.raw_transaction)
    assert ours.hash == bytes(theirs.hash)


@pytest.mark.parametrize("wrong", [{"accessList": ()}, {"type": 1}, {"gas_price": 0}])
def test_a_transaction_of_another_type_is_refused(wrong: dict[str, Any]) -> None:
    fields = {"chainId": 1, "nonce": 0, "to": "0x" + "11" * 20, "data": b"", "value": 0, "gas": 21_000, "gasPrice": 0}
    with pytest.raises(ValueError, match="no legacy or type 2 transaction"):
        KeySigner(b"\x01" * 32).sign_transaction(fields | wrong)


def test_a_key_shows_in_no_representation() -> None:
    assert "11" * 8 not in repr(KeySigner(b"\x11" * 32))


def test_long_lists_have_a_long_prefix() -> None:
    assert rlp([b"x" * 60]) == bytes((0xF8, 62, 0xB8, 60)) + b"x" * 60
    assert rlp([b"a" * 1024]) == bytes((0xF9, 4, 3, 0xB9, 4, 0)) + b"a" * 1024
