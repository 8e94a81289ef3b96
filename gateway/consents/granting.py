"""Giving a consent, by whatever act: number chosen, FHIR document sealed and put, act sent; done once an errand.

>>> granting = Granting(ana, clinic, terms, lambda scope, document: acts.grant(clinic, scope, terms, document), 36)
>>> grant_by(gateway, ana_identity, granting, errand).scope
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from secrets import token_bytes
from typing import TYPE_CHECKING

from gateway.consents.fhir import consent_resource, encode
from gateway.consents.given import next_number
from gateway.identity.keystore import Identity
from gateway.located import people_behind
from gateway.sending import Errand, await_entry, earlier, send
from gateway.slips.slips import hand_out
from ledger.acts import Act
from ledger.codes import Category
from ledger.outbox import Entry
from ledger.types import Address, ConsentTerms, scope_number
from offchain_store.envelope import seal
from offchain_store.record import Header

if TYPE_CHECKING:
    from gateway.services import Gateway


@dataclass(frozen=True, slots=True)
class Granting:
    """A consent that is about to be given, by whatever act."""

    patient: Address
    grantee: Address
    terms: ConsentTerms
    act: Callable[[bytes, bytes], Act]
    """From scope and digest of the document."""
    scope_at: int
    """Where the scope stands in the act's calldata, in bytes."""
    record: bytes | None = None
    """Digest of the only record that it is about."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A consent on its way to the ledger."""

    scope: bytes
    entry: Entry


def grant_by(gateway: "Gateway", signer: Identity, granting: Granting, errand: Errand) -> Granted:
    """Seal the consent's document and send the act that gives it, as the patient or whoever acts for her.

    Raises:
        ContractRejected: the ledger refuses.
    """
    sent = earlier(gateway, signer.address, errand)
    if sent is not None:
        # The same errand, cut off before it was answered: its number and its document were chosen then.
        scope = sent.data[granting.scope_at : granting.scope_at + 32]
        return Granted(scope, await_entry(gateway, sent, errand.wait))
    number = next_number(gateway, granting.patient, granting.grantee)
    scope = granting.record or scope_number(number)
    gateway.ledger.rehearse(granting.act(scope, token_bytes(32)), signer.address)
    document = _seal_document(gateway, granting, scope, signer.address)
    return Granted(scope, send(gateway, granting.act(scope, document), signer=signer.address, errand=errand))


def _seal_document(gateway: "Gateway", granting: Granting, scope: bytes, signer: Address) -> bytes:
    """Seal the FHIR Consent for both sides, and for whoever agreed for the patient; its digest."""
    now = int(gateway.clock())
    resource = consent_resource(
        gateway.ledger.domain,
        patient=granting.patient,
        grantee=granting.grantee,
        scope=scope,
        terms=granting.terms,
        signed_at=now,
        performer=signer,
    )
    created = datetime.fromtimestamp(now, UTC)
    header = Header("application/fhir+json", int(Category.CONSENT_DOCUMENT), "Consent", created)
    sealed = seal(BytesIO(encode(resource)), header, gateway.store)
    readers = [granting.patient, signer, *people_behind(gateway, granting.grantee)]
    hand_out(gateway, sealed.digest, sealed.record_key, readers)
    return sealed.digest
