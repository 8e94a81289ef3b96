"""The FHIR documents that the gateway writes are valid R4, and say what was granted."""

import json

from fhir.resources.R4B.consent import Consent

from gateway.consents.fhir import consent_resource, encode
from ledger.codes import Category, Purpose
from ledger.eip712 import Domain
from ledger.types import FOREVER, ConsentTerms, address_of, scope_number

PATIENT, GRANTEE, CONTRACT = (address_of(bytes([number]) * 20) for number in (1, 2, 3))
DOMAIN = Domain(43771, CONTRACT)
TERMS = ConsentTerms(
    Category.LABORATORY | Category.GENETICS, Purpose.TREAT.bit | Purpose.HRESCH.bit, 1_700_000_000, 1_800_000_000
)


def _written(terms: ConsentTerms, scope: bytes) -> dict[str, object]:
    resource = consent_resource(
        DOMAIN, patient=PATIENT, grantee=GRANTEE, scope=scope, terms=terms, signed_at=1_700_000_000
    )
    # Raises unless it is a valid R4 Consent.
    Consent.model_validate(json.loads(encode(resource)))
    return resource["provision"]  # type: ignore[no-any-return]


def test_a_grant_is_an_opt_in_with_one_permitting_provision() -> None:
    provision = _written(TERMS, scope_number(0))
    assert provision["type"] == "permit"
    assert provision["period"] == {"start": "2023-11-14T22:13:20Z", "end": "2027-01-15T08:00:00Z"}
    assert [coded["code"] for coded in provision["purpose"]] == ["TREAT", "HRESCH"]  # type: ignore[attr-defined]
    assert [coded["text"] for coded in provision["code"]] == ["laboratory", "genetics"]  # type: ignore[attr-defined]


def test_for_ever_has_no_end_and_one_record_is_named_by_its_digest() -> None:
    terms = ConsentTerms(Category.IMAGING, Purpose.TREAT.bit, 1_700_000_000, FOREVER, may_write=True)
    provision = _written(terms, b"\xab" * 32)
    assert provision["period"] == {"start": "2023-11-14T22:13:20Z"}
    assert "ab" * 32 in json.dumps(provision["data"])
    assert len(provision["action"]) == 2  # type: ignore[arg-type]
