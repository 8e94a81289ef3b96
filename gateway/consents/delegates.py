"""Who may act for whom: as the ledger has it now, and as the index has it, for making slips and lists.

>>> delegates_of(gateway, ana, Power.READ, Category.LABORATORY, at)
['0x...']
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, and_, bindparam, or_, select

from gateway.clocks import chain_time
from gateway.errors import NotDelegated
from ledger import events_care
from ledger.care import Delegation
from ledger.codes import Category, Power, Role
from ledger.database import reading
from ledger.positions import Position, newest_first
from ledger.types import Address, address_of, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

_AT_ONCE = 500
"""Patients in one question."""


@dataclass(frozen=True, slots=True)
class Delegated:
    """What a patient has last said about a delegate."""

    patient: Address
    delegate: Address
    powers: Power
    """None: it was ended."""
    categories: Category
    until: int
    """Seconds since 1970."""
    position: Position

    def gives(self, anyof: Power, at: int) -> bool:
        """Whether one of these powers is his at a time."""
        return bool(self.powers & anyof) and at < self.until


def require(gateway: "Gateway", delegate: Address, patient: Address, anyof: Power) -> Delegation:
    """What the ledger, now, says that the patient lets this person do.

    Raises:
        NotDelegated: none of these powers, not any more, or she denies him.
    """
    found = live_delegation(gateway, delegate, patient)
    if found is None or not found.powers & anyof:
        raise NotDelegated("the patient has not delegated this to you")
    return found


def live_delegation(gateway: "Gateway", delegate: Address, patient: Address) -> Delegation | None:
    """What the patient lets this person do, at the chain's newest block; None: nothing."""
    ledger = gateway.ledger
    found = ledger.delegation(patient, delegate)
    if not found.has(Power(0), chain_time(gateway)) or not found.powers:
        return None
    him = ledger.participant(delegate)
    if him is None or him.suspended or ledger.is_denied(patient, delegate):
        return None
    if him.roles & ~Role.PATIENT and him.organization != delegate and ledger.is_denied(patient, him.organization):
        return None
    return found


def delegates_of(gateway: "Gateway", patient: Address, power: Power, categories: Category, at: int) -> list[Address]:
    """Who may, at a time, do this for the patient in all of these categories."""
    found = delegations_of(gateway, patient)
    return [one.delegate for one in found if one.gives(power, at) and not categories & ~one.categories]


def delegations_of(gateway: "Gateway", patient: Address) -> list[Delegated]:
    """What the patient has last said about each delegate of hers, the newest first; ended ones too."""
    return delegations_of_many(gateway, [patient]).get(patient, [])


def delegations_of_many(gateway: "Gateway", patients: Sequence[Address]) -> dict[Address, list[Delegated]]:
    """The same for many patients; those who never named anybody are left out."""
    asked = [raw(patient) for patient in dict.fromkeys(patients)]
    found: dict[Address, list[Delegated]] = {}
    with reading(gateway.ledger_database) as connection:
        for start in range(0, len(asked), _AT_ONCE):
            some = {"patients": asked[start : start + _AT_ONCE]}
            for one in _newest(connection.execute(_said_by_patients(), some).all()):
                found.setdefault(one.patient, []).append(one)
    return found


def ever_named(gateway: "Gateway", one: Address, other: Address) -> bool:
    """Whether one of the two ever named the other her delegate: they know each other's names."""
    table = events_care.delegations
    pair = or_(
        and_(table.c.patient == raw(one), table.c.delegate == raw(other)),
        and_(table.c.patient == raw(other), table.c.delegate == raw(one)),
    )
    with reading(gateway.ledger_database) as connection:
        return connection.execute(select(table.c.powers).where(pair).limit(1)).first() is not None


@cache
def _said_by_patients() -> Select[Any]:
    """Built once: composing a statement takes longer than running it."""
    table = events_care.delegations
    query = select(table).where(table.c.patient.in_(bindparam("patients", expanding=True)))
    return query.order_by(*newest_first(table))


def _newest(rows: Sequence[Row[Any]]) -> list[Delegated]:
    """Of rows, the newest first, the first of each pair."""
    pairs: dict[tuple[bytes, bytes], Delegated] = {}
    for row in rows:
        if (row.patient, row.delegate) not in pairs:
            pairs[row.patient, row.delegate] = Delegated(
                patient=address_of(row.patient),
                delegate=address_of(row.delegate),
                powers=Power(row.powers),
                categories=Category(row.categories),
                until=row.until,
                position=(row.block_number, row.log_index),
            )
    return list(pairs.values())
