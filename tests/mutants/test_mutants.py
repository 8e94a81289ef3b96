"""The property tests find every bug that is put into the contracts on purpose.

Each mutant is compiled as the contracts are, laid into a copy of the ledger package, and run past the property tests.
A mutant that lives shows a rule that nothing holds.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from scripts.compile import ARTIFACT, ROOT, compile_contracts, render
from tests.mutants.mutants import MUTANTS, Mutant

WORKERS = 2
MINUTES = 10


@pytest.fixture(scope="module")
def compiled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, "Future[Path]"]]:
    """A copy of what the property tests need for each mutant, with its artifact; made ahead of the tests."""
    chosen = {item.name for item in request.session.items}
    wanted = [each for each in MUTANTS if any(each.breaks in name for name in chosen)]
    with ThreadPoolExecutor(WORKERS) as workers:
        yield {each.breaks: workers.submit(_breed, each, tmp_path_factory.mktemp("mutant")) for each in wanted}
        workers.shutdown(cancel_futures=True)


def _breed(mutant: Mutant, folder: Path) -> Path:
    libraries = "node_modules/@openzeppelin/contracts"  # the compiler follows no link out of the folder
    for name in ("contracts", "ledger", "tests/contracts", libraries):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.json"))
    (folder / ARTIFACT).parent.mkdir(exist_ok=True)
    for name in ("tests/__init__.py", "pyproject.toml", "brownie-config.yaml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("scripts", "build"):
        (folder / name).symlink_to(ROOT / name)
    mutant.put_into(folder / "contracts")
    artifact = compile_contracts(folder)
    assert artifact["contracts"] != json.loads((ROOT / ARTIFACT).read_text())["contracts"], "nothing has changed"
    (folder / ARTIFACT).write_text(render(artifact))
    return folder


@pytest.mark.timeout(MINUTES * 60)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.breaks)
def test_the_property_tests_find_the_bug(mutant: Mutant, compiled: dict[str, "Future[Path]"]) -> None:
    folder = compiled[mutant.breaks].result()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        f"tests/contracts/{mutant.caught_by}",
    ]
    environment = {**os.environ, "PYTHONPATH": str(folder), "CONSENT_LEDGER_FUZZ": "first"}
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, f"the mutant lives: {mutant.breaks}\n{run.stdout[-2000:]}"
    assert "1 failed" in run.stdout
