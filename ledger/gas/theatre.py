"""The house in which runs are played: a fresh ledger, its organizations and their people, and patients at will.

>>> with measuring_devnet() as network:
...     theatre = open_theatre(network, seed="1")
...     stages = theatre.stages("anchor", 100, patients=theatre.standing_patients(100))
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ledger.acts import Acts
from ledger.code import create_ledger
from ledger.codes import Role
from ledger.deployment import DEPLOY_GAS
from ledger.eip712 import Domain
from ledger.gas.network import Call, Network, Receipt
from ledger.gas.people import Person, person
from ledger.gas.play import play
from ledger.gas.stage import Stage, Step, step
from ledger.types import ZERO_ADDRESS, Address, address_of, team_address

ORGANIZATIONS = {
    "hospital": Role.PATIENT | Role.PRACTITIONER | Role.PRESCRIBER | Role.EMERGENCY,
    "laboratory": Role.LABORATORY,
    "pharmacy": Role.PHARMACIST,
    "practice": Role.PRACTITIONER | Role.PRESCRIBER,
}
"""Each acts by its own account too; the practice is a doctor who is an organization by herself."""

PEOPLE = {
    "doctor": ("hospital", Role.PRACTITIONER | Role.PRESCRIBER),
    "technician": ("laboratory", Role.LABORATORY),
    "pharmacist": ("pharmacy", Role.PHARMACIST),
}
"""Whose they are, and what they may do."""

TEAM = 1
"""The number of the hospital's team, which the doctor belongs to."""

STANDING = (
    step("grant", "patient", to="laboratory", may_write=True),
    step("grant", "patient", to="technician", may_write=True),
    step("grant", "patient", to="practice", may_write=True),
    step("grant", "patient", to="doctor", may_write=True),
    step("grant", "patient", to="team", may_write=True),
    step("grant", "patient", to="pharmacy", may_write=True),
    step("grant", "patient", to="pharmacist", may_write=True),
)
"""What a patient who has been here for a while has granted."""


@dataclass(slots=True)
class Theatre:
    """A deployment with its cast, on one network, from one seed."""

    network: Network
    seed: str
    contract: Address
    creations: dict[str, Receipt]
    """Of the contracts, by name, in the order in which they were made."""
    cast: dict[str, Person]
    addresses: dict[str, Address]
    _patients: list[Person] = field(default_factory=list)

    def stages(self, label: str, count: int, *, patients: Sequence[Person] = ()) -> list[Stage]:
        """Stages numbered from 0; without patients given, each has one of its own who is not registered yet."""
        acts, domain = Acts(self.contract), Domain(self.network.chain_id, self.contract)
        stages = []
        for number in range(count):
            cast = self.cast | ({"patient": patients[number]} if patients else {})
            epoch = self.network.epoch
            stages.append(Stage(self.seed, label, number, acts, domain, epoch, cast, self.addresses))
        return stages

    def standing_patients(self, count: int) -> list[Person]:
        """Registered patients with standing consents, the same at every call."""
        known = len(self._patients)
        if count > known:
            patients = [person(self.seed, "patient", number) for number in range(known, count)]
            stages = self.stages(f"standing from {known}", len(patients), patients=patients)
            play(self.network, stages, (step("register", "hospital"), *STANDING))
            self._patients += patients
        return self._patients[:count]


def open_theatre(network: Network, *, seed: str) -> Theatre:
    """Deploy the ledger and bring in the cast.

    Raises:
        GasRunFailed: a transaction failed.
        NodeError: the node does not answer.
    """
    consortium = network.funder or person(seed, "consortium")
    creations: dict[str, Receipt] = {}

    def create(name: str, init_code: bytes) -> Address:
        (creations[name],) = network.send([Call(consortium, None, init_code, gas_limit=DEPLOY_GAS)])
        return address_of(str(creations[name].contract))

    contract = create_ledger(create, consortium=consortium.address, predecessor=ZERO_ADDRESS)
    names = [*ORGANIZATIONS, *PEOPLE]
    cast = {"consortium": consortium} | {name: person(seed, name) for name in names}
    addresses = {"team": team_address(cast["hospital"].address, TEAM)}
    theatre = Theatre(network, seed, contract, creations, cast, addresses)
    script: list[Step] = [step("admit", "consortium", who=name, roles=roles) for name, roles in ORGANIZATIONS.items()]
    script += [step("register", by, who=name, roles=roles) for name, (by, roles) in PEOPLE.items()]
    stage = theatre.stages("opening", 1)
    play(network, stage, script)
    acts = Acts(contract)
    network.send([Call(cast["hospital"], acts.open_team(TEAM))])
    play(network, stage, [step("setMembership", "hospital", team="team", who="doctor")])
    # Once for ever an organization's count of openings begins; what is measured is every further one.
    medic = step("register", "hospital", who="medic", roles=Role.EMERGENCY)
    play(network, stage, [step("register", "hospital"), medic, step("breakGlass", "medic")])
    return theatre
