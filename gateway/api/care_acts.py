"""Acts of care for callers who keep their keys: prepared here, signed elsewhere, submitted (`gateway.api.acts`)."""

from typing import Literal

from pydantic import Field

from gateway.api.delegations import DelegationIn
from gateway.api.models import AddressField, DigestField, In, Seconds, categories_of
from gateway.api.questions import NarrowerIn, narrowed
from gateway.consents.given import next_number
from gateway.errors import InvalidInput, NotFound
from gateway.services import Gateway
from gateway.web.deps import Caller
from ledger import eip712
from ledger.acts import Act
from ledger.codes import Category, Power
from ledger.eip712 import TypedData
from ledger.index_care import CareIndex, IndexedQuestion
from ledger.types import Address, Subject, scope_number


class NameDelegateAct(DelegationIn):
    """Name a delegate, or replace what he may do."""

    act: Literal["name_delegate"]
    delegate: AddressField
    deadline: Seconds | None = Field(default=None, description="Of the signature; default: in an hour.")


class EndDelegationAct(In):
    """End a delegation."""

    act: Literal["end_delegation"]
    delegate: AddressField
    deadline: Seconds | None = None


class CosignAct(In):
    """Sign a record about the caller as the second."""

    act: Literal["cosign"]
    digest: DigestField
    deadline: Seconds | None = None


class GrantAsAskedAct(NarrowerIn):
    """Grant what the caller is asked for, or less."""

    act: Literal["grant_as_asked"]
    question: DigestField


class DeclineAct(In):
    """Say no to a question."""

    act: Literal["decline"]
    question: DigestField


CareAct = NameDelegateAct | EndDelegationAct | CosignAct | GrantAsAskedAct | DeclineAct


def care_typed_data(gateway: Gateway, caller: Caller, wanted: CareAct, deadline: int) -> TypedData:
    """What her wallet shows her and signs.

    Raises:
        InvalidInput: this act is signed as a transaction.
        NotFound: no such record about her.
    """
    domain = gateway.ledger.domain
    match wanted:
        case NameDelegateAct() | EndDelegationAct():
            powers, categories, until = _leave(wanted)
            return eip712.delegation_data(
                domain,
                patient=caller.address,
                delegate=Address(wanted.delegate),
                powers=powers,
                categories=categories,
                until=until,
                changes=gateway.ledger.delegation(caller.address, Address(wanted.delegate)).changes,
                deadline=deadline,
            )
        case CosignAct():
            digest, _, author = _record(gateway, caller, wanted.digest)
            return eip712.cosignature_data(
                domain, record=digest, author=author, signer=caller.address, deadline=deadline
            )
        case _:
            raise InvalidInput("form", "this act is signed as a transaction")


def care_act_of(gateway: Gateway, caller: Caller, wanted: CareAct) -> Act:
    """The same as an act that she sends herself.

    Raises:
        NotFound: no such record about her, or no such question to her.
    """
    acts = gateway.ledger.acts
    match wanted:
        case NameDelegateAct() | EndDelegationAct():
            powers, categories, until = _leave(wanted)
            return acts.set_delegation(Address(wanted.delegate), powers=powers, categories=categories, until=until)
        case CosignAct():
            return acts.cosign(*_record(gateway, caller, wanted.digest))
        case GrantAsAskedAct():
            asked = _question(gateway, caller, wanted.question).question
            number = next_number(gateway, caller.address, asked.asker)
            return acts.grant_as_asked(asked, scope_number(number), narrowed(wanted, asked.terms), bytes(32))
        case DeclineAct():
            return acts.decline(_question(gateway, caller, wanted.question).question)


def _leave(wanted: NameDelegateAct | EndDelegationAct) -> tuple[Power, Category, int]:
    if isinstance(wanted, EndDelegationAct):
        return Power(0), Category(0), 0
    return Power.parse(",".join(wanted.powers)), categories_of(wanted.categories), wanted.until


def _record(gateway: Gateway, caller: Caller, digest: str) -> tuple[bytes, Subject, Address]:
    found = gateway.index.record(bytes.fromhex(digest))
    if found is None or found.patient != caller.address:
        raise NotFound("no such record about you")
    return found.digest, Subject(found.patient, found.categories), found.author


def _question(gateway: Gateway, caller: Caller, question: str) -> IndexedQuestion:
    found = CareIndex(gateway.ledger_database).question(bytes.fromhex(question))
    if found is None or found.question.patient != caller.address:
        raise NotFound("no such question to you")
    return found
