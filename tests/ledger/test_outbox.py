"""What the outbox promises, on a real node."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from time import time
from typing import Any

import pytest

from ledger.devnet import Devnet
from ledger.errors import EntryUnknown, IdempotencyConflict, NodeWentBack, OutboxError, WaitTimedOut
from ledger.outbox import Outbox, Posting, State
from ledger.rpc import Call, Node, enhex, quantity
from ledger.signing import FREE, sign
from tests.ledger.conftest import QUICK, Bench
from tests.ledger.counter import GAS, count, counting, counting_from, rejected
from tests.waiting import until


def test_an_act_goes_from_accepted_to_final(bench: Bench) -> None:
    outbox = bench.outbox()
    entry = outbox.enqueue(counting(bench.counter), signer=bench.people[0], correlation_id="visit-1")
    assert entry.state is State.SIGNED
    assert count(bench.node, bench.counter) == 0  # nothing is sent yet

    outbox.drain(State.FINAL)
    final = outbox.wait(entry.id, State.FINAL)
    assert final.settled
    assert final.nonce == 0
    assert final.gas_used is not None
    assert 21_000 < final.gas_used < GAS
    assert final.effective_gas_price == 0
    assert final.tx_hash == entry.tx_hash
    assert count(bench.node, bench.counter) == 1
    assert [found.id for found in outbox.entries(correlation_id="visit-1")] == [entry.id]


def test_the_same_key_with_the_same_act_is_the_same_entry(bench: Bench) -> None:
    outbox = bench.outbox()
    first = outbox.enqueue(counting(bench.counter), signer=bench.people[0], idempotency_key="k")
    again = outbox.enqueue(counting(bench.counter), signer=bench.people[0], idempotency_key="k")
    assert again.id == first.id
    outbox.drain(State.FINAL)
    much_later = outbox.enqueue(counting(bench.counter), signer=bench.people[0], idempotency_key="k")
    assert (much_later.id, much_later.state) == (first.id, State.FINAL)
    assert count(bench.node, bench.counter) == 1


def test_the_same_key_with_another_act_is_a_conflict_and_accepts_nothing(bench: Bench) -> None:
    outbox = bench.outbox()
    outbox.enqueue(counting(bench.counter, 1), signer=bench.people[0], idempotency_key="k")
    postings = [
        Posting(counting(bench.counter, note), bench.people[0], key, gas=GAS) for note, key in [(2, "j"), (3, "k")]
    ]
    with pytest.raises(IdempotencyConflict, match="'k' was used for another act"):
        outbox.enqueue_many(postings)
    assert len(outbox.entries()) == 1


def test_keys_of_two_signers_are_apart(bench: Bench) -> None:
    outbox = bench.outbox()
    ids = {outbox.enqueue(counting(bench.counter), signer=who, idempotency_key="k").id for who in bench.people[:2]}
    assert len(ids) == 2


def test_an_act_that_would_be_rejected_fails_at_once_and_takes_no_nonce(bench: Bench) -> None:
    outbox = bench.outbox()
    entry = outbox.enqueue(rejected(bench.counter), signer=bench.people[0], idempotency_key="k")
    assert entry.state is State.FAILED
    assert entry.settled
    assert entry.nonce is None
    assert entry.failure is not None
    assert (entry.failure.name, entry.failure.values) == ("TooShort", {"length": 1})
    assert outbox.enqueue(rejected(bench.counter), signer=bench.people[0], idempotency_key="k") == entry
    assert outbox.enqueue(counting(bench.counter), signer=bench.people[0]).nonce == 0


def test_an_act_may_depend_on_an_earlier_one_of_its_signer(bench: Bench) -> None:
    outbox = bench.outbox()
    who = bench.people[0]
    acts = [counting_from(bench.counter, number) for number in range(4)]
    entries = [outbox.enqueue(acts[0], signer=who)]
    entries += outbox.enqueue_many([Posting(act, who, act.data.hex()) for act in acts[1:]])
    assert [entry.state for entry in entries] == [State.SIGNED, State.QUEUED, State.QUEUED, State.QUEUED]
    outbox.drain(State.FINAL)
    assert [outbox.entry(entry.id).nonce for entry in entries] == [0, 1, 2, 3]


def test_an_act_that_waited_in_vain_for_earlier_ones_fails(bench: Bench) -> None:
    outbox = bench.outbox()
    entries = [outbox.enqueue(counting(bench.counter), signer=bench.people[0])]
    entries += [
        outbox.enqueue(act, signer=bench.people[0]) for act in (rejected(bench.counter), counting(bench.counter))
    ]
    outbox.drain(State.FINAL)
    assert outbox.counts()[State.FINAL] == 2
    failed = outbox.entry(entries[1].id)
    assert failed.failure is not None
    assert (failed.state, failed.failure.name, failed.nonce) == (State.FAILED, "TooShort", None)


def test_an_act_that_is_rejected_when_mined_fails_with_its_reason(bench: Bench) -> None:
    outbox = bench.outbox()
    early = outbox.enqueue(counting_from(bench.counter, 7), signer=bench.people[0], gas=GAS)
    after = outbox.enqueue(counting(bench.counter), signer=bench.people[0], gas=GAS)
    outbox.drain(State.FINAL)
    failed = outbox.wait(early.id, State.FINAL)
    assert failed.state is State.FAILED
    assert failed.failure is not None
    assert failed.failure.name == "TooEarly"
    assert failed.failure.text == "TooEarly(count=0)"
    assert failed.block_number is not None
    assert outbox.entry(after.id).state is State.FINAL


def test_each_of_many_failures_in_a_block_says_what_it_met_at_its_own_place(bench: Bench) -> None:
    """The same call before or after the block would meet another count."""
    outbox = bench.outbox()
    pairs = [
        Posting(act, bench.people[0], f"{number}-{act.kind}", gas=GAS)
        for number in range(500)
        for act in (counting(bench.counter, number), counting_from(bench.counter, 1_000_000 + number))
    ]
    entries = outbox.enqueue_many(pairs)
    outbox.drain(State.MINED, 60.0)
    failures = [outbox.entry(entry.id).failure for entry in entries[1::2]]
    assert [failure and failure.text for failure in failures] == [f"TooEarly(count={n + 1})" for n in range(500)]
    assert len({outbox.entry(entry.id).block_number for entry in entries[1::2]}) < 50


@pytest.mark.parametrize(("missing", "many"), [("ots_", 3), ("ots_", 30), ("ots_debug_", 3)])
def test_a_node_that_tells_less_is_asked_otherwise(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, missing: str, many: int
) -> None:
    """By a trace if they are few, else by making the call again."""
    batch = Node.batch

    def poorer(self: Node, calls: Sequence[Call], **more: Any) -> list[Any]:
        known = [(name if name.split("_")[0] not in missing else f"no_{name}", given) for name, given in calls]
        return batch(self, known, **more)

    monkeypatch.setattr(Node, "batch", poorer)
    outbox = bench.outbox()
    acts = [counting_from(bench.counter, 7 + number) for number in range(many)]
    entries = outbox.enqueue_many(
        [Posting(act, bench.people[0], f"early {number}", gas=GAS) for number, act in enumerate(acts)]
    )
    outbox.drain(State.MINED, 30.0)
    failures = [outbox.entry(entry.id).failure for entry in entries]
    assert {failure and failure.text for failure in failures} == {"TooEarly(count=0)"}


def test_an_act_that_runs_out_of_gas_says_so(bench: Bench) -> None:
    outbox = bench.outbox()
    entry = outbox.enqueue(counting(bench.counter), signer=bench.people[0], gas=22_000)
    outbox.drain(State.FINAL)
    failure = outbox.entry(entry.id).failure
    assert failure is not None
    assert failure.name == "OutOfGas"


def test_too_little_gas_is_refused_before_anything_is_written(bench: Bench) -> None:
    outbox = bench.outbox()
    with pytest.raises(OutboxError, match="too little for count: give it at least 21120"):
        outbox.enqueue(counting(bench.counter), signer=bench.people[0], gas=21_000)
    assert outbox.entries() == []


def test_what_the_node_refuses_for_good_fails_and_holds_up_nothing(bench: Bench) -> None:
    outbox = bench.outbox()
    refused = outbox.enqueue(counting(bench.counter), signer=bench.people[0], gas=2_000_000_000)
    after = outbox.enqueue(counting(bench.counter), signer=bench.people[0], gas=GAS)
    outbox.drain()
    outbox.drain(State.FINAL)
    failure = outbox.entry(refused.id).failure
    assert failure is not None
    assert failure.name == "Refused"
    assert outbox.entry(after.id).state is State.FINAL
    assert [entry.kind for entry in outbox.entries()] == ["count", "count", "filler"]


def test_an_act_waits_for_its_signers_key(bench: Bench) -> None:
    outbox = bench.outbox()
    who = bench.people[0]
    key = bench.keys.pop(who)
    first = outbox.enqueue(counting(bench.counter, 1), signer=who)
    assert first.state is State.QUEUED
    outbox.pump()
    assert outbox.entry(first.id).state is State.QUEUED

    bench.keys[who] = key
    second = outbox.enqueue(counting(bench.counter, 2), signer=who)
    outbox.drain(State.FINAL)
    entries = [outbox.entry(entry.id) for entry in (first, second)]
    assert [(entry.state, entry.nonce) for entry in entries] == [(State.FINAL, 0), (State.FINAL, 1)]


def test_a_key_may_be_locked_as_soon_as_its_act_is_accepted(bench: Bench) -> None:
    outbox = bench.outbox()
    entry = outbox.enqueue(counting(bench.counter), signer=bench.people[0])
    bench.keys.clear()
    outbox.drain(State.FINAL)
    assert outbox.entry(entry.id).state is State.FINAL


def test_acts_are_accepted_while_the_node_is_away(bench: Bench) -> None:
    port = bench.devnet.port
    outbox = bench.outbox()
    bench.devnet.stop()
    entry = outbox.enqueue(counting(bench.counter), signer=bench.people[0])
    assert entry.state is State.QUEUED
    devnet = Devnet.start(bench.devnet.state_dir, port=port, block_time=0.2)
    with devnet:
        outbox.drain(State.FINAL)
    assert outbox.entry(entry.id).state is State.FINAL


def test_many_callers_share_commits_and_nonces_have_no_gap(bench: Bench) -> None:
    outbox = bench.outbox()
    stopping = Event()
    thread = Thread(target=outbox.run, args=(stopping,))
    thread.start()
    try:
        with ThreadPoolExecutor(16) as pool:
            asked = [
                pool.submit(outbox.enqueue, counting(bench.counter, note), signer=bench.people[note % 3], gas=GAS)
                for note in range(300)
            ]
            entries = [outbox.wait(each.result().id, State.FINAL) for each in asked]
    finally:
        stopping.set()
        thread.join()
    assert count(bench.node, bench.counter) == 300
    for who in bench.people[:3]:
        assert sorted(entry.nonce or 0 for entry in entries if entry.signer == who) == list(range(100))


def test_two_outboxes_on_one_database_do_nothing_twice(bench: Bench) -> None:
    outboxes = [bench.outbox(), bench.outbox()]
    stopping = Event()
    threads = [Thread(target=outbox.run, args=(stopping,)) for outbox in outboxes]
    for thread in threads:
        thread.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            asked = [
                pool.submit(
                    outboxes[number % 2].enqueue,
                    counting(bench.counter, number // 2),  # every act is asked for at both
                    signer=bench.people[0],
                    idempotency_key=str(number // 2),
                    gas=GAS,
                )
                for number in range(200)
            ]
            entries = {each.result().id for each in asked}
        for entry in entries:
            outboxes[0].wait(entry, State.FINAL)
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    assert len(entries) == 100
    assert count(bench.node, bench.counter) == 100
    assert quantity(bench.node.request("eth_getTransactionCount", bench.people[0], "latest")) == 100


def test_an_act_whose_nonce_was_used_elsewhere_gets_a_new_one(bench: Bench) -> None:
    outbox = bench.outbox()
    who, account = bench.people[0], bench.accounts[0]
    entry = outbox.enqueue(counting(bench.counter), signer=who)
    raw, _ = sign(account, chain_id=bench.devnet.chain_id, nonce=0, to=who, data=b"", value=0, gas=21_000, fee=FREE)
    bench.node.request("eth_sendRawTransaction", enhex(raw))
    outbox.drain(State.MINED)
    while outbox.entry(entry.id).state is not State.FINAL:
        outbox.pump()
    assert outbox.entry(entry.id).nonce == 1
    assert count(bench.node, bench.counter) == 1


def test_a_database_of_another_chain_is_refused(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> None:
    bench.outbox().enqueue(counting(bench.counter), signer=bench.people[0])
    began = quantity(bench.node.request("eth_getBlockByNumber", "0x0", False)["timestamp"])
    until(lambda: time() > began + 1)  # chains that begin in the same second are the same
    for chain_id, complaint in ((31337, NodeWentBack), (31338, OutboxError)):
        folder = tmp_path_factory.mktemp("other")
        with (
            Devnet.start(folder, block_time=0.2, chain_id=chain_id) as other,
            Node(other.url) as node,
            pytest.raises(complaint),
        ):
            Outbox(bench.engine, node, bench.keys.get, settings=QUICK).pump()


def test_waiting_ends(bench: Bench) -> None:
    outbox = bench.outbox()
    entry = outbox.enqueue(counting(bench.counter), signer=bench.people[0])
    with pytest.raises(WaitTimedOut):
        outbox.wait(entry.id, State.MINED, timeout=0.1)
    with pytest.raises(EntryUnknown):
        outbox.entry(entry.id + 1)
