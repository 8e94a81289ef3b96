"""What people do at the gateway, each act with what the model says about it: done exactly if it is allowed, once."""

import random
from collections.abc import Callable
from typing import Any

from hypothesis import event
from hypothesis.stateful import RuleBasedStateMachine

from ledger.codes import Category, Power, Purpose, purposes_mask
from ledger.types import ConsentTerms, consent_id, scope_number
from tests.contracts.care_model import Broken, CareModel, Delegated
from tests.contracts.consent_model import Written
from tests.gateway import machine_checks as checks
from tests.gateway.machine_process import PATIENCE
from tests.gateway.machine_world import CANARY, World, kind_of
from tests.gateway.served import YEAR, fresh_key
from tests.waiting import until

KINDS = [Category.LABORATORY, Category.IMAGING, Category.GENETICS, Category.LABORATORY | Category.GENETICS]
READERS = ["doctor", "nurse", "medic", "ben", "ada"]
GRANTEES = ["doctor", "nurse", "clinic", "ben"]
PURPOSES = [Purpose.TREAT] * 4 + [Purpose.CAREMGT, Purpose.HRESCH, Purpose.FAMRQT, Purpose.BTG]


class Acts(RuleBasedStateMachine):
    """Ada, whom all of it is about, and those who read, write and act for her."""

    world: World
    model: CareModel
    chance: random.Random

    def __init__(self) -> None:
        super().__init__()
        self.contents: dict[bytes, bytes] = {}
        """What was deposited, by digest."""
        self.done: list[tuple[str, str, str, str, dict[str, Any], bytes]] = []
        """Acknowledged writes: by whom, method, path, key, what was sent, what was answered."""
        self.opened: dict[str, bool] = {}
        """Attempts to open that were answered, by correlation id, and whether they were permitted."""
        self.cut_off: list[str] = []
        """Attempts that were not, or were refused before the ledger was asked."""

    def acts(self) -> list[tuple[Callable[[], None], float]]:
        """What may be done next, and how often it is."""
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

    def ask(self, who: str, method: str, path: str, allowed: bool, **sent: Any) -> Any:
        """Have something done exactly if the model allows it; the answer, None if it was refused."""
        key = fresh_key()
        response = self.world.ask(who, method, path, key=key, **sent)
        route = "/".join(part for part in path.split("/") if len(part) < 40)  # without addresses and digests
        event(f"{method} {route}: {'done' if allowed else 'refused'}")
        assert response.is_success == allowed, f"{method} {route} by {who}: {response.text}, otherwise in the model"
        if not allowed:
            assert response.status_code in (403, 404, 409, 422), response.text
            return None
        self.done.append((who, method, path, key, sent, response.content))
        return response.json()

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

    def open(self, digest: bytes, reader: str, purpose: Purpose) -> None:
        """Open a record exactly if the model permits, as often as it takes."""
        permitted = checks.permits(self.world, reader, digest, purpose)

        def attempt() -> Any:
            name, answer = self.world.try_open(reader, digest.hex(), purpose.name)
            if answer is None or (answer.status_code == 403 and kind_of(answer) != "access-denied"):
                self.cut_off.append(name)
            else:
                self.opened[name] = answer.status_code == 200
            return answer

        answer = until(attempt, PATIENCE)
        event(f"opened by {reader}: {answer.status_code}")
        assert answer.status_code == (200 if permitted else 403), f"{reader} for {purpose.name}: {answer.text}"
        if permitted:
            assert answer.content == self.contents[digest]

    # --- drawing

    def draw_record(self) -> bytes:
        return self.chance.choice(list(self.model.records))

    def next_number(self, grantee: str) -> int:
        return sum(key[1] == grantee for key in self.model.consents)

    def id_of(self, grantee: str, number: int) -> str:
        patient, address = self.world.addresses["ada"], self.world.addresses[grantee]
        return "0x" + consent_id(patient, address, scope_number(number)).hex()

    def body(self, grantee: str, terms: ConsentTerms) -> dict[str, Any]:
        """A consent as the gateway takes it."""
        return {
            "grantee": self.world.addresses[grantee],
            "categories": terms.categories.labels(),
            "purposes": [purpose.name for purpose in Purpose if terms.purposes & purpose.bit],
            "not_before": terms.not_before,
            "expiry": terms.expiry,
            "may_write": terms.may_write,
        }
