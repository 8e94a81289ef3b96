"""What the index knows: the questions that screens and searches ask of the ledger's events.

An answer here helps to find things; it never permits anything. Who may read is asked of the chain (`client.decide`).

    >>> page = Index(engine).records_about(patient, limit=50)
    >>> more = Index(engine).records_about(patient, limit=50, before=page[-1].position)
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, Select, Table, and_, select

from ledger import events, index_queries
from ledger.codes import Category, RecordState, Role
from ledger.positions import Position, newest_first, oldest_first, stands_after, stands_before
from ledger.types import Address, ConsentTerms, PrescriptionState, address_of, raw

MOST_BASES = 16
"""The most bases that a decision takes."""

_AT_ONCE = 500
"""Participants in one question."""


@dataclass(frozen=True, slots=True)
class IndexedParticipant:
    participant: Address
    organization: Address
    roles: Role
    suspended: bool
    key_card: bytes | None
    position: Position


@dataclass(frozen=True, slots=True)
class IndexedConsent:
    consent_id: bytes
    patient: Address
    grantee: Address
    scope: bytes
    terms: ConsentTerms
    document: bytes
    withdrawn: bool
    position: Position


@dataclass(frozen=True, slots=True)
class IndexedRecord:
    digest: bytes
    patient: Address
    author: Address
    categories: Category
    state: RecordState
    successor: bytes | None
    """What superseded it."""
    position: Position


@dataclass(frozen=True, slots=True)
class IndexedBatch:
    root: bytes
    author: Address
    count: int
    manifest: bytes
    kind: str
    position: Position


@dataclass(frozen=True, slots=True)
class IndexedPrescription:
    prescription: bytes
    patient: Address
    prescriber: Address
    categories: Category
    terms_hash: bytes
    position: Position


@dataclass(frozen=True, slots=True)
class PrescriptionChange:
    prescription: bytes
    by: Address
    change: str
    state: PrescriptionState
    record: bytes | None
    """Of a dispense: the digest of the MedicationDispense."""
    position: Position


class Index:
    """Read access to the tables of `ledger.events`. Every question is answered from an index, in a bounded number of
    rows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- participants

    def participant(self, participant: Address) -> IndexedParticipant | None:
        """A person, organization or team as last seen; None if never registered."""
        found = self._ask(index_queries.participant(), who=raw(participant))
        if not found:
            return self._team(participant)
        row = found[0]
        return IndexedParticipant(
            participant=participant,
            organization=address_of(row.organization),
            roles=Role(row.roles if row.new_roles is None else row.new_roles),
            suspended=bool(row.suspended),
            key_card=row.key_card,
            position=_position(row),
        )

    def key_cards_of(self, participants: Sequence[Address]) -> dict[Address, bytes]:
        """Digests of the key cards that these participants published last, of those who published one."""
        by_raw = {raw(one): one for one in participants}
        rows = [
            row for some in _portions(list(by_raw)) for row in self._ask(index_queries.key_cards(), participants=some)
        ]
        return {by_raw[row.participant]: row.key_card for row in rows}

    def people_of(self, organization: Address, limit: int, before: Position | None = None) -> list[Address]:
        """The people that an organization registered, newest first."""
        table = events.registrations
        rows = self._page(table, table.c.organization == raw(organization), limit, before)
        return [address_of(row.participant) for row in rows]

    def teams_of(self, member: Address) -> list[Address]:
        """The teams that a person is in."""
        return [address_of(team) for team in self._memberships("member", "team", member)]

    def teams_opened_by(self, organization: Address, limit: int, before: Position | None = None) -> list[Address]:
        """The teams that an organization opened, newest first."""
        table = events.teams
        rows = self._page(table, table.c.organization == raw(organization), limit, before)
        return [address_of(row.team) for row in rows]

    def members_of(self, team: Address) -> list[Address]:
        """The people who are in a team."""
        return [address_of(member) for member in self._memberships("team", "member", team)]

    # --- consents

    def consents_of(self, patient: Address, limit: int, before: Position | None = None) -> list[IndexedConsent]:
        """The consents that a patient gave, newest first, withdrawn and expired ones too."""
        return self._consents(events.consents.c.patient == raw(patient), limit, before)

    def consents_for(
        self, grantees: Sequence[Address], limit: int, before: Position | None = None
    ) -> list[IndexedConsent]:
        """The consents that name any of the grantees, newest first."""
        return self._consents(events.consents.c.grantee.in_([raw(one) for one in grantees]), limit, before)

    def consent(self, consent_id: bytes) -> IndexedConsent | None:
        found = self._consents(events.consents.c.consent_id == consent_id, 1, None)
        return found[0] if found else None

    def bases(
        self, patient: Address, grantees: Sequence[Address], categories: Category, purposes: int, at: int
    ) -> list[IndexedConsent]:
        """At most 16 numbered consents that may help: live now, for one of the purposes (a mask), touching the
        categories. With none of these, the newest others, so that the decision can say why not."""
        asked = {"patient": raw(patient), "grantees": [raw(one) for one in grantees], "limit": MOST_BASES}
        helpful = index_queries.consents_that_help()
        rows = self._ask(helpful, **asked, categories=int(categories), purposes=purposes, at=at)
        return [_consent(row) for row in rows or self._ask(index_queries.consents_of_pair(), **asked)]

    def write_consents(
        self, patient: Address, grantees: Sequence[Address], categories: Category, at: int
    ) -> list[IndexedConsent]:
        """Numbered consents that let one of the grantees write all the categories at a time."""
        asked = {"patient": raw(patient), "grantees": [raw(one) for one in grantees], "limit": MOST_BASES}
        rows = self._ask(index_queries.consents_to_write(), **asked, categories=int(categories), at=at)
        numbered = bytes(30)
        return [_consent(row) for row in rows if row.scope.startswith(numbered)]

    def next_consent_number(self, patient: Address, grantee: Address, taken: Collection[int] = ()) -> int:
        """The first number of this pair that neither a grant nor a voided scope has used, and that is not `taken`."""
        used = set(taken)
        with self._engine.connect() as connection:
            for table in (events.consents, events.withdrawals):
                rows = connection.execute(
                    select(table.c.scope).where(table.c.patient == raw(patient), table.c.grantee == raw(grantee))
                )
                used.update(int.from_bytes(scope, "big") for (scope,) in rows)
        return next(number for number in range(len(used) + 1) if number not in used)

    def denials_of(self, patient: Address, limit: int) -> list[Address]:
        """Whom the patient denies now, newest first."""
        rows = self._ask(index_queries.denials(), patient=raw(patient), limit=limit)
        return [address_of(row.grantee) for row in rows]

    def denials_of_many(self, patients: Sequence[Address]) -> dict[Address, set[Address]]:
        """Whom each of these patients denies now; patients who deny nobody are left out."""
        by_raw = {raw(one): one for one in patients}
        denied: dict[Address, set[Address]] = {}
        for some in _portions(list(by_raw)):
            for row in self._ask(index_queries.denials(of_many=True), patients=some):
                denied.setdefault(by_raw[row.patient], set()).add(address_of(row.grantee))
        return denied

    # --- records

    def record(self, digest: bytes) -> IndexedRecord | None:
        """A single record by its digest."""
        rows = self._ask(index_queries.record(), digest=digest)
        return next(iter(self._with_states(rows)), None)

    def records_about(self, patient: Address, limit: int, before: Position | None = None) -> list[IndexedRecord]:
        """The single records about a patient, newest first, whatever their state."""
        return self._records(events.records.c.patient == raw(patient), limit, before)

    def records_by(self, author: Address, limit: int, before: Position | None = None) -> list[IndexedRecord]:
        """The single records that an author anchored or proposed, newest first."""
        return self._records(events.records.c.author == raw(author), limit, before)

    def predecessor(self, digest: bytes) -> bytes | None:
        """The record that this one superseded."""
        row = self._last(events.record_changes, events.record_changes.c.successor == digest)
        return row.digest if row else None

    def batch(self, root: bytes) -> IndexedBatch | None:
        found = self._batches(events.batches.c.root == root, 1, None)
        return found[0] if found else None

    def batches_by(self, author: Address, limit: int, before: Position | None = None) -> list[IndexedBatch]:
        """The batches that an author anchored, newest first."""
        return self._batches(events.batches.c.author == raw(author), limit, before)

    def batches_after(self, position: Position, limit: int) -> list[IndexedBatch]:
        """Batches anchored after a position, oldest first: for whoever follows their manifests."""
        table = events.batches
        query = select(table).where(stands_after(table, position)).order_by(*oldest_first(table)).limit(limit)
        with self._engine.connect() as connection:
            return [_batch(row) for row in connection.execute(query)]

    def batch_record_changes(self, root: bytes, index: int) -> list[tuple[str, bytes | None]]:
        """What happened to one record of a batch, oldest first: change and, of a correction, its digest."""
        table = events.batch_changes
        query = select(table).where(table.c.root == root, table.c.position == index)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(*oldest_first(table)))
            return [(row.change, row.successor) for row in rows]

    # --- prescriptions

    def prescription(self, prescription: bytes) -> IndexedPrescription | None:
        found = self._prescriptions(events.prescriptions.c.prescription == prescription, 1, None)
        return found[0] if found else None

    def prescriptions_of(
        self, patient: Address, limit: int, before: Position | None = None
    ) -> list[IndexedPrescription]:
        """A patient's prescriptions, newest first."""
        return self._prescriptions(events.prescriptions.c.patient == raw(patient), limit, before)

    def prescriptions_by(
        self, prescriber: Address, limit: int, before: Position | None = None
    ) -> list[IndexedPrescription]:
        """The prescriptions that a prescriber issued, newest first."""
        return self._prescriptions(events.prescriptions.c.prescriber == raw(prescriber), limit, before)

    def prescription_changes(self, prescription: bytes, limit: int = 200) -> list[PrescriptionChange]:
        """The history of a prescription, oldest first."""
        table = events.prescription_changes
        query = select(table).where(table.c.prescription == prescription)
        query = query.order_by(*oldest_first(table)).limit(limit)
        with self._engine.connect() as connection:
            return [_change(row) for row in connection.execute(query)]

    def dispenses_by(self, pharmacist: Address, limit: int, before: Position | None = None) -> list[PrescriptionChange]:
        """What a pharmacist handed out, newest first."""
        table = events.prescription_changes
        condition = and_(table.c.by == raw(pharmacist), table.c.change == "dispensed")
        return [_change(row) for row in self._page(table, condition, limit, before)]

    # --- how it asks

    def _team(self, team: Address) -> IndexedParticipant | None:
        row = self._last(events.teams, events.teams.c.team == raw(team))
        if row is None:
            return None
        suspension = self._last(events.suspensions, events.suspensions.c.participant == raw(team))
        return IndexedParticipant(
            participant=team,
            organization=address_of(row.organization),
            roles=Role.TEAM,
            suspended=suspension is not None and bool(suspension.suspended),
            key_card=None,
            position=_position(row),
        )

    def _consents(self, condition: ColumnElement[bool], limit: int, before: Position | None) -> list[IndexedConsent]:
        rows = self._page(events.consents, condition, limit, before, index_queries.is_withdrawn().label("withdrawn"))
        return [_consent(row) for row in rows]

    def _records(self, condition: ColumnElement[bool], limit: int, before: Position | None) -> list[IndexedRecord]:
        return self._with_states(self._page(events.records, condition, limit, before))

    def _with_states(self, rows: Sequence[Row[Any]]) -> list[IndexedRecord]:
        """Records as what happened to them left them."""
        changes: dict[bytes, list[Row[Any]]] = {}
        if rows:
            for row in self._ask(index_queries.record_changes(), digests=[row.digest for row in rows]):
                changes.setdefault(row.digest, []).append(row)
        found = []
        for row in rows:
            state = RecordState.PROPOSED if row.proposed else RecordState.ANCHORED
            successor = None
            for change in changes.get(row.digest, []):
                state = _CHANGED[change.change](state)
                successor = change.successor or successor
            found.append(
                IndexedRecord(
                    digest=row.digest,
                    patient=address_of(row.patient),
                    author=address_of(row.author),
                    categories=Category(row.categories),
                    state=state,
                    successor=successor,
                    position=_position(row),
                )
            )
        return found

    def _batches(self, condition: ColumnElement[bool], limit: int, before: Position | None) -> list[IndexedBatch]:
        return [_batch(row) for row in self._page(events.batches, condition, limit, before)]

    def _prescriptions(
        self, condition: ColumnElement[bool], limit: int, before: Position | None
    ) -> list[IndexedPrescription]:
        return [
            IndexedPrescription(
                prescription=row.prescription,
                patient=address_of(row.patient),
                prescriber=address_of(row.prescriber),
                categories=Category(row.categories),
                terms_hash=row.terms_hash,
                position=_position(row),
            )
            for row in self._page(events.prescriptions, condition, limit, before)
        ]

    def _memberships(self, by: str, wanted: str, who: Address) -> list[bytes]:
        """The other side of every membership whose newest event is a joining."""
        return [row[0] for row in self._ask(index_queries.memberships(by, wanted), who=raw(who))]

    def _ask(self, query: Select[Any], **values: Any) -> Sequence[Row[Any]]:
        with self._engine.connect() as connection:
            return connection.execute(query, values).all()

    def _last(self, table: Table, condition: ColumnElement[bool]) -> Row[Any] | None:
        rows = self._page(table, condition, 1, None)
        return rows[0] if rows else None

    def _page(
        self,
        table: Table,
        condition: ColumnElement[bool],
        limit: int,
        before: Position | None,
        *extra: ColumnElement[Any],
    ) -> Sequence[Row[Any]]:
        """Rows newest first, `limit` at most, those before a position."""
        query: Select[Any] = select(table, *extra).where(condition)
        if before is not None:
            query = query.where(stands_before(table, before))
        query = query.order_by(*newest_first(table)).limit(limit)
        with self._engine.connect() as connection:
            return connection.execute(query).all()


_CHANGED: Mapping[str, Callable[[RecordState], RecordState]] = {
    "accepted": lambda _: RecordState.ANCHORED,
    "turned-down": lambda _: RecordState.TURNED_DOWN,
    "superseded": lambda before: before.ended_as(RecordState.SUPERSEDED),
    "retracted": lambda before: before.ended_as(RecordState.RETRACTED),
}
"""What a change makes of a record's state."""


def _consent(row: Row[Any]) -> IndexedConsent:
    return IndexedConsent(
        consent_id=row.consent_id,
        patient=address_of(row.patient),
        grantee=address_of(row.grantee),
        scope=row.scope,
        terms=ConsentTerms(Category(row.categories), row.purposes, row.not_before, row.expiry, bool(row.may_write)),
        document=row.document,
        withdrawn=bool(row.withdrawn),
        position=_position(row),
    )


def _batch(row: Row[Any]) -> IndexedBatch:
    # A row's `count` is its method; the column goes by another way.
    count = row._mapping["count"]
    return IndexedBatch(row.root, address_of(row.author), count, row.manifest, row.kind, _position(row))


def _change(row: Row[Any]) -> PrescriptionChange:
    return PrescriptionChange(
        prescription=row.prescription,
        by=address_of(row.by),
        change=row.change,
        state=PrescriptionState.unpack(int.from_bytes(row.state, "big")),
        record=row.record,
        position=_position(row),
    )


def _portions(items: Sequence[bytes]) -> list[Sequence[bytes]]:
    """No more at a time than any database takes in one statement."""
    return [items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE)]


def _position(row: Row[Any]) -> Position:
    return row.block_number, row.log_index
