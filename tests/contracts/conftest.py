"""A ledger with everybody registered, new for each test: deploying takes milliseconds."""

import pytest

from tests.contracts.actors import World


@pytest.fixture
def world() -> World:
    return World()
