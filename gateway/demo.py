"""The demonstration's people are made on a local devnet's first start: keys, keystores, their places on the ledger.

>>> people = populate(gateway)
>>> people["patient"].name
'Maren Oakfield'
"""

from secrets import token_hex

from gateway.demo_people import CAST, IDENTIFIER_SYSTEM, DemoPerson, Part, load, save
from gateway.identity.directory import keyed_identifier
from gateway.identity.keystore import Identity
from gateway.sending import Errand, send
from gateway.services import Gateway
from ledger.acts import Act
from ledger.types import Address

_WAIT = 30.0


def populate(gateway: Gateway) -> dict[str, DemoPerson]:
    """Make the cast, once: whoever is missing is made and registered, so a start that was cut off is finished.

    Raises:
        LedgerError: the ledger refuses somebody.
    """
    people = load(gateway.settings.data_dir)
    sessions: list[str] = []
    identities: dict[str, Identity] = {}
    try:
        for part in CAST:
            person = people.get(part.handle)
            if person is None:
                person = _make(gateway, part)
                people[part.handle] = person
                save(gateway.settings.data_dir, people)
            if not _is_registered(gateway, part, person.address):
                _register(gateway, part, people, identities, sessions)
    finally:
        for token in sessions:
            gateway.sessions.close(gateway.sessions.find(token).token_hash)
    return people


def _make(gateway: Gateway, part: Part) -> DemoPerson:
    passphrase = f"demo-{token_hex(8)}"
    made = gateway.keystore.create(part.name, passphrase, demo=True)
    gateway.directory.put(made.address, part.name)  # sealed; `gateway.names` says who may see a patient's
    return DemoPerson(part.handle, made.address, passphrase)


def _register(
    gateway: Gateway,
    part: Part,
    people: dict[str, DemoPerson],
    identities: dict[str, Identity],
    sessions: list[str],
) -> None:
    """Put her on the ledger with her key card and, for a patient, her keyed number: each step that is missing."""
    ledger, acts = gateway.ledger, gateway.ledger.acts
    her = _unlock(gateway, people[part.handle], identities, sessions)
    card = gateway.cards.put(her)
    known = ledger.participant(her.address) is not None
    if part.organization is None:
        if not known:
            _do(gateway, gateway.operator.address, acts.admit(her.address, part.roles))
        if ledger.key_card(her.address) is None:
            _do(gateway, her.address, acts.publish_key_card(card))
        gateway.custody.keep(her)
        return
    organization = _unlock(gateway, people[part.organization], identities, sessions)
    if not known:
        _do(gateway, organization.address, acts.register_with_key_card(her.address, part.roles, card))
    identifier = _identifier(gateway, part)
    if identifier is not None and ledger.participant_by(identifier) is None:
        _do(gateway, organization.address, acts.link(identifier, her.address))


def _is_registered(gateway: Gateway, part: Part, address: Address) -> bool:
    identifier = _identifier(gateway, part)
    return (
        gateway.ledger.participant(address) is not None
        and gateway.ledger.key_card(address) is not None
        and (identifier is None or gateway.ledger.participant_by(identifier) is not None)
        and (part.organization is not None or gateway.custody.find(address) is not None)
    )


def _identifier(gateway: Gateway, part: Part) -> bytes | None:
    if part.number is None:
        return None
    return keyed_identifier(gateway.consortium_key, IDENTIFIER_SYSTEM, part.number)


def _unlock(gateway: Gateway, person: DemoPerson, identities: dict[str, Identity], sessions: list[str]) -> Identity:
    """Her keys, unlocked for as long as the cast is being made."""
    if person.handle not in identities:
        unlocked = gateway.keystore.unlock(person.address, person.passphrase)
        sessions.append(gateway.sessions.open(person.address, unlocked))
        identities[person.handle] = unlocked
    return identities[person.handle]


def _do(gateway: Gateway, signer: Address, act: Act) -> None:
    send(gateway, act, signer=signer, errand=Errand.new(wait=_WAIT))
