"""Where a record stands on the ledger, and who wants to open it: what a decision is asked about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.codes import Role
from ledger.types import Address, AnchorProof, Subject

if TYPE_CHECKING:
    from gateway.services import Gateway
    from offchain_store.keys import SealingKey

PROFESSIONAL = Role(0x3FF) & ~Role.PATIENT
"""Roles in which a person acts for her organization."""


@dataclass(frozen=True, slots=True)
class Located:
    """A record as the index and the manifests know it; the ledger checks every word of it."""

    digest: bytes
    subject: Subject
    author: Address
    proof: AnchorProof
    unwrap: "Callable[[Gateway, Address, SealingKey], bytes | None] | None" = None
    """How a holder's slips give the record key, where it does not simply lie under the digest: in batches, and of
    prescriptions."""


Finder = Callable[["Gateway", bytes], Located | None]
"""Finds one kind of record: single, in a batch, a prescription's body. None: not of this kind."""


def people_behind(gateway: "Gateway", grantee: Address, limit: int = 100) -> list[Address]:
    """For whom to make key slips when this grantee may read: a person; an organization, whose gateway hands its own
    slip on to whoever of its people the ledger permits; a team's members (`limit` of them) and its organization."""
    participant = gateway.index.participant(grantee)
    if participant is None:
        return []
    if participant.roles & Role.TEAM:
        return [participant.organization, *gateway.index.members_of(grantee)[:limit]]
    return [grantee]
