"""Prescriptions for those who write them and those whom they are for: issue, list, present, share, end."""

from io import BytesIO
from typing import Annotated, Literal

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from gateway.api.models import ActOut, AddressField, CategoryNames, DigestField, In, Out, categories_of
from gateway.api.paging import Cursor, Limit, Page, cursor_of, link_next, next_of, position_of
from gateway.api.prescription_models import (
    ChangeOut,
    DocumentIn,
    IssuedOut,
    PrescriptionOut,
    PresentedOut,
    TermsIn,
    TermsOut,
    pictured,
)
from gateway.clocks import beginning
from gateway.identity.names import visible_names
from gateway.prescriptions import issuing as prescriptions
from gateway.prescriptions import qr
from gateway.prescriptions.access import Listed, times_of
from gateway.prescriptions.refusals import ClaimRefused
from gateway.prescriptions.terms import terms_of
from gateway.sending import Errand
from gateway.services import Gateway
from gateway.web.deps import Caller, CallerDep, ErrandDep, GatewayDep, request_key
from gateway.web.once import OnceRoute
from gateway.web.problems import Kind, problem
from ledger.codes import Role
from ledger.types import Address

router = APIRouter(prefix="/v1/prescriptions", tags=["prescriptions"], route_class=OnceRoute)
bearer = APIRouter(prefix="/v1/prescriptions", tags=["prescriptions"])
"""What gives out a code: its answers are kept nowhere, so it is not among the requests that are remembered."""


class OrderIn(In):
    """A prescription to be issued."""

    patient: AddressField
    categories: CategoryNames = Field(default_factory=lambda: ["medication"])
    body: DocumentIn = Field(description="The FHIR MedicationRequest, or another document that says what it does.")
    terms: TermsIn = TermsIn()


class ShareIn(In):
    grantee: AddressField = Field(description="A pharmacy or a pharmacist whom the patient's consent names.")


class SharedOut(Out):
    slips: int = Field(description="How many people can read it by this.")


class PresentIn(In):
    fill: Annotated[int, Field(ge=1, le=12, strict=True)] | None = Field(
        default=None, description="Counted from 1; default: the one that is due."
    )
    picture: Literal["svg", "png"] | None = None


class PauseIn(In):
    paused: Annotated[bool, Field(strict=True)]


class PrescriptionWithHistory(Out):
    prescription: PrescriptionOut
    history: list[ChangeOut]


@router.post("", summary="Issue a prescription", status_code=201)
async def issue(
    request: Request, body: OrderIn, gateway: GatewayDep, caller: CallerDep, errand: ErrandDep
) -> IssuedOut:
    """By a prescriber whom the patient lets write. What it says and its terms are sealed for the patient, the
    prescriber and who may read it by consent; the ledger shows a commitment to them. Terms come from the
    MedicationRequest's `dispenseRequest` unless they are stated."""
    caller.require_role(Role.PRESCRIBER)
    mac = gateway.requests.mac(await request.body())
    return await run_in_threadpool(_issue, request, mac, body, gateway, caller, errand)


def _issue(request: Request, mac: bytes, body: OrderIn, gateway: Gateway, caller: Caller, errand: Errand) -> IssuedOut:
    categories = categories_of(body.categories)
    content = body.body.bytes_()
    resource = body.body.resource or {}
    order = resource if resource.get("resourceType") == "MedicationRequest" else None
    terms = terms_of(order, stated=body.terms.stated(), now=beginning(gateway))
    key = request_key(gateway, request, caller.address)
    known = gateway.requests.find(key, mac) if key else None

    def remember(terms_hash: bytes) -> None:
        if key is not None:
            gateway.requests.remember_sealed(key, mac, terms_hash)

    issued = prescriptions.issue(
        gateway,
        caller.identity,
        prescriptions.Order(Address(body.patient), categories, terms, body.body.header(gateway, categories)),
        BytesIO(content),
        errand,
        sealed_before=known.sealed if known else None,
        on_sealed=remember,
    )
    return IssuedOut(
        id=issued.prescription.hex(),
        digest=issued.opening.digest.hex(),
        terms=TermsOut.of(issued.opening.terms),
        act=ActOut.of(issued.entry),
    )


@router.get("", summary="List prescriptions")
def listed(
    request: Request,
    response: Response,
    gateway: GatewayDep,
    caller: CallerDep,
    patient: Annotated[AddressField | None, Query(description="Whose; default: the caller's own.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PrescriptionOut]:
    """A patient's own; a prescriber's issued ones; of a patient named, those that the caller has a slip of."""
    found = prescriptions.prescriptions_of(
        gateway,
        caller.identity,
        patient=Address(patient) if patient else None,
        limit=limit,
        before=position_of(cursor),
    )
    following = next_of(found, limit, lambda one: cursor_of(one.indexed.position))
    link_next(request, response, following)
    return Page(items=[_shown(gateway, caller, one) for one in found], next=following)


@router.get("/{prescription}", summary="One prescription and its history")
def one(prescription: DigestField, gateway: GatewayDep, caller: CallerDep) -> PrescriptionWithHistory:
    """Who claimed and dispensed it, when: for the patient, the prescriber and who has a slip of it."""
    name = bytes.fromhex(prescription)
    found = prescriptions.prescription_of(gateway, caller.identity, name)
    changes = prescriptions.history(gateway, name)
    names = visible_names(gateway, caller.address, {change.by for change in changes})
    times = times_of(gateway, changes)
    return PrescriptionWithHistory(
        prescription=_shown(gateway, caller, found),
        history=[ChangeOut.of(change, names, times[change.position[0]]) for change in changes],
    )


@bearer.post("/{prescription}/present", summary="Show a prescription at the counter")
def present(
    prescription: DigestField, body: PresentIn, gateway: GatewayDep, caller: CallerDep, response: Response
) -> PresentedOut:
    """By the patient: a code for one fill. Whoever holds it can have the fill claimed, once."""
    response.headers["Cache-Control"] = "no-store"
    fill = body.fill - 1 if body.fill is not None else None
    shown = prescriptions.present(gateway, caller.identity, bytes.fromhex(prescription), fill=fill)
    return presented_out(prescription, shown, body.picture)


def presented_out(prescription: str, shown: qr.Presentation, wanted: Literal["svg", "png"] | None) -> PresentedOut:
    """A code, with the picture that is wanted."""
    code = qr.encode(shown)
    picture = {"svg": qr.svg, "png": qr.png}[wanted](code) if wanted else None
    kind = {"svg": "image/svg+xml", "png": "image/png"}[wanted] if wanted else None
    image, image_type = pictured(picture, kind)
    return PresentedOut(id=prescription, fill=shown.fill + 1, code=code, image=image, image_type=image_type)


@router.post("/{prescription}/share", summary="Let a pharmacy see a prescription")
def share(prescription: DigestField, body: ShareIn, gateway: GatewayDep, caller: CallerDep) -> SharedOut:
    """By the patient, beside a consent: the pharmacy gets a slip, and claims without a code if the terms say so."""
    name = bytes.fromhex(prescription)
    return SharedOut(slips=prescriptions.share(gateway, caller.identity, name, Address(body.grantee)))


@router.post("/{prescription}/cancel", summary="Cancel what is not yet dispensed")
def cancel(prescription: DigestField, gateway: GatewayDep, caller: CallerDep, errand: ErrandDep) -> ActOut:
    """By the prescriber or the patient. While a pharmacy holds it, the cancellation is pending."""
    return ActOut.of(prescriptions.cancel(gateway, caller.identity, bytes.fromhex(prescription), errand))


@router.post("/{prescription}/void", summary="Declare a prescription entered in error")
def void(prescription: DigestField, gateway: GatewayDep, caller: CallerDep, errand: ErrandDep) -> ActOut:
    """By the prescriber, before anything was dispensed."""
    return ActOut.of(prescriptions.void(gateway, caller.identity, bytes.fromhex(prescription), errand))


@router.post("/{prescription}/pause", summary="Pause a prescription, or resume it")
def pause(
    prescription: DigestField, body: PauseIn, gateway: GatewayDep, caller: CallerDep, errand: ErrandDep
) -> ActOut:
    """By the prescriber, while nobody has claimed it."""
    name = bytes.fromhex(prescription)
    return ActOut.of(prescriptions.set_pause(gateway, caller.identity, name, errand, paused=body.paused))


@router.post("/{prescription}/settle", summary="Complete a pending cancellation")
def settle(prescription: DigestField, gateway: GatewayDep, caller: CallerDep, errand: ErrandDep) -> ActOut:
    """By anybody who is part of it, once the reservation that it waits for has lapsed."""
    return ActOut.of(prescriptions.settle(gateway, caller.identity, bytes.fromhex(prescription), errand))


def install(app: FastAPI) -> None:
    """Let an app answer with a claim's refusal in words."""
    app.add_exception_handler(ClaimRefused, _on_refused)


async def _on_refused(request: Request, failure: Exception) -> JSONResponse:
    assert isinstance(failure, ClaimRefused)
    kind = Kind(failure.status, f"prescription/{failure.reason}", "The prescription cannot be claimed or changed so")
    return problem(
        request,
        kind,
        failure.sentence,
        reason=failure.reason,
        prescription=failure.prescription.hex(),
        facts=failure.facts,
    )


def _shown(gateway: Gateway, caller: Caller, found: Listed) -> PrescriptionOut:
    people = {found.indexed.patient, found.indexed.prescriber}
    names = visible_names(gateway, caller.address, people)
    return PrescriptionOut.of(found, names, cursor_of(found.indexed.position))
