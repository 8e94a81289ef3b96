"""Evidence for the stand-alone verifier (`gateway.verify`), put together from what this gateway has found.

>>> encode_evidence(record_evidence(gateway, digest))
b'{\\n  "evidence": "consent-ledger/v1", ...

Whether somebody may have it is for the caller to say: it holds what lists of the same things show, and no key.
"""

from typing import TYPE_CHECKING

from sqlalchemy import Table, select

from gateway import flow
from gateway.consents.collected import Collected
from gateway.database import reading
from gateway.errors import InvalidInput, LineNotAnchored, NotFound, RecordNeverAnchored
from gateway.log.accesslog import Line
from gateway.log.checkpoints import Anchored, anchored
from gateway.prescriptions.bodies import bodies
from gateway.verify.evidence import (
    CheckpointEvidence,
    ConsentEvidence,
    LedgerName,
    LineEvidence,
    LogKey,
    Place,
    PrescriptionEvidence,
    RecordEvidence,
    SignedConsentEvidence,
)
from ledger import events
from ledger.codes import AnchorKind
from ledger.index import IndexedConsent, IndexedPrescription
from ledger.index_tables import blocks
from ledger.positions import Position
from ledger.translog import consistency_proof, inclusion_proof
from ledger.types import Opening, consent_id

if TYPE_CHECKING:
    from gateway.services import Gateway


def record_evidence(gateway: "Gateway", digest: bytes) -> RecordEvidence:
    """That a record was anchored.

    Raises:
        RecordNeverAnchored
        NotReady: anchored, but the index has not come so far.
    """
    located = flow.locate(gateway, digest)
    if located is None:
        raise RecordNeverAnchored(digest, "no such record was ever anchored on this ledger")
    position, prescription = None, None
    match located.proof.kind:
        case AnchorKind.SINGLE:
            record = gateway.index.record(digest)
            position = (events.records, record.position) if record else None
        case AnchorKind.BATCH:
            batch = gateway.index.batch(located.proof.root)
            position = (events.batches, batch.position) if batch else None
        case AnchorKind.PRESCRIPTION:
            issued = _prescription_with(gateway, digest)
            prescription = issued.prescription if issued else None
            position = (events.prescriptions, issued.position) if issued else None
    return RecordEvidence(
        ledger=ledger_name(gateway),
        anchor=_place(gateway, *position) if position else None,
        digest=digest,
        patient=located.subject.patient,
        author=located.author,
        categories=located.subject.categories,
        proof=located.proof,
        prescription=prescription,
        consent_number=located.subject.consent_number,
        via_organization=located.subject.via_organization,
        proposed=located.subject.proposed,
    )


def consent_evidence(gateway: "Gateway", consent: IndexedConsent) -> ConsentEvidence:
    """That a patient consented."""
    return ConsentEvidence(
        ledger=ledger_name(gateway),
        anchor=_place(gateway, events.consents, consent.position),
        consent=consent_id(consent.patient, consent.grantee, consent.scope),
        patient=consent.patient,
        grantee=consent.grantee,
        scope=consent.scope,
        terms=consent.terms,
        document=consent.document,
    )


def signed_consent_evidence(gateway: "Gateway", collected: Collected) -> SignedConsentEvidence:
    """That a patient consented by a signature, in a list that was anchored."""
    signed, batch = collected.signed, collected.batch
    return SignedConsentEvidence(
        ledger=ledger_name(gateway),
        anchor=_place(gateway, events.batches, batch.position),
        consent=consent_id(signed.patient, signed.grantee, signed.scope),
        signed=signed,
        root=batch.root,
        path=collected.path,
    )


def prescription_evidence(gateway: "Gateway", opening: Opening) -> PrescriptionEvidence:
    """That a prescription was issued on these terms.

    Raises:
        NotFound: it was not.
    """
    issued = gateway.index.prescription(opening.id())
    if issued is None:
        raise NotFound("no such prescription was issued")
    return PrescriptionEvidence(ledger_name(gateway), _place(gateway, events.prescriptions, issued.position), opening)


def line_evidence(gateway: "Gateway", line: Line) -> LineEvidence:
    """That a line stands in the access log: its proof to the first checkpoint on the ledger that counts it.

    Raises:
        LineNotAnchored: there is none yet.
    """
    for first in anchored(gateway, least=line.seq + 1, limit=1):
        checkpoint, anchor = note_of(gateway, first.size), _anchor(gateway, first)
        return LineEvidence(
            ledger=ledger_name(gateway),
            anchor=anchor,
            line=line.leaf,
            index=line.seq,
            inclusion=tuple(inclusion_proof(gateway.log.tree, line.seq, first.size)),
            checkpoint=checkpoint,
            log=log_key(gateway),
        )
    raise LineNotAnchored(line.seq)


def checkpoint_evidence(
    gateway: "Gateway", *, size: int | None = None, earlier: int | None = None
) -> CheckpointEvidence:
    """That a checkpoint is on the ledger, and begins with an earlier one.

    Args:
        size: its lines; default: the newest.
        earlier: lines of the earlier one; default: none is compared.

    Raises:
        NotFound: the ledger has no checkpoint of that size.
        InvalidInput: the earlier one is not the smaller one.
    """
    found = anchored(gateway, limit=1, newest=True) if size is None else [_anchored_at(gateway, size)]
    if not found:
        raise NotFound("no checkpoint of the access log is on the ledger yet")
    newest = found[0]
    consistency: list[bytes] = []
    if earlier is not None:
        if not 0 < earlier <= newest.size:
            raise InvalidInput("from", "is the size of a checkpoint, and not more than `to`")
        _anchored_at(gateway, earlier)
        consistency = consistency_proof(gateway.log.tree, earlier, newest.size)
    return CheckpointEvidence(
        ledger=ledger_name(gateway),
        anchor=_anchor(gateway, newest),
        checkpoint=note_of(gateway, newest.size),
        log=log_key(gateway),
        earlier=None if earlier is None else note_of(gateway, earlier),
        consistency=tuple(consistency),
    )


def ledger_name(gateway: "Gateway") -> LedgerName:
    """Which ledger this gateway is on."""
    return LedgerName(gateway.ledger.chain_id, gateway.ledger.address, gateway.deployment.block)


def log_key(gateway: "Gateway") -> LogKey:
    """Whose log this gateway's is, and the key that signs for it."""
    own = gateway.checkpoints
    return LogKey(own.operator, own.key, own.introduction)


def note_of(gateway: "Gateway", size: int) -> str:
    """The signed note of a checkpoint.

    Raises:
        NotFound: none of this size was signed here.
    """
    signed = gateway.checkpoints.signed(size)
    if signed is None:
        raise NotFound(f"no checkpoint of {size} lines was signed here")
    return signed.note


def _anchored_at(gateway: "Gateway", size: int) -> Anchored:
    for found in anchored(gateway, least=size, limit=1):
        if found.size == size:
            return found
    raise NotFound(f"the ledger has no checkpoint of {size} lines of this log")


def _anchor(gateway: "Gateway", found: Anchored) -> Place:
    return _block_place(gateway, found.transaction_hash, (found.block_number, found.log_index))


def _place(gateway: "Gateway", table: Table, position: Position) -> Place:
    query = select(table.c.transaction_hash).where(
        table.c.block_number == position[0], table.c.log_index == position[1]
    )
    with gateway.ledger_database.connect() as connection:
        transaction = connection.execute(query).scalar_one()
    return _block_place(gateway, transaction, position)


def _block_place(gateway: "Gateway", transaction: bytes, position: Position) -> Place:
    query = select(blocks.c.block_hash, blocks.c.time).where(blocks.c.block_number == position[0])
    with gateway.ledger_database.connect() as connection:
        row = connection.execute(query).one()
    return Place(transaction, position[0], row.block_hash, position[1], row.time)


def _prescription_with(gateway: "Gateway", digest: bytes) -> IndexedPrescription | None:
    """The issued prescription whose body this is."""
    with reading(gateway.database) as connection:
        ids = connection.execute(select(bodies.c.prescription).where(bodies.c.digest == digest)).scalars().all()
    return next(filter(None, map(gateway.index.prescription, ids)), None)
