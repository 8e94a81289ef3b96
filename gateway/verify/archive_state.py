"""The ledger's state in an archive: what it proves of records and consents to whoever knows one block's hash.

>>> stands_in(state, evidence)
True
"""

from collections.abc import Mapping
from typing import Any

from gateway.verify.evidence import ConsentEvidence, Evidence, RecordEvidence, SignedConsentEvidence
from ledger import merkle
from ledger.codes import AnchorKind
from ledger.eip712 import Domain
from ledger.keccak import keccak256
from ledger.state_proof import StateProof, StateProofInvalid, batch_slot, consent_slot, record_slot
from ledger.types import Batch, Consent, raw, record_leaf

_RECORDS, _CONSENTS = 1, 2
"""Kinds of batches (`ledger.types.Batch`)."""


def slot_of(evidence: Evidence) -> int | None:
    """Where the ledger keeps what the evidence is of; None: of this kind nothing is proven."""
    match evidence:
        case RecordEvidence() if evidence.proof.kind is AnchorKind.SINGLE:
            return record_slot(evidence.digest)
        case RecordEvidence() if evidence.proof.kind is AnchorKind.BATCH:
            return batch_slot(evidence.proof.root)
        case ConsentEvidence():
            return consent_slot(evidence.patient, evidence.grantee, evidence.scope)
        case SignedConsentEvidence():
            return batch_slot(evidence.root)
    return None


def stands_in(state: StateProof, evidence: Evidence) -> bool | None:
    """Whether the ledger had at that block what the evidence says; None: the proof does not say."""
    slot = slot_of(evidence)
    if slot is None:
        return None
    try:
        word = state.word(evidence.ledger.address, slot)
    except StateProofInvalid:
        return None
    match evidence:
        case RecordEvidence() if evidence.proof.kind is AnchorKind.SINGLE:
            return word >> 64 == _commitment(evidence)
        case RecordEvidence():
            return _is_in_batch(Batch.unpack(word), evidence)
        case ConsentEvidence():
            return Consent.unpack(word).terms == evidence.terms
        case SignedConsentEvidence():
            return _is_in_list(Batch.unpack(word), evidence)
    return None


def as_json(state: StateProof) -> dict[str, Any]:
    """The file in the archive."""
    return {
        "v": 1,
        "block": state.number,
        "block_hash": state.block_hash.hex(),
        "time": state.time,
        "header": state.header.hex(),
        "nodes": [node.hex() for node in state.nodes.values()],
    }


def read_state(found: Mapping[str, Any]) -> StateProof:
    """Read the file back.

    Raises:
        KeyError, TypeError, ValueError: it is none.
        StateProofInvalid: its header is none.
    """
    state = StateProof.of(bytes.fromhex(found["header"]), [bytes.fromhex(node) for node in found["nodes"]])
    if (state.block_hash.hex(), state.number, state.time) != (found["block_hash"], found["block"], found["time"]):
        raise StateProofInvalid("the header is not the one of the block that is named beside it")
    return state


def _commitment(evidence: RecordEvidence) -> int:
    """What the ledger keeps of a single record's subject and author: 192 bits of a hash (`types/Record.sol`)."""
    identity = evidence.subject.identity().to_bytes(32, "big")
    author = raw(evidence.author).rjust(32, b"\0")
    return int.from_bytes(keccak256(identity + author)[:24], "big")


def _is_in_batch(batch: Batch | None, evidence: RecordEvidence) -> bool:
    if batch is None or (batch.author, batch.kind) != (evidence.author, _RECORDS):
        return False
    proof = evidence.proof
    leaf = record_leaf(proof.index, evidence.digest, evidence.subject)
    return proof.index < batch.count and merkle.verify(proof.path, proof.root, leaf)


def _is_in_list(batch: Batch | None, evidence: SignedConsentEvidence) -> bool:
    if batch is None or batch.kind != _CONSENTS or batch.anchored_at > evidence.signed.deadline:
        return False
    domain = Domain(evidence.ledger.chain_id, evidence.ledger.address)
    return merkle.verify(evidence.path, evidence.root, evidence.signed.leaf(domain))
