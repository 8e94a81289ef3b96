"""The header: what it takes, and that its size tells nothing."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offchain_store import dagcbor
from offchain_store.errors import HeaderInvalid, Malformed, OpeningError, TrailingData, Truncated
from offchain_store.record import Header

TITLES = st.text(
    st.characters(exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"]) | st.just(" "), max_size=200
)
HEADERS = st.builds(
    Header,
    media_type=st.sampled_from(["application/fhir+json", "application/pdf", "image/x.dicom-rle"]),
    category=st.integers(0, 2**32 - 1),
    title=TITLES,
    created=st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)),
)


@given(HEADERS)
def test_headers_come_back_and_fill_whole_buckets(header: Header) -> None:
    encoded = header.encode()
    assert Header.decode(encoded) == header
    assert len(encoded) % 256 == 0


def test_titles_of_different_length_have_one_size(header: Header) -> None:
    other = Header(header.media_type, header.category, header.title * 5, header.created)
    assert len(other.encode()) == len(header.encode())


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("media type", {"media_type": "text"}),
        ("media type", {"media_type": "Text/Plain"}),
        ("media type", {"media_type": "text/plain; charset=utf-8"}),
        ("media type", {"media_type": "text/plain\n"}),
        ("category", {"category": -1}),
        ("category", {"category": 2**32}),
        ("category", {"category": True}),
        ("title", {"title": "x" * 1_001}),
        ("title", {"title": "two\nlines"}),
        ("title", {"title": "\ud800"}),
        ("created", {"created": datetime(2026, 5, 4)}),
        ("created", {"created": datetime(2026, 5, 4, tzinfo=timezone(timedelta(hours=1)))}),
        ("created", {"created": datetime(1969, 12, 31, tzinfo=UTC)}),
    ],
)
def test_a_header_that_breaks_a_rule_is_not_made(header: Header, field: str, changed: dict[str, object]) -> None:
    fields = {name: getattr(header, name) for name in ("media_type", "category", "title", "created")}
    with pytest.raises(HeaderInvalid) as caught:
        Header(**{**fields, **changed})
    assert caught.value.field == field


def test_no_title_shows_in_its_repr(header: Header) -> None:
    assert header.title not in repr(header)


def _padded(body: bytes) -> bytes:
    return (len(body).to_bytes(2, "big") + body).ljust(256, b"\0")


@pytest.mark.parametrize(
    ("encoded", "error"),
    [
        (b"", Truncated),
        (b"\0", Truncated),
        (bytes(255), Truncated),
        (b"\xff\xff" + bytes(254), Truncated),
        (bytes(256), Truncated),
        (_padded(b"\xa0")[:-1] + b"\1", TrailingData),
        (_padded(b"\xa0") + bytes(256), TrailingData),
        (_padded(b"\xa0"), Malformed),
        (_padded(dagcbor.encode({"category": 1, "created": 1, "media_type": "text", "title": ""})), Malformed),
        (_padded(dagcbor.encode({"category": 1, "created": 2**62, "media_type": "a/b", "title": ""})), Malformed),
        (_padded(dagcbor.encode({"category": 1, "created": 1, "media_type": "a/b", "title": "", "x": 1})), Malformed),
    ],
)
def test_no_other_encoding_is_a_header(encoded: bytes, error: type[OpeningError]) -> None:
    with pytest.raises(error):
        Header.decode(encoded)
