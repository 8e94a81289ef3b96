"""Filling a town: records and consents by the hundred thousand, each a transaction and an event of its own.

>>> fill_chain(town, 100_000)
>>> fill_store(folder / "store", 100_000)
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from itertools import cycle, islice
from pathlib import Path
from secrets import token_bytes

from ledger.codes import Category
from ledger.types import Subject, address_of, scope_number
from offchain_store.digest import Cid
from scripts.bench.town import LETTER, Burst, Call, Town, burst

PATIENTS = 100
LABORATORIES = 10

_AT_ONCE = 10_000
_BLOCK = 800
"""Bytes: about a small sealed result."""
_SLIP = 1_170
"""Bytes: a key slip of the default suite."""


def fill_chain(town: Town, count: int) -> None:
    """Anchor `count` records and give `count` consents, in turns, by single transactions signed beforehand.

    The records are `stranger(0)` and so on, about all patients alike; the consents name grantees who are nobody.

    Raises:
        BenchFailed: one failed, or the chain stands still.
    """
    with ThreadPoolExecutor(1) as sender:
        sent: Future[Burst] | None = None
        for first in range(0, count, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, count))
            pairs = zip(_anchors(town, numbers), _grants(town, numbers), strict=True)
            raws = town.sign_all([call for pair in pairs for call in pair])  # while those before are being mined
            if sent is not None:
                sent.result()
            sent = sender.submit(burst, town.node, raws)
        if sent is not None:
            sent.result()


def stranger(number: int) -> bytes:
    """The root block of a record that nobody will open."""
    return sha256(number.to_bytes(8, "big")).digest() * (_BLOCK // 32)


def fill_store(store: Path, count: int) -> None:
    """Lay the records' blocks, each with one key slip, into a local store's folders, laid out as `LocalStore` has it.

    Without its syncs, and in another process than the gateway's: they only need to be there.
    """
    for number in range(count):
        block = stranger(number)
        name = str(Cid.root(sha256(block).digest()))
        path = store / "blocks" / name[-2:] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(block)
        slips = store / "slips" / name[-2:] / name
        slips.mkdir(parents=True)
        (slips / token_bytes(20).hex()).write_bytes(bytes(_SLIP))


def _anchors(town: Town, numbers: Sequence[int]) -> list[Call]:
    authors, patients = town.laboratories[:LABORATORIES], town.patients
    return [
        Call(
            authors[number % len(authors)],
            town.ledger.acts.anchor(
                sha256(stranger(number)).digest(),
                Subject(patients[number // len(authors) % len(patients)].address, Category.LABORATORY),
            ),
        )
        for number in numbers
    ]


def _grants(town: Town, numbers: Sequence[int]) -> list[Call]:
    acts = town.ledger.acts
    return [
        Call(patient, acts.grant(address_of(token_bytes(20)), scope_number(0), LETTER, bytes(32)))
        for patient in islice(cycle(town.patients), len(numbers))
    ]
