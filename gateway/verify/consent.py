"""Checking a consent: that the patient gave it on these terms, when, and whether she has taken it back since."""

from typing import Any

from gateway.verify.chain import Chain, Found
from gateway.verify.evidence import ConsentEvidence
from gateway.verify.record import bytes_of
from gateway.verify.result import Findings, Refuted, Verdict, listed, moment
from ledger.codes import purposes_in
from ledger.types import FOREVER, Address, ConsentTerms, consent_id, raw
from offchain_store.store import Blocks, check_record


def check(evidence: ConsentEvidence, found: Findings, *, chain: Chain | None, store: Blocks | None) -> str:
    """Check a consent; what was found, in words.

    Raises:
        Refuted
        StoreError, LedgerError: store or node could not be asked.
    """
    if consent_id(evidence.patient, evidence.grantee, evidence.scope) != evidence.consent:
        claim = "The evidence names a consent that is not of its own patient, grantee and scope"
        raise Refuted(Verdict.CONTRADICTED, claim)
    terms = evidence.terms
    found.facts |= described(evidence.consent, evidence.patient, evidence.grantee, terms)
    stands = _on_chain(evidence, found, chain) if chain is not None else None
    look_behind(evidence.document, found, store, is_anchored=stands is not None)
    claim = f"{evidence.patient} let {evidence.grantee} {what(terms, evidence.scope)}"
    if stands is None:
        found.not_proven.insert(0, "that she ever did, for no node was asked")
        return f"The evidence says that {claim}"
    return f"{claim}, {stands}"


def look_behind(document: bytes, found: Findings, store: Blocks | None, *, is_anchored: bool) -> None:
    """Check the sealed document behind a consent, and say what no consent proves.

    Args:
        document: its digest, 32 bytes; zero if there is none.
        is_anchored: the ledger was asked, and knows the consent.

    Raises:
        Refuted
        StoreError: the store could not be asked.
    """
    if store is not None and any(document):
        with bytes_of(document, "the consent's document", is_anchored=is_anchored):
            check_record(store, document)
        found.proven.append("that the sealed document in the store is the one that stands behind the consent")
    else:
        found.not_proven.append("that the document behind it is to be had")
    found.not_proven += ["that anybody has read something on it", "that it was understood"]


def described(id_: bytes, patient: Address, grantee: Address, terms: ConsentTerms) -> dict[str, Any]:
    """A consent, for programs."""
    return {
        "consent": id_.hex(),
        "patient": patient,
        "grantee": grantee,
        "categories": terms.categories.labels(),
        "purposes": [purpose.name for purpose in purposes_in(terms.purposes)],
        "not_before": terms.not_before,
        "expiry": terms.expiry,
        "may_write": terms.may_write,
    }


def what(terms: ConsentTerms, scope: bytes) -> str:
    """What a consent lets somebody do, in words."""
    numbered = scope.startswith(bytes(30))
    kinds = listed(terms.categories.labels()) if numbered else f"the one record {scope.hex()}"
    purposes = listed(purpose.name for purpose in purposes_in(terms.purposes))
    until = "for ever" if terms.expiry == FOREVER else f"until {moment(terms.expiry)}"
    return f"read{' and write' if terms.may_write else ''} {kinds} for {purposes} {until}"


def standing(
    chain: Chain, found: Findings, patient: Address, grantee: Address, terms: ConsentTerms, withdrawn_at: int
) -> str:
    """How a consent stands now, in words."""
    is_denied = chain.ledger.is_denied(patient, grantee)
    state, words = _state(terms, withdrawn_at, chain.now())
    found.facts |= {"state": state, "denied": is_denied}
    return f"{words}, and she denies this grantee everything at present" if is_denied else words


def evidence_of(chain: Chain, patient: Address, grantee: Address, scope: bytes) -> ConsentEvidence | None:
    """What the ledger itself says of a consent; None: it was never granted."""
    event = _granted(chain, patient, grantee, scope, None)
    if event is None:
        return None
    params = event.event.params
    return ConsentEvidence(
        ledger=chain.name,
        anchor=event.place,
        consent=consent_id(patient, grantee, scope),
        patient=patient,
        grantee=grantee,
        scope=scope,
        terms=ConsentTerms.unpack(params["terms"]),
        document=params["document"],
    )


def _on_chain(evidence: ConsentEvidence, found: Findings, chain: Chain) -> str:
    """When it was granted and how it stands now, in words."""
    patient, grantee = evidence.patient, evidence.grantee
    consent = chain.ledger.consent(patient, grantee, evidence.scope)
    event = _granted(chain, patient, grantee, evidence.scope, evidence)
    if consent.terms is None or event is None:
        raise Refuted(Verdict.NEVER_ANCHORED, f"{patient} never granted this consent to {grantee} on this ledger")
    if consent.terms != evidence.terms or event.event.params["document"] != evidence.document:
        claim = f"{patient} granted a consent to {grantee} there, but on other terms or with another document"
        raise Refuted(Verdict.CONTRADICTED, claim)
    found.facts |= {"granted_at": event.time, "anchor": event.where(), "withdrawn_at": consent.withdrawn_at or None}
    found.proven.append("that the patient, or somebody whom the ledger let act for her, granted it on these terms")
    now = standing(chain, found, patient, grantee, evidence.terms, consent.withdrawn_at)
    return f"granted on {moment(event.time)}, and {now}"


def _granted(
    chain: Chain, patient: Address, grantee: Address, scope: bytes, evidence: ConsentEvidence | None
) -> Found | None:
    topics = [raw(patient), raw(grantee)]
    for near in (evidence.anchor, None) if evidence is not None and evidence.anchor is not None else (None,):
        for one in chain.find("ConsentGranted", topics, near=near):
            if one.event.params["scope"] == scope:
                return one
    return None


def _state(terms: ConsentTerms, withdrawn_at: int, now: int) -> tuple[str, str]:
    if withdrawn_at:
        return "withdrawn", f"she withdrew it on {moment(withdrawn_at)}"
    if now >= terms.expiry:
        return "expired", f"it expired on {moment(terms.expiry)}"
    if now < terms.not_before:
        return "not-yet", f"it begins on {moment(terms.not_before)}"
    return "live", "it is live"
