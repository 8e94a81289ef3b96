"""One bug, put into a copy of the contracts, run past the property test that has to find it.

    python -m tests.mutants.trying 3        # the fourth of MUTANTS; prints what the test said, and ends as it ended

Those of the ledger's contracts that have the bug in them are compiled, as they always are, and laid into a copy of the
ledger package.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.compile import ARTIFACT, CONTRACTS, ROOT, compile_contracts, render
from tests.mutants.mutants import MUTANTS, Mutant


def breed(mutant: Mutant, folder: Path) -> None:
    """Copy what the property tests need, put the bug in, compile."""
    libraries = "node_modules/@openzeppelin/contracts"  # the compiler follows no link out of the folder
    for name in ("contracts", "ledger", "tests/contracts", libraries):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.json"))
    (folder / ARTIFACT).parent.mkdir(exist_ok=True)
    for name in ("tests/__init__.py", "pyproject.toml", "brownie-config.yaml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("scripts", "build"):
        (folder / name).symlink_to(ROOT / name)
    mutant.put_into(folder / "contracts")
    artifact = json.loads((ROOT / ARTIFACT).read_text())
    source = (folder / "contracts" / mutant.file).resolve()
    touched = [name for name in CONTRACTS if source in _sources(folder / f"contracts/{name}.sol")]
    compiled = {one["contractName"]: one for one in compile_contracts(folder, touched)["contracts"]}
    contracts = [compiled.get(one["contractName"], one) for one in artifact["contracts"]]
    assert contracts != artifact["contracts"], "nothing has changed"
    (folder / ARTIFACT).write_text(render({**artifact, "contracts": contracts}))


def _sources(path: Path) -> set[Path]:
    """A source and all of ours that it imports, directly or not."""
    found, ahead = set(), [path.resolve()]
    while ahead:
        if (source := ahead.pop()) not in found:
            found.add(source)
            ahead += [(source.parent / name).resolve() for name in re.findall(r'from "(\.[^"]+)"', source.read_text())]
    return found


def confront(mutant: Mutant, folder: Path) -> int:
    """Run its property test in there; the exit status."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "CONSENT_LEDGER_FUZZ": "first"}
    test = f"tests/contracts/{mutant.caught_by}"
    return subprocess.run([*command, test], cwd=folder, env=environment, check=False).returncode


def main() -> int:
    mutant = MUTANTS[int(sys.argv[1])]
    with TemporaryDirectory(prefix="mutant-") as name:
        breed(mutant, Path(name))
        return confront(mutant, Path(name))


if __name__ == "__main__":
    sys.exit(main())
