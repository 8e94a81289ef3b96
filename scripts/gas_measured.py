"""Measure everything, and write it down as the data set that the portal's gas pages are drawn from.

    python -m scripts.gas_measured            # a minute; the same code and seed give the same gas to the unit

The file holds tables, not charts, and says with which code, compiler and node each figure was measured. Receipts of
single runs are left out: whoever wants them runs `consent-ledger gas report --out FOLDER` with the same seed.
"""

import argparse
from pathlib import Path

from gateway.portal.researcher_measured import measure

FILE = Path(__file__).resolve().parents[1] / "gateway" / "portal" / "researcher_measured.json"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the gas of everything for the portal.")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--most", type=int, default=10_000)
    chosen = parser.parse_args()
    text = measure(seed=chosen.seed, runs=chosen.runs, most=chosen.most, progress=lambda what: print(what, flush=True))
    FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
