"""FHIR R4 documents that the gateway writes itself: so far the Consent behind every grant.

    >>> consent = consent_resource(domain, patient=ana, grantee=clinic, scope=scope, terms=terms, signed_at=now)
    >>> consent["provision"]["type"]
    'permit'

People stand in it as their ledger addresses (CAIP-10 account ids): the document is sealed, and still names nobody.
"""

import json
from datetime import UTC, datetime
from typing import Any

from ledger.codes import purposes_in
from ledger.eip712 import Domain
from ledger.types import FOREVER, Address, ConsentTerms

_CAIP10 = "https://chainagnostic.org/CAIPs/caip-10"
_V3 = "http://terminology.hl7.org/CodeSystem/v3-{}"
_ACTION = "http://terminology.hl7.org/CodeSystem/consentaction"
_LOINC = "http://loinc.org"


def consent_resource(
    domain: Domain,
    *,
    patient: Address,
    grantee: Address,
    scope: bytes,
    terms: ConsentTerms,
    signed_at: int,
    performer: Address | None = None,
) -> dict[str, Any]:
    """A grant as a FHIR R4 Consent: nothing is allowed (policyRule OPTIN) but what the provision permits.

    Args:
        signed_at: seconds since 1970.
        performer: who agreed to it; default: the patient herself.
    """
    period = {"start": _time(terms.not_before)}
    if terms.expiry != FOREVER:
        period["end"] = _time(terms.expiry)
    provision: dict[str, Any] = {
        "type": "permit",
        "period": period,
        "actor": [{"role": _coded(_V3.format("ParticipationType"), "IRCP"), "reference": _account(domain, grantee)}],
        "action": [_coded(_ACTION, code) for code in ("access", *(("correct",) if terms.may_write else ()))],
        "purpose": [
            {"system": _V3.format("ActReason"), "code": purpose.name} for purpose in purposes_in(terms.purposes)
        ],
        "code": [{"text": label} for label in terms.categories.labels()],
    }
    if not scope.startswith(bytes(30)):
        record = {"identifier": {"system": "urn:ietf:rfc:6920", "value": f"ni:///sha-256;{scope.hex()}"}}
        provision["data"] = [{"meaning": "instance", "reference": record}]
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": _coded("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"),
        "category": [_coded(_LOINC, "59284-0")],
        "patient": _account(domain, patient),
        "dateTime": _time(signed_at),
        "performer": [_account(domain, performer or patient)],
        "policyRule": _coded(_V3.format("ActCode"), "OPTIN"),
        "provision": provision,
    }


def encode(resource: dict[str, Any]) -> bytes:
    """A resource as bytes, the same for the same content."""
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _account(domain: Domain, address: Address) -> dict[str, Any]:
    return {"identifier": {"system": _CAIP10, "value": f"eip155:{domain.chain_id}:{address}"}}


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
