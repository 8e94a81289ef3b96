"""The signed consents of every anchored list, as far as this gateway has read these lists: a cache of chain and store.

    >>> find_collected(gateway, consent_id).signed.patient
    '0x...'

A list counts only if the Merkle root over its consents is the anchored one. Whether a consent is live, or was signed at
all, only the ledger and the signature say.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, select

from gateway.batches.bulk import insert_rows
from gateway.batches.manifest import path_in
from gateway.consents.collecting import consent_in, get_list, row_of, tree_of
from gateway.database import metadata, reading, writing
from gateway.errors import RecordAltered
from ledger import events
from ledger.acts import SignedGrant
from ledger.index import IndexedBatch
from ledger.types import consent_id
from offchain_store.errors import StoreError

if TYPE_CHECKING:
    from gateway.services import Gateway

lists = Table(
    "collected_lists",
    metadata,
    Column("root", LargeBinary(32), primary_key=True),
    Column("nodes", LargeBinary, nullable=False),
)
"""Lists that were read. `nodes`: the Merkle tree, 32 bytes a node; empty: what the event names is no such list."""
consents = Table(
    "collected_consents",
    metadata,
    Column("root", LargeBinary(32), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("consent_id", LargeBinary(32), nullable=False),
    Column("content", LargeBinary(205), nullable=False),
    Index("ix_collected_consents_consent_id", "consent_id"),
)


@dataclass(frozen=True, slots=True)
class Collected:
    """A signed consent, and where it was anchored."""

    signed: SignedGrant
    batch: IndexedBatch
    path: tuple[bytes, ...]


def find_collected(gateway: "Gateway", id_: bytes) -> Collected | None:
    """A consent that was signed and anchored in a list; None: no list that can be read here has it."""
    found = _find(gateway, id_)
    if found is None and follow_collected(gateway):
        found = _find(gateway, id_)
    return found


def follow_collected(gateway: "Gateway") -> list[bytes]:
    """Read the lists that are new; the roots of those that were read. One that the store lacks is tried again."""
    with reading(gateway.database) as connection:
        known = set(connection.execute(select(lists.c.root)).scalars())
    with reading(gateway.ledger_database) as connection:
        anchored = connection.execute(
            select(events.batches.c.root).where(events.batches.c.kind == "consents")
        ).scalars()
        fresh = [root for root in anchored if root not in known]
    return [root for root in fresh if _read(gateway, root)]


def _read(gateway: "Gateway", root: bytes) -> bool:
    batch = gateway.index.batch(root)
    if batch is None:
        return False
    try:
        signed = get_list(gateway.store, batch.manifest)
        tree = tree_of(gateway.ledger.domain, signed)
    except StoreError:
        return False
    except RecordAltered:
        _remember(gateway, root, b"", [])
        return False
    if tree.root != root or len(signed) != batch.count:
        _remember(gateway, root, b"", [])
        return False
    _remember(gateway, root, tree.packed(), signed)
    return True


def _remember(gateway: "Gateway", root: bytes, nodes: bytes, signed: list[SignedGrant]) -> None:
    rows = [
        (root, position, consent_id(one.patient, one.grantee, one.scope), row_of(one))
        for position, one in enumerate(signed)
    ]
    with writing(gateway.database) as connection:
        connection.execute(consents.delete().where(consents.c.root == root))
        connection.execute(lists.delete().where(lists.c.root == root))
        connection.execute(lists.insert().values(root=root, nodes=nodes))
        insert_rows(connection, consents, consents.c.keys(), rows)


def _find(gateway: "Gateway", id_: bytes) -> Collected | None:
    """The first of this id whose list is on the chain still."""
    query = select(consents, lists.c.nodes).join(lists, lists.c.root == consents.c.root)
    with reading(gateway.database) as connection:
        rows = connection.execute(query.where(consents.c.consent_id == id_)).all()
    found = [(gateway.index.batch(row.root), row) for row in rows]
    standing = [(batch, row) for batch, row in found if batch is not None]
    if not standing:
        return None
    batch, row = min(standing, key=lambda one: one[0].position)
    return Collected(consent_in(row.content), batch, path_in(row.nodes, row.position))
