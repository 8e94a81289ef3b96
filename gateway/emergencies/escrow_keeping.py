"""Keeping the escrow as each patient's emergency preference says: a chore.

>>> keep_escrow(gateway)
"""

from typing import TYPE_CHECKING

from gateway.emergencies import escrow
from gateway.erasure.shredding import slip_names
from gateway.export.holdings import holdings
from gateway.identity.keystore import Identity
from gateway.slips.handing import hand_over_reach
from gateway.slips.reach import Reach
from ledger import events
from ledger.codes import Category
from ledger.types import Address, address_of, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

_AT_ONCE = 50


def keep_escrow(gateway: "Gateway") -> None:
    """A chore: take out what a narrower preference no longer allows; put in what a wider one does, while she is here,
    whichever way her preference came to the ledger."""
    for change in escrow.preferences_seen.behind(gateway, events.preferences, limit=_AT_ONCE):
        patient = address_of(change.patient)
        take_out(gateway, patient, escrow.emergency_of(gateway, patient))
        escrow.preferences_seen.move(gateway, (change.block_number, change.log_index))
    for address in gateway.sessions.signed_in():
        her = gateway.sessions.unlocked(address)
        if her is not None:
            put_in(gateway, her)


def put_in(gateway: "Gateway", patient: Identity) -> int:
    """Put into escrow what her preference allows and is not there yet, with her key; how many keys."""
    position = escrow.newest_preference(gateway, patient.address)
    if escrow.is_escrowed(gateway, patient.address, position):
        return 0
    allowed = escrow.emergency_of(gateway, patient.address)
    made = hand_over_reach(gateway, Reach(patient.address, allowed), [gateway.escrow.address], patient)
    escrow.remember_escrowed(gateway, patient.address, position)
    return made


def take_out(gateway: "Gateway", patient: Address, allowed: Category) -> int:
    """Destroy the custodian's slips of what is no longer allowed; how many."""
    custodian = raw(gateway.escrow.address)
    removed = 0
    for holding in holdings(gateway, patient):
        if holding.categories & ~allowed:
            for name in slip_names(gateway, holding):
                if custodian in gateway.store.list_slips(name):
                    gateway.store.delete_slip(name, custodian)
                    removed += 1
    return removed
