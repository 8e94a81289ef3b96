"""Looking for garbage seldom, while a gateway is open: else it takes a sixth of the time that posting a batch takes.

>>> with seldom_collected():
...     serve()
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG = 10_000
"""Objects made and not gone after which the young ones are looked through: one batch makes a hundred thousand, of which
none is garbage before it is posted."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Leave all that there is by now out of collections, as it stays, and have them seldom, until this is left."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_YOUNG, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
