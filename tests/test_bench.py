"""The benchmarks, run small: that each measures something, and says it in the shape that is read by machines."""

import json
from pathlib import Path
from statistics import median

import pytest

from ledger.devnet import find_anvil
from ledger.errors import DevnetError
from scripts.bench.__main__ import main
from scripts.bench.report import Aim, Finding, Series

SMALL = ["--rounds=1", "--batch=12", "--acts=20", "--small=4", "--large=20", "--requests=3"]
NAMES = [
    "batch of 12",
    "single posting",
    "index rebuild",
    "opening among 4",
    "opening among 20",
    "opening, flat",
]


def test_all_benchmarks_run_and_report_what_they_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        find_anvil()
    except DevnetError as missing:
        pytest.skip(str(missing))
    file = tmp_path / "figures.json"
    assert main([*SMALL, f"--json={file}"]) == 0
    findings = json.loads(file.read_text())["findings"]
    assert [finding["name"] for finding in findings] == NAMES
    for finding in findings:
        for side in ("measured", "baseline"):
            samples = finding[side]["samples"]
            assert samples
            assert min(samples) > 0
            assert finding[side]["median"] == median(samples)
        pairs = zip(finding["measured"]["samples"], finding["baseline"]["samples"], strict=True)
        assert finding["ratio"]["pairs"] == [measured / baseline for measured, baseline in pairs]
        assert finding["met"] or finding["bound"] or "opening" in finding["name"]
    printed = capsys.readouterr().out
    assert all(f"{name}: measured in" in printed for name in ("batches", "singles", "opening"))


@pytest.mark.parametrize(
    ("aim", "met"),
    [(Aim(least=2.0), True), (Aim(least=2.1), False), (Aim(most=2.0), True), (Aim(most=5.0, of_ratio=False), False)],
)
def test_an_aim_is_for_the_median_ratio_or_the_figure_itself(aim: Aim, met: bool) -> None:
    measured, baseline = Series("a", "ms", (2.0, 6.0, 40.0)), Series("b", "ms", (2.0, 3.0, 4.0))
    finding = Finding("example", "three pairs", measured, baseline, aim)
    assert finding.ratio == 2.0
    assert finding.spread == (1.0, 10.0)
    assert finding.met is met
