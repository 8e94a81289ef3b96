"""Which sealed body belongs to which prescription: the ledger shows it only from the first claim on.

What stands here tells nothing of the terms: digest, id and, sealed, what the anchor's proof needs.
"""

from typing import TYPE_CHECKING

from sqlalchemy import Column, Index, LargeBinary, Table, select

from gateway.database import metadata, reading, writing
from gateway.identity.secrets_at_rest import open_small, seal_small
from gateway.located import Located
from gateway.prescriptions.slips import PrescriptionSlip
from gateway.slips.notes import open_note
from ledger.client import prescription_proof
from ledger.codes import AnchorKind
from ledger.types import Address, AnchorProof, Opening, Subject, raw
from offchain_store.errors import OpeningError, SlipMissing
from offchain_store.keys import SealingKey

if TYPE_CHECKING:
    from gateway.services import Gateway

bodies = Table(
    "prescription_bodies",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("prescription", LargeBinary(32), primary_key=True),
    Column("proof", LargeBinary, nullable=False),
    Index("ix_prescription_bodies_prescription", "prescription"),
)
"""`proof`: the root of the fill keys and the terms, 32 bytes each, sealed under the gateway's key."""


def remember_body(gateway: "Gateway", opening: Opening) -> None:
    """Note which body a prescription has; the opening has proven itself by its id."""
    key = (bodies.c.digest == opening.digest, bodies.c.prescription == opening.id())
    with reading(gateway.database) as connection:
        if connection.execute(select(bodies.c.digest).where(*key)).one_or_none() is not None:
            return
    proof = seal_small(gateway.proof_key, opening.fill_keys + opening.terms.word(), context=opening.id())
    with writing(gateway.database) as connection:
        connection.execute(bodies.delete().where(*key))
        connection.execute(bodies.insert().values(digest=opening.digest, prescription=opening.id(), proof=proof))


def find_prescription(gateway: "Gateway", digest: bytes) -> Located | None:
    """A finder (`gateway.located`) for the bodies of prescriptions."""
    with reading(gateway.database) as connection:
        rows = connection.execute(select(bodies).where(bodies.c.digest == digest)).all()
    for row in rows:
        indexed = gateway.index.prescription(row.prescription)
        if indexed is None:
            continue
        terms_hash = indexed.terms_hash
        proof = open_small(gateway.proof_key, row.proof, context=row.prescription)

        def key(
            gateway: "Gateway", holder: Address, sealing: SealingKey, terms_hash: bytes = terms_hash
        ) -> bytes | None:
            slip = read_slip(gateway, terms_hash, holder, sealing)
            return slip.record_key if slip else None

        return Located(
            digest=digest,
            subject=Subject(indexed.patient, indexed.categories),
            author=indexed.prescriber,
            proof=AnchorProof(AnchorKind.PRESCRIPTION, root=proof[:32], path=(proof[32:],)),
            unwrap=key,
        )
    return None


def body_of(gateway: "Gateway", prescription: bytes) -> bytes | None:
    """Digest of a prescription's body, where it is known here."""
    with reading(gateway.database) as connection:
        query = select(bodies.c.digest).where(bodies.c.prescription == prescription).limit(1)
        digest: bytes | None = connection.execute(query).scalar()
    return digest


def located_by(opening: Opening) -> Located:
    """Where the body of an opening stands on the ledger."""
    return Located(opening.digest, opening.subject, opening.prescriber, prescription_proof(opening))


def read_slip(gateway: "Gateway", terms_hash: bytes, holder: Address, sealing: SealingKey) -> PrescriptionSlip | None:
    """The holder's slip of a prescription; None: she has none, or it was altered and opens nothing."""
    try:
        note = gateway.store.get_slip(terms_hash, raw(holder))
        return PrescriptionSlip.decode(open_note(note, name=terms_hash, reader=holder, key=sealing))
    except (SlipMissing, OpeningError):
        return None
