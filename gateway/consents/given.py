"""The consents of a patient, however she gave them: by an act on the ledger, or by a signature that an organization
collected and anchored (`gateway.consents.signed`). Whoever lists, exports or looks for her consents asks here.

    >>> [consent.terms.expiry for consent in given_by(gateway, ana.address, limit=50)]
    [1767225600]

What is found here permits nothing; it is what the chain is asked about.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.consents.collected import consents
from gateway.consents.signed import signed_numbers, signed_where
from ledger.index import IndexedConsent
from ledger.positions import Position
from ledger.types import Address, raw

if TYPE_CHECKING:
    from gateway.services import Gateway


def given_by(gateway: "Gateway", patient: Address, limit: int, before: Position | None = None) -> list[IndexedConsent]:
    """The consents that a patient gave, newest first, withdrawn and expired ones too."""
    granted = gateway.index.consents_of(patient, limit, before)
    return _newest([*granted, *signed_where(gateway, consents.c.patient == raw(patient), limit, before)], limit)


def given_to(
    gateway: "Gateway", grantees: Sequence[Address], limit: int, before: Position | None = None
) -> list[IndexedConsent]:
    """The consents that name any of the grantees, newest first."""
    granted = gateway.index.consents_for(grantees, limit, before)
    named = consents.c.grantee.in_(list(map(raw, grantees)))
    return _newest([*granted, *signed_where(gateway, named, limit, before)], limit)


def given(gateway: "Gateway", id_: bytes) -> IndexedConsent | None:
    """A consent by its id; None: nobody gave it. Of several that she signed under one id the newest: a withdrawal ends
    them all."""
    granted = gateway.index.consent(id_)
    return granted or next(iter(signed_where(gateway, consents.c.consent_id == id_, 1, None)), None)


def next_number(gateway: "Gateway", patient: Address, grantee: Address) -> int:
    """The first number of this pair that is free: a grant under that of a signed consent would take its place."""
    return gateway.index.next_consent_number(patient, grantee, signed_numbers(gateway, patient, grantee))


def _newest(found: list[IndexedConsent], limit: int) -> list[IndexedConsent]:
    return sorted(found, key=lambda one: one.position, reverse=True)[:limit]
