"""Slips of consents that were withdrawn, and of people who were denied, by whatever way that came to the ledger: a
wallet's own transaction, another gateway. The ledger denied at once; here what is left is removed."""

from typing import TYPE_CHECKING

from gateway.bookmarks import Bookmark
from gateway.consents.consenting import take_back
from ledger import events
from ledger.types import address_of

if TYPE_CHECKING:
    from gateway.services import Gateway

swept = Bookmark("swept")
"""How far the events have been gone through."""

_AT_ONCE = 100


def sweep(gateway: "Gateway") -> None:
    """A chore: take back for every withdrawal and denial since the last time."""
    withdrawn = swept.behind(gateway, events.withdrawals, limit=_AT_ONCE)
    denied = swept.behind(gateway, events.denials, events.denials.c.denied, limit=_AT_ONCE)
    newer = sorted((row.block_number, row.log_index, row.patient, row.grantee) for row in (*withdrawn, *denied))
    for block_number, log_index, patient, grantee in newer[:_AT_ONCE]:
        take_back(gateway, address_of(patient), address_of(grantee))
        swept.move(gateway, (block_number, log_index))
