"""Checking a consent that its patient signed off the ledger and an organization anchored in a list: that she signed
these terms, that the list was anchored in time, and whether she has taken it back since."""

from gateway.verify.chain import Chain
from gateway.verify.consent import described, look_behind, standing, what
from gateway.verify.evidence import SignedConsentEvidence
from gateway.verify.result import Findings, Refuted, Verdict, moment
from ledger.codes import GRANTABLE_PURPOSES, Role
from ledger.eip712 import Domain, recover
from ledger.errors import SignatureMalformed
from ledger.merkle import verify as verify_path
from ledger.types import consent_id
from offchain_store.store import Blocks

_CONSENTS = 2
"""Kind of a batch (`ledger.types.Batch`)."""


def check(evidence: SignedConsentEvidence, found: Findings, *, chain: Chain | None, store: Blocks | None) -> str:
    """Check a signed consent; what was found, in words.

    Raises:
        Refuted
        StoreError, LedgerError: store or node could not be asked.
    """
    signed = evidence.signed
    if consent_id(signed.patient, signed.grantee, signed.scope) != evidence.consent:
        claim = "The evidence names a consent that is not of its own patient, grantee and scope"
        raise Refuted(Verdict.CONTRADICTED, claim)
    if not signed.terms.purposes or signed.terms.purposes & ~GRANTABLE_PURPOSES:
        raise Refuted(Verdict.CONTRADICTED, f"{signed.patient} signed purposes for which nothing can be granted")
    _require_signed(evidence)
    found.facts |= described(evidence.consent, signed.patient, signed.grantee, signed.terms)
    found.proven.append("that the patient's key signed exactly these terms, for this ledger")
    stands = _on_chain(evidence, found, chain) if chain is not None else None
    look_behind(signed.document, found, store, is_anchored=stands is not None)
    claim = f"{signed.patient} let {signed.grantee} {what(signed.terms, signed.scope)}"
    if stands is None:
        found.not_proven.insert(0, "that it was ever anchored, for no node was asked")
        return f"By her signature {claim}"
    return f"By her signature {claim}, {stands}"


def _require_signed(evidence: SignedConsentEvidence) -> None:
    """The patient's key signed it, and its leaf leads to the root."""
    signed, ledger = evidence.signed, evidence.ledger
    domain = Domain(ledger.chain_id, ledger.address)
    try:
        signer = recover(signed.typed_data(domain), signed.r, signed.vs)
    except SignatureMalformed:
        signer = None
    if signer != signed.patient:
        raise Refuted(Verdict.CONTRADICTED, f"{signed.patient} did not sign this consent")
    if not verify_path(evidence.path, evidence.root, signed.leaf(domain)):
        claim = f"The consent of {signed.patient} does not stand in the list that the evidence names"
        raise Refuted(Verdict.CONTRADICTED, claim)


def _on_chain(evidence: SignedConsentEvidence, found: Findings, chain: Chain) -> str:
    """When its list was anchored, by whom, and how the consent stands now, in words."""
    signed, ledger = evidence.signed, chain.ledger
    batch = ledger.batch(evidence.root)
    if batch is None or batch.kind != _CONSENTS:
        claim = f"The list in which {signed.patient} consented was never anchored on this ledger"
        raise Refuted(Verdict.NEVER_ANCHORED, claim)
    if batch.anchored_at > signed.deadline:
        late = f"was anchored on {moment(batch.anchored_at)}, after her signature's end on {moment(signed.deadline)}"
        raise Refuted(Verdict.CONTRADICTED, f"The consent of {signed.patient} counts for nothing: its list {late}")
    patient = ledger.participant(signed.patient)
    if patient is None or not patient.roles & Role.PATIENT:
        raise Refuted(Verdict.CONTRADICTED, f"{signed.patient} signed, but is no patient on this ledger")
    word = ledger.consent(signed.patient, signed.grantee, signed.scope)
    if word.terms is not None:
        other = "she has granted another under the same number on the ledger itself, and that one counts"
        raise Refuted(Verdict.CONTRADICTED, f"The signed consent of {signed.patient} counts for nothing: {other}")
    event = next(iter(chain.find("ConsentsAnchored", [evidence.root], near=evidence.anchor)), None)
    found.facts |= {
        "anchored_by": batch.author,
        "anchored_at": batch.anchored_at,
        "anchor": event.where() if event else None,
        "withdrawn_at": word.withdrawn_at or None,
    }
    found.proven.append("that this organization anchored it, at this time, while the signature was good")
    now = standing(chain, found, signed.patient, signed.grantee, signed.terms, word.withdrawn_at)
    return f"anchored by {batch.author} on {moment(batch.anchored_at)}, and {now}"
