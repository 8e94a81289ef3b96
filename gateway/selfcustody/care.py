"""What patients who keep their keys sign of care: delegations and second signatures (EIP-712), relayed for them.

>>> kind, message = "Delegation", data["message"]
>>> CARE_REBUILT[kind](gateway.ledger.domain, message) == data       # exactly this ledger's, or refused
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gateway.consents.delegating import hand_over_to_delegates, take_back_from
from gateway.errors import NotFound
from ledger import eip712
from ledger.acts import Act
from ledger.codes import Category, Power
from ledger.eip712 import Domain, TypedData
from ledger.types import Address, Subject, address_of

if TYPE_CHECKING:
    from gateway.services import Gateway


def care_act(gateway: "Gateway", kind: str, message: Mapping[str, Any], r: bytes, vs: bytes) -> tuple[Act, Address]:
    """The act that submits a signed message, and who must have signed it.

    Raises:
        NotFound: a second signature under no record that is known here.
    """
    if kind == "Delegation":
        patient = address_of(message["patient"])
        act = gateway.ledger.acts.set_delegation_signed(
            patient,
            address_of(message["delegate"]),
            powers=Power(message["powers"]),
            categories=Category(message["categories"]),
            until=message["until"],
            deadline=message["deadline"],
            r=r,
            vs=vs,
        )
        return act, patient
    signer = address_of(message["signer"])
    digest = bytes.fromhex(message["digest"].removeprefix("0x"))
    found = gateway.index.record(digest)
    if found is None or found.patient != signer:
        raise NotFound("no such record about you")
    subject = Subject(found.patient, found.categories)
    author = address_of(message["author"])
    return gateway.ledger.acts.cosign_signed(digest, subject, author, message["deadline"], r, vs), signer


def care_done(gateway: "Gateway", kind: str, message: Mapping[str, Any]) -> None:
    """What follows once the ledger has the act: slips taken back, and handed over if her key is unlocked here."""
    if kind != "Delegation":
        return
    patient = address_of(message["patient"])
    take_back_from(gateway, patient, address_of(message["delegate"]))
    held = gateway.sessions.unlocked(patient)
    if held is not None:
        hand_over_to_delegates(gateway, held)


def _delegation(domain: Domain, message: Mapping[str, Any]) -> TypedData:
    return eip712.delegation_data(
        domain,
        patient=address_of(message["patient"]),
        delegate=address_of(message["delegate"]),
        powers=Power(_number(message["powers"], 6)),
        categories=Category(_number(message["categories"], 16)),
        until=_number(message["until"], 40),
        changes=_number(message["changes"], 16),
        deadline=_number(message["deadline"], 40),
    )


def _cosignature(domain: Domain, message: Mapping[str, Any]) -> TypedData:
    record = bytes.fromhex(message["digest"].removeprefix("0x"))
    if len(record) != 32:
        raise ValueError("not 32 bytes")
    return eip712.cosignature_data(
        domain,
        record=record,
        author=address_of(message["author"]),
        signer=address_of(message["signer"]),
        deadline=_number(message["deadline"], 40),
    )


def _number(value: Any, bits: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << bits:
        raise ValueError(f"not a number of {bits} bits")
    return value


CARE_REBUILT: Mapping[str, Callable[[Domain, Mapping[str, Any]], TypedData]] = {
    "Delegation": _delegation,
    "Cosignature": _cosignature,
}
"""For each kind of message, how this ledger's would look."""
