"""What can go wrong with a form before anything is done.

GatewayError
└── FormError
    ├── FormInterrupted   the session, or its key, is gone: what was typed is kept until she has signed in again
    ├── FormStale         its CSRF token is of another session, or none: it is shown again, filled in
    ├── FormDelayed       the ledger does not answer: what was typed is kept, and shown when it does
    └── FormRefused       values that need another look, each with its sentence
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from gateway.portal.sent import Sent


class FormError(GatewayError):
    """A form that was sent cannot be acted upon as it is."""


class FormInterrupted(FormError):
    """The session of whoever sent it has ended, or a restart of the gateway has locked her key."""

    def __init__(self, sent: "Sent") -> None:
        self.sent = sent
        super().__init__("the session ended before the form was sent")


class FormStale(FormError):
    """It was not made for this session."""

    def __init__(self, sent: "Sent") -> None:
        self.sent = sent
        super().__init__("the form was not made for this session")


class FormDelayed(FormError):
    """The ledger does not answer."""

    def __init__(self, page: str) -> None:
        self.page = page
        """Path at which the form is shown again, filled in."""
        super().__init__("the ledger does not answer, so the form was kept")


class FormRefused(FormError):
    """Values that need another look."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = errors
        """Field name to sentence, in the reader's language; the empty name is the whole form."""
        super().__init__("values need another look")
