"""Checking a record: that the bytes in a store are those that were anchored, by whom, about whom, when."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from eth_utils.crypto import keccak

from gateway.verify.chain import Chain, Found
from gateway.verify.evidence import RecordEvidence
from gateway.verify.result import Findings, Refuted, Verdict, listed, moment
from ledger.codes import AnchorKind, Category, RecordState
from ledger.merkle import verify as verify_path
from ledger.types import (
    AnchorProof,
    Batch,
    address_of,
    prescription_id,
    raw,
    record_leaf,
    scope_number,
    terms_hash_of,
)
from offchain_store.digest import Cid
from offchain_store.envelope import open_envelope
from offchain_store.errors import BlockMissing, OpeningError, WrongDigest, WrongKey
from offchain_store.store import Blocks, check_record

_STANDS = {
    RecordState.PROPOSED: "it is a proposal that the patient has not taken in",
    RecordState.ANCHORED: "it stands",
    RecordState.SUPERSEDED: "its author has corrected it by another since",
    RecordState.RETRACTED: "its author has declared it entered in error since",
    RecordState.TURNED_DOWN: "the patient turned it down",
    RecordState.TAKEN_BACK: "its author took it back or corrected it before the patient took it in",
}


def check(
    evidence: RecordEvidence,
    found: Findings,
    *,
    chain: Chain | None,
    store: Blocks | None,
    key: bytes | None = None,
    output: BinaryIO | None = None,
) -> str:
    """Check a record; what was found, in words.

    Args:
        key: the record key, 32 bytes: the record is opened with it.
        output: where to write what it says.

    Raises:
        Refuted
        StoreError, LedgerError: store or node could not be asked.
    """
    found.facts |= {"digest": evidence.digest.hex(), "cid": str(Cid.root(evidence.digest))}
    anchored = _anchor(evidence, found, chain) if chain is not None else None
    blocks = None
    if store is not None:
        with bytes_of(evidence.digest, "the record", is_anchored=anchored is not None):
            blocks = check_record(store, evidence.digest)
        found.facts["blocks"] = blocks
        found.proven.append("that every block in the store is the one that the digest names")
        if key is not None:
            _open(evidence, found, store, key, output)
    else:
        found.not_proven.append("that its bytes are to be had, for no store was asked")
    found.not_proven += ["that what it says is medically right", "who has opened it"]
    whom = f"{evidence.patient} ({listed(evidence.categories.labels())})"
    name = evidence.digest.hex()
    bytes_ = None if blocks is None else "block in the store is" if blocks == 1 else f"{blocks} blocks in the store are"
    if anchored is None:
        found.not_proven.insert(0, "that anybody ever anchored it, for no node was asked")
        return f"The {bytes_} what digest {name} names" if bytes_ else f"The evidence is of a record {name}"
    if bytes_ is None:
        return f"Record {name} was anchored by {evidence.author} about {whom} {anchored}"
    return f"The {bytes_} the record that {evidence.author} anchored about {whom} {anchored}"


def evidence_of(chain: Chain, digest: bytes) -> RecordEvidence | None:
    """What the ledger itself says of a single record; None: it was never anchored alone."""
    for name in ("RecordAnchored", "RecordProposed"):
        for one in chain.find(name, [digest]):
            authorship = one.event.params["authorship"]
            return RecordEvidence(
                ledger=chain.name,
                anchor=one.place,
                digest=digest,
                patient=address_of(one.event.params["patient"]),
                author=address_of(authorship & (2**160 - 1)),
                categories=Category(authorship >> 160 & 0xFFFF),
                proof=AnchorProof(),
            )
    return None


@contextmanager
def bytes_of(digest: bytes, what: str, *, is_anchored: bool) -> Iterator[None]:
    """Says of a store's errors what they mean.

    Raises:
        Refuted
    """
    anchored = "anchored, but " if is_anchored else ""
    try:
        yield
    except BlockMissing as failure:
        claim = f"{what.capitalize()} {digest.hex()} is {anchored}missing from this store"
        raise Refuted(Verdict.MISSING, claim) from failure
    except WrongDigest as failure:
        claim = f"{what.capitalize()} {digest.hex()} is {anchored}altered in this store: its bytes are others"
        raise Refuted(Verdict.ALTERED, claim) from failure
    except OpeningError as failure:
        claim = f"What the digest {digest.hex()} names is {anchored}no sealed record ({failure.outcome})"
        raise Refuted(Verdict.CONTRADICTED, claim) from failure


def _anchor(evidence: RecordEvidence, found: Findings, chain: Chain) -> str:
    """Where the record stands on the ledger, in words."""
    ask = {AnchorKind.SINGLE: _single, AnchorKind.BATCH: _in_batch, AnchorKind.PRESCRIPTION: _in_prescription}
    at, state, event = ask[evidence.proof.kind](evidence, chain)
    found.facts |= {
        "patient": evidence.patient,
        "author": evidence.author,
        "categories": evidence.categories.labels(),
        "state": state.name.lower(),
        "anchored_at": at,
        "anchor": event.where() if event else None,
    }
    found.proven.append("that this author anchored this digest about this patient, as these categories, at this time")
    signatures = _signatures(evidence, found, chain)
    return f"on {moment(at)}, and {_STANDS[state]}{signatures}"


def _single(evidence: RecordEvidence, chain: Chain) -> tuple[int, RecordState, Found | None]:
    word = chain.ledger.record_word(evidence.digest)
    if not word:
        raise _never(evidence)
    committed = keccak(evidence.subject.identity().to_bytes(32, "big") + raw(evidence.author).rjust(32, b"\0"))
    if word >> 64 != int.from_bytes(committed[:24], "big"):
        but = "but about another patient, as other categories or by another author than the evidence says"
        raise Refuted(Verdict.CONTRADICTED, f"Record {evidence.digest.hex()} is anchored, {but}")
    event: list[Found] = []
    for name in ("RecordAnchored", "RecordProposed"):
        event = event or chain.find(name, [evidence.digest], near=evidence.anchor)
    return word >> 24 & 0xFF_FFFF_FFFF, RecordState(word >> 16 & 0xFF), event[0] if event else None


def _in_batch(evidence: RecordEvidence, chain: Chain) -> tuple[int, RecordState, Found | None]:
    proof = evidence.proof
    batch = chain.ledger.batch(proof.root)
    if batch is None or batch.kind != 1:
        raise _never(evidence)
    leaf = record_leaf(proof.index, evidence.digest, evidence.subject)
    if proof.index >= batch.count or not verify_path(proof.path, proof.root, leaf) or batch.author != evidence.author:
        claim = (
            f"Record {evidence.digest.hex()} does not stand in the anchored batch at the place that the evidence names"
        )
        raise Refuted(Verdict.CONTRADICTED, claim)
    event = chain.find("BatchAnchored", [proof.root], near=evidence.anchor)
    return batch.anchored_at, _state_in_batch(evidence, chain, batch), event[0] if event else None


def _state_in_batch(evidence: RecordEvidence, chain: Chain, batch: Batch) -> RecordState:
    """How the record stands, in the contract's order (`Proposals._stateInBatch`)."""
    ledger, (root, index) = chain.ledger, (evidence.proof.root, evidence.proof.index)
    accepted, superseded, retracted = ledger.batch_record(root, index)
    if ledger.is_turned_down_in_batch(root, index):
        return RecordState.TURNED_DOWN
    counts = accepted or _was_let_write(evidence, chain, batch)
    state = RecordState.ANCHORED if counts else RecordState.PROPOSED
    if retracted:
        return state.ended_as(RecordState.RETRACTED)
    return state.ended_as(RecordState.SUPERSEDED) if superseded else state


def _was_let_write(evidence: RecordEvidence, chain: Chain, batch: Batch) -> bool:
    """Whether the consent that the leaf names let the author write when the batch was anchored, undenied."""
    if evidence.proposed:
        return False
    ledger, at = chain.ledger, batch.anchored_at
    participant = ledger.participant(batch.author)
    organization = participant.organization if participant is not None else batch.author
    if any(ledger.was_denied(evidence.patient, one, at) for one in {batch.author, organization}):
        return False
    grantee = organization if evidence.via_organization else batch.author
    consent = ledger.consent(evidence.patient, grantee, scope_number(evidence.consent_number))
    terms = consent.terms
    if (
        terms is None
        or not terms.not_before <= at < terms.expiry
        or (consent.withdrawn_at and at >= consent.withdrawn_at)
    ):
        return False
    return terms.may_write and evidence.categories in terms.categories


def _in_prescription(evidence: RecordEvidence, chain: Chain) -> tuple[int, RecordState, Found | None]:
    (terms,) = evidence.proof.path
    terms_hash = terms_hash_of(evidence.digest, evidence.proof.root, terms)
    id_ = prescription_id(evidence.author, evidence.subject, terms_hash)
    event = chain.issued(id_, terms_hash, near=evidence.anchor) if id_ == evidence.prescription else None
    if event is None:
        raise _never(evidence)
    return event.time, RecordState.ANCHORED, event


def _signatures(evidence: RecordEvidence, found: Findings, chain: Chain) -> str:
    """Of a record that two sign: one signature is visibly one."""
    if evidence.proof.kind is not AnchorKind.SINGLE or not chain.is_known_version:
        return ""
    signed = chain.ledger.signatures(evidence.digest, evidence.subject, evidence.author)
    found.facts["signatures"] = signed.count
    if signed.cosigner is not None:
        found.facts["cosigned_by"] = signed.cosigner
        return f", signed by its author and by {signed.cosigner}"
    if signed.awaited:
        return ", signed by its author alone while a second signature is awaited"
    return ""


def _open(evidence: RecordEvidence, found: Findings, store: Blocks, key: bytes, output: BinaryIO | None) -> None:
    try:
        opened = open_envelope(store, evidence.digest, key)
        for chunk in opened.chunks:
            if output is not None:
                output.write(chunk)
    except WrongKey as failure:
        raise Refuted(Verdict.CONTRADICTED, f"The key is not that of record {evidence.digest.hex()}") from failure
    except OpeningError as failure:
        claim = f"Record {evidence.digest.hex()} does not open with its key ({failure.outcome})"
        raise Refuted(Verdict.ALTERED, claim) from failure
    found.facts |= {"media_type": opened.header.media_type, "bytes": opened.size}
    found.proven.append("that the key opens it")
    if opened.header.category != int(evidence.categories):
        found.not_proven.append("that its categories are right, for what was sealed in it names others")


def _never(evidence: RecordEvidence) -> Refuted:
    return Refuted(Verdict.NEVER_ANCHORED, f"Record {evidence.digest.hex()} was never anchored on this ledger")
