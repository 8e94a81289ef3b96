"""kill -9 of the chain alone, again and again, under a gateway that goes on serving."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep

import httpx

from tests.gateway.served import Person, serving

RECORDS = 60
KILLS = 3
PATIENCE = 90.0
LONGEST = 40.0
"""Seconds within which every request is answered, whatever happens to the chain."""


def kill_chain_of(folder: Path) -> None:
    """SIGKILL to the node that works on this folder's state."""
    state = str(folder / "chain").encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_node = state in (process / "cmdline").read_bytes() and b"--state\0" in (process / "cmdline").read_bytes()
        except OSError:  # it ended just now
            continue
        if is_node:
            os.kill(int(process.name), signal.SIGKILL)
            return
    raise AssertionError("no node works on this folder")


def deposit(person: Person, number: int) -> tuple[str, float]:
    """Deposit until it is acknowledged, under one key; the record's digest, and how long the slowest answer took."""
    end, slowest = monotonic() + PATIENCE, 0.0
    while monotonic() < end:
        start = monotonic()
        answer = person.try_deposit(
            person.address, f"entry {number}".encode(), "journal", headers={"Idempotency-Key": f"entry-{number}"}
        )
        slowest = max(slowest, monotonic() - start)
        if answer.status_code == 201:
            return str(answer.json()["digest"]), slowest
        assert answer.status_code in (202, 409, 503), answer.text
        sleep(0.2)
    raise AssertionError(f"entry {number} was not acknowledged in time")


def opened(person: Person, digest: str) -> bytes:
    """The record, as soon as the chain has it again."""
    end = monotonic() + PATIENCE
    while True:
        answer: httpx.Response = person.open(digest, "PATRQT")
        if answer.status_code == 200:
            return answer.content
        assert monotonic() < end, answer.text
        sleep(0.2)


def test_the_chain_is_killed_under_load_and_nothing_is_lost_or_done_twice(tmp_path: Path) -> None:
    with serving(tmp_path, block_time=0.2) as served:
        ana = served.person(served.organization("patient"), "patient")
        sleep(2.0)  # the chain's first state is on disk, with the ledger in it
        with ThreadPoolExecutor(4) as clients:
            asked = [clients.submit(deposit, ana, number) for number in range(RECORDS)]
            for _ in range(KILLS):
                sleep(1.5)
                kill_chain_of(tmp_path)
            answers = [one.result() for one in asked]
        digests = [digest for digest, _ in answers]
        assert len(set(digests)) == RECORDS
        assert max(slowest for _, slowest in answers) < LONGEST
        assert [opened(ana, digest) for digest in digests] == [f"entry {n}".encode() for n in range(RECORDS)]
        listed = ana.get("/v1/records", params={"limit": 100}).json()["items"]
        assert sorted(item["digest"] for item in listed) == sorted(digests)
        assert {item["state"] for item in listed} == {"anchored"}
        assert (
            len([act for act in ana.get("/v1/acts", params={"limit": 100}).json() if act["kind"] == "anchor"])
            == RECORDS
        )
