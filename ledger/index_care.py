"""What the index knows of care: who acts for whom, who asked for what, who co-signed, who broke the glass.

    >>> care = CareIndex(engine)
    >>> [one.delegate for one in care.delegations_of(patient, at=now)]
    >>> page = care.openings_over(patient, limit=50)
    >>> more = care.openings_over(patient, limit=50, before=page[-1].position)

As with `ledger.index`, an answer here helps to find things and never permits any.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, Select, Table, and_, exists, or_, select

from ledger import events_care as tables
from ledger import index_care_rows as rows
from ledger.database import reading
from ledger.index_care_rows import (
    IndexedCosignature,
    IndexedDelegatedAct,
    IndexedDelegation,
    IndexedOpening,
    IndexedQuestion,
)
from ledger.positions import Position, newest_first, oldest_first
from ledger.types import Address, raw

__all__ = [
    "CareIndex",
    "IndexedCosignature",
    "IndexedDelegatedAct",
    "IndexedDelegation",
    "IndexedOpening",
    "IndexedQuestion",
]

_AT_ONCE = 500
"""Keys in one question."""


class CareIndex:
    """Read access to the tables of `ledger.events_care`. Every question is answered from an index, in a bounded number
    of rows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- delegations

    def delegations_of(self, patient: Address, *, at: int, limit: int = 200) -> list[IndexedDelegation]:
        """What a patient has delegated and is live at a time (seconds since 1970), newest first."""
        return self._delegations(tables.delegations.c.patient == raw(patient), at, limit)

    def delegations_to(self, delegate: Address, *, at: int, limit: int = 200) -> list[IndexedDelegation]:
        """For whom a person may act at a time, newest first."""
        return self._delegations(tables.delegations.c.delegate == raw(delegate), at, limit)

    def delegation_history(
        self, patient: Address, limit: int, before: Position | None = None
    ) -> list[IndexedDelegation]:
        """All that a patient ever delegated, changed and ended, newest first."""
        table = tables.delegations
        hers = table.c.patient == raw(patient)
        return [rows.delegation(row) for row in self._page(select(table), table, hers, limit, before)]

    def done_for(self, patient: Address, limit: int, before: Position | None = None) -> list[IndexedDelegatedAct]:
        """What delegates did for a patient, newest first."""
        return self._acts(tables.delegated_acts.c.patient == raw(patient), limit, before)

    def done_by(self, delegate: Address, limit: int, before: Position | None = None) -> list[IndexedDelegatedAct]:
        """What a delegate did, for whomever, newest first."""
        return self._acts(tables.delegated_acts.c.delegate == raw(delegate), limit, before)

    def done_to(self, things: Sequence[bytes]) -> dict[bytes, list[IndexedDelegatedAct]]:
        """What delegates did to these consents, questions, records or batches (by id, digest or root), oldest first;
        what only patients themselves acted on is left out."""
        table = tables.delegated_acts
        found: dict[bytes, list[IndexedDelegatedAct]] = {}
        for row in self._about(table, table.c.what, things):
            found.setdefault(row.what, []).append(rows.delegated_act(row))
        return found

    # --- questions

    def question(self, question: bytes) -> IndexedQuestion | None:
        """A question by its id."""
        found = self._questions(tables.questions.c.question == question, 1, None)
        return found[0] if found else None

    def open_questions_to(
        self, patient: Address, *, at: int, limit: int, before: Position | None = None
    ) -> list[IndexedQuestion]:
        """What a patient is asked and can still answer at a time (seconds since 1970), newest first."""
        table, unchanged = tables.questions, tables.question_changes.c.change.is_(None)
        return self._questions(and_(table.c.patient == raw(patient), table.c.expiry > at, unchanged), limit, before)

    def questions_to(self, patient: Address, limit: int, before: Position | None = None) -> list[IndexedQuestion]:
        """All that a patient was ever asked, newest first."""
        return self._questions(tables.questions.c.patient == raw(patient), limit, before)

    def questions_by(self, asker: Address, limit: int, before: Position | None = None) -> list[IndexedQuestion]:
        """What somebody asked, newest first, with the answers."""
        return self._questions(tables.questions.c.asker == raw(asker), limit, before)

    # --- second signatures

    def cosignatures_of(self, digests: Sequence[bytes]) -> dict[bytes, IndexedCosignature]:
        """The second signatures under these records; those without one, and without one awaited, are left out."""
        table = tables.cosignatures
        found: dict[bytes, IndexedCosignature] = {}
        for row in self._about(table, table.c.digest, digests):
            found[row.digest] = rows.cosignature(row, found.get(row.digest))
        return found

    def awaiting_cosignature(self, patient: Address, limit: int, before: Position | None = None) -> list[bytes]:
        """Digests of the records about a patient whose authors await a second signature, newest first."""
        table = tables.cosignatures
        signed = table.alias()
        done = exists().where(signed.c.digest == table.c.digest, signed.c.signer.is_not(None))
        awaited = and_(table.c.patient == raw(patient), table.c.signer.is_(None), ~done)
        return [row.digest for row in self._page(select(table), table, awaited, limit, before)]

    # --- emergencies

    def openings_over(self, patient: Address, limit: int, before: Position | None = None) -> list[IndexedOpening]:
        """Every time that the glass was broken over a patient, newest first."""
        return self._openings(tables.openings.c.patient == raw(patient), limit, before)

    def openings_by(self, clinician: Address, limit: int, before: Position | None = None) -> list[IndexedOpening]:
        """Every time that a clinician broke the glass, newest first."""
        return self._openings(tables.openings.c.clinician == raw(clinician), limit, before)

    def unreviewed_openings(
        self, *, over_by: int | None = None, limit: int, before: Position | None = None
    ) -> list[IndexedOpening]:
        """What auditors have not judged, newest first; `over_by`: only what has ended by then (seconds since 1970)."""
        condition: ColumnElement[bool] = tables.reviews.c.auditor.is_(None)
        if over_by is not None:
            condition = and_(condition, tables.openings.c.until <= over_by)
        return self._openings(condition, limit, before)

    def opening(self, patient: Address, clinician: Address, number: int) -> IndexedOpening | None:
        """One opening, by its number."""
        table = tables.openings
        same = and_(table.c.patient == raw(patient), table.c.clinician == raw(clinician), table.c.number == number)
        found = self._openings(same, 1, None)
        return found[0] if found else None

    # --- how it asks

    def _delegations(self, condition: ColumnElement[bool], at: int, limit: int) -> list[IndexedDelegation]:
        """Of each pair the newest word, if it is live."""
        table = tables.delegations
        later = table.alias()
        replaced = exists().where(
            later.c.patient == table.c.patient, later.c.delegate == table.c.delegate, _after(later, table)
        )
        live = and_(condition, table.c.until > at, ~replaced)
        return [rows.delegation(row) for row in self._page(select(table), table, live, limit, None)]

    def _acts(self, condition: ColumnElement[bool], limit: int, before: Position | None) -> list[IndexedDelegatedAct]:
        table = tables.delegated_acts
        return [rows.delegated_act(row) for row in self._page(select(table), table, condition, limit, before)]

    def _questions(self, condition: ColumnElement[bool], limit: int, before: Position | None) -> list[IndexedQuestion]:
        table, changes = tables.questions, tables.question_changes
        joined = select(table, changes.c.change, changes.c.scope).outerjoin(
            changes, changes.c.question == table.c.question
        )
        return [rows.question(row) for row in self._page(joined, table, condition, limit, before)]

    def _openings(self, condition: ColumnElement[bool], limit: int, before: Position | None) -> list[IndexedOpening]:
        table, reviews = tables.openings, tables.reviews
        same = and_(
            reviews.c.patient == table.c.patient,
            reviews.c.clinician == table.c.clinician,
            reviews.c.number == table.c.number,
        )
        joined = select(table, reviews.c.auditor, reviews.c.outcome, reviews.c.report).outerjoin(reviews, same)
        return [rows.opening(row) for row in self._page(joined, table, condition, limit, before)]

    def _about(self, table: Table, column: ColumnElement[Any], keys: Sequence[bytes]) -> list[Row[Any]]:
        """The rows about any of the keys, oldest first, a portion of the keys at a time."""
        found: list[Row[Any]] = []
        with reading(self._engine) as connection:
            for start in range(0, len(keys), _AT_ONCE):
                query = select(table).where(column.in_(keys[start : start + _AT_ONCE]))
                found.extend(connection.execute(query.order_by(*oldest_first(table))))
        return found

    def _page(
        self,
        query: Select[Any],
        table: Table,
        condition: ColumnElement[bool],
        limit: int,
        before: Position | None,
    ) -> Sequence[Row[Any]]:
        """Rows newest first, `limit` at most, those before a position."""
        query = query.where(condition)
        if before is not None:
            same_block = and_(table.c.block_number == before[0], table.c.log_index < before[1])
            query = query.where(or_(table.c.block_number < before[0], same_block))
        query = query.order_by(*newest_first(table)).limit(limit)
        with reading(self._engine) as connection:
            return connection.execute(query).all()


def _after(later: Any, table: Any) -> ColumnElement[bool]:
    """Whether one event stands after another."""
    return or_(
        later.c.block_number > table.c.block_number,
        and_(later.c.block_number == table.c.block_number, later.c.log_index > table.c.log_index),
    )
