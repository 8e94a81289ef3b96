"""Who is told of a broken glass: the patient and her delegates at once, auditors that there is something to judge, and
all whom it concerns how it was judged. Straight from the ledger's events: nothing can be lost on the way.

>>> breakglass_notices(gateway, ana.address, limit=50, before=None)[0].kind
'glass-broken'
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, Table, and_, or_, select

from gateway.notices.notice import Notice
from gateway.notices.sentences import moment
from ledger import events_care
from ledger.codes import EmergencyReason, ReviewOutcome, Role
from ledger.database import reading
from ledger.index import Position
from ledger.index_care import CareIndex
from ledger.types import Address, address_of

if TYPE_CHECKING:
    from gateway.services import Gateway

REASONS: Mapping[EmergencyReason, str] = {
    EmergencyReason.UNRESPONSIVE: "the patient could not respond",
    EmergencyReason.CANNOT_DECIDE: "the patient could not decide",
    EmergencyReason.LIFE_IN_DANGER: "life was in danger",
    EmergencyReason.DELAY_HARMS: "waiting would have done harm",
}
OUTCOMES: Mapping[ReviewOutcome, str] = {
    ReviewOutcome.JUSTIFIED: "it was justified",
    ReviewOutcome.UNJUSTIFIED: "it was not justified",
    ReviewOutcome.UNCLEAR: "it stays unclear whether it was justified",
}

_openings, _reviews = events_care.openings, events_care.reviews


def breakglass_notices(gateway: "Gateway", person: Address, limit: int, before: Position | None) -> list[Notice]:
    """The newest of them for a person, at most `limit` of each kind."""
    found: list[Notice] = []
    with reading(gateway.ledger_database) as connection:
        for query, table, notice in _sources(gateway, person):
            if before is not None:
                same = and_(table.c.block_number == before[0], table.c.log_index < before[1])
                query = query.where(or_(table.c.block_number < before[0], same))
            newest = query.order_by(table.c.block_number.desc(), table.c.log_index.desc()).limit(limit)
            found += [notice(row) for row in connection.execute(newest)]
    return found


def of_opening(reason: EmergencyReason, until: int, *, whose: str, repeated: bool) -> str:
    """A broken glass as a sentence, with `{who}` where the clinician's name goes.

    Args:
        whose: such as "your".
    """
    text = f"{{who}} opened {whose} records in an emergency, until {moment(until)}: {REASONS[reason]}."
    return f"{text} It was not the first time within a week." if repeated else text


def _sources(gateway: "Gateway", person: Address) -> Iterator[tuple[Select[Any], Table, Callable[[Row[Any]], Notice]]]:
    me = bytes.fromhex(person[2:])
    yield select(_openings).where(_openings.c.patient == me), _openings, _over_me
    delegations = CareIndex(gateway.ledger_database).delegations_to(person, at=int(gateway.clock()))
    if delegations:
        patients = [bytes.fromhex(one.patient[2:]) for one in delegations]
        theirs = and_(_openings.c.patient.in_(patients), _openings.c.clinician != me)
        yield select(_openings).where(theirs), _openings, _over_whom_i_act_for
    yield select(_reviews).where(_reviews.c.patient == me), _reviews, _judged_over_me
    yield select(_reviews).where(_reviews.c.clinician == me), _reviews, _judged_me
    known = gateway.index.participant(person)
    if known is not None and known.roles & Role.AUDITOR:
        others = and_(_openings.c.patient != me, _openings.c.clinician != me)
        yield select(_openings).where(others), _openings, _to_judge


def _over_me(row: Row[Any]) -> Notice:
    text = of_opening(EmergencyReason(row.reason), row.until, whose="your", repeated=row.repeated)
    text += " An auditor will judge it."
    return Notice(_place(row), "glass-broken", address_of(row.clinician), _about(row), text)


def _over_whom_i_act_for(row: Row[Any]) -> Notice:
    text = of_opening(EmergencyReason(row.reason), row.until, whose="{other}'s", repeated=row.repeated)
    clinician, patient = address_of(row.clinician), address_of(row.patient)
    return Notice(_place(row), "glass-broken", clinician, _about(row), text, patient)


def _to_judge(row: Row[Any]) -> Notice:
    again = ", not for the first time within a week" if row.repeated else ""
    text = f"{{who}} broke the glass{again}: judge it once it is over, on {moment(row.until)}."
    return Notice(_place(row), "glass-to-review", address_of(row.clinician), _about(row), text)


def _judged_over_me(row: Row[Any]) -> Notice:
    text = f"{{who}} judged that {{other}} opened your records in an emergency: {OUTCOMES[ReviewOutcome(row.outcome)]}."
    auditor, clinician = address_of(row.auditor), address_of(row.clinician)
    return Notice(_place(row), "glass-reviewed", auditor, _about(row), text, clinician)


def _judged_me(row: Row[Any]) -> Notice:
    text = (
        f"{{who}} judged that you opened a patient's records in an emergency: {OUTCOMES[ReviewOutcome(row.outcome)]}."
    )
    return Notice(_place(row), "glass-reviewed", address_of(row.auditor), _about(row), text)


def _about(row: Row[Any]) -> str:
    """Patient, clinician and number, as `/v1/emergency/openings` names it."""
    return f"{row.patient.hex()}{row.clinician.hex()}{row.number:04x}"


def _place(row: Row[Any]) -> Position:
    return row.block_number, row.log_index
