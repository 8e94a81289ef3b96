"""The benchmarks, run small: that each measures something, and says it in the shape that is read by machines."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

from ledger.devnet import find_anvil
from ledger.errors import DevnetError
from scripts.bench.__main__ import main
from scripts.bench.processor import Spent
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
    assert all("processor time" in finding["note"] for finding in findings[:2])
    printed = capsys.readouterr().out
    assert all(f"{name}: measured in" in printed for name in ("batches", "singles", "opening"))


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="only Linux tells of other processes")
def test_processor_time_is_also_that_of_what_was_started() -> None:
    burn = "import time\nwhile time.process_time() < 0.5: pass\nprint(flush=True)\ninput()"
    spent = Spent()
    with subprocess.Popen([sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        with spent.on(10):
            assert process.stdout is not None
            process.stdout.readline()
        process.communicate(b"\n")
    assert spent.count == 10
    assert spent.each > 0.02


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
