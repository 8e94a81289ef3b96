"""Every operation that is measured: each external function of the contract, as it is called in practice.

>>> anchor = operation("anchor")
>>> anchor.script[-1].by, anchor.touches.reads
('laboratory', 2)

A function that costs differently in different hands stands here once for each. A test fails while the contract has an
external function without an operation, or a traced run touches other slots than are written here.
"""

from ledger.gas.catalogue.care import CARE, ENDED
from ledger.gas.catalogue.consents import CONSENTS
from ledger.gas.catalogue.participants import PARTICIPANTS
from ledger.gas.catalogue.prescriptions import LAPSED, PRESCRIPTIONS
from ledger.gas.catalogue.records import ACCESS_LOG, RECORDS
from ledger.gas.catalogue.views import VIEWS
from ledger.gas.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *PARTICIPANTS,
    *CONSENTS,
    *RECORDS,
    *PRESCRIPTIONS,
    *ACCESS_LOG,
    *CARE,
    *VIEWS,
    *LAPSED,
    *ENDED,
)

FAMILIES = {
    "participants": PARTICIPANTS,
    "consents": CONSENTS,
    "records": (*RECORDS, *ACCESS_LOG),
    "prescriptions": (*PRESCRIPTIONS, *LAPSED),
    "care": (*CARE, *ENDED),
}
"""What is alike in a chart."""

FAMILY_OF = {one.name: family for family, operations in FAMILIES.items() for one in operations}
"""By operation; every one that is an act has one."""


def operation(name: str) -> Operation:
    """The operation of that name.

    Raises:
        KeyError: there is none.
    """
    return {one.name: one for one in OPERATIONS}[name]
