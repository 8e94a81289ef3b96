"""Reading evidence files. Fields that are not known here are refused, so that no two programs read a file differently.

>>> evidence = read_evidence(file.read_bytes())
>>> evidence.kind
'record'
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from gateway.errors import EvidenceInvalid
from gateway.verify.evidence import (
    FORMAT,
    CheckpointEvidence,
    ConsentEvidence,
    Evidence,
    LedgerName,
    LineEvidence,
    LogKey,
    Place,
    PrescriptionEvidence,
    RecordEvidence,
    SignedConsentEvidence,
)
from gateway.verify.fields import Fields
from ledger.acts import SignedGrant
from ledger.checkpoint import NoteInvalid, NoteKey
from ledger.codes import AnchorKind
from ledger.types import ZERO_ADDRESS, AnchorProof, ConsentTerms, Opening, PrescriptionTerms, Subject
from offchain_store.digest import Cid

MOST_BYTES = 1 << 20
"""Bytes of an evidence file at most."""


def read_evidence(content: bytes | Mapping[str, Any]) -> Evidence:
    """Read a file, or its JSON.

    Raises:
        EvidenceInvalid: it is none, of a kind or version that is not known here, or says more or less than it should.
    """
    if isinstance(content, bytes):
        if len(content) > MOST_BYTES:
            raise EvidenceInvalid(f"longer than the {MOST_BYTES} bytes of an evidence file")
        try:
            content = json.loads(content)
        except (ValueError, RecursionError) as failure:
            raise EvidenceInvalid("the file is not JSON") from failure
    fields = Fields(content, "the evidence")
    if fields.text("evidence") != FORMAT:
        raise EvidenceInvalid(f"the file is no evidence of the form {FORMAT}")
    kind = fields.text("kind")
    if kind not in _READERS:
        raise EvidenceInvalid(f"evidence of another kind than {', '.join(_READERS)}")
    evidence = _READERS[kind](fields, _ledger(fields.child("ledger")), _place(fields))
    fields.close()
    return evidence


def _record(fields: Fields, ledger: LedgerName, anchor: Place | None) -> RecordEvidence:
    place = fields.child("place")
    kind = place.text("kind")
    prescription, leave = None, (0, False, False)
    match kind:
        case "single":
            proof = AnchorProof()
        case "batch":
            proof = AnchorProof(
                AnchorKind.BATCH,
                root=place.word("root"),
                index=place.number("index", 2**32),
                path=place.words("path"),
            )
            leave = (place.number("consent_number", 2**16), place.flag("via_organization"), place.flag("proposed"))
        case "prescription":
            prescription = place.word("prescription")
            proof = AnchorProof(AnchorKind.PRESCRIPTION, root=place.word("fill_keys"), path=(place.word("terms"),))
        case _:
            raise EvidenceInvalid("place: a record stands single, in a batch or in a prescription")
    place.close()
    digest = fields.word("digest")
    if fields.text("cid") != str(Cid.root(digest)):
        raise EvidenceInvalid("cid: it is not the digest's")
    return RecordEvidence(
        ledger=ledger,
        anchor=anchor,
        digest=digest,
        patient=fields.address("patient"),
        author=fields.address("author"),
        categories=fields.categories("categories"),
        proof=proof,
        prescription=prescription,
        consent_number=leave[0],
        via_organization=leave[1],
        proposed=leave[2],
    )


def _consent(fields: Fields, ledger: LedgerName, anchor: Place | None) -> ConsentEvidence:
    return ConsentEvidence(
        ledger=ledger,
        anchor=anchor,
        consent=fields.word("consent"),
        patient=fields.address("patient"),
        grantee=fields.address("grantee"),
        scope=fields.word("scope"),
        terms=_terms(fields),
        document=fields.word("document"),
    )


def _signed_consent(fields: Fields, ledger: LedgerName, anchor: Place | None) -> SignedConsentEvidence:
    return SignedConsentEvidence(
        ledger=ledger,
        anchor=anchor,
        consent=fields.word("consent"),
        signed=SignedGrant(
            patient=fields.address("patient"),
            grantee=fields.address("grantee"),
            scope=fields.word("scope"),
            terms=_terms(fields),
            document=fields.word("document"),
            deadline=fields.number("deadline", 2**40),
            r=fields.word("r"),
            vs=fields.word("vs"),
        ),
        root=fields.word("root"),
        path=fields.words("path"),
    )


def _terms(fields: Fields) -> ConsentTerms:
    return ConsentTerms(
        categories=fields.categories("categories"),
        purposes=fields.number("purposes", 2**16),
        not_before=fields.number("not_before", 2**40),
        expiry=fields.number("expiry", 2**40),
        may_write=fields.flag("may_write"),
    )


def _prescription(fields: Fields, ledger: LedgerName, anchor: Place | None) -> PrescriptionEvidence:
    stated = fields.word("prescription")
    parts = fields.child("opening")
    terms = parts.child("terms")
    opening = Opening(
        prescriber=parts.address("prescriber"),
        subject=Subject(parts.address("patient"), parts.categories("categories")),
        digest=parts.word("digest"),
        fill_keys=parts.word("fill_keys"),
        terms=PrescriptionTerms(
            fills=terms.number("fills", 2**8),
            per_fill=terms.number("per_fill", 2**24),
            quantity=terms.number("quantity", 2**24),
            min_interval=terms.number("min_interval", 2**32),
            not_before=terms.number("not_before", 2**40),
            expiry=terms.number("expiry", 2**40),
            grantable=terms.flag("grantable"),
        ),
    )
    terms.close()
    parts.close()
    if opening.id() != stated:
        raise EvidenceInvalid("prescription: its opening is another prescription's")
    return PrescriptionEvidence(ledger, anchor, opening)


def _line(fields: Fields, ledger: LedgerName, anchor: Place | None) -> LineEvidence:
    return LineEvidence(
        ledger=ledger,
        anchor=anchor,
        line=fields.text("line").encode(errors="replace"),
        index=fields.number("index", 2**63),
        inclusion=fields.words("inclusion"),
        checkpoint=fields.text("checkpoint"),
        log=_log(fields.child("log")),
    )


def _checkpoint(fields: Fields, ledger: LedgerName, anchor: Place | None) -> CheckpointEvidence:
    return CheckpointEvidence(
        ledger=ledger,
        anchor=anchor,
        checkpoint=fields.text("checkpoint"),
        log=_log(fields.child("log")),
        earlier=fields.text("earlier") if fields.has("earlier") else None,
        consistency=fields.words("consistency"),
    )


def _ledger(fields: Fields) -> LedgerName:
    name = LedgerName(
        chain_id=fields.number("chain_id", 2**64),
        address=fields.address("address"),
        block=fields.number("block", 2**63),
    )
    fields.close()
    if name.address == ZERO_ADDRESS:
        raise EvidenceInvalid("ledger: its address is no contract's")
    return name


def _place(fields: Fields) -> Place | None:
    if not fields.has("anchor"):
        return None
    place = fields.child("anchor")
    found = Place(
        transaction=place.word("transaction"),
        block=place.number("block", 2**63),
        block_hash=place.word("block_hash"),
        log_index=place.number("log_index", 2**32),
        time=place.number("time", 2**40),
    )
    place.close()
    return found


def _log(fields: Fields) -> LogKey:
    try:
        key = NoteKey.parse(fields.text("key"))
    except NoteInvalid as failure:
        raise EvidenceInvalid(f"log: {failure}") from failure
    log = LogKey(fields.address("operator"), key, fields.raw("introduction"))
    fields.close()
    return log


_READERS: Mapping[str, Callable[[Fields, LedgerName, Place | None], Evidence]] = {
    "record": _record,
    "consent": _consent,
    "signed-consent": _signed_consent,
    "prescription": _prescription,
    "access-line": _line,
    "checkpoint": _checkpoint,
}
