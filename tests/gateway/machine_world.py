"""A gateway, a bad line and a node, each of which may fail; people who ask again until they have an answer; and the
model of what must be true."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from os import kill
from pathlib import Path
from time import time
from typing import Any

import httpx

from ledger.client import HealthLedger
from ledger.deployment import Deployment, connect
from ledger.devnet import Devnet
from ledger.devnet_watch import keep_running
from ledger.rpc import Node
from ledger.types import Address
from tests.contracts.care_model import CareModel
from tests.contracts.consent_model import Someone
from tests.gateway.machine_process import PATIENCE, GatewayProcess
from tests.gateway.machine_proxy import Proxy
from tests.gateway.served import PASSPHRASE, PLAIN, correlation, fresh_key, serving
from tests.waiting import until

CHAIN_ID = 43_771
AHEAD = 7_200
"""Seconds that the gateway's clock is ahead of the chain's: a decision is about the later of the two, so the gateway's
clock, which stands still until a test moves it, decides what has expired."""
CANARY = "Canary-Wren"
"""In every name and record, and nowhere else."""
_SETTLED = ("mined", "final")
_AGAIN = ("request-at-work", "key-not-held", "slip-missing")
"""Conflicts that pass by themselves, or when somebody has signed in again."""


@dataclass(frozen=True, slots=True)
class House:
    """A gateway's folder, and everybody whom it knows."""

    folder: Path
    addresses: dict[str, Address]


def build(folder: Path) -> House:
    """A hospital with a patient, a friend of hers, a doctor and emergency staff, and a clinic with a nurse."""
    with serving(folder, block_time=0.2) as served:
        hospital = served.organization("patient", "practitioner", "emergency", name=f"{CANARY} Hospital")
        clinic = served.organization("practitioner", name=f"{CANARY} Clinic")
        people = {
            "hospital": hospital,
            "clinic": clinic,
            "ada": served.person(hospital, "patient", name=f"Ada {CANARY}"),
            "ben": served.person(hospital, "patient", name=f"Ben {CANARY}"),
            "doctor": served.person(hospital, "practitioner", name=f"Doctor {CANARY}"),
            "medic": served.person(hospital, "emergency", "practitioner", name=f"Medic {CANARY}"),
            "nurse": served.person(clinic, "practitioner", name=f"Nurse {CANARY}"),
        }
        return House(folder, {name: person.address for name, person in people.items()})


def model_of(now: int) -> CareModel:
    """What is true of them before anything happens."""
    staff = {name: Someone("hospital", is_staff=True, writes=True) for name in ("hospital", "doctor", "medic")}
    clinic = {name: Someone("clinic", is_staff=True, writes=True) for name in ("clinic", "nurse")}
    patients = {name: Someone("hospital", is_patient=True) for name in ("ada", "ben")}
    return CareModel(now, {**staff, **clinic, **patients}, emergency_staff={"medic"})


class World:
    """One run. Made by `opened`."""

    def __init__(self, house: House, node: Node, line: Proxy, gateway: GatewayProcess, *, now: int) -> None:
        self.folder, self.addresses = house.folder, house.addresses
        self.names = {address: name for name, address in house.addresses.items()}
        self.node, self.line, self.gateway = node, line, gateway
        self.deployment = Deployment.load(house.folder / "deployment.json")
        self.ledger: HealthLedger = connect(node, self.deployment)
        """What the chain says, over a line of its own that is never bad."""
        self.model = model_of(now)
        self.troubled = False
        """Something has failed since it was last seen that all is as it should be."""
        self._clients: dict[str, httpx.Client] = {}

    # --- asking

    def ask(self, who: str, method: str, path: str, *, key: str | None = None, **more: Any) -> httpx.Response:
        """Ask until there is an answer that will not change by itself: whatever fails meanwhile is asked again, under
        the same idempotency key; what is only on its way is waited for."""
        headers = {**more.pop("headers", {}), **({"Idempotency-Key": key or fresh_key()} if method != "GET" else {})}
        response = until(lambda: self._try(who, method, path, headers=headers, **more), PATIENCE)
        if response.is_success and method != "GET":
            self._await_act(who, response)
        return response

    def try_open(self, who: str, digest: str, purpose: str) -> tuple[str, httpx.Response | None]:
        """Try once to open a record; the attempt's name, and the answer unless something failed."""
        name = correlation()
        headers = {"X-Correlation-Id": name}
        body = {"purpose": purpose}
        return name, self._try(who, "POST", f"/v1/records/{digest}/open", headers=headers, json=body)

    def ask_for(self, who: str, path: str, body: Any, *, key: str | None = None) -> httpx.Response:
        """Ask, as `ask` does, for what changes nothing on the chain, with a body that is not to stand in a URL."""
        headers = {"Idempotency-Key": key} if key else {}
        return until(lambda: self._try(who, "POST", path, headers=headers, json=body), PATIENCE)

    def ask_now(self, who: str, path: str, body: Any, *, correlation: str) -> httpx.Response:
        """Ask a gateway that is well; nobody but the one who asks is signed in for it."""
        client = self._client(who)
        assert client is not None
        return client.post(path, json=body, headers={"X-Correlation-Id": correlation})

    def ask_once(self, who: str, method: str, path: str, *, key: str) -> httpx.Response | None:
        """Ask, and leave it at that; None: there was no answer, and whatever died is alive again."""
        return self._try(who, method, path, headers={"Idempotency-Key": key})

    def _try(self, who: str, method: str, path: str, **more: Any) -> httpx.Response | None:
        """One answer; None: none yet, ask again."""
        try:
            client = self._client(who)
            response = client.request(method, path, **more) if client else None
        except httpx.TransportError:
            self._revive()
            return None
        if response is None:
            return None
        if response.status_code == 401:
            self._clients.pop(who).close()
            return None
        if response.status_code == 503 or (response.status_code == 409 and kind_of(response) in _AGAIN):
            self.troubled = True
            self.wake()
            return None
        assert response.status_code < 500, response.text
        return response

    def _await_act(self, who: str, response: httpx.Response) -> None:
        """Wait until the act that an answer tells of is on the chain."""
        body = response.json()
        act = body.get("act", body)
        if act["state"] not in _SETTLED:
            self.troubled = True
            until(lambda: self.ask(who, "GET", f"/v1/acts/{act['id']}").json()["state"] in _SETTLED, PATIENCE)

    def _client(self, who: str) -> httpx.Client | None:
        """Somebody's client, signed in; None: she cannot sign in just now."""
        if who not in self._clients:
            body = {"address": self.addresses[who], "passphrase": PASSPHRASE}
            url = f"{self.gateway.url}/v1/session/passphrase"
            answer = httpx.post(url, json=body, timeout=PATIENCE, verify=PLAIN)
            if answer.status_code != 201:
                assert answer.status_code in (401, 403, 503), answer.text
                return None
            headers = {"Authorization": f"Bearer {answer.json()['token']}"}
            self._clients[who] = httpx.Client(
                base_url=self.gateway.url, headers=headers, timeout=PATIENCE, verify=PLAIN
            )
        return self._clients[who]

    def wake(self) -> None:
        """Have everybody signed in: what was under way is signed, and her keys open what waits for slips."""
        until(lambda: all(self._see(who) for who in self.addresses), PATIENCE)

    def _see(self, who: str) -> bool:
        """Whether somebody is signed in; if her session is over she tries again."""
        try:
            client = self._client(who)
            if client is None:
                return False
            if client.get("/v1/session").status_code == 401:
                self._clients.pop(who).close()
                return False
        except httpx.TransportError:
            self._revive()
            return False
        return True

    # --- failing

    def kill_gateway(self, *, wake: bool = True) -> None:
        """Kill the gateway, and start it on what it has left; unless told otherwise everybody signs in again."""
        self.gateway.kill()
        self._revive()
        if wake:
            self.wake()

    def _revive(self) -> None:
        """Something failed: if the gateway is dead, start it again, on a line that is good until it runs."""
        self.troubled = True
        if not self.gateway.is_alive:
            self.line.calm()
            self.gateway.start()
            self._forget_clients()

    def kill_node(self, pid: int) -> None:
        """Kill the node; what it mined since its last dump is lost until it is sent again."""
        self.troubled = True
        kill(pid, signal.SIGKILL)

    def set_clock(self, now: int) -> None:
        """Move the time of decisions."""
        self.gateway.set_clock(now)
        self.model.now = now
        self.wake()

    def close(self) -> None:
        """End the gateway and everybody's connections to it."""
        self._forget_clients()
        self.gateway.kill()

    def _forget_clients(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()


def kind_of(response: httpx.Response) -> str:
    """The last word of a problem's type."""
    return str(response.json()["type"]).rpartition(":")[2]


@contextmanager
def opened(house: House, folder: Path) -> Iterator[tuple[World, Any]]:
    """A world of its own on a copy of the house, and the devnet behind it."""
    shutil.copytree(house.folder, folder)
    now = int(time()) + AHEAD

    def start(port: int) -> Devnet:
        return Devnet.start(folder / "chain", port=port, chain_id=CHAIN_ID, block_time=0.2)

    with ExitStack() as stack:
        devnet = stack.enter_context(keep_running(start))
        node = stack.enter_context(Node(devnet.url))
        line = stack.enter_context(Proxy(int(devnet.url.rpartition(":")[2])))
        world = World(House(folder, house.addresses), node, line, GatewayProcess(folder, line.url, now=now), now=now)
        stack.callback(world.close)
        world.gateway.start()
        world.wake()
        yield world, devnet
