"""Which list may hold a number: never too few, hardly ever too many, whatever was added in which order."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from offchain_store.whereabouts import Whereabouts

CLOSE = st.builds(lambda high, low: high << 60 | low, st.integers(0, 2), st.integers(0, 3))
"""Numbers that begin alike, and some that differ in bits that are not kept."""
NUMBERS = st.integers(0, 2**64 - 1) | CLOSE


@given(lists=st.lists(st.lists(NUMBERS, max_size=8), max_size=8), asked=st.lists(NUMBERS, max_size=4))
def test_every_list_that_holds_it_is_found(lists: list[list[int]], asked: list[int]) -> None:
    where = Whereabouts()
    for number, members in enumerate(lists):
        where.add(number, members)
        for member in (*asked, *members):
            known = lists[: number + 1]
            found = where.near(member)
            assert {at for at, each in enumerate(known) if member in each} <= set(found)
            assert set(found) <= {at for at, each in enumerate(known) if any(one >> 24 == member >> 24 for one in each)}


def test_among_many_hardly_ever_another_one_is_named() -> None:
    random, where = Random(1), Whereabouts()
    lists = [[random.getrandbits(64) for _ in range(100)] for _ in range(1_000)]
    for number, members in enumerate(lists):
        where.add(number, members)
    assert all(where.near(members[-1]) == [number] for number, members in enumerate(lists))
    assert sum(bool(where.near(random.getrandbits(64))) for _ in range(10_000)) <= 1
