"""Evidence: what somebody needs, beside a node and a store, to check one thing. A JSON file of one form for each kind;
`gateway/verify/README.md` describes them.

>>> file.write_bytes(encode_evidence(evidence))
>>> read_evidence(file.read_bytes()) == evidence          # gateway.verify.reading
True

Nothing in a file is believed: it says where to look, and what must be found there.
"""

import json
from dataclasses import dataclass
from typing import Any

from ledger.acts import SignedGrant
from ledger.checkpoint import NoteKey
from ledger.codes import AnchorKind, Category
from ledger.types import Address, AnchorProof, ConsentTerms, Opening, Subject
from offchain_store.digest import Cid

FORMAT = "consent-ledger/v1"


@dataclass(frozen=True, slots=True)
class LedgerName:
    """Which ledger the evidence is of."""

    chain_id: int
    address: Address
    block: int
    """The block that created it: nothing before it concerns the ledger."""

    def as_json(self) -> dict[str, Any]:
        return {"chain_id": self.chain_id, "address": self.address, "block": self.block}


@dataclass(frozen=True, slots=True)
class Place:
    """The event by which something came to the ledger: where to look first."""

    transaction: bytes
    block: int
    block_hash: bytes
    log_index: int
    time: int
    """Seconds since 1970, the block's."""

    def as_json(self) -> dict[str, Any]:
        return {
            "transaction": self.transaction.hex(),
            "block": self.block,
            "block_hash": self.block_hash.hex(),
            "log_index": self.log_index,
            "time": self.time,
        }


@dataclass(frozen=True, slots=True)
class RecordEvidence:
    """That a record was anchored, by whom, about whom."""

    ledger: LedgerName
    anchor: Place | None
    digest: bytes
    patient: Address
    author: Address
    categories: Category
    proof: AnchorProof
    prescription: bytes | None = None
    """Of a prescription's body: the prescription's id."""
    consent_number: int = 0
    """In a batch: the number of the consent to write that its leaf names."""
    via_organization: bool = False
    """In a batch: that consent names the author's organization."""
    proposed: bool = False
    """In a batch: its leaf names no consent."""

    kind = "record"

    @property
    def subject(self) -> Subject:
        return Subject(self.patient, self.categories, self.consent_number, self.via_organization, self.proposed)

    def as_json(self) -> dict[str, Any]:
        place: dict[str, Any] = {"kind": self.proof.kind.name.lower()}
        if self.proof.kind is AnchorKind.BATCH:
            place |= {
                "root": self.proof.root.hex(),
                "index": self.proof.index,
                "path": [node.hex() for node in self.proof.path],
                "consent_number": self.consent_number,
                "via_organization": self.via_organization,
                "proposed": self.proposed,
            }
        elif self.proof.kind is AnchorKind.PRESCRIPTION:
            (terms,) = self.proof.path
            place |= {
                "prescription": (self.prescription or b"").hex(),
                "fill_keys": self.proof.root.hex(),
                "terms": terms.hex(),
            }
        return _whole(
            self,
            digest=self.digest.hex(),
            cid=str(Cid.root(self.digest)),
            patient=self.patient,
            author=self.author,
            categories=self.categories.labels(),
            place=place,
        )


@dataclass(frozen=True, slots=True)
class ConsentEvidence:
    """That a patient consented, to what, and whether she has withdrawn it."""

    ledger: LedgerName
    anchor: Place | None
    consent: bytes
    patient: Address
    grantee: Address
    scope: bytes
    terms: ConsentTerms
    document: bytes
    """Digest of the sealed document behind it; zeros: none."""

    kind = "consent"

    def as_json(self) -> dict[str, Any]:
        return _whole(
            self,
            consent=self.consent.hex(),
            **_consented(self.patient, self.grantee, self.scope, self.terms, self.document),
        )


@dataclass(frozen=True, slots=True)
class SignedConsentEvidence:
    """That a patient consented by a signature, in an anchored list, and whether she has withdrawn it."""

    ledger: LedgerName
    anchor: Place | None
    consent: bytes
    signed: SignedGrant
    root: bytes
    path: tuple[bytes, ...]

    kind = "signed-consent"

    def as_json(self) -> dict[str, Any]:
        signed = self.signed
        return _whole(
            self,
            consent=self.consent.hex(),
            **_consented(signed.patient, signed.grantee, signed.scope, signed.terms, signed.document),
            deadline=signed.deadline,
            r=signed.r.hex(),
            vs=signed.vs.hex(),
            root=self.root.hex(),
            path=[node.hex() for node in self.path],
        )


@dataclass(frozen=True, slots=True)
class PrescriptionEvidence:
    """That a prescription was issued on these terms, and what became of it."""

    ledger: LedgerName
    anchor: Place | None
    opening: Opening

    kind = "prescription"

    def as_json(self) -> dict[str, Any]:
        terms = self.opening.terms
        return _whole(
            self,
            prescription=self.opening.id().hex(),
            opening={
                "prescriber": self.opening.prescriber,
                "patient": self.opening.subject.patient,
                "categories": self.opening.subject.categories.labels(),
                "digest": self.opening.digest.hex(),
                "fill_keys": self.opening.fill_keys.hex(),
                "terms": {
                    "fills": terms.fills,
                    "per_fill": terms.per_fill,
                    "quantity": terms.quantity,
                    "min_interval": terms.min_interval,
                    "not_before": terms.not_before,
                    "expiry": terms.expiry,
                    "grantable": terms.grantable,
                },
            },
        )


@dataclass(frozen=True, slots=True)
class LogKey:
    """Whose log it is, and the key that signs its checkpoints."""

    operator: Address
    key: NoteKey
    introduction: bytes
    """The operator's signature over `ledger.checkpoint.introduction` (EIP-191)."""

    def as_json(self) -> dict[str, Any]:
        return {"operator": self.operator, "key": str(self.key), "introduction": self.introduction.hex()}


@dataclass(frozen=True, slots=True)
class LineEvidence:
    """That a line stands in an access log."""

    ledger: LedgerName
    anchor: Place | None
    line: bytes
    index: int
    inclusion: tuple[bytes, ...]
    checkpoint: str
    """The signed note."""
    log: LogKey

    kind = "access-line"

    def as_json(self) -> dict[str, Any]:
        return _whole(
            self,
            line=self.line.decode(),
            index=self.index,
            inclusion=[node.hex() for node in self.inclusion],
            checkpoint=self.checkpoint,
            log=self.log.as_json(),
        )


@dataclass(frozen=True, slots=True)
class CheckpointEvidence:
    """That a checkpoint was anchored, and that it begins with an earlier one."""

    ledger: LedgerName
    anchor: Place | None
    checkpoint: str
    """The signed note."""
    log: LogKey
    earlier: str | None = None
    """The earlier checkpoint's note."""
    consistency: tuple[bytes, ...] = ()

    kind = "checkpoint"

    def as_json(self) -> dict[str, Any]:
        return _whole(
            self,
            checkpoint=self.checkpoint,
            log=self.log.as_json(),
            earlier=self.earlier,
            consistency=[node.hex() for node in self.consistency],
        )


Evidence = (
    RecordEvidence | ConsentEvidence | SignedConsentEvidence | PrescriptionEvidence | LineEvidence | CheckpointEvidence
)


def encode_evidence(evidence: Evidence) -> bytes:
    """The file."""
    return json.dumps(evidence.as_json(), indent=2, ensure_ascii=False).encode() + b"\n"


def _consented(
    patient: Address, grantee: Address, scope: bytes, terms: ConsentTerms, document: bytes
) -> dict[str, Any]:
    return {
        "patient": patient,
        "grantee": grantee,
        "scope": scope.hex(),
        "document": document.hex(),
        "categories": terms.categories.labels(),
        "purposes": terms.purposes,
        "not_before": terms.not_before,
        "expiry": terms.expiry,
        "may_write": terms.may_write,
    }


def _whole(evidence: Evidence, **fields: Any) -> dict[str, Any]:
    return {
        "evidence": FORMAT,
        "kind": evidence.kind,
        "ledger": evidence.ledger.as_json(),
        "anchor": evidence.anchor.as_json() if evidence.anchor else None,
        **fields,
    }
