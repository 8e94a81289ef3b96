"""The stand-alone verifier believes nobody: not who says whose log it is, which ledger it is, or that a file is
evidence; and it needs nobody but a node and a store."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from gateway.verify.chain import Chain
from gateway.verify.checks import check
from gateway.verify.reading import read_evidence
from gateway.verify.result import Verdict
from ledger.checkpoint import Checkpoint, NoteSigner, introduction
from ledger.deployment import Deployment, connect
from ledger.errors import NodeRejected
from ledger.rpc import Node, quantity
from offchain_store.local import LocalStore
from tests.gateway.outside import Outside, left_behind, run


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """What a gateway has left behind."""
    with left_behind(tmp_path_factory.mktemp("outside")) as left:
        yield left


# --- whose log, whose signature


def forged(outside: Outside, *, size: int | None = None, signer: bytes, introducer: bytes) -> dict[str, Any]:
    """A checkpoint and a key that somebody else made."""
    log = outside.json["checkpoint"]["log"]
    origin, stated, root = outside.json["checkpoint"]["checkpoint"].split("\n")[:3]
    forger = NoteSigner(origin, signer)
    checkpoint = Checkpoint(origin, size or int(stated), bytes(32))
    said = Account.sign_message(encode_defunct(text=introduction(forger.key)), introducer)
    assert root
    return {
        "checkpoint": forger.sign(checkpoint.text()),
        "earlier": None,
        "consistency": [],
        "log": {**log, "key": str(forger.key), "introduction": bytes(said.signature).hex()},
    }


def test_a_key_that_the_operator_did_not_introduce_signs_nothing(outside: Outside) -> None:
    bent = forged(outside, signer=bytes(32), introducer=b"\x01" * 32)

    status, answer = outside.verify("checkpoint", **bent)

    assert (status, answer["verdict"]) == (1, "contradicted")
    assert "not introduced by" in answer["sentence"]


def test_a_checkpoint_that_the_operator_signed_beside_the_anchored_one_is_a_fork(outside: Outside) -> None:
    bent = forged(outside, signer=bytes(32), introducer=outside.secrets["operator"])

    status, answer = outside.verify("checkpoint", **bent)

    assert (status, answer["verdict"]) == (1, "contradicted")
    assert "two logs" in answer["sentence"]


def test_a_checkpoint_that_was_signed_and_never_anchored_is_said_to_be_so(outside: Outside) -> None:
    bent = forged(outside, size=4_711, signer=bytes(32), introducer=outside.secrets["operator"])

    assert outside.verify("checkpoint", **bent)[1]["verdict"] == "never-anchored"


def test_a_note_whose_text_was_changed_is_contradicted(outside: Outside) -> None:
    note = outside.json["line"]["checkpoint"].replace("\n1\n", "\n2\n")

    assert note != outside.json["line"]["checkpoint"]
    assert outside.verify("line", checkpoint=note)[1]["verdict"] == "contradicted"


def test_an_introduction_that_is_no_signature_is_contradicted(outside: Outside) -> None:
    log = {**outside.json["line"]["log"], "introduction": "00"}

    assert outside.verify("line", log=log)[1]["verdict"] == "contradicted"


# --- which ledger, and what cannot be decided


def test_the_evidence_may_name_the_ledger_if_its_code_is_known(outside: Outside) -> None:
    assert outside.verify("record", trusted=False)[0] == 0
    elsewhere = {**outside.json["record"]["ledger"], "address": outside.json["record"]["patient"]}
    status, answer = outside.verify("record", trusted=False, ledger=elsewhere)
    assert (status, answer["verdict"]) == (2, "undecided")


def test_evidence_of_another_ledger_is_undecided(outside: Outside) -> None:
    other = {**outside.json["record"]["ledger"], "address": outside.json["record"]["patient"]}

    status, answer = outside.verify("record", ledger=other)

    assert (status, answer["verdict"]) == (2, "undecided")
    assert "another ledger" in answer["sentence"]


def test_a_ledger_of_another_chain_is_undecided(outside: Outside) -> None:
    loaded = Deployment.load(outside.deployment)
    wrong = outside.folder / "wrong.json"
    Deployment(1, loaded.address, loaded.block, loaded.transaction).save(wrong)

    words = ["record", str(outside.files["record"]), "--node", outside.node, "--deployment", str(wrong), "--json"]

    assert run(*words)[0] == 2


def test_offline_the_evidence_is_consistent_at_best(outside: Outside) -> None:
    for name in outside.files:
        status, answer = outside.verify(name, "--offline")
        assert (status, answer["verdict"]) == (2, "consistent"), answer
        assert "no node was asked" in answer["sentence"]
    assert outside.verify("line", "--offline", index=1)[1]["verdict"] == "altered"


def test_a_node_that_does_not_answer_is_undecided(outside: Outside) -> None:
    words = ["--node", "http://127.0.0.1:9", "--json"]

    status, answer = run("record", str(outside.files["record"]), *words)

    assert (status, answer["verdict"]) == (2, "undecided")
    assert run("record", str(outside.files["record"]), "--json")[0] == 2  # no node named at all


@pytest.mark.parametrize(
    "bend",
    [
        lambda evidence: {**evidence, "more": 1},
        lambda evidence: {name: value for name, value in evidence.items() if name != "digest"},
        lambda evidence: {**evidence, "evidence": "consent-ledger/v2"},
        lambda evidence: {**evidence, "kind": "belief"},
        lambda evidence: {**evidence, "digest": evidence["digest"][:-2]},
        lambda evidence: {**evidence, "digest": evidence["digest"].upper()},
        lambda evidence: {**evidence, "patient": evidence["patient"].lower()},
        lambda evidence: {**evidence, "categories": []},
        lambda evidence: {**evidence, "categories": ["everything"]},
        lambda evidence: {**evidence, "place": {"kind": "single", "root": "00"}},
        lambda evidence: {**evidence, "ledger": {**evidence["ledger"], "chain_id": True}},
        lambda evidence: {**evidence, "anchor": {}},
        lambda evidence: [],
        lambda evidence: "evidence",
    ],
)
def test_what_is_no_evidence_file_is_undecided(outside: Outside, bend: Callable[[Any], Any]) -> None:
    file = outside.folder / "bent.json"
    file.write_text(json.dumps(bend(outside.json["record"])))

    status, answer = run("record", str(file), "--node", outside.node, "--json")

    assert (status, answer["verdict"]) == (2, "undecided")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b" " * (2 << 20)])
def test_files_of_anything_are_undecided(outside: Outside, content: bytes) -> None:
    file = outside.folder / "bent.json"
    file.write_bytes(content)

    assert run("access-line", str(file), "--node", outside.node, "--json")[0] == 2


def test_evidence_of_another_kind_is_undecided(outside: Outside) -> None:
    assert run("consent", str(outside.files["record"]), "--node", outside.node, "--json")[0] == 2


def test_a_folder_that_is_no_store_is_not_made_one(outside: Outside) -> None:
    folder = outside.folder / "nothing"
    folder.mkdir(exist_ok=True)

    assert outside.verify("record", "--store", str(folder))[0] == 2
    assert list(folder.iterdir()) == []


# --- alone


def test_it_runs_alone_and_imports_no_gateway_and_no_database(outside: Outside, tmp_path: Path) -> None:
    """In a process of its own, in an empty folder: what it imports is the verifier, the ledger, the store and words."""
    program = (
        "import sys\n"
        "from gateway.verify.commands import app\n"
        "try:\n"
        "    app(sys.argv[1:], prog_name='verify')\n"
        "except SystemExit as end:\n"
        "    loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "    assert not loaded & {'sqlalchemy', 'fastapi', 'uvicorn', 'pydantic_settings', 'siwe'}, loaded\n"
        "    ours = {name for name in sys.modules if name.startswith('gateway.')}\n"
        "    words = {'gateway.errors', 'gateway.notices', 'gateway.notices.told'}\n"
        "    assert all(name in words or name.startswith('gateway.verify') for name in ours), ours\n"
        "    raise\n"
    )
    where = ["--node", outside.node, "--deployment", str(outside.deployment), "--store", str(outside.store)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", program, "record", str(outside.files["record"]), *where],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("medically right or who has opened it.\n")
    assert list(tmp_path.iterdir()) == []


def test_the_module_runs_as_a_program(outside: Outside, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway.verify", "access-line", str(outside.files["line"]), "--node", outside.node],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert "stood there unchanged" in done.stdout


# --- nodes as they are


class Stingy(Node):
    """A node that looks through few blocks at once, and does not say in a log when it happened."""

    asked = 0

    def request(self, method: str, *params: Any) -> Any:
        if method != "eth_getLogs":
            return super().request(method, *params)
        self.asked += 1
        if quantity(params[0]["toBlock"]) - quantity(params[0]["fromBlock"]) >= 10:
            raise NodeRejected(method, -32005, "query exceeds the limit of 10 blocks")
        return [
            {name: value for name, value in entry.items() if name != "blockTimestamp"}
            for entry in super().request(method, *params)
        ]


def test_a_node_that_gives_little_at_once_is_asked_often(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.verify.chain._RANGE", 10)
    deployment = Deployment.load(outside.deployment)
    with Stingy(outside.node) as node:
        chain = Chain(node, connect(node, deployment), deployment.block)
        for name, file in outside.files.items():
            result = check(read_evidence(file.read_bytes()), chain=chain, store=LocalStore(outside.store))
            assert result.verdict is Verdict.PROVEN, (name, result.sentence)
            if outside.json[name]["anchor"] and "anchor" in result.facts:
                assert result.facts["anchor"]["time"] == outside.json[name]["anchor"]["time"]
        assert node.asked > 10
