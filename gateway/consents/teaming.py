"""Teams as grantees: whoever joins gets the key slips of what the team may read, whoever leaves loses them.

The patient may be asleep: the slips are made by the sealing key of the team's organization, kept here, or by a member
who is signed in here. Whether a member may read is decided by the ledger at each opening; from the block in which she
left on it denies, before any slip is removed.

>>> follow_rosters(gateway)          # a chore: every joining and leaving, by whatever way it came to the ledger
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table, and_, select

from gateway.bookmarks import Bookmark
from gateway.consents.consenting import take_back
from gateway.consents.given import given_to
from gateway.database import metadata, reading, writing
from gateway.slips.handing import hand_over_reach
from gateway.slips.reach import Holder, KeptKey, Reach
from gateway.slips.slips import MOST_GRANTEES, is_among
from ledger import events
from ledger.index import IndexedConsent
from ledger.positions import Position
from ledger.types import Address, address_of, raw

if TYPE_CHECKING:
    from gateway.services import Gateway

rosters_followed = Bookmark("rosters_followed")
"""How far the joinings and leavings have been gone through."""

roster_work = Table(
    "roster_work",
    metadata,
    Column("team", LargeBinary(20), primary_key=True),
    Column("member", LargeBinary(20), primary_key=True),
    Column("joined", Boolean, nullable=False),
    Column("block_number", BigInteger),
    Column("log_index", Integer),
)
"""Members whose slips are still to be made or removed; the place: the last consent of the team that was gone through,
newest first."""

_AT_ONCE = 100
"""Events, and consents, gone through in one round: other chores wait for no ward of a thousand patients."""


@dataclass(frozen=True, slots=True)
class _Work:
    team: Address
    member: Address
    joined: bool
    before: Position | None


def follow_rosters(gateway: "Gateway") -> None:
    """A chore: make the slips of members who joined, remove those of members who left, a portion at a time.

    Cut off anywhere, the next round goes on from there.
    """
    _note_changes(gateway)
    work = _next_work(gateway)
    if work is None:
        return
    consents = given_to(gateway, [work.team], _AT_ONCE, work.before)
    for consent in consents:
        if work.joined:
            welcome(gateway, consent, work.member)
        else:
            take_back(gateway, consent.patient, work.member)
    _done_until(gateway, work, consents[-1].position if len(consents) == _AT_ONCE else None)


def welcome(gateway: "Gateway", consent: IndexedConsent, member: Address) -> int:
    """Make the slips that a consent to a team calls for, for one member; how many were made.

    None for whom the patient denies, and none of a consent that has ended.
    """
    if consent.withdrawn or consent.terms.expiry <= gateway.clock() or consent.patient == member:
        return 0
    denied = gateway.index.denials_of(consent.patient, MOST_GRANTEES)
    if is_among(gateway, consent.grantee, denied) or is_among(gateway, member, denied):
        return 0
    reach = Reach.of(consent)
    return sum(hand_over_reach(gateway, reach, [member], holder) for holder in _custodians(gateway, consent.grantee))


def _custodians(gateway: "Gateway", team: Address) -> Iterator[Holder]:
    """Who can open what was sealed for the team: its organization, else members who are signed in here."""
    known = gateway.index.participant(team)
    if known is None:
        return
    sealing = gateway.custody.find(known.organization)
    if sealing is not None:
        yield KeptKey(known.organization, sealing)
    for member in gateway.index.members_of(team):
        held = gateway.sessions.unlocked(member)
        if held is not None:
            yield held


def _note_changes(gateway: "Gateway") -> None:
    """Take down who joined and who left since the last time; the newest word on a member counts."""
    changes = rosters_followed.behind(gateway, events.memberships, limit=_AT_ONCE)
    if not changes:
        return
    with writing(gateway.database) as connection:
        for change in changes:
            key = and_(roster_work.c.team == change.team, roster_work.c.member == change.member)
            connection.execute(roster_work.delete().where(key))
            connection.execute(
                roster_work.insert().values(team=change.team, member=change.member, joined=change.joined)
            )
        rosters_followed.move_in(connection, (changes[-1].block_number, changes[-1].log_index))


def _next_work(gateway: "Gateway") -> _Work | None:
    """Leavings first."""
    query = select(roster_work).order_by(roster_work.c.joined, roster_work.c.team, roster_work.c.member).limit(1)
    with reading(gateway.database) as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    before = None if row.block_number is None else (row.block_number, row.log_index)
    return _Work(address_of(row.team), address_of(row.member), bool(row.joined), before)


def _done_until(gateway: "Gateway", work: _Work, place: Position | None) -> None:
    """Remember how far a member's consents were gone through; None: all of them were."""
    key = and_(
        roster_work.c.team == raw(work.team),
        roster_work.c.member == raw(work.member),
        roster_work.c.joined == work.joined,
    )
    with writing(gateway.database) as connection:
        if place is None:
            connection.execute(roster_work.delete().where(key))
        else:
            connection.execute(roster_work.update().where(key).values(block_number=place[0], log_index=place[1]))
