"""Signing in: with a wallet (EIP-4361, Sign-In with Ethereum) or with the passphrase of a keystore held here.

>>> message = auth.challenge(address)
>>> auth.wallet(message, sign(message), client="198.51.100.7") == address
True
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from threading import Lock

from pydantic import ValidationError
from siwe import ISO8601Datetime, SiweMessage, VerificationError
from sqlalchemy import BigInteger, Column, Engine, String, Table

from gateway.database import metadata, writing
from gateway.errors import KeystoreError, NotSignedIn, TooManyAttempts
from gateway.identity.keystore import Identity, Keystore
from ledger.types import Address, address_of

challenges = Table(
    "challenges",
    metadata,
    Column("nonce", String(32), primary_key=True),
    Column("expires_at", BigInteger, nullable=False),
)

CHALLENGE_SECONDS = 300
"""How long a sign-in message may take to be signed."""
_STATEMENT = "Sign in to the consent ledger. This signs no consent and costs nothing."
_LONGEST_MESSAGE = 2_000


class Auth:
    """Checks who somebody is; opens no session itself."""

    def __init__(
        self,
        engine: Engine,
        keystore: Keystore,
        *,
        domain: str,
        origin: str,
        chain_id: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._keystore = keystore
        self._domain = domain
        self._origin = origin
        self._chain_id = chain_id
        self._clock = clock
        self._limits = RateLimit(clock=clock)

    def challenge(self, address: Address) -> str:
        """The message that a wallet is to sign; good once, for five minutes, here and on this chain."""
        issued = datetime.fromtimestamp(int(self._clock()), UTC)
        nonce = token_hex(16)
        expires = issued + timedelta(seconds=CHALLENGE_SECONDS)
        message = SiweMessage(
            domain=self._domain,
            address=address_of(address),
            statement=_STATEMENT,
            uri=self._origin,
            version="1",
            chain_id=self._chain_id,
            nonce=nonce,
            issued_at=ISO8601Datetime.from_datetime(issued),
            expiration_time=ISO8601Datetime.from_datetime(expires),
        )
        with writing(self._engine) as connection:
            connection.execute(challenges.delete().where(challenges.c.expires_at < int(self._clock())))
            connection.execute(challenges.insert().values(nonce=nonce, expires_at=int(expires.timestamp())))
        return str(message.prepare_message())

    def wallet(self, message: str, signature: str, *, client: str) -> Address:
        """Who signed the challenge.

        Args:
            client: where the attempt comes from, for the rate limit.

        Raises:
            NotSignedIn: not our message, for elsewhere, too late, used before, or not signed by its address.
            TooManyAttempts
        """
        self._limits.take(f"client {client}")
        parsed = parse_message(message)
        if parsed.chain_id != self._chain_id or str(parsed.uri) != self._origin or parsed.expiration_time is None:
            raise NotSignedIn("the sign-in message is not for this gateway and chain")
        verify_message(parsed, signature, domain=self._domain, at=datetime.fromtimestamp(self._clock(), UTC))
        # Last, so that a message which is no good for another reason does not use its nonce up.
        with writing(self._engine) as connection:
            used = connection.execute(challenges.delete().where(challenges.c.nonce == parsed.nonce)).rowcount
        if used != 1:
            raise NotSignedIn("the sign-in message was used already, or was never asked for here")
        self._limits.forgive(f"client {client}")
        return address_of(parsed.address)

    def passphrase(self, address: Address, passphrase: str, *, client: str) -> Identity:
        """The unlocked keys of whoever knows the passphrase.

        Raises:
            NotSignedIn: no keystore for the address here, or another passphrase; it is not said which.
            TooManyAttempts
        """
        address = address_of(address)
        self._limits.take(f"client {client}")
        self._limits.take(f"address {address}")
        try:
            identity = self._keystore.unlock(address, passphrase)
        except KeystoreError:
            raise NotSignedIn("there is no such keystore here, or the passphrase is another one") from None
        self._limits.forgive(f"client {client}")
        self._limits.forgive(f"address {address}")
        return identity


def parse_message(message: str) -> SiweMessage:
    """Read an EIP-4361 message.

    Raises:
        NotSignedIn: it is none.
    """
    if len(message) > _LONGEST_MESSAGE:
        raise NotSignedIn("the sign-in message is too long")
    try:
        parsed = SiweMessage.from_message(message)
    except (ValidationError, ValueError) as failure:
        raise NotSignedIn("this is not a sign-in message (EIP-4361)") from failure
    if parsed.prepare_message() != message:
        raise NotSignedIn("the sign-in message is not in its canonical form (EIP-4361)")
    return parsed


def verify_message(parsed: SiweMessage, signature: str, *, domain: str, at: datetime, nonce: str | None = None) -> None:
    """Check domain, period and signature of a message.

    Raises:
        NotSignedIn: one of them is wrong.
    """
    try:
        if len(bytes.fromhex(signature.removeprefix("0x"))) != 65:
            raise NotSignedIn("a signature has 65 bytes")
        parsed.verify(signature, domain=domain, nonce=nonce, timestamp=at)
    except VerificationError as failure:
        raise NotSignedIn(f"the sign-in message is refused: {type(failure).__name__}") from failure
    except (ValueError, TypeError) as failure:
        raise NotSignedIn("the signature is malformed") from failure


class RateLimit:
    """So many attempts in so many seconds, each key by itself; a success forgives its key."""

    def __init__(
        self, attempts: int = 10, seconds: int = 60, *, clock: Callable[[], float] = time.time, most_keys: int = 10_000
    ) -> None:
        self._attempts = attempts
        self._seconds = seconds
        self._clock = clock
        self._most_keys = most_keys
        self._taken: dict[str, list[float]] = {}
        self._lock = Lock()

    def take(self, key: str) -> None:
        """Count an attempt.

        Raises:
            TooManyAttempts
        """
        now = self._clock()
        with self._lock:
            if len(self._taken) > self._most_keys:
                self._taken = {k: v for k, v in self._taken.items() if v[-1] > now - self._seconds}
            recent = [at for at in self._taken.get(key, []) if at > now - self._seconds]
            if len(recent) >= self._attempts:
                raise TooManyAttempts(int(recent[0] + self._seconds - now) + 1)
            self._taken[key] = [*recent, now]

    def forgive(self, key: str) -> None:
        """Take the last attempt back."""
        with self._lock:
            attempts = self._taken.get(key, [])
            if attempts:
                attempts.pop()
            if not attempts:
                self._taken.pop(key, None)
