"""A patient's records: the list, and one of them, opened, verified and shown.

>>> page = listed(view, limit=25, before=None)
>>> page.rows[0].title
'Blood count'

Titles are sealed with the records: her own key opens them for the list, which is no access to what they say.
"""

from dataclasses import dataclass
from uuid import uuid4

from gateway import flow
from gateway.batches.records import records_about
from gateway.errors import InvalidInput, NotFound, RecordError, SlipMissing
from gateway.export.holdings import Holding, holding_of, in_batch, single
from gateway.portal import wording
from gateway.portal.showing import Result, Shown, kind_of, results_of, show
from gateway.portal.trend import Trend, trend
from gateway.portal.view import View
from gateway.reading import verdicts
from gateway.slips.slips import unwrap
from ledger.codes import Category, Purpose, RecordState
from ledger.errors import AccessDenied
from ledger.types import Address
from offchain_store.envelope import open_envelope
from offchain_store.errors import StoreError
from offchain_store.record import Header

PAGE = 25
_COMPARED = 12
"""Earlier results that are opened to draw a line over time."""
Where = tuple[int, int, int]
"""Block, log index, and place in a batch (-1: by itself): how the list is paged."""


@dataclass(frozen=True, slots=True)
class Row:
    """A record in her list."""

    digest: str
    title: str
    kinds: str
    author: str
    day: str
    state: RecordState
    said: str
    """Its state in words; empty where there is nothing to say."""


@dataclass(frozen=True, slots=True)
class RowPage:
    rows: tuple[Row, ...]
    following: str | None
    """Cursor of the next page."""


@dataclass(frozen=True, slots=True)
class Opened:
    """One record, as far as the page shows it."""

    holding: Holding
    header: Header
    shown: Shown
    author: str
    size: int | None
    """Bytes; None: not opened yet, it is when the content is asked for."""


@dataclass(frozen=True, slots=True)
class Line:
    """One measurement over time."""

    name: str
    unit: str
    trend: Trend


def listed(view: View, *, limit: int = PAGE, before: str | None = None) -> RowPage:
    """Her records by themselves and in batches, newest first."""
    at = _where(before)
    found = _found(view, limit, at)
    names = view.names(*{holding.author for _, holding in found})
    rows = tuple(_row(view, holding, names) for _, holding in found)
    following = "-".join(str(part + 1) for part in found[-1][0]) if len(found) == limit else None
    return RowPage(rows, following)


def newest(view: View, limit: int) -> tuple[Row, ...]:
    """The newest records that somebody else wrote."""
    return tuple(row for row in listed(view, limit=limit * 2).rows if row.author != view.say("you"))[:limit]


def opened(view: View, digest: bytes) -> Opened:
    """A record of hers. Text and FHIR are opened now, which leaves a line in her log; a PDF, a picture or a file when
    its content is asked for.

    Raises:
        NotFound: no record of hers.
        AccessDenied, RecordError: it cannot be opened.
    """
    holding = _hers(view, digest)
    author = view.names(holding.author)[holding.author]
    header = header_of(view, holding)
    kind = kind_of(header.media_type)
    if kind is not None:
        return Opened(holding, header, Shown(kind), author, None)
    retrieved = flow.retrieve(view.gateway, view.identity, digest, purpose=Purpose.PATRQT, correlation=str(uuid4()))
    if not retrieved.is_in_memory:
        return Opened(holding, header, Shown("file"), author, retrieved.size)
    content = b"".join(retrieved.content)
    return Opened(holding, header, show(content, header.media_type, view.language), author, retrieved.size)


def over_time(view: View, digest: bytes, results: tuple[Result, ...]) -> tuple[Line, ...]:
    """Each measurement of a report with earlier ones of the same thing, from her newest laboratory results. Each that
    is opened for it leaves its line in her log, all of one activity."""
    correlation = str(uuid4())
    series: dict[str, list[tuple[str, float]]] = {}
    for one in results:
        if one.number is not None:
            series.setdefault(one.key, []).append((one.at, one.number))
    for content in _others(view, digest, correlation):
        for one in results_of(content):
            if one.key in series and one.number is not None:
                series[one.key].append((one.at, one.number))
    lines = []
    for one in {result.key: result for result in results}.values():
        drawn = trend(series.get(one.key, []), low=one.low, high=one.high)
        if drawn is not None:
            lines.append(Line(one.name, one.unit, drawn))
    return tuple(lines)


def header_of(view: View, holding: Holding) -> Header:
    """A record's sealed header: title, media type, date.

    Raises:
        SlipMissing, RecordMissing, RecordAltered
    """
    key = _key(view, holding)
    if key is None:
        raise SlipMissing(holding.digest, "no key slip was made for you")
    with verdicts(holding.digest):
        return open_envelope(view.gateway.store, holding.digest, key).header


def _others(view: View, digest: bytes, correlation: str) -> list[bytes]:
    contents: list[bytes] = []
    for _, holding in _found(view, 200, None):
        if len(contents) >= _COMPARED:
            break
        is_result = holding.categories & (Category.LABORATORY | Category.VITAL_SIGNS)
        if holding.digest == digest or not is_result or holding.state is not RecordState.ANCHORED:
            continue
        try:
            found = flow.retrieve(
                view.gateway, view.identity, holding.digest, purpose=Purpose.PATRQT, correlation=correlation
            )
        except (RecordError, AccessDenied):
            continue  # the record's own page says what is wrong with it
        if found.is_in_memory and found.header.media_type.endswith("json"):
            contents.append(b"".join(found.content))
    return contents


def _found(view: View, limit: int, before: Where | None) -> list[tuple[Where, Holding]]:
    """Both kinds of records, merged; `before` is exclusive."""
    gateway, me = view.gateway, view.address
    singles = gateway.index.records_about(me, limit, _single_before(before))
    batched = records_about(gateway, [me], limit, before)
    found = [((*one.position, -1), single(one)) for one in singles] + [
        (one.record.where, in_batch(one)) for one in batched
    ]
    return sorted(found, key=lambda one: one[0], reverse=True)[:limit]


def _single_before(before: Where | None) -> tuple[int, int] | None:
    """A record by itself sorts before those of a batch at the same event, and no event is both."""
    return before[:2] if before else None


def _where(cursor: str | None) -> Where | None:
    """Raises:
    InvalidInput: the cursor was not given out here.
    """
    if not cursor:
        return None
    parts = cursor.split("-")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 16 for part in parts):
        raise InvalidInput("cursor", "take it from the page before")
    block, index, place = (int(part) - 1 for part in parts)
    return block, index, place


def _row(view: View, holding: Holding, names: dict[Address, str]) -> Row:
    kinds = wording.categories(view.language, holding.categories)
    try:
        header = header_of(view, holding)
        title, day = header.title, view.language.day(int(header.created.timestamp()))
    except (RecordError, StoreError):
        title, day = "", ""
    said = "" if holding.state is RecordState.ANCHORED else view.say(wording.STATES[holding.state])
    author = view.say("you") if holding.author == view.address else names[holding.author]
    return Row(holding.digest.hex(), title or _capital(kinds), kinds, author, day, holding.state, said)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _hers(view: View, digest: bytes) -> Holding:
    holding = holding_of(view.gateway, digest)
    if holding is None or holding.patient != view.address:
        raise NotFound("no such record of yours")
    return holding


def _key(view: View, holding: Holding) -> bytes | None:
    me = view.identity
    located = flow.locate(view.gateway, holding.digest) if holding.kind != "single" else None
    if located is not None and located.unwrap is not None:
        return located.unwrap(view.gateway, me.address, me.sealing)
    return unwrap(view.gateway, me.address, me.sealing, holding.digest)
