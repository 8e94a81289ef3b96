"""Acts on prescriptions that are asked for again: the same one, although each try signs and seals anew.

>>> sent = earlier(gateway, pharmacist.address, errand)
>>> require_same(sent, act), record_in(sent)
(None, b'...')
"""

from typing import Any

from ledger.abi import Abi
from ledger.acts import Act
from ledger.errors import IdempotencyConflict
from ledger.outbox import Entry
from ledger.types import Subject

_PRESENTED = ("dispensePresented", "reservePresented")
_DISPENSING = ("dispensePresented", "dispenseGranted", "dispenseReserved")


def require_same(sent: Entry, act: Act) -> None:
    """The act that a first try has sent is the one that is asked for now.

    Raises:
        IdempotencyConflict: it is another one: another prescription, fill or reservation, or other units.
    """
    if _essence(sent.data) != _essence(act.data):
        raise IdempotencyConflict(sent.idempotency_key)


def record_in(sent: Entry) -> bytes | None:
    """Digest of the MedicationDispense that a first try has sealed; None: it sealed none."""
    name, arguments = Abi.shipped().decode_call(sent.data)
    record: bytes = arguments[-1] if name in _DISPENSING else bytes(32)
    return record if any(record) else None


def _essence(data: bytes) -> tuple[Any, ...]:
    """What is asked for, without what a try chooses for itself: deadline and signature under a claim, the record that
    was sealed, the consent that lets the pharmacist in, the state that an undoing goes back to."""
    name, (opening, *rest) = Abi.shipped().decode_call(data)
    if isinstance(opening, tuple):
        prescriber, subject, *hidden = opening
        opening = (prescriber, Subject.unpack(subject).identity(), *hidden)
    if name in _PRESENTED:
        path, (body, *_signed), *others = rest
        rest = [path, body, *others]
    if name in _DISPENSING:
        rest.pop()
    if name == "undo":
        rest.clear()
    return name, opening, *rest
