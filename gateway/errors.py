"""What can go wrong in this package; `gateway.web.problems` says which answer each becomes over HTTP.

GatewayError
├── NotSignedIn                no session, an ended one, or a refused sign-in
├── TooManyAttempts            too many sign-ins from one place or for one address
├── NotPermitted               the caller may not do this here
│   └── NotDelegated           the patient has not delegated it to him, or not any more
├── KeyNotHeld                 the caller's key is not unlocked here: she signs elsewhere (prepare, sign, submit)
├── InvalidInput               a value is not what it should be
├── NotFound                   no such thing, or not the caller's to know of
├── BodyTooLarge               more bytes than this gateway takes
├── RequestConflict            the idempotency key was used for another request, or its request is still at work
├── NotReady                   the gateway is starting, or its index is behind the chain
├── LogError
│   ├── LineInvalid            bytes that are no line of an access log
│   ├── LineNotAnchored        no checkpoint on the ledger covers the line yet
│   └── LogBroken              the access log is not the one that was there before: nothing more is written or signed
├── EvidenceInvalid            a file that is no evidence, or says what evidence does not say
├── KeystoreError
│   ├── KeystoreUnknown        no keystore here for the address
│   ├── KeystoreExists         there is one already
│   ├── PassphraseWrong        it does not unlock the keystore
│   └── PassphraseTooWeak      too short to protect anything
├── KeyCardError
│   ├── KeyCardMissing         the participant has published no key card
│   └── KeyCardInvalid         what the store holds is not what she published and signed
└── RecordError
    ├── RecordAltered          bytes that are not those that were anchored
    ├── RecordMissing          anchored, but the store does not have it (any more)
    ├── RecordNeverAnchored    nobody ever anchored this digest
    ├── RecordErased           its keys are destroyed
    ├── RecordRetained         it cannot be erased yet
    └── SlipMissing            the ledger permits, but nobody has made a key slip for this reader yet
"""

from gateway.notices.told import Told


class GatewayError(Exception):
    """The root: with `LedgerError` and `StoreError`, all that escapes this package's public functions."""


class NotSignedIn(GatewayError):
    """No session, an ended one, or a refused sign-in."""


class TooManyAttempts(GatewayError):
    """Too many sign-ins from one place or for one address."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        """Seconds."""
        super().__init__(f"too many attempts: try again in {retry_after} s")


class NotPermitted(GatewayError):
    """The caller may not do this here."""


class NotDelegated(NotPermitted):
    """The patient has not delegated it to the caller, or not any more."""


class KeyNotHeld(GatewayError):
    """The caller's key is not unlocked here."""

    def __init__(self) -> None:
        super().__init__("your key is not unlocked here: sign in with your passphrase, or prepare, sign and submit")


class InvalidInput(GatewayError):
    """A value is not what it should be."""

    def __init__(self, field: str, problem: str | Told) -> None:
        self.field = field
        self.problem = str(problem)
        self.told = problem if isinstance(problem, Told) else None
        """The problem, where pages say it in their reader's language."""
        super().__init__(f"{field}: {self.problem}")


class NotFound(GatewayError):
    """No such thing, or not the caller's to know of."""


class BodyTooLarge(GatewayError):
    """More bytes than this gateway takes."""

    def __init__(self, most: int) -> None:
        self.most = most
        super().__init__(f"the body is larger than the {most} bytes that this gateway takes")


class RequestConflict(GatewayError):
    """The idempotency key was used for another request, or its request is still at work."""

    def __init__(self, message: str, *, at_work: bool = False) -> None:
        self.at_work = at_work
        super().__init__(message)


class NotReady(GatewayError):
    """The gateway is starting, or its index is behind the chain."""


class LogError(GatewayError):
    """Something about the access log."""


class LineInvalid(LogError):
    """Bytes that are no line of an access log."""


class LineNotAnchored(LogError):
    """No checkpoint on the ledger covers the line yet."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        super().__init__(f"line {seq} is written, but no checkpoint on the ledger covers it yet: try again later")


class LogBroken(LogError):
    """The access log is not the one that was there before: lines or checkpoints are gone, or others."""


class EvidenceInvalid(GatewayError):
    """A file that is no evidence, or says what evidence does not say."""


class KeystoreError(GatewayError):
    """A keystore cannot be made or unlocked."""


class KeystoreUnknown(KeystoreError):
    """No keystore here for the address."""


class KeystoreExists(KeystoreError):
    """There is a keystore for the address already."""


class PassphraseWrong(KeystoreError):
    """The passphrase does not unlock the keystore."""


class PassphraseTooWeak(KeystoreError):
    """The passphrase is too short to protect anything."""


class KeyCardError(GatewayError):
    """A participant's key card cannot be used."""

    def __init__(self, address: str, problem: str) -> None:
        self.address = address
        super().__init__(f"key card of {address}: {problem}")


class KeyCardMissing(KeyCardError):
    """The participant has published no key card."""


class KeyCardInvalid(KeyCardError):
    """What the store holds is not what she published and signed."""


class RecordError(GatewayError):
    """A record cannot be given out; `digest` names it."""

    def __init__(self, digest: bytes, problem: str) -> None:
        self.digest = digest
        super().__init__(f"record {digest.hex()}: {problem}")


class RecordAltered(RecordError):
    """Bytes that are not those that were anchored."""


class RecordMissing(RecordError):
    """Anchored, but the store does not have it (any more)."""


class RecordNeverAnchored(RecordError):
    """Nobody ever anchored this digest."""


class RecordErased(RecordError):
    """Its keys are destroyed: on the patient's wish, or because it was not to be kept longer."""


class RecordRetained(RecordError):
    """It cannot be erased yet."""

    def __init__(self, digest: bytes, reason: str, until: int | None) -> None:
        self.reason = reason
        self.until = until
        """Seconds since 1970 from which on it may be; None: that depends."""
        super().__init__(digest, f"it cannot be erased yet: {reason}")


class SlipMissing(RecordError):
    """The ledger permits, but nobody has made a key slip for this reader yet."""
