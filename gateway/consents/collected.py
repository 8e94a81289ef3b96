"""The signed consents of every anchored list, as far as this gateway has read these lists: a cache of chain and store.

    >>> find_collected(gateway, consent_id).signed.patient
    '0x...'

A list is believed only if the Merkle root over its consents is the anchored one. Of each consent it is noted once
whether its patient signed it and it was anchored in time (`counts`); whether it is live only the ledger says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Row, String, Table, func, or_, select

from gateway.batches.index import Reading
from gateway.batches.manifest import path_in
from gateway.bulk import insert_rows
from gateway.consents.collecting import MOST, consent_in, get_list, row_of, tree_of
from gateway.database import metadata, reading, writing
from gateway.errors import RecordAltered
from ledger import events
from ledger.acts import SignedGrant
from ledger.codes import GRANTABLE_PURPOSES
from ledger.eip712 import Domain, recover
from ledger.errors import SignatureMalformed
from ledger.index import IndexedBatch
from ledger.types import consent_id, raw
from offchain_store.errors import StoreError

if TYPE_CHECKING:
    from gateway.services import Gateway

lists = Table(
    "consent_lists",
    metadata,
    Column("root", LargeBinary(32), primary_key=True),
    Column("author", LargeBinary(20), nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("log_index", Integer, nullable=False),
    Column("state", String(8), nullable=False),
    Column("nodes", LargeBinary, nullable=False),
    Index("ix_consent_lists_block_number", "block_number"),
    Index("ix_consent_lists_state", "state"),
)
"""Lists that were looked for. `author`: the organization that collected it. `state`: see `Reading`. `nodes`: the Merkle
tree, 32 bytes a node."""
consents = Table(
    "signed_consents",
    metadata,
    Column("root", LargeBinary(32), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("block_number", BigInteger, nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("consent_id", LargeBinary(32), nullable=False),
    Column("patient", LargeBinary(20), nullable=False),
    Column("grantee", LargeBinary(20), nullable=False),
    Column("scope", LargeBinary(32), nullable=False),
    Column("categories", Integer, nullable=False),
    Column("purposes", Integer, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("expiry", BigInteger, nullable=False),
    Column("counts", Boolean, nullable=False),
    Column("content", LargeBinary(205), nullable=False),
    Index("ix_signed_consents_consent_id", "consent_id"),
    Index("ix_signed_consents_patient", "patient", "block_number", "place"),
    Index("ix_signed_consents_grantee", "grantee", "block_number", "place"),
    Index("ix_signed_consents_expiry", "expiry"),
)
"""`place`: in its block, by its list and its position there. `counts`: she signed what can be granted, and the list was
anchored before her signature's end."""

_REORGANIZED = 256
"""Blocks within which a list may still turn up elsewhere, or not at all."""


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


def collected_at(gateway: "Gateway", root: bytes, position: int) -> Collected | None:
    """The consent at a place (from 0) of a list; None: no such list stands on the chain, or it was not read."""
    batch = gateway.index.batch(root)
    query = select(consents.c.content, lists.c.nodes).join(lists, lists.c.root == consents.c.root)
    with reading(gateway.database) as connection:
        row = connection.execute(query.where(consents.c.root == root, consents.c.position == position)).one_or_none()
    return Collected(consent_in(row.content), batch, path_in(row.nodes, position)) if batch and row else None


def follow_collected(gateway: "Gateway") -> list[bytes]:
    """Read the lists that are new, and forget those that are gone; the roots of those that were read.

    One that the store lacks is tried again.
    """
    with reading(gateway.database) as connection:
        newest = connection.execute(select(func.max(lists.c.block_number))).scalar()
        since = -1 if newest is None else newest - _REORGANIZED
        recent = or_(lists.c.block_number >= since, lists.c.state == Reading.MISSING)
        columns = (lists.c.root, lists.c.block_number, lists.c.log_index, lists.c.state)
        known = {row.root: row for row in connection.execute(select(*columns).where(recent))}
    table = events.batches
    with reading(gateway.ledger_database) as connection:
        query = select(table.c.root, table.c.block_number, table.c.log_index)
        query = query.where(table.c.kind == "consents", table.c.block_number >= since)
        anchored = {row.root: (row.block_number, row.log_index) for row in connection.execute(query)}
    for root, row in known.items():
        if row.block_number >= since and anchored.get(root) != (row.block_number, row.log_index):
            _forget(gateway, root)
        elif row.state != Reading.MISSING:
            anchored.pop(root, None)
        else:
            anchored[root] = (row.block_number, row.log_index)
    return [root for root in anchored if _read(gateway, root)]


def follow_lists(gateway: "Gateway") -> None:
    """Read the lists of consents that anybody has anchored: a chore."""
    follow_collected(gateway)


def _read(gateway: "Gateway", root: bytes) -> bool:
    batch, anchored = gateway.index.batch(root), gateway.ledger.batch(root)
    if batch is None or anchored is None:
        return False
    domain = gateway.ledger.domain
    try:
        signed = get_list(gateway.store, batch.manifest)
        tree = tree_of(domain, signed)
    except StoreError:
        _remember(gateway, batch, Reading.MISSING)
        return False
    except RecordAltered:
        _remember(gateway, batch, Reading.REFUSED)
        return False
    if tree.root != root or len(signed) != batch.count:
        _remember(gateway, batch, Reading.REFUSED)
        return False
    start = batch.position[1] * MOST
    rows = [
        (
            root,
            position,
            batch.position[0],
            start + position,
            consent_id(one.patient, one.grantee, one.scope),
            raw(one.patient),
            raw(one.grantee),
            one.scope,
            int(one.terms.categories),
            one.terms.purposes,
            one.terms.not_before,
            one.terms.expiry,
            _counts(domain, one, anchored.anchored_at),
            row_of(one),
        )
        for position, one in enumerate(signed)
    ]
    _remember(gateway, batch, Reading.READ, tree.packed(), rows)
    return True


def _counts(domain: Domain, signed: SignedGrant, anchored_at: int) -> bool:
    """What `_isAnchoredGrant` in `Decisions.sol` asks and time does not change."""
    terms = signed.terms
    if (
        not terms.categories
        or not terms.purposes
        or terms.purposes & ~GRANTABLE_PURPOSES
        or anchored_at > signed.deadline
    ):
        return False
    try:
        return recover(signed.typed_data(domain), signed.r, signed.vs) == signed.patient
    except SignatureMalformed:
        return False


def _remember(
    gateway: "Gateway", batch: IndexedBatch, state: Reading, nodes: bytes = b"", rows: Sequence[tuple[Any, ...]] = ()
) -> None:
    with writing(gateway.database) as connection:
        connection.execute(consents.delete().where(consents.c.root == batch.root))
        connection.execute(lists.delete().where(lists.c.root == batch.root))
        connection.execute(
            lists.insert().values(
                root=batch.root,
                author=raw(batch.author),
                block_number=batch.position[0],
                log_index=batch.position[1],
                state=state,
                nodes=nodes,
            )
        )
        insert_rows(connection, consents, consents.c.keys(), rows)


def _forget(gateway: "Gateway", root: bytes) -> None:
    """The list does not stand there any more."""
    with writing(gateway.database) as connection:
        connection.execute(consents.delete().where(consents.c.root == root))
        connection.execute(lists.delete().where(lists.c.root == root))


def _find(gateway: "Gateway", id_: bytes) -> Collected | None:
    """The first of this id whose list is on the chain still; one that counts before one that does not."""
    columns = (consents.c.root, consents.c.position)
    query = select(*columns).where(consents.c.consent_id == id_)
    query = query.order_by(consents.c.counts.desc(), consents.c.block_number, consents.c.place)
    with reading(gateway.database) as connection:
        rows: Sequence[Row[Any, Any]] = connection.execute(query).all()
    return next(filter(None, (collected_at(gateway, row.root, row.position) for row in rows)), None)
