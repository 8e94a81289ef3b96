"""Waiting for a condition, not for a time."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")


def until(ask: Callable[[], T | None], timeout: float = 60.0) -> T:
    """The first true answer; an AssertionError if there is none in time."""
    end = monotonic() + timeout
    while True:
        answer = ask()
        if answer:
            return answer
        assert monotonic() < end, f"waited {timeout:.0f} s in vain"
        sleep(0.02)
