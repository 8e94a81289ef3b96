"""Consents that patients signed off the ledger, as lists and decisions take them (`gateway.consents.collected` has read
them).

    >>> [one.collector for one in signed_helping(gateway, ana.address, grantees, categories, purposes, at=now)]
    ['0x...']

What is found here permits nothing; it is what the chain is asked about.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, or_, select, tuple_

from gateway.consents.collected import Collected, collected_at, consents, lists
from gateway.consents.collecting import consent_in
from gateway.database import reading
from ledger import events
from ledger.client import signed_consent_basis
from ledger.codes import Category, Role
from ledger.index import MOST_BASES, IndexedConsent
from ledger.positions import Position
from ledger.types import Address, Basis, address_of, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

_BEHIND = 10_000_000
"""Higher than any log index: what was signed stands behind the events of its list's block."""
_AT_ONCE = 1_000
"""Patients in one question."""
_NUMBERED = (1 << 16).to_bytes(32, "big")
"""The first scope that is no consent's number."""
_ANY = select(consents.c.root).limit(1)
_OF_PATIENT = select(consents.c.root).where(consents.c.patient == bindparam("patient")).limit(1)
"""Built once: every open asks it, and for most that is all."""
_MOST_PROOFS = 4
"""Signed consents offered to a decision, of the sixteen bases that it takes: a proof is some kilobytes."""


@dataclass(frozen=True, slots=True)
class SignedConsent(IndexedConsent):
    """A consent that its patient signed, off the ledger.

    `terms` let nobody write: for that the ledger asks for a consent that was granted on it.
    """

    collector: Address
    """The organization that anchored the list."""
    root: bytes
    """Of the list."""
    index: int
    """Its place in the list."""

    @property
    def name(self) -> bytes:
        """Her consents may be signed twice under one id, on different terms; this tells them apart."""
        return self.consent_id + self.root + self.index.to_bytes(4, "big")


def signed_helping(
    gateway: "Gateway",
    patient: Address,
    grantees: Sequence[Address],
    categories: Category,
    purposes: int,
    at: int,
    *,
    record: bytes = b"",
) -> list[SignedConsent]:
    """At most 16 signed consents that may help one of the grantees, those that cover all categories first: live, for
    one of the purposes (a mask), touching a category, and not for one other record than `record` alone."""
    if not _is_any_of(gateway, patient):
        return []
    condition = _live(at) & _between(patient, grantees)
    condition &= consents.c.purposes.op("&")(purposes) != 0
    condition &= consents.c.categories.op("&")(int(categories)) != 0
    condition &= or_(consents.c.scope < _NUMBERED, consents.c.scope == record)
    found = _page(gateway, condition, MOST_BASES, None, is_wanted=_is_not_withdrawn)
    return sorted(found, key=lambda one: bool(categories & ~one.terms.categories))


def signed_numbers(gateway: "Gateway", patient: Address, grantee: Address) -> list[int]:
    """The numbers under which she has signed for a grantee."""
    numbered = _between(patient, [grantee]) & (consents.c.scope < _NUMBERED) & consents.c.counts
    with reading(gateway.database) as connection:
        scopes = connection.execute(select(consents.c.scope).where(numbered)).scalars()
        return [int.from_bytes(scope, "big") for scope in scopes]


def signed_between(gateway: "Gateway", patient: Address, grantees: Sequence[Address]) -> list[SignedConsent]:
    """A few of the newest that she signed for one of the grantees, whether they help or not."""
    if not _is_any_of(gateway, patient):
        return []
    return signed_where(gateway, _between(patient, grantees), _MOST_PROOFS, None)


def signed_bases(gateway: "Gateway", helping: Iterable[SignedConsent]) -> list[Basis]:
    """The first few signed consents as a decision takes them, each with its proof."""
    found = filter(None, (proof_of(gateway, one) for one in islice(helping, _MOST_PROOFS)))
    return [signed_consent_basis(one.signed, one.batch.root, one.path) for one in found]


def proof_of(gateway: "Gateway", consent: SignedConsent) -> Collected | None:
    """What she signed, and its path to the anchored root; None: its list is not on the chain any more."""
    return collected_at(gateway, consent.root, consent.index)


def signed_grantees_of(
    gateway: "Gateway", subjects: Collection[tuple[Address, Category]], at: int
) -> dict[tuple[Address, Category], list[Address]]:
    """Whose live signed consent covers every new record of a patient and these categories; subjects without any are
    left out."""
    found: dict[tuple[Address, Category], list[Address]] = {}
    with reading(gateway.database) as connection:
        if connection.execute(_ANY).first() is None:
            return found  # thousands of patients need not be looked for
    by_patient: dict[Address, list[Category]] = {}
    for patient, categories in subjects:
        by_patient.setdefault(patient, []).append(categories)
    rest = iter(by_patient)
    while some := list(islice(rest, _AT_ONCE)):
        patients = consents.c.patient.in_(list(map(raw, some)))
        query = _query().where(patients, _live(at), consents.c.scope < _NUMBERED)
        with reading(gateway.database) as connection:
            rows = connection.execute(query).all()
        for one in _standing(gateway, rows):
            for categories in by_patient[one.patient]:
                if not one.withdrawn and not categories & ~one.terms.categories:
                    found.setdefault((one.patient, categories), []).append(one.grantee)
    return found


def signed_ending(
    gateway: "Gateway", condition: ColumnElement[bool], after: Position, limit: int
) -> list[SignedConsent]:
    """Signed consents that meet a condition on their row and were not withdrawn, oldest first; if fewer than `limit`,
    these are all."""
    return _page(gateway, condition, limit, after, is_wanted=_is_not_withdrawn, oldest_first=True)


def signed_where(
    gateway: "Gateway", condition: ColumnElement[bool], limit: int, before: Position | None
) -> list[SignedConsent]:
    """Signed consents that count, newest first."""
    return _page(gateway, condition, limit, before)


def _page(
    gateway: "Gateway",
    condition: ColumnElement[bool],
    limit: int,
    start: Position | None,
    *,
    is_wanted: Callable[[SignedConsent], bool] = lambda _: True,
    oldest_first: bool = False,
) -> list[SignedConsent]:
    """Those that follow a position, as many as are wanted or there are."""
    found: list[SignedConsent] = []
    place = (start[0], start[1] - _BEHIND) if start else None
    each = (consents.c.block_number, consents.c.place)
    while True:
        query = _query().where(consents.c.counts, condition)
        if place is not None:
            query = query.where(tuple_(*each) > tuple_(*place) if oldest_first else tuple_(*each) < tuple_(*place))
        query = query.order_by(*(each if oldest_first else (one.desc() for one in each))).limit(limit)
        with reading(gateway.database) as connection:
            rows = connection.execute(query).all()
        found += filter(is_wanted, _standing(gateway, rows))
        if len(found) >= limit or len(rows) < limit:
            return found[:limit]
        place = (rows[-1].block_number, rows[-1].place)


def _query() -> Select[Any]:
    """Each signed consent where it was anchored first."""
    earlier = consents.alias()
    again = select(earlier.c.root).where(
        earlier.c.consent_id == consents.c.consent_id,
        earlier.c.content == consents.c.content,
        tuple_(earlier.c.block_number, earlier.c.place) < tuple_(consents.c.block_number, consents.c.place),
    )
    joined = select(consents, lists.c.author).join(lists, lists.c.root == consents.c.root)
    return joined.where(~again.exists())


def _standing(gateway: "Gateway", rows: Sequence[Row[Any]]) -> list[SignedConsent]:
    """Those that count still: of a patient, and under no number that she has granted on the ledger since."""
    if not rows:
        return []
    ids = [row.consent_id for row in rows]
    with reading(gateway.ledger_database) as connection:
        granted, withdrawn = (
            set(connection.execute(select(table.c.consent_id).where(table.c.consent_id.in_(ids))).scalars())
            for table in (events.consents, events.withdrawals)
        )
    known = cache(gateway.index.participant)
    found = []
    for row in rows:
        who = known(address_of(row.patient))
        if row.consent_id in granted or who is None or not who.roles & Role.PATIENT:
            continue
        signed = consent_in(row.content)
        found.append(
            SignedConsent(
                consent_id=row.consent_id,
                patient=signed.patient,
                grantee=signed.grantee,
                scope=signed.scope,
                terms=replace(signed.terms, may_write=False),
                document=signed.document,
                withdrawn=row.consent_id in withdrawn,
                position=(row.block_number, _BEHIND + row.place),
                collector=address_of(row.author),
                root=row.root,
                index=row.position,
            )
        )
    return found


def _is_any_of(gateway: "Gateway", patient: Address) -> bool:
    with reading(gateway.database) as connection:
        return connection.execute(_OF_PATIENT, {"patient": raw(patient)}).first() is not None


def _between(patient: Address, grantees: Sequence[Address]) -> ColumnElement[bool]:
    return (consents.c.patient == raw(patient)) & consents.c.grantee.in_(list(map(raw, grantees)))


def _is_not_withdrawn(one: SignedConsent) -> bool:
    return not one.withdrawn


def _live(at: int) -> ColumnElement[bool]:
    return consents.c.counts & (consents.c.not_before <= at) & (consents.c.expiry > at)
