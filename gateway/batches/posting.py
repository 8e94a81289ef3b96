"""Results by the thousand: handed in as they come, posted once as a Merkle root, each of them a record like any other.

    >>> batch = open_batch(gateway, laboratory.address, "night of 4 May")
    >>> add(gateway, laboratory.address, batch.job, items)   # as often as needed; the same again changes nothing
    >>> post(gateway, laboratory.address, batch.job).state
    'posted'

What `add` has accepted is sealed, put and committed. `post` closes the list, derives everything else from it, and hands
one act to the outbox under one key: whoever is cut off anywhere calls it again, and so does `resume`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from secrets import token_bytes
from typing import TYPE_CHECKING

from gateway.batches.consents import write_consents_of
from gateway.batches.follow import follow
from gateway.batches.manifest import MOST_ROWS, Group, put_manifest, subject_of, tree_of
from gateway.batches.seal import NewItem, NewSlip, compartment_key, compartment_name, compartments_of, seal_group
from gateway.batches.settling import mark_of
from gateway.batches.store import BatchStore, Job, JobState
from gateway.errors import InvalidInput, RequestConflict
from gateway.notices.told import Told
from gateway.sending import await_entry
from gateway.slips.slips import standing_readers_of
from ledger.codes import Category
from ledger.outbox import Entry, State
from ledger.types import Address

if TYPE_CHECKING:
    from gateway.services import Gateway

MOST_AT_ONCE = MOST_ROWS
"""Items in one call of `add`; they become one group."""
_UNWRITTEN = bytes(22)
"""Where the writer of a row will stand, once the list is closed."""

MOST_CONTENT = 1 << 20
"""Bytes of one item; larger results are deposited one at a time."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of items that were handed in."""

    accepted: int
    unchanged: int
    """Handed in before with the same content."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch has come."""

    job: bytes
    state: str
    """open, posting, posted, anchored or failed."""
    items: int
    proposals: int
    """Items whose patients had not let the author write: they count once accepted."""
    root: bytes | None
    manifest: bytes | None
    entry: Entry | None
    created_at: int


class ItemConflict(RequestConflict):
    """An item of this name was handed in before with other content."""

    def __init__(self, item: str) -> None:
        self.item = item
        # The name may be a sample's or a person's number: it goes back to its sender, and into no message.
        super().__init__("an item of this name was handed in before with other content: give it a name of its own")


def open_batch(gateway: "Gateway", author: Address, name: str) -> Progress:
    """The author's batch of this name; made if there is none."""
    job = _keyed(gateway, b"job", author.encode(), name.encode())
    return _progress(gateway, _store(gateway).open_job(job, author, int(gateway.clock())))


def add(gateway: "Gateway", author: Address, job: bytes, items: Sequence[NewItem]) -> Added:
    """Take in items: seal each for its patient, the author and all who may read it now; put and commit them.

    Raises:
        NotFound: no such batch of this author.
        RequestConflict: the batch takes no more items.
        ItemConflict: one was handed in before with other content; none of these is taken in.
        InvalidInput: one is malformed, or named twice here with two contents.
        KeyCardError: the author or a patient has no usable key card.
    """
    store = _store(gateway)
    current = store.job(job, author)
    if current.state is not JobState.OPEN:
        raise RequestConflict("this batch is closed: its list was posted")
    named = _by_name(gateway, job, items)
    while True:
        # What is committed from here on by somebody else, committing ours finds out.
        known = store.contents(job, list(named)) if current.items else {}
        for name, (item, content) in named.items():
            if known.get(name, content) != content:
                raise ItemConflict(item.id)
        fresh = {name: pair for name, pair in named.items() if name not in known}
        if not fresh or not _add_fresh(gateway, store, author, job, fresh):
            return Added(accepted=len(fresh), unchanged=len(items) - len(fresh))
        current = store.job(job, author)


def post(gateway: "Gateway", author: Address, job: bytes, *, wait: float = 0.0, correlation: str = "") -> Progress:
    """Close the list and have its root anchored; posting again changes nothing, unless the ledger had refused it.

    Args:
        wait: seconds to wait until it is anchored.

    Raises:
        NotFound, RequestConflict: no such batch, or an empty one.
        ContractRejected: the ledger refuses the batch.
    """
    store = _store(gateway)
    current = store.job(job, author)
    if current.state is JobState.OPEN:
        current = store.close(job, author, list(_writers(gateway, author, store.subjects(job))))
    manifest = store.manifest(job)
    tree = tree_of(manifest, author)
    digest = current.manifest or put_manifest(gateway.store, manifest)
    act = gateway.ledger.acts.anchor_batch(tree.root, len(manifest), digest)
    entry = gateway.outbox.enqueue(
        act,
        signer=author,
        idempotency_key=_act_key(gateway, current),
        correlation_id=correlation or f"batch-{job.hex()[:32]}",
    )
    store.posted(job, manifest=digest, root=tree.root, entry=entry.id)
    await_entry(gateway, entry, wait)
    if wait > 0:
        follow(gateway)
    return progress(gateway, author, job)


def progress(gateway: "Gateway", author: Address, job: bytes) -> Progress:
    """How far a batch has come.

    Raises:
        NotFound: no such batch of this author.
    """
    return _progress(gateway, _store(gateway).job(job, author))


def batches_by(gateway: "Gateway", author: Address, limit: int) -> list[Progress]:
    """An author's batches that were put together here, newest first."""
    return [_progress(gateway, job) for job in _store(gateway).jobs_by(author, limit)]


def item_of(gateway: "Gateway", author: Address, job: bytes, item: str) -> tuple[int, bytes] | None:
    """Index and digest of the item of this name; None: none is committed."""
    _store(gateway).job(job, author)
    return _store(gateway).position(job, _keyed(gateway, b"item", job, item.encode()))


def resume(gateway: "Gateway") -> None:
    """Go on with postings that were cut off: a chore."""
    for job in _store(gateway).unfinished():
        post(gateway, job.author, job.job)


def follow_batches(gateway: "Gateway") -> None:
    """Read the manifests of batches that anybody has anchored: a chore."""
    follow(gateway)


def _add_fresh(
    gateway: "Gateway", store: BatchStore, author: Address, job: bytes, fresh: dict[bytes, tuple[NewItem, bytes]]
) -> bool:
    """Seal, put and commit; whether somebody else has committed one of them meanwhile, so that nothing was."""
    items = [item for item, _ in fresh.values()]
    bundle, master = token_bytes(32), token_bytes(32)
    subjects = compartments_of(items)
    standing = standing_readers_of(gateway, subjects)
    people = {author, *(patient for patient, _ in subjects), *chain.from_iterable(standing.values())}
    cards = gateway.cards.of_many(people)
    # A patient without a key card is found before anything is sealed.
    for needed in (author, *(patient for patient, _ in subjects)):
        if needed not in cards:
            gateway.cards.of(needed)  # says why
    slips = [NewSlip(bundle, master, cards[author])]
    for patient, categories in subjects:
        readers = [patient, *(one for one in standing[patient, categories] if one != author)]
        key = compartment_key(master, patient, categories)
        name = compartment_name(bundle, patient, categories)
        slips += [NewSlip(name, key, cards[reader]) for reader in dict.fromkeys(readers) if reader in cards]
    created = datetime.fromtimestamp(int(gateway.clock()), UTC)
    sealed = seal_group(items, master, slips, created=created, crew=gateway.crew)
    names = gateway.store.put_many(sealed.blocks, sealed.slips)
    subject = cache(lambda patient, categories: subject_of(patient, Category(categories)) + _UNWRITTEN)
    rows = [
        names[root].digest + subject(item.patient, int(item.categories))
        for item, root in zip(items, sealed.roots, strict=True)
    ]
    keyed = [(name, content) for name, (_, content) in fresh.items()]
    return bool(store.commit(job, author, keyed, Group(bundle, b"".join(rows)), mark_of(standing)))


def _by_name(gateway: "Gateway", job: bytes, items: Sequence[NewItem]) -> dict[bytes, tuple[NewItem, bytes]]:
    """The items by the keyed digest of their name, each with that of its content."""
    if len(items) > MOST_AT_ONCE:
        raise InvalidInput("items", Told("hand in at most {most} at once", {"most": MOST_AT_ONCE}))
    named: dict[bytes, tuple[NewItem, bytes]] = {}
    mac = gateway.requests.mac
    of_item, of_content = _framed(b"item", job), _framed(b"content")
    for item in items:
        categories = int(item.categories)
        if not item.id or not categories or len(item.content) > MOST_CONTENT:
            needed = Told("each has a name, a category and at most {most} bytes of content", {"most": MOST_CONTENT})
            raise InvalidInput("items", needed)
        name = mac(of_item + _framed_part(item.id.encode()))
        about = f"{item.patient}|{categories}|{item.media_type}|{item.title}".encode()
        content = mac(of_content + _framed_part(about) + _framed_part(item.content))
        if named.setdefault(name, (item, content))[1] != content:
            raise ItemConflict(item.id)
    return named


def _writers(
    gateway: "Gateway", author: Address, subjects: Collection[tuple[Address, Category]]
) -> Iterable[tuple[Address, Category, Address, int]]:
    """For each patient and categories the consent that lets the author, or her organization, write them. To a patient
    who denies one of them they can only propose."""
    participant = gateway.index.participant(author)
    grantees = [author]
    if participant is not None and participant.organization != author:
        grantees.append(participant.organization)
    denied = gateway.index.denials_of_many(list({patient for patient, _ in subjects}))
    found = write_consents_of(gateway, subjects, grantees, at=int(gateway.clock()))
    return (one for one in found if denied.get(one[0], set()).isdisjoint(grantees))


def _act_key(gateway: "Gateway", job: Job) -> str:
    """One act a batch; after one that failed another may be tried: the ledger takes a root once only."""
    key = f"batch/{job.job.hex()}"
    if job.entry is not None and gateway.outbox.entry(job.entry).state is State.FAILED:
        return f"{key}/{job.entry}"
    if job.entry is not None:
        return gateway.outbox.entry(job.entry).idempotency_key
    return key


def _progress(gateway: "Gateway", job: Job) -> Progress:
    entry = gateway.outbox.entry(job.entry) if job.entry is not None else None
    # What becomes of its slips afterwards is nothing that its author waits for.
    settling = job.state in (JobState.WAITING, JobState.SETTLED)
    state = (JobState.POSTED if settling else job.state).value
    if entry is not None and entry.state in (State.MINED, State.FINAL):
        state = "anchored"
    elif entry is not None and entry.state is State.FAILED:
        state = "failed"
    closed = job.state is not JobState.OPEN
    return Progress(
        job=job.job,
        state=state,
        items=job.items,
        proposals=_store(gateway).proposals(job.job) if closed else 0,
        root=job.root,
        manifest=job.manifest,
        entry=entry,
        created_at=job.created_at,
    )


def _store(gateway: "Gateway") -> BatchStore:
    return BatchStore(gateway.database)


def _keyed(gateway: "Gateway", *parts: bytes) -> bytes:
    """A digest that says nothing without this gateway's key; the parts cannot run together."""
    return gateway.requests.mac(_framed(*parts))


def _framed(*parts: bytes) -> bytes:
    return b"".join(map(_framed_part, (b"batch", *parts)))


def _framed_part(part: bytes) -> bytes:
    return len(part).to_bytes(8, "big") + part
