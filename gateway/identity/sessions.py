"""Sessions: who is signed in, for how long, and whose keys are unlocked in this process's memory.

>>> token = sessions.open(ana.address, ana)
>>> sessions.find(token).identity is ana
True
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_urlsafe
from threading import Lock

from sqlalchemy import BigInteger, Column, Engine, Index, LargeBinary, Table, bindparam, select

from gateway.database import metadata, reading, writing
from gateway.errors import NotSignedIn
from gateway.identity.keystore import Identity
from ledger.types import Address, address_of, raw

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("address", LargeBinary(20), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Index("ix_sessions_address", "address"),
)

_BY_TOKEN = select(sessions).where(sessions.c.token_hash == bindparam("token_hash"))

_SEEN_EVERY = 30
"""Seconds between two notes that a session is in use: a read should not cost a write."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open session."""

    address: Address
    identity: Identity | None
    """The unlocked keys; None for a wallet's session, whose keys are elsewhere."""
    opened_at: int
    ends_at: int
    """Seconds since 1970 at which it ends whatever happens."""
    token_hash: bytes


class Sessions:
    """The open sessions; a token is known to its holder alone, here only its hash."""

    def __init__(self, engine: Engine, *, idle: int, absolute: int, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._idle = idle
        self._absolute = absolute
        self._clock = clock
        self._unlocked: dict[bytes, Identity] = {}
        self._lock = Lock()

    def open(self, address: Address, identity: Identity | None) -> str:
        """Open a session; its token, 256 random bits."""
        token = token_urlsafe(32)
        now = int(self._clock())
        with writing(self._engine) as connection:
            connection.execute(sessions.delete().where(sessions.c.opened_at <= now - self._absolute))
            connection.execute(
                sessions.insert().values(token_hash=_hash(token), address=raw(address), opened_at=now, seen_at=now)
            )
        if identity is not None:
            with self._lock:
                self._unlocked[_hash(token)] = identity
        return token

    def find(self, token: str) -> Session:
        """The session of a token.

        Raises:
            NotSignedIn: unknown, ended, idle for too long or too old.
        """
        token_hash = _hash(token)
        now = int(self._clock())
        with reading(self._engine) as connection:
            row = connection.execute(_BY_TOKEN, {"token_hash": token_hash}).one_or_none()
        if row is None:
            self._forget(token_hash)
            raise NotSignedIn("sign in first: there is no such session")
        if now >= row.seen_at + self._idle or now >= row.opened_at + self._absolute:
            self.close(token_hash)
            raise NotSignedIn("sign in again: the session has ended")
        if now >= row.seen_at + _SEEN_EVERY:
            with writing(self._engine) as connection:
                connection.execute(sessions.update().where(sessions.c.token_hash == token_hash).values(seen_at=now))
        with self._lock:
            identity = self._unlocked.get(token_hash)
        return Session(address_of(row.address), identity, row.opened_at, row.opened_at + self._absolute, token_hash)

    def close(self, token_hash: bytes) -> None:
        """End one session; its keys are forgotten."""
        with writing(self._engine) as connection:
            connection.execute(sessions.delete().where(sessions.c.token_hash == token_hash))
        self._forget(token_hash)

    def close_all(self, address: Address) -> None:
        """End every session of a person."""
        mine = raw(address)
        with writing(self._engine) as connection:
            query = select(sessions.c.token_hash).where(sessions.c.address == mine)
            hashes = list(connection.execute(query).scalars())
            connection.execute(sessions.delete().where(sessions.c.address == mine))
        for token_hash in hashes:
            self._forget(token_hash)

    def unlocked(self, address: Address) -> Identity | None:
        """The keys of a person who is signed in here with her passphrase."""
        with self._lock:
            held = [one for one in self._unlocked.items() if one[1].address == address]
        for token_hash, identity in held:
            if self._is_live(token_hash):
                return identity
        return None

    def signed_in(self) -> set[Address]:
        """Whose keys are unlocked here."""
        with self._lock:
            return {identity.address for identity in self._unlocked.values()}

    def is_live(self, token_hash: bytes) -> bool:
        """Whether a session goes on; asking does not keep it alive."""
        return self._is_live(token_hash)

    def forget_ended(self) -> None:
        """Drop the keys of sessions that have ended; called at intervals, so that none outlives its session."""
        with self._lock:
            held = list(self._unlocked)
        for token_hash in held:
            self._is_live(token_hash)

    def _is_live(self, token_hash: bytes) -> bool:
        now = int(self._clock())
        with reading(self._engine) as connection:
            row = connection.execute(_BY_TOKEN, {"token_hash": token_hash}).one_or_none()
        live = row is not None and now < row.seen_at + self._idle and now < row.opened_at + self._absolute
        if not live:
            self.close(token_hash)
        return live

    def _forget(self, token_hash: bytes) -> None:
        with self._lock:
            self._unlocked.pop(token_hash, None)


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
