"""Deploying the ledger, and remembering where it is: one JSON file a network.

>>> deployment = deploy(node, signer, consortium=signer.address)
>>> deployment.save(path)
>>> ledger = connect(node, Deployment.load(path))
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self

from eth_abi.abi import encode
from eth_account.signers.local import LocalAccount

from ledger.abi import artifact
from ledger.client import HealthLedger, Node
from ledger.errors import DeploymentError
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
        DeploymentError: no receipt in time, or the creation failed.
        NodeError: the node does not answer or refuses the transaction.
    """
    chain_id = int(node.request("eth_chainId"), 16)
    arguments = encode(["address", "address"], [consortium, predecessor])
    transaction: Any = {
        "nonce": int(node.request("eth_getTransactionCount", deployer.address, "pending"), 16),
        "data": bytes.fromhex(artifact()["bytecode"].removeprefix("0x")) + arguments,
        "gas": DEPLOY_GAS,
        "gasPrice": gas_price,
        "value": 0,
        "chainId": chain_id,
    }
    raw = bytes(deployer.sign_transaction(transaction).raw_transaction)
    transaction_hash: str = node.request("eth_sendRawTransaction", "0x" + raw.hex())
    receipt = _receipt(node, transaction_hash, timeout)
    if int(receipt["status"], 16) != 1:
        raise DeploymentError(f"the creation in transaction {transaction_hash} failed")
    return Deployment(
        chain_id=chain_id,
        address=address_of(receipt["contractAddress"]),
        block=int(receipt["blockNumber"], 16),
        transaction=transaction_hash,
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


def _receipt(node: Node, transaction_hash: str, timeout: float) -> dict[str, str]:
    end = monotonic() + timeout
    while monotonic() < end:
        receipt: dict[str, str] | None = node.request("eth_getTransactionReceipt", transaction_hash)
        if receipt is not None:
            return receipt
        sleep(0.02)
    raise DeploymentError(f"no receipt for transaction {transaction_hash} within {timeout:.0f} s")
