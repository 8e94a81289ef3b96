"""Nothing of the contract is left untried: each custom error and event of its ABI is named by a test here."""

from pathlib import Path

from ledger.abi import Abi

UNREACHABLE = {
    # OpenZeppelin's: the signatures that we take have a fixed length.
    "ECDSAInvalidSignatureLength",
    # OpenZeppelin's: the constructor has looked whether there is code, and code does not go away.
    "AddressEmptyCode",
}


def _tests() -> str:
    return "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))


def test_every_custom_error_is_provoked() -> None:
    text = _tests()
    errors = {error.name for error in Abi.shipped().errors.values()} - UNREACHABLE
    assert {name for name in errors if f'"{name}"' not in text} == set()


def test_every_event_is_looked_at() -> None:
    text = _tests()
    events = Abi.shipped().events.keys() - UNREACHABLE
    assert {name for name in events if f'"{name}"' not in text} == set()
