"""What can go wrong in this package.

StoreError
├── OpeningError              what was got is not to be believed or cannot be opened; `outcome` names it in the vectors
│   ├── WrongDigest           the bytes are not those that the digest names
│   ├── WrongKey              the record key is not the one that this envelope commits to
│   ├── WrongRecipient        the key slip does not open for this reader and this record
│   ├── BadVersion            a version or suite that this program does not know
│   ├── Malformed             not in the one canonical form
│   ├── Truncated             something is missing at the end
│   ├── TrailingData          something follows after the end
│   ├── Reordered             a chunk of this envelope stands in the wrong place
│   ├── Altered               sealed bytes that do not authenticate
│   └── Forged                a key card that its owner did not sign
├── Missing                   the store has no such thing (`BlockMissing`, `SlipMissing`)
├── TooLarge                  beyond what the format or the store takes
├── InvalidName               a text or bytes that name nothing in a store
├── HeaderInvalid             a header that cannot be sealed
└── BackendError
    ├── StoreUnavailable      the backend does not answer
    └── StoreRejected         the backend answered with an error
"""

from typing import ClassVar


class StoreError(Exception):
    """The root: only this escapes the package's public functions."""


class OpeningError(StoreError):
    """What was got must not be believed, or cannot be opened."""

    outcome: ClassVar[str]
    """The word for it in the test vectors."""


class WrongDigest(OpeningError):
    """The bytes are not those that the digest names: the store lied, or rotted."""

    outcome = "wrong_digest"

    def __init__(self, expected: bytes, actual: bytes) -> None:
        self.expected = expected
        self.actual = actual
        super().__init__(
            f"asked for {expected.hex()}, got bytes whose digest is {actual.hex()}; "
            "get the block from another store and repair this one"
        )


class WrongKey(OpeningError):
    """The record key is not the one that this envelope commits to."""

    outcome = "wrong_key"

    def __init__(self) -> None:
        super().__init__("the record key is not this envelope's; take the key from the slip of this very record")


class WrongRecipient(OpeningError):
    """The key slip does not open for this reader and this record."""

    outcome = "wrong_recipient"

    def __init__(self, record: bytes, reader: bytes) -> None:
        self.record = record
        self.reader = reader
        super().__init__(
            f"the key slip does not open for reader 0x{reader.hex()} and record {record.hex()}: "
            "it is another's, another record's, or altered"
        )


class BadVersion(OpeningError):
    """A version or suite that this program does not know."""

    outcome = "bad_version"

    def __init__(self, what: str, value: object) -> None:
        self.what = what
        self.value = value
        super().__init__(f"{what} {value!r} is not known here; a newer program may know it")


class Malformed(OpeningError):
    """Not in the one canonical form."""

    outcome = "malformed"

    def __init__(self, what: str, reason: str) -> None:
        self.what = what
        self.reason = reason
        super().__init__(f"the {what} is malformed: {reason}")


class Truncated(OpeningError):
    """Something is missing at the end."""

    outcome = "truncated"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the {what} ends too early")


class TrailingData(OpeningError):
    """Something follows after the end."""

    outcome = "trailing_data"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the {what} goes on after its end")


class Reordered(OpeningError):
    """A chunk of this envelope stands in the wrong place."""

    outcome = "reordered"

    def __init__(self, expected: int, found: int) -> None:
        self.expected = expected
        self.found = found
        super().__init__(f"in place of chunk {expected} stands chunk {found}")


class Altered(OpeningError):
    """Sealed bytes that do not authenticate."""

    outcome = "altered"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the {what} does not authenticate: it was altered after it was sealed")


class Forged(OpeningError):
    """A key card that its owner did not sign."""

    outcome = "forged"

    def __init__(self, owner: bytes) -> None:
        self.owner = owner
        super().__init__(f"the key card is not signed by its owner 0x{owner.hex()}; seal nothing to it")


class Missing(StoreError):
    """The store has no such thing."""

    outcome: ClassVar[str] = "missing"


class BlockMissing(Missing):
    """The store has no such block."""

    def __init__(self, digest: bytes) -> None:
        self.digest = digest
        super().__init__(f"the store has no block {digest.hex()}")


class SlipMissing(Missing):
    """The store has no key slip of this reader for this record."""

    def __init__(self, record: bytes, reader: bytes) -> None:
        self.record = record
        self.reader = reader
        super().__init__(f"the store has no key slip of reader 0x{reader.hex()} for record {record.hex()}")


class TooLarge(StoreError):
    """Beyond what the format or the store takes."""

    def __init__(self, what: str, *, size: int, most: int) -> None:
        self.what = what
        self.size = size
        self.most = most
        super().__init__(f"the {what} is {size:,} bytes or more; at most {most:,} fit")


class InvalidName(StoreError):
    """A text or bytes that name nothing in a store."""

    def __init__(self, value: object, expected: str) -> None:
        self.value = value
        super().__init__(f"{value!r} is not {expected}")


class HeaderInvalid(StoreError):
    """A header that cannot be sealed."""

    def __init__(self, field: str, expected: str) -> None:
        self.field = field
        super().__init__(f"the header's {field} must be {expected}")


class BackendError(StoreError):
    """The backend failed; nothing is said about the record."""


class StoreUnavailable(BackendError):
    """The backend does not answer."""

    def __init__(self, backend: str, reason: str) -> None:
        self.backend = backend
        self.reason = reason
        super().__init__(f"{backend} does not answer ({reason}); see that it runs, then try again")


class StoreRejected(BackendError):
    """The backend answered with an error."""

    def __init__(self, backend: str, reason: str) -> None:
        self.backend = backend
        self.reason = reason
        super().__init__(f"{backend} refused: {reason}")
