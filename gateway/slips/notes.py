"""Notes: more than one key, sealed to one reader. A key slip for a fresh key, and the rest under that key.

    >>> note = seal_note(b"...", name=terms_hash, card=card)
    >>> open_note(note, name=terms_hash, reader=ana.address, key=ana.sealing)
    b'...'

A note lies among the store's slips under a name of 32 bytes, such as a prescription's terms hash. The bytes are
the slip's length (uint16), the slip, and AES-256-GCM over the content under the slip's key with a nonce of
zeros (the key is used once), bound to name and reader.
"""

from secrets import token_bytes

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.types import Address, raw
from offchain_store.errors import Altered, Truncated
from offchain_store.keys import KeyCard, SealingKey, unwrap_key, wrap_key

_LABEL = b"consent-ledger/v1/note"
_NONCE = bytes(12)


def seal_note(content: bytes, *, name: bytes, card: KeyCard) -> bytes:
    """Seal a note for the card's owner.

    Raises:
        OpeningError: the card cannot be sealed to.
    """
    key = token_bytes(32)
    slip = wrap_key(key, record=name, card=card)
    sealed = AESGCM(key).encrypt(_NONCE, content, _LABEL + name + card.owner)
    return len(slip).to_bytes(2, "big") + slip + sealed


def open_note(note: bytes, *, name: bytes, reader: Address, key: SealingKey) -> bytes:
    """The content of a note.

    Raises:
        OpeningError: it is another reader's or of another name, or was altered.
    """
    length = int.from_bytes(note[:2], "big")
    if len(note) < 2 + length:
        raise Truncated("note")
    who = raw(reader)
    note_key = unwrap_key(note[2 : 2 + length], record=name, reader=who, key=key)
    try:
        return AESGCM(note_key).decrypt(_NONCE, note[2 + length :], _LABEL + name + who)
    except (InvalidTag, ValueError) as failure:
        raise Altered("note") from failure
