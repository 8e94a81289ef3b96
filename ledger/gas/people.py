"""Everybody in a gas run, from a seed: the same seed gives the same keys, addresses and digests, and so the same gas.

>>> alice = person("seed", "patient", 0)
>>> alice == person("seed", "patient", 0)
True
"""

from dataclasses import dataclass
from functools import lru_cache

from eth_utils.crypto import keccak

from ledger.transactions import KeySigner
from ledger.types import Address


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs; also an organization's own account."""

    key: bytes
    """Private key, 32 bytes: worth nothing outside a gas run."""
    address: Address


def random_bytes(seed: str, *labels: str | int) -> bytes:
    """32 bytes that look random and are the same for the same seed and labels."""
    return keccak(text="/".join(["consent-ledger gas", seed, *map(str, labels)]))


@lru_cache(maxsize=100_000)
def person(seed: str, *labels: str | int) -> Person:
    """The person of that seed and those labels."""
    return person_with(random_bytes(seed, "person", *labels))


def person_with(key: bytes) -> Person:
    """The person with that private key."""
    return Person(key, KeySigner(key).address)
