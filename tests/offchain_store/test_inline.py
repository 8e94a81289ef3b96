"""Small records sealed in one go are the same envelopes, to the byte."""

from io import BytesIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from offchain_store.envelope import open_record, seal
from offchain_store.errors import InvalidName, TooLarge
from offchain_store.inline import seal_inline
from offchain_store.record import Header, Record
from offchain_store.root import INLINE_MOST
from tests.offchain_store.conftest import HEADER
from tests.offchain_store.simulator import Simulator


@settings(deadline=None, max_examples=60)
@given(content=st.binary(max_size=400), key=st.binary(min_size=32, max_size=32), title=st.text("abc", max_size=900))
@example(content=b"", key=bytes(32), title="")
@example(content=b"header" * 4, key=b"header" * 5 + b"xx", title="inline")
@example(content=bytes(INLINE_MOST), key=bytes(32), title="a" * 1_000)
@example(content=bytes(256 - 16), key=bytes(32), title="")
def test_a_record_sealed_in_one_go_is_what_sealing_makes_of_it(content: bytes, key: bytes, title: str) -> None:
    header = Header("text/plain", category=2, title=title, created=HEADER.created)
    store = Simulator()
    slow = seal(BytesIO(content), header, store, record_key=key)
    fast = seal_inline(content, header.encode(), key)
    assert list(store.blocks.values()) == [fast]
    assert open_record(store, slow.digest, key) == Record(header, content)


def test_what_does_not_stand_in_its_root_is_refused() -> None:
    with pytest.raises(TooLarge):
        seal_inline(bytes(INLINE_MOST + 1), HEADER.encode(), bytes(32))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(InvalidName):
        seal_inline(b"", HEADER.encode(), bytes(length))
