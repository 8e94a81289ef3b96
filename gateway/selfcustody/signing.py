"""People who keep their keys: what their wallets signed is checked and submitted by this gateway's organization.

>>> data = grant_data(gateway.ledger.domain, patient=ana, ...)          # her wallet shows and signs it
>>> relay(gateway, ana, data, signature, errand)
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, LargeBinary, Table, select

from gateway.consents.consenting import hand_over, take_back
from gateway.database import metadata, reading, writing
from gateway.errors import InvalidInput, NotPermitted
from gateway.selfcustody.care import CARE_REBUILT, care_act, care_done
from gateway.sending import Errand, send
from ledger import eip712
from ledger.acts import Act, SignedGrant
from ledger.codes import Category
from ledger.eip712 import TypedData
from ledger.outbox import Entry, State
from ledger.types import Address, ConsentTerms, address_of, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

relayed = Table(
    "relayed",
    metadata,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("address", LargeBinary(20), nullable=False),
)
"""For whom the organization submitted an act: she may ask what became of it."""


def relay(gateway: "Gateway", signer: Address, data: TypedData, signature: bytes, errand: Errand) -> Entry:
    """Submit a grant, withdrawal, denial, delegation or second signature that its patient signed.

    Raises:
        InvalidInput: not typed data of this ledger.
        NotPermitted: signed by somebody else than the one who brings it.
        SignatureMalformed, ContractRejected
    """
    kind, message = _checked(gateway, data)
    r, vs = eip712.compact(signature)
    if kind in CARE_REBUILT:
        return _relay_care(gateway, signer, data, (r, vs), errand)
    # A grant names no patient: who signed it is the one. Below it is compared with who did.
    act, grantee, patient = _act(gateway, kind, {"patient": signer, **message}, r, vs)
    if patient != signer or eip712.recover(data, r, vs) != signer:
        raise NotPermitted("the message is not by you, or not signed by you")
    entry = send(gateway, act, signer=gateway.operator.address, errand=errand)
    _remember(gateway, entry, signer)
    if entry.state in (State.MINED, State.FINAL):
        if kind == "ConsentGrant" or (kind == "ConsentDenial" and not message["denied"]):
            held = gateway.sessions.unlocked(patient)
            if held is not None:
                hand_over(gateway, held)
        else:
            take_back(gateway, patient, grantee)
    return entry


def _relay_care(
    gateway: "Gateway", signer: Address, data: TypedData, signature: tuple[bytes, bytes], errand: Errand
) -> Entry:
    kind, message = data["primaryType"], data["message"]
    act, signed_by = care_act(gateway, kind, message, *signature)
    if signed_by != signer or eip712.recover(data, *signature) != signer:
        raise NotPermitted("the message is not by you, or not signed by you")
    entry = send(gateway, act, signer=gateway.operator.address, errand=errand)
    _remember(gateway, entry, signer)
    if entry.state in (State.MINED, State.FINAL):
        care_done(gateway, kind, message)
    return entry


def is_relayed_for(gateway: "Gateway", entry: int, address: Address) -> bool:
    """Whether an act was submitted for this person."""
    query = select(relayed.c.address).where(relayed.c.entry == entry)
    with reading(gateway.database) as connection:
        return connection.execute(query).scalar() == raw(address)


def _checked(gateway: "Gateway", data: TypedData) -> tuple[str, Mapping[str, Any]]:
    """Kind and message of typed data that is exactly what this ledger's would be."""
    kind = data.get("primaryType")
    message = data.get("message")
    if kind not in _REBUILT or not isinstance(message, dict):
        raise InvalidInput("typed_data", f"none of: {', '.join(_REBUILT)}")
    try:
        rebuilt = _REBUILT[kind](gateway.ledger.domain, message)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as failure:
        raise InvalidInput("typed_data", f"its message is not a {kind}") from failure
    if rebuilt != data:
        raise InvalidInput("typed_data", "its domain or types are not this ledger's, or a field is not canonical")
    return kind, message


def _act(
    gateway: "Gateway", kind: str, message: Mapping[str, Any], r: bytes, vs: bytes
) -> tuple[Act, Address, Address]:
    acts = gateway.ledger.acts
    patient, grantee = address_of(message["patient"]), address_of(message["grantee"])
    deadline = message["deadline"]
    match kind:
        case "ConsentGrant":
            signed = SignedGrant(
                patient=patient,
                grantee=grantee,
                scope=_word(message["scope"]),
                terms=_terms(message),
                document=_word(message["document"]),
                deadline=deadline,
                r=r,
                vs=vs,
            )
            return acts.grant_signed(signed), grantee, patient
        case "ConsentWithdrawal":
            scope = _word(message["scope"])
            return acts.withdraw_signed(patient, grantee, scope, deadline, r, vs), grantee, patient
        case _:
            denied = message["denied"]
            return acts.set_denial_signed(patient, grantee, denied, deadline, r, vs), grantee, patient


def _rebuilt_grant(domain: eip712.Domain, message: Mapping[str, Any]) -> TypedData:
    return eip712.grant_data(
        domain,
        grantee=address_of(message["grantee"]),
        scope=_word(message["scope"]),
        terms=_terms(message),
        document=_word(message["document"]),
        deadline=_number(message["deadline"], 40),
    )


def _rebuilt_withdrawal(domain: eip712.Domain, message: Mapping[str, Any]) -> TypedData:
    return eip712.withdrawal_data(
        domain,
        patient=address_of(message["patient"]),
        grantee=address_of(message["grantee"]),
        scope=_word(message["scope"]),
        deadline=_number(message["deadline"], 40),
    )


def _rebuilt_denial(domain: eip712.Domain, message: Mapping[str, Any]) -> TypedData:
    if not isinstance(message["denied"], bool):
        raise ValueError("denied is true or false")
    return eip712.denial_data(
        domain,
        patient=address_of(message["patient"]),
        grantee=address_of(message["grantee"]),
        denied=message["denied"],
        changes=_number(message["changes"], 16),
        deadline=_number(message["deadline"], 40),
    )


_REBUILT = {
    "ConsentGrant": _rebuilt_grant,
    "ConsentWithdrawal": _rebuilt_withdrawal,
    "ConsentDenial": _rebuilt_denial,
    **CARE_REBUILT,
}


def _terms(message: Mapping[str, Any]) -> ConsentTerms:
    if not isinstance(message["mayWrite"], bool):
        raise ValueError("mayWrite is true or false")
    return ConsentTerms(
        categories=Category(_number(message["categories"], 16)),
        purposes=_number(message["purposes"], 16),
        not_before=_number(message["notBefore"], 40),
        expiry=_number(message["expiry"], 40),
        may_write=message["mayWrite"],
    )


def _number(value: Any, bits: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << bits:
        raise ValueError(f"not a number of {bits} bits")
    return value


def _word(value: str) -> bytes:
    word = bytes.fromhex(value.removeprefix("0x"))
    if len(word) != 32:
        raise ValueError("not 32 bytes")
    return word


def _remember(gateway: "Gateway", entry: Entry, signer: Address) -> None:
    mine = raw(signer)
    with writing(gateway.database) as connection:
        if connection.execute(select(relayed).where(relayed.c.entry == entry.id)).one_or_none() is None:
            connection.execute(relayed.insert().values(entry=entry.id, address=mine))
