"""The reviewed gas snapshot: what every external function and the deployment cost, in tests/gas/snapshot.json.

    python -m scripts.gas_snapshot            measure and write the file
    python -m scripts.gas_snapshot --check    measure and fail, with the differences, where the file says otherwise

The same code, compiler and seed give the same gas to the unit, so every difference is a change of the code; whoever
makes one writes the file anew and explains it in CHANGELOG.md.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ledger.abi import artifact
from ledger.code import SIZE_LIMIT, contracts
from ledger.gas.measure import Measured, measure_operations
from ledger.gas.networks import measuring_devnet
from ledger.gas.theatre import open_theatre

SNAPSHOT = Path(__file__).resolve().parent.parent / "tests" / "gas" / "snapshot.json"
SEED = "snapshot"
RUNS = 20

Snapshot = dict[str, Any]


def measure() -> Snapshot:
    """The snapshot of the code as it is."""
    built = artifact()
    with measuring_devnet() as network:
        measured = measure_operations(open_theatre(network, seed=SEED), runs=RUNS)
    return {
        "compiler": {"version": built["compiler"]["version"], "settings": _settings(built["compiler"]["settings"])},
        "code": {contract.name: len(contract.code) for contract in contracts()} | {"limit": SIZE_LIMIT},
        "operations": {one.name: _figures(one) for one in measured},
    }


def differences(reviewed: Snapshot, now: Snapshot) -> list[str]:
    """What the reviewed file says otherwise, a line each."""
    lines = []
    for part in ("compiler", "code"):
        if reviewed.get(part) != now[part]:
            lines.append(f"{part}: {json.dumps(reviewed.get(part))} -> {json.dumps(now[part])}")
    before, after = reviewed.get("operations", {}), now["operations"]
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            lines.append(f"{name}: new, {after[name]['median']:,}")
        elif name not in after:
            lines.append(f"{name}: gone, was {before[name]['median']:,}")
        else:
            lines += _changes(name, before[name], after[name])
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Write or check the snapshot; 1 if it differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the reviewed file in place of writing it")
    parser.add_argument("--file", type=Path, default=SNAPSHOT)
    options = parser.parse_args(arguments)
    reviewed: Snapshot = json.loads(options.file.read_text()) if options.file.exists() else {}
    now = measure()
    lines = differences(reviewed, now)
    for line in lines:
        print(line)
    if not options.check:
        options.file.write_text(json.dumps(now, indent=2) + "\n")
        print(f"{options.file.name}: {len(now['operations'])} operations, {len(lines)} changes")
        return 0
    if lines:
        print(
            f"{options.file.name} differs from the code in {len(lines)} places: if the change is meant, run "
            "`python -m scripts.gas_snapshot` and explain it in CHANGELOG.md",
            file=sys.stderr,
        )
    return 1 if lines else 0


def _figures(one: Measured) -> dict[str, int]:
    return {"min": one.least, "median": one.median, "max": one.most, "floor": one.floor, "calldata": one.calldata}


def _settings(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: settings[key] for key in ("evmVersion", "optimizer", "viaIR") if key in settings}


def _changes(name: str, before: dict[str, int], after: dict[str, int]) -> list[str]:
    return [
        f"{name}: {key} {before.get(key, 0):,} -> {value:,} ({value - before.get(key, 0):+,})"
        for key, value in after.items()
        if before.get(key) != value
    ]


if __name__ == "__main__":
    sys.exit(main())
