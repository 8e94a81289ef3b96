"""What waits for somebody to come back to it, also when this gateway is restarted meanwhile: sealed, and with an end.

>>> waiting.put("form", session, "xK3", b"...", seconds=3600)
>>> waiting.get("form", session, "xK3")
b'...'

It may be health data: only its kind, an address or hash of its owner's and a random name stand beside it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Column, Engine, Index, Integer, LargeBinary, String, Table, delete, select

from gateway.database import metadata, reading, writing
from gateway.identity.secrets_at_rest import open_small, seal_small

if TYPE_CHECKING:
    from gateway.services import Gateway

table = Table(
    "waiting",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("owner", LargeBinary(32), nullable=False),
    Column("name", String(64), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("until", BigInteger, nullable=False),
    Index("ix_waiting_name", "kind", "owner", "name", unique=True),
    Index("ix_waiting_until", "until"),
)
"""`until` in seconds since 1970; whoever looks later finds nothing."""


class Waiting:
    """All that waits at one gateway, under a key in a file of its own."""

    def __init__(self, engine: Engine, key: bytes, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._key = key
        self._clock = clock

    def put(self, kind: str, owner: bytes, name: str, content: bytes, *, seconds: int, most: int = 100) -> None:
        """Keep something, in place of what had the name before.

        Args:
            seconds: until it ends.
            most: of this kind and owner; the oldest go.
        """
        sealed = seal_small(self._key, content, context=_context(kind, owner, name))
        mine = (table.c.kind == kind, table.c.owner == owner)
        with writing(self._engine) as connection:
            connection.execute(delete(table).where(*mine, table.c.name == name))
            connection.execute(
                table.insert().values(
                    kind=kind, owner=owner, name=name, sealed=sealed, until=int(self._clock()) + seconds
                )
            )
            newest = select(table.c.id).where(*mine).order_by(table.c.id.desc()).limit(most)
            kept = list(connection.execute(newest).scalars())
            connection.execute(delete(table).where(*mine, table.c.id < kept[-1]))

    def get(self, kind: str, owner: bytes, name: str) -> bytes | None:
        """What was kept; None: nothing, or its end has come.

        Raises:
            KeystoreError: it was damaged, or the key file was replaced.
        """
        query = select(table.c.sealed, table.c.until).where(
            table.c.kind == kind, table.c.owner == owner, table.c.name == name
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.until <= self._clock():
            return None
        return open_small(self._key, row.sealed, context=_context(kind, owner, name))

    def drop(self, kind: str, owner: bytes, name: str | None = None) -> None:
        """Forget one thing, or all of an owner's."""
        which = [table.c.kind == kind, table.c.owner == owner, *([table.c.name == name] if name is not None else [])]
        with writing(self._engine) as connection:
            connection.execute(delete(table).where(*which))

    def sweep(self) -> int:
        """Remove what has come to its end; how much that was."""
        due = table.c.until <= int(self._clock())
        with reading(self._engine) as connection:
            if connection.execute(select(table.c.id).where(due).limit(1)).first() is None:
                return 0  # a look every second should not cost a write
        with writing(self._engine) as connection:
            return connection.execute(delete(table).where(due)).rowcount


def sweep_waiting(gateway: "Gateway") -> None:
    """A chore: nothing waits longer than it may."""
    gateway.waiting.sweep()


def _context(kind: str, owner: bytes, name: str) -> bytes:
    return b"\n".join((kind.encode(), owner, name.encode()))
