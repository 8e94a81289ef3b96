"""The people of a demonstration: organizations and persons who do not exist, made on a local devnet's first start.

    >>> people = populate(gateway)
    >>> people["patient"].passphrase              # random, made here, kept in a file marked as a demonstration's
    'demo-...'

Their keys are as random as anybody's. Only their passphrases lie readable beside them, in `demo-people.json`, so that
whoever tries the gateway out can be any of them.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex

from gateway.identity.directory import keyed_identifier
from gateway.identity.keystore import Identity
from gateway.identity.secrets_at_rest import write_whole
from gateway.sending import Errand, send
from gateway.services import Gateway
from ledger.acts import Act
from ledger.codes import Role
from ledger.types import Address, address_of

IDENTIFIER_SYSTEM = "urn:oid:2.16.840.1.113883.19.5"
"""HL7's OID for examples: the demonstration's patient numbers belong to it."""
_FILE = "demo-people.json"
_WAIT = 30.0


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody in the cast."""

    handle: str
    """What one types for her."""
    name: str
    roles: Role
    organization: str | None = None
    """Handle of the organization that registers her; none: she is one herself."""
    number: str | None = None
    """A patient's number, by which laboratories know her."""


CAST = (
    Part("hospital", "Northside Hospital", Role.PRACTITIONER | Role.PRESCRIBER | Role.EMERGENCY | Role.RESEARCHER),
    Part("laboratory", "Riverbank Laboratory", Role.LABORATORY),
    Part("pharmacy", "Bridge Street Pharmacy", Role.PHARMACIST),
    Part("pharmacy-2", "Harbour Pharmacy", Role.PHARMACIST),
    Part("authority", "Data Protection Office", Role.AUDITOR),
    Part("doctor", "Dr Ada Quinn", Role.PRACTITIONER | Role.PRESCRIBER, "hospital"),
    Part("doctor-2", "Dr Kofi Osei", Role.PRACTITIONER, "hospital"),
    Part("emergency", "Dr Samira Iwu, emergency department", Role.EMERGENCY, "hospital"),
    Part("technician", "Piet Vos, laboratory", Role.LABORATORY, "laboratory"),
    Part("auditor", "Noor Haddad, data protection officer", Role.AUDITOR, "authority"),
    Part("pharmacist", "Jonas Reed, pharmacist", Role.PHARMACIST, "pharmacy"),
    Part("pharmacist-2", "Lena Park, pharmacist", Role.PHARMACIST, "pharmacy-2"),
    Part("researcher", "Ravi Turing, researcher", Role.RESEARCHER, "hospital"),
    Part("patient", "Maren Oakfield", Role.PATIENT, "hospital", "DEMO-4711-0815"),
    Part("patient-2", "Tomas Lindqvist", Role.PATIENT, "hospital", "DEMO-4711-0816"),
    Part("patient-3", "Ines Duarte", Role.PATIENT, "hospital", "DEMO-4711-0817"),
    Part("caregiver", "Paula Oakfield, daughter", Role.PATIENT, "hospital"),
    Part("guardian", "Henrik Lindqvist, guardian", Role.PATIENT, "hospital"),
)
"""Who takes part; the pharmacies, the laboratory and the hospital act as themselves too."""


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One of the cast, and how to sign in as her."""

    handle: str
    address: Address
    passphrase: str

    @property
    def name(self) -> str:
        """Her display name; it stands in this module, her keystore and, sealed, among the gateway's names."""
        return next(part.name for part in CAST if part.handle == self.handle)


def populate(gateway: Gateway) -> dict[str, DemoPerson]:
    """Make the cast, once: whoever is missing is made and registered, so a start that was cut off is finished.

    Raises:
        LedgerError: the ledger refuses somebody.
    """
    path = gateway.settings.data_dir / _FILE
    people = load(gateway.settings.data_dir)
    sessions: list[str] = []
    identities: dict[str, Identity] = {}
    try:
        for part in CAST:
            person = people.get(part.handle)
            if person is None:
                person = _make(gateway, part)
                people[part.handle] = person
                _save(path, people)
            if not _is_registered(gateway, part, person.address):
                _register(gateway, part, people, identities, sessions)
    finally:
        for token in sessions:
            gateway.sessions.close(gateway.sessions.find(token).token_hash)
    return people


def load(data_dir: Path) -> dict[str, DemoPerson]:
    """The cast of a gateway's demonstration; empty if it has none."""
    try:
        entries = json.loads((data_dir / _FILE).read_text())["people"]
    except FileNotFoundError:
        return {}
    people = [DemoPerson(**{**entry, "address": address_of(entry["address"])}) for entry in entries]
    return {person.handle: person for person in people}


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


def _save(path: Path, people: dict[str, DemoPerson]) -> None:
    content = {
        "warning": "A demonstration's people: their passphrases stand here, so anybody who reads this can be them.",
        "people": [asdict(person) for person in people.values()],
    }
    write_whole(path, json.dumps(content, indent=2).encode() + b"\n")
