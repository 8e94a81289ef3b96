"""What is signed here is what independent implementations sign, and nothing malformed is taken for a signature."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from ledger import eip712
from ledger.codes import Category, Purpose
from ledger.errors import SignatureMalformed
from ledger.types import FOREVER, ConsentTerms, address_of, scope_number

KEY = keccak(text="a key for tests")
PATIENT = address_of(Account.from_key(KEY).address)
GRANTEE = address_of(b"\x22" * 20)
DOMAIN = eip712.Domain(31337, address_of(b"\x11" * 20))
SPELLED = {
    "name": "string name",
    "version": "string version",
    "chainId": "uint256 chainId",
    "verifyingContract": "address verifyingContract",
    "salt": "bytes32 salt",
}


def _vector(case: dict[str, Any]) -> eip712.TypedData:
    fields = [text.split(" ") for name, text in SPELLED.items() if name in case["domain"]]
    types = {**case["types"], "EIP712Domain": [{"name": name, "type": kind} for kind, name in fields]}
    return {
        "types": types,
        "primaryType": case["primaryType"],
        "domain": case["domain"],
        "message": case["data"],
    }


def test_digests_equal_those_of_ethers(shared_data: Path) -> None:
    cases = json.loads(gzip.decompress((shared_data / "vectors/eip712/ethersproject-eip712.json.gz").read_bytes()))
    assert len(cases) > 1000
    wrong = [case["name"] for case in cases if eip712.digest(_vector(case)).hex() != case["digest"][2:]]
    assert wrong == []


def _grant() -> eip712.TypedData:
    return eip712.grant_data(
        DOMAIN,
        grantee=GRANTEE,
        scope=scope_number(0),
        terms=ConsentTerms(Category.LABORATORY, Purpose.TREAT.bit, 1, FOREVER),
        document=bytes(32),
        deadline=2**40 - 1,
    )


def test_a_signature_leads_back_to_its_signer() -> None:
    r, vs = eip712.sign(_grant(), KEY)
    assert eip712.recover(_grant(), r, vs) == PATIENT


def test_a_signature_for_another_chain_or_contract_leads_elsewhere() -> None:
    r, vs = eip712.sign(_grant(), KEY)
    for domain in ({"chainId": 1}, {"verifyingContract": GRANTEE}):
        other = {**_grant(), "domain": {**_grant()["domain"], **domain}}
        assert eip712.recover(other, r, vs) != PATIENT


@pytest.mark.parametrize("field", ["grantee", "scope", "categories", "expiry", "mayWrite", "deadline"])
def test_every_field_that_the_patient_sees_is_signed(field: str) -> None:
    r, vs = eip712.sign(_grant(), KEY)
    changed = {
        "grantee": PATIENT,
        "scope": "0x" + "01" * 32,
        "categories": 3,
        "expiry": 7,
        "mayWrite": True,
        "deadline": 9,
    }
    other = {**_grant(), "message": {**_grant()["message"], field: changed[field]}}
    assert eip712.recover(other, r, vs) != PATIENT


def test_a_wallet_s_long_signature_is_taken_in_compact_form() -> None:
    signed = Account.sign_message(encode_typed_data(full_message=_grant()), KEY)
    assert eip712.compact(bytes(signed.signature)) == eip712.sign(_grant(), KEY)


def test_malformed_signatures_are_named_so() -> None:
    signature = bytes(Account.sign_message(encode_typed_data(full_message=_grant()), KEY).signature)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = order - int.from_bytes(signature[32:64], "big")
    for bad in (
        signature[:-1],
        signature + b"\0",
        signature[:64] + b"\x05",
        signature[:32] + high.to_bytes(32, "big") + signature[64:],
        signature[:32] + bytes(32) + signature[64:],
    ):
        with pytest.raises(SignatureMalformed):
            eip712.compact(bad)
    with pytest.raises(SignatureMalformed):
        eip712.recover(_grant(), bytes(32), bytes(32))
