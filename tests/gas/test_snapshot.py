"""The reviewed snapshot says what the code costs, and tells what differs."""

import copy
import json
from pathlib import Path

import pytest

from scripts import gas_snapshot
from scripts.gas_snapshot import SNAPSHOT, Snapshot, differences


@pytest.fixture(scope="module")
def now() -> Snapshot:
    return gas_snapshot.measure()


def test_the_code_costs_what_the_reviewed_file_says(now: Snapshot) -> None:
    """If this fails and the change is meant: `python -m scripts.gas_snapshot`, and explain it in CHANGELOG.md."""
    assert differences(json.loads(SNAPSHOT.read_text()), now) == []


def test_a_figure_changed_by_hand_is_found(now: Snapshot) -> None:
    edited = copy.deepcopy(now)
    edited["operations"]["grant"]["median"] -= 1
    del edited["operations"]["anchor"]
    edited["operations"]["teleport"] = {"median": 1}
    edited["code"]["HealthLedger"] = 1
    found = differences(edited, now)
    median = now["operations"]["grant"]["median"]
    assert f"grant: median {median - 1:,} -> {median:,} (+1)" in found
    assert f"anchor: new, {now['operations']['anchor']['median']:,}" in found
    assert "teleport: gone, was 1" in found
    assert any(line.startswith("code: ") for line in found)


def test_a_check_fails_on_a_difference_and_writing_mends_it(
    tmp_path: Path, now: Snapshot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gas_snapshot, "measure", lambda: now)  # it was measured a moment ago
    file = tmp_path / "snapshot.json"
    file.write_text(json.dumps({**now, "code": {}}))
    assert gas_snapshot.main(["--check", "--file", str(file)]) == 1
    assert "explain it in CHANGELOG.md" in capsys.readouterr().err
    assert gas_snapshot.main(["--file", str(file)]) == 0
    assert json.loads(file.read_text()) == now


def test_the_contracts_are_under_the_limit(now: Snapshot) -> None:
    code = dict(now["code"])
    limit = code.pop("limit")
    assert len(code) == 4
    assert all(0 < size <= limit for size in code.values())
