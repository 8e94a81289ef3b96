"""A devnet of its own for each test that asks for one, with a counter deployed and keys at hand."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from sqlalchemy import Engine, create_engine

from ledger.database import open_database
from ledger.devnet import Devnet, find_anvil
from ledger.errors import DevnetError
from ledger.outbox import Outbox, Settings
from ledger.rpc import Node
from ledger.types import Address
from tests.ledger import counter
from tests.waiting import until

QUICK = Settings(final_after=0.0, resend_after=0.5, missing_after=0.5)
"""For tests whose chain does not go back."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a test of the outbox or the indexer works with."""

    devnet: Devnet
    node: Node
    counter: Address
    accounts: list[LocalAccount]
    keys: dict[str, LocalAccount]
    """The key ring: remove one to lock it."""
    engine: Engine
    url: str
    """The database."""

    @property
    def people(self) -> list[Address]:
        """Addresses of the accounts."""
        return [Address(account.address) for account in self.accounts]

    def outbox(self, settings: Settings = QUICK, trace: Callable[[str], None] = lambda step: None) -> Outbox:
        """An outbox on this database; several are like several processes."""
        return Outbox(
            self.engine, self.node, self.keys.get, settings=settings, rejection=counter.ABI.rejection, trace=trace
        )


@pytest.fixture(scope="session")
def anvil() -> Path:
    """anvil, or no such test."""
    try:
        return find_anvil()
    except DevnetError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def devnet(anvil: Path, tmp_path: Path) -> Iterator[Devnet]:
    """A network with a block each fifth of a second."""
    running = Devnet.start(tmp_path / "devnet", anvil=anvil, block_time=0.2)
    yield running
    if running.is_running:
        running.stop()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """New databases by name: SQLite files, or schemas of the PostgreSQL database that CONSENT_LEDGER_POSTGRES names."""
    server = os.environ.get("CONSENT_LEDGER_POSTGRES")
    if server is None:
        yield lambda name: f"sqlite:///{tmp_path / name}.db"
        return
    made: list[str] = []
    engine = create_engine(server)

    def make(name: str) -> str:
        schema = f"{name}_{uuid4().hex}"
        made.append(schema)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
        return f"{server}?options=-csearch_path%3D{schema}"

    yield make
    with engine.begin() as connection:
        for schema in made:
            connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    engine.dispose()


@pytest.fixture
def bench(devnet: Devnet, database: Callable[[str], str]) -> Iterator[Bench]:
    """A bench on that network."""
    url = database("outbox")
    accounts = [Account.from_key(bytes([number]) * 32) for number in range(1, 6)]
    engine = open_database(url)
    with Node(devnet.url) as node:
        yield Bench(
            devnet=devnet,
            node=node,
            counter=counter.deploy(node, accounts[-1]),
            accounts=accounts,
            keys={account.address: account for account in accounts},
            engine=engine,
            url=url,
        )
    engine.dispose()


def wait_saved(devnet: Devnet) -> None:
    """Wait until everything up to now is in the copy of the state that a kill leaves."""
    saved = devnet.state_dir / "state.saved.json"

    def written() -> int:
        return saved.stat().st_mtime_ns if saved.exists() else 0

    for _ in range(2):  # the first may have been begun before now
        before = written()
        until(lambda before=before: written() != before)  # type: ignore[misc]
