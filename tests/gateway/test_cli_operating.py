"""From nothing to a record on a network that is there already, by the command line alone: the ledger is put there, the
consortium signs in, admits an organization, which registers its people and opens a team."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.serve import whole_gateway
from gateway.settings import Settings
from ledger.devnet import Devnet
from tests.waiting import until

WORDS = "some words that nobody knows"
Run = Callable[..., Result]


@pytest.fixture
def network(tmp_path: Path) -> Iterator[str]:
    """The URL of a network of somebody else, where gas is free."""
    with Devnet.start(tmp_path / "chain", block_time=0.1) as devnet:
        yield devnet.url


@pytest.fixture
def run(tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on the machine of a gateway that has never been started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "CONSENT_LEDGER_DATA_DIR": str(tmp_path / "data"),
        "CONSENT_LEDGER_HOME": str(tmp_path / "home"),
        "CONSENT_LEDGER_NODE_URL": network,
        "CONSENT_LEDGER_GAS_PRICE": "0",
        "CONSENT_LEDGER_PORT": str(port),
        "CONSENT_LEDGER_SCRYPT_N": "2",
        "CONSENT_LEDGER_GATEWAY": f"http://localhost:{port}",
        "CONSENT_LEDGER_NEW_PASSPHRASE": WORDS,
        "CONSENT_LEDGER_PASSPHRASE": WORDS,
        "COLUMNS": "200",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(*words: str, fails: bool = False) -> Result:
        result = CliRunner().invoke(app, list(words))
        assert (result.exit_code != 0) == fails, result.output
        assert "Traceback" not in result.output
        assert WORDS not in result.output
        return result

    return run


@contextmanager
def served() -> Iterator[None]:
    """What `consent-ledger serve` serves, by the same settings."""
    settings = Settings()
    with whole_gateway(settings) as (_, api):
        server = uvicorn.Server(uvicorn.Config(api, port=settings.port, log_level="warning", access_log=False))
        thread = Thread(target=server.run, name="uvicorn")
        thread.start()
        until(lambda: server.started)
        try:
            yield
        finally:
            server.should_exit = True
            thread.join()


def as_json(run: Run, *words: str) -> Any:
    return json.loads(run("--json", *words).stdout)


def test_a_network_is_taken_into_use(run: Run, tmp_path: Path) -> None:
    deployed = as_json(run, "deploy")
    assert "names a ledger already" in run("deploy", fails=True).output
    consortium = as_json(run, "consortium")["address"]
    assert consortium == deployed["consortium"]
    assert "keystore" in run("consortium", fails=True).output

    with served():
        assert "consortium" in run("sign-in", consortium).output
        hospital = as_json(run, "organizations", "admit", "A Hospital", "--roles", "practitioner,prescriber")["address"]

        run("sign-in", hospital)
        refused = run("participants", "register", "A Chemist", "--roles", "pharmacist", fails=True)
        assert "RolesNotConferrable" in refused.output
        doctor = as_json(run, "participants", "register", "A Doctor", "--roles", "practitioner")["address"]
        nurse = as_json(run, "participants", "register", "A Nurse", "--roles", "practitioner")["address"]
        patient = as_json(run, "participants", "register", "A Patient", "--roles", "patient")["address"]
        everybody = [patient, nurse, doctor, hospital]
        until(lambda: [one["address"] for one in as_json(run, "participants", "list")] == everybody)
        run("participants", "roles", doctor, "--roles", "practitioner,prescriber")
        team = as_json(run, "teams", "open", "Home care")["team"]
        run("teams", "join", team, nurse)
        (home_care,) = as_json(run, "teams", "list", "--opened")
        assert (home_care["name"], [one["name"] for one in home_care["members"]]) == ("Home care", ["A Nurse"])

        run("sign-in", patient)
        assert "Refused (403)" in run("participants", "list", fails=True).output
        assert "Refused (403)" in run("teams", "list", "--opened", fails=True).output
        note = tmp_path / "note.txt"
        note.write_text("slept well")
        digest = as_json(run, "records", "post", str(note), "--patient", patient, "--categories", "encounter")["digest"]
        run("consents", "grant", team, "--categories", "encounter", "--days", "30")

        run("sign-in", nurse)
        assert [one["team"] for one in as_json(run, "teams", "list")] == [team]
        copy = tmp_path / "copy.txt"
        open_it = ("records", "open", digest, "--purpose", "TREAT", "-o", str(copy))
        run(*open_it)
        assert copy.read_text() == "slept well"
        run("teams", "leave", team, nurse)
        assert "Refused (403)" in run(*open_it, fails=True).output

        run("sign-in", hospital)
        run("participants", "suspend", nurse)
        assert "suspended" in run("participants", "list").output
        run("participants", "reinstate", nurse)
        assert "suspended" not in run("participants", "list").output


def test_a_ledger_is_not_put_where_no_network_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONSENT_LEDGER_NODE_URL")
    assert "name the network's node" in run("deploy", fails=True).output


def test_a_ledger_that_nobody_pays_for_is_not_made(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSENT_LEDGER_GAS_PRICE", "1000000000")
    refused = run("deploy", fails=True).output
    assert "DeploymentError" in refused
    assert "the operator 0x" in refused
    assert not (tmp_path / "data" / "deployment.json").exists()
