"""Records that nobody here wrote, through seal, put, anchor and open: equal to the last byte."""

import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gateway.cli.batches import Result, hand_in
from gateway.demo_people import load
from scripts.demo import Town, open_record, served

NUMBER = ("urn:oid:2.16.840.1.113883.19.5", "any")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("real") / "data"
    with served(folder) as url:
        town = Town(url, load(folder))
        body = {
            "grantee": town.address("laboratory"),
            "categories": ["laboratory", "other"],
            "purposes": ["TREAT"],
            "may_write": True,
            "expiry": int(time.time()) + 86_400,
        }
        town["patient"].post("/v1/consents", body)
        yield town
        town.close()


def test_synthetic_patients_bundles_come_back_as_they_went(town: Town, shared_data: Path) -> None:
    bundles = sorted((shared_data / "fhir/synthea").glob("*.json"))
    assert bundles
    for bundle in bundles:
        content = bundle.read_bytes()
        posted = town["laboratory"].upload(
            "/v1/records", content, "application/fhir+json", patient=town.address("patient"), categories="other"
        )
        assert open_record(town["patient"], posted["digest"], "PATRQT") == content


def test_the_standard_s_examples_come_back_from_a_batch_as_they_went(town: Town, shared_data: Path) -> None:
    examples = sorted((shared_data / "fhir/hl7-examples").glob("*/*.json"))
    assert len(examples) > 50
    results = [Result(path.name, path.read_bytes(), *NUMBER) for path in examples]
    lab, patient = town["laboratory"], town["patient"]
    posted = hand_in(
        lab, "examples", results, {NUMBER: town.address("patient")}, ["other"], console=Console(quiet=True)
    )
    assert (posted["items"], posted["proposals"], posted["state"]) == (len(examples), 0, "anchored")
    for one in results:
        found = lab.post(f"/v1/batches/{posted['id']}/find", {"id": one.name})
        assert open_record(patient, found["digest"], "PATRQT") == one.content
