"""A served gateway for each test module, with a hospital, a laboratory, and people of theirs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from scripts.demo import served as demonstration
from tests.gateway.served import Person, Served, serving


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part."""

    served: Served
    hospital: Person
    laboratory: Person
    doctor: Person
    colleague: Person
    """A doctor of the same hospital."""
    stranger: Person
    """A doctor of another hospital."""
    patient: Person

    def new_patient(self) -> Person:
        """A patient whom no other test knows."""
        return self.served.person(self.hospital, "patient")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway of the module's own."""
    with serving(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture(scope="module")
def cast(served: Served) -> Cast:
    """Everybody, signed in."""
    hospital = served.organization("patient", "practitioner", "prescriber", name="St. Anne's Hospital")
    elsewhere = served.organization("patient", "practitioner", name="Elsewhere Clinic")
    laboratory = served.organization("laboratory", name="Central Laboratory")
    return Cast(
        served=served,
        hospital=hospital,
        laboratory=laboratory,
        doctor=served.person(hospital, "practitioner", name="Dr Ruiz"),
        colleague=served.person(hospital, "practitioner", name="Dr Okafor"),
        stranger=served.person(elsewhere, "practitioner", name="Dr Stranger"),
        patient=served.person(hospital, "patient", name="Ana"),
    )


Run = Callable[..., Result]


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs a command against a fresh gateway with the demonstration's people, served over HTTP."""
    folder = tmp_path_factory.mktemp("cli")
    runner = CliRunner()
    with demonstration(folder / "data") as url:
        environment = {
            "CONSENT_LEDGER_DATA_DIR": str(folder / "data"),
            "CONSENT_LEDGER_HOME": str(folder / "home"),
            "CONSENT_LEDGER_GATEWAY": url,
            "COLUMNS": "200",
        }

        def run(*words: str, fails: bool = False) -> Result:
            result = runner.invoke(app, list(words), env=environment)
            assert (result.exit_code != 0) == fails, result.output
            assert "Traceback" not in result.output
            return result

        yield run
