"""Checking a presented prescription without the network: what that proves, and what it cannot.

    >>> found = check_offline(gateway, shown, envelope=None)
    >>> found.sound, found.not_proven[0]
    (True, 'That it was not dispensed, cancelled or paused meanwhile.')

It asks the gateway's own index, as old as that may be, and no node.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from gateway.notices.told import when
from gateway.prescriptions.qr import Presentation, endorser
from ledger.codes import Role
from ledger.events import prescriptions, registrations
from offchain_store.envelope import BlockSource, open_envelope
from offchain_store.errors import StoreError

if TYPE_CHECKING:
    from gateway.services import Gateway

NOT_PROVEN = (
    "That it was not dispensed, cancelled or paused meanwhile.",
    "That the prescriber was not suspended since this gateway last saw the ledger.",
    "That whoever shows it is the patient, or sent by her.",
)


@dataclass(frozen=True, slots=True)
class OfflineCheck:
    """What a code proves by itself and by this gateway's memory of the ledger."""

    proven: tuple[str, ...]
    refuted: tuple[str, ...]
    """What speaks against it; nothing may be handed out on it."""
    not_proven: tuple[str, ...]
    as_of_block: int | None
    """The newest block in which this gateway has seen a registration or prescription."""

    @property
    def sound(self) -> bool:
        """Nothing speaks against it."""
        return not self.refuted


def check_offline(
    gateway: "Gateway", shown: Presentation, *, envelope: BlockSource | None = None, at: int | None = None
) -> OfflineCheck:
    """Check a code without asking a node.

    Args:
        at: seconds since 1970; by this machine's clock if not given.
        envelope: the sealed body's blocks, where somebody has brought them along.
    """
    proven: list[str] = []
    refuted: list[str] = []
    open_questions = list(NOT_PROVEN)

    prescriber = shown.opening.prescriber
    signer = endorser(shown)
    if signer == prescriber:
        proven.append("The prescriber's key has signed this prescription, its body's digest, terms and fill keys.")
    elif shown.endorsement:
        refuted.append("The signature in the code is not the prescriber's.")
    known = gateway.index.participant(prescriber)
    if known is None or not known.roles & Role.PRESCRIBER:
        refuted.append("The prescriber is not registered as one, as far as this gateway has seen.")
    elif known.suspended:
        refuted.append("The prescriber was suspended when this gateway last saw the ledger.")
    else:
        proven.append("The prescriber was registered and not suspended when this gateway last saw the ledger.")

    if gateway.index.prescription(shown.id) is not None:
        proven.append("The ledger has this prescription: it was issued with exactly this body, terms and fill keys.")
    elif signer != prescriber:
        refuted.append("This gateway has not seen it issued, and nobody has signed it.")
    else:
        open_questions.insert(0, "That it was issued on the ledger: this gateway has not seen it yet.")

    now, terms = int(gateway.clock()) if at is None else at, shown.opening.terms
    if now < terms.not_before:
        refuted.append(f"It can be filled from {when(terms.not_before)} on.")
    elif now >= terms.expiry:
        refuted.append(f"It expired on {when(terms.expiry)}.")
    else:
        proven.append("By this machine's clock it is within its dates.")

    _check_body(shown, envelope, proven, refuted, open_questions)
    return OfflineCheck(tuple(proven), tuple(refuted), tuple(open_questions), _newest_block(gateway))


def _check_body(
    shown: Presentation,
    envelope: BlockSource | None,
    proven: list[str],
    refuted: list[str],
    open_questions: list[str],
) -> None:
    if envelope is None:
        open_questions.append("What the prescription says: its body was not brought along.")
        return
    try:
        for _ in open_envelope(envelope, shown.opening.digest, shown.record_key).chunks:
            pass
    except StoreError:
        refuted.append("The body that was brought along is not the one that was prescribed.")
    else:
        proven.append("The body that was brought along is the one that was prescribed, unaltered.")


def _newest_block(gateway: "Gateway") -> int | None:
    with gateway.ledger_database.connect() as connection:
        found = [
            connection.execute(select(func.max(table.c.block_number))).scalar()
            for table in (prescriptions, registrations)
        ]
    return max((block for block in found if block is not None), default=None)
