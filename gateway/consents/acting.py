"""Acting for a patient: what a delegate does in her name, within what she delegated, and marked as his for ever.

>>> grant_for(gateway, son, ana, clinic, terms, errand=errand)
>>> withdraw_for(gateway, son, consent, errand)

The ledger checks the delegation in every act, and writes who acted for whom beside what was done. What the gateway
keeps for a patient (fill keys, reasons, lists) it shows a delegate after asking the ledger in the same request
(`gateway.consents.delegates.require`).
"""

from typing import TYPE_CHECKING

from gateway.consents.consenting import hand_over, is_on_chain, readers_by, take_back
from gateway.consents.granting import Granted, Granting, grant_by
from gateway.identity.keystore import Identity
from gateway.sending import Errand, send
from gateway.slips.handing import hand_over_reach
from gateway.slips.reach import Reach
from ledger.acts import Act
from ledger.index import IndexedConsent
from ledger.outbox import Entry
from ledger.types import Address, ConsentTerms, consent_id

if TYPE_CHECKING:
    from gateway.services import Gateway


def grant_for(
    gateway: "Gateway",
    delegate: Identity,
    patient: Address,
    grantee: Address,
    terms: ConsentTerms,
    *,
    errand: Errand,
    record: bytes | None = None,
) -> Granted:
    """Grant for the patient, as a delegate with the power to grant. The slips that he can open are handed over now; the
    others once she is signed in.

    Raises:
        ContractRejected: not delegated, not any more, beyond its categories or its end, or to himself.
    """

    def act(scope: bytes, document: bytes) -> Act:
        return gateway.ledger.acts.grant_for(patient, grantee, scope, terms, document)

    granting = Granting(patient, grantee, terms, act, 68, record)
    granted = grant_by(gateway, delegate, granting, errand)
    if is_on_chain(granted.entry):
        hand_over_for(gateway, delegate, consent_id(patient, grantee, granted.scope))
    return granted


def hand_over_for(gateway: "Gateway", delegate: Identity, consent: bytes) -> int:
    """Make the slips that a consent calls for, with the delegate's own, and with the patient's while she is signed in
    here; how many were made."""
    found = gateway.index.consent(consent)
    if found is None or found.withdrawn:
        return 0
    made = hand_over_reach(gateway, Reach.of(found), readers_by(gateway, found), delegate)
    patient = gateway.sessions.unlocked(found.patient)
    return made + (hand_over(gateway, patient) if patient is not None else 0)


def withdraw_for(gateway: "Gateway", delegate: Identity, consent: IndexedConsent, errand: Errand) -> Entry:
    """Withdraw one of the patient's consents, as a delegate with the power to withdraw.

    Raises:
        ContractRejected: not delegated, not any more, beyond its categories, or a consent to himself.
    """
    act = gateway.ledger.acts.withdraw_for(consent.patient, consent.grantee, consent.scope)
    entry = send(gateway, act, signer=delegate.address, errand=errand)
    if is_on_chain(entry):
        take_back(gateway, consent.patient, consent.grantee)
    return entry


def deny_for(gateway: "Gateway", delegate: Identity, patient: Address, grantee: Address, errand: Errand) -> Entry:
    """Deny somebody everything for the patient, as a delegate with the power to withdraw in all categories. Only she
    lifts it.

    Raises:
        ContractRejected: not delegated, not any more, or himself.
    """
    act = gateway.ledger.acts.deny_for(patient, grantee)
    entry = send(gateway, act, signer=delegate.address, errand=errand)
    if is_on_chain(entry):
        take_back(gateway, patient, grantee)
    return entry
