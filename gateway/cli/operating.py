"""For whoever runs a gateway, on its own machine: put the ledger on a network, and let the consortium sign in."""

import typer

from gateway.cli.context import current, told
from gateway.cli.participants import new_passphrase
from gateway.errors import GatewayError
from gateway.identity.keystore import Keystore, identity
from gateway.identity.secrets_at_rest import key_file
from gateway.settings import Settings
from ledger.deployment import deploy as deploy_ledger
from ledger.errors import DeploymentError
from ledger.rpc import Node, quantity


@told
def deploy(context: typer.Context) -> None:
    """Put a new ledger on the network of CONSENT_LEDGER_NODE_URL, with this gateway's operator as the consortium.

    The operator pays; where gas has a price its address has to be funded first.
    """
    settings = Settings()
    if settings.node_url is None:
        raise GatewayError("name the network's node in CONSENT_LEDGER_NODE_URL; a local one needs no such step")
    path = settings.deployment_path
    if path.exists():
        raise GatewayError(f"{path} names a ledger already: move it away to make another")
    operator = identity(key_file(settings.operator_key), "operator")
    with Node(settings.node_url) as node:
        price = quantity(node.request("eth_gasPrice")) if settings.gas_price is None else settings.gas_price
        try:
            made = deploy_ledger(node, operator.account, consortium=operator.address, gas_price=price)
        except DeploymentError as failure:
            raise DeploymentError(f"{failure} (the operator {operator.address} pays {price:,} wei a unit)") from failure
    made.save(path)
    value = {"address": made.address, "chain_id": made.chain_id, "block": made.block, "consortium": operator.address}
    current(context).show(
        value, lambda: f"The ledger is {made.address}; {path} says so. {operator.address} is the consortium."
    )


@told
def consortium(context: typer.Context, name: str = typer.Option("Consortium", help="Name to be shown.")) -> None:
    """Give the operator's key a passphrase, so that the consortium can sign in here and admit organizations."""
    settings = Settings()
    keystore = Keystore(
        settings.data_dir / "keystores", scrypt_n=settings.scrypt_n, passphrase_least=settings.passphrase_least
    )
    made = keystore.create(name, new_passphrase(name), secret=key_file(settings.operator_key))
    current(context).show({"address": made.address}, lambda: f"Sign in with `consent-ledger sign-in {made.address}`.")
