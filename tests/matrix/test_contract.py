"""Every row of the matrix, decided by the contract."""

import dataclasses
import itertools
from collections.abc import Iterator

import pytest

from ledger.acts import Act
from ledger.codes import Purpose, Reason
from ledger.types import AnchorProof
from tests.contracts.actors import Person, World
from tests.contracts.evm import START
from tests.matrix import stage
from tests.matrix.table import DELEGATED, ROLES, TIMES, Row, Setting, rows, settings, when

UNKNOWN_PURPOSE = 13
PER_CHAIN = 100
"""Settings on one chain: a young one is quicker."""


class Chain:
    """The in-process machine of the contract tests, as a stage."""

    def __init__(self) -> None:
        self.world = World()
        self.acts = self.world.acts
        self.consortium, self.hospital = self.world.consortium, self.world.hospital

    def send(self, by: Person, act: Act) -> None:
        self.world.chain.send(by.address, act)

    def go_to(self, second: int) -> None:
        self.world.chain.go_to(START + second)

    def verdict(self, scene: stage.Scene, purpose: str) -> str:
        """What the contract answers, at the second at which the chain is."""
        code = UNKNOWN_PURPOSE if purpose == "unknown" else int(Purpose[purpose])
        request = (scene.reader.address, code, 0, scene.digest, scene.subject.pack(), scene.author.address)
        offered = [basis.as_tuple() for basis in scene.offered()]
        permitted, reason, *_ = self.world.chain.view("decide", request, AnchorProof().as_tuple(), offered)
        assert permitted == (reason == Reason.PERMITTED)
        return Reason(reason).name.lower()


def disagreements(chain: Chain, setting: Setting) -> Iterator[tuple[Row, str]]:
    """Live through one setting, and ask every one of its questions."""
    chain.go_to(0)
    scene = stage.begin(chain, setting, START)
    chain.go_to(DELEGATED)
    stage.entrust(chain, scene, START)
    stage.change(chain, scene)
    for time, questions in itertools.groupby(rows(setting), key=lambda row: row.time):
        chain.go_to(when(setting, time))
        if time == TIMES[-1]:
            stage.take_back(chain, scene)
        for row in questions:
            answer = chain.verdict(scene, row.purpose)
            if answer != row.verdict():
                yield row, answer


@pytest.mark.parametrize("role", ROLES)
def test_the_contract_decides_every_row_as_the_reference_does(role: str) -> None:
    wrong: list[tuple[Row, str]] = []
    chain = Chain()
    for number, setting in enumerate(settings([role]), 1):
        if number % PER_CHAIN == 0:
            chain = Chain()
        wrong += disagreements(chain, setting)
    shown = [f"{dataclasses.astuple(row)}: {row.verdict()}, not {answer}" for row, answer in wrong[:20]]
    assert not wrong, f"{len(wrong)} rows differ:\n" + "\n".join(shown)
