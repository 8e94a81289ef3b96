"""The whole gateway, portal and demo people included, on a free port; and more people where a test wants its own."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from secrets import token_hex
from threading import Thread
from time import sleep, time
from typing import Any

import uvicorn

from gateway import flow
from gateway.consents import consenting
from gateway.demo_people import DemoPerson, load
from gateway.identity.keystore import Identity
from gateway.sending import Errand, send
from gateway.serve import whole_gateway
from gateway.services import Gateway
from gateway.settings import Settings
from ledger.acts import Act
from ledger.codes import Category, Purpose, Role, purposes_mask
from ledger.types import Address, ConsentTerms
from offchain_store.record import Header

WAIT = 60.0
YEAR = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person, her passphrase, and her unlocked keys."""

    identity: Identity
    passphrase: str = field(repr=False)

    @property
    def address(self) -> Address:
        return self.identity.address

    @property
    def name(self) -> str:
        return self.identity.name


@dataclass(frozen=True, slots=True)
class Portal:
    """A served portal."""

    gateway: Gateway
    url: str
    people: dict[str, DemoPerson]

    def demo(self, handle: str) -> Somebody:
        """One of the demonstration's cast, unlocked."""
        one = self.people[handle]
        identity = self.gateway.keystore.unlock(one.address, one.passphrase)
        self.gateway.sessions.open(identity.address, identity)
        return Somebody(identity, one.passphrase)

    def person(self, name: str, *roles: Role, organization: str = "hospital") -> Somebody:
        """Somebody new, registered by one of the cast's organizations, with a key card."""
        passphrase = f"passphrase {token_hex(8)}"
        identity = self.gateway.keystore.create(name, passphrase)
        mask = Role(0)
        for role in roles:
            mask |= role
        if not mask & Role.PATIENT:
            self.gateway.directory.put(identity.address, name)
        card = self.gateway.cards.put(identity)
        act = self.gateway.ledger.acts.register_with_key_card(identity.address, mask, card)
        self.act(act, self.demo(organization).identity)
        self.gateway.sessions.open(identity.address, identity)
        return Somebody(identity, passphrase)

    def patient(self, name: str = "Paula Test") -> Somebody:
        """A patient whom no other test knows."""
        return self.person(name, Role.PATIENT)

    def act(self, act: Act, by: Identity) -> None:
        """Have an act done and indexed."""
        send(self.gateway, act, signer=by.address, errand=Errand.new(WAIT))

    def grant(
        self, patient: Somebody, grantee: Address, categories: Category, *, write: bool = False, seconds: int = YEAR
    ) -> bytes:
        """A consent for treatment from now on; its scope."""
        now = int(time())
        terms = ConsentTerms(categories, purposes_mask(Purpose.TREAT), now - 5, now + seconds, write)
        return consenting.grant(self.gateway, patient.identity, grantee, terms, errand=Errand.new(WAIT)).scope

    def header(self, categories: Category, title: str, media_type: str = "application/fhir+json") -> Header:
        """A record's header, of this moment."""
        return Header(media_type, int(categories), title, datetime.now(UTC).replace(microsecond=0))

    def deposit(self, author: Somebody, patient: Address, content: bytes, categories: Category, **more: Any) -> bytes:
        """A record about a patient; its digest. `title` and `media_type` may be given."""
        header = self.header(categories, more.get("title", "A record"), more.get("media_type", "application/fhir+json"))
        draft = flow.Draft(patient, categories, header)
        return flow.deposit(self.gateway, author.identity, draft, BytesIO(content), Errand.new(WAIT)).digest


@contextmanager
def serving(folder: Path, *, port: int = 0, **settings: Any) -> Iterator[Portal]:
    """The whole gateway on a chain of its own; on a folder that has one, it goes on where it was stopped."""
    if not port:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    chosen = Settings(data_dir=folder, port=port, scrypt_n=2, **settings)
    with whole_gateway(chosen) as (gateway, app):
        config = uvicorn.Config(
            app, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=1, lifespan="off"
        )
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, name="uvicorn")
        thread.start()
        while not server.started:
            sleep(0.01)
        try:
            yield Portal(gateway, f"http://localhost:{port}", load(folder))
        finally:
            server.should_exit = True
            thread.join()
