"""Key slips: who gets one when a record is written or a consent given, and whose is used when it is read.

>>> hand_out(gateway, digest, record_key, [ana, doctor])
>>> slip_key(gateway, doctor_identity, located, decision) == record_key
True
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from gateway.batches.consents import standing_grantees_of
from gateway.consents.delegates import delegations_of_many
from gateway.consents.given import given
from gateway.consents.signed import signed_grantees_of
from gateway.emergencies.escrow import emergency_of_many, released
from gateway.identity.keystore import Identity
from gateway.located import Located, people_behind
from ledger.codes import BasisKind, Category, Power
from ledger.types import Address, Decision, raw
from offchain_store.errors import OpeningError, SlipMissing
from offchain_store.keys import KeyCard, SealingKey, unwrap_key, wrap_key
from offchain_store.store import Slip

if TYPE_CHECKING:
    from gateway.services import Gateway

MOST_GRANTEES = 500
"""Grantees of one patient that a new record is sealed for."""


def standing_readers(gateway: "Gateway", patient: Address, categories: Category) -> list[Address]:
    """All who may read a new record of the patient at once, by her live consents and delegations; and the custodian for
    emergencies."""
    return standing_readers_of(gateway, [(patient, categories)])[patient, categories]


def standing_readers_of(
    gateway: "Gateway", subjects: Collection[tuple[Address, Category]]
) -> dict[tuple[Address, Category], list[Address]]:
    """The same for many patients and categories: whom they have in common is looked up once."""
    now = int(gateway.clock())
    patients = [patient for patient, _ in subjects]
    denials = gateway.index.denials_of_many(patients)
    delegations = delegations_of_many(gateway, patients)
    emergencies = emergency_of_many(gateway, patients)
    people = cache(lambda grantee: people_behind(gateway, grantee))
    grantees = standing_grantees_of(gateway, subjects, at=now, most=MOST_GRANTEES)
    signed = signed_grantees_of(gateway, subjects, now)
    found = {}
    for patient, categories in subjects:
        denied = denials.get(patient, set())
        readers: dict[Address, None] = {}
        for grantee in (*grantees[patient, categories], *signed.get((patient, categories), ())):
            if grantee not in denied:
                readers.update(dict.fromkeys(people(grantee)))
        for one in delegations.get(patient, ()):
            if one.gives(Power.READ, now) and not categories & ~one.categories:
                readers[one.delegate] = None
        found[patient, categories] = [one for one in readers if not denied or not is_among(gateway, one, denied)]
        if not categories & ~emergencies[patient]:
            found[patient, categories].append(gateway.escrow.address)
    return found


def is_among(gateway: "Gateway", reader: Address, denied: Collection[Address]) -> bool:
    """Whether a person or team, or the organization that she acts for, is among the denied."""
    participant = gateway.index.participant(reader)
    return reader in denied or participant is None or participant.organization in denied


def hand_out(
    gateway: "Gateway",
    digest: bytes,
    record_key: bytes,
    readers: Iterable[Address],
    *,
    required: Collection[Address] = (),
) -> int:
    """Make a key slip for each reader and put it; how many were made. See `make_slips`."""
    slips = make_slips(gateway, digest, record_key, readers, required=required)
    for slip in slips:
        gateway.store.put_slip(*slip)
    return len(slips)


def make_slips(
    gateway: "Gateway",
    digest: bytes,
    record_key: bytes,
    readers: Iterable[Address],
    *,
    required: Collection[Address] = (),
    cards: Mapping[Address, KeyCard] | None = None,
) -> list[Slip]:
    """A key slip for each reader, still to be put.

    Readers without a usable key card are left out: they are served once they have one.

    Args:
        cards: the readers' cards, if they are at hand.

    Raises:
        KeyCardError: one of the `required` readers has no usable key card.
    """
    readers = list(dict.fromkeys(readers))
    known = gateway.cards.of_many(readers) if cards is None else cards
    for reader in required:
        if reader not in known:
            gateway.cards.of(reader)  # says why
    return [
        (digest, raw(reader), wrap_key(record_key, record=digest, card=known[reader]))
        for reader in readers
        if reader in known
    ]


def slip_key(gateway: "Gateway", reader: Identity, located: Located, decision: Decision) -> bytes | None:
    """The record key, for a reader whom the ledger has just permitted; None: no slip can be found or made.

    By her own slip; else by one that her organization's key, kept here, opens for her; else by the patient's, while she
    is signed in here.
    """
    decision.raise_if_denied()
    own = _key_of(gateway, reader.address, reader.sealing, located)
    return own if own is not None else _key_from_others(gateway, reader.address, located, decision)


def slip_for(gateway: "Gateway", reader: Address, located: Located, decision: Decision) -> bytes | None:
    """A slip for a reader whom the ledger has just permitted and who keeps her keys elsewhere; None: there is none and
    nobody's key here can make one.

    Raises:
        KeyCardError: the reader has no usable key card.
    """
    decision.raise_if_denied()
    try:
        return gateway.store.get_slip(located.digest, raw(reader))
    except SlipMissing:
        record_key = _key_from_others(gateway, reader, located, decision)
    if record_key is None:
        return None
    return wrap_key(record_key, record=located.digest, card=gateway.cards.of(reader))


def _key_from_others(gateway: "Gateway", reader: Address, located: Located, decision: Decision) -> bytes | None:
    """The record key by somebody else's slip. Whoever is to have a slip of her own gets it now; whoever reads for her
    organization does not: withdrawing the organization's consent must leave no slip behind."""
    if decision.basis is BasisKind.BREAK_GLASS:
        # She gets no slip of her own: when the glass is whole again, nothing is left with her.
        return _key_of(gateway, *released(gateway, reader, located.subject.patient), located)
    behind = _behind(gateway, reader, decision)
    for holder, sealing in _holders(gateway, located, behind):
        record_key = _key_of(gateway, holder, sealing, located)
        if record_key is not None:
            if reader in behind:
                hand_out(gateway, located.digest, record_key, [reader])
            return record_key
    return None


def _behind(gateway: "Gateway", reader: Address, decision: Decision) -> list[Address]:
    """For whom slips are made on the strength of what the decision rests on."""
    if decision.basis is BasisKind.DELEGATION:
        return [reader]
    consent = given(gateway, decision.basis_id)
    return people_behind(gateway, consent.grantee) if consent else []


def unwrap(gateway: "Gateway", holder: Address, sealing: SealingKey, digest: bytes) -> bytes | None:
    """The record key from the holder's slip; None: she has none, or it was altered and opens nothing."""
    try:
        slip = gateway.store.get_slip(digest, raw(holder))
        return unwrap_key(slip, record=digest, reader=raw(holder), key=sealing)
    except (SlipMissing, OpeningError):
        return None


def _key_of(gateway: "Gateway", holder: Address, sealing: SealingKey, located: Located) -> bytes | None:
    record_key = unwrap(gateway, holder, sealing, located.digest)
    if record_key is None and located.unwrap is not None:
        record_key = located.unwrap(gateway, holder, sealing)
    return record_key


def _holders(gateway: "Gateway", located: Located, behind: Iterable[Address]) -> Iterable[tuple[Address, SealingKey]]:
    for one in (*behind, located.author):
        sealing = gateway.custody.find(one)
        if sealing is not None:
            yield one, sealing
    patient = gateway.sessions.unlocked(located.subject.patient)
    if patient is not None:
        yield patient.address, patient.sealing
