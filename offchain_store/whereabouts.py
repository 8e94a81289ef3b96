"""Which of many lists may hold a number, in a time that does not grow with how many lists there are.

>>> where = Whereabouts()
>>> where.add(7, [2**63 + 1, 5])
>>> where.near(5), where.near(6 << 24)
([7], [])

Eight bytes for each number of each list, in an array for each way that a number can begin. An array is sorted when it
is first asked after something was added to it: adding costs next to nothing, and so does asking twice.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

_BEGINNING = 12
"""Bits by which the arrays are told apart: with ten million numbers there are some 2,400 in each."""
_LIST = 24
"""Bits that say which list; as many of a number are not kept, so that another one may be taken for it, rarely."""
_MASK = (1 << _LIST) - 1


class Whereabouts:
    """Numbers below 2**64 that are spread evenly, as the beginnings of hashes are, and the lists they are in."""

    def __init__(self) -> None:
        self._arrays = [array("Q") for _ in range(1 << _BEGINNING)]
        self._unsorted: set[int] = set()

    def add(self, number: int, members: Iterable[int]) -> None:
        """Note what the list of this number (below 2**24) holds."""
        arrays, unsorted, shift = self._arrays, self._unsorted, 64 - _BEGINNING
        for member in members:
            beginning = member >> shift
            arrays[beginning].append(member & ~_MASK | number)
            unsorted.add(beginning)

    def near(self, member: int) -> list[int]:
        """The lists that may hold this; each that does is among them."""
        return list(self._near(member & ~_MASK, member >> (64 - _BEGINNING)))

    def _near(self, first: int, beginning: int) -> Iterator[int]:
        if beginning in self._unsorted:
            self._arrays[beginning] = array("Q", sorted(self._arrays[beginning]))
            self._unsorted.discard(beginning)
        members = self._arrays[beginning]
        for at in range(bisect_left(members, first), len(members)):
            if members[at] & ~_MASK != first:
                return
            yield members[at] & _MASK
