"""Deploy the ledger with Brownie, and remember where it is as `ledger.deployment` does.

    python3 scripts/run_brownie.py run deploy

The first account deploys and becomes the consortium. PREDECESSOR names the deployment that this one follows.
"""

import json
import os
from pathlib import Path

from brownie import ZERO_ADDRESS, HealthLedger, accounts, chain


def main():  # noqa: ANN201 - what Brownie makes of a contract has no type to name
    predecessor = os.environ.get("PREDECESSOR", ZERO_ADDRESS)
    ledger = HealthLedger.deploy(accounts[0], predecessor, {"from": accounts[0]})
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
    print(f"HealthLedger at {ledger.address}, deployed for {ledger.tx.gas_used:,} gas; remembered in {path}")
    return ledger
