"""Nothing is lost and nothing is done twice: not by a process that dies, nor a node, nor a network that lies."""

from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.process import BaseProcess as Process
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from ledger.devnet import Devnet
from ledger.outbox import Outbox, Posting, Settings, State
from ledger.rpc import Call, Node, quantity
from ledger.signing import Fee, MarketFees
from ledger.types import Address
from tests.ledger import counter
from tests.ledger.conftest import QUICK, Bench, wait_saved
from tests.ledger.counter import ABI, GAS, count, counting, counting_from
from tests.ledger.outbox_worker import work
from tests.waiting import until

STEPS = [
    "accept", "accept:commit", "accepted", "sign", "sign:commit", "signed", "send", "sent", "sent:commit",
    "collect", "collect:commit", "bury", "bury:commit",
]  # fmt: skip
ACTS = 30


@pytest.fixture(scope="module")
def net(anvil: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """One network for all processes that die in this module."""
    with Devnet.start(tmp_path_factory.mktemp("net"), anvil=anvil, block_time=0.1) as running:
        yield running


def worker(database: str, net: Devnet, target: Address, person: LocalAccount, step: str = "", time: int = 0) -> Process:
    """A process of its own that does the acts, and dies when that step comes for the so-manieth time."""
    context = get_context("forkserver")
    context.set_forkserver_preload([work.__module__])
    key = bytes(person.key)
    process = context.Process(target=work, args=(database, net.url, target, key, ACTS, step, time))
    process.start()
    return process


def ends(process: Process) -> int | None:
    """How it ended."""
    process.join(60)
    return process.exitcode


def account(name: str) -> LocalAccount:
    made: LocalAccount = Account.from_key(name.encode().rjust(32, b"\1"))
    return made


@pytest.mark.parametrize(("step", "time"), [*((step, 1) for step in STEPS), ("accept:commit", 3), ("sent:commit", 3)])
def test_a_process_killed_at_any_step_loses_nothing_and_repeats_nothing(
    net: Devnet, database: Callable[[str], str], step: str, time: int
) -> None:
    url = database("outbox")
    person = account(f"{step}{time}")
    with Node(net.url) as node:
        target = counter.deploy(node, person)
        assert ends(worker(url, net, target, person, step, time)) == -9
        assert ends(worker(url, net, target, person)) == 0
        assert count(node, target) == ACTS
        assert quantity(node.request("eth_getTransactionCount", person.address, "latest")) == 1 + ACTS


def test_two_processes_with_one_signer_do_nothing_twice(net: Devnet, database: Callable[[str], str]) -> None:
    url = database("outbox")
    person = account("two")
    with Node(net.url) as node:
        target = counter.deploy(node, person)
        workers = [worker(url, net, target, person) for _ in range(2)]
        assert [ends(each) for each in workers] == [0, 0]
        assert count(node, target) == ACTS


def test_acts_mined_and_forgotten_by_a_killed_node_are_done_again_in_their_order(bench: Bench) -> None:
    wait_saved(bench.devnet)
    bench.devnet.stop()
    port, folder = bench.devnet.port, bench.devnet.state_dir
    outbox = bench.outbox(Settings(final_after=1.0, resend_after=0.5))
    with Devnet.start(folder, port=port, block_time=0.2, save_every=3600) as forgetful:
        entries = []
        for number in range(6):  # each act depends on the one before it, which is another person's
            act = counting_from(bench.counter, number)
            entries.append(outbox.enqueue(act, signer=bench.people[number % 3], gas=GAS))
            outbox.drain(State.MINED)
        until(lambda: outbox.pump() or outbox.entry(entries[0].id).state is State.FINAL)
        before = [outbox.entry(entry.id) for entry in entries]
        assert {entry.failure for entry in before} == {None}
        forgetful.kill()

    with Devnet.start(folder, port=port, block_time=0.2) as devnet:
        assert devnet.went_back is not None
        assert count(bench.node, bench.counter) == 0
        newcomer = outbox.enqueue(counting_from(bench.counter, 6), signer=bench.people[4], gas=GAS)
        until(lambda: outbox.pump().reopened)
        outbox.drain(State.FINAL)
        after = [outbox.entry(entry.id) for entry in entries]
        assert [entry.state for entry in after] == [State.FINAL] * 6
        assert [entry.tx_hash for entry in after] == [entry.tx_hash for entry in before]
        assert outbox.entry(newcomer.id).state is State.FINAL
        assert count(bench.node, bench.counter) == 7


def test_a_node_killed_under_load_costs_nothing(bench: Bench) -> None:
    wait_saved(bench.devnet)
    outbox = bench.outbox(Settings(final_after=2.5, resend_after=0.5))
    stopping = Event()
    pumping = Thread(target=outbox.run, args=(stopping,))
    pumping.start()
    devnet = bench.devnet
    try:
        for start in range(0, 400, 100):
            outbox.enqueue_many(
                [
                    Posting(counting(bench.counter, number), bench.people[number % 4], str(number), gas=GAS)
                    for number in range(start, start + 100)
                ]
            )
            until(lambda start=start: count(bench.node, bench.counter) > start)  # type: ignore[misc]
            devnet.kill()
            devnet = Devnet.start(devnet.state_dir, port=devnet.port, block_time=0.2)
        until(lambda: outbox.counts()[State.FINAL] == 400, timeout=60)
    finally:
        stopping.set()
        pumping.join()
        devnet.stop()
    with Devnet.start(devnet.state_dir, port=devnet.port, block_time=0.2):
        assert count(bench.node, bench.counter) == 400


def test_a_reorganization_puts_acts_back_and_sends_the_same_bytes(bench: Bench) -> None:
    outbox = bench.outbox(Settings(final_after=0.0, confirmations=3, resend_after=0.5))
    outbox.enqueue(counting(bench.counter, 1), signer=bench.people[0])
    outbox.drain(State.FINAL)
    bench.node.request("anvil_setIntervalMining", 0)
    taken = bench.node.request("evm_snapshot")
    entry = outbox.enqueue(counting(bench.counter, 2), signer=bench.people[0])
    outbox.pump()
    bench.node.request("evm_mine")
    outbox.drain(State.MINED)

    assert bench.node.request("evm_revert", taken)
    for _ in range(3):
        bench.node.request("evm_mine")
    assert outbox.pump().reopened == 1
    again = outbox.entry(entry.id)
    assert (again.state, again.tx_hash, again.block_number) == (State.SENT, entry.tx_hash, None)
    for _ in range(5):
        bench.node.request("evm_mine")
        outbox.pump()
    assert outbox.entry(entry.id).state is State.FINAL
    assert count(bench.node, bench.counter) == 2


class BadNetwork(Node):
    """A node behind a network that drops sends, doubles sends, and brings receipts late and out of order."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._sends = 0
        self._asked: set[str] = set()

    def batch(self, calls: Sequence[Call], *, size: int = 100) -> list[Any]:
        answers: list[Any] = []
        for method, params in calls:
            if method == "eth_sendRawTransaction":
                self._sends += 1
                if self._sends % 3 == 0:
                    answers.append("0x" + "00" * 32)  # dropped on its way from the node that took it
                    continue
                if self._sends % 3 == 1:
                    super().batch([(method, params)])
            if method == "eth_getTransactionReceipt" and params[0] not in self._asked and int(params[0], 16) % 2:
                self._asked.add(params[0])
                answers.append(None)
                continue
            answers += super().batch([(method, params)])
        return answers


def test_dropped_and_doubled_sends_and_late_receipts_change_nothing(bench: Bench) -> None:
    with BadNetwork(bench.devnet.url) as node:
        settings = Settings(final_after=0.0, resend_after=0.3)
        outbox = Outbox(bench.engine, node, bench.keys.get, settings=settings, rejection=ABI.rejection)
        entries = outbox.enqueue_many(
            [
                Posting(counting(bench.counter, number), bench.people[number % 2], str(number), gas=GAS)
                for number in range(60)
            ]
        )
        outbox.drain(State.FINAL)
    assert count(bench.node, bench.counter) == 60
    assert [outbox.entry(entry.id).tx_hash for entry in entries] == [entry.tx_hash for entry in entries]


def market(bench: Bench, node: Node) -> Outbox:
    """An outbox that pays for gas, and soon offers more."""
    for person in bench.people:
        bench.node.request("anvil_setBalance", person, hex(10**18))
    settings = Settings(final_after=0.0, resend_after=0.1, stuck_after=0.1)
    return Outbox(
        bench.engine, node, bench.keys.get, fees=MarketFees(tip=1_000), settings=settings, rejection=ABI.rejection
    )


def test_what_is_stuck_offers_more_under_the_same_nonce(bench: Bench) -> None:
    outbox = market(bench, bench.node)
    bench.node.request("anvil_setIntervalMining", 0)
    entry = outbox.enqueue(counting(bench.counter), signer=bench.people[0])
    changed = until(lambda: outbox.pump() and outbox.entry(entry.id).tx_hash != entry.tx_hash)
    assert changed
    bench.node.request("evm_mine")
    outbox.drain(State.FINAL)
    final = outbox.entry(entry.id)
    assert final.nonce == entry.nonce
    assert final.tx_hash != entry.tx_hash
    assert (final.effective_gas_price or 0) > 1_000
    assert count(bench.node, bench.counter) == 1


def test_the_cheaper_version_may_be_the_one_that_is_mined(bench: Bench) -> None:
    class LastOfferLost(Node):
        def batch(self, calls: Sequence[Call], *, size: int = 100) -> list[Any]:
            sends = [call for call in calls if call[0] == "eth_sendRawTransaction"]
            if sends and self.sent:
                return ["0x" + "00" * 32 for _ in calls]
            self.sent = self.sent or bool(sends)
            return super().batch(calls, size=size)

        sent = False

    with LastOfferLost(bench.devnet.url) as node:
        outbox = market(bench, node)
        bench.node.request("anvil_setIntervalMining", 0)
        entry = outbox.enqueue(counting(bench.counter), signer=bench.people[0])
        until(lambda: outbox.pump() and outbox.entry(entry.id).tx_hash != entry.tx_hash)
        bench.node.request("evm_mine")
        outbox.drain(State.FINAL)
        assert outbox.entry(entry.id).tx_hash == entry.tx_hash
        assert count(bench.node, bench.counter) == 1


def test_offers_have_a_ceiling(bench: Bench) -> None:
    fees = MarketFees(tip=100, ceiling=150)
    first = fees.quote(bench.node)
    assert first == Fee(100, 100)
    second = fees.dearer(bench.node, first)
    assert second == Fee(126, 126)
    assert fees.dearer(bench.node, Fee(130, 130)) is None
    assert QUICK.stuck_after > QUICK.resend_after
