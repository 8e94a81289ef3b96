"""Key slips of a batch whose readers have changed while it was put together.

    >>> settle_batches(gateway)      # a chore

Items are sealed as they are handed in, for whoever may read them then; it may take a night until they are anchored.
Once the manifest of an anchored batch was read here, granting and withdrawing reach its records (`gateway.slips`). What
was granted, withdrawn or denied before is made up for then, once.

Removing slips takes no key. Making them takes that of the author, who has just signed the batch, or of her organization
if it posts as itself; where neither is here any more, it waits for her or for the patient, whoever signs in first.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from gateway.batches.index import BatchIndex, Reading
from gateway.batches.manifest import Group
from gateway.batches.seal import compartment_key, compartment_name
from gateway.batches.store import BatchStore, Job, JobState
from gateway.consents.consenting import forget_handed_over
from gateway.slips.reach import Holder, KeptKey
from gateway.slips.slips import hand_out, standing_readers, standing_readers_of, unwrap
from ledger.codes import Category
from ledger.types import Address, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

Standing = Mapping[tuple[Address, Category], Sequence[Address]]
"""By patient and categories, who may read such records."""


def mark_of(standing: Standing) -> bytes:
    """A digest that changes with whoever may read a group, 32 bytes."""
    mark = sha256()
    for (patient, categories), readers in sorted(standing.items()):
        mark.update(f"{patient}|{int(categories)}|{','.join(sorted(readers))}\n".encode())
    return mark.digest()


def settle_batches(gateway: "Gateway") -> None:
    """A chore: see that of every batch put together here exactly those have slips who may read it.

    Runs in one thread with the sweeping of withdrawals: what is withdrawn while slips are made here is swept after it.
    """
    store, index = BatchStore(gateway.database), BatchIndex(gateway.database)
    for job in store.unsettled():
        author = _author(gateway, job.author)
        if job.state is JobState.WAITING and author is None:
            continue
        if job.root is not None and index.reading_of(job.root) is Reading.READ:
            store.settled(job.job, _settle(gateway, store, job, author))


def _settle(gateway: "Gateway", store: BatchStore, job: Job, author: Holder | None) -> JobState:
    state = JobState.SETTLED
    for group, mark in store.sealed(job.job):
        subjects = {(item.patient, item.categories) for item in group.items}
        if mark_of(standing_readers_of(gateway, subjects)) == mark:
            continue
        for patient, categories in subjects:
            if not _settle_compartment(gateway, group, patient, categories, job.author, author):
                forget_handed_over(gateway, patient)
                state = JobState.WAITING
    return state


def _settle_compartment(
    gateway: "Gateway", group: Group, patient: Address, categories: Category, by: Address, author: Holder | None
) -> bool:
    """Remove and make what the records of one patient and kind call for; whether nothing is lacking.

    The author (`by`) opens them by the slip of the group.
    """
    name = compartment_name(group.bundle, patient, categories)
    # First what is there, then what should be: a slip that is made meanwhile is not taken for one that is left over.
    there = set(gateway.store.list_slips(name))
    if raw(patient) not in there:
        return True  # erased meanwhile, or parted from what was: nobody gets its key any more
    readers = {patient, by, *standing_readers(gateway, patient, categories)}
    for gone in there - set(map(raw, readers)):
        gateway.store.delete_slip(name, gone)
    lacking = list(gateway.cards.of_many([one for one in readers - {by} if raw(one) not in there]))
    if not lacking or author is None:
        return not lacking
    master = unwrap(gateway, author.address, author.sealing, group.bundle)
    if master is not None:
        hand_out(gateway, name, compartment_key(master, patient, categories), lacking)
    return True


def _author(gateway: "Gateway", author: Address) -> Holder | None:
    """The author, if she is signed in here or an organization whose sealing key is in custody."""
    sealing = gateway.custody.find(author)
    return KeptKey(author, sealing) if sealing is not None else gateway.sessions.unlocked(author)
