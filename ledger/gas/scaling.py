"""Growth: what an act costs after ten thousand others of its kind, and what a record costs in ever larger batches.

>>> with measuring_devnet() as network:
...     growth = measure_growth(open_theatre(network, seed="1"), most=10_000)
>>> growth[0].fit.is_flat
True
"""

from collections.abc import Callable
from dataclasses import dataclass

from ledger.abi import Abi
from ledger.gas.catalogue import operation
from ledger.gas.fit import Fit, fit_line
from ledger.gas.floor import floor
from ledger.gas.network import AT_ONCE
from ledger.gas.play import play
from ledger.gas.stage import step
from ledger.gas.theatre import Theatre

BATCH_SIZES = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 100_000)
KEPT = 500
"""Points of a series that are kept for a chart; the fit is through all."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What an act cost, one after the other."""

    name: str
    operation: str
    against: str
    """What there were more and more of."""
    points: tuple[tuple[int, int], ...]
    """How many there were, and the gas of the act: some, evenly spaced, the first and the last among them."""
    fit: Fit
    """Of the gas of one act, through all."""
    total: Fit
    """Of the gas of all acts so far, through all."""

    @property
    def first(self) -> int:
        return self.points[0][1]

    @property
    def last(self) -> int:
        return self.points[-1][1]


@dataclass(frozen=True, slots=True)
class BatchCost:
    """What one batch cost."""

    size: int
    gas: int
    floor: int

    @property
    def each(self) -> float:
        """Gas a record."""
        return self.gas / self.size


SERIES = (
    ("patients", "register", "patients registered before", step("register", "hospital", who="newcomer")),
    ("grants", "grant", "consents granted by the patient before", step("grant", "patient", to="somebody")),
    ("records", "anchor", "records anchored for the patient before", step("anchor", "laboratory")),
    ("prescriptions", "issue", "prescriptions issued to the patient before", step("issue", "practice")),
    ("withdrawals", "withdraw", "consents withdrawn by the patient before", step("withdraw", "patient", to="somebody")),
)
"""Name, operation, what it is measured against, and the step. All of a series are one patient's."""


def measure_growth(theatre: Theatre, *, most: int, progress: Callable[[str, int], None] | None = None) -> list[Growth]:
    """Measure each series to its `most`-th act.

    Args:
        progress: told a series' name and how many acts it has made.

    Raises:
        GasRunFailed: a run failed.
        NodeError: the node does not answer.
    """
    (patient,) = theatre.standing_patients(1)
    series = []
    for name, operation_name, against, one in SERIES:
        # Whoever withdraws must have granted: those stages are the grants' own.
        label = "growth grants" if name == "withdrawals" else f"growth {name}"
        gas: list[int] = []
        stages = theatre.stages(label, most, patients=[patient] * most)
        for start in range(0, most, AT_ONCE):
            played = play(theatre.network, stages[start : start + AT_ONCE], (one,))[0]
            gas += [receipt.gas for receipt in played if receipt]
            if progress:
                progress(name, len(gas))
        series.append(_growth(name, operation_name, against, gas))
    return series


def measure_batches(theatre: Theatre) -> list[BatchCost]:
    """What a batch costs at each size: one transaction, so the cost of a record falls as the batch grows.

    Raises:
        GasRunFailed: a run failed.
        NodeError: the node does not answer.
    """
    rules = operation("anchorBatch").touches.rules(Abi.shipped())
    batches = []
    for size in BATCH_SIZES:
        stage = theatre.stages(f"batch of {size}", 1, patients=theatre.standing_patients(1))
        receipt = play(theatre.network, stage, (step("anchorBatch", "laboratory", count=size),))[0][0]
        assert receipt is not None
        batches.append(BatchCost(size, receipt.gas, floor(receipt.data, rules).total))
    return batches


def _growth(name: str, operation_name: str, against: str, gas: list[int]) -> Growth:
    before = list(range(len(gas)))
    totals, so_far = [], 0
    for one in gas:
        so_far += one
        totals.append(so_far)
    every = max(1, len(gas) // KEPT)
    kept = sorted({*range(0, len(gas), every), len(gas) - 1})
    points = tuple((at, gas[at]) for at in kept)
    return Growth(name, operation_name, against, points, fit_line(before, gas), fit_line(before, totals))
