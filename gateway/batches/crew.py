"""Processes beside this one that take a part of long computations: sealing results by the thousand.

>>> with Crew(hands=1) as crew:
...     crew.each(sorted, [[2, 1], [4, 3]])
[[1, 2], [3, 4]]

Nobody waits for them: until they have started, while somebody else has them, and when they are gone, all is done here.
What is handed over, keys among it, goes through pipes and stands nowhere else.
"""

import os
import select
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from gateway.batches.hand import READY, receive, send

P = TypeVar("P")
R = TypeVar("R")

_PATIENCE = 5.0
"""Seconds that a process has to end once nobody asks any more."""

_AHEAD = 2
"""Portions that a process has been asked for at a time."""


class Crew:
    """At most `hands` processes, started with the first work there is for them."""

    def __init__(self, hands: int | None = None) -> None:
        """
        Args:
            hands: one less than there are processors if None; 0: everything is done here.
        """
        self.hands = max(0, (os.cpu_count() or 1) - 1) if hands is None else hands
        self._lock = Lock()
        self._hands: list[_Hand] = []
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> bool:
        """Have the processes started, without waiting; whether all can work."""
        with self._lock:
            self._hands = [hand for hand in self._hands if hand.is_there()]
            while len(self._hands) < self.hands and not self._closed:
                self._hands.append(_Hand())
            return bool(self._hands) and all(hand.is_ready() for hand in self._hands)

    def each(self, work: Callable[[P], R], portions: Sequence[P]) -> list[R]:
        """The work's result for each portion, in order; the crew begins at the first, this process at the last.

        Args:
            work: a module's function; its arguments and results can be pickled.

        Raises:
            Exception: what the work raises; a portion that fails elsewhere is tried here.
        """
        shared = _Shared(work, portions)
        helping = [Thread(target=hand.help, args=(shared,), name="crew") for hand in self._free(len(portions))]
        for thread in helping:
            thread.start()
        try:
            while (number := shared.take(last=True)) is not None:
                shared.results[number] = work(portions[number])
        finally:
            shared.left.clear()
            for thread in helping:
                thread.join()
        return [
            shared.results[number] if number in shared.results else work(portions[number])
            for number in range(len(portions))
        ]

    def close(self) -> None:
        """End the processes; from now on everything is done here."""
        with self._lock:
            self._closed = True
            hands, self._hands = self._hands, []
        for hand in hands:
            hand.end()

    def _free(self, most: int) -> "list[_Hand]":
        """Processes that can work and that nobody else has, taken."""
        if most < 2:
            return []
        self.start()
        with self._lock:
            return [hand for hand in self._hands[: most - 1] if hand.is_ready() and hand.taken.acquire(blocking=False)]


class _Shared(Generic[P, R]):
    """Portions that several take from, and their results."""

    def __init__(self, work: Callable[[P], R], portions: Sequence[P]) -> None:
        self.work = work
        self.portions = portions
        self.left = deque(range(len(portions)))
        self.results: dict[int, R] = {}

    def take(self, *, last: bool) -> int | None:
        """The first or last portion that nobody has taken yet; None: there is none."""
        try:
            return self.left.pop() if last else self.left.popleft()
        except IndexError:
            return None


class _Hand:
    """One process."""

    def __init__(self) -> None:
        path = os.pathsep.join(part for part in sys.path if part)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gateway.batches.hand"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._ready = False
        self.taken = Lock()

    def is_there(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def is_ready(self) -> bool:
        """Whether it can work; it says so once."""
        out = self._process.stdout
        if not self._ready and out is not None and select.select([out], [], [], 0)[0]:
            self._ready = out.read(1) == READY
        return self._ready

    def help(self, shared: _Shared[Any, Any]) -> None:
        """Have the process work on portions until none is left, or it is gone."""
        out, into = self._process.stdout, self._process.stdin
        if out is None or into is None:
            return
        asked: deque[int] = deque()
        try:
            while True:
                # One ahead, so that the process has work while this thread waits for its turn.
                while len(asked) < _AHEAD and (number := shared.take(last=False)) is not None:
                    asked.append(number)
                    send(into, (shared.work, shared.portions[number]))
                if not asked:
                    return
                answer = receive(out)
                number = asked.popleft()
                if answer is not None:
                    (shared.results[number],) = answer
        except (OSError, EOFError, ValueError):  # ValueError: the crew was closed meanwhile, and the pipes with it
            self.end()
        finally:
            self.taken.release()

    def end(self) -> None:
        """End the process: it does when nobody asks any more."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):  # what was not flushed has no reader
                    stream.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
