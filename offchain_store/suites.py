"""The sealing suites, by number: how a record key is sealed to one reader (RFC 9180, base mode, single shot).

    >>> pair = suite(HYBRID)
    >>> sealed = pair.seal(b"k" * 32, pair.public(seed), info=b"context")
    >>> pair.open(sealed, pair.private(seed), info=b"context") == b"k" * 32
    True

A suite that is broken one day gets a successor with a new number; old slips stay readable.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import shake_256
from typing import TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

CLASSIC = 1
"""X25519, HKDF-SHA256, AES-256-GCM."""

HYBRID = 2
"""ML-KEM-768 with X25519, HKDF-SHA256, AES-256-GCM: the default, because medical records outlive X25519."""

PrivateKey: TypeAlias = X25519PrivateKey | MLKEM768X25519PrivateKey
_Public: TypeAlias = X25519PublicKey | MLKEM768X25519PublicKey
_MLKEM_PUBLIC = 1184


@dataclass(frozen=True, slots=True)
class SealingSuite:
    """One suite; its keys are bytes to others: private ones 32-byte seeds, public ones as in the key card."""

    number: int
    public_length: int
    """Bytes of a public key."""
    overhead: int
    """Bytes that sealing adds: the encapsulated key and the AEAD's tag."""
    private: Callable[[bytes], PrivateKey]
    """What opens, made from a seed: in the hybrid suite that takes as long as opening, so it is worth keeping."""
    _hpke: Suite
    _load: Callable[[bytes], _Public]
    _public: Callable[[bytes], bytes]

    def public(self, seed: bytes) -> bytes:
        """The public key of a private seed."""
        return self._public(seed)

    def seal(self, plain: bytes, public: bytes, *, info: bytes) -> bytes:
        """Seal to a public key; `info` must be given again to open.

        Raises:
            ValueError: the public key is none.
        """
        if len(public) != self.public_length:
            raise ValueError(f"a public key of suite {self.number} has {self.public_length} bytes, not {len(public)}")
        return self._hpke.encrypt(plain, self._load(public), info=info)

    def open(self, sealed: bytes, private: PrivateKey, *, info: bytes) -> bytes | None:
        """What was sealed to this key's public half under this `info`; None if that cannot be."""
        try:
            return self._hpke.decrypt(sealed, private, info=info)
        except (InvalidTag, ValueError):  # ValueError: an encapsulated key that is no point
            return None


@cache
def suite(number: int) -> SealingSuite | None:
    """The suite of this number, if it is known here."""
    if number == CLASSIC:
        return SealingSuite(
            number=CLASSIC,
            public_length=32,
            overhead=32 + 16,
            _hpke=Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
            private=X25519PrivateKey.from_private_bytes,
            _load=X25519PublicKey.from_public_bytes,
            _public=lambda seed: X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw(),
        )
    if number == HYBRID:
        return SealingSuite(
            number=HYBRID,
            public_length=_MLKEM_PUBLIC + 32,
            overhead=1088 + 32 + 16,
            _hpke=Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
            private=lambda seed: MLKEM768X25519PrivateKey(*_hybrid_halves(seed)),
            _load=_hybrid_public,
            _public=lambda seed: b"".join(half.public_key().public_bytes_raw() for half in _hybrid_halves(seed)),
        )
    return None


@lru_cache(maxsize=256)
def _hybrid_public(public: bytes) -> MLKEM768X25519PublicKey:
    """Both public keys from one: a fifth of sealing to it, and of the many slips of a batch half are for one reader."""
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC]),
        X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:]),
    )


def _hybrid_halves(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    """Both private keys from one seed, as X-Wing has it: SHAKE-256 to 96 bytes, 64 of them ML-KEM's."""
    expanded = shake_256(seed).digest(96)
    return MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(expanded[64:])
