"""Evidence of records, consents and prescriptions: files that the stand-alone verifier checks years later, without this
gateway. Each is given to whoever may see the same thing in a list; none holds a key."""

from typing import Any

from fastapi import APIRouter

from gateway import flow, listing
from gateway.api.models import DigestField
from gateway.batches.records import record_of
from gateway.consents.collected import find_collected
from gateway.errors import NotFound
from gateway.finding import grantees_of
from gateway.log.evidence import consent_evidence, prescription_evidence, record_evidence, signed_consent_evidence
from gateway.prescriptions.issuing import prescription_of
from gateway.services import Gateway
from gateway.web.deps import Caller, CallerDep, GatewayDep
from ledger.codes import AnchorKind
from ledger.types import Address

router = APIRouter(prefix="/v1", tags=["evidence"])

Evidence = dict[str, Any]
"""An evidence file (`gateway/verify/README.md`)."""


@router.get("/records/{digest}/evidence", summary="That a record was anchored")
def of_record(digest: DigestField, caller: CallerDep, gateway: GatewayDep) -> Evidence:
    """By whom, about whom, as what, when. With a store at hand it shows that the bytes are those."""
    _require_visible(gateway, caller, bytes.fromhex(digest))
    return record_evidence(gateway, bytes.fromhex(digest)).as_json()


@router.get("/consents/{id}/evidence", summary="That a patient consented")
def of_consent(id: DigestField, caller: CallerDep, gateway: GatewayDep) -> Evidence:
    """To what, when, and how it stands; for its patient and its grantee. Given on the ledger itself, or by a signature
    in a list of consents that was anchored there."""
    refusal = NotFound("no such consent, or not for you to know of")
    granted = gateway.index.consent(bytes.fromhex(id))
    if granted is not None:
        _require_side(gateway, caller, granted.patient, granted.grantee, refusal)
        return consent_evidence(gateway, granted).as_json()
    collected = find_collected(gateway, bytes.fromhex(id))
    if collected is None:
        raise refusal
    _require_side(gateway, caller, collected.signed.patient, collected.signed.grantee, refusal)
    return signed_consent_evidence(gateway, collected).as_json()


@router.get("/prescriptions/{prescription}/evidence", summary="That a prescription was issued")
def of_prescription(prescription: DigestField, caller: CallerDep, gateway: GatewayDep) -> Evidence:
    """On which terms; with the ledger at hand, what was handed out on it. For those who may see it in a list."""
    found = prescription_of(gateway, caller.identity, bytes.fromhex(prescription))
    if found.slip is None:
        raise NotFound("no such prescription, or not for you to know of")
    return prescription_evidence(gateway, found.slip.opening).as_json()


def _require_side(gateway: Gateway, caller: Caller, patient: Address, grantee: Address, refusal: NotFound) -> None:
    """Raises:
    NotFound: the caller is neither the patient nor among those whom the consent is for.
    """
    if caller.address != patient and grantee not in grantees_of(gateway, caller.address):
        raise refusal


def _require_visible(gateway: Gateway, caller: Caller, digest: bytes) -> None:
    """Raises:
    NotFound: no such record, or the caller may not know of it.
    """
    refusal = NotFound("no such record, or not for you to know of")
    located = flow.locate(gateway, digest)
    if located is None:
        raise refusal
    patient = located.subject.patient
    match located.proof.kind:
        case AnchorKind.PRESCRIPTION:
            covered = listing.live_coverage(gateway, caller.address, patient)
            is_visible = caller.address in (patient, located.author) or not located.subject.categories & ~covered
        case AnchorKind.BATCH:
            is_visible = bool(listing.visible(gateway, caller.address, patient, [record_of(gateway, digest).indexed]))
        case _:
            record = gateway.index.record(digest)
            is_visible = record is not None and bool(listing.visible(gateway, caller.address, patient, [record]))
    if not is_visible:
        raise refusal
