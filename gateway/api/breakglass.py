"""Emergencies: the patient's preference, breaking the glass, who did, and what auditors say of it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from gateway.api.models import (
    ActOut,
    AddressField,
    AnyCategoryNames,
    In,
    Out,
    categories_of,
)
from gateway.api.paging import Cursor, Limit, Page, cursor_of, link_next, next_of, position_of
from gateway.consents.delegates import require
from gateway.emergencies import breakglass
from gateway.emergencies.breakglass import Standing
from gateway.errors import NotFound
from gateway.identity.names import visible_names
from gateway.notices.breakglass import OUTCOMES, of_opening
from gateway.notices.sentences import short
from gateway.sending import send
from gateway.services import Gateway
from gateway.web.deps import Caller, CallerDep, ErrandDep, GatewayDep
from gateway.web.once import OnceRoute
from ledger.care import MOST_HOURS
from ledger.codes import EmergencyReason, Power, ReviewOutcome, Role
from ledger.types import Address

router = APIRouter(prefix="/v1/emergency", tags=["emergencies"], route_class=OnceRoute)
reading = APIRouter(prefix="/v1/emergency", tags=["emergencies"])
"""What gives a report out: its answers are kept nowhere."""

Number = Annotated[int, Path(ge=1, le=65_535, description="Which of the clinician's openings over this patient.")]


EmergencyReasonName = Literal["unresponsive", "cannot-decide", "life-in-danger", "delay-harms"]


def emergency_reason_of(name: str) -> EmergencyReason:
    """A reason from its name."""
    return EmergencyReason[name.upper().replace("-", "_")]


class PreferenceIn(In):
    """What an emergency may open."""

    categories: AnyCategoryNames = Field(description="None: nothing. Sensitive ones only if named.")
    over_denials: bool = Field(
        default=False, strict=True, description="Also for whom the patient denies: a life counts more than the denial."
    )


class PreferenceOut(Out):
    categories: list[str]
    over_denials: bool


class GlassIn(In):
    patient: AddressField
    reason: EmergencyReasonName
    hours: int = Field(ge=1, le=MOST_HOURS, strict=True, description="After which it is over by itself.")


class ReviewIn(In):
    outcome: Literal["justified", "unjustified", "unclear"]
    report: str = Field(min_length=1, max_length=breakglass.MOST_REPORT, description="Sealed for those concerned.")


class OpeningOut(Out):
    """One time that the glass was broken."""

    patient: str
    patient_name: str | None
    clinician: str
    clinician_name: str | None
    number: int
    reason: str
    opened_at: int
    until: int
    is_open: bool
    repeated: bool = Field(description="Not the first time within a week, by this clinician over this patient.")
    outcome: str | None = Field(description="justified, unjustified or unclear; null: not judged yet")
    auditor: str | None
    sentence: str
    cursor: str


class ReportOut(Out):
    report: str


@router.get("/preference", summary="What an emergency may open of the caller's")
def preference(caller: CallerDep) -> PreferenceOut:
    her = caller.participant
    return PreferenceOut(categories=her.emergency.labels(), over_denials=her.over_denials)


@router.put("/preference", summary="Say what an emergency may open")
def set_preference(body: PreferenceIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """By the patient. It counts from the next decision on, also for a glass that is broken already."""
    caller.require_role(Role.PATIENT)
    act = gateway.ledger.acts.set_preferences(
        emergency=categories_of(body.categories),
        barred_authors=caller.participant.barred_authors,
        over_denials=body.over_denials,
    )
    return ActOut.of(send(gateway, act, signer=caller.identity.address, errand=errand))


@router.post("/openings", summary="Break the glass", status_code=201)
def break_glass(body: GlassIn, caller: CallerDep, gateway: GatewayDep, errand: ErrandDep) -> ActOut:
    """By emergency staff: with a reason, for some hours. The patient and her delegates are told at once, and an auditor
    judges it. Records are then opened as ever, for the purpose BTG or ETREAT."""
    caller.require_role(Role.EMERGENCY)
    reason = emergency_reason_of(body.reason)
    patient = Address(body.patient)
    entry = breakglass.break_glass(gateway, caller.identity, patient, reason, hours=body.hours, errand=errand)
    return ActOut.of(entry)


@router.get("/openings", summary="Who broke the glass")
def openings(
    request: Request,
    response: Response,
    caller: CallerDep,
    gateway: GatewayDep,
    patient: Annotated[AddressField | None, Query(description="For her delegates: over whom.")] = None,
    mine: Annotated[bool, Query(description="Those by the caller; default: over the caller.")] = False,
    to_review: Annotated[bool, Query(description="To auditors: what is over and nobody has judged.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[OpeningOut]:
    """Newest first."""
    before = position_of(cursor)
    if to_review:
        caller.require_role(Role.AUDITOR)
        found = breakglass.to_review(gateway, limit, before)
    elif mine:
        found = breakglass.openings_by(gateway, caller.address, limit, before)
    else:
        over = Address(patient or caller.address)
        if over != caller.address:
            require(gateway, caller.address, over, Power(0xFF))
        found = breakglass.openings_over(gateway, over, limit, before)
    following = next_of(found, limit, lambda one: cursor_of(one.opening.position))
    link_next(request, response, following)
    return Page(items=shown(gateway, caller.address, found), next=following)


@router.post("/openings/{patient}/{clinician}/{number}/review", summary="Judge an opening", status_code=201)
def review(
    patient: AddressField,
    clinician: AddressField,
    number: Number,
    body: ReviewIn,
    caller: CallerDep,
    gateway: GatewayDep,
    errand: ErrandDep,
) -> ActOut:
    """By an auditor who was not involved, once it is over. The judgement is on the ledger; the report is sealed for the
    auditor, the patient and the clinician, and its digest is on the ledger too."""
    caller.require_role(Role.AUDITOR)
    opening = breakglass.find(gateway, Address(patient), Address(clinician), number).opening
    outcome = ReviewOutcome[body.outcome.upper()]
    return ActOut.of(breakglass.review(gateway, caller.identity, opening, outcome, body.report, errand=errand))


@reading.get("/openings/{patient}/{clinician}/{number}/report", summary="The report of a review")
def report(
    patient: AddressField, clinician: AddressField, number: Number, caller: CallerDep, gateway: GatewayDep
) -> ReportOut:
    """To the patient, the clinician and the auditor who wrote it; verified against the digest on the ledger."""
    opening = _concerned(gateway, caller, Address(patient), Address(clinician), number).opening
    return ReportOut(report=breakglass.open_report(gateway, caller.identity, opening))


def shown(gateway: Gateway, viewer: Address, found: list[Standing]) -> list[OpeningOut]:
    """Openings as answers."""
    people = {one for standing in found for one in (standing.opening.patient, standing.opening.clinician)}
    names = visible_names(gateway, viewer, people)
    return [_shown(standing, names, viewer) for standing in found]


def _shown(standing: Standing, names: dict[Address, str], viewer: Address) -> OpeningOut:
    one = standing.opening
    whose = "your" if one.patient == viewer else f"{names.get(one.patient) or short(one.patient)}'s"
    who = "You" if one.clinician == viewer else names.get(one.clinician) or short(one.clinician)
    sentence = of_opening(one.reason, one.until, whose=whose, repeated=one.repeated).format(who=who)
    judged = f"An auditor found: {OUTCOMES[one.outcome]}." if one.outcome else "No auditor has judged it yet."
    return OpeningOut(
        patient=one.patient,
        patient_name=names.get(one.patient),
        clinician=one.clinician,
        clinician_name=names.get(one.clinician),
        number=one.number,
        reason=one.reason.name.lower().replace("_", "-"),
        opened_at=standing.opened_at,
        until=one.until,
        is_open=standing.is_open,
        repeated=one.repeated,
        outcome=one.outcome.name.lower() if one.outcome else None,
        auditor=one.auditor,
        sentence=f"{sentence} {judged}",
        cursor=cursor_of(one.position),
    )


def _concerned(gateway: Gateway, caller: Caller, patient: Address, clinician: Address, number: int) -> Standing:
    found = breakglass.find(gateway, patient, clinician, number)
    if caller.address not in (patient, clinician, found.opening.auditor):
        raise NotFound("there is no such opening, or it is not for you to know of")
    return found
