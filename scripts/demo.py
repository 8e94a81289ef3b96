"""Four journeys on a fresh ledger: patient, laboratory, doctor and pharmacist, researcher. `make demo` runs this.

Everything is real: a node, the contract, sealed records, a gateway spoken to over HTTP. Every figure is the gas of a
receipt. Where something must be refused, the demonstration fails if it is not.
"""

import base64
import json
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import uvicorn
from rich.console import Console
from rich.table import Table

from gateway.cli.batches import Result, hand_in, match
from gateway.demo_people import CAST, IDENTIFIER_SYSTEM, DemoPerson, load
from gateway.serve import whole_gateway
from gateway.settings import Settings
from gateway.web.remote import Remote, RemoteProblem

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "demo"
RECORDS = Path(__file__).resolve().parent / "records"
BATCH = 1_000
DAY = 86_400
CANARIES = ("Maren Oakfield", "Oakfield", "DEMO-4711-0815", "ferrous", "Hemoglobin", "310325", "home visit")
"""Words of people and records that must stand nowhere but in sealed bytes."""


@dataclass
class Story:
    """Tells what happens, and adds up what it costs."""

    console: Console
    gas: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    workflow: str = ""

    def chapter(self, title: str, workflow: str) -> None:
        self.workflow = workflow
        self.console.print(f"\n[bold]{title}[/bold]")

    def tell(self, sentence: str, act: dict[str, Any] | None = None) -> None:
        """Say a sentence and, of an act, what it cost."""
        cost = ""
        if act is not None:
            used = int(act["gas_used"])
            self.gas.setdefault(self.workflow, []).append((act["kind"], used))
            cost = f"  [dim]{used:,} gas[/dim]"
        self.console.print(f"  {sentence}{cost}", highlight=False)

    def table(self) -> Table:
        """Gas per workflow."""
        table = Table("workflow", "transactions", "gas", title="Gas per workflow", title_justify="left")
        table.columns[1].justify = table.columns[2].justify = "right"
        for workflow, steps in self.gas.items():
            table.add_row(workflow, str(len(steps)), f"{sum(gas for _, gas in steps):,}")
        return table


class Town:
    """The demonstration's people, each with a connection to the gateway of her own."""

    def __init__(self, url: str, people: dict[str, DemoPerson]) -> None:
        self._url = url
        self.people = people
        self._remotes: dict[str, Remote] = {}

    def __getitem__(self, handle: str) -> Remote:
        if handle not in self._remotes:
            remote = Remote(self._url)
            remote.sign_in(self.people[handle].address, self.people[handle].passphrase)
            self._remotes[handle] = remote
        return self._remotes[handle]

    def address(self, handle: str) -> str:
        return self.people[handle].address

    def close(self) -> None:
        for remote in self._remotes.values():
            remote.close()


def patient_lets_in(story: Story, town: Town) -> str:
    """She lets the laboratory write and her doctor read; the doctor's consent is given back."""
    story.chapter("The patient says who may do what", "grant, read, withdraw, deny")
    story.tell("Maren signs in. She has no records yet, and nobody may read any.")
    assert town["patient"].get("/v1/records")["items"] == []
    grants: dict[str, dict[str, Any]] = {
        "laboratory": {"categories": ["laboratory"], "may_write": True},
        "doctor": {"categories": ["laboratory", "medication"], "may_write": True},
    }
    ids = {}
    for handle, terms in grants.items():
        body = {"grantee": town.address(handle), "purposes": ["TREAT"], "expiry": int(time.time()) + 90 * DAY, **terms}
        granted = town["patient"].post("/v1/consents", body)
        ids[handle] = granted["id"]
        what = " and ".join(str(category) for category in body["categories"])
        name = town.people[handle].name
        story.tell(f"She lets {name} read and write her {what} records, to treat her, for 90 days.", granted["act"])
    return str(ids["doctor"])


def laboratory_posts(story: Story, town: Town) -> str:
    """One result, a correction, a retraction; the digest of the corrected result."""
    story.chapter("The laboratory posts a result", "one laboratory result, corrected")
    lab, patient, doctor = town["laboratory"], town["patient"], town["doctor"]
    content = (RECORDS / "diagnostic-report.json").read_bytes()
    posted = post(lab, town.address("patient"), content, "laboratory", "Blood count")
    story.tell("Riverbank Laboratory seals a blood count for Maren, puts it and anchors its digest.", posted["act"])
    story.tell(f"Maren is told: {patient.get('/v1/notifications')['items'][0]['text']}")
    assert open_record(patient, posted["digest"], "PATRQT") == content
    story.tell("She opens it: decided by the ledger, verified against its anchor, equal to the last byte.")
    assert open_record(doctor, posted["digest"], "TREAT") == content
    story.tell("Dr Quinn opens it to treat her.")
    refused(story, "Dr Osei tries", lambda: open_record(town["doctor-2"], posted["digest"], "TREAT"))
    refused(story, "Dr Quinn tries for research", lambda: open_record(doctor, posted["digest"], "HRESCH"))

    corrected = (RECORDS / "diagnostic-report-corrected.json").read_bytes()
    again = post(lab, town.address("patient"), corrected, "laboratory", "Blood count", supersedes=posted["digest"])
    story.tell("The laboratory corrects it; both stay visible, the first as superseded.", again["act"])
    wrong = post(
        lab, town.address("patient"), (RECORDS / "imaging-report.json").read_bytes(), "laboratory", "Ultrasound"
    )
    story.tell("It posts another by mistake,", wrong["act"])
    act = lab.post(f"/v1/records/{wrong['digest']}/retract")
    story.tell("and retracts it as entered in error.", act)
    return str(again["digest"])


def laboratory_posts_batch(story: Story, town: Town) -> None:
    """A night's results, interrupted and resumed."""
    story.chapter(f"A night's batch of {BATCH:,} results", f"a night's batch of {BATCH:,} results")
    numbers = [part.number for part in CAST if part.number]
    report = json.loads((RECORDS / "diagnostic-report.json").read_text())
    results = []
    for i in range(BATCH):
        number = numbers[i % len(numbers)]
        resource = {
            **report,
            "id": f"night-{i}",
            "subject": {"identifier": {"system": IDENTIFIER_SYSTEM, "value": number}},
        }
        results.append(Result(f"sample-{i}", json.dumps(resource).encode(), IDENTIFIER_SYSTEM, number))
    lab = town["laboratory"]
    patients, unknown = match(lab, results)
    assert not unknown

    half = lab.post("/v1/batches", {"name": "night"})
    first = [item(one, patients) for one in results[: BATCH // 4]]
    lab.post(f"/v1/batches/{half['id']}/items", {"items": first})
    story.tell(f"It hands in {len(first)} and is interrupted.")
    started = time.monotonic()
    posted = hand_in(lab, "night", results, patients, ["laboratory"], console=story.console)
    took = time.monotonic() - started
    assert posted["items"] == BATCH
    story.tell(f"The same command goes on: {BATCH:,} results, none twice, under one Merkle root.", posted["act"])
    each = posted["act"]["gas_used"] / BATCH
    story.tell(f"That is {each:.1f} gas a result; sealing, putting and anchoring took {took:.1f} s.")
    if posted["proposals"]:
        story.tell(f"{posted['proposals']} are proposals: their patients have not let the laboratory write.")

    mine = town["patient"].get("/v1/batch-records", limit=5)["items"]
    content = json.loads(open_record(town["patient"], mine[0]["digest"], "PATRQT"))
    assert content["id"].startswith("night-")
    story.tell("Maren opens one of hers: its inclusion proof is checked by the contract.")
    act = lab.post(f"/v1/batch-records/{mine[1]['digest']}/retract")
    story.tell("The laboratory retracts another by setting one bit; its neighbours stay as they are.", act)


def doctor_and_pharmacists(story: Story, town: Town) -> None:
    """A prescription with two fills, and everything that must be refused."""
    story.chapter("A prescription, from issue to dispense", "prescription, issued to dispensed, two fills")
    doctor, patient = town["doctor"], town["patient"]
    order = json.loads((RECORDS / "medication-request.json").read_text())
    issued = prescribe(town, order, {"fills": 2, "per_fill": 30, "min_interval": 0, "not_before": 0})
    story.tell("Dr Quinn issues a prescription with two fills; the ledger shows a commitment.", issued["act"])
    code = present(patient, issued["id"], FOLDER / "prescription.svg")
    story.tell("Maren has it on her phone as a QR code (build/demo/prescription.svg).")
    refused(story, "Dr Quinn, who is no pharmacist, tries to dispense", lambda: dispense(doctor, code, 30))

    with ThreadPoolExecutor(2) as counters:
        attempts = [counters.submit(dispense, town[handle], code, 30) for handle in ("pharmacist", "pharmacist-2")]
        outcomes = [attempt.exception() or attempt.result() for attempt in attempts]
    won = [outcome for outcome in outcomes if isinstance(outcome, dict)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, RemoteProblem)]
    assert len(won) == len(lost) == 1, outcomes
    story.tell("Two pharmacists try at the same moment. One dispenses 30 tablets.", won[0]["act"])
    story.tell(f"The other is refused: {lost[0]}")
    record = won[0]["record"]
    for who, handle, purpose in (("Maren", "patient", "PATRQT"), ("Dr Quinn", "doctor", "TREAT")):
        assert json.loads(open_record(town[handle], record, purpose))["resourceType"] == "MedicationDispense"
        story.tell(f"{who} opens the dispense record.")
    refused(story, "The used code is tried again", lambda: dispense(town["pharmacist-2"], code, 30))

    second = present(patient, issued["id"], FOLDER / "prescription-2.png")
    done = dispense(town["pharmacist-2"], second, 30)
    story.tell("For the second fill she goes to the other pharmacy.", done["act"])
    refused(story, "A third fill is tried", lambda: present(patient, issued["id"], None))

    story.chapter("What is refused at the counter", "prescriptions that are refused")
    now = int(time.time())
    slow = prescribe(town, order, {"fills": 2, "per_fill": 30, "min_interval": 30 * DAY, "not_before": 0})
    story.tell("A prescription with 30 days between fills,", slow["act"])
    done = dispense(town["pharmacist"], present(patient, slow["id"], None), 30)
    story.tell("its first fill dispensed.", done["act"])
    code = present(patient, slow["id"], None, fill=2)
    refused(story, "The second on the same day", lambda: dispense(town["pharmacist"], code, 30))
    early = prescribe(town, order, {"fills": 1, "per_fill": 30, "not_before": now + 7 * DAY, "expiry": now + 30 * DAY})
    story.tell("One that begins in a week:", early["act"])
    code = present(patient, early["id"], None, fill=1)
    refused(story, "Today", lambda: dispense(town["pharmacist"], code, 30))
    cancelled = prescribe(town, order, {"fills": 1, "per_fill": 30, "not_before": 0})
    story.tell("One that Dr Quinn issues", cancelled["act"])
    code = present(patient, cancelled["id"], None)
    story.tell("and cancels.", doctor.post(f"/v1/prescriptions/{cancelled['id']}/cancel"))
    refused(story, "Its code", lambda: dispense(town["pharmacist"], code, 30))
    brief = prescribe(town, order, {"fills": 1, "per_fill": 30, "not_before": 0, "expiry": int(time.time()) + 3})
    story.tell("One that is good for three seconds:", brief["act"])
    code = present(patient, brief["id"], None)
    time.sleep(3.2)
    refused(story, "Four seconds later", lambda: dispense(town["pharmacist"], code, 30))
    valid = prescribe(town, order, {"fills": 1, "per_fill": 30, "not_before": 0})
    code = present(patient, valid["id"], None)
    story.tell("One more, in order:", valid["act"])
    suspension = f"/v1/participants/{town.address('pharmacist')}/suspension"
    story.tell(
        "Bridge Street Pharmacy suspends its pharmacist.", town["pharmacy"].send("PUT", suspension, {"suspended": True})
    )
    refused(story, "He tries to dispense", lambda: dispense(town["pharmacist"], code, 30))
    act = town["pharmacy"].send("PUT", suspension, {"suspended": False})
    story.tell("He is reinstated,", act)
    story.tell("and dispenses.", dispense(town["pharmacist"], code, 30)["act"])


def patient_ends(story: Story, town: Town, consent: str, digest: str) -> None:
    """She denies, lifts, withdraws, and reads who looked."""
    story.chapter("The patient changes her mind", "grant, read, withdraw, deny")
    patient, doctor = town["patient"], town["doctor"]
    denial = f"/v1/denials/{town.address('doctor')}"
    story.tell("Maren denies Dr Quinn everything.", patient.send("PUT", denial))
    refused(story, "Dr Quinn tries, consent or not", lambda: open_record(doctor, digest, "TREAT"))
    story.tell("She lifts the denial;", patient.send("DELETE", denial))
    open_record(doctor, digest, "TREAT")
    story.tell("Dr Quinn can read again.")
    story.tell("She withdraws the consent.", patient.send("DELETE", f"/v1/consents/{consent}"))
    refused(story, "Dr Quinn tries in the same second", lambda: open_record(doctor, digest, "TREAT"))
    story.console.print("  Who looked, and who was refused, newest first:")
    for line in patient.get("/v1/access-log", limit=8)["items"]:
        story.console.print(f"    {line['sentence']}", highlight=False)


def nothing_personal(story: Story, data_dir: Path) -> None:
    """Look for words of people and records in everything that the gateway has written."""
    story.chapter("What a thief would find", "")
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    found = [
        (path.relative_to(data_dir), canary)
        for path in files
        for canary in CANARIES
        if canary.encode().lower() in path.read_bytes().lower()
    ]
    assert not found, found
    size = sum(path.stat().st_size for path in files)
    story.tell(
        f"{len(CANARIES)} words of people and records, looked for in {len(files):,} files and {size / 1e6:.1f} MB of "
        "chain, store, databases and keystores: none found."
    )


def refused(story: Story, who: str, attempt: Any) -> None:
    """Try something that must be refused, and say why it is."""
    try:
        attempt()
    except RemoteProblem as problem:
        story.tell(f"{who}: refused. [italic]{problem}[/italic]")
    else:
        raise AssertionError(f"{who}: should have been refused")


def post(lab: Remote, patient: str, content: bytes, category: str, title: str, **more: Any) -> dict[str, Any]:
    posted: dict[str, Any] = lab.upload(
        "/v1/records", content, "application/fhir+json", title=title, patient=patient, categories=category, **more
    )
    return posted


def open_record(reader: Remote, digest: str, purpose: str) -> bytes:
    return reader.fetch(f"/v1/records/{digest}/open", {"purpose": purpose})[0]


def item(one: Result, patients: dict[tuple[str, str], str]) -> dict[str, Any]:
    content = base64.b64encode(one.content).decode()
    return {
        "id": one.name,
        "patient": patients[one.system, one.value],
        "categories": ["laboratory"],
        "content": content,
    }


def prescribe(town: Town, order: dict[str, Any], terms: dict[str, Any]) -> dict[str, Any]:
    body = {"patient": town.address("patient"), "body": {"resource": order}, "terms": terms}
    issued: dict[str, Any] = town["doctor"].post("/v1/prescriptions", body)
    return issued


def present(patient: Remote, prescription: str, picture: Path | None, *, fill: int | None = None) -> str:
    body = {"fill": fill, "picture": picture.suffix[1:] if picture else None}
    shown = patient.post(f"/v1/prescriptions/{prescription}/present", body)
    if picture is not None:
        picture.write_bytes(base64.b64decode(shown["image"]))
    return str(shown["code"])


def dispense(pharmacist: Remote, code: str, units: int) -> dict[str, Any]:
    record = {"resource": json.loads((RECORDS / "medication-dispense.json").read_text())}
    done: dict[str, Any] = pharmacist.post(
        "/v1/prescriptions/dispense", {"code": code, "units": units, "record": record}
    )
    return done


@contextmanager
def served(data_dir: Path) -> Iterator[str]:
    """A gateway on a free port of the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    # A demonstration's passphrases lie beside the keystores: there is nothing to make expensive.
    settings = Settings(data_dir=data_dir, port=port, scrypt_n=1 << 12)
    with whole_gateway(settings) as (_, app):
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
        thread = Thread(target=server.run)
        thread.start()
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the gateway did not start")
            time.sleep(0.01)
        try:
            yield f"http://localhost:{port}"
        finally:
            server.should_exit = True
            thread.join()


def main() -> int:
    """Run the four journeys; 0 if all went as it must."""
    story = Story(Console())
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    data_dir = FOLDER / "data"
    started = time.monotonic()
    story.console.print("[bold]A fresh ledger, a store and a gateway on this machine[/bold]")
    with served(data_dir) as url:
        town = Town(url, load(data_dir))
        story.tell(f"Deployed, and {len(town.people)} people and organizations registered.")
        consent = patient_lets_in(story, town)
        digest = laboratory_posts(story, town)
        laboratory_posts_batch(story, town)
        doctor_and_pharmacists(story, town)
        patient_ends(story, town, consent, digest)
        town.close()
    nothing_personal(story, data_dir)
    story.console.print()
    story.console.print(story.table())
    story.console.print(f"All as it must be, in {time.monotonic() - started:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
