"""Records with two signatures: the author signs by anchoring, the other side co-signs the same digest.

>>> await_second(gateway, doctor, digest, errand)            # the author: this record needs the patient's signature
>>> cosign(gateway, ana, digest, errand)
>>> signatures(gateway, digest).count
2

Under what somebody wrote about a patient the second signature is hers, under what she wrote herself that of a writer
whom she lets write. No delegate signs for her. What the ledger says of both is asked of it each time: one signature is
shown as one.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.errors import NotFound
from gateway.flow import leave_to_write
from gateway.identity.keystore import Identity
from gateway.notices.sentences import moment, short
from gateway.sending import Errand, send
from ledger.care import Signatures
from ledger.index import IndexedRecord
from ledger.outbox import Entry
from ledger.types import Address, Subject

if TYPE_CHECKING:
    from gateway.services import Gateway

_GAS_TO_AWAIT = 120_000
"""Enough for an act that cannot be tried out, because the record that it is about is not mined yet."""


def await_second(gateway: "Gateway", author: Identity, digest: bytes, errand: Errand) -> Entry:
    """Say of one of the author's records that it needs a second signature.

    Raises:
        NotFound: no such record.
        ContractRejected: it is somebody else's, or was said before, or the record is signed twice already.
    """
    found = _record(gateway, digest)
    act = gateway.ledger.acts.await_cosignature(digest, Subject(found.patient, found.categories))
    return send(gateway, act, signer=author.address, errand=errand)


def await_second_with(gateway: "Gateway", author: Identity, digest: bytes, subject: Subject, errand: Errand) -> Entry:
    """The same together with the deposit, while its anchor may still be on its way."""
    act = gateway.ledger.acts.await_cosignature(digest, subject)
    gas = None if gateway.ledger.record_word(digest) else _GAS_TO_AWAIT
    return send(gateway, act, signer=author.address, errand=errand.step("await"), gas=gas)


def cosign(gateway: "Gateway", signer: Identity, digest: bytes, errand: Errand) -> Entry:
    """Sign a record that somebody else anchored: the patient whom it is about, or under hers a writer whom she lets
    write.

    Raises:
        NotFound: no such record.
        ContractRejected: not hers to sign, signed already, or not anchored (any more).
    """
    found = _record(gateway, digest)
    subject = Subject(found.patient, found.categories)
    if signer.address != found.patient:
        subject = _with_leave(gateway, signer.address, subject)
    act = gateway.ledger.acts.cosign(digest, subject, found.author)
    return send(gateway, act, signer=signer.address, errand=errand)


def signatures(gateway: "Gateway", digest: bytes) -> Signatures:
    """Who has signed a record and when, as the ledger has it now.

    Raises:
        NotFound: no such record.
    """
    found = _record(gateway, digest)
    return gateway.ledger.signatures(digest, Subject(found.patient, found.categories), found.author)


def sentence(found: Signatures, names: Mapping[Address, str]) -> str:
    """Both signatures, or the one that there is, for people."""
    if found.author is None:
        return "Nobody has signed this record."
    first = f"Signed by {names.get(found.author) or short(found.author)} on {moment(found.anchored_at)}"
    if found.cosigner is not None:
        second = f"{names.get(found.cosigner) or short(found.cosigner)} on {moment(found.cosigned_at)}"
        return f"{first} and by {second}: two signatures."
    awaited = "; the second one is still missing" if found.awaited else ""
    return f"{first}: one signature{awaited}."


def _record(gateway: "Gateway", digest: bytes) -> IndexedRecord:
    found = gateway.index.record(digest)
    if found is None:
        raise NotFound("no such record")
    return found


def _with_leave(gateway: "Gateway", writer: Address, subject: Subject) -> Subject:
    """The subject with the consent that lets the writer write, if there is one; the ledger decides."""
    consent = leave_to_write(gateway, writer, subject.patient, subject.categories)
    if consent is None:
        return subject
    participant = gateway.index.participant(writer)
    via_organization = bool(participant and consent.grantee == participant.organization != writer)
    number = int.from_bytes(consent.scope, "big")
    return Subject(subject.patient, subject.categories, number, via_organization)
