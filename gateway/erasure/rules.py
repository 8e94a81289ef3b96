"""How long an organization keeps what its people write, by category: not shorter than the law asks, and not longer.

>>> set_rule(gateway, hospital, Rule(Category.LABORATORY, keep=5 * YEAR, dispose=10 * YEAR, basis="law 41/2002, 17"))
>>> kept_until(gateway, holding).at

A record of several categories is kept as long as the longest of their rules says, and disposed of only if there is a
rule for each that says so. What a patient wrote herself is hers alone: no rule concerns it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, select

from gateway.batches.index import BatchIndex
from gateway.database import metadata, reading, writing
from gateway.errors import InvalidInput
from gateway.export.holdings import Holding
from gateway.prescriptions.bodies import bodies
from ledger.codes import Category
from ledger.database import reading as reading_index
from ledger.index_tables import blocks
from ledger.types import Address, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

rules = Table(
    "retention_rules",
    metadata,
    Column("organization", LargeBinary(20), primary_key=True),
    Column("category", Integer, primary_key=True, autoincrement=False),
    Column("keep", BigInteger, nullable=False),
    Column("dispose", BigInteger),
    Column("basis", String(200), nullable=False),
    Column("set_at", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Rule:
    """How long one organization keeps records of one category, from when they were anchored."""

    category: Category
    """One bit."""
    keep: int
    """Seconds before which they are not erased, even if she asks for it."""
    dispose: int | None
    """Seconds after which they are disposed of; None: never by themselves."""
    basis: str
    """Where that is written, one line; shown to patients."""


@dataclass(frozen=True, slots=True)
class KeptUntil:
    """When somebody must no longer keep a record."""

    at: int
    """Seconds since 1970."""
    basis: str


def set_rule(gateway: "Gateway", organization: Address, rule: Rule) -> None:
    """Set a rule in place of the one before.

    Raises:
        InvalidInput: disposed of before it may be, or no single category.
    """
    if rule.category.bit_count() != 1:
        raise InvalidInput("category", "name one")
    if rule.keep < 0 or (rule.dispose is not None and rule.dispose < max(rule.keep, 1)):
        raise InvalidInput("dispose", "not before the end of the time in which it must be kept")
    remove_rule(gateway, organization, rule.category)
    with writing(gateway.database) as connection:
        connection.execute(
            rules.insert().values(
                organization=raw(organization),
                category=int(rule.category),
                keep=rule.keep,
                dispose=rule.dispose,
                basis=rule.basis,
                set_at=int(gateway.clock()),
            )
        )


def remove_rule(gateway: "Gateway", organization: Address, category: Category) -> None:
    """No rule any more: nothing keeps such records, and nothing disposes of them."""
    with writing(gateway.database) as connection:
        mine = (rules.c.organization == raw(organization), rules.c.category == int(category))
        connection.execute(rules.delete().where(*mine))


def rules_of(gateway: "Gateway", organization: Address) -> list[Rule]:
    """An organization's rules, by category."""
    query = select(rules).where(rules.c.organization == raw(organization)).order_by(rules.c.category)
    with reading(gateway.database) as connection:
        rows = connection.execute(query).all()
    return [Rule(Category(row.category), row.keep, row.dispose, row.basis) for row in rows]


def kept_until(gateway: "Gateway", holding: Holding) -> KeptUntil | None:
    """Until when its author must keep a record; None: no rule says so."""
    found = _concerning(gateway, holding)
    if not found:
        return None
    longest = max(found, key=lambda rule: rule.keep)
    return KeptUntil(anchored_at(gateway, holding) + longest.keep, longest.basis) if longest.keep else None


def disposed_from(gateway: "Gateway", holding: Holding) -> KeptUntil | None:
    """From when on a record is disposed of by itself; None: never."""
    found = _concerning(gateway, holding)
    terms = [rule.dispose for rule in found if rule.dispose is not None]
    if len(terms) < holding.categories.bit_count() or not terms:
        return None
    longest = max(found, key=lambda rule: rule.dispose or 0)
    return KeptUntil(anchored_at(gateway, holding) + max(terms), longest.basis)


def organization_of(gateway: "Gateway", author: Address) -> Address:
    """For whom an author writes; a patient, and an organization, for herself."""
    participant = gateway.index.participant(author)
    return author if participant is None else participant.organization


def anchored_at(gateway: "Gateway", holding: Holding) -> int:
    """When the ledger got a record, in seconds since 1970: a time nobody can set back."""
    if holding.kind == "single":
        return gateway.ledger.record_word(holding.digest) >> 24 & 0xFF_FFFF_FFFF
    if holding.kind == "batch":
        record = BatchIndex(gateway.database).record(holding.digest)
        batch = gateway.ledger.batch(record.root) if record else None
        return batch.anchored_at if batch else 0
    with reading(gateway.database) as connection:
        query = select(bodies.c.prescription).where(bodies.c.digest == holding.digest).limit(1)
        prescription = connection.execute(query).scalar()
    indexed = gateway.index.prescription(prescription) if prescription else None
    if indexed is None:
        return 0
    with reading_index(gateway.ledger_database) as connection:
        query = select(blocks.c.time).where(blocks.c.block_number == indexed.position[0])
        return int(connection.execute(query).scalar() or 0)


def _concerning(gateway: "Gateway", holding: Holding) -> list[Rule]:
    if holding.author == holding.patient:
        return []
    found = rules_of(gateway, organization_of(gateway, holding.author))
    return [rule for rule in found if rule.category & holding.categories]
