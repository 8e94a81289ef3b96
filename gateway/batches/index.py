"""The records of every anchored batch, as far as this gateway has read their manifests: a cache of chain and store.

    >>> BatchIndex(gateway.database).record(digest).index
    17

A manifest counts only if the Merkle root over its records is the anchored one; the ledger checks each record's place
again in every decision.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Index,
    Integer,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    func,
    select,
    tuple_,
)

from gateway.batches.manifest import BatchTree, Item, Manifest, path_in
from gateway.bulk import insert_rows
from gateway.database import metadata, reading, writing
from ledger.codes import Category
from ledger.index import IndexedBatch
from ledger.positions import Position
from ledger.types import Address, address_of, raw

followed = Table(
    "batches_followed",
    metadata,
    Column("root", LargeBinary(32), primary_key=True),
    Column("author", LargeBinary(20), nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("log_index", Integer, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),
    Column("nodes", LargeBinary, nullable=False),
    Index("ix_batches_followed_position", "block_number", "log_index"),
    Index("ix_batches_followed_state", "state"),
)
"""`state`: see `Reading`. `nodes`: the Merkle tree, 32 bytes a node."""
batch_records = Table(
    "batch_records",
    metadata,
    Column("root", LargeBinary(32), primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("patient", LargeBinary(20), nullable=False),
    Column("categories", Integer, nullable=False),
    Column("writer", LargeBinary(20), nullable=False),
    Column("consent_number", Integer, nullable=False),
    Column("bundle", LargeBinary(32), nullable=False),
    Column("place", Integer, nullable=False),
    Index("ix_batch_records_digest", "digest"),
    Index("ix_batch_records_patient", "patient", "root"),
)

_AT_ONCE = 10_000
"""Rows inserted at a time: the list of a large batch should not stand in memory three times."""

_REORGANIZED = 256
"""Blocks within which a batch may still turn up elsewhere, or not at all."""


class Reading(StrEnum):
    """What became of a batch's manifest."""

    READ = "read"
    MISSING = "missing"
    """The store does not have it (yet), or gave other bytes: it is tried again."""
    REFUSED = "refused"
    """It is no manifest, or not of the anchored root."""


Place = tuple[int, int, int]
"""Block number and log index of the batch's event, and the record's index: how lists are paged."""


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """One record of a batch."""

    root: bytes
    index: int
    author: Address
    item: Item
    bundle: bytes
    """The group's name: where its key slips lie."""
    place: int
    """Its place in the group, from which its key follows."""
    where: Place


@dataclass(frozen=True, slots=True)
class Arrival:
    """A batch in which there is something about a person."""

    position: Position
    root: bytes
    author: Address
    records: int
    """About her."""
    categories: Category
    """Kinds of her records: all of them where there are one or two."""


class BatchIndex:
    """Read and write access to the two tables."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def cursor(self) -> Position:
        """From where on batches are to be looked for: a little before the newest one known."""
        query = select(followed.c.block_number).order_by(followed.c.block_number.desc()).limit(1)
        with reading(self._engine) as connection:
            newest = connection.execute(query).scalar()
        return (-1, -1) if newest is None else (newest - _REORGANIZED, -1)

    def known(self, after: Position) -> dict[bytes, Position]:
        """Batches read already, after a position, and where they stood."""
        query = select(followed.c.root, followed.c.block_number, followed.c.log_index).where(
            followed.c.block_number >= after[0]
        )
        with reading(self._engine) as connection:
            return {row.root: (row.block_number, row.log_index) for row in connection.execute(query)}

    def missing(self, limit: int) -> list[bytes]:
        """Batches whose manifests the store did not have."""
        query = select(followed.c.root).where(followed.c.state == Reading.MISSING).limit(limit)
        with reading(self._engine) as connection:
            return list(connection.execute(query).scalars())

    def reading_of(self, root: bytes) -> "Reading | None":
        """What became of a batch's manifest; None: not looked for yet."""
        with reading(self._engine) as connection:
            state = connection.execute(select(followed.c.state).where(followed.c.root == root)).scalar()
        return Reading(state) if state else None

    def add(
        self, batch: IndexedBatch, state: "Reading", manifest: Manifest | None = None, tree: BatchTree | None = None
    ) -> None:
        """Remember a batch, and its records if its manifest was read."""
        with writing(self._engine) as connection:
            connection.execute(batch_records.delete().where(batch_records.c.root == batch.root))
            connection.execute(followed.delete().where(followed.c.root == batch.root))
            connection.execute(
                followed.insert().values(
                    root=batch.root,
                    author=raw(batch.author),
                    block_number=batch.position[0],
                    log_index=batch.position[1],
                    count=batch.count,
                    state=state,
                    nodes=tree.packed() if tree else b"",
                )
            )
            if manifest is not None:
                columns = batch_records.c.keys()
                rows = _rows(batch.root, manifest)
                while some := list(islice(rows, _AT_ONCE)):
                    insert_rows(connection, batch_records, columns, some)

    def move(self, root: bytes, position: Position) -> None:
        """The batch stands elsewhere now."""
        with writing(self._engine) as connection:
            connection.execute(
                followed.update().where(followed.c.root == root).values(block_number=position[0], log_index=position[1])
            )

    def drop(self, root: bytes) -> None:
        """The batch is not on the chain any more."""
        with writing(self._engine) as connection:
            connection.execute(batch_records.delete().where(batch_records.c.root == root))
            connection.execute(followed.delete().where(followed.c.root == root))

    def record(self, digest: bytes) -> BatchRecord | None:
        """A record by its digest."""
        return next(iter(self._find(_query().where(batch_records.c.digest == digest).limit(1))), None)

    def records_about(self, patients: Sequence[Address], limit: int, before: Place | None = None) -> list[BatchRecord]:
        """The records about a person, by any of her addresses, newest first."""
        query = _query().where(batch_records.c.patient.in_([raw(patient) for patient in patients]))
        if before is not None:
            query = query.where(
                tuple_(followed.c.block_number, followed.c.log_index, batch_records.c.position) < tuple_(*before)
            )
        newest = (followed.c.block_number.desc(), followed.c.log_index.desc(), batch_records.c.position.desc())
        return self._find(query.order_by(*newest).limit(limit))

    def compartments_of(self, patient: Address) -> list[tuple[bytes, Category]]:
        """The groups (by their bundles) and categories in which there are records about a person."""
        query = (
            select(batch_records.c.bundle, batch_records.c.categories)
            .where(batch_records.c.patient == raw(patient))
            .distinct()
        )
        with reading(self._engine) as connection:
            return [(bundle, Category(categories)) for bundle, categories in connection.execute(query)]

    def arrivals(self, patient: Address, limit: int, before: Position | None = None) -> "list[Arrival]":
        """The batches in which there are records about a person, written by somebody else; newest first."""
        place = (followed.c.block_number, followed.c.log_index)
        query = (
            select(
                followed.c.root,
                followed.c.author,
                *place,
                func.count().label("records"),
                # No aggregate of bit masks is the same everywhere; a batch has few kinds of records for one person.
                func.min(batch_records.c.categories).label("least"),
                func.max(batch_records.c.categories).label("most"),
            )
            .join(batch_records, batch_records.c.root == followed.c.root)
            .where(batch_records.c.patient == raw(patient), followed.c.author != raw(patient))
            .group_by(followed.c.root, followed.c.author, *place)
            .order_by(place[0].desc(), place[1].desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(tuple_(*place) < tuple_(*before))
        with reading(self._engine) as connection:
            return [
                Arrival(
                    position=(row.block_number, row.log_index),
                    root=row.root,
                    author=address_of(row.author),
                    records=row.records,
                    categories=Category(row.least | row.most),
                )
                for row in connection.execute(query)
            ]

    def path(self, root: bytes, index: int) -> tuple[bytes, ...]:
        """The Merkle path of a record."""
        with reading(self._engine) as connection:
            nodes = connection.execute(select(followed.c.nodes).where(followed.c.root == root)).scalar_one()
        return path_in(nodes, index)

    def patients_of(self, root: bytes) -> list[Address]:
        """Whom a batch is about."""
        query = select(batch_records.c.patient).where(batch_records.c.root == root).distinct()
        with reading(self._engine) as connection:
            return [address_of(patient) for patient in connection.execute(query).scalars()]

    def _find(self, query: Select[Any]) -> list[BatchRecord]:
        with reading(self._engine) as connection:
            return [_record(row) for row in connection.execute(query)]


def _query() -> Select[Any]:
    # Not `nodes`: it is large, and of one question's use.
    columns = (followed.c.author, followed.c.block_number, followed.c.log_index)
    return select(batch_records, *columns).join(followed, followed.c.root == batch_records.c.root)


def _rows(root: bytes, manifest: Manifest) -> Iterator[tuple[Any, ...]]:
    """What `batch_records` holds of a manifest, in the order of its columns."""
    position = 0
    for group in manifest.groups:
        for place, row in enumerate(group.each()):
            categories, number = int.from_bytes(row[52:54], "big"), int.from_bytes(row[74:76], "big")
            yield root, position, row[:32], row[32:52], categories, row[54:74], number, group.bundle, place
            position += 1


def _record(row: Row[Any]) -> BatchRecord:
    return BatchRecord(
        root=row.root,
        index=row.position,
        author=address_of(row.author),
        item=Item(
            digest=row.digest,
            patient=address_of(row.patient),
            categories=Category(row.categories),
            writer=address_of(row.writer),
            consent_number=row.consent_number,
        ),
        bundle=row.bundle,
        place=row.place,
        where=(row.block_number, row.log_index, row.position),
    )
