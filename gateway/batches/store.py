"""The tables of batches that are being put together here: jobs, groups of items, items.

A job's items are committed as they come; what is committed survives a kill at any instant, and is posted once. The
client's own names for jobs and items may well be numbers of samples or people: only keyed digests of them stand here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.exc import IntegrityError

from gateway.batches.manifest import MOST_GROUPS, ROW, WRITER_AT, Group, Manifest, about, written_by
from gateway.bulk import insert_rows
from gateway.database import metadata, reading, writing
from gateway.errors import NotFound, RequestConflict
from ledger.codes import Category
from ledger.types import Address, address_of, raw

jobs = Table(
    "batch_jobs",
    metadata,
    Column("job", LargeBinary(32), primary_key=True),
    Column("author", LargeBinary(20), nullable=False),
    Column("state", String(8), nullable=False),
    Column("items", BigInteger, nullable=False),
    Column("groups", Integer, nullable=False),
    Column("manifest", LargeBinary(32)),
    Column("root", LargeBinary(32)),
    Column("entry", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Index("ix_batch_jobs_author", "author", "created_at"),
    Index("ix_batch_jobs_state", "state"),
)
job_groups = Table(
    "batch_job_rows",
    metadata,
    Column("job", LargeBinary(32), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("bundle", LargeBinary(32), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("rows", LargeBinary, nullable=False),
)
"""`first`: position of the group's first item. `rows`: as the manifest will have them, but for the writers."""
job_items = Table(
    "batch_job_names",
    metadata,
    Column("job", LargeBinary(32), primary_key=True),
    Column("item", LargeBinary(32), primary_key=True),
    Column("content", LargeBinary(32), nullable=False),
    Column("position", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""`item`, `content`: keyed digests of the client's name for the item and of all that it handed in for it."""
job_writers = Table(
    "batch_job_writers",
    metadata,
    Column("job", LargeBinary(32), primary_key=True),
    Column("patient", LargeBinary(20), primary_key=True),
    Column("categories", Integer, primary_key=True, autoincrement=False),
    Column("writer", LargeBinary(20), nullable=False),
    Column("consent_number", Integer, nullable=False),
)
"""The consents that let the author write items of these patients and categories, looked up once, when the job is
posted."""

group_readers = Table(
    "batch_group_readers",
    metadata,
    Column("bundle", LargeBinary(32), primary_key=True),
    Column("readers", LargeBinary(32), nullable=False),
)
"""For whom a group was sealed, as `gateway.batches.settling` compares it."""

# Built once: a small batch asks as many of these as a large one, and composing one takes longer than running it.
_JOB = select(jobs).where(jobs.c.job == bindparam("job"))
_NEW_JOB = jobs.insert()
_MY_JOB = _JOB.where(jobs.c.author == bindparam("author"))
_MY_JOB_LOCKED = _MY_JOB.with_for_update()
_GROUPS = (
    select(job_groups.c.bundle, job_groups.c.rows)
    .where(job_groups.c.job == bindparam("job"))
    .order_by(job_groups.c.number)
)
_WRITERS = select(job_writers).where(job_writers.c.job == bindparam("job"))
_NEW_GROUP = job_groups.insert()
_NEW_READERS = group_readers.insert()
_NEW_WRITERS = job_writers.insert()
_THIS_JOB = jobs.update().where(jobs.c.job == bindparam("of_job"))
_GROWN = _THIS_JOB.values(items=bindparam("items"), groups=bindparam("groups"))
_NOW = _THIS_JOB.values(state=bindparam("state"))
_POSTED = _NOW.values(manifest=bindparam("manifest"), root=bindparam("root"), entry=bindparam("entry"))


class JobState(StrEnum):
    """How far a job has come."""

    OPEN = "open"
    """Takes items."""
    POSTING = "posting"
    """Its list is closed; manifest and root follow from it, and will be posted."""
    POSTED = "posted"
    """In the outbox, which sees it through."""
    WAITING = "waiting"
    """Anchored; readers let in meanwhile lack slips, which its author's key or their patient's can make."""
    SETTLED = "settled"
    """Anchored; whoever may read it has slips, and nobody else."""


@dataclass(frozen=True, slots=True)
class Job:
    """One batch at work."""

    job: bytes
    author: Address
    state: JobState
    items: int
    manifest: bytes | None
    root: bytes | None
    entry: int | None
    """Number of the act in the outbox."""
    created_at: int


class BatchStore:
    """Reads and writes a gateway's jobs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def open_job(self, job: bytes, author: Address, at: int) -> Job:
        """The job of this name, made if there is none."""
        with writing(self._engine) as connection:
            if connection.execute(_JOB, {"job": job}).one_or_none() is None:
                new = {"job": job, "author": raw(author), "state": JobState.OPEN, "created_at": at}
                connection.execute(_NEW_JOB, {**new, "items": 0, "groups": 0})
            return _job(_row_of(connection, job, author))

    def job(self, job: bytes, author: Address) -> Job:
        """Raises:
        NotFound: no such job, or another author's.
        """
        with reading(self._engine) as connection:
            return _job(_row_of(connection, job, author))

    def jobs_by(self, author: Address, limit: int) -> list[Job]:
        """An author's jobs, newest first."""
        query = select(jobs).where(jobs.c.author == raw(author)).order_by(jobs.c.created_at.desc()).limit(limit)
        with reading(self._engine) as connection:
            return [_job(row) for row in connection.execute(query)]

    def unfinished(self) -> list[Job]:
        """Jobs whose posting was begun and not handed to the outbox."""
        with reading(self._engine) as connection:
            return [_job(row) for row in connection.execute(select(jobs).where(jobs.c.state == JobState.POSTING))]

    def contents(self, job: bytes, items: Sequence[bytes]) -> dict[bytes, bytes]:
        """Of these items, those that are committed, and what was handed in for them."""
        found: dict[bytes, bytes] = {}
        with reading(self._engine) as connection:
            for i in range(0, len(items), 500):
                query = select(job_items.c.item, job_items.c.content).where(
                    job_items.c.job == job, job_items.c.item.in_(items[i : i + 500])
                )
                found.update((row.item, row.content) for row in connection.execute(query))
        return found

    def unsettled(self) -> list[Job]:
        """Jobs in the outbox of which it is not known that exactly those who may read them have slips."""
        query = select(jobs).where(jobs.c.state.in_((JobState.POSTED, JobState.WAITING)))
        with reading(self._engine) as connection:
            return [_job(row) for row in connection.execute(query)]

    def commit(
        self, job: bytes, author: Address, items: Sequence[tuple[bytes, bytes]], group: Group, readers: bytes
    ) -> set[bytes]:
        """Commit sealed items as a group, all or none.

        Args:
            items: each item's name and content (keyed), in the order of the group's rows.
            readers: for whom the group was sealed (`settling.mark_of`).

        Returns:
            Items that somebody else has committed meanwhile; if there are any, nothing was committed now.

        Raises:
            RequestConflict: the job takes no more items.
        """
        try:
            with writing(self._engine) as connection:
                self._commit(connection, job, author, items, group)
                connection.execute(_NEW_READERS, {"bundle": group.bundle, "readers": readers})
        except IntegrityError:
            late = set(self.contents(job, [item for item, _ in items]))
            if not late:
                raise
            return late
        return set()

    def _commit(
        self, connection: Connection, job: bytes, author: Address, items: Sequence[tuple[bytes, bytes]], group: Group
    ) -> None:
        row = _row_of(connection, job, author, lock=True)
        if row.state != JobState.OPEN:
            raise RequestConflict("this batch is closed: its list was posted")
        if row.groups >= MOST_GROUPS:
            raise RequestConflict("this batch is full: post it, hand in more at once, and open another")
        insert_rows(
            connection,
            job_items,
            ("job", "item", "content", "position"),
            [(job, item, content, position) for position, (item, content) in enumerate(items, row.items)],
        )
        connection.execute(
            _NEW_GROUP,
            {"job": job, "number": row.groups, "bundle": group.bundle, "first": row.items, "rows": group.rows},
        )
        connection.execute(_GROWN, {"of_job": job, "items": row.items + len(items), "groups": row.groups + 1})

    def subjects(self, job: bytes) -> list[tuple[Address, Category]]:
        """Patients and categories of a job's items."""
        found: dict[bytes, None] = {}
        with reading(self._engine) as connection:
            for group in _groups(connection, job):
                found.update(dict.fromkeys(map(about, group.each())))
        return [(address_of(subject[:20]), Category(int.from_bytes(subject[20:], "big"))) for subject in found]

    def close(self, job: bytes, author: Address, writers: Sequence[tuple[Address, Category, Address, int]]) -> Job:
        """Close the list, once, with the consents (patient, categories, grantee, number) that let the author write.

        Raises:
            RequestConflict: the list is empty.
        """
        with writing(self._engine) as connection:
            row = _row_of(connection, job, author, lock=True)
            if row.state == JobState.OPEN:
                if row.items == 0:
                    raise RequestConflict("this batch is empty: add items first")
                rows = [
                    {
                        "job": job,
                        "patient": raw(patient),
                        "categories": int(categories),
                        "writer": raw(writer),
                        "consent_number": number,
                    }
                    for patient, categories, writer, number in writers
                ]
                if rows:
                    connection.execute(_NEW_WRITERS, rows)
                connection.execute(_NOW, {"of_job": job, "state": JobState.POSTING})
            return _job(_row_of(connection, job, author))

    def manifest(self, job: bytes) -> Manifest:
        """The list of a closed job."""
        with reading(self._engine) as connection:
            writers = _writers(connection, job)
            nobody = written_by(bytes(20), 0)
            return Manifest(
                tuple(
                    Group(
                        group.bundle,
                        b"".join([row[:WRITER_AT] + writers.get(about(row), nobody) for row in group.each()]),
                    )
                    for group in _groups(connection, job)
                )
            )

    def posted(self, job: bytes, *, manifest: bytes, root: bytes, entry: int) -> None:
        """The outbox has the act."""
        with writing(self._engine) as connection:
            connection.execute(
                _POSTED,
                {"of_job": job, "state": JobState.POSTED, "manifest": manifest, "root": root, "entry": entry},
            )

    def settled(self, job: bytes, state: JobState) -> None:
        """What has come of its slips: waiting, settled."""
        with writing(self._engine) as connection:
            connection.execute(_NOW, {"of_job": job, "state": state})

    def unsettle(self, root: bytes) -> None:
        """A batch that had left the chain is back: granting and withdrawing meanwhile did not reach it."""
        gone = select(jobs.c.job).where(jobs.c.root == root, jobs.c.state.in_((JobState.WAITING, JobState.SETTLED)))
        bundles = select(job_groups.c.bundle).where(job_groups.c.job.in_(gone))
        with writing(self._engine) as connection:
            connection.execute(group_readers.delete().where(group_readers.c.bundle.in_(bundles)))
            connection.execute(jobs.update().where(jobs.c.job.in_(gone)).values(state=JobState.POSTED))

    def sealed(self, job: bytes) -> list[tuple[Group, bytes]]:
        """A job's groups, and for whom each was sealed (`settling.mark_of`); empty: that was not noted."""
        with reading(self._engine) as connection:
            groups = list(_groups(connection, job))
            bundles = [group.bundle for group in groups]
            query = select(group_readers).where(group_readers.c.bundle.in_(bundles))
            marks = {row.bundle: row.readers for row in connection.execute(query)}
        return [(group, marks.get(group.bundle, b"")) for group in groups]

    def proposals(self, job: bytes) -> int:
        """How many items of a closed job have no consent that lets the author write."""
        with reading(self._engine) as connection:
            writers = _writers(connection, job)
            return sum(about(row) not in writers for group in _groups(connection, job) for row in group.each())

    def position(self, job: bytes, item: bytes) -> tuple[int, bytes] | None:
        """Index and digest of an item by its (keyed) name."""
        place = cast(job_items.c.position - job_groups.c.first, Integer)
        query = (
            select(job_items.c.position, func.substr(job_groups.c.rows, place * ROW + 1, 32))
            .join(job_groups, job_groups.c.job == job_items.c.job)
            .where(job_items.c.job == job, job_items.c.item == item, job_groups.c.first <= job_items.c.position)
            .order_by(job_groups.c.first.desc())
            .limit(1)
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return (row[0], bytes(row[1])) if row else None


def _groups(connection: Connection, job: bytes) -> Iterator[Group]:
    for row in connection.execute(_GROUPS, {"job": job}):
        yield Group(row.bundle, row.rows)


def _writers(connection: Connection, job: bytes) -> dict[bytes, bytes]:
    """For each patient and categories who lets the author write them, as rows of the manifest have it."""
    found = connection.execute(_WRITERS, {"job": job})
    return {
        row.patient + row.categories.to_bytes(2, "big"): written_by(row.writer, row.consent_number) for row in found
    }


def _row_of(connection: Connection, job: bytes, author: Address, *, lock: bool = False) -> Row[Any]:
    row = connection.execute(_MY_JOB_LOCKED if lock else _MY_JOB, {"job": job, "author": raw(author)}).one_or_none()
    if row is None:
        raise NotFound("you have no such batch")
    return row


def _job(row: Row[Any]) -> Job:
    fields = row._mapping
    return Job(
        job=fields["job"],
        author=address_of(fields["author"]),
        state=JobState(fields["state"]),
        items=fields["items"],
        manifest=fields["manifest"],
        root=fields["root"],
        entry=fields["entry"],
        created_at=fields["created_at"],
    )
