"""What time it is. There are two clocks, the gateway's and the chain's; the ledger decides by the chain's, and either
may be a little ahead.

>>> began, now = beginning(gateway), chain_time(gateway)
>>> began <= now
True
"""

from typing import TYPE_CHECKING

from ledger.rpc import quantity

if TYPE_CHECKING:
    from gateway.services import Gateway


def chain_time(gateway: "Gateway") -> int:
    """Now, in seconds since 1970: never before the chain's newest block."""
    return max(_time_of_block(gateway, "latest"), int(gateway.clock()))


def beginning(gateway: "Gateway") -> int:
    """When something begins that begins now, in seconds since 1970: by the clock that is behind.

    By the one ahead, what a patient has just granted would be refused as not yet begun until the other has come up.
    """
    return min(_time_of_block(gateway, "pending"), int(gateway.clock()))


def _time_of_block(gateway: "Gateway", name: str) -> int:
    return quantity(gateway.node.request("eth_getBlockByNumber", name, False)["timestamp"])
