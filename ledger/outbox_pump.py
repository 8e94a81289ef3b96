"""The far side of the outbox: signed rows are sent, watched, sent again, and laid to rest.

A step of the pump does these things, in this order, each in database transactions of its own:

    REOPEN     rows in blocks that are gone go back to sent
    SIGN       what waited for a key
    LOOK       which nonces of the open signers are mined
    SEND       what the node does not have, or has had for too long
    COLLECT    receipts of what must be mined by now, as its signer's nonce has passed it
    BURY       rows whose blocks are deep and old enough

Nothing is locked while the node is asked. Every step may be taken twice, by two processes, or be cut off anywhere: a
signed transaction sent twice is one transaction, and every update says which state it comes from.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

from sqlalchemy import Engine

from ledger.outbox_send import Sender
from ledger.outbox_signing import Signing
from ledger.outbox_watch import Watch
from ledger.preflight import Rejection
from ledger.rpc import Node


@dataclass(frozen=True, slots=True)
class Settings:
    """How patient and how greedy the pump is."""

    confirmations: int = 0
    """Blocks on top of a final one: 0 where a block is final at once (QBFT, a devnet), some dozen on a public chain."""
    final_after: float = 3.0
    """Seconds from the first sight of a receipt to `final`: on anvil some more than `save_every`."""
    in_flight: int = 2000
    """A signer's transactions at the node and not mined. Besu takes 200 if not told otherwise."""
    resend_after: float = 5.0
    """Seconds after which what is not mined is sent again: the node may have forgotten it."""
    stuck_after: float = 60.0
    """Seconds after which what is not mined offers more, where that helps."""
    missing_after: float = 10.0
    """Seconds that a nonce must be used up, without a receipt of ours, until the act gets a new nonce."""
    window: int = 2000
    """Rows taken up in one step."""


@dataclass(frozen=True, slots=True)
class Pumped:
    """What one step did, in rows. False if it did nothing."""

    reopened: int = 0
    signed: int = 0
    sent: int = 0
    mined: int = 0
    """Receipts found, of acts that succeeded and of acts that failed."""
    buried: int = 0

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


class Pump:
    """Moves rows along. Holds nothing between two steps: everything is in the database."""

    def __init__(
        self,
        engine: Engine,
        node: Node,
        signing: Signing,
        settings: Settings,
        rejection: Rejection,
        trace: Callable[[str], None],
    ) -> None:
        self._signing = signing
        self._settings = settings
        self._watch = Watch(engine, node, rejection, trace)
        self._sender = Sender(engine, node, signing, trace)

    def step(self) -> Pumped:
        """Take every step once.

        Raises:
            NodeUnavailable: the node does not answer; all is as it was, try again.
            NodeWentBack: the node is on another chain than the rows of this database.
        """
        far, near = self.far_half(), self.near_half()
        return Pumped(far.reopened, near.signed, near.sent, far.mined, far.buried)

    def near_half(self) -> Pumped:
        """SIGN and SEND. Not while the chain is other than the rows say: what was mined goes first (REOPEN)."""
        settings = self._settings
        signed = self._signing.sign_waiting()
        if not self._watch.is_canonical():
            return Pumped(signed=signed)
        sent = self._sender.send(
            in_flight=settings.in_flight,
            resend_after=settings.resend_after,
            stuck_after=settings.stuck_after,
            limit=settings.window,
        )
        return Pumped(signed=signed, sent=sent)

    def far_half(self) -> Pumped:
        """REOPEN, LOOK, COLLECT and BURY."""
        settings = self._settings
        self._signing.chain_id()
        reopened = 0
        if not self._watch.is_canonical():
            self._signing.check_genesis()
            reopened = self._watch.reopen()
        self._watch.look()
        mined = self._watch.collect(
            missing_after=settings.missing_after, confirmations=settings.confirmations, limit=settings.window
        )
        buried, gone = self._watch.bury(confirmations=settings.confirmations, final_after=settings.final_after)
        return Pumped(reopened=reopened + gone, mined=mined, buried=buried)
