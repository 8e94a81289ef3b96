"""Signing fast is signing the same."""

import pytest
from eth_account import Account

from ledger.signing import FREE, FastSigner, Fee, sign
from ledger.types import address_of

KEY = Account.from_key(b"\x07" * 32)
TO = address_of(b"\x33" * 20)


@pytest.mark.parametrize("nonce", [0, 1, 127, 128, 2**40])
@pytest.mark.parametrize("data", [b"", b"\x00", b"\x7f", b"\x80", b"a" * 55, b"b" * 56, b"c" * 70_000])
@pytest.mark.parametrize("chain_id", [1, 31337, 2**31])
def test_a_fast_signature_is_the_same_to_the_byte(nonce: int, data: bytes, chain_id: int) -> None:
    for fee in (FREE, Fee(30, 2)):
        fast, slow = (
            sign(signer, chain_id=chain_id, nonce=nonce, to=TO, data=data, value=nonce, gas=60_000, fee=fee)
            for signer in (FastSigner(KEY), KEY)
        )
        assert fast == slow
