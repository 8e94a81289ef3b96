"""What people do at the gateway, each act with what the model says about it: done exactly if it is allowed, once."""

from collections.abc import Callable

from ledger.codes import Category, Power, Purpose, purposes_mask
from ledger.types import ConsentTerms, consent_id, scope_number
from tests.contracts.care_model import Broken, CareModel, Delegated
from tests.contracts.consent_model import Written
from tests.gateway import machine_checks as checks
from tests.gateway.machine_asking import Asking
from tests.gateway.machine_world import CANARY
from tests.gateway.served import YEAR

KINDS = [Category.LABORATORY, Category.IMAGING, Category.GENETICS, Category.LABORATORY | Category.GENETICS]
READERS = ["doctor", "nurse", "medic", "ben", "ada"]
GRANTEES = ["doctor", "nurse", "clinic", "ben"]
PURPOSES = [Purpose.TREAT] * 4 + [Purpose.CAREMGT, Purpose.HRESCH, Purpose.FAMRQT, Purpose.BTG]


class Acts(Asking):
    """Ada, whom all of it is about, and those who read, write and act for her."""

    model: CareModel

    def acts(self) -> list[tuple[Callable[[], None], float]]:
        return [
            (self.deposit_something, 4),
            (self.answer, 2),
            (self.grant, 5),
            (self.withdraw, 3),
            (self.set_denial, 4 if self.model.denials else 2),
            (self.delegate, 2),
            (self.grant_for, 2),
            (self.break_glass, 1),
            (self.suspend_for_a_while, 1),
            (self.repeat, 3),
            (self.open_something, 9),
        ]

    def permits(self, reader: str, digest: bytes, purpose: Purpose) -> bool:
        return checks.permits(self.world, reader, digest, purpose)

    def deposit_something(self) -> None:
        self.deposit(self.chance.choice(["ada", "doctor", "doctor", "nurse"]), self.chance.choice(KINDS))

    def deposit(self, author: str, categories: Category) -> None:
        model, content = self.model, f"{CANARY} entry {len(self.contents)}: genotype XZ".encode()
        lets = [key for key in model.consents if model.may_write(author, "ada", categories, key[1], int(key[2]))]
        asked = {"patient": self.world.addresses["ada"], "categories": ",".join(categories.labels())}
        allowed = model.is_live(author) and not model.is_denied("ada", author)
        headers = {"Content-Type": "text/plain", "Record-Title": CANARY}
        answer = self.ask(author, "POST", "/v1/records", allowed, params=asked, content=content, headers=headers)
        if answer is not None:
            proposed = author != "ada" and not lets
            assert answer["proposed"] == proposed
            digest = bytes.fromhex(answer["digest"])
            assert digest not in model.records
            model.records[digest] = Written("ada", author, categories, "PROPOSED" if proposed else "ANCHORED")
            self.contents[digest] = content

    def answer(self) -> None:
        waiting = [digest for digest, record in self.model.records.items() if record.state == "PROPOSED"]
        digest, accepted = self.chance.choice(waiting or list(self.model.records)), self.chance.random() < 0.7
        sent = {"accepted": accepted}
        if self.ask("ada", "POST", f"/v1/proposals/{digest.hex()}/answer", digest in waiting, json=sent):
            self.model.records[digest].state = "ANCHORED" if accepted else "TURNED_DOWN"

    def draw_terms(self) -> ConsentTerms:
        now, write = self.model.now, self.chance.random() < 0.3
        begins = 0 if write else now + self.chance.choice([0, 0, 0, 60])
        ends = now + (YEAR if write else self.chance.choice([300, 600, YEAR, YEAR]))
        categories = self.chance.choice([*KINDS, Category.LABORATORY | Category.IMAGING])
        purposes = purposes_mask(self.chance.choice(PURPOSES[:5]))
        return ConsentTerms(categories, purposes, begins, ends, may_write=write)

    def grant(self) -> None:
        grantee, terms = self.chance.choice([*GRANTEES, *GRANTEES, "ada"]), self.draw_terms()
        number = self.next_number(grantee)
        answer = self.ask("ada", "POST", "/v1/consents", grantee != "ada", json=self.body(grantee, terms))
        if answer:
            assert answer["id"] == self.id_of(grantee, number)
            assert self.model.grant("ada", grantee, number, terms)

    def grant_for(self) -> None:
        """Ben grants in her name, within what she lets him, or tries to go beyond."""
        grantee, terms = self.chance.choice(GRANTEES), self.draw_terms()
        number = self.next_number(grantee)
        allowed = self.model.grant_for("ben", "ada", grantee, number, terms)
        path = f"/v1/for/{self.world.addresses['ada']}/consents"
        answer = self.ask("ben", "POST", path, allowed, json=self.body(grantee, terms))
        assert answer is None or answer["id"] == self.id_of(grantee, number)

    def withdraw(self) -> None:
        if not self.model.consents:
            return
        _, grantee, number = key = self.chance.choice(list(self.model.consents))
        allowed = self.model.consents[key].withdrawn_at is None
        if self.ask("ada", "DELETE", f"/v1/consents/{self.id_of(grantee, int(number))[2:]}", allowed):
            assert self.model.withdraw(*key)

    def set_denial(self) -> None:
        grantee, denied = self.chance.choice([*GRANTEES, "medic"]), self.chance.random() < 0.4
        allowed = (("ada", grantee) in self.model.denials) != denied
        path = f"/v1/denials/{self.world.addresses[grantee]}"
        if self.ask("ada", "PUT" if denied else "DELETE", path, allowed):
            assert self.model.deny("ada", grantee, denied)

    def delegate(self) -> None:
        """Ada names Ben, replaces what he may do, or ends it."""
        path = f"/v1/delegations/{self.world.addresses['ben']}"
        if self.chance.random() < 0.3:
            named = self.model.delegations.get(("ada", "ben")) is not None
            if self.ask("ada", "DELETE", path, named):
                self.model.delegations["ada", "ben"] = None
            return
        powers = self.chance.choice([Power.READ, Power.READ | Power.GRANT])
        what = Delegated(powers, self.chance.choice(KINDS), self.model.now + YEAR)
        sent = {"powers": what.powers.labels(), "categories": what.categories.labels(), "until": what.until}
        if self.ask("ada", "PUT", path, True, json=sent):
            assert self.model.delegate("ada", "ben", what)

    def break_glass(self) -> None:
        """Once in a run: the chain, whose clock is behind, would not yet take a second time."""
        if self.model.glass:
            return
        patient = self.world.addresses["ada"]
        sent = {"patient": patient, "reason": "unresponsive", "hours": 3}
        self.ask("nurse", "POST", "/v1/emergency/openings", False, json=sent)
        self.ask("medic", "POST", "/v1/emergency/openings", True, json=sent)
        found = self.world.ledger.break_glass(patient, self.world.addresses["medic"])
        assert found is not None
        self.model.glass["ada", "medic"] = Broken(found.opened_at, found.until, 1, repeated=False)

    def suspend_for_a_while(self) -> None:
        """Her hospital suspends the doctor, who does and reads nothing, and reinstates her."""
        path = f"/v1/participants/{self.world.addresses['doctor']}/suspension"
        for suspended in (True, False):
            self.ask("hospital", "PUT", path, True, json={"suspended": suspended})
            self.model.people["doctor"].suspended = suspended
            if suspended:
                self.deposit("doctor", Category.LABORATORY)
            self.open(self.draw_record(), "doctor", Purpose.TREAT)

    def repeat(self) -> None:
        """Ask once more for something that was done, under its key: the same answer, and no second effect."""
        who, method, path, key, sent, answer = self.chance.choice(self.done)
        again = self.world.ask(who, method, path, key=key, **sent)
        assert again.content == answer
        assert checks.lists_differ(self.world) is None

    def open_something(self) -> None:
        reader = self.chance.choice(READERS)
        purpose = self.chance.choice(PURPOSES)
        if reader in ("medic", "ben") and self.chance.random() < 0.7:
            purpose = Purpose.BTG if reader == "medic" else Purpose.FAMRQT
        self.open(self.draw_record(), reader, purpose)

    # --- drawing

    def draw_record(self) -> bytes:
        return self.chance.choice(list(self.model.records))

    def next_number(self, grantee: str) -> int:
        return sum(key[1] == grantee for key in self.model.consents)

    def id_of(self, grantee: str, number: int) -> str:
        patient, address = self.world.addresses["ada"], self.world.addresses[grantee]
        return "0x" + consent_id(patient, address, scope_number(number)).hex()
