"""A line of the access log: its one spelling, which is hashed, shown and proven.

>>> leaf = encode_leaf(7, attempt, salt=token_bytes(16))
>>> decode_leaf(leaf) == attempt, sequence_of(leaf)
(True, 7)

The salt is as random as a key: whoever sees the hash of a line that she may not see, in the proof of another, learns
nothing of it, however few readers and records there are to guess among.
"""

import json
from dataclasses import dataclass
from typing import Any

from gateway.errors import LineInvalid
from ledger.codes import BasisKind, Purpose, Reason
from ledger.types import Address, address_of

SALT_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to open a record, and how it was answered."""

    at: int
    """Seconds since 1970."""
    reader: Address
    patient: Address
    digest: bytes
    purpose: Purpose
    permitted: bool
    reason: Reason
    basis: BasisKind
    basis_id: bytes
    """Id of the consent or prescription it rests on; zeros for own, author and denials."""
    correlation: str
    """Of the activity that it belongs to."""


def encode_leaf(seq: int, attempt: Attempt, *, salt: bytes) -> bytes:
    """The line's bytes: canonical JSON, that is, sorted names, no spaces, ASCII."""
    fields = {
        "at": attempt.at,
        "basis": attempt.basis.name.lower(),
        "basis_id": attempt.basis_id.hex(),
        "correlation": attempt.correlation,
        "digest": attempt.digest.hex(),
        "patient": attempt.patient.lower(),
        "permitted": attempt.permitted,
        "purpose": attempt.purpose.name,
        "reader": attempt.reader.lower(),
        "reason": attempt.reason.name.lower(),
        "salt": salt.hex(),
        "seq": seq,
        "v": 2,
    }
    return _canonical(fields)


def decode_leaf(leaf: bytes) -> Attempt:
    """The attempt that a line tells of.

    Raises:
        LineInvalid: it is no line, or not spelled as one.
    """
    fields = _fields(leaf)
    try:
        return Attempt(
            at=_number(fields["at"]),
            reader=address_of(fields["reader"]),
            patient=address_of(fields["patient"]),
            digest=bytes.fromhex(fields["digest"]),
            purpose=Purpose[fields["purpose"]],
            permitted=fields["permitted"],
            reason=Reason[fields["reason"].upper()],
            basis=BasisKind[fields["basis"].upper()],
            basis_id=bytes.fromhex(fields["basis_id"]),
            correlation=fields["correlation"],
        )
    except (KeyError, ValueError, TypeError, AttributeError) as failure:
        raise LineInvalid("a line lacks something, or says what this program does not know") from failure


def sequence_of(leaf: bytes) -> int:
    """The number that a line gives itself.

    Raises:
        LineInvalid
    """
    return _number(_fields(leaf).get("seq"))


def _fields(leaf: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(leaf)
    except ValueError as failure:
        raise LineInvalid("a line is not JSON") from failure
    # Lines of version 1 have no salt.
    if not isinstance(fields, dict) or fields.get("v") not in (1, 2) or _canonical(fields) != leaf:
        raise LineInvalid("a line is not in its one spelling: sorted names, no spaces, ASCII")
    return fields


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise LineInvalid("a number of a line is none")
    return value


def _canonical(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
