"""Registering people, organizations and teams: key made or brought, card put, name remembered, act sent.

>>> ana, entry = register(gateway, hospital, Newcomer("Ana", Role.PATIENT), passphrase="...", errand=errand)
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import InvalidInput
from gateway.identity.keystore import Identity
from gateway.sending import Errand, await_entry, earlier, send
from ledger.codes import Role
from ledger.outbox import Entry
from ledger.types import Address, address_of, team_address

if TYPE_CHECKING:
    from gateway.services import Gateway


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who is to be registered."""

    name: str
    roles: Role


def register(
    gateway: "Gateway",
    organization: Identity,
    newcomer: Newcomer,
    *,
    passphrase: str,
    errand: Errand,
    secret: bytes | None = None,
    demo: bool = False,
) -> tuple[Identity, Entry]:
    """Make a person's keystore here and register her, with her key card, as her organization.

    Raises:
        PassphraseTooWeak, KeystoreExists
        ContractRejected: the organization may not confer these roles.
    """
    sent = earlier(gateway, organization.address, errand)
    if sent is not None:
        # Cut off before it was answered: her keystore was made then.
        person = gateway.keystore.unlock(_newcomer_of(sent), passphrase)
        return person, await_entry(gateway, sent, errand.wait)
    person = gateway.keystore.create(newcomer.name, passphrase, secret=secret, demo=demo)
    card = gateway.cards.put(person)
    gateway.directory.put(person.address, newcomer.name)
    act = gateway.ledger.acts.register_with_key_card(person.address, newcomer.roles, card)
    return person, send(gateway, act, signer=organization.address, errand=errand)


def register_address(
    gateway: "Gateway",
    organization: Identity,
    newcomer: Newcomer,
    *,
    address: Address,
    key_card: bytes | None,
    errand: Errand,
) -> Entry:
    """Register a person who keeps her keys herself; `key_card` is the block that she signed.

    Raises:
        InvalidInput: the card is not hers.
        ContractRejected
    """
    acts = gateway.ledger.acts
    if key_card is None:
        act = acts.register(address, newcomer.roles)
    else:
        act = acts.register_with_key_card(address, newcomer.roles, gateway.cards.put_signed(address, key_card))
    gateway.directory.put(address, newcomer.name)
    return send(gateway, act, signer=organization.address, errand=errand)


def admit(
    gateway: "Gateway",
    consortium: Identity,
    newcomer: Newcomer,
    *,
    passphrase: str,
    errand: Errand,
    secret: bytes | None = None,
    demo: bool = False,
) -> tuple[Identity, Entry]:
    """Make an organization's keystore here, admit it as the consortium, and publish its key card.

    This gateway keeps its sealing key, so that what is sealed for it reaches its people while nobody of it is here.
    """
    errand = errand.step("admit")
    sent = earlier(gateway, consortium.address, errand)
    if sent is not None:
        return gateway.keystore.unlock(_newcomer_of(sent), passphrase), await_entry(gateway, sent, errand.wait)
    organization = gateway.keystore.create(newcomer.name, passphrase, secret=secret, demo=demo)
    gateway.custody.keep(organization)
    gateway.directory.put(organization.address, newcomer.name)
    act = gateway.ledger.acts.admit(organization.address, newcomer.roles)
    entry = send(gateway, act, signer=consortium.address, errand=errand)
    return organization, entry


def publish_card(gateway: "Gateway", person: Identity, errand: Errand) -> Entry | None:
    """Publish a participant's key card if the ledger does not have it; None: it does."""
    card = gateway.cards.put(person)
    if gateway.ledger.key_card(person.address) == card:
        return None
    return send(gateway, gateway.ledger.acts.publish_key_card(card), signer=person.address, errand=errand)


def open_team(
    gateway: "Gateway", organization: Identity, name: str, number: int, errand: Errand
) -> tuple[Address, Entry]:
    """Open a team; its address follows from its organization and number.

    Raises:
        InvalidInput: the number does not fit.
        ContractRejected
    """
    if not 0 <= number < 2**96:
        raise InvalidInput("number", "0 to 2**96 - 1")
    team = team_address(organization.address, number)
    gateway.directory.put(team, name)
    entry = send(gateway, gateway.ledger.acts.open_team(number), signer=organization.address, errand=errand)
    return team, entry


def _newcomer_of(entry: Entry) -> Address:
    """Whom an act registers or admits: its first argument."""
    return address_of(entry.data[16:36])
