"""Acts on their way to the ledger: through the durable outbox, waited for as long as the caller cares to.

>>> entry = send(gateway, gateway.ledger.acts.withdraw(grantee, scope), signer=patient, errand=errand)
>>> entry.state
<State.MINED: 'mined'>
"""

from dataclasses import dataclass, replace
from secrets import token_hex
from typing import TYPE_CHECKING
from uuid import uuid4

from ledger.abi import rejection_class
from ledger.acts import Act
from ledger.errors import ContractRejected, WaitTimedOut
from ledger.outbox import Entry, State
from ledger.types import Address

if TYPE_CHECKING:
    from gateway.services import Gateway


@dataclass(frozen=True, slots=True)
class Errand:
    """What one request carries along from its start to its end."""

    correlation: str
    """Names the activity in HTTP, outbox and log."""
    key: str
    """Its acts are done once under this key, however often it is asked for."""
    wait: float = 0.0
    """Seconds to wait until an act is mined; 0: answer as soon as it is durable."""

    @classmethod
    def new(cls, wait: float = 0.0) -> "Errand":
        """An errand of its own."""
        return cls(correlation=str(uuid4()), key=token_hex(16), wait=wait)

    def step(self, name: str) -> "Errand":
        """The same errand's act of this name, where it needs several."""
        return replace(self, key=f"{self.key}/{name}")


def send(gateway: "Gateway", act: Act, *, signer: Address, errand: Errand, gas: int | None = None) -> Entry:
    """Enqueue an act, and wait for it if the errand says so.

    Args:
        gas: names the gas where the act depends on one that is not mined yet; it is then not tried out beforehand.

    Returns:
        The entry as it stands: mined and indexed, or still on its way when the wait is over.

    Raises:
        ContractRejected: the ledger refuses the act; the exception bears the custom error's name.
        IdempotencyConflict: the errand's key was used for another act.
    """
    entry = gateway.outbox.enqueue(
        act, signer=signer, idempotency_key=errand.key, correlation_id=errand.correlation, gas=gas
    )
    return await_entry(gateway, entry, errand.wait)


def await_entry(gateway: "Gateway", entry: Entry, seconds: float) -> Entry:
    """Wait until an entry is mined and the index has seen it; see `send`."""
    if seconds > 0 and entry.state not in (State.FAILED, State.FINAL):
        try:
            entry = gateway.outbox.wait(entry.id, State.MINED, seconds)
        except WaitTimedOut:
            entry = gateway.outbox.entry(entry.id)
    if entry.state is State.FAILED:
        raise rejection_of(entry)
    if seconds > 0 and entry.block_number is not None:
        gateway.wait_indexed(entry.block_number, seconds)
    return entry


def earlier(gateway: "Gateway", signer: Address, errand: Errand) -> Entry | None:
    """The act that an earlier try of the same errand has sent; None: it came not so far, or this is the first."""
    for entry in gateway.outbox.entries(signer=signer, correlation_id=errand.correlation):
        if entry.idempotency_key == errand.key:
            return entry
    return None


def rejection_of(entry: Entry) -> ContractRejected:
    """Why a failed entry failed, as the exception that its custom error is."""
    failure = entry.failure
    if failure is None:
        return ContractRejected("Unknown", {})
    return rejection_class(failure.name)(failure.name, failure.values)
