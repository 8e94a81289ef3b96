"""What has happened that concerns somebody: a notice for each event of hers, straight from the index.

But for announcements and what was presented nothing is stored: a chain that went back takes its notices with it.
"""

from collections.abc import Callable, Iterator, Mapping
from heapq import nlargest
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, and_, or_, select

from gateway.batches.index import BatchIndex
from gateway.consents.announcing import announcements
from gateway.finding import grantees_of
from gateway.notices.breakglass import breakglass_notices
from gateway.notices.care import care_notices
from gateway.notices.notice import Notice as Notice
from gateway.notices.sentences import moment, short
from ledger import events, events_care
from ledger.codes import Category, DelegatedAct
from ledger.positions import Position, newest_first, stands_before
from ledger.types import Address, address_of, raw

if TYPE_CHECKING:
    from gateway.services import Gateway


def notices(gateway: "Gateway", person: Address, limit: int, before: Position | None = None) -> list[Notice]:
    """The newest notices for a person."""
    found: list[Notice] = []
    with gateway.ledger_database.connect() as connection:
        for query, notice in _sources(gateway, person):
            table = query.get_final_froms()[0]
            limited = _newest(query, table, limit, before)
            found += [notice(row) for row in connection.execute(limited)]
    found += _batched(gateway, person, limit, before)
    found += _ending(gateway, person, limit, before)
    found += care_notices(gateway, person, limit, before)
    found += breakglass_notices(gateway, person, limit, before)
    return nlargest(limit, found, key=lambda one: one.position)


def sentence(notice: Notice, names: Mapping[Address, str]) -> str:
    """A notice for people."""
    other = (names.get(notice.other) or short(notice.other)) if notice.other else ""
    return notice.text.format(who=names.get(notice.who) or short(notice.who), other=other)


def _sources(gateway: "Gateway", person: Address) -> Iterator[tuple[Select[Any], Callable[[Row[Any]], Notice]]]:
    me = raw(person)
    grantees = [raw(one) for one in grantees_of(gateway, person)]
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
    yield _delegated(select(consents), DelegatedAct.GRANT).where(consents.c.grantee.in_(grantees)), _granted
    yield _delegated(select(withdrawals), DelegatedAct.WITHDRAW).where(withdrawals.c.grantee.in_(grantees)), _withdrawn
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


def _delegated(query: Select[Any], act: DelegatedAct) -> Select[Any]:
    """With each event, whether a delegate did it: the same transaction says so."""
    table, acts = query.get_final_froms()[0], events_care.delegated_acts
    acted = (act, DelegatedAct.GRANT_AS_ASKED) if act is DelegatedAct.GRANT else (act,)
    here = and_(acts.c.block_number == table.c.block_number, acts.c.transaction_hash == table.c.transaction_hash)
    by_delegate = select(acts.c.act).where(here, acts.c.act.in_(acted)).exists()
    return query.add_columns(by_delegate.label("delegated"))


def _batched(gateway: "Gateway", person: Address, limit: int, before: Position | None) -> Iterator[Notice]:
    """One notice a batch, however many of its records are about the person."""
    for arrival in BatchIndex(gateway.database).arrivals(person, limit, before):
        many = f"{arrival.records} records" if arrival.records > 1 else "a record"
        text = f"{{who}} wrote {many} about you ({_kinds(arrival.categories)})."
        yield Notice(arrival.position, "batch-anchored", arrival.author, arrival.root.hex(), text)


def _ending(gateway: "Gateway", person: Address, limit: int, before: Position | None) -> Iterator[Notice]:
    """What is about to end, announced beforehand."""
    for one in announcements(gateway, person, limit, before):
        ending = one.ending
        what = "Your consent to {who}" if ending.kind == "consent" else "{who}'s leave to act for you"
        text = f"{what} ends on {moment(ending.expiry)}, unless you give it again."
        yield Notice(one.position, f"{ending.kind}-ending", ending.whose, ending.about.hex(), text)


def _newest(query: Select[Any], table: Any, limit: int, before: Position | None) -> Select[Any]:
    first = getattr(table, "left", table)  # of those joined
    if before is not None:
        query = query.where(stands_before(first, before))
    return query.order_by(*newest_first(first)).limit(limit)


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
    text = f"{{who}} lets you read ({_kinds(row.categories)}){_through(row)}."
    return Notice(_position(row), "consent-granted", address_of(row.patient), row.consent_id.hex(), text)


def _withdrawn(row: Row[Any]) -> Notice:
    text = f"{{who}} has withdrawn a consent{_through(row)}."
    return Notice(_position(row), "consent-withdrawn", address_of(row.patient), row.consent_id.hex(), text)


def _through(row: Row[Any]) -> str:
    return ", through a delegate" if row.delegated else ""


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
