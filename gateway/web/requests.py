"""What requests with an idempotency key have done, so that asking again does nothing twice and answers the same.

>>> key = requests.key(caller, "POST", "/v1/consents", "click-17")
>>> requests.remember_answer(key, requests.mac(body), 201, b'{"...": 1}')
>>> requests.find(key, requests.mac(body)).answer
(201, b'{"...": 1}')
"""

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from sqlalchemy import BigInteger, Column, Engine, Index, Integer, LargeBinary, Table, select

from gateway.database import metadata, reading, writing
from gateway.errors import RequestConflict
from gateway.identity.secrets_at_rest import derive, open_small, seal_small

table = Table(
    "requests",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("body", LargeBinary(32), nullable=False),
    Column("sealed", LargeBinary(32)),
    Column("status", Integer),
    Column("answer", LargeBinary),
    Column("at", BigInteger, nullable=False),
    Index("ix_requests_at", "at"),
)

KEPT = 7 * 86_400
"""Seconds that a request is remembered; acts in the outbox are remembered for ever."""


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier request under the same key came to."""

    sealed: bytes | None
    """Digest of the record that it sealed and put."""
    answer: tuple[int, bytes] | None
    """Status and body; None if it was cut off."""


class Requests:
    """The memory of requests. Keys and bodies are kept as keyed hashes: a body may be health data."""

    def __init__(self, engine: Engine, key: bytes, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._key = key
        self._keyed = HMAC(key, SHA256())
        self._answers = derive(key, "answers")
        self._clock = clock
        self._at_work: set[bytes] = set()
        self._lock = Lock()

    def key(self, caller: str, method: str, path: str, idempotency_key: str) -> bytes:
        """The name under which a request is remembered."""
        return self.mac("\n".join((caller.lower(), method, path, idempotency_key)).encode())

    def mac(self, content: bytes) -> bytes:
        """A keyed hash."""
        mac = self._keyed.copy()  # taking in the key anew takes longer than all the rest
        mac.update(content)
        return mac.finalize()

    def new_mac(self, content: bytes = b"") -> "hmac.HMAC":
        """A keyed hash in the making, for bodies that stream by."""
        return hmac.new(self._key, content, sha256)

    @contextmanager
    def at_work(self, key: bytes) -> Iterator[None]:
        """While a request is worked on.

        Raises:
            RequestConflict: the same one is being worked on already.
        """
        with self._lock:
            if key in self._at_work:
                raise RequestConflict("the same request is still at work: ask again in a moment", at_work=True)
            self._at_work.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._at_work.discard(key)

    def find(self, key: bytes, body: bytes) -> Known | None:
        """What an earlier request under the key came to; None: there was none.

        Raises:
            RequestConflict: it had another body.
        """
        with reading(self._engine) as connection:
            row = connection.execute(select(table).where(table.c.key == key)).one_or_none()
        if row is None:
            return None
        if not hmac.compare_digest(row.body, body):
            raise RequestConflict("the idempotency key was used for another request: take a new one")
        if row.status is None:
            return Known(row.sealed, None)
        return Known(row.sealed, (row.status, open_small(self._answers, row.answer, context=key)))

    def is_known(self, key: bytes) -> bool:
        """Whether there was a request under the key, whatever its body."""
        with reading(self._engine) as connection:
            return connection.execute(select(table.c.key).where(table.c.key == key)).one_or_none() is not None

    def remember_sealed(self, key: bytes, body: bytes, digest: bytes) -> None:
        """A record was sealed and put: a repetition goes on from here."""
        self._remember(key, body=body, sealed=digest)

    def remember_answer(self, key: bytes, body: bytes, status: int, answer: bytes) -> None:
        """The request was answered. Answers may hold names: they are kept sealed."""
        sealed = seal_small(self._answers, answer, context=key)
        self._remember(key, body=body, status=status, answer=sealed)

    def _remember(self, key: bytes, **columns: Any) -> None:
        now = int(self._clock())
        with writing(self._engine) as connection:
            changed = connection.execute(table.update().where(table.c.key == key).values(**columns)).rowcount
            if not changed:
                connection.execute(table.delete().where(table.c.at < now - KEPT))
                connection.execute(table.insert().values(key=key, at=now, **columns))
