"""Who may see whose name: professionals, organizations and teams are known to all; a patient to those whom she
lets; delegate and patient to each other."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gateway.consents.delegates import ever_named
from gateway.consents.signed import signed_helping
from gateway.finding import grantees_of
from gateway.located import PROFESSIONAL
from ledger.codes import Category, Role
from ledger.types import Address

if TYPE_CHECKING:
    from gateway.services import Gateway

_PUBLIC = PROFESSIONAL | Role.TEAM | Role.ORGANIZATION | Role.CONSORTIUM


def visible_names(gateway: "Gateway", viewer: Address, addresses: Iterable[Address]) -> dict[Address, str]:
    """The display names, of those addresses that have one here, which the viewer may see."""
    known = gateway.directory.names(set(addresses))
    return {address: name for address, name in known.items() if _may_see(gateway, viewer, address)}


def _may_see(gateway: "Gateway", viewer: Address, address: Address) -> bool:
    if viewer == address:
        return True
    participant = gateway.index.participant(address)
    if participant is None or participant.roles & _PUBLIC:
        return participant is not None
    if ever_named(gateway, viewer, address):
        return True
    seer = gateway.index.participant(viewer)
    if seer is None:
        return False
    if not seer.roles & (PROFESSIONAL | Role.ORGANIZATION):
        return False
    if participant.organization in (viewer, seer.organization):
        return True
    now = int(gateway.clock())
    asked = (address, grantees_of(gateway, viewer), Category(0xFFFF), 0xFFFF, now)
    granted = gateway.index.bases(*asked)
    if any(not consent.withdrawn and consent.terms.expiry > now for consent in granted):
        return True
    return bool(signed_helping(gateway, *asked))
