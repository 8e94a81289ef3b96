"""A laboratory, its patients and those who read: what they do with batches at a gateway, each act with what the model
says about it. A record of a batch is answered, corrected, retracted, granted, opened and proven as one by itself is."""

import base64
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import event

from ledger.codes import Category, Purpose, purposes_mask
from ledger.types import ConsentTerms
from tests.contracts.consent_model import Scope, Written, ended
from tests.gateway import machine_batch_checks as checks
from tests.gateway.machine_asking import Done
from tests.gateway.machine_batch_model import GENES, LAB, PATIENTS, Posted, Result
from tests.gateway.machine_batch_reading import BatchReading
from tests.gateway.machine_faults import Act
from tests.gateway.machine_process import PATIENCE
from tests.gateway.machine_world import CANARY, House
from tests.gateway.served import YEAR, fresh_key
from tests.waiting import until

GRANTEES = ["doctor", "doctor", "locum", "hospital", "technician"]


class BatchActs(BatchReading):
    """What they do, drawn from `chance`."""

    def __init__(self, house: House, folder: Path) -> None:
        super().__init__(house, folder)
        self.begun: tuple[str, list[dict[str, Any]]] | None = None
        """A batch of which the first half was handed in: its name at the gateway, and all its items."""
        self.expected: Counter[str] = Counter()
        """How many acts of each there must be on the ledger."""

    def acts(self) -> list[tuple[Act, float]]:
        """While a batch is handed in consents begin and end as at any other time."""
        return [
            (self.begin_batch, 1) if self.begun is None else (self.post_batch, 8),
            (self.post_batch, 3),
            (self.post_without_leave, 1),
            (self.change_meanwhile, 2),
            (self.reply, 4),
            (self.retract, 3),
            (self.correct, 2),
            (self.grant, 4),
            (self.withdraw, 3),
            (self.set_denial, 3 if self.model.denials else 2),
            (self.repeat, 3),
            (self.look, 6),
        ]

    # --- the laboratory

    def begin_batch(self) -> None:
        """Results of all patients who do not deny the technician, of which half are handed in."""
        of = [name for name in PATIENTS if not self.model.is_denied(name, "technician")]
        if not of:
            return
        of += self.chance.choices(of, k=self.chance.randint(1, 4))
        self.chance.shuffle(of)
        number = len(self.contents) + self.steps
        answer = self.world.ask_for("technician", "/v1/batches", {"name": f"{CANARY} {number}"}, key=fresh_key())
        assert answer.status_code == 201, answer.text
        items = [
            {
                "id": f"{CANARY}-{place}",
                "patient": self.world.addresses[patient],
                "categories": self.chance.choice([LAB, LAB, LAB, GENES]).labels(),
                "media_type": "text/plain",
                "content": base64.b64encode(f"{CANARY} result {number}-{place}".encode()).decode(),
            }
            for place, patient in enumerate(of)
        ]
        self.begun = answer.json()["id"], items
        self.hand_in(items[: len(items) // 2], known=0)

    def hand_in(self, items: list[dict[str, Any]], known: int) -> None:
        """Under a key: asked again after a kill, it may say that all of them were there."""
        assert self.begun is not None
        path = f"/v1/batches/{self.begun[0]}/items"
        answer = self.world.ask_for("technician", path, {"items": items}, key=fresh_key())
        assert answer.status_code == 200, answer.text
        added = answer.json()
        assert added["accepted"] + added["unchanged"] == len(items)
        assert added["unchanged"] >= known

    def post_batch(self, *, is_closed: bool = False) -> None:
        """All of a batch handed in, those of the first half for the second time; posted; and posted again."""
        if self.begun is None:
            self.begin_batch()
        if self.begun is None:
            return
        job, items = self.begun
        if not is_closed:
            self.hand_in(items, known=len(items) // 2)
        path, key = f"/v1/batches/{job}/post", fresh_key()
        if self.chance.random() < 0.3:
            self.post_and_leave(job, path)
        self.world.ask("technician", "POST", path, key=key)
        found = self.ask("technician", "POST", path, True)
        assert found["state"] == "anchored"
        proposals = self.take_note(job, items, bytes.fromhex(found["root"][2:]))
        assert is_closed or found["proposals"] == proposals

    def post_and_leave(self, job: str, path: str) -> None:
        """Who posts does not ask again: once the list is closed, the gateway sees it through."""
        self.world.ask_once("technician", "POST", path, key=fresh_key())
        self.world.wake()
        state = self.world.ask("technician", "GET", f"/v1/batches/{job}").json()["state"]
        if state != "open":
            event(f"left while {state}")
            where = f"/v1/batches/{job}"
            until(lambda: self.world.ask("technician", "GET", where).json()["state"] == "anchored", PATIENCE)

    def post_without_leave(self) -> None:
        """A patient withdraws the leave to write after the list was closed, while it waits for its author to sign: what
        the ledger has not got yet is a proposal."""
        consents, now = self.model.consents, self.model.now
        leaves = [key for key, one in consents.items() if one.is_live(now) and one.terms and one.terms.may_write]
        alone = [key for key in leaves if sum(other[0] == key[0] for other in leaves) == 1]
        if not alone:
            return
        if self.begun is None:
            self.begin_batch()
        if self.begun is None:
            return
        job, items = self.begun
        self.hand_in(items, known=len(items) // 2)
        self.world.gateway.die_at("gateway.batches.posting/put_manifest:after")
        self.world.ask_once("technician", "POST", f"/v1/batches/{job}/post", key=fresh_key())
        self.end_consent(self.chance.choice(alone))
        self.post_batch(is_closed=True)
        event("leave withdrawn before it was posted")

    def change_meanwhile(self) -> None:
        """Between handing in and posting one reader is let read and others no more: once it is posted, exactly those
        who may read it have slips."""
        if self.begun is None:
            self.begin_batch()
        if self.begun is None:
            return
        items = self.begun[1]
        names = {one: name for name, one in self.world.addresses.items()}
        about = sorted({names[item["patient"]] for item in items[: len(items) // 2]})
        ending = [
            scope
            for scope, granted in self.model.consents.items()
            if scope[0] in about and scope[1] in ("doctor", "locum") and granted.is_live(self.model.now)
        ]
        for scope in ending:
            self.end_consent(scope)
        patient, reader = self.chance.choice(about), self.chance.choice(["doctor", "locum"])
        self.let_read(patient, reader)
        self.post_batch()
        checks.await_no(lambda: checks.slips_lack(self.world, self.model))
        checks.await_no(lambda: checks.slips_differ(self.world, self.model))
        event(f"consents changed meanwhile: {len(ending)} ended")

    def take_note(self, job: str, items: list[dict[str, Any]], root: bytes) -> int:
        """Put a batch that was posted into the model, each result once; how many are proposals."""
        model, names, self.begun = self.model, {one: name for name, one in self.world.addresses.items()}, None
        self.expected["technician"] += 1
        proposals = 0
        for index, item in enumerate(items):
            place = self.world.ask_for("technician", f"/v1/batches/{job}/find", {"id": item["id"]}).json()
            digest, patient = bytes.fromhex(place["digest"]), names[item["patient"]]
            assert place["index"] == index
            assert digest not in model.records
            categories = Category.parse(",".join(item["categories"]))
            state = "ANCHORED" if model.let("technician", patient, categories) else "PROPOSED"
            proposals += state == "PROPOSED"
            model.records[digest] = Written(patient, "technician", categories, state)
            model.results[digest] = Result(root, index)
            self.contents[digest] = base64.b64decode(item["content"])
        anchored = self.world.ledger.batch(root)
        assert anchored is not None
        model.posted.append(Posted(job, root, len(items), anchored.anchored_at))
        return proposals

    def retract(self) -> None:
        digest = self.draw_result("ANCHORED")
        path, record = f"/v1/batch-records/{digest.hex()}/retract", self.model.records[digest]
        if self.chance.random() < 0.3:
            self.ask(self.chance.choice(["doctor", record.patient]), "POST", path, False)
        gone = {"retracted", "turned_down"} & self.model.results[digest].changes.keys()
        if self.act("technician", "POST", path, not gone):
            record.state = ended(record.state, "RETRACTED")
            self.model.results[digest].changes["retracted"] = None

    def correct(self) -> None:
        """A record of its own, put in the place of one of a batch: it stands as that one stood."""
        digest = self.draw_result("ANCHORED")
        record, content = self.model.records[digest], f"{CANARY} correction {len(self.contents)}".encode()
        about = {
            "patient": self.world.addresses[record.patient],
            "categories": ",".join(record.categories.labels()),
            "supersedes": digest.hex(),
        }
        sent = {"params": about, "content": content, "headers": {"Content-Type": "text/plain"}}
        if self.chance.random() < 0.3:
            self.ask("doctor", "POST", "/v1/records", False, **sent)
        made = self.act("technician", "POST", "/v1/records", record.state in ("ANCHORED", "PROPOSED"), **sent)
        if made is not None:
            correction = bytes.fromhex(made["digest"])
            assert made["proposed"] == (record.state == "PROPOSED")
            self.model.records[correction] = Written(record.patient, "technician", record.categories, record.state)
            self.contents[correction] = content
            record.state = ended(record.state, "SUPERSEDED")
            self.model.results[digest].changes["superseded"] = correction

    # --- patients

    def reply(self) -> None:
        """A patient takes a proposed result in, or turns it down, once; nobody does it for her."""
        digest, accepted = self.draw_result("PROPOSED"), self.chance.random() < 0.6
        record = self.model.records[digest]
        path, sent = f"/v1/proposals/{digest.hex()}/answer", {"accepted": accepted}
        if self.chance.random() < 0.3:
            others = [name for name in (*PATIENTS, "doctor", "technician") if name != record.patient]
            self.ask(self.chance.choice(others), "POST", path, False, json=sent)
        if self.act(record.patient, "POST", path, record.state == "PROPOSED", json=sent):
            record.state = "ANCHORED" if accepted else "TURNED_DOWN"
            self.model.results[digest].changes["accepted" if accepted else "turned_down"] = None

    def grant(self, patient: str = "") -> None:
        """To read, some of it or one record alone; or, to the laboratory or its technician, to write."""
        patient, grantee = patient or self.chance.choice(PATIENTS), self.chance.choice(GRANTEES)
        write, model = grantee == "technician", self.model
        if write:
            grantee = self.chance.choice(["technician", "laboratory"])
        kinds = self.chance.choice([LAB, LAB, GENES, Category.IMAGING])
        terms = ConsentTerms(kinds, purposes_mask(Purpose.TREAT), 0, model.now + YEAR, may_write=write)
        body, given = self.body(grantee, terms), [key[2] for key in model.consents if key[:2] == (patient, grantee)]
        about = [one for one in model.results if model.records[one].patient == patient]
        if about and not write and self.chance.random() < 0.3:
            alone = self.chance.choice(about)
            body["record"] = alone.hex()
            if self.act(patient, "POST", "/v1/consents", alone not in given, json=body):
                assert model.grant(patient, grantee, alone, terms)
            return
        self.act(patient, "POST", "/v1/consents", True, json=body)
        assert model.grant(patient, grantee, sum(isinstance(scope, int) for scope in given), terms)

    def let_read(self, patient: str, reader: str) -> None:
        """All of a patient's results, of whatever kind."""
        terms = ConsentTerms(GENES, purposes_mask(Purpose.TREAT), 0, self.model.now + YEAR)
        number = sum(isinstance(key[2], int) for key in self.model.consents if key[:2] == (patient, reader))
        self.act(patient, "POST", "/v1/consents", True, json=self.body(reader, terms))
        assert self.model.grant(patient, reader, number, terms)

    def withdraw(self) -> None:
        standing = [scope for scope, granted in self.model.consents.items() if granted.withdrawn_at is None]
        scope = self.chance.choice(standing or list(self.model.consents))
        self.read_as(scope[0], scope[1])
        self.end_consent(scope)
        self.read_as(scope[0], scope[1])

    def end_consent(self, scope: Scope) -> None:
        path = f"/v1/consents/{checks.id_of(self.world, scope)}"
        if self.act(scope[0], "DELETE", path, self.model.consents[scope].withdrawn_at is None):
            assert self.model.withdraw(*scope)

    def set_denial(self) -> None:
        patient, grantee = self.chance.choice(PATIENTS), self.chance.choice(GRANTEES)
        denied = (patient, grantee) not in self.model.denials
        self.read_as(patient, grantee)
        self.act(patient, "PUT" if denied else "DELETE", f"/v1/denials/{self.world.addresses[grantee]}", True)
        assert self.model.deny(patient, grantee, denied)
        self.read_as(patient, grantee)

    def repeat(self, again: Done | None = None) -> None:
        """What was done, once more under its key: the same answer; that it has no second effect is seen in the end."""
        who, method, path, key, sent, answer = again or self.chance.choice(self.done)
        assert self.world.ask(who, method, path, key=key, **sent).content == answer

    def act(self, who: str, method: str, path: str, allowed: bool, **sent: Any) -> Any:
        """As `ask`, for what is one act on the ledger: it is counted."""
        answer = self.ask(who, method, path, allowed, **sent)
        self.expected[who] += allowed
        return answer
