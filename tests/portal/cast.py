"""People whom several of these tests need."""

from dataclasses import dataclass
from io import BytesIO
from time import time

from gateway.consents import asking
from gateway.prescriptions import issuing as prescriptions
from gateway.sending import Errand
from ledger.codes import Category, Purpose, Role, purposes_mask
from ledger.types import ConsentTerms, PrescriptionTerms
from tests.portal.reports import blood_count, medication, pdf
from tests.portal.served import WAIT, Portal, Somebody

CARE = Category.LABORATORY | Category.MEDICATION | Category.ENCOUNTER


@dataclass(frozen=True, slots=True)
class Household:
    """A patient with a bit of everything."""

    patient: Somebody
    doctor: Somebody
    """Whom she lets read and write."""
    stranger: Somebody
    """A doctor who proposes and asks."""
    reports: tuple[bytes, ...]
    """Digests of her two blood counts, the older one first."""
    letter: bytes
    prescription: bytes


def household(portal: Portal, name: str = "Paula Berg", doctor: str = "Dr Vera Lund") -> Household:
    """Make one: two blood counts, a letter, a prescription, a proposal, a question, a withdrawn consent, somebody
    kept out."""
    her = portal.patient(name)
    treating = portal.person(doctor, Role.PRACTITIONER | Role.PRESCRIBER)
    stranger = portal.person("Dr Sten Falk", Role.PRACTITIONER)
    portal.grant(her, treating.address, CARE, write=True)
    reports = tuple(
        portal.deposit(treating, her.address, blood_count(day, value), Category.LABORATORY, title=f"Blood count, {day}")
        for day, value in (("2025-03-01", 13.1), ("2025-09-01", 11.4))
    )
    letter = portal.deposit(
        treating, her.address, pdf(), Category.ENCOUNTER, title="Discharge letter", media_type="application/pdf"
    )
    portal.deposit(stranger, her.address, b"Please take this in.", Category.ENCOUNTER, media_type="text/plain")
    ask(portal, stranger, her)
    return Household(her, treating, stranger, reports, letter, prescribe(portal, treating, her))


def prescribe(portal: Portal, doctor: Somebody, patient: Somebody) -> bytes:
    """A prescription with two portions; its id."""
    now = int(time())
    terms = PrescriptionTerms(
        fills=2, quantity=60, per_fill=30, min_interval=0, not_before=now - 60, expiry=now + 90 * 86_400
    )
    header = portal.header(Category.MEDICATION, "Metformin")
    order = prescriptions.Order(patient.address, Category.MEDICATION, terms, header)
    issued = prescriptions.issue(portal.gateway, doctor.identity, order, BytesIO(medication()), Errand.new(WAIT))
    return issued.prescription


def ask(portal: Portal, asker: Somebody, patient: Somebody) -> bytes:
    """A question for laboratory results and medication, for a year; its id."""
    now = int(time())
    terms = ConsentTerms(
        Category.LABORATORY | Category.MEDICATION, purposes_mask(Purpose.TREAT), now, now + 365 * 86_400, False
    )
    asked = asking.ask(
        portal.gateway, asker.identity, patient.address, terms, "We plan your operation together.", Errand.new(WAIT)
    )
    return asked.question.id()
