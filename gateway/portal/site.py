"""The portal as one app, mounted beside the API.

>>> mount(app, gateway)         # at /portal; / leads there
"""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles

from gateway.portal import (
    auditor,
    doctor,
    doctor_care,
    doctor_writing,
    emergency,
    for_prescriptions,
    for_proposals,
    for_sharing,
    laboratory,
    live,
    patient,
    patient_consents,
    patient_for,
    patient_granting,
    patient_looked,
    patient_more,
    patient_prescriptions,
    patient_proposals,
    pharmacist,
    problem_pages,
    researcher,
    signing_in,
)
from gateway.portal.desk import Desk
from gateway.portal.headers import Headers
from gateway.portal.laboratory_work import HandIns
from gateway.portal.language import load
from gateway.portal.sent import PREFIX
from gateway.portal.view import Portal
from gateway.portal.work import Work
from gateway.services import Gateway

ROUTERS: tuple[APIRouter, ...] = (
    signing_in.router,
    live.router,
    for_sharing.router,
    for_prescriptions.router,
    for_proposals.router,
    patient_for.router,
    patient_granting.router,
    patient_consents.router,
    patient_looked.router,
    patient_prescriptions.router,
    patient_proposals.router,
    patient_more.router,
    patient.router,
    doctor.router,
    doctor_care.router,
    doctor_writing.router,
    emergency.router,
    auditor.router,
    laboratory.router,
    pharmacist.router,
    researcher.router,
)
"""Every page."""


def mount(app: FastAPI, gateway: Gateway) -> None:
    """Put the portal into an app."""
    portal = FastAPI(title="Consent ledger portal", docs_url=None, redoc_url=None, openapi_url=None)
    desk = Desk(gateway.waiting, seconds=gateway.settings.session_absolute_seconds)
    shared = Portal(load(), desk)
    portal.state.gateway = gateway
    portal.state.portal = shared
    portal.state.work = Work(HandIns(gateway.waiting))
    app.state.portal = shared
    problem_pages.install(portal)
    for router in ROUTERS:
        portal.include_router(router)
    portal.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    portal.add_middleware(Headers)
    app.mount(PREFIX, portal, name="portal")
    app.add_api_route("/", _start, include_in_schema=False)


async def _start() -> RedirectResponse:
    return RedirectResponse(f"{PREFIX}/", 303)
