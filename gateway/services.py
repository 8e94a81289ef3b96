"""Everything that a gateway is made of, as one value; `open_gateway` starts it and closes it again.

>>> with open_gateway(Settings(data_dir=folder)) as gateway:
...     gateway.ledger.participant(gateway.operator.address).roles
<Role.ORGANIZATION|CONSORTIUM: 49152>
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

from sqlalchemy import Engine

from gateway.batches.crew import Crew
from gateway.chores import Chore, run_chores
from gateway.database import create_tables, open_database
from gateway.emergencies.escrow import Escrow
from gateway.errors import NotReady
from gateway.finding import find_single
from gateway.garbage import seldom_collected
from gateway.identity.auth import Auth
from gateway.identity.cards import Cards
from gateway.identity.custody import Custody
from gateway.identity.directory import Directory
from gateway.identity.keystore import Identity, Keystore, identity
from gateway.identity.secrets_at_rest import derive, key_file
from gateway.identity.sessions import Sessions
from gateway.located import Finder
from gateway.log.accesslog import AccessLog
from gateway.log.checkpoints import Checkpoints
from gateway.settings import Settings
from gateway.waiting import Waiting
from gateway.web.requests import Requests
from ledger.checkpoint import origin_of
from ledger.client import HealthLedger
from ledger.database import open_database as open_ledger_database
from ledger.deployment import Deployment, connect, deploy
from ledger.devnet import Devnet
from ledger.devnet_watch import keep_running
from ledger.errors import NodeError
from ledger.gas.history import CostBook
from ledger.index import Index
from ledger.indexer import Indexer
from ledger.outbox import Outbox
from ledger.outbox import Settings as OutboxSettings
from ledger.rpc import Node
from ledger.signing import FreeGas, KeyRing, MarketFees
from ledger.transactions import KeySigner
from ledger.types import Address
from offchain_store.ipfs import IpfsStore
from offchain_store.local import LocalStore
from offchain_store.store import Store, VerifiedStore


@dataclass(frozen=True, slots=True)
class Gateway:
    """One running gateway."""

    settings: Settings
    node: Node
    deployment: Deployment
    ledger: HealthLedger
    index: Index
    indexer: Indexer
    outbox: Outbox
    store: VerifiedStore
    """What comes out is what its name says."""
    database: Engine
    """The gateway's own tables: log, sessions, names, what requests have done."""
    ledger_database: Engine
    """The index's tables (`ledger.events`)."""
    keystore: Keystore
    directory: Directory
    log: AccessLog
    checkpoints: Checkpoints
    """What was signed of the log."""
    sessions: Sessions
    auth: Auth
    cards: Cards
    custody: Custody
    crew: Crew
    """Processes that help to seal large batches."""
    escrow: Escrow
    """Holds record keys for emergencies."""
    operator: Identity
    """The organization that runs this gateway: it relays what others have signed."""
    consortium_key: bytes = field(repr=False)
    """Under which outside identifiers are hashed; the same at all gateways of a consortium."""
    proof_key: bytes = field(repr=False)
    """Under which what proves a prescription's body, its terms among it, is sealed in the gateway's tables."""
    requests: Requests
    """What requests with an idempotency key have done."""
    waiting: Waiting
    """What waits for somebody to come back to it."""
    costs: CostBook
    """What the ledger has cost so far."""
    finders: Sequence[Finder]
    """How to find a record's anchor, one kind after the other."""
    free_gas: bool
    """Transactions on this network offer nothing for gas."""
    clock: Callable[[], float]
    """Seconds since 1970."""

    def wait_indexed(self, block: int, seconds: float) -> bool:
        """Wait until the index has come as far as a block; whether it has."""
        end = time.monotonic() + seconds
        while not self.indexer.has(block):
            if time.monotonic() > end:
                return False
            try:
                self.indexer.sync()  # rather than wait for its thread's next round
            except NodeError:
                time.sleep(0.1)
        return True


@contextmanager
def open_gateway(
    settings: Settings,
    *,
    finders: Sequence[Finder] = (),
    chores: Sequence[Chore] = (),
    clock: Callable[[], float] = time.time,
) -> Iterator[Gateway]:
    """Start a gateway and, unless a node is named, a local devnet with it; on the first start deploy the ledger.

    Args:
        finders: ways to find a record's anchor beyond single records.
        chores: what is to be done at intervals in the background.

    Raises:
        LedgerError: no node, or no usable deployment.
        StoreError: the store does not answer.
        KeystoreError: a key file is damaged.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = settings.data_dir / "keys"
    local_key = key_file(keys / "gateway.key")
    operator = identity(key_file(settings.operator_key), "operator")
    with ExitStack() as stack:
        node = Node(settings.node_url or _devnet(settings, stack))
        stack.callback(node.close)
        deployment = _deployment(settings, node, operator)
        ledger = connect(node, deployment)

        database = open_database(settings.database("gateway"))
        stack.callback(database.dispose)
        create_tables(database)
        index_database = open_ledger_database(settings.database("index"))
        stack.callback(index_database.dispose)
        outbox_database = open_ledger_database(settings.database("outbox"))
        stack.callback(outbox_database.dispose)

        keystore = Keystore(
            settings.data_dir / "keystores",
            scrypt_n=settings.scrypt_n,
            passphrase_least=settings.passphrase_least,
        )
        sessions = Sessions(
            database,
            idle=settings.session_idle_seconds,
            absolute=settings.session_absolute_seconds,
            clock=clock,
        )
        custody = Custody(settings.data_dir / "custody", derive(local_key, "custody"))
        custody.keep(operator)
        store = VerifiedStore(_store(settings))
        access_log = AccessLog(database)
        escrow = Escrow.of(derive(local_key, "escrow"))
        index = Index(index_database)
        indexer = Indexer(index_database, node, deployment.address, start_block=deployment.block)
        gateway = Gateway(
            settings=settings,
            node=node,
            deployment=deployment,
            ledger=ledger,
            index=index,
            indexer=indexer,
            outbox=Outbox(
                outbox_database,
                node,
                _key_ring(operator, sessions),
                fees=FreeGas() if _gas_is_free(settings) else MarketFees(),
                settings=OutboxSettings(confirmations=settings.confirmations),
            ),
            store=store,
            database=database,
            ledger_database=index_database,
            keystore=keystore,
            directory=Directory(database, derive(local_key, "names")),
            log=access_log,
            checkpoints=Checkpoints(
                database,
                access_log,
                origin=origin_of(ledger.chain_id, ledger.address, operator.address),
                seed=key_file(keys / "access-log.key"),
                operator=operator,
            ),
            sessions=sessions,
            auth=Auth(
                database,
                keystore,
                domain=settings.domain,
                origin=settings.origin,
                chain_id=ledger.chain_id,
                clock=clock,
            ),
            cards=Cards(store, ledger, index, held={escrow.address: escrow.card}),
            custody=custody,
            escrow=escrow,
            crew=stack.enter_context(Crew(modules=["gateway.batches.seal"])),
            operator=operator,
            consortium_key=key_file(keys / "consortium.key"),
            proof_key=derive(local_key, "proofs"),
            requests=Requests(database, derive(local_key, "requests"), clock),
            waiting=Waiting(database, derive(local_key, "waiting"), clock),
            costs=CostBook(index_database),
            finders=(find_single, *finders),
            free_gas=_gas_is_free(settings),
            clock=clock,
        )
        _start_threads(gateway, chores, stack)
        _publish_operator(gateway)
        stack.enter_context(seldom_collected())
        yield gateway


def _publish_operator(gateway: Gateway) -> None:
    """The organization that runs the gateway is a grantee like any other: records can be sealed for it."""
    card = gateway.cards.put(gateway.operator)
    known = gateway.ledger.participant(gateway.operator.address)
    if known is not None and gateway.ledger.key_card(gateway.operator.address) != card:
        gateway.outbox.enqueue(gateway.ledger.acts.publish_key_card(card), signer=gateway.operator.address)


def _devnet(settings: Settings, stack: ExitStack) -> str:
    def start(port: int) -> Devnet:
        folder = settings.data_dir / "chain"
        return Devnet.start(folder, port=port, chain_id=settings.chain_id, block_time=settings.block_time)

    return stack.enter_context(keep_running(start)).url


def _deployment(settings: Settings, node: Node, operator: Identity) -> Deployment:
    """The deployment that the settings name; on a local devnet that has none yet, a new one."""
    path = settings.deployment_path
    if settings.node_url is not None or path.exists():
        deployment = Deployment.load(path)
        if settings.node_url is not None or _is_there(node, deployment):
            return deployment
    deployment = deploy(node, operator.account, consortium=operator.address)
    deployment.save(path)
    return deployment


def _is_there(node: Node, deployment: Deployment) -> bool:
    """A devnet that was killed within a second of its first start has forgotten the deployment."""
    return bool(len(node.request("eth_getCode", deployment.address, "latest")) > 2)


def _store(settings: Settings) -> Store:
    if settings.store == "ipfs":
        return IpfsStore(settings.ipfs_api)
    return LocalStore(settings.data_dir / "store")


def _gas_is_free(settings: Settings) -> bool:
    return settings.gas_price == 0 if settings.gas_price is not None else settings.node_url is None


def _key_ring(operator: Identity, sessions: Sessions) -> KeyRing:
    """Who can sign now: this gateway's organization, and whoever is signed in with her passphrase."""
    own = KeySigner(operator.secret)

    def find(address: Address) -> KeySigner | None:
        if address == operator.address:
            return own
        person = sessions.unlocked(address)
        return KeySigner(person.secret) if person else None

    return find


def _start_threads(gateway: Gateway, chores: Sequence[Chore], stack: ExitStack) -> None:
    stopping = Event()
    threads = [
        Thread(target=gateway.outbox.run, args=(stopping,), name="outbox"),
        Thread(target=gateway.indexer.run, args=(stopping,), name="indexer"),
        Thread(target=run_chores, args=(gateway, chores, stopping), name="chores"),
    ]
    for thread in threads:
        thread.start()

    def stop() -> None:
        stopping.set()
        for thread in threads:
            thread.join()

    stack.callback(stop)


def require_indexed(gateway: Gateway, block: int) -> None:
    """Raises:
    NotReady: the index has not come as far as the block.
    """
    if not gateway.wait_indexed(block, gateway.settings.wait_seconds):
        raise NotReady("the index is behind the chain: try again in a second")
