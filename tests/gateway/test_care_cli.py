"""Delegates, questions, proposals and second signatures by the command line, against a gateway served over HTTP."""

import json
from pathlib import Path
from typing import Any

from scripts.demo import RECORDS
from tests.gateway.conftest import Run


def as_json(cli: Run, *words: str) -> Any:
    return json.loads(cli("--json", *words).stdout)


NOTE = str(RECORDS / "session-note.json")


def test_a_delegate_is_named_acts_and_is_ended(cli: Run, tmp_path: Path) -> None:
    cli("sign-in", "patient")
    posted = as_json(cli, "records", "post", NOTE, "--patient", "patient", "--categories", "encounter")
    cli("consents", "grant", "doctor", "--categories", "medication", "--days", "90", "--may-write")
    powers = ("--powers", "read,grant,withdraw,present", "--categories", "encounter,medication", "--days", "60")
    assert "Named." in cli("delegates", "name", "caregiver", *powers).output
    assert as_json(cli, "delegates", "list")[0]["delegate_name"] == "Paula Oakfield, daughter"

    cli("sign-in", "caregiver")
    assert "Maren Oakfield" in cli("delegates", "list", "--received").output
    copy = tmp_path / "note.json"
    cli("records", "open", posted["digest"], "--purpose", "FAMRQT", "-o", str(copy))
    assert copy.read_bytes() == Path(NOTE).read_bytes()
    granted = as_json(cli, "act-for", "grant", "patient", "doctor-2", "--categories", "encounter", "--days", "30")
    assert len(as_json(cli, "act-for", "consents", "patient")) == 2
    beyond = ("act-for", "grant", "patient", "doctor-2", "--categories", "genetics", "--days", "30")
    assert "DelegationExceeded" in cli(*beyond, fails=True).output
    assert "Refused (403)" in cli("act-for", "deny", "patient", "doctor-2", fails=True).output
    assert "Withdrawn for her." in cli("act-for", "withdraw", "patient", granted["id"]).output

    cli("sign-in", "patient")
    assert cli("delegates", "done").output.splitlines() == [
        "Paula Oakfield, daughter withdrew a consent to Dr Kofi Osei for you.",
        "Paula Oakfield, daughter granted Dr Kofi Osei a consent for you.",
    ]
    assert "opened your record for you, at the family's request" in cli("access-log").output.replace("\n", " ")
    assert "Ended." in cli("delegates", "end", "caregiver").output
    cli("sign-in", "caregiver")
    assert as_json(cli, "delegates", "list", "--received") == []
    gone = cli("records", "open", posted["digest"], "--purpose", "FAMRQT", fails=True)
    assert "Refused (403)" in gone.output
    assert "Refused" in cli("act-for", "resign", "patient", fails=True).output


def test_a_delegate_collects_a_prescription(cli: Run, tmp_path: Path) -> None:
    cli("sign-in", "patient")
    cli("consents", "grant", "doctor", "--categories", "medication", "--days", "90", "--may-write")
    cli("delegates", "name", "caregiver", "--powers", "present", "--categories", "medication", "--days", "60")
    cli("sign-in", "doctor")
    order = str(RECORDS / "medication-request.json")
    issued = as_json(cli, "prescriptions", "issue", order, "--patient", "patient", "--days-between", "0")

    cli("sign-in", "caregiver")
    code = tmp_path / "code.txt"
    cli("act-for", "present", "patient", str(issued["id"]), "-o", str(code))
    assert code.stat().st_mode & 0o777 == 0o600
    cli("sign-in", "pharmacist")
    cli("prescriptions", "dispense", str(code), "--units", "30")

    cli("sign-in", "patient")
    assert cli("delegates", "done").output.splitlines()[0] == (
        "Paula Oakfield, daughter showed a prescription for you."
    )
    cli("delegates", "end", "caregiver")
    cli("sign-in", "caregiver")
    assert (
        "Refused (403)" in cli("act-for", "present", "patient", str(issued["id"]), "-o", str(code), fails=True).output
    )


def test_a_question_is_asked_narrowed_and_declined(cli: Run) -> None:
    cli("sign-in", "doctor-2")
    ask = ("questions", "ask", "patient-2", "--categories", "laboratory,imaging", "--days", "90", "--reason")
    first = as_json(cli, *ask, "To plan your operation.")
    second = as_json(cli, *ask, "To plan it again.")

    cli("sign-in", "patient-2")
    listed = as_json(cli, "questions", "list")
    assert [item["reason"] for item in listed] == ["To plan it again.", "To plan your operation."]
    assert "Dr Kofi Osei asks to read your records" in cli("news").output
    wider = cli("questions", "grant", first["id"], "--categories", "genetics", fails=True)
    assert "AnswerWider" in wider.output
    cli("questions", "grant", first["id"], "--categories", "laboratory", "--days", "30", "--read-only")
    assert "Declined." in cli("questions", "decline", second["id"]).output
    assert as_json(cli, "consents", "list")[0]["categories"] == ["laboratory"]

    cli("sign-in", "doctor-2")
    assert [item["state"] for item in as_json(cli, "questions", "list", "--asked")] == ["declined", "granted"]
    third = as_json(cli, *ask, "Once more.")
    assert "Taken back." in cli("questions", "take-back", third["id"]).output


def test_a_proposal_is_answered_and_a_summary_signed_by_both(cli: Run) -> None:
    cli("sign-in", "doctor")
    post = ("records", "post", NOTE, "--patient", "patient-3", "--categories", "encounter")
    taken = as_json(cli, *post, "--needs-signature")["digest"]
    refused = as_json(cli, *post)["digest"]

    cli("sign-in", "patient-3")
    assert {item["digest"] for item in as_json(cli, "proposals", "list")} == {taken, refused}
    cli("proposals", "turn-down", refused)
    assert "RecordStateUnfit" in cli("signatures", "give", taken, fails=True).output, "it is not hers yet"
    cli("proposals", "accept", taken)
    assert cli("proposals", "list").output.count(taken) == 0
    assert "one signature; the second one is still missing" in cli("signatures", "show", taken).output
    assert [item["digest"] for item in as_json(cli, "signatures", "waiting")] == [taken]
    assert "two signatures" in cli("signatures", "give", taken).output
    assert as_json(cli, "signatures", "show", taken)["count"] == 2

    cli("sign-in", "doctor")
    assert "Refused (409)" in cli("signatures", "ask", taken, fails=True).output
