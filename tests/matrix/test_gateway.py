"""A part of the matrix, decided by a running gateway on a real chain: it finds the bases itself, in its own index.

The gateway lives through four moments: before the consents begin, in their time, after their end, and after everything
was taken back. It stands in the place of the contract's seconds; to the second the contract is asked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple
from pathlib import Path

import pytest

from gateway.errors import RecordNeverAnchored
from gateway.flow import authorize
from gateway.sending import Errand, send
from gateway.services import Gateway
from ledger.acts import Act
from ledger.codes import Purpose, Role
from ledger.errors import AccessDenied
from ledger.rpc import enhex, quantity
from ledger.signing import FREE, sign
from ledger.transactions import KeySigner
from ledger.types import Address
from tests.contracts.actors import Person, person
from tests.gateway.people import running
from tests.matrix import stage
from tests.matrix.table import BEGIN, END, GLASS_HOURS, STATES, TIMES, Row, Setting, settings

ROLES = ["practitioner", "emergency", "patient", "auditor"]
PURPOSES = ["TREAT", "HRESCH", "FAMRQT", "BTG"]
GAS = 400_000
PATIENCE = 120.0


class Land:
    """A stage on the gateway's chain. Acts are sent in bulk: the first ones of all scenes, then the second ones, and so
    on, since a node takes what comes at the same time in an order of its own."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.acts = gateway.ledger.acts
        self.consortium = person("consortium of the matrix")  # the gateway goes on using its own key
        self.hospital = person("hospital of the matrix")
        self._nonces: dict[Address, int] = {}
        self._waves: list[list[tuple[Person, Act]]] = []
        self._step = 0
        founding = self.acts.admit(self.consortium.address, Role.CONSORTIUM | stage.ALL_ROLES)
        entry = send(gateway, founding, signer=gateway.operator.address, errand=Errand.new(PATIENCE))
        assert entry.block_number is not None
        self.send(self.consortium, self.acts.admit(self.hospital.address, Role.PATIENT))
        self.done()

    def send(self, by: Person, act: Act) -> None:
        """Put an act after those that were sent since the last `turn`."""
        if self._step == len(self._waves):
            self._waves.append([])
        self._waves[self._step].append((by, act))
        self._step += 1

    def turn(self) -> None:
        """Another scene's turn: its acts do not depend on those before."""
        self._step = 0

    def done(self) -> None:
        """Have everything mined, see that nothing failed, and wait for the index."""
        for wave in self._waves:
            raws = [self._sign(by, act) for by, act in wave]
            hashes = self.gateway.node.batch([("eth_sendRawTransaction", (raw,)) for raw in raws])
            self._await(hashes)
        self._waves.clear()
        self.turn()
        newest = quantity(self.gateway.node.request("eth_blockNumber"))
        assert self.gateway.wait_indexed(newest, PATIENCE)

    def _sign(self, by: Person, act: Act) -> str:
        nonce = self._nonces.get(by.address, 0)
        self._nonces[by.address] = nonce + 1
        chain_id = self.gateway.ledger.chain_id
        key = KeySigner(by.key)
        signed = sign(key, chain_id=chain_id, nonce=nonce, to=act.to, data=act.data, value=0, gas=GAS, fee=FREE)
        return enhex(signed[0])

    def _await(self, hashes: Sequence[str]) -> None:
        receipts = self._receipts(hashes)
        while None in receipts:
            receipts = self._receipts(hashes)
        failed = [number for number, receipt in enumerate(receipts) if receipt["status"] != "0x1"]
        assert not failed, f"{len(failed)} of {len(hashes)} acts failed, the first of them number {failed[0]}"

    def _receipts(self, hashes: Sequence[str]) -> list[dict[str, str]]:
        return self.gateway.node.batch([("eth_getTransactionReceipt", (each,)) for each in hashes])

    def go_to(self, time: int) -> None:
        self.gateway.node.request("evm_setNextBlockTimestamp", time)
        self.gateway.node.request("evm_mine")


@pytest.fixture
def land(tmp_path: Path) -> Iterator[Land]:
    with running(tmp_path) as gateway:
        yield Land(gateway)


def chosen() -> Iterator[Setting]:
    """Every relation in every state for what is covered, and every kind of record as granted."""
    for setting in settings(ROLES):
        if setting.kind == "covered" or setting.state == STATES[0]:
            yield setting


def verdict(gateway: Gateway, scene: stage.Scene, purpose: str) -> str:
    """What the gateway answers now."""
    reader, stated = scene.reader.address, Purpose[purpose]
    try:
        _, decision = authorize(gateway, reader, scene.digest, purpose=stated, correlation="matrix")
    except AccessDenied as denied:
        return denied.reason.name.lower()
    except RecordNeverAnchored:
        return "record_not_anchored"
    return decision.reason.name.lower()


def expected(row: Row) -> str:
    """What the gateway should answer. Of a record that the ledger does not know it can ask the ledger nothing: it does
    not know about whom it would be, so that it does not come as far as the reader."""
    return "record_not_anchored" if row.setting.state == "not anchored" else row.verdict()


def test_the_gateway_decides_as_the_reference_does_and_logs_each_attempt_once(land: Land) -> None:
    gateway = land.gateway
    origin = quantity(gateway.node.request("eth_getBlockByNumber", "latest", False)["timestamp"])
    origin += 3_600 - BEGIN  # the consents begin in an hour
    scenes = []
    for setting in chosen():
        land.turn()
        scenes.append(stage.begin(land, setting, origin))
    land.done()
    asked: list[tuple[Row, str]] = []

    def ask(time: str, those: Sequence[stage.Scene]) -> None:
        for scene in those:
            for purpose in PURPOSES:
                asked.append((Row(scene.setting, purpose, time), verdict(gateway, scene, purpose)))

    ask(TIMES[0], [scene for scene in scenes if scene.scopes() and scene.setting.state == STATES[0]])
    land.go_to(origin + BEGIN)
    for scene in scenes:
        land.turn()
        stage.entrust(land, scene, origin)
        stage.change(land, scene)
    land.done()
    ask(TIMES[1], scenes)
    land.go_to(origin + END + GLASS_HOURS * 3_600)
    ask(TIMES[3], [scene for scene in scenes if scene.setting.is_timed])
    taken_back = [scene for scene in scenes if scene.setting.is_timed and scene.setting.relation != "break-glass"]
    for scene in taken_back:
        land.turn()
        stage.take_back(land, scene)
    land.done()
    ask(TIMES[4], taken_back)

    wrong = [f"{astuple(row)}: {expected(row)}, not {answer}" for row, answer in asked if expected(row) != answer]
    assert not wrong, f"{len(wrong)} of {len(asked)} rows differ:\n" + "\n".join(wrong[:30])
    assert gateway.log.size() == len(asked)
