"""Who can open a record: sealing keys, the key cards that publish them, and the key slips that hand out record keys.

    >>> key = SealingKey.generate()
    >>> card = KeyCard.unsigned(owner, key)
    >>> card = card.signed(sign(card.message()))
    >>> slip = wrap_key(record_key, record=digest, card=KeyCard.decode(card.encode(), verify))
    >>> unwrap_key(slip, record=digest, reader=owner, key=key) == record_key
    True

The store knows no signatures: `verify` is given to it, and returns the address that signed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from secrets import token_bytes
from typing import Self, TypeAlias

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from offchain_store import dagcbor
from offchain_store.digest import Cid, Codec, Digest, digest_of, reader_of
from offchain_store.errors import (
    BadVersion,
    Forged,
    InvalidName,
    Malformed,
    TrailingData,
    Truncated,
    WrongRecipient,
)
from offchain_store.suites import CLASSIC, HYBRID, PrivateKey, SealingSuite, suite

Verify: TypeAlias = Callable[[bytes, bytes], str]
"""Takes a message and a signature, returns the signer's address as hex; ValueError if the bytes are no signature."""

CARD_VERSION = 1
SLIP_VERSION = 1

_KEY_LABEL = b"consent-ledger/v1/sealing-key/"
_SLIP_LABEL = b"consent-ledger/v1/key-slip"
_CARD_TEXT = "Consent ledger key card, version 1.\nWhat is sealed for me is sealed to the keys with this digest:\n"
_CARD = "key card"
_SLIP = "key slip"
_SUITES = (CLASSIC, HYBRID)


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A participant's secret for opening what is sealed for her, in every suite."""

    seed: bytes = field(repr=False)
    """32 secret bytes; each suite's private key is derived from them."""
    _made: dict[int, PrivateKey] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What opens in each suite, once it was asked for; it is gone when this is."""

    @classmethod
    def generate(cls) -> Self:
        """A fresh one."""
        return cls(token_bytes(32))

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The one that follows from 32 secret bytes, always the same.

        Raises:
            InvalidName: not 32 bytes.
        """
        if len(seed) != 32:
            raise InvalidName("a seed of another length", "a seed of 32 bytes")
        return cls(seed)

    def private(self, number: int) -> bytes:
        """The private key in suite `number`, as 32 bytes."""
        return HKDFExpand(SHA256(), 32, _KEY_LABEL + bytes((number,))).derive(self.seed)

    def open(self, number: int, sealed: bytes, *, info: bytes) -> bytes | None:
        """What was sealed to this key in suite `number` under this `info`; None if that cannot be.

        Raises:
            BadVersion: no such suite.
        """
        own = _suite(number)
        private = self._made.get(number)
        if private is None:
            private = self._made[number] = own.private(self.private(number))
        return own.open(sealed, private, info=info)

    def public(self, number: int) -> bytes:
        """The public key in suite `number`.

        Raises:
            BadVersion: no such suite.
        """
        return _suite(number).public(self.private(number))


@dataclass(frozen=True, slots=True)
class KeyCard:
    """A participant's public sealing keys, signed by her address; stored as a block whose digest the ledger holds."""

    owner: bytes
    """Her address, 20 bytes."""
    keys: tuple[tuple[int, bytes], ...]
    """Suite number and public key, by rising number."""
    signature: bytes = b""
    """Over `message()`, by the owner; empty until signed."""

    def __post_init__(self) -> None:
        reader_of(self.owner)

    @classmethod
    def unsigned(cls, owner: bytes, key: SealingKey) -> Self:
        """The card of a sealing key, still to be signed."""
        return cls(owner, tuple((number, key.public(number)) for number in _SUITES))

    def message(self) -> bytes:
        """What the owner signs: a text that her wallet can show, ending in the digest of the card without signature."""
        return (_CARD_TEXT + sha256(dagcbor.encode(self._body())).hexdigest()).encode()

    def signed(self, signature: bytes) -> Self:
        """The card with her signature."""
        return replace(self, signature=signature)

    def encode(self) -> bytes:
        """The card as a block."""
        return dagcbor.encode({**self._body(), "signature": self.signature})

    @property
    def digest(self) -> Digest:
        """What the ledger holds of the card."""
        return Cid.of(Codec.DAG_CBOR, self.encode()).digest

    @classmethod
    def decode(cls, block: bytes, verify: Verify) -> Self:
        """Read a card and check that its owner signed it; whether it is hers *now* only the ledger can tell.

        Raises:
            BadVersion, Malformed, Truncated, TrailingData
            Forged: signed by somebody else, or not at all.
        """
        fields = dagcbor.decode_map(block, what=_CARD)
        if fields.get("version") != CARD_VERSION:
            raise BadVersion("key card version", fields.get("version"))
        match fields:
            case {
                "keys": [_, *_] as keys,
                "owner": bytes(owner),
                "signature": bytes(signature),
                "version": _,
                **others,
            } if not others and len(owner) == 20:
                card = cls(owner, tuple(map(_key_entry, keys)), signature)
            case _:
                raise Malformed(_CARD, "it has not the four fields that it must have")
        numbers = [number for number, _ in card.keys]
        if numbers != sorted(set(numbers)):
            raise Malformed(_CARD, "its suites are not in order, or one comes twice")
        try:
            signer = bytes.fromhex(verify(card.message(), signature).removeprefix("0x"))
        except ValueError as error:
            raise Forged(owner) from error
        if signer != owner:
            raise Forged(owner)
        return card

    def best(self) -> tuple[int, bytes]:
        """The highest suite known here, and its public key.

        Raises:
            BadVersion: none of the card's suites is known.
        """
        known = [(number, public) for number, public in self.keys if suite(number) is not None]
        if not known:
            raise BadVersion("set of suites", [number for number, _ in self.keys])
        return known[-1]

    def _body(self) -> dict[str, dagcbor.Value]:
        return {
            "keys": [[number, public] for number, public in self.keys],
            "owner": self.owner,
            "version": CARD_VERSION,
        }


def wrap_key(record_key: bytes, *, record: bytes, card: KeyCard, number: int | None = None) -> bytes:
    """A key slip: the record key, sealed to the card's owner for this record only.

    Args:
        number: the suite; the card's best if not given.

    Raises:
        BadVersion: the card has no key in that suite, or in any that is known here.
        Malformed: the card's public key is none.
    """
    if len(record_key) != 32:
        raise InvalidName("a record key of another length", "a record key of 32 bytes")
    if number is None:
        number, public = card.best()
    else:
        public = dict(card.keys).get(number, b"")
        if not public:
            raise BadVersion("suite, for this key card,", number)
    try:
        sealed = _suite(number).seal(record_key, public, info=_info(number, record, card.owner))
    except ValueError as error:
        raise Malformed(_CARD, f"its public key of suite {number} is none") from error
    return bytes((SLIP_VERSION, number)) + sealed


def unwrap_key(slip: bytes, *, record: bytes, reader: bytes, key: SealingKey) -> bytes:
    """The record key from a key slip.

    Raises:
        BadVersion, Truncated, TrailingData
        WrongRecipient: the slip is another reader's or another record's, or was altered; HPKE cannot tell which.
    """
    if len(slip) < 2:
        raise Truncated(_SLIP)
    if slip[0] != SLIP_VERSION:
        raise BadVersion("key slip version", slip[0])
    number, sealed = slip[1], slip[2:]
    of_slip = _suite(number)
    excess = len(sealed) - 32 - of_slip.overhead
    if excess:
        raise TrailingData(_SLIP) if excess > 0 else Truncated(_SLIP)
    record_key = key.open(number, sealed, info=_info(number, record, reader))
    if record_key is None:
        raise WrongRecipient(record, reader)
    return record_key


def _info(number: int, record: bytes, reader: bytes) -> bytes:
    """What the slip is bound to; every part but the first has a fixed length, so no two contexts run together."""
    return _SLIP_LABEL + bytes((number,)) + digest_of(record) + reader_of(reader)


def _suite(number: int) -> SealingSuite:
    found = suite(number)
    if found is None:
        raise BadVersion("suite", number)
    return found


def _key_entry(entry: dagcbor.Value) -> tuple[int, bytes]:
    match entry:
        case [int(number), bytes(public)]:
            known = suite(number)
            if not 0 < number < 256 or (known is not None and len(public) != known.public_length):
                raise Malformed(_CARD, f"suite {number} has no public key of this length")
            return number, public
    raise Malformed(_CARD, "a key is not a pair of suite number and bytes")
