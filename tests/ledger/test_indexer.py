"""What the indexer promises, on a real node."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, Engine, Integer, LargeBinary, MetaData, Table, select

from ledger import events, index_tables
from ledger.database import open_database, reading
from ledger.errors import NodeRejected
from ledger.indexer import Indexer
from ledger.outbox import Posting
from ledger.rpc import Node, enhex, quantity
from ledger.signing import FREE, sign
from ledger.transactions import KeySigner
from tests.ledger.conftest import Bench, wait_saved
from tests.ledger.counter import ABI, GAS, count, counting
from tests.waiting import until

TABLES = MetaData()

counts = Table(
    "counts",
    TABLES,
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    Column("log_index", Integer, primary_key=True, autoincrement=False),
    Column("transaction_hash", LargeBinary(32), nullable=False),
    Column("caller", LargeBinary(20), nullable=False),
    Column("count", BigInteger, nullable=False),
)


def _row(params: Any) -> events.Row:
    return counts, {"caller": bytes.fromhex(params["by"][2:]), "count": params["count"]}


def follow(bench: Bench, engine: Engine, node: Node | None = None) -> Indexer:
    return Indexer(engine, node or bench.node, bench.counter, abi=ABI, rows={"Counted": _row}, tables=TABLES)


def dump(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """All that an index holds, but for the cursor, which moves with every block."""
    with reading(engine) as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in (counts, index_tables.blocks, index_tables.transactions)
        }


def finish(following: Indexer) -> None:
    """Sync until there is nothing left to do, bills included."""
    while following.sync():
        pass


@pytest.fixture
def engine(database: Callable[[str], str]) -> Iterator[Engine]:
    made = open_database(database("index"))
    yield made
    made.dispose()


def act(bench: Bench, number: int, person: int = 0) -> None:
    """Count so often, by way of the outbox."""
    outbox = bench.outbox()
    before = len(outbox.entries(limit=100_000))
    outbox.enqueue_many(
        [
            Posting(counting(bench.counter, note), bench.people[person], str(note), gas=GAS)
            for note in range(before, before + number)
        ]
    )
    outbox.drain()


def test_every_event_becomes_a_row_and_every_transaction_a_bill(bench: Bench, engine: Engine) -> None:
    act(bench, 30)
    following = follow(bench, engine)
    finish(following)
    assert following.has(quantity(bench.node.request("eth_blockNumber")) - 1)
    found = dump(engine)
    assert [row[4] for row in found["counts"]] == list(range(1, 31))
    assert {row[3] for row in found["counts"]} == {bytes.fromhex(bench.people[0][2:])}
    bills = found["transactions"]
    assert len(bills) == 30
    for bill in bills:
        _, _, sender, recipient, selector, zeros, nonzeros, gas, price = bill
        assert (sender, recipient) == (bytes.fromhex(bench.people[0][2:]), bytes.fromhex(bench.counter[2:]))
        assert (selector, zeros + nonzeros, price) == (b"\1\0\0\0", 9, 0)
        assert 21_000 < gas < GAS


def test_an_index_that_grew_is_the_same_as_one_made_anew(
    bench: Bench, engine: Engine, database: Callable[[str], str]
) -> None:
    following = follow(bench, engine)
    for person in range(3):
        act(bench, 10, person)
        finish(following)
    grown = dump(engine)
    assert len(grown["counts"]) == 30

    following.rebuild()
    finish(following)
    assert dump(engine) == grown

    other = open_database(database("other"))
    finish(follow(bench, other))
    assert dump(other) == grown
    other.dispose()


def test_a_reorganization_is_noticed_and_rolled_back(bench: Bench, engine: Engine) -> None:
    act(bench, 3)
    following = follow(bench, engine)
    finish(following)
    settled = dump(engine)

    bench.node.request("anvil_setIntervalMining", 0)
    taken = bench.node.request("evm_snapshot")
    send(bench, person=1, number=4)
    bench.node.request("evm_mine")
    bench.node.request("evm_mine")
    finish(following)
    assert [row[4] for row in dump(engine)["counts"]] == [1, 2, 3, 4, 5, 6, 7]

    assert bench.node.request("evm_revert", taken)
    send(bench, person=2, number=2)
    for _ in range(4):  # the new branch is longer: only its hashes tell
        bench.node.request("evm_mine")
    report = following.sync()
    assert report.rolled_back_to == settled["counts"][-1][0]
    finish(following)
    rows = dump(engine)["counts"]
    assert [row[4] for row in rows] == [1, 2, 3, 4, 5]
    assert {row[3] for row in rows[3:]} == {bytes.fromhex(bench.people[2][2:])}

    grown = dump(engine)
    following.rebuild()
    finish(following)
    assert dump(engine) == grown


def test_a_devnet_that_forgot_its_last_second_is_noticed(bench: Bench, engine: Engine) -> None:
    act(bench, 3)
    following = follow(bench, engine)
    finish(following)
    wait_saved(bench.devnet)
    bench.node.request("anvil_setIntervalMining", 0)
    send(bench, person=1, number=2)
    bench.node.request("evm_mine")
    finish(following)
    assert len(dump(engine)["counts"]) == 5
    bench.devnet.kill()
    with type(bench.devnet).start(bench.devnet.state_dir, port=bench.devnet.port, block_time=0.2):
        if count(bench.node, bench.counter) == 5:
            pytest.skip("the last blocks were saved just in time")
        report = until(following.sync)
        assert report.rolled_back_to is not None
        finish(following)
        assert [row[4] for row in dump(engine)["counts"]] == [1, 2, 3]


def test_an_empty_database_and_another_chain_end_in_the_same_index(
    bench: Bench, engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    act(bench, 3)
    following = follow(bench, engine)
    finish(following)
    with (
        type(bench.devnet).start(tmp_path_factory.mktemp("other"), block_time=0.2) as other,
        Node(other.url) as node,
    ):
        moved = follow(bench, engine, node)
        finish(moved)
        assert dump(engine) == {"counts": [], "index_blocks": [], "transactions": []}


def test_two_indexers_on_one_database_write_every_row_once(bench: Bench, engine: Engine) -> None:
    act(bench, 20)
    first, second = follow(bench, engine), follow(bench, engine)
    first.sync()
    second.sync()
    act(bench, 20, person=1)
    second.sync()
    first.sync()
    finish(first)
    assert [row[4] for row in dump(engine)["counts"]] == list(range(1, 41))
    assert first.block <= second.block or first.has(second.block)


def test_a_node_that_answers_few_logs_at_a_time_is_asked_for_fewer_blocks(bench: Bench, engine: Engine) -> None:
    act(bench, 10)
    act(bench, 10, person=1)

    asked: list[int] = []

    class Sparing(Node):
        def request(self, method: str, *params: Any) -> Any:
            if method == "eth_getLogs":
                blocks = quantity(params[0]["toBlock"]) - quantity(params[0]["fromBlock"]) + 1
                asked.append(blocks)
                if blocks > 2:
                    raise NodeRejected(method, -32005, "query exceeds max block range 2")
            return super().request(method, *params)

    with Sparing(bench.devnet.url) as node:
        finish(follow(bench, engine, node))
    assert max(asked) > 2
    assert len(dump(engine)["counts"]) == 20


def send(bench: Bench, *, person: int, number: int) -> None:
    """Count so often, past the outbox."""
    account = KeySigner(bytes(bench.accounts[person].key))
    first = quantity(bench.node.request("eth_getTransactionCount", account.address, "latest"))
    for nonce in range(first, first + number):
        raw, _ = sign(
            account,
            chain_id=bench.devnet.chain_id,
            nonce=nonce,
            to=bench.counter,
            data=b"",
            value=0,
            gas=GAS,
            fee=FREE,
        )
        bench.node.request("eth_sendRawTransaction", enhex(raw))
