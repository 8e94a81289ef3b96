"""What delegates did for a patient, for ever: their acts on the ledger, and what they presented for her.

>>> [sentence(deed, names) for deed in deeds_for(gateway, ana.address, limit=20)]
['Marta Oakfield granted Riverbank Clinic a consent for you.']

The ledger's events say who acted for whom. Showing a fill key is no act of the ledger's: the gateway writes it down
before the code leaves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, and_, func, select

from gateway.database import metadata, reading, writing
from gateway.notices.sentences import short
from ledger import events, events_care
from ledger.codes import DelegatedAct, RecordState
from ledger.index_care import CareIndex, IndexedDelegatedAct
from ledger.positions import Position, newest_first, stands_before
from ledger.rpc import quantity
from ledger.types import Address, address_of, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

presentations = Table(
    "presented_for",
    metadata,
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Column("patient", LargeBinary(20), nullable=False),
    Column("delegate", LargeBinary(20), nullable=False),
    Column("prescription", LargeBinary(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("correlation", String(64), nullable=False),
    Index("ix_presented_for_patient", "patient", "block_number", "log_index"),
)
"""Prescriptions that delegates presented; `at` in seconds since 1970. The place: behind everything of the chain's
newest block, in the order of presenting."""

SENTENCES: Mapping[str, str] = {
    "granted": "{who} granted {other} a consent for you.",
    "withdrawn": "{who} withdrew a consent to {other} for you.",
    "denied": "{who} denied {other} everything for you; you alone can lift that.",
    "accepted": "{who} accepted a record that {other} proposed, for you.",
    "turned-down": "{who} turned down a record that {other} proposed, for you.",
    "granted-as-asked": "{who} granted what {other} asked for, for you.",
    "declined": "{who} told {other} no, for you.",
    "presented": "{who} showed a prescription for you.",
    "another": "{who} did something for you.",
}
"""What is said of a deed, with `{who}` for the delegate and `{other}` for whom it concerned."""

_BEHIND = 2_000_000
"""Higher than any log index, and than the places of announcements."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that a delegate did for a patient."""

    kind: str
    """grant, withdraw, deny, answer, accept-in-batch, turn-down-in-batch, grant-as-asked, decline, present"""
    delegate: Address
    other: Address | None
    """Whom it concerned: grantee, author, asker."""
    about: bytes
    """Id of the consent, question or prescription; digest of the record; root of the batch."""
    text: str
    """With `{who}` for the delegate and `{other}` for whom it concerned."""
    position: Position


def deeds_for(gateway: "Gateway", patient: Address, limit: int, before: Position | None = None) -> list[Deed]:
    """What delegates did for a patient, newest first."""
    acts = CareIndex(gateway.ledger_database).done_for(patient, limit, before)
    found = [_of_act(gateway, act) for act in acts] + _presented(gateway, patient, limit, before)
    return sorted(found, key=lambda deed: deed.position, reverse=True)[:limit]


def note_presentation(
    gateway: "Gateway", delegate: Address, patient: Address, prescription: bytes, correlation: str
) -> None:
    """Write down, before the code leaves, that a delegate presents a prescription for the patient."""
    block = quantity(gateway.node.request("eth_blockNumber"))
    table = presentations
    with writing(gateway.database) as connection:
        query = select(func.max(table.c.log_index)).where(table.c.block_number == block)
        last = connection.execute(query).scalar()
        connection.execute(
            table.insert().values(
                block_number=block,
                log_index=_BEHIND if last is None else last + 1,
                patient=raw(patient),
                delegate=raw(delegate),
                prescription=prescription,
                at=int(gateway.clock()),
                correlation=correlation,
            )
        )


def sentence(deed: Deed, names: Mapping[Address, str]) -> str:
    """A deed for the patient."""
    other = (names.get(deed.other) or short(deed.other)) if deed.other else ""
    return deed.text.format(who=names.get(deed.delegate) or short(deed.delegate), other=other)


def delegates_behind(
    gateway: "Gateway", consents: Sequence[bytes]
) -> tuple[dict[bytes, Address], dict[bytes, Address]]:
    """Of consents, by their ids: which delegates gave them, and which withdrew them; the patient's own acts are left
    out."""
    acts = events_care.delegated_acts
    found = []
    for table, done in (
        (events.consents, (DelegatedAct.GRANT, DelegatedAct.GRANT_AS_ASKED)),
        (events.withdrawals, (DelegatedAct.WITHDRAW,)),
    ):
        here = and_(acts.c.block_number == table.c.block_number, acts.c.transaction_hash == table.c.transaction_hash)
        query = select(table.c.consent_id, acts.c.delegate).join_from(table, acts, here)
        with gateway.ledger_database.connect() as connection:
            rows = connection.execute(query.where(table.c.consent_id.in_(consents), acts.c.act.in_(done))).all()
        found.append({row.consent_id: address_of(row.delegate) for row in rows})
    return found[0], found[1]


def _presented(gateway: "Gateway", patient: Address, limit: int, before: Position | None) -> list[Deed]:
    table = presentations
    query = select(table).where(table.c.patient == raw(patient))
    if before is not None:
        query = query.where(stands_before(table, before))
    query = query.order_by(*newest_first(table)).limit(limit)
    with reading(gateway.database) as connection:
        return [
            Deed(
                kind="present",
                delegate=address_of(row.delegate),
                other=None,
                about=row.prescription,
                text=SENTENCES["presented"],
                position=(row.block_number, row.log_index),
            )
            for row in connection.execute(query)
        ]


def _of_act(gateway: "Gateway", act: IndexedDelegatedAct) -> Deed:
    other, text = _told(gateway, act)
    kind = act.act.name.lower().replace("_", "-")
    return Deed(kind, act.delegate, other, act.what, text, act.position)


def _told(gateway: "Gateway", act: IndexedDelegatedAct) -> tuple[Address | None, str]:
    """Whom an act concerned, and what was done, in words."""
    match act.act:
        case DelegatedAct.GRANT | DelegatedAct.WITHDRAW:
            consent = gateway.index.consent(act.what)
            done = "granted" if act.act is DelegatedAct.GRANT else "withdrawn"
            return (consent.grantee if consent else None), SENTENCES[done]
        case DelegatedAct.DENY:
            return _denied(gateway, act), SENTENCES["denied"]
        case DelegatedAct.ANSWER:
            record = gateway.index.record(act.what)
            turned_down = record is not None and record.state is RecordState.TURNED_DOWN
            return (record.author if record else None), SENTENCES["turned-down" if turned_down else "accepted"]
        case DelegatedAct.ACCEPT_IN_BATCH | DelegatedAct.TURN_DOWN_IN_BATCH:
            batch = gateway.index.batch(act.what)
            accepted = act.act is DelegatedAct.ACCEPT_IN_BATCH
            return (batch.author if batch else None), SENTENCES["accepted" if accepted else "turned-down"]
        case DelegatedAct.GRANT_AS_ASKED | DelegatedAct.DECLINE:
            asked = CareIndex(gateway.ledger_database).question(act.what)
            granted = act.act is DelegatedAct.GRANT_AS_ASKED
            return (asked.question.asker if asked else None), SENTENCES["granted-as-asked" if granted else "declined"]
        case _:
            return None, SENTENCES["another"]


def _denied(gateway: "Gateway", act: IndexedDelegatedAct) -> Address | None:
    """Whom a denial names: its id says it only to who knows, the other event of its transaction says it to all."""
    table = events.denials
    query = select(table.c.grantee).where(
        table.c.block_number == act.position[0], table.c.transaction_hash == act.transaction
    )
    with gateway.ledger_database.connect() as connection:
        grantee = connection.execute(query).scalar()
    return address_of(grantee) if grantee else None
