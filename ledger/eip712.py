"""EIP-712: what a patient's wallet shows her, signed and recovered. The shapes are those of `types/Signing.sol`.

>>> data = withdrawal_data(domain, patient=patient, grantee=doctor, scope=scope_number(0), deadline=2**40 - 1)
>>> recover(data, *sign(data, private_key)) == patient
True
"""

from dataclasses import dataclass
from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_keys.datatypes import Signature
from eth_utils.crypto import keccak

from ledger.codes import Category, Power
from ledger.errors import SignatureMalformed
from ledger.types import Address, ConsentTerms, address_of

TypedData = dict[str, Any]
"""A full EIP-712 message as wallets take it: types, primaryType, domain, message; bytes as 0x-hex."""

TYPES = {
    "ConsentGrant": (
        "address grantee,bytes32 scope,uint16 categories,uint16 purposes,uint40 notBefore,"
        "uint40 expiry,bool mayWrite,bytes32 document,uint40 deadline"
    ),
    "ConsentWithdrawal": "address patient,address grantee,bytes32 scope,uint40 deadline",
    "ConsentDenial": "address patient,address grantee,bool denied,uint16 changes,uint40 deadline",
    "Redemption": "bytes32 prescription,uint8 fill,address pharmacist,uint16 fence,uint40 deadline",
    "Presentation": "bytes32 prescription,uint8 fill,address reader,uint40 deadline",
    "Delegation": (
        "address patient,address delegate,uint8 powers,uint16 categories,uint40 until,uint16 changes,uint40 deadline"
    ),
    "Cosignature": "bytes32 digest,address author,address signer,uint40 deadline",
}
"""Each struct's fields, as the contract's type string has them."""

_DOMAIN_FIELDS = "string name,string version,uint256 chainId,address verifyingContract"
_SECP256K1_HALF = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


@dataclass(frozen=True, slots=True)
class Domain:
    """Which contract on which chain a signature is for."""

    chain_id: int
    contract: Address


def grant_data(
    domain: Domain,
    *,
    grantee: Address,
    scope: bytes,
    terms: ConsentTerms,
    document: bytes,
    deadline: int,
) -> TypedData:
    """The typed data of a consent (`ConsentGrant`); `scope` and `document` are 32 bytes, times seconds since 1970."""
    return _typed(
        domain,
        "ConsentGrant",
        {
            "grantee": grantee,
            "scope": _hex(scope),
            "categories": int(terms.categories),
            "purposes": terms.purposes,
            "notBefore": terms.not_before,
            "expiry": terms.expiry,
            "mayWrite": terms.may_write,
            "document": _hex(document),
            "deadline": deadline,
        },
    )


def withdrawal_data(domain: Domain, *, patient: Address, grantee: Address, scope: bytes, deadline: int) -> TypedData:
    """The typed data of a withdrawal (`ConsentWithdrawal`)."""
    message = {"patient": patient, "grantee": grantee, "scope": _hex(scope), "deadline": deadline}
    return _typed(domain, "ConsentWithdrawal", message)


def denial_data(
    domain: Domain, *, patient: Address, grantee: Address, denied: bool, changes: int, deadline: int
) -> TypedData:
    """The typed data of a denial or its lifting (`ConsentDenial`); `changes`: how often it has changed before."""
    message = {"patient": patient, "grantee": grantee, "denied": denied, "changes": changes, "deadline": deadline}
    return _typed(domain, "ConsentDenial", message)


def redemption_data(
    domain: Domain, *, prescription: bytes, fill: int, pharmacist: Address, fence: int, deadline: int
) -> TypedData:
    """The typed data with which a fill key lets one pharmacist claim one fill, under one fence (`Redemption`)."""
    message = {
        "prescription": _hex(prescription),
        "fill": fill,
        "pharmacist": pharmacist,
        "fence": fence,
        "deadline": deadline,
    }
    return _typed(domain, "Redemption", message)


def presentation_data(domain: Domain, *, prescription: bytes, fill: int, reader: Address, deadline: int) -> TypedData:
    """The typed data with which a fill key lets one pharmacist read the prescription's body (`Presentation`)."""
    message = {"prescription": _hex(prescription), "fill": fill, "reader": reader, "deadline": deadline}
    return _typed(domain, "Presentation", message)


def delegation_data(
    domain: Domain,
    *,
    patient: Address,
    delegate: Address,
    powers: Power,
    categories: Category,
    until: int,
    changes: int,
    deadline: int,
) -> TypedData:
    """The typed data of a delegation (`Delegation`), or with powers, categories and `until` zero of its end; `changes`:
    how often it has changed before."""
    message = {
        "patient": patient,
        "delegate": delegate,
        "powers": int(powers),
        "categories": int(categories),
        "until": until,
        "changes": changes,
        "deadline": deadline,
    }
    return _typed(domain, "Delegation", message)


def cosignature_data(domain: Domain, *, record: bytes, author: Address, signer: Address, deadline: int) -> TypedData:
    """The typed data of a second signature under the record with this digest (`Cosignature`)."""
    message = {"digest": _hex(record), "author": author, "signer": signer, "deadline": deadline}
    return _typed(domain, "Cosignature", message)


def digest(data: TypedData) -> bytes:
    """keccak256("\\x19\\x01" || domain separator || struct hash): the 32 bytes that are signed."""
    message = encode_typed_data(full_message=data)
    return keccak(b"\x19" + message.version + message.header + message.body)


def sign(data: TypedData, private_key: bytes) -> tuple[bytes, bytes]:
    """Sign typed data; the signature in EIP-2098 compact form (r, vs)."""
    signed = Account.sign_message(encode_typed_data(full_message=data), private_key)
    return compact(bytes(signed.signature))


def compact(signature: bytes) -> tuple[bytes, bytes]:
    """A 65-byte signature (r, s, v) as EIP-2098 (r, vs).

    Raises:
        SignatureMalformed: not 65 bytes, v neither 27 nor 28 (nor 0, 1), or s in the upper half of the order.
    """
    if len(signature) != 65:
        raise SignatureMalformed(f"a signature has 65 bytes, this one {len(signature)}")
    r, s, v = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]
    parity = v - 27 if v >= 27 else v
    if parity not in (0, 1):
        raise SignatureMalformed(f"a signature's v is 27 or 28, this one {v}")
    if not 0 < s <= _SECP256K1_HALF:
        raise SignatureMalformed("the signature's s is not in the lower half of the order")
    return r, (s | parity << 255).to_bytes(32, "big")


def recover(data: TypedData, r: bytes, vs: bytes) -> Address:
    """The address that signed.

    Raises:
        SignatureMalformed: the bytes are no signature at all.
    """
    word = int.from_bytes(vs, "big")
    s, parity = word & (2**255 - 1), word >> 255
    if s > _SECP256K1_HALF:
        raise SignatureMalformed("the signature's s is not in the lower half of the order")
    try:
        signature = Signature(vrs=(parity, int.from_bytes(r, "big"), s))
        return address_of(signature.recover_public_key_from_msg_hash(digest(data)).to_address())
    except Exception as failure:  # eth-keys raises several unrelated kinds
        raise SignatureMalformed(f"the bytes are no signature: {type(failure).__name__}") from failure


def _typed(domain: Domain, primary_type: str, message: dict[str, Any]) -> TypedData:
    return {
        "types": {"EIP712Domain": _fields(_DOMAIN_FIELDS), primary_type: _fields(TYPES[primary_type])},
        "primaryType": primary_type,
        "domain": {
            "name": "HealthLedger",
            "version": "1",
            "chainId": domain.chain_id,
            "verifyingContract": domain.contract,
        },
        "message": message,
    }


def _fields(text: str) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for kind, name in (field.split(" ") for field in text.split(","))]


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
