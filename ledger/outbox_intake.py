"""Accepting acts: what callers ask for becomes rows, signed at once where the key is at hand."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, and_, insert, or_, select

from ledger.acts import Act
from ledger.database import reading, writing
from ledger.errors import IdempotencyConflict, NodeUnavailable, OutboxError
from ledger.outbox_signing import GROUP, Row, Signing
from ledger.outbox_store import Entry, Failure, State, blank_row, failure_columns, outbox, payload_digest
from ledger.preflight import Call, Rejection, estimate_gas, least_gas
from ledger.rpc import Node
from ledger.types import Address

Key = tuple[str, str]
"""Signer and idempotency key."""


@dataclass(frozen=True, slots=True)
class Posting:
    """An act that somebody wants done."""

    act: Act
    signer: Address
    idempotency_key: str
    """Chosen by the caller: the same key with the same act of the same signer is the same entry, for ever."""
    correlation_id: str | None = None
    """Joins entries that belong together; not interpreted."""
    gas: int | None = None
    """If named, the act is not tried out first: the contract may reject it only when mined."""
    value: int = 0
    """Wei."""


@dataclass(slots=True)
class Prepared:
    """An act about to become a row."""

    kind: str
    signer: Address
    to: Address
    data: bytes
    value: int
    idempotency_key: str
    correlation_id: str | None
    digest: bytes
    gas: int | None
    failure: Failure | None = None
    """Why the contract rejects it already now."""

    @property
    def key(self) -> Key:
        """What names it."""
        return self.signer, self.idempotency_key

    def row(self) -> dict[str, Any]:
        """The act as a row, not signed."""
        row = blank_row() | {
            "signer": self.signer,
            "idempotency_key": self.idempotency_key,
            "payload_digest": self.digest,
            "correlation_id": self.correlation_id,
            "kind": self.kind,
            "to": self.to,
            "data": self.data,
            "value": str(self.value),
            "gas": self.gas,
        }
        if self.failure is not None:
            row |= {"state": State.FAILED, "settled": True}
            row |= failure_columns(self.failure.name, self.failure.values, self.failure.text)
        return row


class Intake:
    """Makes rows of acts."""

    def __init__(
        self, engine: Engine, node: Node, signing: Signing, rejection: Rejection, trace: Callable[[str], None]
    ) -> None:
        self._engine = engine
        self._node = node
        self._signing = signing
        self._rejection = rejection
        self._trace = trace

    def prepare(self, postings: Sequence[Posting]) -> list[Prepared]:
        """Check the postings, and try out those that name no gas; nothing is written.

        Raises:
            OutboxError: the gas of one is less than any node takes.
        """
        for posting in postings:
            least = least_gas(posting.act.data)
            if posting.gas is not None and posting.gas < least:
                raise OutboxError(f"{posting.gas} gas is too little for {posting.act.kind}: give it at least {least}")
        prepared = [
            Prepared(
                kind=posting.act.kind,
                signer=posting.signer,
                to=posting.act.to,
                data=posting.act.data,
                value=posting.value,
                idempotency_key=posting.idempotency_key,
                correlation_id=posting.correlation_id,
                gas=posting.gas,
                digest=payload_digest(
                    kind=posting.act.kind, to=posting.act.to, data=posting.act.data, value=posting.value
                ),
            )
            for posting in postings
        ]
        self._try_out([item for item in prepared if item.gas is None and self._signing.keys(item.signer) is not None])
        return prepared

    def _try_out(self, items: Sequence[Prepared]) -> None:
        """Ask the node what the acts will cost, or why they would fail; accepted ones are left out.

        An act that would fail while earlier ones of its signer are on their way may depend on them: it waits as queued.
        """
        if not items:
            return
        known = self._existing(items)
        items = [item for item in items if item.key not in known]
        busy = self._signing.busy({item.signer for item in items})
        calls = [Call(item.signer, item.to, item.data, item.value) for item in items]
        try:
            estimates = estimate_gas(self._node, calls, self._rejection)
        except NodeUnavailable:
            return  # accepted all the same: they wait as queued, and are tried out when the node answers
        for item, estimate in zip(items, estimates, strict=True):
            if isinstance(estimate, int):
                item.gas = estimate
            elif isinstance(estimate, Failure) and item.signer not in busy:
                item.failure = estimate
            busy.add(item.signer)

    def _existing(self, items: Sequence[Prepared]) -> set[Key]:
        """Which of the acts are rows already."""
        with reading(self._engine) as connection:
            return set(_rows_of(connection, items))

    def commit(self, batches: Sequence[Sequence[Prepared]]) -> list[list[Entry] | Exception]:
        """Make rows of several callers' acts in one transaction; each caller's are accepted all or none."""
        items = [item for batch in batches for item in batch]
        terms = self._signing.terms(item.signer for item in items)
        self._trace("accept")
        with writing(self._engine) as connection:
            nonces = self._signing.hold(connection, {item.signer for item in items}, terms)
            rows = _rows_of(connection, items)
            conflicts, fresh = _sort_out(batches, rows)
            waiting = _with_waiting(connection, nonces)
            new = []
            for item in fresh:
                row = item.row()
                if terms and row["state"] == State.QUEUED and item.gas is not None and item.signer not in waiting:
                    row |= self._signing.signature(row, terms, nonces)
                new.append(row)
            if new:
                statement = insert(outbox).returning(outbox.c.id, sort_by_parameter_order=True)
                for row, number in zip(new, connection.execute(statement, new).scalars(), strict=True):
                    rows[row["signer"], row["idempotency_key"]] = {**row, "id": number}
            self._signing.store(connection, nonces)
            self._trace("accept:commit")
        self._trace("accepted")
        return [
            [Entry.of(rows[item.key]) for item in batch] if conflict is None else conflict
            for conflict, batch in zip(conflicts, batches, strict=True)
        ]


def _rows_of(connection: Connection, items: Sequence[Prepared]) -> dict[Key, Row]:
    """The rows that the acts' keys name already."""
    keys = list({item.key for item in items})
    rows: dict[Key, Row] = {}
    for start in range(0, len(keys), GROUP):
        # Signer by signer: SQLite reads the whole table for `(signer, idempotency_key) IN (...)`.
        by_signer: dict[str, list[str]] = {}
        for signer, key in keys[start : start + GROUP]:
            by_signer.setdefault(signer, []).append(key)
        named = (and_(outbox.c.signer == one, outbox.c.idempotency_key.in_(its)) for one, its in by_signer.items())
        for row in connection.execute(select(outbox).where(or_(*named))).mappings():
            rows[row["signer"], row["idempotency_key"]] = row
    return rows


def _sort_out(
    batches: Sequence[Sequence[Prepared]], rows: Mapping[Key, Row]
) -> tuple[list[IdempotencyConflict | None], list[Prepared]]:
    """For each caller the conflict that refuses all of its acts, if any; and all acts that are to become rows."""
    digests: dict[Key, bytes] = {key: row["payload_digest"] for key, row in rows.items()}
    conflicts: list[IdempotencyConflict | None] = []
    fresh: list[Prepared] = []
    for batch in batches:
        new: dict[Key, Prepared] = {}
        conflict = None
        for item in batch:
            known = digests.get(item.key) or (new[item.key].digest if item.key in new else None)
            if known is None:
                new[item.key] = item
            elif known != item.digest:
                conflict = IdempotencyConflict(item.idempotency_key)
        conflicts.append(conflict)
        if conflict is None:
            fresh += new.values()
            digests |= {key: item.digest for key, item in new.items()}
    return conflicts, fresh


def _with_waiting(connection: Connection, names: Iterable[str]) -> set[str]:
    """Signers with rows that wait as queued: what comes later must not overtake them."""
    query = select(outbox.c.signer).where(outbox.c.state == State.QUEUED, outbox.c.signer.in_(sorted(names)))
    return set(connection.execute(query.distinct()).scalars())
