"""One write for many callers."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from ledger.group_commit import GroupCommit


def test_callers_who_come_during_a_write_share_the_next_one() -> None:
    writes: list[int] = []
    first, all_there = Event(), Event()

    def write(batches: Sequence[Sequence[int]]) -> list[list[int] | Exception]:
        writes.append(len(batches))
        first.set()
        all_there.wait(5)
        return [[item * 2 for item in batch] for batch in batches]

    commits: GroupCommit[int, int] = GroupCommit(write, limit=100)
    with ThreadPoolExecutor(9) as pool:
        answers = [pool.submit(commits.submit, [0])]
        first.wait(5)
        answers += [pool.submit(commits.submit, [number, number]) for number in range(1, 9)]
        while len(commits._waiting) < 8:
            pass
        all_there.set()
        assert [answer.result(5) for answer in answers] == [[0], *([2 * number] * 2 for number in range(1, 9))]
    assert writes == [1, 8]


def test_a_group_is_not_larger_than_the_limit_unless_one_caller_is() -> None:
    sizes: list[int] = []

    def write(batches: Sequence[Sequence[int]]) -> list[list[int] | Exception]:
        sizes.append(sum(map(len, batches)))
        return [list(batch) for batch in batches]

    commits: GroupCommit[int, int] = GroupCommit(write, limit=10)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(commits.submit, [[1] * 4] * 100))
    assert max(sizes) <= 12
    assert sum(sizes) == 400
    assert commits.submit([1] * 50) == [1] * 50


def test_an_exception_is_for_whom_it_is_meant() -> None:
    def write(batches: Sequence[Sequence[int]]) -> list[list[int] | Exception]:
        return [ValueError("odd") if batch[0] % 2 else [0] for batch in batches]

    commits: GroupCommit[int, int] = GroupCommit(write, limit=10)
    assert commits.submit([2]) == [0]
    with pytest.raises(ValueError, match="odd"):
        commits.submit([3])


def test_a_write_that_fails_fails_for_all_and_the_next_one_goes_on() -> None:
    broken = [True]

    def write(batches: Sequence[Sequence[int]]) -> list[list[int] | Exception]:
        if broken.pop() if broken else False:
            raise OSError("disk full")
        return [list(batch) for batch in batches]

    commits: GroupCommit[int, int] = GroupCommit(write, limit=10)
    with pytest.raises(OSError, match="disk full"):
        commits.submit([1])
    assert commits.submit([1]) == [1]
