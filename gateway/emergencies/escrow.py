"""Record keys in escrow for emergencies: sealed, at posting, to a custodian whose key this gateway alone holds.

>>> escrow = Escrow.of(key)
>>> escrow.card                  # a slip for it is made with every slip for a standing reader (`gateway.slips`)

A key comes into escrow only where the patient's emergency preference allows every category of the record, and leaves it
only for a reader whom the ledger permits on an open break-glass (`released`). A narrower preference takes keys out
again; a wider one lets them in the next time that she is here.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, select

from gateway.bookmarks import Bookmark
from gateway.database import metadata, reading, writing
from gateway.errors import NotReady
from gateway.identity.cards import card_of
from gateway.identity.keystore import identity
from ledger import events
from ledger.codes import ORDINARY, Category
from ledger.database import reading as reading_index
from ledger.positions import newest_first, oldest_first
from ledger.rpc import head, quantity
from ledger.types import Address, address_of, raw
from offchain_store.keys import KeyCard, SealingKey

if TYPE_CHECKING:
    from gateway.services import Gateway

escrowed = Table(
    "escrowed",
    metadata,
    Column("patient", LargeBinary(20), primary_key=True),
    Column("block_number", BigInteger, nullable=False),
    Column("log_index", Integer, nullable=False),
)
"""Patients whose keys are in escrow as far as their preference of this event allows."""
preferences_seen = Bookmark("preferences_seen")
"""How far the changes of preferences were gone through."""


@dataclass(frozen=True, slots=True)
class Escrow:
    """The custodian: nobody on the ledger, and signs nothing."""

    address: Address
    sealing: SealingKey = field(repr=False)
    card: KeyCard

    @classmethod
    def of(cls, key: bytes) -> Self:
        """The custodian that follows from 32 secret bytes of this gateway."""
        person = identity(key, "custodian")
        return cls(person.address, person.sealing, card_of(person))


def released(gateway: "Gateway", reader: Address, patient: Address) -> tuple[Address, SealingKey]:
    """The custodian's key, for a reader whom the ledger has just permitted on a break-glass.

    Raises:
        NotReady: her opening is not buried deep enough yet (`confirmations`).
    """
    confirmed = max(0, head(gateway.node).number - gateway.settings.confirmations)
    opening = gateway.ledger.break_glass(patient, reader, confirmed)
    time = quantity(gateway.node.request("eth_getBlockByNumber", hex(confirmed), False)["timestamp"])
    if opening is None or max(time, int(gateway.clock())) >= opening.until:
        raise NotReady("the ledger has your opening, but not for long enough to be sure: try again in a moment")
    return gateway.escrow.address, gateway.escrow.sealing


def emergency_of(gateway: "Gateway", patient: Address) -> Category:
    """What an emergency may open, as the index knows it; unless she says otherwise, all that is not sensitive."""
    return emergency_of_many(gateway, [patient])[patient]


def emergency_of_many(gateway: "Gateway", patients: Collection[Address]) -> dict[Address, Category]:
    """The same for several patients."""
    found = dict.fromkeys(patients, ORDINARY)
    table = events.preferences
    raws = sorted({raw(patient) for patient in patients})
    with reading_index(gateway.ledger_database) as connection:
        for start in range(0, len(raws), 500):
            query = select(table.c.patient, table.c.emergency).where(table.c.patient.in_(raws[start : start + 500]))
            for row in connection.execute(query.order_by(*oldest_first(table))):
                found[address_of(row.patient)] = Category(row.emergency)
    return found


def newest_preference(gateway: "Gateway", patient: Address) -> tuple[int, int]:
    """Where the event of her preference stands; zeros: she has said nothing."""
    table = events.preferences
    query = select(table.c.block_number, table.c.log_index).where(table.c.patient == raw(patient))
    with reading_index(gateway.ledger_database) as connection:
        row = connection.execute(query.order_by(*newest_first(table))).first()
    return (row.block_number, row.log_index) if row else (0, 0)


def is_escrowed(gateway: "Gateway", patient: Address, position: tuple[int, int]) -> bool:
    """Whether everything that her preference of this event allows is in escrow."""
    with reading(gateway.database) as connection:
        row = connection.execute(select(escrowed).where(escrowed.c.patient == raw(patient))).one_or_none()
    return row is not None and (row.block_number, row.log_index) == position


def remember_escrowed(gateway: "Gateway", patient: Address, position: tuple[int, int]) -> None:
    """Everything that her preference of this event allows is in escrow."""
    with writing(gateway.database) as connection:
        connection.execute(escrowed.delete().where(escrowed.c.patient == raw(patient)))
        connection.execute(
            escrowed.insert().values(patient=raw(patient), block_number=position[0], log_index=position[1])
        )
