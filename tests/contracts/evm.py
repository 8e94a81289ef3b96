"""An Ethereum machine in this process with one HealthLedger on it: send acts, read views, move the clock.

chain = Chain(consortium=address)
receipt = chain.send(patient, chain.acts.withdraw(doctor, scope_number(0)))
with refused("ConsentAlreadyWithdrawn"):
    chain.send(patient, chain.acts.withdraw(doctor, scope_number(0)))
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from eth_utils.crypto import keccak
from pyrevm import EVM, BlockEnv, CfgEnv, Env, TxEnv

from ledger.abi import Abi
from ledger.acts import Act, Acts
from ledger.code import create_ledger
from ledger.codes import BasisKind, PrescriptionStatus, Reason, RecordState
from ledger.eip712 import Domain
from ledger.errors import ContractRejected
from ledger.types import (
    ZERO_ADDRESS,
    AccessRequest,
    Address,
    AnchorProof,
    Basis,
    Batch,
    Consent,
    Decision,
    Participant,
    PrescriptionState,
    address_of,
)

START = 1_800_000_000
"""When every chain begins, seconds since 1970."""

_REVERT = re.compile(r"^Revert \{ gas_used: (\d+), output: 0x([0-9a-f]*) \}$")


@dataclass(frozen=True, slots=True)
class Event:
    """One decoded event; addresses are checksummed."""

    name: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a transaction did."""

    gas_used: int
    events: tuple[Event, ...]
    output: bytes


class Chain:
    """One chain, one deployment. Nothing is mined: the clock stands still until it is moved."""

    def __init__(self, *, consortium: Address, chain_id: int = 1337, predecessor: Address = ZERO_ADDRESS) -> None:
        self._abi = Abi.shipped()
        self._evm = EVM(
            env=Env(cfg=CfgEnv(chain_id=chain_id), block=_block(START), tx=TxEnv(chain_id=chain_id)),
            spec_id="CANCUN",
        )
        self.parts: dict[str, Address] = {}
        """Where the contracts are that the ledger consists of, by name."""

        def create(name: str, init_code: bytes) -> Address:
            self.parts[name] = self.create(consortium, init_code)
            return self.parts[name]

        self.contract = create_ledger(create, consortium=consortium, predecessor=predecessor)
        self.acts = Acts(self.contract, self._abi)
        self.domain = Domain(chain_id, self.contract)
        self.now = START

    def pass_time(self, seconds: int) -> None:
        """Move the clock on."""
        self.go_to(self.now + seconds)

    def go_to(self, time: int) -> None:
        """Set the clock; also back, for a test that looks at two sides of a boundary."""
        self._evm.set_block_env(_block(time))
        self.now = time

    def send(self, sender: Address, act: Act) -> Receipt:
        """Run a transaction.

        Raises:
            ContractRejected: it reverted; nothing has changed.
        """
        output = self._run(sender, act.data)
        result = self._evm.result
        assert result is not None
        events = []
        for log in result.logs:
            topics, data = log.data
            kind = self._abi.events_by_topic[bytes(topics[0])]
            values = kind.decode([bytes(topic) for topic in topics], bytes(data))
            for name, typ in zip(kind.names, kind.types, strict=True):
                if typ == "address":
                    values[name] = address_of(values[name])
            events.append(Event(kind.name, values))
        return Receipt(result.gas_used, tuple(events), output)

    def call(self, sender: Address, name: str, *args: Any) -> Receipt:
        """Send an act with arguments just as they are, for words that no type of ours would pack."""
        return self.send(sender, self.act(name, *args))

    def act(self, name: str, *args: Any) -> Act:
        """An act with arguments just as they are."""
        return Act(name, self.contract, self._abi.encode(name, *args))

    def view(self, name: str, *args: Any) -> Any:
        """The result of a view."""
        return self._abi.decode_output(name, self._run(ZERO_ADDRESS, self._abi.encode(name, *args)))

    def plant(self, keys: tuple[str | bytes, ...], before: int, after: int) -> None:
        """Overwrite a word that keys lead to, for states that only a long life reaches.

        The mapping is one of the ledger's own, or the one behind the first word of a mapping's entry (consents).
        """
        for slot in range(32):
            number = slot
            for depth, key in enumerate(keys):
                raw = bytes.fromhex(key[2:]) if isinstance(key, str) else key
                inner = number + (depth > 0)
                number = int.from_bytes(keccak(raw.rjust(32, b"\0") + inner.to_bytes(32, "big")), "big")
            if before and self._evm.storage(self.contract, number) == before:
                self._evm.insert_account_storage(self.contract, number, after)
                return
        raise LookupError("no mapping holds this word under these keys")

    def pay(self, sender: Address, wei: int) -> None:
        """Send ether to the contract."""
        self._evm.set_balance(sender, wei)
        self._evm.message_call(sender, self.contract, value=wei)

    def create(self, sender: Address, init_code: bytes) -> Address:
        """Make a contract.

        Raises:
            ContractRejected: its constructor reverted.
        """
        with self._reverts():
            return address_of(self._evm.deploy(sender, init_code))

    def code(self, address: Address) -> bytes:
        """The code at an address."""
        return bytes(self._evm.get_code(address) or b"")

    def call_part(self, sender: Address, name: str, data: bytes) -> bytes:
        """Call one of the contracts at its own address in place of the ledger's.

        Raises:
            ContractRejected: it reverted.
        """
        return self._run(sender, data, to=self.parts[name])

    def participant(self, who: Address) -> Participant | None:
        return Participant.unpack(self.view("participantOf", who))

    def consent(self, patient: Address, grantee: Address, scope: bytes = bytes(32)) -> Consent:
        return Consent.unpack(self.view("consentOf", patient, grantee, scope))

    def record_state(self, digest: bytes) -> RecordState:
        return RecordState(self.view("recordOf", digest) >> 16 & 0xFF)

    def batch(self, root: bytes) -> Batch | None:
        return Batch.unpack(self.view("batchOf", root))

    def prescription(self, id_: bytes) -> PrescriptionState:
        return PrescriptionState.unpack(self.view("prescriptionOf", id_))

    def status(self, id_: bytes) -> PrescriptionStatus:
        return self.prescription(id_).status

    def decide(self, request: AccessRequest, bases: Sequence[Basis] = (), proof: AnchorProof | None = None) -> Decision:
        """The contract's decision at this second."""
        proof = proof or AnchorProof()
        answer = self.view("decide", request.as_tuple(), proof.as_tuple(), [basis.as_tuple() for basis in bases])
        permitted, reason, basis, basis_id, until, state = answer
        return Decision(permitted, Reason(reason), BasisKind(basis), basis_id, until, RecordState(state))

    def _run(self, sender: Address, data: bytes, to: Address | None = None) -> bytes:
        with self._reverts():
            return bytes(self._evm.message_call(sender, to or self.contract, calldata=data))

    @contextmanager
    def _reverts(self) -> Iterator[None]:
        """A revert inside is raised as what the contract said."""
        try:
            yield
        except RuntimeError as failure:
            reverted = _REVERT.match(str(failure))
            if reverted is None:
                raise
            raise self._abi.rejection(bytes.fromhex(reverted[2])) from None


@contextmanager
def refused(name: str, **values: object) -> Iterator[None]:
    """What happens inside must revert with this custom error, and with these arguments where they are given."""
    with pytest.raises(ContractRejected) as caught:
        yield
    assert caught.value.name == name, f"refused, but with {caught.value}"
    found = {key: _plain(caught.value.values[key]) for key in values}
    assert found == {key: _plain(value) for key, value in values.items()}


def _plain(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _block(time: int) -> BlockEnv:
    return BlockEnv(number=1, timestamp=time)
