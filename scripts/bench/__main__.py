"""Measure throughput and latency, each beside a baseline of the same run.

    python -m scripts.bench                          # everything, in a few minutes
    python -m scripts.bench --only singles --rounds 5 --json figures.json

What is printed was measured in this run, on this machine, with all that ran beside it.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from rich.console import Console

from ledger.errors import LedgerError
from scripts.bench.batches import bench_batches
from scripts.bench.opening import bench_opening
from scripts.bench.report import Finding, print_findings, write_json
from scripts.bench.singles import bench_singles

Bench = Callable[[Path], Sequence[Finding]]


def benches(options: argparse.Namespace) -> dict[str, Bench]:
    """The benchmarks by name, each with the sizes asked for."""
    return {
        "batches": lambda folder: bench_batches(folder, sizes=options.batch, rounds=options.rounds),
        "singles": lambda folder: [bench_singles(folder, acts=options.acts, rounds=options.rounds)],
        "opening": lambda folder: bench_opening(
            folder, small=options.small, large=options.large, requests=options.requests, rounds=options.rebuilds
        ),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 0 even if an aim is missed, as a figure is no fault."""
    options = _parser().parse_args(arguments)
    console = Console()
    findings: list[Finding] = []
    for name, bench in benches(options).items():
        if options.only and name not in options.only:
            continue
        start = perf_counter()
        with TemporaryDirectory(prefix="bench-") as folder, console.status(f"measuring: {name}"):
            try:
                findings += bench(Path(folder))
            except LedgerError as failure:
                console.print(f"{name}: {failure}")
                return 1
        console.print(f"{name}: measured in {perf_counter() - start:.0f} s")
    print_findings(findings, console)
    if options.json:
        write_json(findings, options.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", metavar="NAME", help="this benchmark alone; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there")
    parser.add_argument("--rounds", type=int, default=3, help="how often each pair is measured (default: %(default)s)")
    parser.add_argument(
        "--batch", type=int, nargs="+", default=[1_000, 10_000], help="records of a batch (default: %(default)s)"
    )
    parser.add_argument("--acts", type=int, default=5_000, help="acts of a round of single posting (%(default)s)")
    parser.add_argument("--small", type=int, default=1_000, help="records around an opened one (%(default)s)")
    parser.add_argument("--large", type=int, default=100_000, help="records around another opened one (%(default)s)")
    parser.add_argument("--requests", type=int, default=300, help="requests of each kind to each gateway (%(default)s)")
    parser.add_argument("--rebuilds", type=int, default=1, help="how often the large index is rebuilt (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
