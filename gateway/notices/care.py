"""Notices of care: what delegates did for one, questions and their answers, second signatures.

A delegate is told that he was named, and never that a delegation was narrowed or ended: the patient does that in quiet.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, Table, and_, exists, or_, select

from gateway.consents.deeds import deeds_for
from gateway.notices.notice import Notice
from gateway.notices.sentences import PURPOSES, kinds, listed
from ledger import events, events_care
from ledger.codes import Category, purposes_in
from ledger.positions import Position, newest_first, stands_before
from ledger.types import Address, address_of, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

_Source = tuple[Select[Any], Table, Callable[[Row[Any]], Notice]]


def care_notices(gateway: "Gateway", person: Address, limit: int, before: Position | None) -> list[Notice]:
    """The newest of them, at most `limit` of each kind."""
    found = [
        Notice(deed.position, f"done-for-you-{deed.kind}", deed.delegate, deed.about.hex(), deed.text, deed.other)
        for deed in deeds_for(gateway, person, limit, before)
    ]
    with gateway.ledger_database.connect() as connection:
        for query, table, notice in _sources(raw(person)):
            if before is not None:
                query = query.where(stands_before(table, before))
            newest = query.order_by(*newest_first(table)).limit(limit)
            found += [notice(row) for row in connection.execute(newest)]
    return found


def _sources(me: bytes) -> Iterator[_Source]:
    questions, answers = events_care.questions, events_care.question_changes
    yield select(questions).where(questions.c.patient == me), questions, _asked
    answered = select(answers).join_from(answers, questions, answers.c.question == questions.c.question)
    yield answered.where(questions.c.asker == me, answers.c.change != "taken-back"), answers, _answered
    taken_back = answered.add_columns(questions.c.asker.label("asker"))
    yield taken_back.where(answers.c.patient == me, answers.c.change == "taken-back"), answers, _taken_back
    signatures, records = events_care.cosignatures, events.records
    of_record = select(signatures, records.c.author.label("author")).join_from(
        signatures, records, signatures.c.digest == records.c.digest
    )
    yield of_record.where(signatures.c.patient == me, signatures.c.signer.is_(None)), signatures, _to_sign
    yield of_record.where(records.c.author == me, signatures.c.signer.is_not(None)), signatures, _signed
    delegations = events_care.delegations
    earlier = delegations.alias()
    before = or_(
        earlier.c.block_number < delegations.c.block_number,
        and_(earlier.c.block_number == delegations.c.block_number, earlier.c.log_index < delegations.c.log_index),
    )
    same_pair = and_(earlier.c.patient == delegations.c.patient, earlier.c.delegate == delegations.c.delegate)
    first = ~exists().where(same_pair, before)
    yield select(delegations).where(delegations.c.delegate == me, first), delegations, _named


def _asked(row: Row[Any]) -> Notice:
    purposes = listed([PURPOSES[purpose] for purpose in purposes_in(row.purposes)])
    text = f"{{who}} asks to read your records ({kinds(Category(row.categories))}) {purposes}: answer if you like."
    return Notice(_place(row), "question-asked", address_of(row.asker), row.question.hex(), text)


def _answered(row: Row[Any]) -> Notice:
    done = "has granted what you asked for, or a part of it" if row.change == "granted" else "said no to what you asked"
    text = f"{{who}} {done}."
    return Notice(_place(row), f"question-{row.change}", address_of(row.patient), row.question.hex(), text)


def _taken_back(row: Row[Any]) -> Notice:
    text = "{who} no longer asks you for access."
    return Notice(_place(row), "question-taken-back", address_of(row.asker), row.question.hex(), text)


def _to_sign(row: Row[Any]) -> Notice:
    text = "{who} asks for your signature under a record: read it, and sign it if you agree."
    return Notice(_place(row), "signature-awaited", address_of(row.author), row.digest.hex(), text)


def _signed(row: Row[Any]) -> Notice:
    text = "{who} has signed a record of yours: it has two signatures."
    return Notice(_place(row), "record-cosigned", address_of(row.signer), row.digest.hex(), text)


def _named(row: Row[Any]) -> Notice:
    text = "{who} lets you act in their name."
    return Notice(_place(row), "delegate-named", address_of(row.patient), row.patient.hex(), text)


def _place(row: Row[Any]) -> Position:
    return row.block_number, row.log_index
