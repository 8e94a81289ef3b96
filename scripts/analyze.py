"""Static analysis of the contracts by Slither: every high or medium finding is explained, or the run fails.

    python -m scripts.analyze            # fails on a finding without a reason, and on a reason without a finding
    python -m scripts.analyze --all      # low and informational findings too, for reading

The reasons stand in contracts/findings.yaml, one for each detector and function, so that a reviewer reads them beside
the code and a finding at a new place is a new question.
"""

import argparse
import inspect
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from crytic_compile import CryticCompile
from crytic_compile.platform.solc_standard_json import SolcStandardJson
from slither import Slither
from slither.detectors import all_detectors
from slither.detectors.abstract_detector import AbstractDetector

from scripts.compile import ROOT, find_compiler, settings

REASONS = Path("contracts", "findings.yaml")
GRAVE = ("High", "Medium")
"""Impacts, in Slither's words, that nobody may leave unexplained."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one detector says of one function."""

    impact: str
    check: str
    """Name of the detector, such as `unused-return`."""
    where: str
    """Contract and function, such as `Decisions.decide`."""
    text: str

    @property
    def is_grave(self) -> bool:
        return self.impact in GRAVE


def findings(root: Path) -> list[Finding]:
    """Compile the contracts by the project's own settings and run every detector that Slither has."""
    version, options = settings(root)
    optimizer = {"enabled": True, "runs": 1}
    # Detectors read the syntax tree: how the compiler then optimizes is nothing to them.
    sources = sorted(path.relative_to(root).as_posix() for path in (root / "contracts").rglob("*.sol"))
    question = {
        "language": "Solidity",
        "sources": {name: {"urls": [name]} for name in sources},
        "settings": {**options, "optimizer": optimizer},
    }
    os.chdir(root)
    compilation = CryticCompile(
        SolcStandardJson(question), solc=str(find_compiler(root, version)), solc_working_dir=str(root)
    )
    slither = Slither(compilation)
    for detector in _detectors():
        slither.register_detector(detector)
    return sorted(
        {_finding(result) for results in slither.run_detectors() for result in results},
        key=lambda each: (each.check, each.where, each.text),
    )


def _detectors() -> Iterator[type[AbstractDetector]]:
    for _, found in inspect.getmembers(all_detectors, inspect.isclass):
        if issubclass(found, AbstractDetector):
            yield found


def _finding(result: dict[str, Any]) -> Finding:
    first = next((each for each in result["elements"] if each["type"] == "function"), result["elements"][0])
    where, holder = first["name"], first["type_specific_fields"].get("parent")
    while holder:  # a variable's function, a function's contract; a free function has none
        where = f"{holder['name']}.{where}"
        holder = holder["type_specific_fields"].get("parent") if holder["type"] == "function" else None
    return Finding(result["impact"], result["check"], where, " ".join(result["description"].split()))


def reasons(root: Path) -> dict[tuple[str, str], str]:
    """Why each known finding stands: by detector and function."""
    explained = yaml.safe_load((root / REASONS).read_text()) or {}
    return {(check, where): why for check, places in explained.items() for where, why in places.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Static analysis of the contracts.")
    parser.add_argument("--all", action="store_true", help="print low and informational findings too")
    wanted = parser.parse_args()
    logging.getLogger("CryticCompile").setLevel(logging.ERROR)

    found, known = findings(ROOT), reasons(ROOT)
    grave = [each for each in found if each.is_grave]
    unexplained = [each for each in grave if (each.check, each.where) not in known]
    stale = sorted(known.keys() - {(each.check, each.where) for each in grave})
    for each in found if wanted.all else unexplained:
        print(f"{each.impact}: {each.check} in {each.where}\n    {each.text}")
    for check, where in stale:
        print(f"{REASONS} explains {check} in {where}, which is no longer found: take the line out.")
    if unexplained or stale:
        sys.exit(f"{len(unexplained)} findings without a reason, {len(stale)} reasons without a finding.")
    print(f"Slither: {len(grave)} findings of high or medium impact, each explained in {REASONS}; {len(found)} in all")


if __name__ == "__main__":
    main()
