"""Who is told of a broken glass: the patient and her delegates at once, auditors that there is something to judge, and
all whom it concerns how it was judged. Straight from the ledger's events: nothing can be lost on the way.

>>> breakglass_notices(gateway, ana.address, limit=50, before=None)[0].kind
'glass-broken'
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, Table, and_, select

from gateway.notices.notice import Notice
from gateway.notices.sentences import moment
from gateway.notices.told import Told
from ledger import events_care
from ledger.codes import EmergencyReason, ReviewOutcome, Role
from ledger.database import reading
from ledger.index_care import CareIndex
from ledger.positions import Position, newest_first, stands_before
from ledger.types import Address, address_of, raw

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
SENTENCES: Mapping[str, str] = {
    "opened-yours": "{who} opened your records in an emergency, until {when}: {reason}.",
    "opened-theirs": "{who} opened {other}'s records in an emergency, until {when}: {reason}.",
    "repeated": "It was not the first time within a week.",
    "to-be-judged": "An auditor will judge it.",
    "judge": "{who} broke the glass: judge it once it is over, on {when}.",
    "judge-again": "{who} broke the glass, not for the first time within a week: judge it once it is over, on {when}.",
    "judged-yours": "{who} judged that {other} opened your records in an emergency: {reason}.",
    "judged-you": "{who} judged that you opened a patient's records in an emergency: {reason}.",
}

_openings, _reviews = events_care.openings, events_care.reviews


def breakglass_notices(gateway: "Gateway", person: Address, limit: int, before: Position | None) -> list[Notice]:
    """The newest of them for a person, at most `limit` of each kind."""
    found: list[Notice] = []
    with reading(gateway.ledger_database) as connection:
        for query, table, notice in _sources(gateway, person):
            if before is not None:
                query = query.where(stands_before(table, before))
            newest = query.order_by(*newest_first(table)).limit(limit)
            found += [notice(row) for row in connection.execute(newest)]
    return found


def of_opening(reason: EmergencyReason, until: int, *, whose: str, repeated: bool) -> str:
    """A broken glass as a sentence, with `{who}` where the clinician's name goes.

    Args:
        whose: such as "your".
    """
    text = f"{{who}} opened {whose} records in an emergency, until {moment(until)}: {REASONS[reason]}."
    return f"{text} {SENTENCES['repeated']}" if repeated else text


def _sources(gateway: "Gateway", person: Address) -> Iterator[tuple[Select[Any], Table, Callable[[Row[Any]], Notice]]]:
    me = raw(person)
    yield select(_openings).where(_openings.c.patient == me), _openings, _over_me
    delegations = CareIndex(gateway.ledger_database).delegations_to(person, at=int(gateway.clock()))
    if delegations:
        patients = [raw(one.patient) for one in delegations]
        theirs = and_(_openings.c.patient.in_(patients), _openings.c.clinician != me)
        yield select(_openings).where(theirs), _openings, _over_whom_i_act_for
    yield select(_reviews).where(_reviews.c.patient == me), _reviews, _judged_over_me
    yield select(_reviews).where(_reviews.c.clinician == me), _reviews, _judged_me
    known = gateway.index.participant(person)
    if known is not None and known.roles & Role.AUDITOR:
        others = and_(_openings.c.patient != me, _openings.c.clinician != me)
        yield select(_openings).where(others), _openings, _to_judge


def _over_me(row: Row[Any]) -> Notice:
    return _notice(row, "glass-broken", row.clinician, [*_opened(row, "opened-yours"), _say("to-be-judged")])


def _over_whom_i_act_for(row: Row[Any]) -> Notice:
    return _notice(row, "glass-broken", row.clinician, _opened(row, "opened-theirs"), row.patient)


def _to_judge(row: Row[Any]) -> Notice:
    told = _say("judge-again" if row.repeated else "judge", when=row.until)
    return _notice(row, "glass-to-review", row.clinician, [told])


def _judged_over_me(row: Row[Any]) -> Notice:
    told = _say("judged-yours", reason=OUTCOMES[ReviewOutcome(row.outcome)])
    return _notice(row, "glass-reviewed", row.auditor, [told], row.clinician)


def _judged_me(row: Row[Any]) -> Notice:
    return _notice(
        row, "glass-reviewed", row.auditor, [_say("judged-you", reason=OUTCOMES[ReviewOutcome(row.outcome)])]
    )


def _opened(row: Row[Any], code: str) -> list[Told]:
    told = [_say(code, when=row.until, reason=REASONS[EmergencyReason(row.reason)])]
    return [*told, _say("repeated")] if row.repeated else told


def _say(code: str, **values: int | str) -> Told:
    return Told(SENTENCES[code], values)


def _notice(row: Row[Any], kind: str, who: bytes, told: list[Told], other: bytes | None = None) -> Notice:
    """A notice whose text is what is told, in English, with the braces of its people left in."""
    text = " ".join(one.text(who="{who}", other="{other}") for one in told)
    second = address_of(other) if other else None
    return Notice(_place(row), kind, address_of(who), _about(row), text, second, tuple(told))


def _about(row: Row[Any]) -> str:
    """Patient, clinician and number, as `/v1/emergency/openings` names it."""
    return f"{row.patient.hex()}{row.clinician.hex()}{row.number:04x}"


def _place(row: Row[Any]) -> Position:
    return row.block_number, row.log_index
