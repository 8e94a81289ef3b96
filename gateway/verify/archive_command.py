"""`consent-ledger verify archive FILE`: an exported archive, checked with or without a node."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.errors import GatewayError
from gateway.verify.archive import RememberingChain, check_archive, ledger_of
from gateway.verify.commands import DeploymentOption, JsonOption, NodeOption, OfflineOption, app, finish
from gateway.verify.evidence import LedgerName
from gateway.verify.result import Result, Verdict
from ledger.deployment import Deployment
from ledger.errors import LedgerError
from offchain_store.errors import StoreError

__all__ = ["app"]


@app.command("archive")
def archive(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, help="An exported archive, as it came or unpacked.")],
    node: NodeOption = None,
    deployment: DeploymentOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """That an exported archive is whole and unaltered, and what the ledger has of it. Without a node: what the archive
    alone proves, and status 2."""
    root: Any = context.find_root().obj
    as_json = as_json or bool(getattr(root, "as_json", False))
    try:
        if node is None or offline:
            found = check_archive(file, chain=None).result()
        else:
            trusted = Deployment.load(deployment) if deployment else None
            name = LedgerName(trusted.chain_id, trusted.address, trusted.block) if trusted else ledger_of(file)
            with RememberingChain.open(node, name, is_trusted=trusted is not None) as chain:
                found = check_archive(file, chain=chain).result()
    except (GatewayError, LedgerError, StoreError) as failure:
        found = Result("archive", Verdict.UNDECIDED, f"It could not be checked: {failure}.")
    finish(found, as_json=as_json)
