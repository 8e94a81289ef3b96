"""The strict codec against the `dag-cbor` library and IPLD's fixtures."""

from pathlib import Path
from typing import Any

import dag_cbor
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multiformats import CID

from offchain_store import dagcbor
from offchain_store.digest import Cid, Codec, digest_of
from offchain_store.errors import Malformed, OpeningError

CIDS = st.builds(Cid, codec=st.sampled_from(Codec), digest=st.binary(min_size=32, max_size=32).map(digest_of))
VALUES = st.recursive(
    st.integers(0, 2**64 - 1) | st.binary(max_size=300) | st.text(max_size=40) | CIDS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=30), inner, max_size=5),
    max_leaves=12,
)


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def _theirs(value: Any) -> Any:
    """The value with the library's kind of CID."""
    if isinstance(value, Cid):
        return CID.decode(bytes(value))
    if isinstance(value, dict):
        return {key: _theirs(inner) for key, inner in value.items()}
    return [_theirs(inner) for inner in value] if isinstance(value, list) else value


@given(VALUES.filter(lambda value: _depth(value) <= 4))
def test_values_come_back_and_are_encoded_as_the_library_does(value: Any) -> None:
    encoded = dagcbor.encode(value)
    assert dagcbor.decode(encoded, what="value") == value
    assert encoded == dag_cbor.encode(_theirs(value))


@given(st.binary(max_size=80))
def test_any_bytes_end_in_their_one_value_or_a_named_error(encoded: bytes) -> None:
    try:
        value = dagcbor.decode(encoded, what="value")
    except OpeningError:
        return
    assert dagcbor.encode(value) == encoded


def test_ipld_fixtures_end_in_the_one_value_or_are_refused(shared_data: Path) -> None:
    """What is beyond the part that the formats use (floats, negative numbers, null, other links) is refused by name."""
    read = refused = 0
    for file in shared_data.glob("vectors/cid/ipld-codec-fixtures/fixtures/*/*.dag-cbor"):
        block = file.read_bytes()
        try:
            value = dagcbor.decode(block, what="fixture")
        except Malformed:
            refused += 1
        else:
            assert dagcbor.encode(value) == block
            read += 1
    assert read > 20
    assert refused > 20


@pytest.mark.parametrize("value", [-1, 2**64])
def test_numbers_beyond_64_bits_are_not_encoded(value: int) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        dagcbor.encode(value)


def test_booleans_are_not_encoded() -> None:
    with pytest.raises(TypeError):
        dagcbor.encode(True)
