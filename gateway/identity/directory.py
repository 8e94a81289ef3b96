"""Names for addresses, and addresses for outside identifiers, without a name or identifier in any database.

>>> directory.put(hospital, "St. Mary's")
>>> directory.name(hospital)
"St. Mary's"
"""

import hmac
import unicodedata
from collections.abc import Iterable
from hashlib import sha256

from sqlalchemy import Column, Engine, LargeBinary, Table, select

from gateway.database import metadata, reading, writing
from gateway.identity.secrets_at_rest import open_small, seal_small
from ledger.types import Address, raw

names = Table(
    "names",
    metadata,
    Column("address", LargeBinary(20), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)


_SEPARATORS = dict.fromkeys(map(ord, "-./\u2010\u2011\u2012\u2013\u2014"))


class Directory:
    """Display names that this gateway knows, sealed under a key in a file of its own."""

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._engine = engine
        self._key = key

    def put(self, address: Address, name: str) -> None:
        """Remember a name, in place of the one before."""
        mine = raw(address)
        sealed = seal_small(self._key, name.encode(), context=mine)
        with writing(self._engine) as connection:
            connection.execute(names.delete().where(names.c.address == mine))
            connection.execute(names.insert().values(address=mine, sealed=sealed))

    def name(self, address: Address) -> str | None:
        """The display name; None if this gateway knows none."""
        return self.names([address]).get(address)

    def names(self, addresses: Iterable[Address]) -> dict[Address, str]:
        """The display names of those that have one here."""
        by_raw = {raw(address): address for address in addresses}
        with reading(self._engine) as connection:
            rows = connection.execute(select(names).where(names.c.address.in_(by_raw))).all()
        return {by_raw[row.address]: open_small(self._key, row.sealed, context=row.address).decode() for row in rows}


def keyed_identifier(consortium_key: bytes, system: str, value: str) -> bytes:
    """What stands on the ledger for an outside identifier: 32 bytes that say nothing without the consortium's key.

    The system is a URI, taken as it is; the value is taken without spaces, dashes and dots, in upper case, so that one
    number written in several ways is one identifier.
    """
    plain = "".join(unicodedata.normalize("NFKC", value).split()).upper()
    plain = plain.translate(_SEPARATORS)
    return hmac.new(consortium_key, f"{system.strip()}|{plain}".encode(), sha256).digest()
