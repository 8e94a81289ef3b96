"""Values as JSON: how addresses, digests, codes and acts look in requests and answers."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from eth_utils.address import is_checksum_address
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from ledger.codes import Category, Purpose, Role
from ledger.outbox import Entry
from ledger.types import FOREVER, Address, address_of

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_DIGEST = re.compile(r"(0x)?[0-9a-f]{64}")

CATEGORY_NAMES = [category.label for category in Category]
ROLE_NAMES = [role.label for role in Role]


def _address(value: str) -> Address:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("an address is 0x and 40 hexadecimal digits")
    letters = value[2:]
    if letters not in (letters.lower(), letters.upper()) and not is_checksum_address(value):
        raise ValueError("the address's capitals do not add up (EIP-55): it was mistyped")
    return address_of(value)


def _digest(value: str) -> str:
    if not _DIGEST.fullmatch(value):
        raise ValueError("a digest is 64 lower-case hexadecimal digits")
    return value.removeprefix("0x")


def _codes(known: list[str]) -> Callable[[list[str]], list[str]]:
    def check(names: list[str]) -> list[str]:
        if not set(names) <= set(known):
            # Which one is not repeated: it may be anything.
            raise ValueError(f"each is one of: {', '.join(known)}")
        return names

    return check


AddressField = Annotated[
    str,
    AfterValidator(_address),
    WithJsonSchema({"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$", "description": "EIP-55 address"}),
]
DigestField = Annotated[
    str,
    AfterValidator(_digest),
    WithJsonSchema({"type": "string", "pattern": "^(0x)?[0-9a-f]{64}$", "description": "32 bytes in hexadecimal"}),
]
CategoryNames = Annotated[
    list[str],
    Field(min_length=1, max_length=16, json_schema_extra={"items": {"type": "string", "enum": CATEGORY_NAMES}}),
    AfterValidator(_codes(CATEGORY_NAMES)),
]
AnyCategoryNames = Annotated[
    list[str],
    Field(max_length=16, json_schema_extra={"items": {"type": "string", "enum": CATEGORY_NAMES}}),
    AfterValidator(_codes(CATEGORY_NAMES)),
]
RoleNames = Annotated[
    list[str],
    Field(max_length=16, json_schema_extra={"items": {"type": "string", "enum": ROLE_NAMES}}),
    AfterValidator(_codes(ROLE_NAMES)),
]
PurposeName = Literal[
    "TREAT",
    "ETREAT",
    "CAREMGT",
    "HPAYMT",
    "COVERAGE",
    "HOPERAT",
    "HRESCH",
    "CLINTRCH",
    "PUBHLTH",
    "PATRQT",
    "FAMRQT",
    "PWATRNY",
    "BTG",
]
Seconds = Annotated[int, Field(ge=0, le=FOREVER, strict=True, description="Seconds since 1970")]
Name = Annotated[
    str,
    Field(min_length=1, max_length=200),
    AfterValidator(lambda value: _printable(value)),
]
Passphrase = Annotated[str, Field(max_length=1000, json_schema_extra={"format": "password"})]


def _printable(value: str) -> str:
    if not value.isprintable() or not value.strip():
        raise ValueError("one printable line")
    return value.strip()


def _not_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is not true or false")
    return value


Number = Annotated[int, BeforeValidator(_not_bool)]


class In(BaseModel):
    """A body that is sent to us: what it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Out(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


class FailureOut(Out):
    """Why the ledger refused an act."""

    error: str = Field(description="The custom error's name.")
    text: str


class ActOut(Out):
    """An act on its way to the ledger."""

    id: str = Field(description="Ask for it at `/v1/acts/{id}`.")
    kind: str
    state: str = Field(description="queued, signed, sent, mined, final or failed")
    transaction: str | None
    block: int | None
    gas_used: int | None
    failure: FailureOut | None
    correlation: str | None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        failed = entry.failure
        failure = FailureOut(error=failed.name, text=failed.text) if failed else None
        return cls(
            id=str(entry.id),
            kind=entry.kind,
            state=entry.state.value,
            transaction=hexed(entry.tx_hash) if entry.tx_hash else None,
            block=entry.block_number,
            gas_used=entry.gas_used,
            failure=failure,
            correlation=entry.correlation_id,
        )


def hexed(value: bytes) -> str:
    """Bytes as 0x text."""
    return "0x" + value.hex()


def categories_of(names: list[str]) -> Category:
    """A mask from its names."""
    return Category.parse(",".join(names))


def roles_of(names: list[str]) -> Role:
    """A mask from its names."""
    return Role.parse(",".join(names))


def purpose_of(name: str) -> Purpose:
    """A purpose from its code."""
    return Purpose[name]
