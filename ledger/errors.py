"""What can go wrong in this package.

LedgerError
├── ContractRejected          the contract reverted; subclasses bear its custom errors' names (`ledger.rejections`)
├── AccessDenied              a decision was a denial (an outcome: raised only by `Decision.raise_if_denied`)
├── SignatureMalformed        bytes that are no signature
├── NoteInvalid               text that is no signed note, of another key, or no checkpoint (`ledger.checkpoint`)
├── DeploymentError           no usable deployment: not there, of another chain, or not ours
├── NodeError
│   ├── NodeUnavailable       the node does not answer
│   ├── NodeRejected          the node answered with an error
│   └── NodeWentBack          the node's chain is shorter than, or differs from, what was seen before
├── DatabaseError             the SQL database failed, or its URL names none (`ledger.database`)
├── DevnetError               the local development node could not be found, started or stopped
└── OutboxError
    ├── IdempotencyConflict   the key was used for another act
    ├── EntryUnknown          no such entry
    └── WaitTimedOut          the entry did not reach the state in time; it goes on by itself
"""

from collections.abc import Mapping
from typing import Any

from ledger.codes import Reason


class LedgerError(Exception):
    """The root: only this escapes the package's public functions."""


class ContractRejected(LedgerError):
    """The contract reverted with a custom error."""

    def __init__(self, name: str, values: Mapping[str, Any]) -> None:
        self.name = name
        """The custom error's name."""
        self.values = dict(values)
        """Its arguments by name."""
        super().__init__(f"{name}({', '.join(f'{key}={_show(value)}' for key, value in self.values.items())})")


class AccessDenied(LedgerError):
    """The ledger's decision is a denial."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(f"access denied: {reason.name.lower().replace('_', ' ')}")


class SignatureMalformed(LedgerError):
    """Bytes that are no signature."""


class DeploymentError(LedgerError):
    """No usable deployment."""


class NodeError(LedgerError):
    """The node, or the way to it."""


class NodeUnavailable(NodeError):
    """The node does not answer."""


class NodeRejected(NodeError):
    """The node answered a request with an error."""

    def __init__(self, method: str, code: int, message: str, data: Any = None) -> None:
        self.method = method
        self.code = code
        self.message = message
        self.data = data
        super().__init__(f"{method} failed with code {code}: {message}")


class NodeWentBack(NodeError):
    """The node's chain is shorter than, or differs from, what was seen before."""

    def __init__(self, number: int, expected: str, found: str | None) -> None:
        self.number = number
        """The block that is gone or another one now."""
        self.expected = expected
        self.found = found
        super().__init__(f"block {number} was {expected} and is now {found or 'not there'}: the chain went back")


class DevnetError(LedgerError):
    """The local development node could not be found, started or stopped."""


class OutboxError(LedgerError):
    """The outbox cannot do what was asked."""


class IdempotencyConflict(OutboxError):
    """The idempotency key was used for another act."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"idempotency key {key!r} was used for another act: use a new one")


class EntryUnknown(OutboxError):
    """No such entry."""


class WaitTimedOut(OutboxError):
    """The entry did not reach the state in time; it goes on by itself."""


def _show(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
