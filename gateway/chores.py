"""What is done in the background, again and again: each chore looks for work, does some, and can be cut off."""

import logging
from collections.abc import Callable, Sequence
from threading import Event
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import GatewayError
from gateway.selfcustody.transactions import send_again
from ledger.errors import LedgerError
from offchain_store.errors import StoreError

if TYPE_CHECKING:
    from gateway.services import Gateway

Chore = Callable[["Gateway"], None]

_INTERVAL = 1.0
"""Seconds between two rounds."""

log = logging.getLogger(__name__)


def run_chores(gateway: "Gateway", chores: Sequence[Chore], stopping: Event) -> None:
    """Do every chore once a second until `stopping` is set; one that fails is tried again in the next round."""
    every = (forget_ended_sessions, send_again, *chores)
    while not stopping.wait(_INTERVAL):
        for chore in every:
            try:
                chore(gateway)
            except (GatewayError, LedgerError, StoreError, SQLAlchemyError) as failure:
                log.warning("chore %s waits: %s", chore.__name__, type(failure).__name__)


def forget_ended_sessions(gateway: "Gateway") -> None:
    """Keys do not outlive their session."""
    gateway.sessions.forget_ended()
