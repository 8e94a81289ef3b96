"""The networks to measure on: a devnet of its own for a run, or any that is there.

>>> with measuring_devnet() as network:
...     receipt, = network.send([Call(alice, act)])

On the devnet time stands still but for one second a block, from a fixed start, so that two runs agree to the unit of
gas. On any other network the blocks are the network's own, and a funded account pays for everybody.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time

from ledger.devnet import Devnet
from ledger.gas.network import Network
from ledger.gas.people import person_with
from ledger.rpc import Node, quantity

EPOCH = 2_208_988_800
"""The devnet's clock at the start of a run, 2040-01-01: after any real clock, as blocks cannot go back in time."""


@contextmanager
def measuring_devnet() -> Iterator[Network]:
    """A devnet of its own for one run, gone afterwards.

    Raises:
        DevnetError: anvil is not to be found or does not start.
    """
    with TemporaryDirectory(prefix="gas") as folder:
        devnet = Devnet.start(Path(folder), block_time=None, save_every=1_000_000)
        try:
            with Node(devnet.url, timeout=120) as node:
                node.request("evm_setAutomine", False)
                node.request("evm_setNextBlockTimestamp", EPOCH)
                node.request("anvil_setBlockTimestampInterval", 1)
                node.request("evm_mine")
                yield Network(node, devnet.chain_id, EPOCH, is_devnet=True)
        finally:
            devnet.kill()  # there is no state worth the seconds that writing it takes


@contextmanager
def foreign_network(url: str, account: bytes, *, gas_price: int | None = None) -> Iterator[Network]:
    """Any JSON-RPC network, with the private key of an account that is funded, or needs no funds.

    Args:
        gas_price: wei a unit; None asks the node.

    Raises:
        NodeError: the node does not answer.
    """
    with Node(url, timeout=60) as node:
        price = quantity(node.request("eth_gasPrice")) if gas_price is None else gas_price
        network = Network(node, quantity(node.request("eth_chainId")), 0, is_devnet=False)
        network.gas_price, network.funder = price, person_with(account)
        network.epoch = max(network.now(), int(time()))  # an idle chain's newest block may be old
        network.at_once = 1 if _mines_each(node) else 100
        yield network


def _mines_each(node: Node) -> bool:
    """Whether it is an anvil or Hardhat that mines each transaction by itself: the one stalls when several are sent at
    once, the other takes them in the order of their numbers only."""
    answers = node.batch([("anvil_getAutomine", ()), ("hardhat_getAutomine", ())])
    return any(answer is True for answer in answers)
