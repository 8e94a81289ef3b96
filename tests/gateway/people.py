"""A running gateway on a chain of its own, with a hospital, a laboratory, pharmacies and people who act for them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes
from typing import Any

from gateway.batches.records import find_in_batch
from gateway.chores import Chore
from gateway.identity.keystore import Identity, identity
from gateway.prescriptions.bodies import find_prescription
from gateway.sending import Errand, send
from gateway.services import Gateway, open_gateway
from gateway.settings import Settings
from ledger.acts import Act
from ledger.codes import Category, Purpose, Role, purposes_mask
from ledger.outbox import Entry
from ledger.types import Address, ConsentTerms, scope_number
from offchain_store.record import Header

WAIT = 60.0


@dataclass(frozen=True, slots=True)
class World:
    """A gateway and everybody whose keys a test needs."""

    gateway: Gateway
    hospital: Identity
    laboratory: Identity
    pharmacies: tuple[Identity, Identity]
    doctor: Identity
    technician: Identity
    pharmacist: Identity
    other_pharmacist: Identity
    """Of the other pharmacy."""
    patient: Identity

    def act(self, act: Act, by: Identity) -> Entry:
        """Have an act done and indexed."""
        self.gateway.sessions.open(by.address, by)
        return send(self.gateway, act, signer=by.address, errand=Errand.new(WAIT))

    def person(self, organization: Identity, roles: Role) -> Identity:
        """Somebody new, with a key card, signed in."""
        person = identity(token_bytes(32), "somebody")
        card = self.gateway.cards.put(person)
        self.act(self.gateway.ledger.acts.register_with_key_card(person.address, roles, card), organization)
        self.gateway.sessions.open(person.address, person)
        return person

    def let(self, patient: Identity, grantee: Address, categories: Category, *, write: bool = False) -> bytes:
        """A consent for treatment, live from now on; its scope."""
        number = self.gateway.index.next_consent_number(patient.address, grantee)
        purposes = purposes_mask(Purpose.TREAT)
        terms = ConsentTerms(categories, purposes, not_before=0, expiry=self.now() + 86_400 * 400, may_write=write)
        self.act(self.gateway.ledger.acts.grant(grantee, scope_number(number), terms, bytes(32)), patient)
        return scope_number(number)

    def now(self) -> int:
        """The chain's time."""
        return int(self.gateway.node.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def travel(self, seconds: int) -> None:
        """Let time pass on the chain."""
        self.gateway.node.request("evm_increaseTime", hex(seconds))
        self.gateway.node.request("evm_mine")

    def header(self, categories: Category, media_type: str = "application/fhir+json") -> Header:
        return Header(media_type, int(categories), "A title", datetime.now(UTC).replace(microsecond=0))

    def errand(self, wait: float = WAIT) -> Errand:
        return Errand.new(wait)


@contextmanager
def running(
    folder: Path, chores: tuple[Chore, ...] = (), clock: Callable[[], float] = time.time, **settings: Any
) -> Iterator[Gateway]:
    """A gateway with the finders of prescriptions and batches."""
    chosen = Settings(data_dir=folder, scrypt_n=2, **settings)
    finders = (find_in_batch, find_prescription)
    with open_gateway(chosen, finders=finders, chores=chores, clock=clock) as gateway:
        yield gateway


def populate(gateway: Gateway) -> World:
    """Register everybody."""
    hospital, laboratory, pharmacy, other = (identity(token_bytes(32), "organization") for _ in range(4))
    nobody = gateway.operator
    world = World(gateway, hospital, laboratory, (pharmacy, other), *[nobody] * 5)
    acts = gateway.ledger.acts
    for organization, roles in (
        (hospital, Role.PATIENT | Role.PRACTITIONER | Role.PRESCRIBER),
        (laboratory, Role.LABORATORY),
        (pharmacy, Role.PHARMACIST),
        (other, Role.PHARMACIST),
    ):
        world.act(acts.admit(organization.address, roles), nobody)
        gateway.custody.keep(organization)
        world.act(acts.publish_key_card(gateway.cards.put(organization)), organization)
    return World(
        gateway,
        hospital,
        laboratory,
        (pharmacy, other),
        doctor=world.person(hospital, Role.PRACTITIONER | Role.PRESCRIBER),
        technician=world.person(laboratory, Role.LABORATORY),
        pharmacist=world.person(pharmacy, Role.PHARMACIST),
        other_pharmacist=world.person(other, Role.PHARMACIST),
        patient=world.person(hospital, Role.PATIENT),
    )
