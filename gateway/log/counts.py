"""How often records were opened and refused, without a person in it: for those who manage an organization.

>>> count_attempts(gateway, organization, since=monday, until=sunday)
[Count(day='2026-11-16', purpose=<Purpose.TREAT: 0>, permitted=True, number=17)]

Attempts of her own organization's people, by day, purpose and answer. A number below `LEAST` is not told: with the duty
roster beside it, it would name somebody.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import JSON, ColumnElement, Connection, Integer, Text, cast, func, select

from gateway.database import reading
from gateway.log.tree import lines
from ledger.codes import Purpose
from ledger.types import Address, address_of

if TYPE_CHECKING:
    from gateway.services import Gateway

LEAST = 5
"""The smallest number that is told."""

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Count:
    """Attempts of one kind on one day."""

    day: str
    """In UTC, as 2026-11-21."""
    purpose: Purpose
    permitted: bool
    number: int | None
    """None: fewer than `LEAST`, and more than none."""


def count_attempts(gateway: "Gateway", organization: Address | None, *, since: int, until: int) -> list[Count]:
    """Attempts by an organization's people, the oldest day first.

    Args:
        organization: None: everybody's at this gateway.
        since, until: seconds since 1970; from the one to before the other.
    """

    @cache
    def is_ours(reader: bytes) -> bool:
        if organization is None:
            return True
        participant = gateway.index.participant(address_of(reader))
        return participant is not None and participant.organization == organization

    numbers: Counter[tuple[int, str, bool]] = Counter()
    with reading(gateway.database) as connection:
        for day, purpose, permitted, reader, number in _grouped(connection, since, until):
            if is_ours(reader):
                numbers[day, purpose, bool(permitted)] += number
    return [
        Count(
            day=datetime.fromtimestamp(day * DAY, UTC).date().isoformat(),
            purpose=Purpose[purpose],
            permitted=permitted,
            number=number if number >= LEAST else None,
        )
        for (day, purpose, permitted), number in sorted(numbers.items())
    ]


def _grouped(connection: Connection, since: int, until: int) -> Sequence[tuple[int, str, bool, bytes, int]]:
    """Day (since 1970), purpose, answer and reader of the attempts, and how many there are of each."""
    day = lines.c.at.op("/", return_type=Integer())(DAY)  # whole numbers divide to whole numbers on both databases
    groups = (day, _purpose(connection), lines.c.permitted, lines.c.reader)
    query = select(*groups, func.count()).where(lines.c.at >= since, lines.c.at < until).group_by(*groups)
    return [tuple(row) for row in connection.execute(query)]


def _purpose(connection: Connection) -> ColumnElement[str]:
    """What the line itself says: it is the line that is proven, not a column beside it."""
    if connection.dialect.name == "postgresql":
        return func.json_extract_path_text(cast(func.convert_from(lines.c.leaf, "UTF8"), JSON), "purpose")
    return func.json_extract(cast(lines.c.leaf, Text), "$.purpose")
