"""The portal's parts: for whom each is, and where its pages are."""

from dataclasses import dataclass

from gateway.portal.language import mark
from ledger.codes import Role


@dataclass(frozen=True, slots=True)
class Link:
    """A page in the navigation."""

    path: str
    title: str
    """English; said in the reader's language."""


@dataclass(frozen=True, slots=True)
class Area:
    """The pages for one kind of person."""

    slug: str
    roles: Role
    """Any of them opens it."""
    title: str
    links: tuple[Link, ...]
    """The first is its home."""


PATIENT = Area(
    "patient",
    Role.PATIENT,
    mark("My health records"),
    (
        Link("/portal/patient", mark("Home")),
        Link("/portal/patient/records", mark("My records")),
        Link("/portal/patient/sharing", mark("Who can see them")),
        Link("/portal/patient/looked", mark("Who looked")),
        Link("/portal/patient/prescriptions", mark("Prescriptions")),
        Link("/portal/patient/more", mark("More")),
    ),
)

DOCTOR = Area(
    "doctor",
    Role.PRACTITIONER | Role.PRESCRIBER,
    mark("Care"),
    (
        Link("/portal/doctor", mark("Patients")),
        Link("/portal/doctor/prescriptions", mark("What I prescribed")),
        Link("/portal/doctor/asked", mark("Asking for access")),
        Link("/portal/doctor/signatures", mark("Signatures")),
    ),
)
LABORATORY = Area("laboratory", Role.LABORATORY, mark("Laboratory"), (Link("/portal/laboratory", mark("Results")),))
PHARMACIST = Area(
    "pharmacist",
    Role.PHARMACIST,
    mark("Pharmacy"),
    (Link("/portal/pharmacist", mark("The counter")), Link("/portal/pharmacist/today", mark("Today"))),
)
EMERGENCY = Area("emergency", Role.EMERGENCY, mark("Emergency"), (Link("/portal/emergency", mark("Break the glass")),))
AUDITOR = Area(
    "auditor",
    Role.AUDITOR,
    mark("Audit"),
    (Link("/portal/auditor", mark("To judge")), Link("/portal/auditor/log", mark("The access log"))),
)
RESEARCHER = Area(
    "researcher",
    Role.RESEARCHER,
    mark("Gas"),
    (
        Link("/portal/researcher", mark("So far")),
        Link("/portal/researcher/measured", mark("Measured")),
        Link("/portal/researcher/projections", mark("Waiting lists")),
    ),
)

AREAS: tuple[Area, ...] = (PATIENT, DOCTOR, LABORATORY, PHARMACIST, EMERGENCY, AUDITOR, RESEARCHER)
"""In the order in which somebody of several roles sees them."""


def areas_of(roles: Role) -> list[Area]:
    """The parts of the portal that are for somebody."""
    return [area for area in AREAS if area.roles & roles]
