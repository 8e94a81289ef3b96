"""The journeys by the command line, against a gateway served over HTTP."""

import json
from pathlib import Path

from gateway.demo_people import CAST
from scripts.demo import RECORDS
from tests.gateway.conftest import Run


def as_json(cli: Run, *words: str) -> list[dict[str, object]]:
    answer = json.loads(cli("--json", *words).stdout)
    found: list[dict[str, object]] = answer if isinstance(answer, list) else [answer]
    return found


def test_whoever_is_not_signed_in_is_told_to(cli: Run) -> None:
    assert "sign in" in cli("records", "list", fails=True).output


def test_an_unknown_handle_is_refused_with_the_known_ones(cli: Run) -> None:
    output = cli("sign-in", "nobody", fails=True).output
    assert "nobody" in output


def test_the_cast_is_listed(cli: Run) -> None:
    assert {person["handle"] for person in as_json(cli, "people")} == {part.handle for part in CAST}


def test_patient_laboratory_doctor_and_pharmacist_do_their_work(cli: Run, tmp_path: Path) -> None:
    cli("sign-in", "patient")
    cli("consents", "grant", "laboratory", "--categories", "laboratory", "--days", "90", "--may-write")
    granted = as_json(
        cli, "consents", "grant", "doctor", "--categories", "laboratory,medication", "--days", "90", "--may-write"
    )[0]
    assert len(as_json(cli, "consents", "list")) == 2

    cli("sign-in", "laboratory")
    report = RECORDS / "diagnostic-report.json"
    posted = as_json(cli, "records", "post", str(report), "--patient", "patient", "--categories", "laboratory")[0]
    digest = str(posted["digest"])
    again = ("records", "post", str(RECORDS / "diagnostic-report-corrected.json"), "--patient", "patient")
    cli(*again, "--categories", "laboratory", "--corrects", digest)

    cli("sign-in", "doctor")
    copy = tmp_path / "report.json"
    cli("records", "open", digest, "--purpose", "TREAT", "-o", str(copy))
    assert copy.read_bytes() == report.read_bytes()
    assert "Refused (403)" in cli("records", "open", digest, "--purpose", "HRESCH", fails=True).output
    order = str(RECORDS / "medication-request.json")
    issued = as_json(cli, "prescriptions", "issue", order, "--patient", "patient", "--days-between", "0")[0]

    cli("sign-in", "patient")
    assert [line["state"] for line in as_json(cli, "records", "list")] == ["anchored", "superseded"]
    code = tmp_path / "code.txt"
    cli("prescriptions", "present", str(issued["id"]), "-o", str(code))
    picture = tmp_path / "code.svg"
    cli("prescriptions", "present", str(issued["id"]), "-o", str(picture))
    assert picture.read_bytes().startswith((b"<?xml", b"<svg"))

    cli("sign-in", "pharmacist")
    assert "30" in cli("prescriptions", "check", str(code)).output
    assert json.loads(cli("prescriptions", "read", str(code)).stdout)["resourceType"] == "MedicationRequest"
    record = str(RECORDS / "medication-dispense.json")
    cli("prescriptions", "dispense", str(code), "--units", "30", "--record", record)
    cli("sign-in", "pharmacist-2")
    assert "Refused" in cli("prescriptions", "dispense", str(code), "--units", "30", fails=True).output

    cli("sign-in", "patient")
    assert "dispensed" in cli("prescriptions", "history", str(issued["id"])).output
    cli("consents", "withdraw", str(granted["id"]))
    cli("sign-in", "doctor")
    assert "withdrawn" in cli("records", "open", digest, "--purpose", "TREAT", fails=True).output
    cli("sign-in", "patient")
    cli("consents", "deny", "doctor-2")
    assert len(as_json(cli, "consents", "denials")) == 1
    cli("consents", "lift", "doctor-2")
    log = cli("access-log").output
    assert "Dr Ada Quinn opened your record" in log
    assert "Dr Ada Quinn was refused" in log
    cli("sign-out")


def test_a_batch_is_posted_from_a_folder_and_resumed(cli: Run, tmp_path: Path) -> None:
    report = json.loads((RECORDS / "diagnostic-report.json").read_text())
    number = next(part.number for part in CAST if part.handle == "patient-2")
    for i in range(20):
        report["subject"] = {"identifier": {"system": "urn:oid:2.16.840.1.113883.19.5", "value": number}}
        (tmp_path / f"result-{i:02}.json").write_text(json.dumps({**report, "id": str(i)}))
    (tmp_path / "broken.json").write_text("{")
    cli("sign-in", "laboratory")
    assert "broken.json: not JSON" in cli("batches", "post", str(tmp_path), "--name", "n1", fails=True).output
    first = as_json(cli, "batches", "post", str(tmp_path), "--name", "n1", "--skip-bad")[0]
    second = as_json(cli, "batches", "post", str(tmp_path), "--name", "n1", "--skip-bad")[0]
    assert first["items"] == second["items"] == 20
    assert first["root"] == second["root"]
    assert len(as_json(cli, "batches", "list")) == 1
    cli("sign-out")
