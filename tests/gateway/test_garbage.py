"""While a gateway is open garbage is looked for seldom; afterwards as before."""

import gc
from collections.abc import Iterator

import pytest

from gateway.garbage import seldom_collected


@pytest.fixture(autouse=True)
def often() -> Iterator[None]:
    """As Python begins, whatever gateways other tests have open."""
    found = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*found)


def test_what_there_was_is_left_out_until_it_is_left() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    with seldom_collected():
        assert gc.get_freeze_count() > frozen
        assert gc.get_threshold()[0] > before[0]
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


def test_garbage_made_meanwhile_is_found() -> None:
    class Knot:
        def __init__(self) -> None:
            self.me = self

    with seldom_collected():
        Knot()
        assert gc.collect() >= 1
