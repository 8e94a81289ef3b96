"""A gateway served over HTTP, and people who talk to it as anybody would: with a client and a token."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from threading import Thread
from time import sleep, time
from typing import Any
from uuid import uuid4

import httpx
import uvicorn
from fastapi import APIRouter

from gateway.app import create_app
from gateway.consents.collected import follow_lists
from gateway.consents.consenting import finish_handing_over
from gateway.services import Gateway
from gateway.slips.sweeping import sweep
from ledger.types import Address
from tests.gateway.people import running

PASSPHRASE = "a long enough passphrase"
YEAR = 365 * 86_400
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of a gateway on this machine: loading the world's certificates for each takes longer than requests."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in."""

    address: Address
    client: httpx.Client = field(repr=False)

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.client.get(path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.client.post(path, **kwargs)

    def put(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.client.put(path, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.client.delete(path, **kwargs)

    def grant(self, grantee: Address, *categories: str, **more: Any) -> str:
        """Grant for treatment for a year; the consent's id."""
        body = {
            "grantee": grantee,
            "categories": list(categories),
            "purposes": ["TREAT"],
            "expiry": int(time()) + YEAR,
            **more,
        }
        response = self.post("/v1/consents", json=body)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    def deposit(self, patient: Address, content: bytes, *categories: str, **more: Any) -> dict[str, Any]:
        """Deposit a record; the answer."""
        response = self.try_deposit(patient, content, *categories, **more)
        assert response.status_code == 201, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def try_deposit(
        self, patient: Address, content: bytes, *categories: str, headers: dict[str, str] | None = None, **query: Any
    ) -> httpx.Response:
        return self.post(
            "/v1/records",
            params={"patient": patient, "categories": ",".join(categories), **query},
            content=content,
            headers={"Content-Type": "text/plain", **(headers or {})},
        )

    def open(self, digest: str, purpose: str = "TREAT") -> httpx.Response:
        return self.post(f"/v1/records/{digest}/open", json={"purpose": purpose})


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway and its URL."""

    gateway: Gateway
    url: str
    clients: ExitStack
    """Closes every client at the end."""

    def client(self, token: str | None = None) -> httpx.Client:
        """A client, signed in if there is a token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.clients.enter_context(httpx.Client(base_url=self.url, headers=headers, timeout=30, verify=PLAIN))

    def operator(self) -> Person:
        """The consortium."""
        operator = self.gateway.operator
        return Person(operator.address, self.client(self.gateway.sessions.open(operator.address, operator)))

    def sign_in(self, address: Address) -> Person:
        """Somebody with a keystore here."""
        response = self.client().post("/v1/session/passphrase", json={"address": address, "passphrase": PASSPHRASE})
        assert response.status_code == 201, response.text
        return Person(address, self.client(response.json()["token"]))

    def organization(self, *roles: str, name: str = "Some Organization") -> Person:
        """A new organization, signed in."""
        body = {"name": name, "roles": list(roles), "passphrase": PASSPHRASE}
        response = self.operator().post("/v1/organizations", json=body)
        assert response.status_code == 201, response.text
        return self.sign_in(Address(response.json()["address"]))

    def person(self, organization: Person, *roles: str, name: str = "Some Body") -> Person:
        """A new person of an organization, signed in."""
        body = {"name": name, "roles": list(roles), "passphrase": PASSPHRASE}
        response = organization.post("/v1/participants", json=body)
        assert response.status_code == 201, response.text
        return self.sign_in(Address(response.json()["address"]))


@contextmanager
def serving(folder: Path, *, routers: Sequence[APIRouter] = (), **settings: Any) -> Iterator[Served]:
    """A gateway on a chain of its own, listening on a free port; `routers`: what else it serves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chosen = {"block_time": None, "port": port, "passphrase_least": 8, **settings}
    with running(folder, chores=(follow_lists, finish_handing_over, sweep), **chosen) as gateway:
        config = uvicorn.Config(create_app(gateway, routers=routers), port=port, log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, name="uvicorn")
        thread.start()
        while not server.started:
            sleep(0.01)
        try:
            with ExitStack() as clients:
                yield Served(gateway, f"http://localhost:{port}", clients)
        finally:
            server.should_exit = True
            thread.join()


def fresh_key() -> str:
    """An idempotency key that nobody has used."""
    return token_hex(8)


def correlation() -> str:
    """A correlation id that nobody has used."""
    return str(uuid4())
