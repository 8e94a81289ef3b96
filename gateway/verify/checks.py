"""Checking evidence of any kind, against a node, a store, both or neither.

>>> with Chain.open("http://localhost:8545", evidence.ledger, is_trusted=False) as chain:
...     result = check(evidence, chain=chain, store=LocalStore(folder))
>>> result.verdict, result.status
(<Verdict.PROVEN: 'proven'>, 0)

What a store gives is believed only as far as its digest goes, so any copy will do.
"""

from typing import BinaryIO

from gateway.verify import consent, log, prescription, record, signed_consent
from gateway.verify.chain import Chain
from gateway.verify.evidence import (
    CheckpointEvidence,
    ConsentEvidence,
    Evidence,
    LineEvidence,
    PrescriptionEvidence,
    RecordEvidence,
    SignedConsentEvidence,
)
from gateway.verify.result import Findings, Refuted, Result, Verdict
from offchain_store.store import Blocks


def check(
    evidence: Evidence,
    *,
    chain: Chain | None,
    store: Blocks | None,
    key: bytes | None = None,
    output: BinaryIO | None = None,
) -> Result:
    """Check one piece of evidence.

    Args:
        chain: None: what the ledger says is not asked, and the verdict is at best `consistent`.
        store: None: bytes are not looked at.
        key: of a record, to open it.
        output: where to write what an opened record says.

    Raises:
        LedgerError, StoreError: node or store does not answer.
    """
    found = Findings(evidence.kind)
    if chain is not None:
        named, asked = evidence.ledger, chain.name
        if (named.chain_id, named.address) != (asked.chain_id, asked.address):
            return found.end(Verdict.UNDECIDED, "The evidence is of another ledger than the one that was asked")
        if not chain.is_known_version:
            found.not_proven.append("what that ledger's code does, for it is not of this program's version")
    try:
        claim = _claim(evidence, found, chain, store, key, output)
    except Refuted as refuted:
        return found.end(refuted.verdict, refuted.claim)
    return found.end(Verdict.PROVEN if chain is not None else Verdict.CONSISTENT, claim)


def _claim(
    evidence: Evidence,
    found: Findings,
    chain: Chain | None,
    store: Blocks | None,
    key: bytes | None,
    output: BinaryIO | None,
) -> str:
    match evidence:
        case RecordEvidence():
            return record.check(evidence, found, chain=chain, store=store, key=key, output=output)
        case ConsentEvidence():
            return consent.check(evidence, found, chain=chain, store=store)
        case SignedConsentEvidence():
            return signed_consent.check(evidence, found, chain=chain, store=store)
        case PrescriptionEvidence():
            return prescription.check(evidence, found, chain=chain, store=store)
        case LineEvidence():
            return log.check_line(evidence, found, chain=chain)
        case CheckpointEvidence():
            return log.check_checkpoint(evidence, found, chain=chain)
