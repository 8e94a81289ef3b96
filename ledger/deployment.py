"""Deploying the ledger, and remembering where it is: one JSON file a network.

>>> deployment = deploy(node, signer, consortium=signer.address)
>>> deployment.save(path)
>>> ledger = connect(node, Deployment.load(path))
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from eth_account.signers.local import LocalAccount
from requests.exceptions import RequestException
from web3 import HTTPProvider, Web3
from web3.exceptions import TimeExhausted, Web3Exception
from web3.types import Wei

from ledger.abi import artifact
from ledger.client import HealthLedger
from ledger.errors import DeploymentError, NodeUnavailable
from ledger.rpc import Node
from ledger.types import ZERO_ADDRESS, Address, address_of

DEPLOY_GAS = 12_000_000


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
    """Deploy the shipped artifact and wait for its receipt.

    Args:
        consortium: the address that will admit organizations.
        gas_price: wei a unit of gas; 0 on a free-gas network.
        timeout: seconds to wait for the receipt.

    Raises:
        DeploymentError: no receipt in time, refused by the node, or the creation failed.
        NodeUnavailable: the node does not answer.
    """
    network = Web3(HTTPProvider(node.url))
    contract = network.eth.contract(abi=artifact()["abi"], bytecode=artifact()["bytecode"])
    try:
        transaction = contract.constructor(consortium, predecessor).build_transaction(
            {
                "from": deployer.address,
                "nonce": network.eth.get_transaction_count(deployer.address, "pending"),
                "gas": DEPLOY_GAS,
                "gasPrice": Wei(gas_price),
            }
        )
        signed = deployer.sign_transaction(transaction)
        transaction_hash = network.eth.send_raw_transaction(signed.raw_transaction)
        receipt = network.eth.wait_for_transaction_receipt(transaction_hash, timeout, poll_latency=0.02)
        chain_id = network.eth.chain_id
    except TimeExhausted as failure:
        raise DeploymentError(f"the ledger was not created within {timeout:.0f} s") from failure
    except (Web3Exception, ValueError) as failure:
        raise DeploymentError(f"the node refuses to create the ledger: {failure}") from failure
    except RequestException as failure:
        raise NodeUnavailable(f"the node does not answer: {type(failure).__name__}") from failure
    address = receipt["contractAddress"]
    if receipt["status"] != 1 or address is None:
        raise DeploymentError(f"the creation in transaction {transaction_hash.to_0x_hex()} failed")
    return Deployment(
        chain_id=chain_id,
        address=address_of(address),
        block=receipt["blockNumber"],
        transaction=transaction_hash.to_0x_hex(),
        predecessor=predecessor,
    )


def connect(node: Node, deployment: Deployment) -> HealthLedger:
    """The client of a deployment, after checking that it is there and is this version's code.

    Raises:
        DeploymentError: another chain, no code, or other code than the shipped artifact's.
    """
    chain_id = int(node.request("eth_chainId"), 16)
    if chain_id != deployment.chain_id:
        raise DeploymentError(f"the deployment is on chain {deployment.chain_id}, the node on chain {chain_id}")
    code = bytearray.fromhex(node.request("eth_getCode", deployment.address, "latest")[2:])
    expected = bytearray.fromhex(artifact()["deployedBytecode"].removeprefix("0x"))
    for place in artifact()["immutables"]:
        # What the constructor wrote is this deployment's own.
        start, end = place["start"], place["start"] + place["length"]
        code[start:end] = expected[start:end]
    if code != expected:
        raise DeploymentError(f"there is no HealthLedger of this version at {deployment.address}")
    return HealthLedger(node, deployment.address, chain_id)
