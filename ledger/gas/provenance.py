"""What a figure was measured with, so that another researcher gets the same gas to the unit.

>>> provenance(network, seed="1")["compiler"]
'solc 0.8.30'
"""

import hashlib
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ledger.abi import artifact
from ledger.code import SIZE_LIMIT, contracts
from ledger.errors import NodeRejected
from ledger.gas.network import Network
from ledger.rpc import quantity


def provenance(network: Network, *, seed: str) -> dict[str, Any]:
    """Everything that the gas depends on, and the versions that produced it.

    Raises:
        NodeError: the node does not answer.
    """
    node = network.node
    block = node.request("eth_getBlockByNumber", "latest", False)
    try:
        hardfork = str(node.request("anvil_nodeInfo")["hardFork"]).lower()
    except (NodeRejected, KeyError, TypeError):
        hardfork = "not told by the node"
    return compiled() | {
        "node": node.request("web3_clientVersion"),
        "hardfork": hardfork,
        "chain id": network.chain_id,
        "network": "a devnet made for this run" if network.is_devnet else "a network that was there before",
        "block gas limit": quantity(block["gasLimit"]),
        "base fee (wei)": quantity(block.get("baseFeePerGas", "0x0")),
        "gas price (wei)": network.gas_price,
        "seed": seed,
        "dates reckon from": network.epoch,
    }


def compiled() -> dict[str, Any]:
    """The part that needs no node: the code and what compiled it."""
    built = artifact()
    compiler = built["compiler"]
    settings = compiler["settings"]
    code = b"".join(contract.code for contract in contracts())
    sizes = ", ".join(f"{contract.name} {len(contract.code):,}" for contract in contracts())
    return {
        "consent-ledger": _version(),
        "commit": _commit(),
        "code (SHA-256)": hashlib.sha256(code).hexdigest(),
        f"code sizes (bytes of {SIZE_LIMIT:,})": sizes,
        "compiler": f"solc {compiler['version']}",
        "EVM version": settings["evmVersion"],
        "optimizer": _optimizer(settings),
        "Python": platform.python_version(),
    }


def _optimizer(settings: dict[str, Any]) -> str:
    optimizer = settings.get("optimizer", {})
    runs = f"{optimizer.get('runs')} runs" if optimizer.get("enabled") else "off"
    steps = optimizer.get("details", {}).get("yulDetails", {}).get("optimizerSteps")
    return runs + (", via IR" if settings.get("viaIR") else "") + (f", steps {steps}" if steps else "")


def _version() -> str:
    try:
        return version("consent-ledger")
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    """The checkout's commit, with a plus if files differ from it; a package outside a checkout has none."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return "not a checkout"
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "not known"
    return told.stdout.strip()
