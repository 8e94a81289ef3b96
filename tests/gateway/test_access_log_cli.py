"""The access log and its proofs by the command line, against a gateway that is served over HTTP."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import connect
from threading import Thread

import pytest
import uvicorn
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.serve import whole_gateway
from gateway.settings import Settings
from scripts.demo import RECORDS
from tests.waiting import until

Run = Callable[..., Result]


@dataclass(frozen=True, slots=True)
class House:
    """A served gateway with the demonstration's people, and where its ledger and its operator are."""

    url: str
    node: str
    operator: str
    folder: Path


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Lines wait for no checkpoint."""
    folder = tmp_path_factory.mktemp("cli")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = Settings(data_dir=folder / "data", port=port, scrypt_n=1 << 12, checkpoint_seconds=0)
    with whole_gateway(settings) as (gateway, served):
        server = uvicorn.Server(uvicorn.Config(served, host="127.0.0.1", port=port, log_level="warning"))
        thread = Thread(target=server.run)
        thread.start()
        until(lambda: server.started or None)
        try:
            yield House(settings.origin, gateway.node.url, gateway.operator.address, folder)
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def cli(house: House) -> Run:
    """Runs a command; the patient has looked three times at a record of hers, and the ledger has counted it."""
    runner = CliRunner()
    environment = {
        "CONSENT_LEDGER_DATA_DIR": str(house.folder / "data"),
        "CONSENT_LEDGER_HOME": str(house.folder / "home"),
        "CONSENT_LEDGER_GATEWAY": house.url,
        "COLUMNS": "200",
    }

    def run(*words: str, status: int = 0) -> Result:
        result = runner.invoke(app, list(words), env=environment)
        assert result.exit_code == status, result.output
        assert "Traceback" not in result.output
        return result

    run("sign-in", "patient")
    report = str(RECORDS / "session-note.json")
    posted = json.loads(
        run("--json", "records", "post", report, "--patient", "patient", "--categories", "journal").stdout
    )
    for _ in range(3):
        run("records", "open", posted["digest"], "--purpose", "PATRQT")
    until(lambda: runner.invoke(app, ["access-log", "prove", "2"], env=environment).exit_code == 2)
    return run


def test_the_log_reads_as_it_did_and_numbers_its_lines(cli: Run) -> None:
    output = cli("access-log").output

    assert "You opened your record" in output
    assert len(json.loads(cli("--json", "access-log", "--limit", "2").stdout)) == 2


def test_without_a_node_a_proof_says_what_it_does_not_prove(cli: Run, tmp_path: Path) -> None:
    file = tmp_path / "line.json"

    output = cli("access-log", "prove", "0", "--evidence", str(file), status=2).output

    assert "was permitted to open record" in output
    assert "no node was asked" in output
    assert json.loads(file.read_text())["kind"] == "access-line"


def test_with_a_node_it_is_proven_here_and_anywhere(cli: Run, tmp_path: Path, house: House) -> None:
    file = tmp_path / "line.json"

    assert (
        "stood there unchanged" in cli("access-log", "prove", "1", "--evidence", str(file), "--node", house.node).output
    )
    assert "stood there unchanged" in cli("verify", "access-line", str(file), "--node", house.node).output
    assert (
        json.loads(cli("--json", "verify", "access-line", str(file), "--node", house.node).stdout)["verdict"]
        == "proven"
    )
    assert "anchored on" in cli("access-log", "checkpoint", "--node", house.node).output


def test_a_line_of_others_is_not_proven_to_whom_it_does_not_concern(cli: Run) -> None:
    cli("sign-in", "doctor")
    assert "not for you to see" in cli("access-log", "prove", "0", status=1).output
    cli("sign-in", "patient")


def test_the_whole_log_is_gone_through(cli: Run, house: House) -> None:
    output = cli("access-log", "check", "--operator", house.operator, "--node", house.node).output

    assert "The first 3 lines of the access log" in output
    assert "in this order and with these times" in output


def test_an_auditor_goes_through_it_as_the_gateway_tells_it(cli: Run, house: House) -> None:
    words = ["access-log", "check", "--operator", house.operator, "--node", house.node, "--as-auditor"]

    assert "only an auditor sees every line" in cli(*words, status=1).output
    cli("sign-in", "auditor")
    assert json.loads(cli("--json", *words).stdout)["facts"]["counted"] >= 3
    cli("sign-in", "patient")


def test_a_log_with_a_line_removed_is_found_out(cli: Run, house: House) -> None:
    copy = house.folder / "copy.db"
    with closing(connect(house.folder / "data" / "gateway.db")) as source, closing(connect(copy)) as target:
        source.backup(target)
        target.execute("DROP TRIGGER access_log_no_delete")
        target.execute("DELETE FROM access_log WHERE seq = 1")
        target.commit()
    words = ["access-log", "check", "--operator", house.operator, "--node", house.node]

    answer = json.loads(cli("--json", *words, "--database", f"sqlite:///{copy}", status=1).stdout)

    assert answer["verdict"] == "contradicted"
    assert "line 1 is gone" in answer["facts"]["faults"]


def test_numbers_are_told_to_the_organization(cli: Run) -> None:
    assert cli("access-log", "counts", status=1).output.startswith("Refused (403)")
    cli("sign-in", "hospital")
    (count,) = json.loads(cli("--json", "access-log", "counts").stdout)
    assert (count["purpose"], count["permitted"], count["number"]) == ("PATRQT", True, None)
    assert "fewer than 5" in cli("access-log", "counts").output
    cli("sign-in", "patient")
