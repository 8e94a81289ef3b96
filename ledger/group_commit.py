"""Many callers, one commit: whoever comes first writes for all who came while the last commit was being written.

    >>> commits = GroupCommit(write, limit=500)      # write(batches) commits, and answers each batch
    >>> commits.submit([row, row])                   # from any thread; returns when it is durable

A durable commit costs a wait for the disk; a hundred callers who wait for one commit wait for the disk once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

Write = Callable[[Sequence[Sequence[T]]], Sequence[list[R] | Exception]]
"""Commits what several callers submitted; for each, the answers to its items or the exception that only it gets."""


@dataclass(slots=True, eq=False)
class _Ticket(Generic[T, R]):
    items: Sequence[T]
    answer: list[R] | Exception | None = None
    woken: Event = field(default_factory=Event)
    """Set when the answer is there, or when it is this one's turn to write."""


class GroupCommit(Generic[T, R]):
    """Joins concurrent submissions into one write."""

    def __init__(self, write: Write[T, R], *, limit: int) -> None:
        self._write = write
        self._limit = limit
        self._waiting: list[_Ticket[T, R]] = []
        self._writing = False
        self._lock = Lock()

    def submit(self, items: Sequence[T]) -> list[R]:
        """Have `items` written, together with those of others; all of them or none.

        Raises:
            Exception: what `write` answered for these items, or raised for all of them.
        """
        ticket: _Ticket[T, R] = _Ticket(items)
        with self._lock:
            self._waiting.append(ticket)
            my_turn = not self._writing
            self._writing = True
        if not my_turn:
            try:
                ticket.woken.wait()
            except BaseException:  # this thread is being ended
                with self._lock:
                    if ticket in self._waiting:
                        self._waiting.remove(ticket)
                    if ticket.woken.is_set() and ticket.answer is None:
                        self._pass_on()
                raise
        if ticket.answer is None:  # nobody wrote for this one: it is first in the queue, and writes for all behind it
            self._serve(self._next_group())
        if isinstance(ticket.answer, Exception):
            raise ticket.answer
        assert ticket.answer is not None
        return ticket.answer

    def _next_group(self) -> list[_Ticket[T, R]]:
        group: list[_Ticket[T, R]] = []
        size = 0
        with self._lock:
            while self._waiting and (not group or size < self._limit):
                group.append(self._waiting.pop(0))
                size += len(group[-1].items)
        return group

    def _serve(self, group: list[_Ticket[T, R]]) -> None:
        failure: Exception = RuntimeError("the thread that wrote for this one was ended: submit again")
        answers: Sequence[list[R] | Exception] = [failure] * len(group)
        try:
            answers = self._write([ticket.items for ticket in group])
        except Exception as error:
            answers = [error] * len(group)
        finally:
            for ticket, answer in zip(group, answers, strict=True):
                ticket.answer = answer
                ticket.woken.set()
            with self._lock:
                self._pass_on()

    def _pass_on(self) -> None:
        """Whoever waits longest writes next."""
        self._writing = bool(self._waiting)
        if self._waiting:
            self._waiting[0].woken.set()
