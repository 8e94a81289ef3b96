"""Deploy the ledger with Brownie, and remember where it is as `ledger.deployment` does.

    python3 scripts/run_brownie.py run deploy

The first account deploys and becomes the consortium. PREDECESSOR names the deployment that this one follows.
"""

import json
import os
from pathlib import Path

from brownie import (
    ZERO_ADDRESS,
    Contract,
    HealthLedger,
    HealthLedgerCare,
    HealthLedgerDecision,
    HealthLedgerExtension,
    accounts,
    chain,
)


def deploy(consortium, predecessor=ZERO_ADDRESS):  # noqa: ANN001, ANN201 - Brownie's things have no types to name
    """Make the four contracts; what comes back is the ledger, with everything that can be called at its address."""
    decision = HealthLedgerDecision.deploy({"from": consortium})
    care = HealthLedgerCare.deploy(decision, {"from": consortium})
    extension = HealthLedgerExtension.deploy(predecessor, care, {"from": consortium})
    ledger = HealthLedger.deploy(consortium, extension, {"from": consortium})
    parts = (ledger, extension, care, decision)
    entries = [entry for part in parts for entry in part.abi]
    unique = {json.dumps(entry, sort_keys=True): entry for entry in entries if entry["type"] != "constructor"}
    whole = Contract.from_abi("HealthLedger", ledger.address, list(unique.values()))
    whole.tx, whole.gas_of_creation = ledger.tx, sum(part.tx.gas_used for part in parts)
    return whole


def main():  # noqa: ANN201
    predecessor = os.environ.get("PREDECESSOR", ZERO_ADDRESS)
    ledger = deploy(accounts[0], predecessor)
    deployment = {
        "address": ledger.address,
        "block": ledger.tx.block_number,
        "chain_id": chain.id,
        "predecessor": predecessor,
        "transaction": ledger.tx.txid,
    }
    path = Path("build", "deployments", f"{chain.id}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(deployment, indent=2, sort_keys=True) + "\n")
    print(f"HealthLedger at {ledger.address}, deployed for {ledger.gas_of_creation:,} gas; remembered in {path}")
    return ledger
