"""A served gateway for each test module, with a hospital, a laboratory, and people of theirs."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

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
