"""Posting laboratory results by the thousand, beside as many single transactions signed beforehand."""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from secrets import token_hex
from time import perf_counter, sleep

from gateway.batches.posting import MOST_AT_ONCE, add, open_batch, post
from gateway.batches.seal import NewItem
from gateway.identity.keystore import Identity
from ledger.codes import Category
from ledger.types import Address, address_of
from scripts.bench.house import House, open_house
from scripts.bench.processor import Spent, compared
from scripts.bench.report import Aim, Finding, Series
from scripts.bench.spent import explained
from scripts.bench.town import REGULARS, Town, await_mined, burst, found_town, open_devnet

RESULTS_A_PATIENT = 20
"""As a panel has."""

SIGNERS = 10
"""Of the single transactions."""

_IN_FLIGHT = 30
"""Batches posted one after the other in a round, at most."""
_LARGE = 30_000
"""Records of a round: in few of them, waiting for a block's end would weigh more than sealing."""
_SINGLES = 10_000
"""Single transactions of a round, at most: they wait for a block's end four times less, and slow the chain down."""
_ANALYTES = (
    ("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L"),
    ("2951-2", "Sodium [Moles/volume] in Serum or Plasma", "mmol/L"),
    ("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL"),
    ("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL"),
    ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL"),
)


def bench_batches(folder: Path, *, sizes: Sequence[int], rounds: int) -> list[Finding]:
    """Records a second from handing in the first to the batch's being mined, for each size.

    Each size has a new devnet: anvil hashes its whole state for each block, so that single transactions get slower with
    every one before them, and the size measured last would look best.
    """
    return [_bench(folder / str(size), size, rounds) for size in sizes]


def patients_of(size: int) -> int:
    """Whom a batch of this size is about."""
    return -(-size // RESULTS_A_PATIENT)


def results(patients: Sequence[Address], count: int) -> list[NewItem]:
    """Small FHIR Observations, each a little different, about the patients in turn."""
    random = Random(count)  # noqa: S311 - what stands in a result does not matter, only that it differs
    return [_result(patients[number % len(patients)], number, random) for number in range(count)]


def post_batches(house: House, laboratory: Identity, items: Sequence[NewItem], count: int = 1) -> float:
    """Seconds from the first item handed in to the last of `count` batches mined, none waiting for its predecessor's
    block: what they are compared with does not either.

    Raises:
        BenchFailed: the ledger refuses a batch.
    """
    gateway, author = house.gateway, laboratory.address
    entries = []
    start = perf_counter()
    for _ in range(count):
        batch = open_batch(gateway, author, token_hex(8))
        for first in range(0, len(items), MOST_AT_ONCE):
            add(gateway, author, batch.job, items[first : first + MOST_AT_ONCE])
        entries.append(post(gateway, author, batch.job).entry)
    await_mined(gateway.outbox, [entry for entry in entries if entry is not None])
    return perf_counter() - start


def _bench(folder: Path, size: int, rounds: int) -> Finding:
    with open_devnet(folder / "devnet") as node:
        town = found_town(node, "batches", laboratories=1, patients=patients_of(size))
        town.let_write(town.patients, town.laboratories)
        # The singles go to a ledger of their own: this gateway's index should not be busy with them.
        other = found_town(node, "singles", laboratories=SIGNERS, patients=REGULARS)
        other.let_write(other.patients, other.laboratories)
        with open_house(town, folder / "gateway") as house:
            laboratory = house.resident("laboratory")
            house.publish_cards([laboratory, *house.residents("patient", len(town.patients))])
            house.gateway.sessions.open(laboratory.address, laboratory)
            house.catch_up()
            return _in_turns(house, laboratory, other, size, rounds)


def _in_turns(house: House, laboratory: Identity, other: Town, size: int, rounds: int) -> Finding:
    patients = [patient.address for patient in house.town.patients]
    items = results(patients, size)
    count = max(1, min(_IN_FLIGHT, _LARGE // size))
    records = count * size
    post_batches(house, laboratory, items[: len(patients)])  # the first time reads key cards and asks for nonces
    while not house.gateway.crew.start() and house.gateway.crew.hands:
        sleep(0.01)
    measured, ceiling = [], []
    ours, theirs = Spent(), Spent()
    for _ in range(rounds):
        with ours.on(records):
            measured.append(records / post_batches(house, laboratory, items, count))
        singles = min(records, _SINGLES)
        raws = other.sign_all(other.anchors(other.laboratories, singles))
        with theirs.on(singles):
            ceiling.append(burst(other.node, raws).rate)
    content = sum(len(item.content) for item in items) // size
    finding = Finding(
        f"batch of {size:,}",
        f"{count} × {size:,} FHIR results of {content} bytes about {len(patients):,} patients, sealed, put and "
        f"anchored; {rounds} rounds",
        Series("records, in a batch", "/s", tuple(measured)),
        Series("single transactions, signed beforehand", "/s", tuple(ceiling)),
        Aim(least=3.0),
        note=compared(ours, "a record", theirs, "a single transaction"),
    )
    return explained(finding, lambda: post_batches(house, laboratory, items, count))


def _result(patient: Address, number: int, random: Random) -> NewItem:
    code, display, unit = _ANALYTES[number % len(_ANALYTES)]
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": display}]},
        "subject": {"identifier": {"value": f"BENCH-{address_of(patient)}"}},
        "effectiveDateTime": "2026-11-18T07:40:00Z",
        "valueQuantity": {"value": round(random.uniform(1, 200), 2), "unit": unit},
        "identifier": [{"value": f"S-{number:08}"}],
    }
    return NewItem(
        id=f"S-{number:08}",
        patient=patient,
        categories=Category.LABORATORY,
        media_type="application/fhir+json",
        content=json.dumps(observation).encode(),
        title=display,
    )
