"""Acts: what became of them; and for callers who keep their keys, prepare, sign elsewhere, submit."""

from secrets import token_bytes
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter
from pydantic import Field, model_validator

from gateway.api.breakglass import EmergencyReasonName, emergency_reason_of
from gateway.api.care_acts import (
    CareAct,
    CosignAct,
    DeclineAct,
    EndDelegationAct,
    GrantAsAskedAct,
    NameDelegateAct,
    care_act_of,
    care_typed_data,
)
from gateway.api.consents import ConsentIn
from gateway.api.models import (
    ActOut,
    AddressField,
    AnyCategoryNames,
    DigestField,
    In,
    Out,
    Seconds,
    categories_of,
    hexed,
)
from gateway.api.paging import Limit
from gateway.clocks import beginning
from gateway.consents.given import given, next_number
from gateway.errors import InvalidInput, NotFound, NotPermitted
from gateway.selfcustody import signing as selfcustody
from gateway.selfcustody import transactions
from gateway.selfcustody.transactions import Broadcast
from gateway.sending import await_entry
from gateway.services import Gateway
from gateway.web.deps import Caller, CallerDep, ErrandDep, GatewayDep
from gateway.web.once import OnceRoute
from ledger import eip712
from ledger.acts import Act
from ledger.care import MOST_HOURS
from ledger.codes import Role
from ledger.eip712 import TypedData
from ledger.errors import ContractRejected
from ledger.types import Address, Subject, scope_number

router = APIRouter(prefix="/v1/acts", tags=["acts"], route_class=OnceRoute)

_SIGNATURE_SECONDS = 3600
"""How long a prepared signature is good for, unless the caller names a deadline."""


class GrantAct(ConsentIn):
    """Grant a consent."""

    act: Literal["grant"]
    deadline: Seconds | None = Field(default=None, description="Of the signature; default: in an hour.")


class WithdrawAct(In):
    """Withdraw a consent."""

    act: Literal["withdraw"]
    consent: DigestField
    deadline: Seconds | None = None


class DenyAct(In):
    """Deny somebody everything, or lift the denial."""

    act: Literal["deny"]
    grantee: AddressField
    denied: Annotated[bool, Field(strict=True)]
    deadline: Seconds | None = None


class PublishCardAct(In):
    """Publish a key card that was put before."""

    act: Literal["publish_key_card"]
    digest: DigestField


class PreferencesAct(In):
    """Set a patient's preferences."""

    act: Literal["set_preferences"]
    emergency: AnyCategoryNames = Field(default_factory=list)
    barred_authors: AnyCategoryNames = Field(default_factory=list)
    over_denials: Annotated[bool, Field(strict=True)] = False


class BreakGlassAct(In):
    """Break the glass, as emergency staff."""

    act: Literal["break_glass"]
    patient: AddressField
    reason: EmergencyReasonName
    hours: Annotated[int, Field(ge=1, le=MOST_HOURS, strict=True)]


class AnswerAct(In):
    """Accept a proposed record, or turn it down."""

    act: Literal["answer"]
    digest: DigestField
    accepted: Annotated[bool, Field(strict=True)]


class RetractAct(In):
    """Declare a record of the caller's entered in error."""

    act: Literal["retract"]
    digest: DigestField


AnyAct = Annotated[
    GrantAct
    | WithdrawAct
    | DenyAct
    | PublishCardAct
    | PreferencesAct
    | BreakGlassAct
    | AnswerAct
    | RetractAct
    | CareAct,
    Field(discriminator="act"),
]


class PrepareIn(In):
    """What the caller wants to sign, and in which form."""

    act: AnyAct
    form: Literal["signature", "transaction"] = Field(
        default="signature", description="A message that this gateway submits, or a whole transaction."
    )


class PreparedOut(Out):
    """What to sign: one of the two."""

    typed_data: dict[str, Any] | None = Field(default=None, description="EIP-712, for eth_signTypedData_v4.")
    transaction: dict[str, Any] | None = Field(default=None, description="Unsigned, for eth_signTransaction.")


class SubmitIn(In):
    """What was signed: typed data with its signature, or a transaction."""

    typed_data: dict[str, Any] | None = None
    signature: Annotated[str, Field(pattern="^0x[0-9a-fA-F]{130}$")] | None = None
    transaction: Annotated[str, Field(pattern="^0x([0-9a-fA-F]{2})+$", max_length=131_074)] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        typed = self.typed_data is not None and self.signature is not None
        if typed == (self.transaction is not None) or (self.typed_data is None) != (self.signature is None):
            raise ValueError("give typed_data and its signature, or a transaction")
        return self


@router.post("/prepare", summary="Prepare an act to be signed elsewhere")
def prepare(body: PrepareIn, caller: CallerDep, gateway: GatewayDep) -> PreparedOut:
    """Grants, withdrawals and denials come as EIP-712 messages by default; everything else as a transaction."""
    if body.form == "signature":
        return PreparedOut(typed_data=_typed_data(gateway, caller, body.act))
    act = _act(gateway, caller, body.act)
    return PreparedOut(transaction=transactions.prepare(gateway, caller.address, act))


@router.post("/submit", summary="Submit what was signed elsewhere")
def submit(body: SubmitIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """By the one who signed it. Messages are submitted by this gateway's organization."""
    if body.typed_data is not None and body.signature is not None:
        signature = bytes.fromhex(body.signature[2:])
        return ActOut.of(selfcustody.relay(gateway, caller.address, body.typed_data, signature, errand))
    raw = bytes.fromhex((body.transaction or "0x")[2:])
    return _broadcast(transactions.broadcast(gateway, caller.address, raw, errand.correlation))


@router.get("", summary="The caller's acts")
def acts(
    caller: CallerDep,
    gateway: GatewayDep,
    limit: Limit = 50,
    after: Annotated[int, Field(ge=0, lt=2**53)] = 0,
) -> list[ActOut]:
    """Those that she signed here, in the order they were accepted, after the one numbered `after`."""
    return [ActOut.of(entry) for entry in gateway.outbox.entries(signer=caller.address, after=after, limit=limit)]


@router.get("/{id}", summary="What became of an act")
def act(
    id: Annotated[str, Field(max_length=66, pattern="^([0-9]{1,15}|0x[0-9a-f]{64})$")],
    caller: CallerDep,
    gateway: GatewayDep,
    wait: bool = False,
) -> ActOut:
    """Its state, gas and, if the ledger refused it, why."""
    if id.startswith("0x"):
        return _broadcast(transactions.state_of(gateway, caller.address, bytes.fromhex(id[2:])))
    entry = gateway.outbox.entry(int(id))
    hers = entry.signer == caller.address or selfcustody.is_relayed_for(gateway, entry.id, caller.address)
    if not hers and not caller.roles & Role.AUDITOR:
        raise NotFound("no such act")
    if wait:
        try:
            entry = await_entry(gateway, entry, gateway.settings.wait_seconds)
        except ContractRejected:
            entry = gateway.outbox.entry(entry.id)  # refused: the answer is the entry that says so
    return ActOut.of(entry)


def _typed_data(gateway: Gateway, caller: Caller, wanted: AnyAct) -> TypedData:
    domain = gateway.ledger.domain
    deadline = getattr(wanted, "deadline", None) or int(gateway.clock()) + _SIGNATURE_SECONDS
    match wanted:
        case GrantAct():
            grantee = Address(wanted.grantee)
            return eip712.grant_data(
                domain,
                grantee=grantee,
                scope=_scope(gateway, caller, wanted),
                terms=wanted.terms(beginning(gateway)),
                document=bytes(32),
                deadline=deadline,
            )
        case WithdrawAct():
            grantee, scope = _consent(gateway, caller, wanted.consent)
            return eip712.withdrawal_data(
                domain, patient=caller.address, grantee=grantee, scope=scope, deadline=deadline
            )
        case DenyAct():
            grantee = Address(wanted.grantee)
            changes = gateway.ledger.consent(caller.address, grantee, scope_number(0)).denials
            return eip712.denial_data(
                domain,
                patient=caller.address,
                grantee=grantee,
                denied=wanted.denied,
                changes=changes,
                deadline=deadline,
            )
        case NameDelegateAct() | EndDelegationAct() | CosignAct() | GrantAsAskedAct() | DeclineAct():
            return care_typed_data(gateway, caller, wanted, deadline)
        case _:
            raise InvalidInput("form", "this act is signed as a transaction")


def _act(gateway: Gateway, caller: Caller, wanted: AnyAct) -> Act:
    builder = gateway.ledger.acts
    match wanted:
        case GrantAct():
            terms = wanted.terms(beginning(gateway))
            return builder.grant(Address(wanted.grantee), _scope(gateway, caller, wanted), terms, bytes(32))
        case WithdrawAct():
            return builder.withdraw(*_consent(gateway, caller, wanted.consent))
        case DenyAct():
            return builder.set_denial(Address(wanted.grantee), wanted.denied)
        case PublishCardAct():
            return builder.publish_key_card(bytes.fromhex(wanted.digest))
        case PreferencesAct():
            return builder.set_preferences(
                emergency=categories_of(wanted.emergency),
                barred_authors=categories_of(wanted.barred_authors),
                over_denials=wanted.over_denials,
            )
        case BreakGlassAct():
            # The activity begins with what is signed here: it has no correlation id of this gateway's yet.
            reason = emergency_reason_of(wanted.reason)
            patient = Address(wanted.patient)
            return builder.break_glass(patient, reason, hours=wanted.hours, correlation=token_bytes(32))
        case AnswerAct():
            found = _record(gateway, wanted.digest)
            if found.patient != caller.address:
                raise NotPermitted("only the patient answers a proposal")
            subject = Subject(found.patient, found.categories)
            return builder.answer(found.digest, subject, found.author, wanted.accepted)
        case RetractAct():
            found = _record(gateway, wanted.digest)
            return builder.retract(found.digest, Subject(found.patient, found.categories))
        case _:
            return care_act_of(gateway, caller, wanted)


def _scope(gateway: Gateway, caller: Caller, wanted: GrantAct) -> bytes:
    if wanted.record:
        return bytes.fromhex(wanted.record)
    return scope_number(next_number(gateway, caller.address, Address(wanted.grantee)))


def _consent(gateway: Gateway, caller: Caller, id: str) -> tuple[Address, bytes]:
    found = given(gateway, bytes.fromhex(id))
    if found is None or found.patient != caller.address:
        raise NotFound("you have given no such consent")
    return found.grantee, found.scope


def _record(gateway: Gateway, digest: str) -> Any:
    found = gateway.index.record(bytes.fromhex(digest))
    if found is None:
        raise NotFound("no such record")
    return found


def _broadcast(sent: Broadcast) -> ActOut:
    return ActOut(
        id=hexed(sent.tx_hash),
        kind=sent.kind,
        state=sent.state,
        transaction=hexed(sent.tx_hash),
        block=sent.block,
        gas_used=sent.gas_used,
        failure=None,
        correlation=sent.correlation,
    )
