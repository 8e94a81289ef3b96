"""Hers to take, to erase and to close off in an emergency: by the command line, against a gateway over HTTP."""

import json
import zipfile
from pathlib import Path

from tests.gateway.conftest import Run


def posted(cli: Run, tmp_path: Path, text: str, category: str) -> str:
    """A record of the patient's own; its digest."""
    file = tmp_path / "note.txt"
    file.write_text(text)
    cli("sign-in", "patient")
    answer = cli("--json", "records", "post", str(file), "--patient", "patient", "--categories", category)
    return str(json.loads(answer.stdout)["digest"])


def test_an_emergency_from_the_preference_to_the_top_of_her_log(cli: Run, tmp_path: Path) -> None:
    digest = posted(cli, tmp_path, "allergic to penicillin", "problems")
    cli("emergency", "preference", "--categories", "problems,medication")
    assert "problems" in cli("emergency", "preference").output
    cli("sign-in", "emergency")
    assert "Refused" in cli("records", "open", digest, "--purpose", "BTG", fails=True).output

    cli("emergency", "open", "patient", "--reason", "unresponsive", "--hours", "2")

    opened = tmp_path / "opened.txt"
    cli("records", "open", digest, "--purpose", "BTG", "-o", str(opened))
    assert opened.read_text() == "allergic to penicillin"
    assert "OPEN NOW" in cli("emergency", "list", "--mine").output
    assert "Refused (422)" in cli("emergency", "open", "patient-2", "--reason", "curiosity", fails=True).output
    report = tmp_path / "report.txt"
    report.write_text("She was brought in unconscious.")
    cli("sign-in", "auditor")
    judging = ("emergency", "review", "patient", "emergency", "1", "--outcome", "justified", "--report", str(report))
    assert "Refused (409)" in cli(*judging, fails=True).output, "it is still open"
    assert "Nobody has." in cli("emergency", "list", "--to-review").output
    cli("sign-in", "patient")
    first = cli("access-log").output.splitlines()[0]
    assert first.strip().startswith("!!!")
    assert "in an emergency" in first


def test_an_archive_is_taken_checked_and_not_overwritten(cli: Run, tmp_path: Path) -> None:
    posted(cli, tmp_path, "slept well", "journal")
    archive = tmp_path / "mine.zip"

    cli("export", str(archive))

    assert zipfile.is_zipfile(archive)
    assert (archive.stat().st_mode & 0o777, list(tmp_path.glob("*.part"))) == (0o600, [])
    checked = cli("verify", "archive", str(archive), "--offline", fails=True)
    assert checked.exit_code == 2, "sound, and not asked of any node"
    assert "The archive is sound" in checked.output
    assert "already" in cli("export", str(archive), fails=True).output
    cli("sign-in", "doctor")
    refused = tmp_path / "refused.zip"
    assert "Refused (403)" in cli("export", str(refused), fails=True).output
    assert not refused.exists()


def test_what_is_erased_is_asked_for_once_more_and_then_gone(cli: Run, tmp_path: Path) -> None:
    digest = posted(cli, tmp_path, "forget this", "journal")
    assert cli("erase", fails=True).exit_code == 1
    cli("erase", digest, fails=True)  # nobody answers: nothing is done
    assert "forget this" in cli("records", "open", digest, "--purpose", "PATRQT").output

    said = cli("erase", digest, "--yes").output

    assert "was destroyed on" in said
    assert "The receipt is among your records" in said
    assert "Refused (410)" in cli("records", "open", digest, "--purpose", "PATRQT", fails=True).output
    assert "as the patient wished" in cli("disposals").output


def test_an_organization_sets_how_long_it_keeps_what(cli: Run) -> None:
    cli("sign-in", "hospital")
    cli("retention", "set", "imaging", "--keep", "30", "--dispose", "90", "--basis", "protocol 7")
    assert "protocol 7" in cli("retention", "list").output
    cli("retention", "remove", "imaging")
    assert "protocol 7" not in cli("retention", "list").output
    cli("sign-in", "patient")
    assert "Refused (403)" in cli("retention", "set", "imaging", "--keep", "1", "--basis", "x", fails=True).output
