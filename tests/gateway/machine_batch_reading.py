"""Reading what came in batches: opened exactly if the model permits, proven to whoever may know of it."""

from ledger.codes import Purpose
from tests.gateway import machine_batch_checks as checks
from tests.gateway.machine_asking import Asking
from tests.gateway.machine_batch_model import PATIENTS, BatchModel

READERS = ["doctor", "doctor", "locum", "nurse", "technician", *PATIENTS]
"""Doctor and locum are of one hospital, the nurse of another; the technician has written all of it."""


class BatchReading(Asking):
    """Patients, the author, doctors whom they let read, and a nurse whom nobody knows."""

    model: BatchModel

    def permits(self, reader: str, digest: bytes, purpose: Purpose) -> bool:
        """With all that could be said for her; said once more, without the model's way of deciding."""
        record, model = self.model.records[digest], self.model
        offered = [scope for scope in model.consents if scope[0] == record.patient]
        permitted = model.decide(reader, digest, purpose, offered)[0]
        if permitted:
            alone = any(scope[2] == digest and granted.is_live(model.now) for scope, granted in model.consents.items())
            assert model.may_know_of(reader, digest) or alone, "the model permits without a basis"
        return permitted

    def look(self) -> None:
        """Open a result, or try to, and have it proven if it may be known of."""
        digest, reader = self.chance.choice(list(self.model.results)), self.chance.choice(READERS)
        patient = self.model.records[digest].patient
        purpose = self.chance.choice([Purpose.TREAT, Purpose.TREAT, Purpose.TREAT, Purpose.HRESCH])
        self.read(digest, reader, Purpose.PATRQT if reader == patient else purpose)
        self.prove(digest, reader)

    def read_as(self, patient: str, grantee: str) -> None:
        """Have a grantee, or one of its people, open all of a patient's results, as far as she may."""
        reader = {"hospital": "doctor", "laboratory": "technician"}.get(grantee, grantee)
        for digest in self.model.results:
            if self.model.records[digest].patient == patient:
                self.read(digest, reader, Purpose.TREAT)

    def read(self, digest: bytes, reader: str, purpose: Purpose) -> None:
        answer = self.open(digest, reader, purpose)
        if answer.status_code == 200:
            record = self.model.records[digest]
            said = (answer.headers["Record-State"].upper(), answer.headers["Record-Author"])
            assert said == (record.state, self.world.addresses[record.author])

    def prove(self, digest: bytes, reader: str) -> None:
        """The inclusion proof, which whoever may not know of the record is not given."""
        answer = self.world.ask(reader, "GET", f"/v1/records/{digest.hex()}/evidence")
        known = self.model.may_know_of(reader, digest)
        assert answer.status_code == (200 if known else 404), f"{reader}: {answer.text}"
        if known:
            checks.check_proof(self.world, self.model, digest, answer.json())

    def draw_result(self, preferred: str) -> bytes:
        """A result, mostly one in the state that is preferred."""
        suits = [one for one in self.model.results if self.model.records[one].state == preferred]
        return self.chance.choice(suits if suits and self.chance.random() < 0.7 else list(self.model.results))
