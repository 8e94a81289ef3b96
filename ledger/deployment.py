"""Deploying the ledger, and remembering where it is: one JSON file a network.

>>> deployment = deploy(node, signer, consortium=signer.address)
>>> deployment.save(path)
>>> ledger = connect(node, Deployment.load(path))
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from eth_account.signers.local import LocalAccount
from requests.exceptions import RequestException
from web3 import HTTPProvider, Web3
from web3.exceptions import TimeExhausted, Web3Exception
from web3.types import TxReceipt

from ledger.client import HealthLedger
from ledger.code import contracts, create_ledger
from ledger.errors import DeploymentError, NodeUnavailable
from ledger.rpc import Node, unhex
from ledger.types import ZERO_ADDRESS, Address, address_of

DEPLOY_GAS = 8_000_000
"""Enough for the largest contract, which takes some 5 million, and less than a block of every network has."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where a HealthLedger is."""

    chain_id: int
    address: Address
    block: int
    """The block that created it; nothing before it concerns the ledger."""
    transaction: str
    predecessor: Address = ZERO_ADDRESS
    """The deployment that this one follows."""

    def save(self, path: Path) -> None:
        """Write the deployment, whole or not at all."""
        partial = path.with_suffix(".partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w") as file:
            json.dump(asdict(self), file, indent=2, sort_keys=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a deployment.

        Raises:
            DeploymentError: no such file, or not a deployment.
        """
        try:
            fields = json.loads(path.read_text())
            fields["address"] = address_of(fields["address"])
            fields["predecessor"] = address_of(fields["predecessor"])
            return cls(**fields)
        except FileNotFoundError:
            raise DeploymentError(f"no deployment at {path.name}: deploy first") from None
        except (ValueError, TypeError, KeyError) as failure:
            raise DeploymentError(f"{path.name} is not a deployment: {failure}") from failure


def deploy(
    node: Node,
    deployer: LocalAccount,
    *,
    consortium: Address,
    predecessor: Address = ZERO_ADDRESS,
    gas_price: int = 0,
    timeout: float = 60.0,
) -> Deployment:
    """Make the shipped contracts, one after the other, and wait for each receipt.

    A crash on the way leaves dead code behind and no ledger: deploy again.

    Args:
        consortium: the address that will admit organizations.
        gas_price: wei a unit of gas; 0 on a free-gas network.
        timeout: seconds to wait for each receipt.

    Raises:
        DeploymentError: no receipt in time, refused by the node, or the creation failed.
        NodeUnavailable: the node does not answer.
    """
    network = Web3(HTTPProvider(node.url))
    receipts = []

    def create(name: str, init_code: bytes) -> Address:
        receipts.append(_create(network, deployer, name, init_code, gas_price=gas_price, timeout=timeout))
        return address_of(str(receipts[-1]["contractAddress"]))

    try:
        address = create_ledger(create, consortium=consortium, predecessor=predecessor)
        chain_id = network.eth.chain_id
    except TimeExhausted as failure:
        raise DeploymentError(f"the ledger was not created within {timeout:.0f} s") from failure
    except (Web3Exception, ValueError) as failure:
        raise DeploymentError(f"the node refuses to create the ledger: {failure}") from failure
    except RequestException as failure:
        raise NodeUnavailable(f"the node does not answer: {type(failure).__name__}") from failure
    return Deployment(
        chain_id=chain_id,
        address=address,
        block=receipts[-1]["blockNumber"],
        transaction=receipts[-1]["transactionHash"].to_0x_hex(),
        predecessor=predecessor,
    )


def _create(
    network: Web3, deployer: LocalAccount, name: str, init_code: bytes, *, gas_price: int, timeout: float
) -> TxReceipt:
    """Make one contract and wait for its receipt."""
    transaction: dict[str, Any] = {
        "chainId": network.eth.chain_id,
        "nonce": network.eth.get_transaction_count(deployer.address, "pending"),
        "gas": DEPLOY_GAS,
        "gasPrice": gas_price,
        "value": 0,
        "data": init_code,
    }
    signed = deployer.sign_transaction(transaction)
    transaction_hash = network.eth.send_raw_transaction(signed.raw_transaction)
    receipt = network.eth.wait_for_transaction_receipt(transaction_hash, timeout, poll_latency=0.02)
    if receipt["status"] != 1 or receipt["contractAddress"] is None:
        raise DeploymentError(f"the creation of {name} in transaction {transaction_hash.to_0x_hex()} failed")
    return receipt


def connect(node: Node, deployment: Deployment) -> HealthLedger:
    """The client of a deployment, after checking that it is there and is this version's code.

    Raises:
        DeploymentError: another chain, no code, or other code than the shipped artifact's, at its address or behind it.
    """
    chain_id = int(node.request("eth_chainId"), 16)
    if chain_id != deployment.chain_id:
        raise DeploymentError(f"the deployment is on chain {deployment.chain_id}, the node on chain {chain_id}")
    address: Address | None = deployment.address
    for contract in reversed(contracts()):
        code = unhex(node.request("eth_getCode", address, "latest"))
        if not contract.matches(code):
            raise DeploymentError(f"there is no HealthLedger of this version at {deployment.address}")
        address = contract.extension(code)
    return HealthLedger(node, deployment.address, chain_id)
