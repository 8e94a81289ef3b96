"""Breaking the glass on a real chain: open for hours, to what she allows, told at once, judged; and every way in which
somebody may try to stretch it."""

import io
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.emergencies import breakglass
from gateway.emergencies.escrow_keeping import keep_escrow
from gateway.prescriptions import issuing as prescriptions
from gateway.prescriptions.access import open_slip
from gateway.prescriptions.bodies import read_slip
from gateway.prescriptions.issuing import Order
from ledger.codes import Category, EmergencyReason, Purpose, Role
from ledger.types import Address, PrescriptionTerms
from tests.gateway.people import populate, running
from tests.gateway.served import Person, Served, correlation, serving
from tests.gateway.test_crashes import process, signed_in, until
from tests.gateway.test_erasure import opened, posted

HOUR = 3_600
STEPS = ["ledger.outbox/Outbox.enqueue:after"]
if "CONSENT_LEDGER_THOROUGH" in os.environ:  # each takes some ten seconds
    STEPS += ["gateway.emergencies.breakglass/send:after"]


@dataclass(frozen=True, slots=True)
class Ward:
    """An emergency department, and others."""

    served: Served
    hospital: Person
    clinician: Person
    practitioner: Person
    """Of the same hospital, and no emergency staff."""
    auditor: Person

    def patient(self) -> Person:
        return self.served.person(self.hospital, "patient")

    def emergency(self) -> Person:
        """One more of the emergency staff."""
        return self.served.person(self.hospital, "emergency", "practitioner")

    def travel(self, seconds: int) -> None:
        """Let time pass on the chain."""
        self.served.gateway.node.request("evm_increaseTime", hex(seconds))
        self.served.gateway.node.request("evm_mine")

    def key_in_escrow(self, digest: str) -> bool:
        gateway = self.served.gateway
        return bytes.fromhex(gateway.escrow.address[2:]) in gateway.store.list_slips(bytes.fromhex(digest))


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    with serving(tmp_path_factory.mktemp("ward")) as served:
        hospital = served.organization("patient", "practitioner", "emergency", name="St. Anne's Hospital")
        auditing = served.organization("auditor", name="Data protection")
        yield Ward(
            served,
            hospital,
            clinician=served.person(hospital, "emergency", "practitioner", name="Dr Swift"),
            practitioner=served.person(hospital, "practitioner", name="Dr Calm"),
            auditor=served.person(auditing, "auditor", name="Ida Fair"),
        )


def broken(by: Person, patient: Person, *, hours: int = 4, reason: str = "unresponsive") -> httpx.Response:
    body = {"patient": patient.address, "reason": reason, "hours": hours}
    return by.post("/v1/emergency/openings", json=body)


def prefers(patient: Person, *categories: str, over_denials: bool = False) -> None:
    body = {"categories": list(categories), "over_denials": over_denials}
    assert patient.put("/v1/emergency/preference", json=body).status_code == 200


def openings(person: Person, **asked: Any) -> list[dict[str, Any]]:
    answer = person.get("/v1/emergency/openings", params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def refused(person: Person, digest: str, purpose: str = "BTG") -> str:
    answer = person.open(digest, purpose)
    assert answer.status_code == 403, answer.text
    return str(answer.json()["reason"])


def judged(auditor: Person, opening: dict[str, Any], outcome: str = "justified") -> httpx.Response:
    path = f"/v1/emergency/openings/{opening['patient']}/{opening['clinician']}/{opening['number']}/review"
    return auditor.post(path, json={"outcome": outcome, "report": "She was brought in unconscious."})


def test_while_it_is_open_she_reads_and_not_before_and_nothing_is_left_with_her(ward: Ward) -> None:
    ana, other = ward.patient(), ward.patient()
    digest = ana.deposit(ana.address, b"allergic to penicillin", "problems")["digest"]
    others = other.deposit(other.address, b"another's", "problems")["digest"]
    assert {refused(ward.clinician, digest), refused(ward.clinician, digest, "ETREAT")} == {"no_basis"}
    assert ward.clinician.get("/v1/records", params={"patient": ana.address}).json()["items"] == []

    assert broken(ward.clinician, ana).status_code == 201

    assert ana.delete("/v1/session").status_code == 204, "the patient is inert"
    for purpose in ("BTG", "ETREAT"):
        assert ward.clinician.open(digest, purpose).content == b"allergic to penicillin"
    envelope = ward.clinician.post(f"/v1/records/{digest}/envelope", json={"purpose": "BTG"})
    assert envelope.status_code == 200
    listed = ward.clinician.get("/v1/records", params={"patient": ana.address}).json()["items"]
    assert [one["digest"] for one in listed] == [digest]
    store = ward.served.gateway.store
    assert bytes.fromhex(ward.clinician.address[2:]) not in store.list_slips(bytes.fromhex(digest))
    assert refused(ward.clinician, digest, "TREAT") in ("no_basis", "purpose_not_covered")
    assert refused(ward.clinician, others) == "no_basis", "over this patient, and no other"
    assert refused(ward.practitioner, digest) == "no_basis", "she, and nobody else of her hospital"
    assert refused(ward.emergency(), digest) == "no_basis"


def test_it_ends_by_itself_and_keeping_it_open_gains_nothing(ward: Ward) -> None:
    ana = ward.patient()
    digest = ana.deposit(ana.address, b"first", "problems")["digest"]
    assert broken(ward.clinician, ana, hours=1).status_code == 201
    assert ward.clinician.open(digest, "BTG").status_code == 200
    again = broken(ward.clinician, ana, hours=24)
    assert (again.status_code, again.json()["error"]) == (409, "BreakGlassStillOpen"), "it is not prolonged"

    ward.travel(HOUR)

    assert refused(ward.clinician, digest) == "break_glass_over"
    refused_envelope = ward.clinician.post(f"/v1/records/{digest}/envelope", json={"purpose": "BTG"})
    assert refused_envelope.status_code == 403
    assert ward.clinician.get("/v1/records", params={"patient": ana.address}).json()["items"] == []
    (opening,) = openings(ana)
    assert (opening["is_open"], opening["until"] - opening["opened_at"]) == (False, HOUR)


def test_a_second_opening_within_a_week_is_flagged_to_everybody(ward: Ward) -> None:
    ana = ward.patient()
    assert broken(ward.clinician, ana, hours=1).status_code == 201
    ward.travel(2 * HOUR)
    assert broken(ward.clinician, ana, hours=1).status_code == 201

    second, first = openings(ana)

    assert [(one["number"], one["repeated"]) for one in (first, second)] == [(1, False), (2, True)]
    assert "not the first time within a week" in second["sentence"]
    newest = ana.get("/v1/notifications").json()["items"][0]
    assert newest["kind"] == "glass-broken"
    assert "not the first time within a week" in newest["text"]
    ward.travel(8 * 24 * HOUR)
    assert broken(ward.clinician, ana, hours=1).status_code == 201
    assert openings(ana)[0]["repeated"] is False


def test_she_and_her_delegates_are_told_at_once_and_it_stands_in_her_log(ward: Ward) -> None:
    ana, son, stranger = ward.patient(), ward.patient(), ward.patient()
    now = ward.served.gateway.node.request("eth_getBlockByNumber", "latest", False)["timestamp"]
    leave = {"powers": ["grant"], "categories": ["problems"], "until": int(now, 16) + 30 * 24 * HOUR}
    assert ana.put(f"/v1/delegations/{son.address}", json=leave).status_code == 200
    digest = ana.deposit(ana.address, b"allergic", "problems")["digest"]
    activity = correlation()
    body = {"patient": ana.address, "reason": "life-in-danger", "hours": 2}
    answer = ward.clinician.post("/v1/emergency/openings", json=body, headers={"X-Correlation-Id": activity})
    assert answer.json()["correlation"] == activity
    ward.clinician.open(digest, "BTG")

    for person, whose in ((ana, "your records"), (son, "'s records")):
        newest = person.get("/v1/notifications").json()["items"][0]
        assert newest["kind"] == "glass-broken"
        assert newest["who"] == ward.clinician.address
        assert whose in newest["text"]
        assert "life was in danger" in newest["text"]
    assert all(one["kind"] != "glass-broken" for one in stranger.get("/v1/notifications").json()["items"])
    for n in range(3):
        ana.open(ana.deposit(ana.address, bytes([n]), "problems")["digest"], "PATRQT")
    log = ana.get("/v1/access-log").json()
    assert [one["clinician"] for one in log["emergencies"]] == [ward.clinician.address], "on top, whatever comes later"
    assert ana.get("/v1/access-log", params={"cursor": "100000"}).json()["emergencies"] == []
    assert stranger.get("/v1/access-log").json()["emergencies"] == []
    line = log["items"][3]
    assert (line["basis"], line["purpose"], line["permitted"]) == ("break_glass", "BTG", True)
    assert "by breaking the glass" in line["sentence"]
    assert openings(son, patient=ana.address)[0]["is_open"] is True
    for person in (stranger, ward.practitioner):
        assert person.get("/v1/emergency/openings", params={"patient": ana.address}).status_code == 403


def test_what_she_does_not_allow_stays_closed_and_its_key_is_not_even_in_escrow(ward: Ward) -> None:
    ana = ward.patient()
    ordinary = ana.deposit(ana.address, b"allergic", "problems")["digest"]
    sensitive = ana.deposit(ana.address, b"panic attacks", "mental-health")["digest"]
    assert (ward.key_in_escrow(ordinary), ward.key_in_escrow(sensitive)) == (True, False)
    assert broken(ward.clinician, ana).status_code == 201
    assert refused(ward.clinician, sensitive) == "category_not_covered"

    prefers(ana, "problems", "mental-health")
    keep_escrow(ward.served.gateway)
    assert ward.clinician.open(sensitive, "BTG").content == b"panic attacks"

    prefers(ana)
    assert refused(ward.clinician, ordinary) == "category_not_covered", "with the very next decision"
    keep_escrow(ward.served.gateway)
    assert (ward.key_in_escrow(ordinary), ward.key_in_escrow(sensitive)) == (False, False)
    assert ana.get("/v1/emergency/preference").json() == {"categories": [], "over_denials": False}


def test_a_denial_holds_unless_she_said_that_a_life_counts_more(ward: Ward) -> None:
    ana = ward.patient()
    digest = ana.deposit(ana.address, b"allergic", "problems")["digest"]
    assert ana.put(f"/v1/denials/{ward.clinician.address}").status_code == 200
    assert broken(ward.clinician, ana).status_code == 201
    assert refused(ward.clinician, digest) == "denied_by_patient"
    assert ward.clinician.get("/v1/records", params={"patient": ana.address}).json()["items"] == []

    prefers(ana, "problems", over_denials=True)

    assert ward.clinician.open(digest, "BTG").content == b"allergic"
    assert len(ward.clinician.get("/v1/records", params={"patient": ana.address}).json()["items"]) == 1


def test_a_suspension_closes_it_in_the_middle(ward: Ward) -> None:
    ana, swift = ward.patient(), ward.emergency()
    digest = ana.deposit(ana.address, b"allergic", "problems")["digest"]
    assert broken(swift, ana).status_code == 201
    assert swift.open(digest, "BTG").status_code == 200

    suspension = f"/v1/participants/{swift.address}/suspension"
    assert ward.hospital.put(suspension, json={"suspended": True}).status_code == 200
    assert refused(swift, digest) == "reader_suspended"
    assert broken(swift, ward.patient()).status_code == 403

    assert ward.hospital.put(suspension, json={"suspended": False}).status_code == 200
    organization = f"/v1/participants/{ward.hospital.address}/suspension"
    assert ward.served.operator().put(organization, json={"suspended": True}).status_code == 200
    assert refused(swift, digest) == "organization_suspended"
    assert ward.served.operator().put(organization, json={"suspended": False}).status_code == 200
    assert swift.open(digest, "BTG").status_code == 200


@pytest.mark.parametrize(
    "change",
    [{"hours": 0}, {"hours": 25}, {"hours": "4"}, {"reason": "curiosity"}, {"patient": "0x12"}, {"more": 1}],
)
def test_only_the_listed_reasons_and_hours_are_taken(ward: Ward, change: dict[str, Any]) -> None:
    body = {"patient": ward.patient().address, "reason": "unresponsive", "hours": 4} | change

    assert ward.clinician.post("/v1/emergency/openings", json=body).status_code == 422


def test_only_emergency_staff_break_it_and_never_over_themselves(ward: Ward) -> None:
    ana = ward.patient()
    for person in (ward.practitioner, ward.auditor, ana, ward.hospital):
        assert broken(person, ana).status_code == 403
    assert ward.served.client().post("/v1/emergency/openings", json={}).status_code == 401
    assert broken(ward.clinician, ward.clinician).status_code == 403
    assert openings(ana) == []


def test_an_auditor_judges_it_once_it_is_over_and_the_report_is_for_those_concerned(ward: Ward) -> None:
    ana = ward.patient()
    assert broken(ward.clinician, ana, hours=1).status_code == 201
    (opening,) = openings(ana)
    assert judged(ward.auditor, opening).json()["error"] == "BreakGlassStillOpen"
    assert ana.address not in {one["patient"] for one in openings(ward.auditor, to_review=True)}
    told = ward.auditor.get("/v1/notifications").json()["items"][0]
    assert (told["kind"], told["who"]) == ("glass-to-review", ward.clinician.address)
    ward.travel(HOUR)
    assert ana.address in {one["patient"] for one in openings(ward.auditor, to_review=True)}
    for person in (ward.clinician, ward.hospital, ana):
        assert judged(person, opening).status_code == 403
        assert person.get("/v1/emergency/openings", params={"to_review": True}).status_code == 403

    assert judged(ward.auditor, opening, "unjustified").status_code == 201

    assert judged(ward.auditor, opening).json()["error"] == "BreakGlassAlreadyReviewed"
    assert ana.address not in {one["patient"] for one in openings(ward.auditor, to_review=True)}
    (opening,) = openings(ana)
    assert (opening["outcome"], opening["auditor"]) == ("unjustified", ward.auditor.address)
    assert "it was not justified" in opening["sentence"]
    path = f"/v1/emergency/openings/{ana.address}/{ward.clinician.address}/1/report"
    for person in (ana, ward.clinician, ward.auditor):
        assert person.get(path).json() == {"report": "She was brought in unconscious."}
    for person in (ward.practitioner, ward.hospital, ward.patient()):
        assert person.get(path).status_code == 404
    kinds = [person.get("/v1/notifications").json()["items"][0]["kind"] for person in (ana, ward.clinician)]
    assert kinds == ["glass-reviewed", "glass-reviewed"]


def test_an_auditor_who_was_involved_judges_nothing(ward: Ward) -> None:
    organization = ward.served.organization("auditor", "emergency", name="Both")
    both = ward.served.person(organization, "auditor", "emergency")
    ana = ward.patient()
    assert broken(both, ana, hours=1).status_code == 201
    ward.travel(HOUR)

    answer = judged(both, openings(ana)[0])

    assert (answer.status_code, answer.json()["error"]) == (403, "ReviewerInvolved")
    assert refused(both, ana.deposit(ana.address, b"x", "problems")["digest"]) == "auditors_read_no_records"


def test_what_comes_while_it_is_open_is_read_as_well(ward: Ward) -> None:
    ana = ward.patient()
    assert broken(ward.clinician, ana).status_code == 201
    ana.grant(ward.practitioner.address, "vital-signs", may_write=True)

    digest = ward.practitioner.deposit(ana.address, b"pulse 140", "vital-signs")["digest"]

    assert ward.clinician.open(digest, "ETREAT").content == b"pulse 140"


def test_a_proposal_that_she_has_not_accepted_stays_closed(ward: Ward) -> None:
    ana = ward.patient()
    proposed = ward.practitioner.deposit(ana.address, b"rumour", "problems")
    assert proposed["proposed"] is True
    assert broken(ward.clinician, ana).status_code == 201

    assert refused(ward.clinician, proposed["digest"]) == "not_yet_accepted"


def test_the_custodian_waits_until_the_opening_is_buried(tmp_path: Path) -> None:
    with serving(tmp_path, confirmations=3) as served:
        hospital = served.organization("patient", "emergency")
        ana, clinician = served.person(hospital, "patient"), served.person(hospital, "emergency")
        digest = ana.deposit(ana.address, b"allergic", "problems")["digest"]
        assert broken(clinician, ana).status_code in (201, 202)

        early = clinician.open(digest, "BTG")

        assert (early.status_code, early.json()["type"].rpartition(":")[2]) == (503, "not-ready")
        served.gateway.node.request("anvil_mine", hex(3))
        assert clinician.open(digest, "BTG").content == b"allergic"


def test_a_clinician_who_keeps_her_own_key_breaks_it_with_a_transaction_of_her_own(ward: Ward) -> None:
    ana, swift = ward.patient(), ward.emergency()
    gateway = ward.served.gateway
    keys = gateway.sessions.find(swift.client.headers["authorization"].removeprefix("Bearer ")).identity
    assert keys is not None
    act = {"act": "break_glass", "patient": ana.address, "reason": "life-in-danger", "hours": 1}
    unsigned = swift.post("/v1/acts/prepare", json={"act": act, "form": "transaction"}).json()["transaction"]
    raw = keys.account.sign_transaction(unsigned).raw_transaction.to_0x_hex()

    sent = swift.post("/v1/acts/submit", json={"transaction": raw})

    assert (sent.status_code, sent.json()["kind"]) == (200, "breakGlass"), sent.text
    until(lambda: [one["clinician"] for one in openings(ana)] == [swift.address], "it is told of")
    assert swift.post("/v1/acts/prepare", json={"act": act | {"hours": 25}}).status_code == 422


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_between_opening_and_telling_loses_nothing(tmp_path: Path, step: str) -> None:
    with serving(tmp_path, block_time=0.2) as served:
        hospital = served.organization("patient", "emergency")
        patient, clinician = served.person(hospital, "patient").address, served.person(hospital, "emergency").address
    key = {"Idempotency-Key": "glass-1"}
    body = {"patient": patient, "reason": "unresponsive", "hours": 4}
    with process(tmp_path, step) as (dying, url):
        swift = signed_in(url, clinician)
        with swift.client, pytest.raises(httpx.TransportError):
            swift.post("/v1/emergency/openings", json=body, headers=key)
        assert dying.wait(10) == -signal.SIGKILL

    with process(tmp_path) as (_, url):
        ana, swift = signed_in(url, patient), signed_in(url, clinician)
        with ana.client, swift.client:

            def told() -> list[str]:
                return [one["kind"] for one in ana.get("/v1/notifications").json()["items"]]

            # As soon as the clinician is here to sign, it goes on by itself; she need not ask again.
            until(lambda: told() == ["glass-broken"], "she is told")
            assert swift.post("/v1/emergency/openings", json=body, headers=key).status_code == 201
            assert told() == ["glass-broken"]
            assert [one["number"] for one in openings(ana)] == [1]


def test_a_night_of_results_and_a_prescription_are_in_escrow_as_single_records_are(tmp_path: Path) -> None:
    with running(tmp_path, block_time=None) as gateway:
        world = populate(gateway)
        acts = gateway.ledger.acts
        world.act(acts.set_roles(world.hospital.address, Role(15) | Role.EMERGENCY), gateway.operator)
        clinician = world.person(world.hospital, Role.EMERGENCY)
        world.let(world.patient, world.laboratory.address, Category.LABORATORY, write=True)
        world.let(world.patient, world.doctor.address, Category.MEDICATION, write=True)
        results = posted(world, world.patient, b"potassium 6.9", b"sodium 140")
        now = world.now()
        order = Order(
            world.patient.address,
            Category.MEDICATION,
            PrescriptionTerms(1, 30, 30, 0, now - 10, now + 86_400),
            world.header(Category.MEDICATION),
        )
        issued = prescriptions.issue(gateway, world.doctor, order, io.BytesIO(b"20 mg"), world.errand())
        body = open_slip(gateway, world.patient, issued.prescription).opening.digest
        gateway.sessions.close_all(world.patient.address)
        patient, reason = world.patient.address, EmergencyReason.DELAY_HARMS
        breakglass.break_glass(gateway, clinician, patient, reason, hours=1, errand=world.errand())

        contents = [opened(world, clinician, digest, Purpose.BTG) for digest in (*results, body)]

        assert contents == [b"potassium 6.9", b"sodium 140", b"20 mg"]
        indexed = gateway.index.prescription(issued.prescription)
        assert indexed is not None
        note = read_slip(gateway, indexed.terms_hash, gateway.escrow.address, gateway.escrow.sealing)
        assert note is not None
        assert note.fill_keys == (), "the custodian can have nothing dispensed"


def test_nothing_personal_is_on_chain_for_it(ward: Ward) -> None:
    ana = ward.patient()
    answer = broken(ward.clinician, ana)
    receipt = ward.served.gateway.node.request("eth_getTransactionByHash", answer.json()["transaction"])

    data = bytes.fromhex(receipt["input"][2:])

    assert len(data) == 4 + 4 * 32
    assert int.from_bytes(data[36:68], "big") == 1, "a coded reason, no text"
    assert answer.json()["correlation"].encode() not in data, "only its digest"
    assert Address(ana.address)[2:].lower() in receipt["input"]
