"""The index's part of a decision, on the path that every open takes: which record, on whose behalf, by which consents.

What is found here permits nothing; it is what the chain is asked about. The statements are built once: composing one
takes longer than running it.
"""

from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, and_, bindparam, func, or_, select

from gateway.consents.signed import signed_bases, signed_between, signed_helping
from gateway.located import PROFESSIONAL, Located
from ledger import events
from ledger.care import break_glass_basis, delegation_basis
from ledger.codes import BasisKind, Category, Purpose
from ledger.database import reading
from ledger.index import MOST_BASES
from ledger.positions import newest_first, oldest_first
from ledger.types import Address, AnchorProof, Basis, Subject, address_of, raw

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.services import Gateway

_records, _consents, _withdrawals = events.records, events.consents, events.withdrawals
_registrations, _roles, _memberships = events.registrations, events.role_changes, events.memberships

_RECORD = (
    select(_records.c.patient, _records.c.author, _records.c.categories)
    .where(_records.c.digest == bindparam("digest"))
    .order_by(*newest_first(_records))
    .limit(1)
)
_NEWEST_ROLES = (
    select(_roles.c.roles)
    .where(_roles.c.participant == _registrations.c.participant)
    .order_by(*newest_first(_roles))
    .limit(1)
    .scalar_subquery()
)
_PARTICIPANT = (
    select(_registrations.c.organization, func.coalesce(_NEWEST_ROLES, _registrations.c.roles).label("roles"))
    .where(_registrations.c.participant == bindparam("who"))
    .order_by(_registrations.c.block_number.desc())
    .limit(1)
)
_MEMBERSHIPS = (
    select(_memberships.c.team, _memberships.c.joined)
    .where(_memberships.c.member == bindparam("who"))
    .order_by(*oldest_first(_memberships))
)
_IS_WITHDRAWN = select(_withdrawals.c.consent_id).where(_withdrawals.c.consent_id == _consents.c.consent_id).exists()
_MINE = and_(
    _consents.c.patient == bindparam("patient"), _consents.c.grantee.in_(bindparam("grantees", expanding=True))
)
_NEWEST_CONSENTS = select(_consents.c.grantee, _consents.c.scope).order_by(
    _consents.c.block_number.desc(), _consents.c.log_index.desc()
)
_HELPFUL = _NEWEST_CONSENTS.where(
    _MINE,
    _consents.c.not_before <= bindparam("at"),
    _consents.c.expiry > bindparam("at"),
    _consents.c.purposes.op("&")(bindparam("purposes")) != 0,
    _consents.c.categories.op("&")(bindparam("categories")) != 0,
    or_(_consents.c.scope < bindparam("numbered"), _consents.c.scope == bindparam("digest")),
    ~_IS_WITHDRAWN,
).limit(MOST_BASES)
_OTHERS = _NEWEST_CONSENTS.where(_MINE).limit(MOST_BASES)

_STANDING = (
    select(_consents.c.grantee)
    .where(
        _consents.c.patient == bindparam("patient"),
        _consents.c.not_before <= bindparam("at"),
        _consents.c.expiry > bindparam("at"),
        _consents.c.categories.op("&")(bindparam("categories")) == bindparam("categories"),
        _consents.c.scope < bindparam("numbered"),
        ~_IS_WITHDRAWN,
    )
    .distinct()
    .limit(bindparam("most"))
)

_NUMBERED = (1 << 16).to_bytes(32, "big")
"""The first scope that is no consent's number."""


def find_single(gateway: "Gateway", digest: bytes) -> Located | None:
    """A record that was anchored by itself."""
    with reading(gateway.ledger_database) as connection:
        row = connection.execute(_RECORD, {"digest": digest}).one_or_none()
    if row is None:
        return None
    subject = Subject(address_of(row.patient), Category(row.categories))
    return Located(digest, subject, address_of(row.author), AnchorProof())


def find_bases(gateway: "Gateway", reader: Address, located: Located, purpose: Purpose, at: int) -> list[Basis]:
    """At most 16 bases that may help the decision: a delegation, a broken glass, and consents, signed or granted; with
    none of these the newest others, so that it can say why not."""
    purposes = 0
    for granted in purpose.covered_by():
        purposes |= granted.bit
    patient, categories = located.subject.patient, located.subject.categories
    with reading(gateway.ledger_database) as connection:
        grantees = _grantees(connection, raw(reader))
        named = [address_of(one) for one in grantees]
        signed = signed_helping(gateway, patient, named, categories, purposes, at, record=located.digest)
        pair = {"patient": raw(patient), "grantees": grantees}
        asked = {
            **pair,
            "at": at,
            "purposes": purposes,
            "categories": int(categories),
            "numbered": _NUMBERED,
            "digest": located.digest,
        }
        rows = connection.execute(_HELPFUL, asked).all()
        if not rows and not signed:
            rows = connection.execute(_OTHERS, pair).all()
            signed = signed_between(gateway, patient, named)
    # These need no looking up: the ledger has one word for whom she named and one for who broke the glass, and it says
    # why they do not help better than their absence would.
    offered = [delegation_basis(reader), break_glass_basis(reader)]
    return [*offered, *signed_bases(gateway, signed), *(_basis(row) for row in rows)][:MOST_BASES]


def standing_grantees(gateway: "Gateway", patient: Address, categories: Category, at: int, most: int) -> list[Address]:
    """Whose live consent, for whatever purpose, covers every record of these categories; one for a single other record
    does not."""
    asked = {
        "patient": raw(patient),
        "at": at,
        "categories": int(categories),
        "numbered": _NUMBERED,
        "most": most,
    }
    with reading(gateway.ledger_database) as connection:
        return [address_of(grantee) for grantee in connection.execute(_STANDING, asked).scalars()]


def grantees_of(gateway: "Gateway", person: Address) -> list[Address]:
    """Whose consents help this person: her own, her teams' and, if she acts for it, her organization's."""
    with reading(gateway.ledger_database) as connection:
        return [address_of(one) for one in _grantees(connection, raw(person))]


def _grantees(connection: "Connection", who: bytes) -> list[bytes]:
    participant = connection.execute(_PARTICIPANT, {"who": who}).one_or_none()
    grantees = [who]
    if participant is not None and participant.organization != who and participant.roles & PROFESSIONAL:
        grantees.append(participant.organization)
    joined: dict[bytes, bool] = {}
    for team, joins in connection.execute(_MEMBERSHIPS, {"who": who}):
        joined[team] = joins
    return [*grantees, *(team for team, joins in joined.items() if joins)]


def _basis(row: Row[Any, Any]) -> Basis:
    return Basis(BasisKind.CONSENT, address_of(row.grantee), row.scope)
