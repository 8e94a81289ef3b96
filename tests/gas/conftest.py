"""A measuring devnet for a whole file of tests: starting one takes longer than measuring on it."""

from collections.abc import Iterator

import pytest

from ledger.devnet import find_anvil
from ledger.errors import DevnetError
from ledger.gas.measure import Measured, measure_operations
from ledger.gas.network import Network
from ledger.gas.networks import measuring_devnet
from ledger.gas.theatre import Theatre, open_theatre


@pytest.fixture(scope="session")
def network() -> Iterator[Network]:
    try:
        find_anvil()
    except DevnetError as failure:
        pytest.skip(str(failure))
    with measuring_devnet() as devnet:
        yield devnet


@pytest.fixture(scope="session")
def theatre(network: Network) -> Theatre:
    return open_theatre(network, seed="tests")


@pytest.fixture(scope="session")
def measured(theatre: Theatre) -> dict[str, Measured]:
    """Every operation, a few times each, by name."""
    return {one.name: one for one in measure_operations(theatre, runs=5)}
