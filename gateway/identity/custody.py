"""Sealing keys that work unattended: with an organization's, its gateway hands slips on to the people who act for it.

Each lies sealed under this gateway's key file. It opens what was sealed for the organization and signs nothing; for
whom it opens, the ledger decides anew each time.
"""

from pathlib import Path

from gateway.identity.keystore import Identity
from gateway.identity.secrets_at_rest import open_small, seal_small, write_whole
from ledger.types import Address, address_of
from offchain_store.keys import SealingKey


class Custody:
    """The organizations whose sealing keys this gateway keeps."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder = folder
        self._key = key
        self._opened: dict[Address, SealingKey] = {}

    def keep(self, organization: Identity) -> None:
        """Keep an organization's sealing key."""
        context = organization.address.lower().encode()
        sealed = seal_small(self._key, organization.sealing.seed, context=context)
        write_whole(self._path(organization.address), sealed)

    def find(self, organization: Address) -> SealingKey | None:
        """The organization's sealing key; None if it is not kept here."""
        if organization not in self._opened:
            try:
                sealed = self._path(organization).read_bytes()
            except FileNotFoundError:
                return None
            seed = open_small(self._key, sealed, context=organization.lower().encode())
            self._opened[organization] = SealingKey.from_seed(seed)
        return self._opened[organization]

    def organizations(self) -> list[Address]:
        """Whose sealing keys are kept here."""
        return sorted(address_of(path.stem) for path in self._folder.glob("0x*.key"))

    def _path(self, organization: Address) -> Path:
        return self._folder / f"{organization.lower()}.key"
