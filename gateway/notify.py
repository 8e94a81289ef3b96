"""What has happened that concerns somebody: a notice for each event of hers, straight from the index.

Nothing is stored: a chain that went back takes its notices with it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Row, Select, and_, literal_column, or_, select

from gateway.batch_index import BatchIndex
from gateway.finding import grantees_of
from gateway.sentences import short
from ledger import events
from ledger.codes import Category
from ledger.index import Position
from ledger.types import Address, address_of

if TYPE_CHECKING:
    from gateway.services import Gateway


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that has happened."""

    position: Position
    kind: str
    who: Address
    """Whose act it tells of."""
    about: str
    """Digest, consent or prescription that it is about, in hexadecimal."""
    text: str
    """With `{who}` where the name goes."""


def notices(gateway: "Gateway", person: Address, limit: int, before: Position | None = None) -> list[Notice]:
    """The newest notices for a person."""
    found: list[Notice] = []
    with gateway.ledger_database.connect() as connection:
        for query, notice in _sources(gateway, person):
            table = query.get_final_froms()[0]
            limited = _newest(query, table, limit, before)
            found += [notice(row) for row in connection.execute(limited)]
    found += _batched(gateway, person, limit, before)
    return nlargest(limit, found, key=lambda one: one.position)


def sentence(notice: Notice, names: Mapping[Address, str]) -> str:
    """A notice for people."""
    return notice.text.format(who=names.get(notice.who) or short(notice.who))


def _sources(gateway: "Gateway", person: Address) -> Iterator[tuple[Select[Any], Callable[[Row[Any]], Notice]]]:
    me = bytes.fromhex(person[2:])
    grantees = [bytes.fromhex(one[2:]) for one in grantees_of(gateway, person)]
    records, changes = events.records, events.record_changes
    yield select(records).where(records.c.patient == me, records.c.author != me), _new_record
    yield (
        select(changes, records.c.patient.label("who"))
        .select_from(changes.join(records, changes.c.digest == records.c.digest))
        .where(records.c.author == me, records.c.patient != me, changes.c.change.in_(("accepted", "turned-down"))),
        _answered,
    )
    yield (
        select(changes, records.c.author.label("who"))
        .select_from(changes.join(records, changes.c.digest == records.c.digest))
        .where(records.c.patient == me, records.c.author != me, changes.c.change.in_(("retracted", "superseded"))),
        _changed,
    )
    consents, withdrawals = events.consents, events.withdrawals
    yield select(consents).where(consents.c.grantee.in_(grantees)), _granted
    yield select(withdrawals).where(withdrawals.c.grantee.in_(grantees)), _withdrawn
    prescriptions, filled = events.prescriptions, events.prescription_changes
    yield (
        select(prescriptions).where(prescriptions.c.patient == me, prescriptions.c.prescriber != me),
        _prescribed,
    )
    concerned = or_(prescriptions.c.patient == me, prescriptions.c.prescriber == me)
    yield (
        select(filled)
        .select_from(filled.join(prescriptions, filled.c.prescription == prescriptions.c.prescription))
        .where(concerned, filled.c.by != me),
        _filled,
    )


def _batched(gateway: "Gateway", person: Address, limit: int, before: Position | None) -> Iterator[Notice]:
    """One notice a batch, however many of its records are about the person."""
    for arrival in BatchIndex(gateway.database).arrivals(person, limit, before):
        many = f"{arrival.records} records" if arrival.records > 1 else "a record"
        text = f"{{who}} wrote {many} about you ({_kinds(arrival.categories)})."
        yield Notice(arrival.position, "batch-anchored", arrival.author, arrival.root.hex(), text)


def _newest(query: Select[Any], table: Any, limit: int, before: Position | None) -> Select[Any]:
    name = getattr(table, "left", table).name
    block: ColumnElement[int] = literal_column(f"{name}.block_number")
    index: ColumnElement[int] = literal_column(f"{name}.log_index")
    if before is not None:
        earlier: ColumnElement[bool] = or_(block < before[0], and_(block == before[0], index < before[1]))
        query = query.where(earlier)
    return query.order_by(block.desc(), index.desc()).limit(limit)


def _position(row: Row[Any]) -> Position:
    return row.block_number, row.log_index


def _kinds(categories: int) -> str:
    return " and ".join(label.replace("-", " ") for label in Category(categories).labels())


def _new_record(row: Row[Any]) -> Notice:
    kinds = _kinds(row.categories)
    if row.proposed:
        text = f"{{who}} proposes a record for you ({kinds}): accept it, or turn it down."
    else:
        text = f"{{who}} wrote a record about you ({kinds})."
    kind = "record-proposed" if row.proposed else "record-anchored"
    return Notice(_position(row), kind, address_of(row.author), row.digest.hex(), text)


def _answered(row: Row[Any]) -> Notice:
    done = "accepted" if row.change == "accepted" else "turned down"
    text = f"{{who}} {done} a record that you proposed."
    return Notice(_position(row), f"record-{row.change}", address_of(row.who), row.digest.hex(), text)


def _changed(row: Row[Any]) -> Notice:
    done = "corrected" if row.change == "superseded" else "declared as entered in error"
    text = f"A record about you was {done} by {{who}}."
    return Notice(_position(row), f"record-{row.change}", address_of(row.who), row.digest.hex(), text)


def _granted(row: Row[Any]) -> Notice:
    text = f"{{who}} lets you read ({_kinds(row.categories)})."
    return Notice(_position(row), "consent-granted", address_of(row.patient), row.consent_id.hex(), text)


def _withdrawn(row: Row[Any]) -> Notice:
    text = "{who} has withdrawn a consent."
    return Notice(_position(row), "consent-withdrawn", address_of(row.patient), row.consent_id.hex(), text)


def _prescribed(row: Row[Any]) -> Notice:
    text = "{who} has issued a prescription for you."
    return Notice(_position(row), "prescription-issued", address_of(row.prescriber), row.prescription.hex(), text)


_FILLED: Mapping[str, str] = {
    "claimed": "{who} has reserved a fill of a prescription.",
    "dispensed": "{who} has dispensed a prescription.",
    "released": "{who} has given a reserved fill of a prescription back.",
    "undone": "{who} has undone a dispense.",
    "changed": "{who} has changed a prescription.",
}


def _filled(row: Row[Any]) -> Notice:
    return Notice(
        _position(row),
        f"prescription-{row.change}",
        address_of(row.by),
        row.prescription.hex(),
        _FILLED[row.change],
    )
