"""The ledger's words in Python: each packed storage word and struct of `contracts/types/` as a frozen dataclass.

>>> terms = ConsentTerms(Category.LABORATORY, purposes=Purpose.TREAT.bit, not_before=0, expiry=FOREVER)
>>> ConsentTerms.unpack(terms.pack()) == terms
True
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NewType, Self

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.codes import (
    AnchorKind,
    BasisKind,
    Category,
    PrescriptionStatus,
    Purpose,
    Reason,
    RecordState,
    Role,
)
from ledger.errors import AccessDenied
from ledger.keccak import keccak256

Address = NewType("Address", str)
"""EIP-55 checksummed address of a participant, organization or team."""

FOREVER = 2**40 - 1
"""The expiry that a patient names when she means for ever; also a decision that does not end by itself."""

ZERO_ADDRESS = Address("0x" + "00" * 20)

_TIME = 0xFF_FFFF_FFFF


def raw(address: str) -> bytes:
    """The 20 bytes of an address in 0x form."""
    return bytes.fromhex(address[2:])


def address_of(value: str | bytes | int) -> Address:
    """The checksummed address of 20 bytes, an integer or any hex form.

    Raises:
        ValueError: not an address.
    """
    if isinstance(value, int):
        value = value.to_bytes(20, "big")
    return _checksummed(value)


@lru_cache(maxsize=4_096)
def _checksummed(value: str | bytes) -> Address:
    """Remembered: the capitals cost a hash and a walk through forty letters, and the same few people come by again."""
    return Address(to_checksum_address(value))


def scope_number(number: int) -> bytes:
    """The scope of a pair's consent number `number` (0 to 65,535)."""
    return number.to_bytes(2, "big").rjust(32, b"\0")


@dataclass(frozen=True, slots=True)
class Participant:
    """All that the ledger knows of one participant."""

    organization: Address
    roles: Role
    since: int
    """Seconds since 1970."""
    suspended: bool
    emergency: Category
    """What a break-glass may open."""
    barred_authors: Category
    """Where authors may no longer read what they wrote."""
    over_denials: bool = False
    """A break-glass counts even for whom she denies."""

    @classmethod
    def unpack(cls, word: int) -> Self | None:
        """From the storage word; None if never registered."""
        if word == 0:
            return None
        return cls(
            organization=address_of(word & (2**160 - 1)),
            roles=Role(word >> 160 & 0xFFFF),
            since=word >> 176 & _TIME,
            suspended=bool(word >> 216 & 1),
            emergency=Category(word >> 224 & 0xFFFF),
            barred_authors=Category(word >> 240 & 0xFFFF),
            over_denials=bool(word >> 217 & 1),
        )


@dataclass(frozen=True, slots=True)
class ConsentTerms:
    """What a patient grants: live from `not_before` on, no longer at `expiry`."""

    categories: Category
    purposes: int
    """Mask of purposes, `ledger.codes.purposes_mask`."""
    not_before: int
    """Seconds since 1970."""
    expiry: int
    """Seconds since 1970; `FOREVER` if she says so."""
    may_write: bool = False

    def pack(self) -> int:
        """The word that the contract takes."""
        return (
            int(self.categories)
            | self.purposes << 16
            | self.not_before << 32
            | self.expiry << 72
            | int(self.may_write) << 112
        )

    @classmethod
    def unpack(cls, word: int) -> Self:
        return cls(
            categories=Category(word & 0xFFFF),
            purposes=word >> 16 & 0xFFFF,
            not_before=word >> 32 & _TIME,
            expiry=word >> 72 & _TIME,
            may_write=bool(word >> 112 & 1),
        )


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent as the ledger has it; `terms` is None where only a denial or a voided scope is stored."""

    terms: ConsentTerms | None
    withdrawn_at: int
    """Seconds since 1970; 0: not withdrawn."""
    denied: bool
    """In a pair's consent number 0: the patient denies this grantee everything."""
    denials: int
    """How often the denial has changed."""

    @classmethod
    def unpack(cls, word: int) -> Self:
        terms = word & (2**113 - 1)
        return cls(
            terms=ConsentTerms.unpack(terms) if terms else None,
            withdrawn_at=word >> 120 & _TIME,
            denied=bool(word >> 113 & 1),
            denials=word >> 160 & 0xFFFF,
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a record is about and what kind it is; beside it, which consent lets the caller act."""

    patient: Address
    categories: Category
    consent_number: int = 0
    via_organization: bool = False
    proposed: bool = False
    """In the leaf of a batch: the author names no consent."""

    def pack(self) -> int:
        leave = self.consent_number | int(self.via_organization) << 16 | int(self.proposed) << 17
        return self.identity() | leave << 176

    def identity(self) -> int:
        """Patient and categories alone: what an anchor commits to."""
        return int(self.patient, 16) | int(self.categories) << 160

    @classmethod
    def unpack(cls, word: int) -> Self:
        return cls(
            patient=address_of(word & (2**160 - 1)),
            categories=Category(word >> 160 & 0xFFFF),
            consent_number=word >> 176 & 0xFFFF,
            via_organization=bool(word >> 192 & 1),
            proposed=bool(word >> 193 & 1),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """One anchored Merkle root over records or consents."""

    author: Address
    anchored_at: int
    kind: int
    """1: records, 2: consents."""
    count: int

    @classmethod
    def unpack(cls, word: int) -> Self | None:
        if word == 0:
            return None
        return cls(
            author=address_of(word & (2**160 - 1)),
            anchored_at=word >> 160 & _TIME,
            kind=word >> 216 & 0xFF,
            count=word >> 224,
        )


@dataclass(frozen=True, slots=True)
class PrescriptionTerms:
    """What a prescription allows."""

    fills: int
    """1 to 12."""
    per_fill: int
    """Most units a fill."""
    quantity: int
    """Units in all."""
    min_interval: int
    """Seconds between fills."""
    not_before: int
    expiry: int
    grantable: bool = False
    """The prescriber agrees that a pharmacy with the patient's consent may claim without a fill key."""

    def pack(self) -> int:
        return (
            self.fills
            | self.per_fill << 8
            | self.quantity << 32
            | self.min_interval << 56
            | self.not_before << 88
            | self.expiry << 128
            | int(self.grantable) << 168
        )

    def word(self) -> bytes:
        """As they are hashed: 32 bytes."""
        return self.pack().to_bytes(32, "big")

    @classmethod
    def unpack(cls, word: int) -> Self:
        return cls(
            fills=word & 0xFF,
            per_fill=word >> 8 & 0xFF_FFFF,
            quantity=word >> 32 & 0xFF_FFFF,
            min_interval=word >> 56 & 0xFFFF_FFFF,
            not_before=word >> 88 & _TIME,
            expiry=word >> 128 & _TIME,
            grantable=bool(word >> 168 & 1),
        )


@dataclass(frozen=True, slots=True)
class PrescriptionState:
    """What has become of a prescription."""

    status: PrescriptionStatus
    fills_used: int
    units_used: int
    owing: int
    """Units still owed on an open fill; 0: no fill is open."""
    dispensed_at: int
    """Seconds since 1970 of the last dispense."""
    lease_until: int
    fence: int
    """Number of the last claim."""
    word: int
    """The storage word, which `undo` asks for."""

    @classmethod
    def unpack(cls, word: int) -> Self:
        return cls(
            status=PrescriptionStatus(word & 0xFF),
            fills_used=word >> 8 & 0xFF,
            units_used=word >> 16 & 0xFF_FFFF,
            owing=word >> 40 & 0xFF_FFFF,
            dispensed_at=word >> 64 & _TIME,
            lease_until=word >> 104 & _TIME,
            fence=word >> 144 & 0xFFFF,
            word=word,
        )

    def claimable_fill(self) -> int:
        """The fill that a claim made now would be for: the open one, else the next (counted from 0)."""
        return self.fills_used - 1 if self.owing else self.fills_used


@dataclass(frozen=True, slots=True)
class Opening:
    """The parts that a prescription's id commits to."""

    prescriber: Address
    subject: Subject
    digest: bytes
    """Digest of the sealed body, 32 bytes."""
    fill_keys: bytes
    """Merkle root of the fill keys, 32 bytes."""
    terms: PrescriptionTerms

    def as_tuple(self) -> tuple[str, int, int, bytes]:
        """The struct as the ABI takes it."""
        return (self.prescriber, self.subject.pack(), self.terms.pack(), self.hidden())

    def hidden(self) -> bytes:
        """keccak256(digest, fillKeys): a claim on consents shows neither."""
        return keccak256(self.digest + self.fill_keys)

    def terms_hash(self) -> bytes:
        """What is published when the prescription is issued."""
        return terms_hash_of(self.digest, self.fill_keys, self.terms.word())

    def id(self) -> bytes:
        """The prescription's id, 32 bytes."""
        return prescription_id(self.prescriber, self.subject, self.terms_hash())


@dataclass(frozen=True, slots=True)
class HandOut:
    """What a pharmacist hands out."""

    units: int
    owed: bool = False
    """The rest of this fill is owed, to be collected later."""
    anchored: bool = False
    """Anchor the MedicationDispense in the same transaction."""

    def pack(self) -> int:
        return self.units | int(self.owed) << 24 | int(self.anchored) << 25


@dataclass(frozen=True, slots=True)
class AnchorProof:
    """Where a record stands on the ledger."""

    kind: AnchorKind = AnchorKind.SINGLE
    root: bytes = bytes(32)
    """Batch: its root. Prescription: the root of its fill keys."""
    index: int = 0
    path: tuple[bytes, ...] = ()
    """Batch: from the record's leaf to the root. Prescription: its terms."""

    def as_tuple(self) -> tuple[int, bytes, int, list[bytes]]:
        return (int(self.kind), self.root, self.index, list(self.path))


@dataclass(frozen=True, slots=True)
class Basis:
    """One thing that a reader says gives her access."""

    kind: BasisKind
    grantee: Address = ZERO_ADDRESS
    scope: bytes = bytes(32)
    proof: bytes = b""

    def as_tuple(self) -> tuple[int, str, bytes, bytes]:
        return (int(self.kind), self.grantee, self.scope, self.proof)


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Who wants to read which record for which purpose."""

    reader: Address
    purpose: Purpose
    digest: bytes
    subject: Subject
    author: Address
    at: int = 0
    """Seconds since 1970; never before the block that is asked."""

    def as_tuple(self) -> tuple[str, int, int, bytes, int, str]:
        return (self.reader, int(self.purpose), self.at, self.digest, self.subject.pack(), self.author)


@dataclass(frozen=True, slots=True)
class Decision:
    """The ledger's answer; a denial is an outcome, not an exception."""

    permitted: bool
    reason: Reason
    basis: BasisKind
    basis_id: bytes
    """Id of the consent, prescription, delegation or opening that it rests on; zeros for own and author."""
    until: int
    """Seconds since 1970 at which, as things stand, it ends."""
    state: RecordState

    def raise_if_denied(self) -> None:
        """Raises:
        AccessDenied: the decision is a denial.
        """
        if not self.permitted:
            raise AccessDenied(self.reason)


def consent_id(patient: Address, grantee: Address, scope: bytes) -> bytes:
    """The id under which a consent is stored and named as a basis."""
    return keccak(encode(["address", "address", "bytes32"], [patient, grantee, scope]))


def prescription_id(prescriber: Address, subject: Subject, terms_hash: bytes) -> bytes:
    """keccak256(prescriber, patient and categories, termsHash): what the ledger keeps a prescription under."""
    return keccak256(raw(prescriber).rjust(32, b"\0") + subject.identity().to_bytes(32, "big") + terms_hash)


def terms_hash_of(digest: bytes, fill_keys: bytes, terms: bytes) -> bytes:
    """What is published of a prescription: its body's digest, its fill keys' root and its terms, 32 bytes each."""
    return keccak256(keccak256(digest + fill_keys) + terms)


def team_address(organization: Address, number: int) -> Address:
    """The address of an organization's team."""
    return address_of(keccak(encode(["string", "address", "uint96"], ["HealthLedger team", organization, number]))[12:])


def record_leaf(index: int, digest: bytes, subject: Subject) -> bytes:
    """The leaf of one record in a batch, hashed twice so that no inner node passes for a leaf; it commits to where the
    author's leave to write stands as well."""
    return keccak(keccak(encode(["uint32", "bytes32", "uint256"], [index, digest, subject.pack()])))


def fill_key_leaf(fill: int, key: Address) -> bytes:
    """The leaf of one fill key."""
    return keccak(keccak(encode(["uint8", "address"], [fill, key])))
