"""The contract's custom errors as exceptions of the same name, for `except rejections.WriteNotPermitted`.

Every class is a `ledger.errors.ContractRejected`; its `values` hold the error's arguments by name.
"""

from ledger.abi import Abi, rejection_class
from ledger.errors import ContractRejected


def __getattr__(name: str) -> type[ContractRejected]:
    if any(error.name == name for error in Abi.shipped().errors.values()):
        return rejection_class(name)
    raise AttributeError(f"HealthLedger has no custom error {name}")
