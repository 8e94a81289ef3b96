"""Lists a page at a time: the cursor names the last thing seen, so that nothing is skipped while the list grows."""

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query, Request, Response
from pydantic import Field

from gateway.api.models import Out
from gateway.batches.index import Place
from gateway.errors import InvalidInput
from ledger.positions import Position

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=200, description="Most items to give.")]
Cursor = Annotated[str | None, Query(max_length=64, description="`next` of the page before.")]


class Page(Out, Generic[T]):
    """One page of a list, newest first."""

    items: list[T]
    next: str | None = Field(description="Cursor of the next page; null: this is the last.")


def position_of(cursor: str | None) -> Position | None:
    """The place that a cursor of an index list names.

    Raises:
        InvalidInput: it was not given out here.
    """
    if cursor is None:
        return None
    block, _, index = cursor.partition("-")
    return number_of(block), number_of(index)


def place_of(cursor: str | None) -> Place | None:
    """The place that a cursor of a list with records of batches in it names.

    Raises:
        InvalidInput: it was not given out here.
    """
    if cursor is None:
        return None
    block, _, rest = cursor.partition("-")
    index, _, position = rest.partition("-")
    return number_of(block), number_of(index), number_of(position)


def place_cursor(place: Place) -> str:
    """A place in a list with records of batches in it as a cursor."""
    return "-".join(str(number) for number in place)


def number_of(cursor: str) -> int:
    """A number in a cursor.

    Raises:
        InvalidInput: it is none, or too large.
    """
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 16):
        raise InvalidInput("cursor", "take it from the page before")
    return int(cursor)


def cursor_of(position: Position) -> str:
    """A place in an index list as a cursor."""
    return f"{position[0]}-{position[1]}"


def next_of(found: Sequence[T], limit: int, cursor: Callable[[T], str]) -> str | None:
    """The cursor after a page of `limit` items at most."""
    return cursor(found[-1]) if len(found) == limit else None


def link_next(request: Request, response: Response, cursor: str | None) -> None:
    """Say in a `Link` header where the next page is (RFC 8288)."""
    if cursor is not None:
        response.headers["Link"] = f'<{request.url.include_query_params(cursor=cursor)}>; rel="next"'
