"""Asking a gateway for something and comparing with the model: done exactly if it is allowed, and remembered so that it
can be asked for again; opened exactly if it is permitted, and remembered for the log."""

from abc import abstractmethod
from pathlib import Path
from typing import Any

import httpx
from hypothesis import event

from ledger.codes import Purpose
from ledger.types import ConsentTerms
from tests.gateway.machine_faults import Failing
from tests.gateway.machine_process import PATIENCE
from tests.gateway.machine_world import House, kind_of
from tests.gateway.served import fresh_key
from tests.waiting import until

Done = tuple[str, str, str, str, dict[str, Any], bytes]
"""An acknowledged write: by whom, method, path, key, what was sent, what was answered."""


class Asking(Failing):
    """Whoever does something at the gateway."""

    def __init__(self, house: House, folder: Path) -> None:
        super().__init__(house, folder)
        self.contents: dict[bytes, bytes] = {}
        """What was deposited, by digest."""
        self.done: list[Done] = []
        """Acknowledged writes."""
        self.opened: dict[str, bool] = {}
        """Attempts to open that were answered, by correlation id, and whether they were permitted."""
        self.cut_off: list[str] = []
        """Attempts that were not, or were refused before the ledger was asked."""

    @abstractmethod
    def permits(self, reader: str, digest: bytes, purpose: Purpose) -> bool:
        """Whether the model lets somebody read, with all that could be said for her."""

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

    def open(self, digest: bytes, reader: str, purpose: Purpose) -> httpx.Response:
        """Open a record exactly if the model permits, as often as it takes; the answer."""
        permitted = self.permits(reader, digest, purpose)

        def attempt() -> httpx.Response | None:
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
        return answer

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
