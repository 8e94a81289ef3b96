"""What the people of a prescription keep of it: its opening, the body's key and, the patient and who presents for her,
the fill keys.

    >>> slip = PrescriptionSlip(opening, record_key, fill_keys, endorsement)
    >>> slip.presentation(0).id == opening.id()
    True

A prescription slip is a note (`gateway.notes`) among the store's slips, under the prescription's terms hash.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from gateway.errors import InvalidInput, NotFound
from gateway.prescriptions.qr import Presentation, fill_address
from ledger.codes import Category
from ledger.merkle import MerkleTree
from ledger.types import Opening, PrescriptionTerms, Subject, address_of, fill_key_leaf, raw
from offchain_store import dagcbor
from offchain_store.errors import Malformed

_VERSION = 1
_TERMS_BYTES = 22
_FIELDS = {
    "version",
    "prescriber",
    "patient",
    "categories",
    "digest",
    "fillRoot",
    "terms",
    "recordKey",
    "fillKeys",
    "endorsement",
    "reading",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A fill key's leave to read the body, signed for one pharmacist: she reads while she holds the reservation."""

    fill: int
    path: tuple[bytes, ...]
    deadline: int
    r: bytes
    vs: bytes


@dataclass(frozen=True, slots=True)
class PrescriptionSlip:
    """One person's part of a prescription's secrets."""

    opening: Opening
    record_key: bytes = field(repr=False)
    """Opens the sealed body, 32 bytes."""
    fill_keys: tuple[bytes, ...] = field(default=(), repr=False)
    """The secret keys of the fills, in order; in the patient's slip, and in those of `gateway.consents.fill_keys`."""
    endorsement: bytes = b""
    """The prescriber's signature for checks without a network."""
    reading: Reading | None = None
    """In the slip of a pharmacist who reserved on a presented code."""

    @property
    def without_fill_keys(self) -> "PrescriptionSlip":
        """The slip of whoever may read and not present."""
        return replace(self, fill_keys=())

    def presentation(self, fill: int) -> Presentation:
        """What the patient shows for one fill.

        Raises:
            NotFound: this slip holds no such fill key.
        """
        if not 0 <= fill < len(self.fill_keys):
            raise NotFound(f"there is no fill {fill + 1} to show")
        tree = fill_tree(self.fill_keys)
        return Presentation(
            self.opening, fill, self.fill_keys[fill], tree.path(fill), self.record_key, self.endorsement
        )

    def encode(self) -> bytes:
        """Canonical dag-cbor."""
        opening = self.opening
        reading = self.reading
        fields: dict[str, dagcbor.Value] = {
            "version": _VERSION,
            "prescriber": raw(opening.prescriber),
            "patient": raw(opening.subject.patient),
            "categories": int(opening.subject.categories),
            "digest": opening.digest,
            "fillRoot": opening.fill_keys,
            "terms": opening.terms.pack().to_bytes(_TERMS_BYTES, "big"),
            "recordKey": self.record_key,
            "fillKeys": list(self.fill_keys),
            "endorsement": self.endorsement,
            "reading": [reading.fill, list(reading.path), reading.deadline, reading.r, reading.vs] if reading else [],
        }
        return dagcbor.encode(fields)

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Read a slip back.

        Raises:
            OpeningError: not one.
        """
        found = dagcbor.decode_map(encoded, what="prescription slip")
        if set(found) != _FIELDS or found["version"] != _VERSION:
            raise Malformed("prescription slip", "its fields are not those of a version known here")
        reading = _sequence(found["reading"])
        opening = Opening(
            prescriber=address_of(_bytes(found["prescriber"])),
            subject=Subject(address_of(_bytes(found["patient"])), Category(_number(found["categories"]))),
            digest=_bytes(found["digest"]),
            fill_keys=_bytes(found["fillRoot"]),
            terms=PrescriptionTerms.unpack(int.from_bytes(_bytes(found["terms"]), "big")),
        )
        return cls(
            opening=opening,
            record_key=_bytes(found["recordKey"]),
            fill_keys=tuple(_bytes(key) for key in _sequence(found["fillKeys"])),
            endorsement=_bytes(found["endorsement"]),
            reading=_reading(reading) if reading else None,
        )


def fill_tree(fill_keys: Sequence[bytes]) -> MerkleTree:
    """The Merkle tree over the addresses of fill keys."""
    if not fill_keys:
        raise InvalidInput("fills", "a prescription has at least one fill")
    return MerkleTree([fill_key_leaf(fill, fill_address(key)) for fill, key in enumerate(fill_keys)])


def _reading(values: Sequence[dagcbor.Value]) -> Reading:
    if len(values) != 5:
        raise Malformed("prescription slip", "its leave to read is not complete")
    fill, path, deadline, r, vs = values
    return Reading(
        _number(fill), tuple(_bytes(one) for one in _sequence(path)), _number(deadline), _bytes(r), _bytes(vs)
    )


def _bytes(value: dagcbor.Value) -> bytes:
    if not isinstance(value, bytes):
        raise Malformed("prescription slip", "a field is not of its kind")
    return value


def _number(value: dagcbor.Value) -> int:
    if not isinstance(value, int):
        raise Malformed("prescription slip", "a field is not of its kind")
    return value


def _sequence(value: dagcbor.Value) -> Sequence[dagcbor.Value]:
    if not isinstance(value, list):
        raise Malformed("prescription slip", "a field is not of its kind")
    return value
