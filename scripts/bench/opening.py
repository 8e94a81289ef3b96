"""Opening a record over HTTP, beside the same bytes unverified, in a small gateway and in one that is full.

The two are asked in turns, so that whatever else the machine does meets both.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from time import perf_counter

from gateway.flow import Deposited, Draft, deposit
from gateway.sending import Errand
from ledger.codes import Category, Role
from ledger.rpc import Node
from offchain_store.record import Header
from scripts.bench.batches import results
from scripts.bench.crowd import LABORATORIES, PATIENTS, fill_chain, fill_store
from scripts.bench.house import House, open_house
from scripts.bench.rebuilding import bench_rebuild, settle_bills
from scripts.bench.report import Aim, Finding, Series
from scripts.bench.town import PATIENCE, BenchFailed, Call, Town, await_mined, found_town, open_devnet, secret, somebody

RECORDS = 40
"""Records that are opened, in turn."""

_FILLING, _RESTING = 0.5, 5
"""Seconds from block to block while the chain is filled, and afterwards, as a consortium network has it. For each block
anvil hashes its whole state and keeps a copy: twice a second is all that it would do, in ever more memory."""
_WARM_UP = 20
_PURPOSE = b'{"purpose":"TREAT"}'


@dataclass(frozen=True, slots=True)
class Asked:
    """A gateway that is being asked over a connection that stays open."""

    connection: HTTPConnection
    headers: dict[str, str]
    digests: tuple[str, ...]

    def open(self, number: int) -> float:
        """Milliseconds to open a record."""
        return self._post(f"/v1/records/{self._digest(number)}/open")

    def plain(self, number: int) -> float:
        """Milliseconds to get the same bytes unverified."""
        return self._post(f"/bench/plain/{self._digest(number)}")

    def _digest(self, number: int) -> str:
        return self.digests[number % len(self.digests)]

    def _post(self, path: str) -> float:
        start = perf_counter()
        self.connection.request("POST", path, _PURPOSE, self.headers)
        response = self.connection.getresponse()
        content = response.read()
        milliseconds = 1_000 * (perf_counter() - start)
        if response.status != 200 or not content:
            raise BenchFailed(f"a request was answered with status {response.status}")
        return milliseconds


@dataclass(frozen=True, slots=True)
class _Samples:
    """Milliseconds of one gateway's answers, taken in turns."""

    opened: list[float]
    plain: list[float]


def bench_opening(folder: Path, *, small: int, large: int, requests: int, rounds: int) -> list[Finding]:
    """Milliseconds to open a record with `small` and with `large` records and consents around it; and, as the large
    chain is there by then, events a second into an empty index."""
    findings: list[Finding] = []
    with ExitStack() as stack:
        starting = []
        for count in (small, large):
            place = folder / str(count)
            node = stack.enter_context(open_devnet(place / "devnet", block_time=_FILLING))
            town, digests = _prepare(node, place, count, min(RECORDS, requests))
            if count == large:
                rebuilt = place / "rebuilt.db"
                findings.append(bench_rebuild(town, rebuilt, rounds=rounds))
                settle_bills(rebuilt)
                rebuilt.replace(place / "gateway" / "index.db")
            starting.append((stack.enter_context(_serving(town, place)), digests))
        asked = [_connected(process, digests) for process, digests in starting]
        for one in asked:
            stack.callback(one.connection.close)
        samples = _ask_in_turns(asked, requests)
    for count, found in zip((small, large), samples, strict=True):
        findings.append(_times_plain(count, found))
    findings.append(_flatness(small, large, samples))
    return findings


def _prepare(node: Node, place: Path, count: int, records: int) -> tuple[Town, tuple[str, ...]]:
    """A town with the records that will be opened, and after them the crowd; their digests."""
    town = found_town(node, "opening", laboratories=LABORATORIES + 1, patients=min(PATIENTS, count))
    doctor, hospital = somebody(town.name, "doctor"), somebody(town.name, "hospital")
    town.do([Call(hospital, town.ledger.acts.register(doctor.address, Role.PRACTITIONER))])
    town.let_write(town.patients, town.laboratories)
    town.let_write(town.patients[:1], [doctor])
    with open_house(town, place / "gateway") as house:
        digests = _deposit(house, place / "plain", records)
    fill_chain(town, count)
    node.request("evm_setIntervalMining", _RESTING)
    fill_store(place / "gateway" / "store", count)
    return town, digests


def _deposit(house: House, plain: Path, records: int) -> tuple[str, ...]:
    """Deposit results about the first patient, for the doctor to open; their digests. The laboratory is one that does
    nothing else: the outbox owns its nonces."""
    patient, doctor = house.resident("patient"), house.resident("doctor")
    laboratory = house.resident("laboratory", LABORATORIES)
    house.publish_cards([patient, laboratory, doctor])
    house.gateway.sessions.open(laboratory.address, laboratory)
    house.catch_up()
    plain.mkdir()
    deposited: list[Deposited] = []
    header = Header("application/fhir+json", int(Category.LABORATORY), "Potassium", datetime.now(UTC))
    for item in results([patient.address], records):
        draft = Draft(patient.address, Category.LABORATORY, header)
        deposited.append(deposit(house.gateway, laboratory, draft, BytesIO(item.content), Errand.new()))
        (plain / deposited[-1].digest.hex()).write_bytes(item.content)
    await_mined(house.gateway.outbox, [one.entry for one in deposited])
    if any(one.proposed for one in deposited):
        raise BenchFailed("a record is no more than proposed")
    return tuple(one.digest.hex() for one in deposited)


@contextmanager
def _serving(town: Town, place: Path) -> Iterator["subprocess.Popen[str]"]:
    """The gateway of a prepared place, starting in a process of its own, its index caught up."""
    with open_house(town, place / "gateway") as house:
        house.catch_up()
        settings = house.gateway.settings.model_dump(mode="json", exclude_unset=True)
    reader = secret(town.name, "doctor").hex()
    description = place / "serving.json"
    description.write_text(json.dumps({"settings": settings, "reader": reader, "plain": str(place / "plain")}))
    command = [sys.executable, "-m", "scripts.bench.serving", str(description)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def _connected(process: "subprocess.Popen[str]", digests: tuple[str, ...]) -> Asked:
    """A connection to a gateway, once it has started."""
    told = process.stdout.readline() if process.stdout else ""
    if not told:
        raise BenchFailed("the gateway's process did not start")
    answer = json.loads(told)
    headers = {"Authorization": f"Bearer {answer['token']}", "Content-Type": "application/json"}
    return Asked(HTTPConnection("127.0.0.1", answer["port"], timeout=PATIENCE), headers, digests)


def _ask_in_turns(asked: Sequence[Asked], requests: int) -> list[_Samples]:
    samples = [_Samples([], []) for _ in asked]
    for number in range(-_WARM_UP, requests):
        for one, found in zip(asked, samples, strict=True):
            opened, plain = one.open(number), one.plain(number)
            if number >= 0:
                found.opened.append(opened)
                found.plain.append(plain)
    return samples


def _times_plain(count: int, found: _Samples) -> Finding:
    return Finding(
        f"opening among {count:,}",
        f"a result opened over HTTP, {count:,} records and as many consents around it; {len(found.opened)} requests",
        Series("decided, logged, verified, opened", "ms", tuple(found.opened)),
        Series("the same bytes unverified", "ms", tuple(found.plain)),
        Aim(most=3.0),
    )


def _flatness(small: int, large: int, samples: Sequence[_Samples]) -> Finding:
    return Finding(
        "opening, flat",
        f"the same request among {large:,} and among {small:,} records, in turns",
        Series(f"among {large:,}", "ms", tuple(samples[1].opened)),
        Series(f"among {small:,}", "ms", tuple(samples[0].opened)),
        Aim(most=1.25),
    )
