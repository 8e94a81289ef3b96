"""Measuring operations: every one played many times, its receipts read, one of them traced, its floor beside it.

>>> with measuring_devnet() as network:
...     measured = measure_operations(open_theatre(network, seed="1"), runs=100)
>>> measured[0].median, measured[0].ratio
(50113, 1.03)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger.abi import Abi
from ledger.code import contracts
from ledger.gas.catalogue import OPERATIONS
from ledger.gas.floor import Rules, floor
from ledger.gas.network import Receipt
from ledger.gas.operation import Operation, logs
from ledger.gas.play import play
from ledger.gas.theatre import Theatre
from ledger.gas.trace import Breakdown, breakdown


@dataclass(frozen=True, slots=True)
class Measured:
    """What an operation cost, from its receipts."""

    name: str
    title: str
    payer: str
    """Who sent it."""
    receipts: tuple[Receipt, ...]
    median_receipt: Receipt
    """The run in the middle: of it are the calldata, the parts and the floor."""
    floor: int
    """The arithmetic floor of the run in the middle."""
    parts: Breakdown | None
    """Where its gas went; None where the node cannot trace."""
    is_view: bool = False
    per: int = 1

    @property
    def least(self) -> int:
        return min(receipt.gas for receipt in self.receipts)

    @property
    def median(self) -> int:
        """The lower median: always the gas of a receipt."""
        return self.median_receipt.gas

    @property
    def most(self) -> int:
        return max(receipt.gas for receipt in self.receipts)

    @property
    def calldata(self) -> int:
        """Bytes."""
        return len(self.median_receipt.data)

    @property
    def ratio(self) -> float:
        """Of the cost to the floor."""
        return self.median / self.floor


def measure_operations(
    theatre: Theatre,
    *,
    runs: int,
    operations: Sequence[Operation] = OPERATIONS,
    progress: Callable[[str], None] | None = None,
) -> list[Measured]:
    """Measure each operation `runs` times, and each contract's creation.

    Args:
        progress: told the name of each operation as it begins.

    Raises:
        GasRunFailed: a run failed.
        NodeError: the node does not answer.
    """
    abi = Abi.shipped()
    patients = theatre.standing_patients(runs)
    measured = _deployments(theatre, abi)
    for operation in operations:
        if progress:
            progress(operation.name)
        stages = theatre.stages(operation.name, runs, patients=patients)
        receipts = [receipt for receipt in play(theatre.network, stages, operation.script)[-1] if receipt]
        middle = median_receipt(receipts)
        measured.append(
            Measured(
                name=operation.name,
                title=operation.title,
                payer=operation.measured.by,
                receipts=tuple(receipts),
                median_receipt=middle,
                floor=floor(middle.data, operation.touches.rules(abi)).total,
                parts=breakdown(theatre.network.node, middle),
                is_view=operation.is_view,
                per=operation.per,
            )
        )
    return measured


def median_receipt(receipts: Sequence[Receipt]) -> Receipt:
    """The receipt in the middle when they are laid out by gas (the lower of two)."""
    return sorted(receipts, key=lambda receipt: receipt.gas)[(len(receipts) - 1) // 2]


def _deployments(theatre: Theatre, abi: Abi) -> list[Measured]:
    """The creation of each of the contracts; only the ledger's writes a slot and an event."""
    measured = []
    for contract in contracts():
        is_ledger = contract is contracts()[-1]
        events = logs(abi, ("OrganizationAdmitted",)) if is_ledger else ()
        rules = Rules(created=int(is_ledger), logs=events, code=len(contract.code))
        receipt = theatre.creations[contract.name]
        least = floor(receipt.data, rules).total
        name, title = f"deployment/{contract.name}", f"Deploy {contract.name}"
        measured.append(Measured(name, title, "consortium", (receipt,), receipt, least, None))
    return measured
