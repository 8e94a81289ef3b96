"""Waiting-list files, in the layouts that researchers meet, read to the last row.

    >>> waiting = load_waiting_list(Path("waiting-list.csv"))
    >>> waiting.total
    828032
    >>> waiting.rejected
    (RejectedRow(line=4711, reason="'<5' is not a whole number of people"),)

The layouts are those in which the Irish National Treatment Purchase Fund publishes: one row a group of people, with the
date of the count, the specialty and how many wait. Column names, order and number vary; dates are year-month-day or
day-month-year; bands are padded; thousands may have commas; exact duplicates are normal, each counts. A row that cannot
be read is kept as a `RejectedRow` with its line number and the reason.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from ledger.errors import LedgerError
from ledger.gas.waiting_list_cells import NOT_STATED, read_band, read_count, read_day, read_text, why_no_date


class Dimension(StrEnum):
    """What a waiting list can be broken down by; a file need not have all."""

    SPECIALTY = "specialty"
    HOSPITAL = "hospital"
    GROUP = "group"
    CASE_TYPE = "case-type"
    ADULT_CHILD = "adult-child"
    AGE = "age"
    TIME_BAND = "time-band"


HEADINGS: dict[str, str] = {
    "archivedate": "date",
    "reportdate": "date",
    "date": "date",
    "specialtyhipe": "code",
    "specialtyhipe1": "code",
    "specialityhipe": "code",
    "specialtycode": "code",
    "specialty": Dimension.SPECIALTY,
    "speciality": Dimension.SPECIALTY,
    "specialtyname": Dimension.SPECIALTY,
    "specialityname": Dimension.SPECIALTY,
    "hospital": Dimension.HOSPITAL,
    "hospitalname": Dimension.HOSPITAL,
    "group": Dimension.GROUP,
    "hospitalgroup": Dimension.GROUP,
    "casetype": Dimension.CASE_TYPE,
    "adultchild": Dimension.ADULT_CHILD,
    "ageprofile": Dimension.AGE,
    "agecategorisation": Dimension.AGE,
    "agecategorization": Dimension.AGE,
    "agegroup": Dimension.AGE,
    "timeband": Dimension.TIME_BAND,
    "timebands": Dimension.TIME_BAND,
    "total": "total",
    "count": "total",
}
"""What a column holds, by its heading without case, spaces and punctuation."""


class WaitingListUnreadable(LedgerError):
    """A file that is no waiting list at all, as opposed to one with rows that cannot be read."""


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that is in no sum."""

    line: int
    """Where it stands in the file; the heading is line 1."""
    reason: str


Group = tuple[date, tuple[str, ...]]
"""The day of a count, and a row's values in the order of `WaitingList.dimensions`."""


@dataclass(frozen=True, slots=True)
class WaitingList:
    """A file, added up as far as rows say the same thing of the same people."""

    dimensions: tuple[Dimension, ...]
    """What the file tells apart."""
    people: Counter[Group]
    """How many wait; the sum of these is the sum of the file's totals."""
    rows: int
    """Rows that were read and count."""
    blank: int
    """Lines with nothing in them."""
    rejected: tuple[RejectedRow, ...]

    @property
    def total(self) -> int:
        """The sum of all totals, over all days of count."""
        return self.people.total()

    @property
    def days(self) -> tuple[date, ...]:
        """The days of count, in order."""
        return tuple(sorted({day for day, _ in self.people}))


def load_waiting_list(path: Path, *, progress: Callable[[int], None] | None = None) -> WaitingList:
    """Read a waiting-list file: UTF-8 with or without a byte order mark, UTF-16 with one, else Windows-1252.

    Raises:
        WaitingListUnreadable: no such file, no text, or no heading with a date, a specialty and a total.
    """
    try:
        data = path.read_bytes()
    except OSError as failure:
        raise WaitingListUnreadable(f"{path.name} cannot be read: {failure.strerror}") from failure
    if data.startswith(b"PK"):
        raise WaitingListUnreadable(f"{path.name} is a workbook or an archive: save the sheet as CSV")
    try:
        return read_waiting_list(io.StringIO(_decode(data), newline=None), progress=progress)
    except WaitingListUnreadable as failure:
        raise WaitingListUnreadable(f"{path.name} is no waiting list: {failure}") from failure


def read_waiting_list(lines: Iterable[str], *, progress: Callable[[int], None] | None = None) -> WaitingList:
    """Read the lines of a waiting-list file, the heading first.

    Args:
        progress: told the number of lines read so far, now and then.

    Raises:
        WaitingListUnreadable: there is no heading with a date, a specialty and a total.
    """
    rejected: list[RejectedRow] = []
    people: Counter[Group] = Counter()
    rows = blank = 0
    source = _Lines(lines, rejected, progress)
    heading = next((line for line in source if line.strip()), "")
    delimiter = max(",;\t", key=heading.count)
    columns = _columns(next(csv.reader([heading], delimiter=delimiter), []))
    dimensions = tuple(dimension for dimension in Dimension if dimension in columns)
    date_at, total_at = columns["date"], columns["total"]
    places = [(columns[dimension], dimension is Dimension.TIME_BAND) for dimension in dimensions]
    code_at, specialty_place = columns.get("code"), dimensions.index(Dimension.SPECIALTY)
    width = columns["width"]
    for cells in _rows(source, delimiter, rejected):
        if not any(cell.strip() for cell in cells):
            blank += 1
            continue
        try:
            if len(cells) < width or any(cell.strip() for cell in cells[width:]):
                raise ValueError(f"{len(cells)} cells where the heading has {width}")
            day = read_day(cells[date_at].strip())
            if day is None:
                raise ValueError(why_no_date(cells[date_at].strip()))
            total = read_count(cells[total_at].strip())
            values = [read_band(cells[at]) if band else read_text(cells[at]) for at, band in places]
            if values[specialty_place] == NOT_STATED and code_at is not None:
                code = read_text(cells[code_at])
                values[specialty_place] = code if code == NOT_STATED else f"HIPE {code.zfill(4)}"
        except ValueError as failure:
            rejected.append(RejectedRow(source.number, str(failure)))
            continue
        people[day, tuple(values)] += total
        rows += 1
    rejected.sort(key=lambda row: row.line)
    return WaitingList(dimensions, people, rows, blank, tuple(rejected))


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


class _Lines:
    """Counts lines, and keeps from the CSV reader those that would make it swallow the lines after them."""

    def __init__(
        self, lines: Iterable[str], rejected: list[RejectedRow], progress: Callable[[int], None] | None
    ) -> None:
        self._lines = iter(lines)
        self._rejected = rejected
        self._progress = progress
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            self.number += 1
            if self._progress and self.number % 5_000 == 0:
                self._progress(self.number)
            if line.count('"') % 2:
                self._rejected.append(RejectedRow(self.number, "a quotation mark is opened and not closed"))
            elif "\0" in line:
                self._rejected.append(RejectedRow(self.number, "the line has a NUL byte in it"))
            elif "\ufffd" in line:
                self._rejected.append(RejectedRow(self.number, "the line is not text in the file's encoding"))
            else:
                return line
        raise StopIteration


def _rows(source: _Lines, delimiter: str, rejected: list[RejectedRow]) -> Iterator[list[str]]:
    reader = csv.reader(source, delimiter=delimiter)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as failure:
            rejected.append(RejectedRow(source.number, str(failure)))


def _columns(heading: list[str]) -> dict[str, int]:
    """Where each column is that is known; unknown ones are left alone."""
    columns: dict[str, int] = {"width": len(heading)}
    while columns["width"] and not heading[columns["width"] - 1].strip():
        columns["width"] -= 1
    for at, name in enumerate(heading):
        meaning = HEADINGS.get(re.sub(r"[\W_]", "", name.casefold()))
        if meaning is not None:
            if meaning in columns:
                raise WaitingListUnreadable(f"two columns of the heading hold the {meaning}: leave one")
            columns[str(meaning)] = at
    if Dimension.SPECIALTY not in columns and "code" in columns:
        columns[Dimension.SPECIALTY] = columns["code"]
    for needed in ("date", Dimension.SPECIALTY, "total"):
        if needed not in columns:
            shown = ", ".join(name.strip() for name in heading)[:200]
            raise WaitingListUnreadable(
                f"the heading has no column for the {needed}: it needs an archive date, a specialty and a total, "
                f"and has: {shown or 'nothing'}"
            )
    return columns
