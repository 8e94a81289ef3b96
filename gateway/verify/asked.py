"""Which node and which store a verifier asks.

>>> with Asked("http://localhost:8545", deployment, store, offline=False).chain(evidence.ledger) as chain:
...     chain.now()
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.verify.chain import Chain
from gateway.verify.evidence import LedgerName
from ledger.deployment import Deployment
from ledger.errors import DeploymentError
from offchain_store.errors import StoreUnavailable
from offchain_store.ipfs import IpfsStore
from offchain_store.local import LocalStore
from offchain_store.store import Blocks


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom to ask."""

    node: str | None
    deployment: Path | None
    store: str | None
    offline: bool

    @contextmanager
    def chain(self, named: LedgerName | None) -> Iterator[Chain | None]:
        """The ledger; None: offline.

        Raises:
            DeploymentError: no node was named, nobody says which ledger, or it is not there.
        """
        if self.offline:
            yield None
            return
        if self.node is None:
            raise DeploymentError("name a node of the ledger's network (--node), or say --offline")
        trusted = None
        if self.deployment is not None:
            loaded = Deployment.load(self.deployment)
            trusted = LedgerName(loaded.chain_id, loaded.address, loaded.block)
        name = trusted or named
        if name is None:
            raise DeploymentError("say which ledger (--deployment), or give an evidence file, which names one")
        with Chain.open(self.node, name, is_trusted=trusted is not None) as chain:
            yield chain

    def blocks(self, stack: ExitStack) -> Blocks | None:
        """The store; None: none was named.

        Raises:
            StoreUnavailable: there is no such store.
        """
        if self.store is None:
            return None
        if self.store.startswith(("/ip4/", "/ip6/", "/dns")):
            ipfs = IpfsStore(self.store)
            stack.callback(ipfs.close)
            return ipfs
        folder = Path(self.store)
        if not (folder / "blocks").is_dir():  # opening it as a store would make one of it
            raise StoreUnavailable("local", f"{folder.name} is no folder of a local store")
        return LocalStore(folder)
