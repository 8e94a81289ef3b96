"""The demonstration's people in the midst of it, so that lists, tables and half-done work are there to be looked at."""

from typing import Any

from playwright.sync_api import FilePayload

from gateway import flow
from gateway.consents import consenting
from gateway.consents.acting import grant_for
from gateway.consents.delegating import Leave, name_delegate
from gateway.demo_life import furnish
from gateway.prescriptions import dispensing
from gateway.prescriptions.claims import Counter
from gateway.prescriptions.qr import decode
from gateway.sending import Errand
from ledger.codes import ORDINARY, SENSITIVE, Category, EmergencyReason, Power, Purpose, purposes_mask
from ledger.types import ConsentTerms
from tests.portal.browsing import Browsing
from tests.portal.reports import pdf
from tests.portal.served import WAIT, Portal
from tests.portal.working import code_of, lines, prescribe, result

TITLES = (
    *("Letter", "A record", "Amoxicillin", "One capsule three times a day", "capsules", "60 tablets", "Haemoglobin"),
    *("Cardiology", "Urology", "Day Case", "Inpatient", "Adult", "Child", "0-3 Months", "3-6 Months", "waiting.csv"),
)
"""What these people wrote, beside what the demonstration has them write."""
_WAITING = b"""Archive_Date,Specialty,Case_Type,Adult_Child,Age_Profile,Time_Bands,Total
2019-01-31,Cardiology,Day Case,Adult,16-64,0-3 Months,120
2019-02-28,Cardiology,Day Case,Adult,16-64,0-3 Months,100
2019-02-28,Urology,Inpatient,Child,0-15,3-6 Months,<5
2019-02-28,Urology,Inpatient,Child,0-15,3-6 Months,20,20
some day,Urology,Inpatient,Child,0-15,3-6 Months,20
"""


def live(portal: Portal) -> None:
    """A delegate who has acted, consents ended and withdrawn, somebody kept out, emergencies open and over, a
    prescription reserved and one dispensed, a record that two shall sign."""
    furnish(portal.gateway)
    gateway = portal.gateway
    patient, daughter, pharmacist = (portal.demo(handle) for handle in ("patient", "caregiver", "pharmacist"))
    now = int(gateway.clock())
    powers = Power.READ | Power.GRANT | Power.WITHDRAW | Power.PRESENT | Power.ACCEPT
    leave = Leave(powers, ORDINARY | SENSITIVE, now + 9_999_999)
    name_delegate(gateway, patient.identity, daughter.address, leave, Errand.new(WAIT))
    terms = ConsentTerms(Category.LABORATORY, purposes_mask(Purpose.CAREMGT), now, now + 9_999, may_write=False)
    clinic = portal.people["pharmacy-2"].address
    grant_for(gateway, daughter.identity, patient.address, clinic, terms, errand=Errand.new(WAIT))
    scope = portal.grant(patient, portal.people["pharmacy"].address, Category.MEDICATION)
    consenting.withdraw(gateway, patient.identity, portal.people["pharmacy"].address, scope, errand=Errand.new(WAIT))
    consenting.set_denial(gateway, patient.identity, portal.people["guardian"].address, True, errand=Errand.new(WAIT))
    portal.deposit(portal.demo("doctor"), patient.address, pdf(), Category.ENCOUNTER, title="Letter")
    portal.deposit(portal.demo("doctor-2"), patient.address, b"Seen.", Category.ENCOUNTER, media_type="text/plain")
    allergy = portal.deposit(patient, patient.address, b"None.", Category.PROBLEMS, media_type="text/plain")
    _emergencies(portal, allergy)
    for fills in (1, 2):
        shown = decode(code_of(portal, patient, prescribe(portal, patient, fills=fills)))
        if fills == 1:
            dispensing.dispense(gateway, pharmacist.identity, Counter(shown), 21, Errand.new(WAIT))
        else:
            dispensing.reserve(gateway, pharmacist.identity, Counter(shown), Errand.new(WAIT))


def _emergencies(portal: Portal, digest: bytes) -> None:
    gateway = portal.gateway
    patient, clinician = portal.people["patient"].address, portal.demo("emergency")
    for hours in (1, 4):
        act = gateway.ledger.acts.break_glass(
            patient, EmergencyReason.UNRESPONSIVE, hours=hours, correlation=bytes([hours]) * 32
        )
        portal.act(act, clinician.identity)
        flow.authorize(gateway, clinician.address, digest, purpose=Purpose.BTG, correlation="d" * 36)
        if hours == 1:
            gateway.node.request("evm_increaseTime", 4_000)
            gateway.node.request("evm_mine")
            gateway.wait_indexed(int(gateway.node.request("eth_blockNumber"), 16), WAIT)


def hand_in(browsing: Browsing) -> None:
    """A laboratory's batch with lines that cannot be posted, one that is posted, and a researcher's projection."""
    technician = browsing.signed_in("technician", scripts=False)
    broken: list[dict[str, Any] | str] = ["{broken", result("nobody at all"), {"resourceType": "Patient"}]
    for name, more in (("posted", []), ("open", broken)):
        technician.goto("/portal/laboratory")
        technician.locator("#field-name").fill(name)
        content = lines(result("patient", value=13.1), result("patient-2", value=1.0), *more)
        file: FilePayload = {"name": f"{name}.ndjson", "mimeType": "application/json", "buffer": content}
        technician.locator("#field-file").set_input_files([file])
        technician.locator("#send").click()
        technician.wait_for_url("**/batches/*")
        if not more:
            technician.locator('form[action$="/post"] button').click()
            technician.wait_for_load_state()
    researcher = browsing.signed_in("researcher", scripts=False)
    researcher.goto("/portal/researcher/projections")
    list_file: FilePayload = {"name": "waiting.csv", "mimeType": "text/csv", "buffer": _WAITING}
    researcher.locator("#field-file").set_input_files([list_file])
    researcher.locator("#project button[type=submit]").click()
    researcher.wait_for_url("**/projections/*")
