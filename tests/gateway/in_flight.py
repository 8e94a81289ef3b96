"""Readers who never rest, while what lets them read comes to its end."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from time import monotonic, time

import httpx

from tests.gateway.conftest import Cast
from tests.gateway.served import Person
from tests.waiting import until


@dataclass(frozen=True, slots=True)
class Opened:
    """One attempt of a reader who never rests."""

    began: float
    status: int


def reading_on(reader: Person, digest: str, stop: Event, purpose: str = "TREAT") -> list[Opened]:
    """Open a record again and again until told to stop."""
    attempts = []
    while not stop.is_set():
        began = monotonic()
        attempts.append(Opened(began, reader.open(digest, purpose).status_code))
    return attempts


def ends_while_reading(
    cast: Cast, reader: Person, digest: str, end: Callable[[], httpx.Response], purpose: str = "TREAT"
) -> None:
    """No open that began after the act was answered is permitted, with three readers in flight all the time."""
    until(lambda: reader.open(digest, purpose).status_code == 200)  # a busy gateway has first to hear of the consent
    stop = Event()
    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(reading_on, reader, digest, stop, purpose) for _ in range(3)]
        before = cast.served.gateway.log.size()
        until(lambda: cast.served.gateway.log.size() > before + 10)
        answer = end()
        answered = monotonic()
        after = cast.served.gateway.log.size()
        until(lambda: cast.served.gateway.log.size() > after + 10)
        stop.set()
        attempts = [attempt for one in readers for attempt in one.result()]
    assert answer.status_code == 200, answer.text
    late = [attempt.status for attempt in attempts if attempt.began >= answered]
    assert {attempt.status for attempt in attempts} == {200, 403}
    assert len(late) >= 5
    assert set(late) == {403}


def expires_while_reading(cast: Cast, reader: Person, digest: str, grant: Callable[[int], str]) -> None:
    """Up to the second of its expiry a consent permits, with three readers in flight; from that second on it does not.

    Args:
        grant: makes a consent that ends at that second, seconds since 1970.
    """
    expiry, first = live_for_a_moment(cast, reader, digest, grant)
    stop = Event()
    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(reading_on, reader, digest, stop) for _ in range(3)]
        until(lambda: time() > expiry + 1.5, timeout=90)
        stop.set()
        assert {attempt.status for one in readers for attempt in one.result()} <= {200, 403}

    lines = cast.served.gateway.log.page(reader=reader.address, limit=10_000)
    ours = [line.attempt for line in lines if line.seq >= first]
    assert {attempt.permitted for attempt in ours} == {True, False}
    # The ledger's clock may be a second ahead of the gateway's; it is never behind.
    assert all(not attempt.permitted for attempt in ours if attempt.at >= expiry)
    assert all(attempt.permitted for attempt in ours if attempt.at < expiry - 1)


def live_for_a_moment(cast: Cast, reader: Person, digest: str, grant: Callable[[int], str]) -> tuple[int, int]:
    """Have a consent made that ends soon after its reader could first read by it, which takes longer where much else is
    going on: when it ends, and that reading's line in the log."""
    for seconds in (4, 15, 60):
        expiry = int(time()) + seconds
        grant(expiry)
        while time() < expiry - 2:
            line = cast.served.gateway.log.size()
            if reader.open(digest).status_code == 200:
                return expiry, line
    raise AssertionError("a minute was too short")
