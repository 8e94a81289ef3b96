"""What the ledger has cost so far on this network, from the receipts in the index.

>>> so_far = cost_so_far(engine)                                # or CostBook(engine).so_far(), where many ask
>>> so_far.operations[0].operation, so_far.operations[0].median
('grant', 50378)

Every transaction is counted once: by its function, and in the workflow that it belongs to. A transaction that serves
several (ten relayed grants) is shared out evenly; one that dispenses and anchors the dispense record is the
prescription's.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

from sqlalchemy import CompoundSelect, Connection, Engine, Float, Select, Table, cast, func, literal, select, union

from ledger import events, events_care
from ledger.abi import Abi
from ledger.codes import Role
from ledger.database import reading
from ledger.index_tables import cursors, transactions


@dataclass(frozen=True, slots=True)
class OperationSoFar:
    """One function, over all its transactions."""

    operation: str
    count: int
    least: int
    median: int
    most: int
    gas: int
    """In all."""


@dataclass(frozen=True, slots=True)
class WorkflowSoFar:
    """One kind of thing that acts are about, each followed from its first act to its latest."""

    workflow: str
    title: str
    count: int
    """How many there are."""
    least: int
    """Gas of one, so far."""
    median: int
    most: int
    gas: int
    """Of all together."""


@dataclass(frozen=True, slots=True)
class PayerSoFar:
    """Everybody with the same roles."""

    roles: Role
    count: int
    """Transactions."""
    gas: int


@dataclass(frozen=True, slots=True)
class CostSoFar:
    """What the index knows of cost."""

    operations: tuple[OperationSoFar, ...]
    workflows: tuple[WorkflowSoFar, ...]
    payers: tuple[PayerSoFar, ...]
    transactions: int
    gas: int
    paid: int
    """Wei; 0 where gas is free."""
    unknown: int
    """Transactions whose receipts have not been asked for yet: in no figure."""
    block: int
    """The newest block that is counted; -1: none."""


class CostBook:
    """`cost_so_far` for everybody who asks.

    It reads every receipt; so it rests for four times as long as that took before it does so again, however many ask,
    and however long the ledger has become.
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._working = Lock()
        self._last: CostSoFar | None = None
        self._stands_until = 0.0

    def so_far(self) -> CostSoFar:
        """As it is now, or was a little before.

        Raises:
            DatabaseError: the database does not answer.
        """
        last = self._last
        if last is None:
            with self._working:
                return self._last or self._work_out()
        if self._clock() >= self._stands_until and self._working.acquire(blocking=False):
            try:
                return self._work_out()
            finally:
                self._working.release()
        return last

    def _work_out(self) -> CostSoFar:
        began = self._clock()
        found = self._last = cost_so_far(self._engine)
        ended = self._clock()
        self._stands_until = ended + _REST * (ended - began)
        return found


_REST = 4

_Source = tuple[Table, tuple[str, ...]]
"""A table of events, and the columns that name what they are about."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing that acts are about, and the events that tell of it."""

    name: str
    title: str
    sources: tuple[_Source, ...]
    only: tuple[str, str] | None = None
    """A column of the first source and the value it must have."""


KINDS = (
    Kind(
        "participant",
        "A participant: registered, her key card, identifiers, preferences, roles, suspensions",
        (
            (events.registrations, ("participant",)),
            (events.key_cards, ("participant",)),
            (events.identifiers, ("participant",)),
            (events.preferences, ("patient",)),
            (events.role_changes, ("participant",)),
            (events.suspensions, ("participant",)),
        ),
    ),
    Kind(
        "team",
        "A team: opened, its members' coming and going",
        ((events.teams, ("team",)), (events.memberships, ("team",))),
    ),
    Kind(
        "consent",
        "A consent: granted, withdrawn",
        ((events.consents, ("consent_id",)), (events.withdrawals, ("consent_id",))),
    ),
    Kind("denial", "A denial: made, lifted", ((events.denials, ("patient", "grantee")),)),
    Kind(
        "record",
        "A record anchored by itself: proposed, answered, co-signed, retracted",
        ((events.records, ("digest",)), (events.record_changes, ("digest",)), (events_care.cosignatures, ("digest",))),
    ),
    Kind(
        "batch",
        "A batch of records: anchored, its records corrected, retracted, accepted",
        ((events.batches, ("root",)), (events.batch_changes, ("root",))),
        only=("kind", "records"),
    ),
    Kind("campaign", "A campaign's consents, anchored together", ((events.batches, ("root",)),), ("kind", "consents")),
    Kind(
        "prescription",
        "A prescription: issued, claimed, dispensed, released, cancelled",
        ((events.prescriptions, ("prescription",)), (events.prescription_changes, ("prescription",))),
    ),
    Kind("delegation", "A delegation: made, narrowed, ended", ((events_care.delegations, ("patient", "delegate")),)),
    Kind(
        "question",
        "A question for access: asked, declined, taken back; the answer yes is a consent's cost",
        ((events_care.questions, ("question",)), (events_care.question_changes, ("question",))),
    ),
    Kind(
        "emergency",
        "An opening of the glass: broken, reviewed",
        (
            (events_care.openings, ("patient", "clinician", "number")),
            (events_care.reviews, ("patient", "clinician", "number")),
        ),
    ),
    Kind("checkpoint", "An access-log checkpoint", ((events.checkpoints, ("operator", "size")),)),
)
"""All of them, in the order in which they are told."""


def cost_so_far(engine: Engine) -> CostSoFar:
    """All of it, in a few queries.

    Raises:
        DatabaseError: the database does not answer.
    """
    known = transactions.c.gas_used.is_not(None)
    with reading(engine) as connection:
        block = connection.execute(select(func.coalesce(func.max(cursors.c.block_number), -1))).scalar_one()
        paid = func.sum(cast(transactions.c.gas_used, Float) * transactions.c.effective_gas_price)
        totals = connection.execute(
            select(func.count(), func.coalesce(func.sum(transactions.c.gas_used), 0), func.coalesce(paid, 0)).where(
                known
            )
        ).one()
        unknown = connection.execute(select(func.count()).select_from(transactions).where(~known)).scalar_one()
        return CostSoFar(
            operations=_operations(connection),
            workflows=tuple(found for kind in KINDS if (found := _workflow(connection, kind))),
            payers=_payers(connection),
            transactions=totals[0],
            gas=int(totals[1]),
            paid=int(totals[2]),
            unknown=unknown,
            block=block,
        )


def _operations(connection: Connection) -> tuple[OperationSoFar, ...]:
    """From how often each function cost how much: there are few different costs, however many transactions."""
    columns = (transactions.c.selector, transactions.c.gas_used)
    query = select(*columns, func.count()).where(transactions.c.gas_used.is_not(None)).group_by(*columns)
    by_selector: dict[bytes, list[tuple[int, int]]] = {}
    for selector, gas, count in connection.execute(query):
        by_selector.setdefault(bytes(selector or b""), []).append((gas, count))
    functions = Abi.shipped().functions_by_selector
    found = []
    for selector, costs in by_selector.items():
        name = functions[selector].name if selector in functions else "another contract's call"
        found.append(OperationSoFar(name, *_spread(costs)))
    return tuple(sorted(found, key=lambda one: (-one.gas, one.operation)))


def _workflow(connection: Connection, kind: Kind) -> WorkflowSoFar | None:
    touched = _touched(kind).subquery()
    keys = [column for column in touched.c if column.name != "transaction_hash"]
    sharing = (
        select(touched.c.transaction_hash, func.count().label("shares")).group_by(touched.c.transaction_hash).subquery()
    )
    share = cast(transactions.c.gas_used, Float) / sharing.c.shares
    each = (
        select(func.sum(share).label("gas"))
        .select_from(touched)
        .join(sharing, sharing.c.transaction_hash == touched.c.transaction_hash)
        .join(transactions, transactions.c.transaction_hash == touched.c.transaction_hash)
        .where(transactions.c.gas_used.is_not(None))
        .group_by(*keys)
        .subquery()
    )
    costs = [
        (round(gas), count) for gas, count in connection.execute(select(each.c.gas, func.count()).group_by(each.c.gas))
    ]
    return WorkflowSoFar(kind.name, kind.title, *_spread(costs)) if costs else None


def _touched(kind: Kind) -> CompoundSelect[tuple[object, ...]] | Select[tuple[object, ...]]:
    """What each transaction was about, each thing once a transaction."""
    selects: list[Select[tuple[object, ...]]] = []
    for table, columns in kind.sources:
        names = [table.c[name].label(f"key_{place}") for place, name in enumerate(columns)]
        query = select(*names, table.c.transaction_hash)
        if kind.only and kind.only[0] in table.c:
            query = query.where(table.c[kind.only[0]] == literal(kind.only[1]))
        if table is events.record_changes:
            query = query.where(table.c.change != "superseded")  # the correction is the new record's cost
        if table is events_care.question_changes:
            query = query.where(table.c.change != "granted")
        if table is events.records:
            dispensed = select(events.prescription_changes.c.transaction_hash)
            query = query.where(table.c.transaction_hash.not_in(dispensed))
        selects.append(query)
    return union(*selects) if len(selects) > 1 else selects[0].distinct()


def _payers(connection: Connection) -> tuple[PayerSoFar, ...]:
    roles = events.registrations.c.roles
    query = (
        select(roles, func.count(), func.sum(transactions.c.gas_used))
        .select_from(transactions)
        .join(events.registrations, events.registrations.c.participant == transactions.c.sender, isouter=True)
        .where(transactions.c.gas_used.is_not(None))
        .group_by(roles)
    )
    found = [PayerSoFar(Role(mask or 0), count, int(gas)) for mask, count, gas in connection.execute(query)]
    return tuple(sorted(found, key=lambda one: -one.gas))


def _spread(costs: Sequence[tuple[int, int]]) -> tuple[int, int, int, int, int]:
    """Count, least, lower median, most and sum of costs that each came so many times."""
    ordered = sorted(costs)
    count = sum(times for _, times in ordered)
    left, median = (count - 1) // 2, ordered[-1][0]
    for gas, times in ordered:
        if left < times:
            median = gas
            break
        left -= times
    return count, ordered[0][0], median, ordered[-1][0], sum(gas * times for gas, times in ordered)
