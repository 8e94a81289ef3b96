"""The ledger's code: one address and one storage, and four contracts that are made one after the other.

>>> [contract.name for contract in contracts()]
['HealthLedgerDecision', 'HealthLedgerCare', 'HealthLedgerExtension', 'HealthLedger']

The last is the ledger. It holds the acts of every day; what it does not know it lets the code before it do, which goes
on in the same way. Each has the address of that one written into its own code.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from eth_abi.abi import encode

from ledger.abi import artifact
from ledger.types import Address, address_of

SIZE_LIMIT = 24_576
"""Most bytes of code that a contract may have (EIP-170)."""


@dataclass(frozen=True, slots=True)
class Immutable:
    """A place in the code where the constructor writes."""

    name: str
    start: int
    length: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One of the contracts whose code the ledger runs."""

    name: str
    creation: bytes
    """Code that makes it, to be followed by the constructor's arguments."""
    code: bytes
    """Code that is there afterwards; zeros where the constructor writes."""
    immutables: tuple[Immutable, ...]
    storage: tuple[tuple[str, int, int, str], ...]
    """Its variables: name, slot, first byte in the slot, type."""

    def matches(self, deployed: bytes) -> bool:
        """Whether deployed code is this code, whatever the constructor wrote."""
        masked = bytearray(deployed)
        for place in self.immutables:
            masked[place.start : place.start + place.length] = bytes(place.length)
        return masked == self.code

    def extension(self, deployed: bytes) -> Address | None:
        """The next contract's address, as it is written into the deployed code; None where there is no next."""
        for place in self.immutables:
            if place.name == "EXTENSION":
                return address_of(deployed[place.start : place.start + place.length][-20:])
        return None


@cache
def contracts() -> tuple[Contract, ...]:
    """The contracts of the shipped artifact in the order in which they are made; the last is the ledger."""
    return tuple(
        Contract(
            name=built["contractName"],
            creation=bytes.fromhex(built["bytecode"].removeprefix("0x")),
            code=bytes.fromhex(built["deployedBytecode"].removeprefix("0x")),
            immutables=tuple(Immutable(**place) for place in built["immutables"]),
            storage=tuple((name, slot, byte, type_) for name, slot, byte, type_ in built["storage"]),
        )
        for built in artifact()["contracts"]
    )


def create_ledger(create: Callable[[str, bytes], Address], *, consortium: Address, predecessor: Address) -> Address:
    """Make the contracts, each with the address of the one before.

    Args:
        create: given a contract's name and init code, makes it and returns its address.
        consortium: the address that will admit organizations.
        predecessor: the deployment that this one follows, or the zero address.

    Returns:
        The ledger's address. Whatever is made before it is of no effect by itself: if it does not come to the last, the
        first ones are left behind as dead code, and who begins anew makes all of them.
    """
    decision, care, extension, ledger = contracts()
    address = create(decision.name, decision.creation)
    address = create(care.name, care.creation + encode(["address"], [address]))
    address = create(extension.name, extension.creation + encode(["address", "address"], [predecessor, address]))
    return create(ledger.name, ledger.creation + encode(["address", "address"], [consortium, address]))
