"""Processes beside this one that take a part of long computations: sealing results by the thousand.

>>> with Crew(hands=1) as crew:
...     crew.each(sorted, [[2, 1], [4, 3]])
[[1, 2], [3, 4]]

Nobody waits for them: until they have started, while somebody else has them, and when they are gone, all is done here.
What is handed over, keys among it, goes through a connection between the two and stands nowhere else.
"""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing import Pipe
from threading import Lock
from types import TracebackType
from typing import Any, Self, TypeVar

from gateway.batches.hand import READY

P = TypeVar("P")
R = TypeVar("R")

_PATIENCE = 5.0
"""Seconds that a process has to end once nobody asks any more."""

_AHEAD = 2
"""Portions that a process has been asked for at a time: it has work while this one is at a portion of its own."""


class Crew:
    """At most `hands` processes, started with the first work there is for them."""

    def __init__(self, hands: int | None = None, *, modules: Sequence[str] = ()) -> None:
        """
        Args:
            hands: one less than there are processors if None; 0: everything is done here.
            modules: where the work is; a process that has not imported them yet is not ready.
        """
        self.hands = max(0, (os.cpu_count() or 1) - 1) if hands is None else hands
        self._modules = modules
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
                self._hands.append(_Hand(self._modules))
            return bool(self._hands) and all(hand.is_ready() for hand in self._hands)

    def each(self, work: Callable[[P], R], portions: Sequence[P]) -> list[R]:
        """The work's result for each portion, in order; the crew begins at the first, this process at the last.

        This thread asks and listens between two portions of its own.

        Args:
            work: a module's function; its arguments and results can be pickled.

        Raises:
            Exception: what the work raises; a portion that fails elsewhere is tried here.
        """
        left = deque(range(len(portions)))
        results: dict[int, R] = {}
        hands = self._free(len(portions))
        try:
            while left:
                for hand in hands:
                    hand.take(results)
                    hand.ask(work, portions, left)
                if left:
                    number = left.pop()
                    results[number] = work(portions[number])
        finally:
            for hand in hands:
                hand.take(results, all_of_them=True)
                hand.taken.release()
        return [results[number] if number in results else work(portions[number]) for number in range(len(portions))]

    def close(self) -> None:
        """End the processes; from now on everything is done here."""
        with self._lock:
            self._closed = True
            hands, self._hands = self._hands, []
        for hand in hands:
            hand.taken.acquire(timeout=_PATIENCE)  # whoever has it gets the answers to what was asked
            hand.end()

    def _free(self, most: int) -> "list[_Hand]":
        """Processes that can work and that nobody else has, taken."""
        if most < 2:
            return []
        self.start()
        with self._lock:
            return [hand for hand in self._hands[: most - 1] if hand.is_ready() and hand.taken.acquire(blocking=False)]


class _Hand:
    """One process."""

    def __init__(self, modules: Sequence[str]) -> None:
        path = os.pathsep.join(part for part in sys.path if part)
        self._connection, other = Pipe()
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gateway.batches.hand", str(other.fileno()), *modules],
                stdin=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
                env={**os.environ, "PYTHONPATH": path},
            )
        self._asked: deque[int] = deque()
        """Numbers of the portions that it has been asked for, in their order."""
        self._ready = False
        self.taken = Lock()

    def is_there(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def is_ready(self) -> bool:
        """Whether it can work; it says so once."""
        try:
            if not self._ready and self._connection.poll():
                self._ready = self._connection.recv() == READY
        except (OSError, EOFError):
            self.end()
        return self._ready

    def ask(self, work: Callable[[P], Any], portions: Sequence[P], left: deque[int]) -> None:
        """Hand it the first portions that are left, as many as it is to have."""
        try:
            while left and len(self._asked) < _AHEAD and not self._connection.closed:
                self._asked.append(left.popleft())
                self._connection.send((work, portions[self._asked[-1]]))
        except OSError:
            self.end()

    def take(self, results: dict[int, Any], *, all_of_them: bool = False) -> None:
        """Take the results that are there, or wait for all that it was asked for. What fails has none."""
        try:
            while self._asked and (all_of_them or self._connection.poll()):
                answer = self._connection.recv()
                number = self._asked.popleft()
                if answer is not None:
                    (results[number],) = answer
        except (OSError, EOFError):
            self.end()

    def end(self) -> None:
        """End the process: it does when nobody asks any more."""
        self._asked.clear()
        self._connection.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
