"""Depositing and retrieving a record: the two ends of the ledger. Read this first.

>>> deposited = deposit(gateway, doctor, Draft(ana, Category.LABORATORY, header), source, errand)
>>> retrieved = retrieve(gateway, ana, deposited.digest, purpose=Purpose.PATRQT, correlation="...")
>>> b"".join(retrieved.content)
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from secrets import token_bytes
from typing import TYPE_CHECKING, BinaryIO

from gateway.correcting import correcting
from gateway.erasure.tombstones import Tombstones
from gateway.errors import InvalidInput, NotReady, RecordNeverAnchored, SlipMissing
from gateway.finding import find_bases, grantees_of
from gateway.identity.keystore import Identity
from gateway.located import Located
from gateway.log.accesslog import Attempt
from gateway.reading import IN_MEMORY, open_verified
from gateway.sending import Errand, send
from gateway.slips.slips import hand_out, slip_key, standing_readers
from ledger.acts import Act
from ledger.codes import BasisKind, Category, Purpose, Reason
from ledger.errors import AccessDenied
from ledger.index import IndexedConsent
from ledger.outbox import Entry
from ledger.types import ZERO_ADDRESS, AccessRequest, Address, Basis, Decision, Subject
from offchain_store.envelope import seal
from offchain_store.record import Header

if TYPE_CHECKING:
    from gateway.services import Gateway


@dataclass(frozen=True, slots=True)
class Draft:
    """A record that is about to be written."""

    patient: Address
    categories: Category
    header: Header
    supersedes: bytes | None = None
    """Digest of the author's record that this one corrects."""


@dataclass(frozen=True, slots=True)
class Deposited:
    """A record that was sealed and put, and the act that anchors it."""

    digest: bytes
    proposed: bool
    """The patient has not let the author write: it counts once she accepts it."""
    entry: Entry


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A record that the reader may have, verified against its anchor."""

    located: Located
    header: Header
    content: Iterator[bytes]
    size: int
    """Bytes of content."""
    decision: Decision

    @property
    def is_in_memory(self) -> bool:
        """Whether the content is held in memory already; a larger one comes chunk by chunk."""
        return self.size <= IN_MEMORY


def deposit(
    gateway: "Gateway",
    author: Identity,
    draft: Draft,
    source: BinaryIO,
    errand: Errand,
    *,
    sealed_before: bytes | None = None,
    on_sealed: Callable[[bytes], None] = lambda digest: None,
) -> Deposited:
    """Seal a record for all who may read it now, put it, and anchor it, or propose it to a patient who has not let
    the author write.

    Args:
        sealed_before: digest of the same draft, sealed by an earlier try that was cut off before it was anchored.
        on_sealed: told the digest once everything is in the store and before the ledger hears of it.

    Raises:
        InvalidInput: no categories, or nobody of that address is a patient.
        KeyCardMissing: the patient or the author has no key card yet.
        ContractRejected: the ledger refuses the record.
    """
    act, proposed = anchoring(gateway, author.address, draft)
    digest = sealed_before
    if digest is None:
        digest = seal_for_readers(gateway, author.address, draft, source, act)
        on_sealed(digest)
    entry = send(gateway, act(digest), signer=author.address, errand=errand)
    return Deposited(digest, proposed, entry)


def seal_for_readers(
    gateway: "Gateway", author: Address, draft: Draft, source: BinaryIO, act: Callable[[bytes], Act]
) -> bytes:
    """Seal a record for its patient, its author and all who may read it now, and put it; its digest.

    Args:
        act: by which it will come to the ledger. It is rehearsed before anything is put: a record that the ledger would
            refuse leaves nothing behind.

    Raises:
        KeyCardMissing, ContractRejected: as `deposit`.
    """
    gateway.ledger.rehearse(act(token_bytes(32)), author)
    sealed = seal(source, draft.header, gateway.store)
    readers = [draft.patient, author, *standing_readers(gateway, draft.patient, draft.categories)]
    hand_out(gateway, sealed.digest, sealed.record_key, readers, required=(draft.patient, author))
    return sealed.digest


def retrieve(
    gateway: "Gateway",
    reader: Identity,
    digest: bytes,
    *,
    purpose: Purpose,
    correlation: str,
    offered: Sequence[Basis] = (),
) -> Retrieved:
    """Open a record for a reader whom the ledger permits; every attempt leaves a line in the access log.

    Args:
        offered: bases beyond the reader's consents, such as a presented fill key.

    Raises:
        AccessDenied: the ledger denies; `reason` says why.
        RecordNeverAnchored, RecordMissing, RecordAltered: the three verdicts on what is wrong with a record.
        RecordErased: its keys were destroyed here, on the patient's wish or because its time was over.
        SlipMissing: permitted, but nobody has made a key slip for her yet.
    """
    located, decision = authorize(
        gateway, reader.address, digest, purpose=purpose, correlation=correlation, offered=offered
    )
    record_key = slip_key(gateway, reader, located, decision)
    if record_key is None:
        raise SlipMissing(digest, "you may read it, but the patient's key has not made a key slip for you yet")
    header, content, size = open_verified(gateway.store, digest, record_key)
    return Retrieved(located, header, content, size, decision)


def authorize(
    gateway: "Gateway",
    reader: Address,
    digest: bytes,
    *,
    purpose: Purpose,
    correlation: str,
    offered: Sequence[Basis] = (),
) -> tuple[Located, Decision]:
    """Ask the chain, now, whether the reader may open the record; write the answer into the access log.

    The index only helps to find what to ask about: the ledger checks subject, author and every basis itself.

    Raises:
        AccessDenied, RecordNeverAnchored, RecordErased
        NotReady: anchored, but the index has not come so far.
    """
    now = int(gateway.clock())
    located = locate(gateway, digest)
    if located is None:
        _log_unanchored(gateway, reader, digest, purpose, correlation, now)
        raise RecordNeverAnchored(digest, "no such record was ever anchored on this ledger")

    patient = located.subject.patient
    request = AccessRequest(reader, purpose, digest, located.subject, located.author, at=now)
    bases = list(offered)
    if reader != patient:
        bases += find_bases(gateway, reader, located, purpose, now)
    decision = gateway.ledger.decide(request, located.proof, bases[:16])

    gateway.log.append(
        Attempt(
            at=now,
            reader=reader,
            patient=patient,
            digest=digest,
            purpose=purpose,
            permitted=decision.permitted,
            reason=decision.reason,
            basis=decision.basis,
            basis_id=decision.basis_id,
            correlation=correlation,
        )
    )
    if decision.reason is Reason.RECORD_NOT_ANCHORED:
        raise RecordNeverAnchored(digest, "the ledger has no such anchor (any more)")
    decision.raise_if_denied()
    Tombstones(gateway.database, gateway.settings.data_dir).require_not_erased(digest)
    return located, decision


def locate(gateway: "Gateway", digest: bytes) -> Located | None:
    """Find a record's anchor; None: never anchored.

    Raises:
        NotReady: the ledger has it, but the index has not come so far.
    """
    for find in gateway.finders:
        located = find(gateway, digest)
        if located is not None:
            return located
    if gateway.ledger.record_word(digest):
        raise NotReady("the record is anchored, but the index is still catching up: try again in a second")
    return None


def anchoring(gateway: "Gateway", author: Address, draft: Draft) -> tuple[Callable[[bytes], Act], bool]:
    """The act by which this author's record comes to the ledger, and whether it is only a proposal."""
    if not draft.categories:
        raise InvalidInput("categories", "name at least one")
    acts = gateway.ledger.acts
    plain = Subject(draft.patient, draft.categories)
    if draft.supersedes is not None:
        corrected = locate(gateway, draft.supersedes)
        return correcting(gateway, corrected, draft.supersedes, draft.patient, draft.categories)
    if author == draft.patient:
        return lambda digest: acts.anchor(digest, plain), False
    consent = leave_to_write(gateway, author, draft.patient, draft.categories)
    if consent is None:
        return lambda digest: acts.propose(digest, plain), True
    number = int.from_bytes(consent.scope, "big")
    participant = gateway.index.participant(author)
    via_organization = bool(participant and consent.grantee == participant.organization != author)
    subject = Subject(draft.patient, draft.categories, number, via_organization)
    if consent.grantee == author or via_organization:
        return lambda digest: acts.anchor(digest, subject), False
    return lambda digest: acts.anchor_as_member(digest, subject, consent.grantee), False


def leave_to_write(
    gateway: "Gateway", author: Address, patient: Address, categories: Category
) -> IndexedConsent | None:
    """A consent that lets the author write records of these categories now; her own before her organization's."""
    now = int(gateway.clock())
    grantees = grantees_of(gateway, author)
    found = gateway.index.write_consents(patient, grantees, categories, now)
    return min(found, key=lambda consent: grantees.index(consent.grantee), default=None)


def _log_unanchored(
    gateway: "Gateway", reader: Address, digest: bytes, purpose: Purpose, correlation: str, now: int
) -> None:
    """An attempt on something that is nobody's record is an attempt all the same."""
    attempt = Attempt(
        at=now,
        reader=reader,
        patient=ZERO_ADDRESS,
        digest=digest,
        purpose=purpose,
        permitted=False,
        reason=Reason.RECORD_NOT_ANCHORED,
        basis=BasisKind.NONE,
        basis_id=bytes(32),
        correlation=correlation,
    )
    gateway.log.append(attempt)


__all__ = ["AccessDenied", "Deposited", "Draft", "Retrieved", "authorize", "deposit", "leave_to_write", "retrieve"]
