"""Key slips: who gets one when a record is written or a consent given, and whose is used when it is read.

>>> hand_out(gateway, digest, record_key, [ana, doctor])
>>> slip_key(gateway, doctor_identity, located, decision) == record_key
True
"""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from gateway.errors import KeyCardError
from gateway.keystore import Identity
from gateway.located import Located, people_behind
from ledger.codes import Category
from ledger.types import Address, Decision
from offchain_store.errors import OpeningError, SlipMissing
from offchain_store.keys import SealingKey, unwrap_key, wrap_key

if TYPE_CHECKING:
    from gateway.services import Gateway

MOST_GRANTEES = 500
"""Grantees of one patient that a new record is sealed for."""


def raw(address: Address) -> bytes:
    """The 20 bytes of an address."""
    return bytes.fromhex(address[2:])


def standing_readers(gateway: "Gateway", patient: Address, categories: Category) -> list[Address]:
    """All who may read a new record of the patient at once, by her live consents."""
    now = int(gateway.clock())
    grantees = gateway.index.standing_readers(patient, categories, now, MOST_GRANTEES)
    denied = set(gateway.index.denials_of(patient, MOST_GRANTEES))
    readers: dict[Address, None] = {}
    for grantee in grantees:
        if grantee not in denied:
            readers.update(dict.fromkeys(one for one in people_behind(gateway, grantee) if one not in denied))
    return list(readers)


def hand_out(
    gateway: "Gateway",
    digest: bytes,
    record_key: bytes,
    readers: Iterable[Address],
    *,
    required: Collection[Address] = (),
) -> int:
    """Make a key slip for each reader; how many were made.

    Readers without a usable key card are left out: they are served once they have one.

    Raises:
        KeyCardError: one of the `required` readers has no usable key card.
    """
    made = 0
    for reader in dict.fromkeys(readers):
        try:
            card = gateway.cards.of(reader)
        except KeyCardError:
            if reader in required:
                raise
            continue
        gateway.store.put_slip(digest, raw(reader), wrap_key(record_key, record=digest, card=card))
        made += 1
    return made


def slip_key(gateway: "Gateway", reader: Identity, located: Located, decision: Decision) -> bytes | None:
    """The record key, for a reader whom the ledger has just permitted; None: no slip can be found or made.

    By her own slip; else by one that her organization's key, held here, hands on; else by the patient's, while she is
    signed in here. In the last two cases the reader has a slip of her own from then on.
    """
    decision.raise_if_denied()
    own = _key_of(gateway, reader.address, reader.sealing, located)
    if own is not None:
        return own
    for holder, sealing in _holders(gateway, located, decision):
        record_key = _key_of(gateway, holder, sealing, located)
        if record_key is not None:
            hand_out(gateway, located.digest, record_key, [reader.address])
            return record_key
    return None


def ensure_slip(gateway: "Gateway", reader: Address, located: Located, decision: Decision) -> bool:
    """Whether a reader whom the ledger has just permitted, and who keeps her keys elsewhere, has a slip; made if
    somebody's key here can make it."""
    decision.raise_if_denied()
    if raw(reader) in gateway.store.list_slips(located.digest):
        return True
    for holder, sealing in _holders(gateway, located, decision):
        record_key = _key_of(gateway, holder, sealing, located)
        if record_key is not None:
            return hand_out(gateway, located.digest, record_key, [reader]) == 1
    return False


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


def _holders(gateway: "Gateway", located: Located, decision: Decision) -> Iterable[tuple[Address, SealingKey]]:
    consent = gateway.index.consent(decision.basis_id)
    if consent is not None:
        for one in people_behind(gateway, consent.grantee):
            sealing = gateway.custody.find(one)
            if sealing is not None:
                yield one, sealing
    patient = gateway.sessions.unlocked(located.subject.patient)
    if patient is not None:
        yield patient.address, patient.sealing
