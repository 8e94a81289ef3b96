"""What a consent or a delegation reaches, and whose slips can open it: what handing over is asked about.

>>> Reach.of(consent).record is None          # all records of its categories, not one alone
True
"""

from dataclasses import dataclass
from typing import Protocol, Self

from ledger.codes import Category
from ledger.index import IndexedConsent
from ledger.types import Address
from offchain_store.keys import SealingKey


class Holder(Protocol):
    """Whose slips are opened: a person signed in here, or an organization whose sealing key is in custody."""

    @property
    def address(self) -> Address: ...

    @property
    def sealing(self) -> SealingKey: ...


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A holder of whom only the sealing key is here (`gateway.custody`): it opens, and signs nothing."""

    address: Address
    sealing: SealingKey


@dataclass(frozen=True, slots=True)
class Reach:
    """All of a patient's records of some categories, or one of them."""

    patient: Address
    categories: Category
    """A record is in reach if all of its categories are among these."""
    record: bytes | None = None
    """Digest of the only record in reach, 32 bytes."""

    @classmethod
    def of(cls, consent: IndexedConsent) -> Self:
        """What a consent reaches."""
        numbered = consent.scope.startswith(bytes(30))
        return cls(consent.patient, consent.terms.categories, None if numbered else consent.scope)
