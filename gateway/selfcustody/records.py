"""Records of authors who keep their keys: sealed and put here, anchored by a transaction that their wallets sign.

>>> prepared = prepare_deposit(gateway, doctor, Draft(ana, Category.LABORATORY, header), source)
>>> broadcast(gateway, doctor, wallet.sign(prepared.transaction), correlation)

The content is sealed before this returns, for the patient, for the author by her key card, and for standing readers;
but it is nobody's record until the transaction is mined: without an anchor every attempt to open it is refused.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from gateway.flow import Draft, anchoring, seal_for_readers
from gateway.selfcustody.transactions import prepare
from ledger.types import Address

if TYPE_CHECKING:
    from gateway.services import Gateway


@dataclass(frozen=True, slots=True)
class PreparedDeposit:
    """A record that waits for its author's signature."""

    digest: bytes
    proposed: bool
    """The patient has not let the author write: it counts once she accepts it."""
    transaction: dict[str, Any] = field(repr=False)
    """Unsigned: it anchors or proposes the digest, and nothing else."""


def prepare_deposit(gateway: "Gateway", author: Address, draft: Draft, source: BinaryIO) -> PreparedDeposit:
    """Seal a record and prepare the transaction by which its author anchors it, or proposes it.

    Raises:
        InvalidInput: no categories, or nobody of that address is a patient.
        KeyCardMissing: the patient or the author has no key card yet.
        ContractRejected: the ledger would refuse the record.
    """
    act, proposed = anchoring(gateway, author, draft)
    digest = seal_for_readers(gateway, author, draft, source, act)
    return PreparedDeposit(digest, proposed, prepare(gateway, author, act(digest)))
