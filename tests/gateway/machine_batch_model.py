"""A laboratory and its patients: who is there before anything happens, and the model of their consents and of each
record of a batch."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from ledger.codes import Category
from ledger.types import scope_number
from tests.contracts.care_model import CareModel
from tests.contracts.consent_model import NEVER_COUNTED, Granted, Scope, Someone
from tests.gateway.machine_world import CANARY, House, World
from tests.gateway.served import serving

LAB = Category.LABORATORY
GENES = LAB | Category.GENETICS
"""Sensitive: covered only by a consent that names it."""
PATIENTS = ("ada", "ben", "clara")
WRITING = {"ada": "laboratory", "ben": "technician"}
"""Whom each has let write laboratory results; Clara nobody."""


@dataclass(slots=True)
class Result:
    """One record of a batch: where it was anchored, and what has happened to it since."""

    root: bytes
    index: int
    changes: dict[str, bytes | None] = field(default_factory=dict)
    """accepted, turned_down, superseded (by this digest), retracted."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A batch that was acknowledged."""

    job: str
    root: bytes
    count: int
    anchored_at: int


@dataclass(slots=True)
class BatchModel(CareModel):
    """Who may read what, and where each record of a batch stands."""

    results: dict[bytes, Result] = field(default_factory=dict)
    posted: list[Posted] = field(default_factory=list)

    def covered(self, reader: str, patient: str) -> Category:
        """The kinds that live consents of a patient, but for those to one record, open to somebody not denied."""
        found = Category(0)
        if self.is_denied(patient, reader):
            return found
        names = self.grantees_of(patient, reader)
        for (whose, grantee, scope), granted in self.consents.items():
            if whose == patient and grantee in names and isinstance(scope, int) and granted.is_live(self.now):
                found |= granted.terms.categories if granted.terms else Category(0)
        return found

    def may_know_of(self, viewer: str, digest: bytes) -> bool:
        """Whether a list shows a record to somebody."""
        record = self.records[digest]
        if viewer in (record.patient, record.author):
            return True
        return record.state not in NEVER_COUNTED and record.categories in self.covered(viewer, record.patient)

    def slips_of(self, readers: Collection[str]) -> list[tuple[str, bytes]]:
        """Reader and record wherever a slip must be, since she wrote it or one live consent covers all of its kinds; of
        the records of a batch that one slip opens, one."""
        found: dict[tuple[str | bytes, ...], tuple[str, bytes]] = {}
        for digest, result in self.results.items():
            record = self.records[digest]
            for reader in readers:
                about = (reader, result.root, record.patient, ",".join(record.categories.labels()))
                scopes = [key[2] for key in self.consents if self.reaches(key, reader, digest)]
                if reader == record.author or any(isinstance(scope, int) for scope in scopes):
                    found[about] = reader, digest
                elif scopes:
                    found[*about, digest] = reader, digest
        return list(found.values())

    def reaches(self, key: Scope, reader: str, digest: bytes) -> bool:
        """Whether a live consent covers all of a record's kinds for somebody."""
        (patient, grantee, scope), granted, record = key, self.consents[key], self.records[digest]
        theirs = patient == record.patient and grantee in self.grantees_of(patient, reader)
        meant = theirs and (isinstance(scope, int) or scope == digest) and granted.is_live(self.now)
        return meant and granted.terms is not None and record.categories in granted.terms.categories

    def may_have_slip(self, who: str, digest: bytes, *, whole: bool) -> bool:
        """Whether a slip may be somebody's.

        Args:
            whole: it opens all records of the patient and kinds in the batch.
        """
        record = self.records[digest]
        if who == record.patient or (who == record.author and not whole):
            return True
        own = [key for key in self.consents if key[:2] == (record.patient, who) and self.reaches(key, who, digest)]
        return not self.is_denied(record.patient, who) and any(not whole or isinstance(key[2], int) for key in own)

    def let(self, author: str, patient: str, categories: Category) -> bool:
        """Whether a live consent lets somebody write."""
        keys = [scope for scope in self.consents if scope[0] == patient and isinstance(scope[2], int)]
        return any(self.may_write(author, patient, categories, key[1], int(key[2])) for key in keys)


def build_laboratory(folder: Path) -> House:
    """A hospital with three patients and two doctors, a clinic with a nurse, and a laboratory with a technician."""
    with serving(folder, block_time=0.2) as served:
        hospital = served.organization("patient", "practitioner", name=f"{CANARY} Hospital")
        clinic = served.organization("practitioner", name=f"{CANARY} Clinic")
        laboratory = served.organization("laboratory", name=f"{CANARY} Laboratory")
        people = {name: served.person(hospital, "patient", name=f"{name} {CANARY}") for name in PATIENTS}
        people |= {"hospital": hospital, "clinic": clinic, "laboratory": laboratory}
        for name, role, of in (
            ("technician", "laboratory", laboratory),
            ("doctor", "practitioner", hospital),
            ("locum", "practitioner", hospital),
            ("nurse", "practitioner", clinic),
        ):
            people[name] = served.person(of, role, name=f"{name} {CANARY}")
        for patient, grantee in WRITING.items():
            people[patient].grant(people[grantee].address, "laboratory", may_write=True, not_before=0)
        return House(folder, {name: person.address for name, person in people.items()})


def model_of_laboratory(world: World) -> BatchModel:
    """What is true of them before anything happens."""
    people = {name: Someone("hospital", is_patient=True) for name in PATIENTS}
    for organization, staff in (
        ("hospital", ("doctor", "locum")),
        ("clinic", ("nurse",)),
        ("laboratory", ("technician",)),
    ):
        people |= {name: Someone(organization, is_staff=True, writes=True) for name in (organization, *staff)}
    model = BatchModel(world.model.now, people)
    for patient, grantee in WRITING.items():
        terms = world.ledger.consent(world.addresses[patient], world.addresses[grantee], scope_number(0)).terms
        assert terms is not None
        assert terms.may_write
        model.consents[patient, grantee, 0] = Granted(terms)
    return model
