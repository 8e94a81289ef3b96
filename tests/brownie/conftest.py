"""A ledger deployed by Brownie, with a hospital, a laboratory, a pharmacy, a prescriber and a patient."""

import pytest

from scripts.deploy import deploy

PATIENT, PRACTITIONER, PRESCRIBER, LABORATORY, PHARMACIST = (1 << bit for bit in range(5))
MEDICATION, LABORATORY_RESULT = 1, 2
DAY = 86_400


class People:
    """Brownie's accounts under the names of what they are here."""

    def __init__(self, accounts):
        self.consortium, self.hospital, self.laboratory, self.pharmacy = accounts[:4]
        self.prescriber, self.patient, self.stranger = accounts[4:7]


@pytest.fixture(scope="module")
def people(accounts):
    return People(accounts)


@pytest.fixture(scope="module")
def ledger(people):
    deployed = deploy(people.consortium)
    deployed.admit(people.hospital, PRACTITIONER | PRESCRIBER, {"from": people.consortium})
    deployed.admit(people.laboratory, LABORATORY, {"from": people.consortium})
    deployed.admit(people.pharmacy, PHARMACIST, {"from": people.consortium})
    deployed.register(people.prescriber, PRACTITIONER | PRESCRIBER, {"from": people.hospital})
    deployed.register(people.patient, PATIENT, {"from": people.hospital})
    return deployed


@pytest.fixture(autouse=True)
def isolate(fn_isolation):
    """Each test begins on the chain that the module's fixtures left."""


@pytest.fixture
def terms(chain):
    """Packs consent terms: medication and laboratory results, for treatment, for ninety days."""

    def pack(may_write=False, categories=MEDICATION | LABORATORY_RESULT):
        now = chain.time()
        return categories | 1 << 16 | (now - 60) << 32 | (now + 90 * DAY) << 72 | int(may_write) << 112

    return pack
