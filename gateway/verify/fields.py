"""Reading JSON that somebody else wrote, field by field: what is missing, malformed or unknown is refused by name, and
what was sent is never repeated.

>>> fields = Fields({"index": 7}, "the evidence")
>>> fields.number("index", 10), fields.close()
(7, None)
"""

import re
from typing import Any, Self

from eth_utils.address import is_checksum_address

from gateway.errors import EvidenceInvalid
from ledger.codes import Category
from ledger.types import Address, address_of

_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


class Fields:
    """One JSON object."""

    def __init__(self, content: object, what: str) -> None:
        if not isinstance(content, dict):
            raise EvidenceInvalid(f"{what} is not a JSON object")
        self._left: dict[str, Any] = dict(content)
        self._what = what

    def has(self, name: str) -> bool:
        """Whether the field is there and not null; null is taken."""
        if self._left.get(name) is not None:
            return True
        self._take(name)
        return False

    def child(self, name: str) -> Self:
        """An object within."""
        return type(self)(self._take(name), name)

    def text(self, name: str) -> str:
        value = self._take(name)
        if not isinstance(value, str):
            raise EvidenceInvalid(f"{name}: not a text")
        return value

    def number(self, name: str, below: int) -> int:
        """A whole number from 0 to before `below`."""
        value = self._take(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < below:
            raise EvidenceInvalid(f"{name}: not a whole number from 0 to {below - 1}")
        return value

    def flag(self, name: str) -> bool:
        value = self._take(name)
        if not isinstance(value, bool):
            raise EvidenceInvalid(f"{name}: neither true nor false")
        return value

    def raw(self, name: str) -> bytes:
        """Bytes in lower-case hexadecimal."""
        return _bytes(name, self._take(name))

    def word(self, name: str) -> bytes:
        """32 bytes."""
        return _word(name, self._take(name))

    def words(self, name: str) -> tuple[bytes, ...]:
        """A list of 32 bytes each, 64 at most."""
        value = self._take(name)
        if not isinstance(value, list) or len(value) > 64:
            raise EvidenceInvalid(f"{name}: not a list of at most 64 hashes")
        return tuple(_word(name, item) for item in value)

    def address(self, name: str) -> Address:
        """An EIP-55 address."""
        value = self.text(name)
        if not _ADDRESS.fullmatch(value) or not is_checksum_address(value):
            raise EvidenceInvalid(f"{name}: not an address with the capitals of EIP-55")
        return address_of(value)

    def categories(self, name: str) -> Category:
        value = self._take(name)
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            raise EvidenceInvalid(f"{name}: not a list of categories")
        try:
            found = Category.parse(",".join(value))
        except ValueError as failure:
            raise EvidenceInvalid(f"{name}: a category that is not known here") from failure
        if found.labels() != value:
            raise EvidenceInvalid(f"{name}: not each category once and in order")
        return found

    def close(self) -> None:
        """Raises:
        EvidenceInvalid: there is more.
        """
        if self._left:
            raise EvidenceInvalid(f"{self._what}: {len(self._left)} field(s) that are not known here")

    def _take(self, name: str) -> Any:
        if name not in self._left:
            raise EvidenceInvalid(f"{self._what}: {name} is missing")
        return self._left.pop(name)


def _bytes(name: str, value: object) -> bytes:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise EvidenceInvalid(f"{name}: not bytes in lower-case hexadecimal")
    return bytes.fromhex(value)


def _word(name: str, value: object) -> bytes:
    found = _bytes(name, value)
    if len(found) != 32:
        raise EvidenceInvalid(f"{name}: {len(found)} bytes, not 32")
    return found
