"""The people of a demonstration: organizations and persons who do not exist.

    >>> people = load(settings.data_dir)
    >>> people["patient"].passphrase              # random, kept in a file marked as a demonstration's
    'demo-...'

Their keys are as random as anybody's. Only their passphrases lie readable beside them, in `demo-people.json`, so that
whoever tries the gateway out can be any of them.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway.identity.secrets_at_rest import write_whole
from ledger.codes import Role
from ledger.types import Address, address_of

IDENTIFIER_SYSTEM = "urn:oid:2.16.840.1.113883.19.5"
"""HL7's OID for examples: the demonstration's patient numbers belong to it."""
_FILE = "demo-people.json"


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


def load(data_dir: Path) -> dict[str, DemoPerson]:
    """The cast of a gateway's demonstration; empty if it has none."""
    try:
        entries = json.loads((data_dir / _FILE).read_text())["people"]
    except FileNotFoundError:
        return {}
    people = [DemoPerson(**{**entry, "address": address_of(entry["address"])}) for entry in entries]
    return {person.handle: person for person in people}


def save(data_dir: Path, people: Mapping[str, DemoPerson]) -> None:
    """Write the cast of a gateway's demonstration."""
    content = {
        "warning": "A demonstration's people: their passphrases stand here, so anybody who reads this can be them.",
        "people": [asdict(person) for person in people.values()],
    }
    write_whole(data_dir / _FILE, json.dumps(content, indent=2).encode() + b"\n")
