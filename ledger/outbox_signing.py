"""Nonces and signatures for the outbox's rows.

A nonce is given out, and the transaction with it signed and stored, in one database transaction that holds the
signer's row: no other thread or process can take the same nonce, and a crash leaves either the whole or nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import time
from typing import Any

from sqlalchemy import Connection, Engine, Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ledger.database import reading, writing
from ledger.errors import NodeRejected, NodeUnavailable, NodeWentBack, OutboxError
from ledger.outbox_store import NO_FAILURE, Failure, State, chain, failure_columns, outbox, signers
from ledger.preflight import Call, Rejection, estimate_gas
from ledger.rpc import Node, enhex, quantity, unhex
from ledger.signing import Fee, Fees, KeyRing, sign
from ledger.types import Address

Row = Mapping[Any, Any]
Nonces = dict[str, int | None]
"""The next nonce of each signer whose row is held; None if the node was never asked."""

GROUP = 500
"""Rows signed in one database transaction: SQLite's other writers wait no longer than that takes, some 0.2 s."""

_TRIES = 20
"""Rows tried out at a time while earlier ones of their signer are on their way."""

_WAITING = select(outbox.c.signer).where(outbox.c.state == State.QUEUED).distinct()


@dataclass(frozen=True, slots=True)
class Terms:
    """What must be asked of the node before signing."""

    chain_id: int
    fee: Fee
    first_nonces: Mapping[str, int]
    """Of signers that this process has not met."""


class Signing:
    """Gives rows their nonces and signatures."""

    def __init__(
        self,
        engine: Engine,
        node: Node,
        keys: KeyRing,
        fees: Fees,
        rejection: Rejection,
        trace: Callable[[str], None],
    ) -> None:
        self.keys = keys
        self.fees = fees
        self._engine = engine
        self._node = node
        self._rejection = rejection
        self._trace = trace
        self._chain_id: int | None = None
        self._known: set[str] = set()
        """Signers whose nonce is in the database."""

    def chain_id(self) -> int:
        """The chain of this database; the first use decides which.

        Raises:
            NodeWentBack: the node's chain began anew since the rows of this database were written.
            OutboxError: the node is on a chain of another number.
            NodeUnavailable: the node does not answer.
        """
        if self._chain_id is None:
            self._chain_id = self.check_genesis()
        return self._chain_id

    def check_genesis(self) -> int:
        """As `chain_id`, asking the node anew."""
        number, genesis = self._node.batch([("eth_chainId", ()), ("eth_getBlockByNumber", ("0x0", False))])
        for answer in (number, genesis):
            if isinstance(answer, NodeRejected):
                raise answer
        found = {"id": 1, "chain_id": quantity(number), "genesis": unhex(genesis["hash"])}
        with writing(self._engine) as connection:
            _insert_new(connection, chain, [found])
            row = connection.execute(select(chain)).one()
        if row.chain_id != found["chain_id"]:
            raise OutboxError(f"this outbox is of chain {row.chain_id}, the node on chain {found['chain_id']}")
        if row.genesis != found["genesis"]:
            raise NodeWentBack(0, enhex(row.genesis), genesis["hash"])
        return quantity(number)

    def terms(self, names: Iterable[Address]) -> Terms | None:
        """What signing needs from the node; None while it does not answer."""
        try:
            unknown = sorted({name for name in names if name not in self._known and self.keys(name) is not None})
            counts = self._node.batch([("eth_getTransactionCount", (name, "pending")) for name in unknown])
            found = zip(unknown, counts, strict=True)
            nonces: dict[str, int] = {
                name: quantity(count) for name, count in found if not isinstance(count, NodeRejected)
            }
            return Terms(self.chain_id(), self.fees.quote(self._node), nonces)
        except NodeUnavailable:
            return None

    def hold(self, connection: Connection, names: Iterable[str], terms: Terms | None) -> Nonces:
        """Hold the signers' rows, always in the same order, until the transaction ends; their next nonces."""
        new = sorted(set(names) - self._known)
        if new:
            _insert_new(connection, signers, [{"address": name} for name in new])
        query = select(signers).where(signers.c.address.in_(sorted(names))).order_by(signers.c.address)
        nonces: Nonces = {}
        for row in connection.execute(query.with_for_update()):
            first = terms.first_nonces.get(row.address) if terms else None
            nonces[row.address] = row.next_nonce if row.next_nonce is not None else first
            if row.next_nonce is not None:
                self._known.add(row.address)
        return nonces

    def store(self, connection: Connection, nonces: Nonces) -> None:
        """Write the next nonces."""
        changes = [{"b_address": name, "next_nonce": nonce} for name, nonce in nonces.items() if nonce is not None]
        if changes:
            connection.execute(update(signers).where(signers.c.address == bindparam("b_address")), changes)

    def signature(self, row: Row, terms: Terms, nonces: Nonces) -> dict[str, Any]:
        """The columns of a signed row, or none without key or nonce; takes the next nonce unless the row has one."""
        signer = self.keys(row["signer"])
        nonce = row["nonce"] if row["nonce"] is not None else nonces[row["signer"]]
        if signer is None or nonce is None:
            return {}
        raw, tx_hash = sign(
            signer,
            chain_id=terms.chain_id,
            nonce=nonce,
            to=row["to"],
            data=row["data"],
            value=int(row["value"]),
            gas=row["gas"],
            fee=terms.fee,
        )
        if row["nonce"] is None:
            nonces[row["signer"]] = nonce + 1
        return {
            "nonce": nonce,
            "raw": raw,
            "tx_hash": tx_hash,
            "max_fee": terms.fee.max_fee,
            "tip": terms.fee.tip,
            "state": State.SIGNED,
        }

    def sign_waiting(self) -> int:
        """Sign what waits as queued, of signers whose key is unlocked now; how many were signed or failed.

        Raises:
            NodeUnavailable: the node does not answer.
        """
        return sum(self._sign_all_of(name) for name in sorted(self.waiting()) if self.keys(name) is not None)

    def waiting(self) -> set[Address]:
        """Signers of what waits as queued."""
        with reading(self._engine) as connection:
            return {Address(name) for name in connection.execute(_WAITING).scalars()}

    def busy(self, names: Iterable[str]) -> set[str]:
        """Signers with acts that are signed and not mined: what is tried out now is tried without those."""
        on_their_way = outbox.c.state.in_([State.SIGNED, State.SENT])
        query = select(outbox.c.signer).where(on_their_way, outbox.c.signer.in_(sorted(names))).distinct()
        with reading(self._engine) as connection:
            return set(connection.execute(query).scalars())

    def _sign_all_of(self, name: Address) -> int:
        done, after = 0, 0
        while True:
            is_busy = bool(self.busy([name]))  # asked before trying out: what is mined since only makes us wait longer
            query = select(outbox).where(outbox.c.signer == name, outbox.c.state == State.QUEUED, outbox.c.id > after)
            with reading(self._engine) as connection:
                rows = (
                    connection.execute(query.order_by(outbox.c.id).limit(_TRIES if is_busy else GROUP)).mappings().all()
                )
            if not rows:
                return done
            after = rows[-1]["id"]
            signed = self._sign_rows(name, rows, is_busy)
            done += signed
            if signed < len(rows):
                return done

    def _sign_rows(self, name: Address, rows: Sequence[Row], is_busy: bool) -> int:
        """Sign rows in their order, until one about which nothing can be said yet."""
        untried = [row for row in rows if row["gas"] is None]
        calls = [Call(name, row["to"], row["data"], int(row["value"])) for row in untried]
        estimates = estimate_gas(self._node, calls, self._rejection)
        gas = {row["id"]: row["gas"] for row in rows}
        gas |= {row["id"]: estimate for row, estimate in zip(untried, estimates, strict=True)}
        terms = self.terms([name])
        if terms is None:
            return 0
        self._trace("sign")
        changes: list[dict[str, Any]] = []
        with writing(self._engine) as connection:
            nonces = self.hold(connection, {name}, terms)
            still = select(outbox.c.id).where(outbox.c.id.in_(gas), outbox.c.state == State.QUEUED)
            waiting = set(connection.execute(still).scalars())  # another process may have been here first
            for row in rows:
                if row["id"] in waiting:
                    change = self._change(row, gas[row["id"]], terms, nonces, is_first=not (is_busy or changes))
                    if not change:
                        break
                    changes.append(change)
            if changes:
                connection.execute(update(outbox).where(outbox.c.id == bindparam("b_id")), changes)
            self.store(connection, nonces)
            self._trace("sign:commit")
        self._trace("signed")
        return len(changes)

    def _change(
        self, row: Row, gas: int | Failure | NodeRejected, terms: Terms, nonces: Nonces, *, is_first: bool
    ) -> dict[str, Any]:
        """What becomes of a row that waited: signed, failed, or nothing yet.

        It fails only if it is the signer's first to come: else it may depend on one before it. And a refusal of the
        node itself, for want of funds, say, may pass.
        """
        always = {"b_id": row["id"], "updated_at": time()}
        if isinstance(gas, int):
            signed = self.signature({**row, "gas": gas}, terms, nonces)
            return signed and {**always, **signed, **NO_FAILURE, "gas": gas, "settled": False}
        if isinstance(gas, NodeRejected) or not is_first:
            return {}
        unsigned = {"nonce": None, "raw": None, "tx_hash": None, "max_fee": None, "tip": None, "gas": None}
        failed = failure_columns(gas.name, gas.values, gas.text)
        return {**always, **unsigned, **failed, "state": State.FAILED, "settled": True}


def _insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows that are not there yet."""
    if connection.dialect.name == "postgresql":
        connection.execute(postgresql.insert(table).on_conflict_do_nothing(), rows)
    else:
        connection.execute(sqlite.insert(table).on_conflict_do_nothing(), rows)
