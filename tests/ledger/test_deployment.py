"""Where a ledger is, remembered and checked: another chain, no code, other code is noticed first."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account

from ledger.code import contracts
from ledger.deployment import Deployment, connect, deploy
from ledger.devnet import Devnet
from ledger.errors import DeploymentError, NodeUnavailable
from ledger.rpc import Node, enhex, unhex
from ledger.types import ZERO_ADDRESS, address_of

DEPLOYER = Account.create()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with Devnet.start(tmp_path_factory.mktemp("chain"), block_time=None) as devnet, Node(devnet.url) as node:
        yield node


@pytest.fixture(scope="module")
def deployment(node: Node) -> Deployment:
    return deploy(node, DEPLOYER, consortium=address_of(DEPLOYER.address))


def test_a_deployment_is_remembered_whole(deployment: Deployment, tmp_path: Path) -> None:
    path = tmp_path / "networks" / "devnet.json"
    deployment.save(path)
    assert Deployment.load(path) == deployment


def test_whoever_deploys_names_the_consortium(node: Node, deployment: Deployment) -> None:
    participant = connect(node, deployment).participant(address_of(DEPLOYER.address))
    assert participant is not None
    assert participant.organization == DEPLOYER.address


def test_a_successor_names_its_predecessor(node: Node, deployment: Deployment) -> None:
    second = deploy(node, DEPLOYER, consortium=address_of(DEPLOYER.address), predecessor=deployment.address)
    assert second.predecessor == deployment.address
    assert connect(node, second).address == second.address


def test_another_chain_no_code_and_other_code_are_noticed(node: Node, deployment: Deployment) -> None:
    with pytest.raises(DeploymentError, match="on chain 1, the node on chain"):
        connect(node, replace(deployment, chain_id=1))
    with pytest.raises(DeploymentError, match="no HealthLedger of this version"):
        connect(node, replace(deployment, address=ZERO_ADDRESS))
    # A contract of the same length whose code differs in one byte of an instruction.
    code = bytearray(unhex(node.request("eth_getCode", deployment.address, "latest")))
    code[1] ^= 1
    other = address_of(b"\x77" * 20)
    node.request("anvil_setCode", other, "0x" + code.hex())
    with pytest.raises(DeploymentError, match="no HealthLedger of this version"):
        connect(node, replace(deployment, address=other))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_other_code_behind_the_ledger_is_noticed(node: Node, deployment: Deployment, depth: int) -> None:
    """The ledger's own code is right, but what it hands on to has a byte changed."""
    behind = deployment.address
    for contract in contracts()[: -1 - depth : -1]:
        behind = contract.extension(unhex(node.request("eth_getCode", behind, "latest"))) or behind
    right = node.request("eth_getCode", behind, "latest")
    assert behind != deployment.address
    wrong = bytearray(unhex(right))
    wrong[1] ^= 1
    node.request("anvil_setCode", behind, enhex(bytes(wrong)))
    with pytest.raises(DeploymentError, match="no HealthLedger of this version"):
        connect(node, deployment)
    node.request("anvil_setCode", behind, right)
    assert connect(node, deployment).address == deployment.address


def test_a_file_that_is_no_deployment_is_named_so(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="deploy first"):
        Deployment.load(tmp_path / "absent.json")
    for content in ("", "[]", '{"address": "0x12"}'):
        (tmp_path / "bad.json").write_text(content)
        with pytest.raises(DeploymentError, match="is not a deployment"):
            Deployment.load(tmp_path / "bad.json")


def test_a_node_that_is_not_there_is_named_so() -> None:
    with Node("http://127.0.0.1:9") as nobody, pytest.raises(NodeUnavailable):
        deploy(nobody, DEPLOYER, consortium=address_of(DEPLOYER.address))
