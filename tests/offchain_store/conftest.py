"""The stores that the tests run against: a folder, a real IPFS node, and a simulator of a dishonest one."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from multiformats import multihash

from offchain_store.ipfs import IpfsStore
from offchain_store.local import LocalStore
from offchain_store.record import Header
from offchain_store.store import Store
from tests.offchain_store.kubo import IpfsNode

KEPT = multihash.get("sha2-256")
"""multiformats looks its hash functions up in a weak cache, and fails if one is collected between check and use."""

HEADER = Header("application/fhir+json", category=2, title="Potassium", created=datetime(2026, 5, 4, tzinfo=UTC))


@pytest.fixture
def header() -> Header:
    return HEADER


@pytest.fixture
def local(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def _kubo() -> str | None:
    """KUBO, or `ipfs` on the PATH, or what scripts/install_kubo.sh built."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return os.environ.get("KUBO") or shutil.which("ipfs") or shutil.which(cache / "consent-ledger" / "bin" / "ipfs")


@pytest.fixture(scope="session")
def kubo() -> str:
    """The IPFS node's program; what asks for it is skipped where it is absent."""
    program = _kubo()
    if program is None:
        pytest.skip("Kubo is not here (scripts/install_kubo.sh builds it where Go is)")
    return program


@pytest.fixture(scope="session")
def ipfs_node(kubo: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IpfsNode]:
    """A running node, offline, on free ports of the loopback interface."""
    node = IpfsNode(kubo, tmp_path_factory.mktemp("ipfs"))
    node.start()
    yield node
    node.stop()


@pytest.fixture
def ipfs(ipfs_node: IpfsNode) -> Iterator[IpfsStore]:
    """A store on the node; emptied afterwards."""
    store = IpfsStore(ipfs_node.address, timeout=20)
    yield store
    for name in list(store.list()):
        store.delete(name)
    store.close()


@pytest.fixture(params=["local", "ipfs"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each backend in turn."""
    backend: Store = request.getfixturevalue(request.param)
    return backend
