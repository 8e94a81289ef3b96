"""Waiting-list files that researchers hand in: read and projected in the background, kept in memory for a while.

    >>> job = projections.start("researcher", "list.csv", content, Asked(times={"laboratory-result": 1}))
    >>> projections.of("researcher", job.id).result.tables[0].name
    'projection'

A waiting list counts people and names none; still, what somebody hands in is shown to nobody else, and the oldest is
forgotten when there are too many. The same file with the same questions is the same projection, however often it is
sent.
"""

import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, Thread

from gateway.errors import InvalidInput, NotFound
from gateway.notices.told import Told
from gateway.portal.language import ENGLISH, Language, mark
from gateway.portal.researcher_charts import Bar, Piece, bar_chart
from gateway.portal.researcher_figures import Figure
from gateway.portal.researcher_words import table_words
from ledger.errors import LedgerError
from ledger.gas.projection import Stock, UnitCost, mix_of, project
from ledger.gas.projection_sheets import breakdown_sheet, days_sheet, long_sheet, rejected_sheet, summary_sheet
from ledger.gas.sheets import Terms
from ledger.gas.tables import Table
from ledger.gas.waiting_lists import load_waiting_list

log = logging.getLogger(__name__)

MOST_BYTES = 64 << 20
"""Of one file."""
MOST_KEPT = 8
MOST_BARS = 20
"""Of a chart: the rest is one bar of its own; the table has them all."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a researcher wants to know."""

    times: Mapping[str, int]
    """How often each person on the list goes through each workflow."""
    stock: Stock = Stock.LATEST
    month: str | None = None
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True, slots=True)
class Projected:
    """A finished projection."""

    tables: tuple[Table, ...]
    flat: Table
    """All breakdowns in one table."""


@dataclass(frozen=True, slots=True)
class Job:
    """One file on its way to a projection."""

    id: str
    owner: str
    file: str
    asked: Asked
    lines: int = 0
    """Of the file, as far as it has been read."""
    result: Projected | None = None
    failure: str | None = None
    """Why there is none, in a sentence."""

    @property
    def is_at_work(self) -> bool:
        return self.result is None and self.failure is None


class Projections:
    """The projections of one gateway."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = Lock()

    def start(
        self, owner: str, file: str, content: bytes, asked: Asked, costs: Mapping[str, UnitCost], *, wait: float = 0.0
    ) -> Job:
        """Begin; if it is begun already, or done, nothing happens twice.

        Args:
            wait: seconds to wait for it to be done.

        Raises:
            InvalidInput: no file, too large a file, or no workflow is chosen.
        """
        if not content:
            raise InvalidInput("file", Told(mark("choose a waiting-list file: it was empty, or there was none")))
        if len(content) > MOST_BYTES:
            larger = mark("the file is larger than {most} MB: split it by year, for one")
            raise InvalidInput("file", Told(larger, {"most": MOST_BYTES >> 20}))
        try:
            mix_of(asked.times, costs)
        except LedgerError as failure:
            raise InvalidInput("times", Told(mark("choose workflows that were measured"))) from failure
        name = _name_of(owner, file, content, asked)
        with self._lock:
            job = self._jobs.get(name)
            if job is None or job.failure:
                job = self._jobs[name] = Job(name, owner, safe_name(file), asked)
                while len(self._jobs) > MOST_KEPT:
                    self._jobs.popitem(last=False)
                worker = Thread(target=self._work, args=(job, content, costs), name="projection", daemon=True)
                worker.start()
            else:
                worker = None
        if worker is not None and wait > 0:
            worker.join(wait)
        return self.of(owner, name)

    def of(self, owner: str, name: str) -> Job:
        """Raises:
        NotFound: no such projection of this person, or it was forgotten.
        """
        with self._lock:
            job = self._jobs.get(name)
        if job is None or job.owner != owner:
            raise NotFound("this projection is not kept any more: hand the file in again")
        return job

    def all_of(self, owner: str) -> list[Job]:
        """Newest first."""
        with self._lock:
            return [job for job in reversed(self._jobs.values()) if job.owner == owner]

    def _work(self, job: Job, content: bytes, costs: Mapping[str, UnitCost]) -> None:
        def told(lines: int) -> None:
            self._change(job, lambda known: replace(known, lines=lines))

        try:
            result = _projected(job, content, costs, told)
            self._change(job, lambda known: replace(known, result=result))
        except LedgerError as failure:
            sentence = str(failure)
            self._change(job, lambda known: replace(known, failure=sentence))
        except Exception as failure:
            log.error("unforeseen %s while projecting", type(failure).__name__, exc_info=failure)
            self._change(job, lambda known: replace(known, failure="the file could not be projected"))

    def _change(self, job: Job, change: Callable[[Job], Job]) -> None:
        with self._lock:
            known = self._jobs.get(job.id)
            if known is not None:
                self._jobs[job.id] = change(known)


def projected_figures(result: Projected, language: Language = ENGLISH) -> list[Figure]:
    """A chart for each dimension of the file, with its table."""
    figures, say = [], language.say
    for table in result.tables:
        if not table.name.startswith("by-") or table.name == "by-month":
            continue
        rows = [row for row in table.rows if row["value"] != "all"]
        bars = [Bar(str(row["value"]), (Piece(say("gas"), float(row["gas"])),), f"{_people(row)}") for row in rows]
        if len(bars) > MOST_BARS:
            rest = bars[MOST_BARS:]
            others = Piece(say("gas"), sum(bar.total for bar in rest))
            bars = [*bars[:MOST_BARS], Bar(say("{count} others", count=len(rest)), (others,))]
        finding = say("The file has no row that counts.")
        if bars:
            finding = say("{what} is the dearest.", what=bars[0].label)
        figures.append(
            Figure(
                table.name,
                table.title,
                finding,
                bar_chart(
                    table_words(language, table.title),
                    bars,
                    unit=say("Gas; behind each bar the people waiting"),
                    kinds=(say("gas"),),
                ),
                table,
            )
        )
    return figures


def table_of(result: Projected, name: str) -> Table:
    """One of the tables.

    Raises:
        NotFound
    """
    for table in (*result.tables, result.flat):
        if table.name == name:
            return table
    raise NotFound("this projection has no such table")


def safe_name(file: str) -> str:
    """A file's name as it may be shown and written: no folder, no signs that a shell or a header would read."""
    name = re.sub(r"[^\w .()-]", "_", file.replace("\\", "/").rpartition("/")[2]).strip(". ")
    return name[:80] or "waiting-list.csv"


def price_of(text: str, name: str) -> Decimal:
    """A price that somebody has typed.

    Raises:
        InvalidInput: no number from zero up.
    """
    try:
        value = Decimal(text.strip().replace(",", "."))
    except ArithmeticError:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value < 10**9:
        raise InvalidInput(name, Told(mark("write a number from zero up, such as 2500")))
    return value


def _projected(job: Job, content: bytes, costs: Mapping[str, UnitCost], told: Callable[[int], None]) -> Projected:
    """The tables of `consent-ledger gas project`; `projected_figures` draws the charts when they are looked at."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / job.file
        path.write_bytes(content)
        waiting = load_waiting_list(path, progress=told)
    asked = job.asked
    projection = project(waiting, mix_of(asked.times, costs), stock=asked.stock, month=asked.month)
    tables = [
        summary_sheet(job.file, projection, asked.terms),
        *(breakdown_sheet(dimension, projection, asked.terms) for dimension in projection.breakdown),
        days_sheet(projection, asked.terms),
        rejected_sheet(projection),
    ]
    return Projected(tuple(tables), long_sheet(job.file, projection, asked.terms))


def _people(row: Mapping[str, object]) -> str:
    people = float(row["people"])  # type: ignore[arg-type]
    return f"{people:,.0f}" if people == int(people) else f"{people:,.1f}"


def _name_of(owner: str, file: str, content: bytes, asked: Asked) -> str:
    about = f"{owner}|{file}|{sorted(asked.times.items())}|{asked.stock}|{asked.month}|{asked.terms}"
    return sha256(about.encode() + sha256(content).digest()).hexdigest()[:32]
