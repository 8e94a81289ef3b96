"""A record: content and the small header that is sealed together with it.

>>> header = Header("application/fhir+json", category=2, title="Potassium", created=datetime(2026, 5, 4, tzinfo=UTC))
>>> Header.decode(header.encode()) == header
True
>>> len(header.encode())
256
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from offchain_store import dagcbor
from offchain_store.errors import HeaderInvalid, Malformed, TrailingData, Truncated

MAX_TITLE = 1_000
"""The longest title, in bytes of UTF-8."""

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}", re.ASCII)
_BUCKET = 256
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST_MOMENT = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_WHAT = "header"


@dataclass(frozen=True, slots=True)
class Header:
    """What a reader needs to know of a record before its content; nobody else ever sees it."""

    media_type: str
    """Type and subtype in lower case, as in `application/fhir+json`."""
    category: int
    """Bitmask of categories, as anchored on the ledger."""
    title: str = field(repr=False)
    """One line for people; it may say what the record says, so it stays out of logs."""
    created: datetime
    """When the record was made; UTC, to the microsecond."""

    def __post_init__(self) -> None:
        if not _MEDIA_TYPE.fullmatch(self.media_type):
            raise HeaderInvalid("media type", "type/subtype in lower case, without parameters")
        if isinstance(self.category, bool) or not 0 <= self.category < 1 << 32:
            raise HeaderInvalid("category", "a bitmask of 32 bits")
        try:
            fits = len(self.title.encode()) <= MAX_TITLE
        except UnicodeEncodeError:
            fits = False
        if not fits or not self.title.isprintable():
            raise HeaderInvalid("title", f"one printable line of at most {MAX_TITLE:,} bytes of UTF-8")
        if self.created.utcoffset() != timedelta(0) or self.created < _EPOCH:
            raise HeaderInvalid("created", "a UTC time after 1969")

    def encode(self) -> bytes:
        """Two bytes of length, dag-cbor, zeros up to a multiple of 256: the sealed size tells nothing of the title."""
        body = dagcbor.encode(
            {
                "category": int(self.category),
                "created": (self.created - _EPOCH) // _MICROSECOND,
                "media_type": self.media_type,
                "title": self.title,
            }
        )
        encoded = len(body).to_bytes(2, "big") + body
        return encoded.ljust(-(-len(encoded) // _BUCKET) * _BUCKET, b"\0")

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Read what `encode` made, and nothing else.

        Raises:
            Truncated, TrailingData, Malformed
        """
        length = int.from_bytes(encoded[:2], "big")
        body, rest = encoded[2 : 2 + length], encoded[2 + length :]
        if len(encoded) < 2 or len(body) < length or len(encoded) % _BUCKET:
            raise Truncated(_WHAT)
        if len(rest) >= _BUCKET or rest.strip(b"\0"):
            raise TrailingData(_WHAT)
        match dagcbor.decode_map(body, what=_WHAT):
            case {
                "category": int(category),
                "created": int(created),
                "media_type": str(media_type),
                "title": str(title),
                **others,
            } if not others and created <= _LAST_MOMENT:
                try:
                    return cls(media_type, category, title, _EPOCH + created * _MICROSECOND)
                except HeaderInvalid as error:
                    raise Malformed(_WHAT, f"its {error.field} breaks the rules") from error
            case _:
                raise Malformed(_WHAT, "it has not the four fields that it must have")


@dataclass(frozen=True, slots=True)
class Record:
    """A record that fits in memory."""

    header: Header
    content: bytes = field(repr=False)
