"""A doctor, her patient and two pharmacists at a gateway, each act with what the model says about it: done exactly if
it is allowed, and once; and what must be true of every prescription whatever has failed."""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import event

from ledger.errors import NodeError
from ledger.types import PrescriptionState, PrescriptionTerms
from tests.contracts.prescription_model import Model
from tests.gateway.machine_faults import Failing
from tests.gateway.machine_process import PATIENCE
from tests.gateway.machine_world import AHEAD, CANARY, House
from tests.gateway.served import fresh_key
from tests.waiting import until

DAY = 86_400
PHARMACISTS = ("ana", "bob")
MOST_PRESCRIPTIONS = 4

Done = tuple[str, str, str, Any, bytes]
"""An acknowledged act: by whom, path, key, what was sent, what was answered."""


@dataclass(slots=True)
class Issued:
    """A prescription, and all codes that its patient has shown."""

    id: str
    model: Model
    codes: list[tuple[int, str]] = field(default_factory=list)
    """The fill, counted from 0, and the code."""


class PrescriptionActs(Failing):
    """What the four do, drawn from `chance`."""

    def __init__(self, house: House, folder: Path) -> None:
        super().__init__(house, folder)
        self.issued: list[Issued] = []
        self.done: list[Done] = []
        """Acknowledged acts."""
        self.jumped = False
        """Time has passed that a killed node would not know of."""
        self.careful = False
        """Draw only what can be done."""
        self.expected: Counter[str] = Counter()
        """How many acts of each there must be on the ledger."""

    def acts(self) -> list[tuple[Callable[[], None], float]]:
        return [
            (self.issue, 1),
            (self.dispense, 6),
            (self.reserve, 4),
            (self.dispense_reserved, 4),
            (self.release, 2),
            (self.end, 1),
            (self.pause, 1),
            (self.settle_cancellation, 1),
            (self.repeat, 2),
        ]

    def ask(self, who: str, path: str, allowed: bool, sent: Any = None) -> Any:
        """Have something done exactly if the model allows it, cut off or not; the answer, None if refused."""
        key, act = fresh_key(), path.rpartition("/")[2]
        response = self.world.ask(who, "POST", path, key=key, json=sent)
        event(f"{act}: {'done' if allowed else 'refused'}")
        assert response.is_success == allowed, f"{act} by {who}: {response.text}, otherwise in the model"
        if not allowed:
            assert response.status_code in (403, 404, 409, 422), response.text
            return None
        self.done.append((who, path, key, sent, response.content))
        return response.json()

    def try_on(self, one: Issued, who: str, path: str, sent: Any, act: Callable[[Model], bool]) -> Any:
        """Have an act done that the model allows or not, and then see that the chain is where the model is."""
        after = deepcopy(one.model)
        after.now = self.chain_now()
        allowed = act(after)
        answer = self.ask(who, path, allowed, sent)
        if allowed:
            one.model = after
            self.expected[who] += 1
        self.settle()
        return answer

    def issue(self, fills: int = 0) -> None:
        """A prescription of up to three fills, some for fewer units than these could have."""
        if len(self.issued) == MOST_PRESCRIPTIONS and not fills:
            return
        fills, now = fills or self.chance.randint(1, 3), self.world.model.now
        terms = PrescriptionTerms(
            fills,
            per_fill=10,
            quantity=10 * fills - (4 if fills > 1 and self.chance.random() < 0.3 else 0),
            min_interval=self.chance.choice([0, 0, DAY]) if fills > 1 else 0,
            not_before=now - AHEAD - DAY,
            expiry=now + self.chance.choice([DAY - 3_600, 90 * DAY, 90 * DAY]),
        )
        stated = {name: getattr(terms, name) for name in PrescriptionTerms.__slots__}
        body = {"resource": {"resourceType": "MedicationRequest"}, "title": CANARY}
        sent = {"patient": self.world.addresses["ada"], "body": body, "terms": stated}
        answer = self.ask("doctor", "/v1/prescriptions", True, sent)
        self.issued.append(Issued(answer["id"], Model(terms, now)))
        self.expected["doctor"] += 1

    def code(self, one: Issued) -> tuple[int, str]:
        """What the patient shows: the code of the fill that is due, or one that she has shown before."""
        if one.codes and not self.careful and self.chance.random() < 0.2:
            return self.chance.choice(one.codes)
        fill = min(one.model.fill_to_claim(), one.model.terms.fills - 1)
        shown = self.world.ask_for("ada", f"/v1/prescriptions/{one.id}/present", {"fill": fill + 1})
        assert shown.status_code == 200, shown.text
        one.codes.append((fill, shown.json()["code"]))
        return one.codes[-1]

    def draw_units(self, one: Issued) -> tuple[int, bool]:
        """All, part or too much of what may be handed out; whether the rest is owed."""
        most = one.model.most()
        if self.careful:
            return max(1, most // 2), False
        return max(1, self.chance.choice([most, most, most // 2, most + 1])), self.chance.random() < 0.3

    def dispense(self) -> None:
        one, who = self.draw(), self.chance.choice(PHARMACISTS)
        (fill, code), (units, owed) = self.code(one), self.draw_units(one)
        path, sent = "/v1/prescriptions/dispense", {"code": code, "units": units, "owed": owed}
        self.try_on(
            one, who, path, sent, lambda model: fill == model.fill_to_claim() and model.counter(who, units, owed)
        )

    def reserve(self) -> None:
        """Cut off, she asks anew: what she has reserved she may reserve again, and the answer brings her slip."""
        one, who = self.draw(), self.chance.choice(PHARMACISTS)
        fill, code = self.code(one)
        path, sent = "/v1/prescriptions/reserve", {"code": code}
        answer = self.try_on(one, who, path, sent, lambda model: fill == model.fill_to_claim() and model.reserve(who))
        if answer is not None:
            assert answer["fence"] == one.model.state.fence

    def draw_fence(self, one: Issued) -> tuple[str, int]:
        """Mostly the holder and her number."""
        state = one.model.state
        who = state.holder if state.holder and self.chance.random() < 0.8 else self.chance.choice(PHARMACISTS)
        return who, max(0, state.fence - int(self.chance.random() < 0.15))

    def dispense_reserved(self) -> None:
        one = self.draw("CLAIMED", "CANCEL_PENDING")
        (who, fence), (units, owed) = self.draw_fence(one), self.draw_units(one)
        path, sent = f"/v1/prescriptions/{one.id}/dispense", {"fence": fence, "units": units, "owed": owed}
        self.try_on(one, who, path, sent, lambda model: model.dispense_reserved(who, fence, units, owed))

    def release(self) -> None:
        one = self.draw("CLAIMED", "CANCEL_PENDING")
        who, fence = self.draw_fence(one)
        path = f"/v1/prescriptions/{one.id}/release"
        self.try_on(one, who, path, {"fence": fence}, lambda model: model.release(who, fence))

    def end(self) -> None:
        """Doctor or patient cancels; or the doctor says it was entered in error."""
        one, who = self.draw(), self.chance.choice(["ada", "doctor"])
        if who == "doctor" and self.chance.random() < 0.3:
            self.try_on(one, who, f"/v1/prescriptions/{one.id}/void", None, Model.void)
        else:
            self.try_on(one, who, f"/v1/prescriptions/{one.id}/cancel", None, Model.cancel)

    def pause(self) -> None:
        one = self.draw("SUSPENDED")
        paused = (one.model.state.status != "SUSPENDED") != (self.chance.random() < 0.2)
        path = f"/v1/prescriptions/{one.id}/pause"
        self.try_on(one, "doctor", path, {"paused": paused}, lambda model: model.pause(paused))

    def settle_cancellation(self) -> None:
        one = self.draw("CANCEL_PENDING")
        self.try_on(one, "ada", f"/v1/prescriptions/{one.id}/settle", None, Model.settle)

    def repeat(self, again: Done | None = None) -> None:
        """Ask once more for something that was done, under its key: the same answer, and no second effect."""
        who, path, key, sent, answer = again or self.chance.choice(self.done)
        assert self.world.ask(who, "POST", path, key=key, json=sent).content == answer
        self.settle()

    def claimable(self) -> list[Issued]:
        """Prescriptions of which something can be handed out now; if there is none, one is issued."""
        now = self.chain_now()
        for one in self.issued:
            one.model.now = now
        found = [one for one in self.issued if one.model.most() and one.model.may_claim("")]
        if not found:
            self.issue(fills=2)
        return found or self.issued[-1:]

    # --- what must be true

    def settle(self) -> None:
        """Wait until the chain has what was acknowledged, and learn from it when."""
        for one in self.issued:
            found = until(lambda one=one: self.as_modelled(one), PATIENCE)  # type: ignore[misc]
            state = one.model.state
            if found.status.name in ("CLAIMED", "CANCEL_PENDING"):
                assert abs(found.lease_until - state.lease_until) < 2 * PATIENCE
            assert abs(found.dispensed_at - state.dispensed_at) < 2 * PATIENCE
            one.model.state = replace(state, lease_until=found.lease_until, dispensed_at=found.dispensed_at)

    def as_modelled(self, one: Issued) -> PrescriptionState | None:
        """What the chain says, if that is what the model says."""
        state = one.model.state
        try:
            found = self.world.ledger.prescription(bytes.fromhex(one.id))
            holder = self.world.ledger.holder(bytes.fromhex(one.id))
        except NodeError:  # it is coming back
            return None
        said = (found.status.name, found.fills_used, found.units_used, found.owing, found.fence)
        held = state.status not in ("CLAIMED", "CANCEL_PENDING") or holder == self.world.addresses[state.holder]
        meant = (state.status, state.fills, state.units, state.owing, state.fence)
        return found if held and said == meant else None

    def chain_now(self) -> int:
        """The newest block's time."""
        return int(until(self._newest, PATIENCE)["timestamp"], 16)

    def _newest(self) -> Any:
        try:
            return self.world.node.request("eth_getBlockByNumber", "latest", False)
        except NodeError:  # it is coming back
            return None

    def draw(self, *preferred: str) -> Issued:
        """A prescription, mostly one in a state that suits."""
        if self.careful or (not preferred and self.chance.random() < 0.5):
            return self.chance.choice(self.claimable())
        suits = [one for one in self.issued if one.model.state.status in preferred or not preferred]
        alive = [one for one in suits if one.model.state.status not in ("COMPLETED", "CANCELLED", "VOIDED")]
        few = alive if alive and self.chance.random() < 0.85 else suits or self.issued
        return self.chance.choice(few)
