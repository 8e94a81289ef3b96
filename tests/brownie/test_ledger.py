"""The ledger through Brownie: deploy, grant, anchor, decide, prescribe, claim, and refusals by their custom errors."""

import os

import brownie
import pytest
from brownie import web3
from eth_abi import encode

DOCUMENT = b"\x01" * 32
NOBODY = "0x" + "00" * 20
LABORATORY_RESULT, MEDICATION = 2, 1


def keccak(*types_and_values):
    types, values = zip(*types_and_values, strict=True)
    return bytes(web3.keccak(encode(types, values)))


def subject(patient, categories):
    return int(patient.address, 16) | categories << 160


def asked(reader, digest, about, author):
    """A request for treatment, now."""
    return (reader.address, 0, 0, digest, about, author.address)


def refused(name):
    """Reverts with this custom error, whatever its arguments."""
    return brownie.reverts(revert_pattern=rf"{name}: .*")


SINGLE = (0, bytes(32), 0, [])


@pytest.fixture
def opening(ledger, people, terms, chain):
    """A prescription of two fills of thirty, issued, that the pharmacy may dispense with the patient's consent."""
    ledger.grant(people.prescriber, bytes(32), terms(may_write=True), DOCUMENT, {"from": people.patient})
    ledger.grant(people.pharmacy, bytes(32), terms(), DOCUMENT, {"from": people.patient})
    about, digest, keys = subject(people.patient, MEDICATION), os.urandom(32), os.urandom(32)
    now = chain.time()
    allowed = 2 | 30 << 8 | 60 << 32 | (now - 60) << 88 | (now + 86_400) << 128 | 1 << 168
    hidden = keccak(("bytes32", digest), ("bytes32", keys))
    ledger.issue(about, keccak(("bytes32", hidden), ("uint256", allowed)), {"from": people.prescriber})
    return (people.prescriber.address, about, allowed, hidden)


def test_the_deployment_knows_its_consortium_and_predecessor(ledger, people):
    assert ledger.PREDECESSOR() == NOBODY
    word = ledger.participantOf(people.consortium)
    assert word >> 160 & 0xFFFF == 1 << 15 | 1 << 14


def test_a_patient_grants_a_laboratory_anchors_and_a_doctor_is_permitted(ledger, people, terms):
    ledger.grant(people.laboratory, bytes(32), terms(may_write=True), DOCUMENT, {"from": people.patient})
    granted = ledger.grant(people.prescriber, bytes(32), terms(), DOCUMENT, {"from": people.patient})
    assert granted.events["ConsentGranted"]["grantee"] == people.prescriber

    digest, about = os.urandom(32), subject(people.patient, LABORATORY_RESULT)
    anchored = ledger.anchor(digest, about, {"from": people.laboratory})
    assert anchored.events["RecordAnchored"]["patient"] == people.patient

    basis = (3, people.prescriber.address, bytes(32), b"")
    request = asked(people.prescriber, digest, about, people.laboratory)
    permitted, reason, *_ = ledger.decide(request, SINGLE, [basis])
    assert (permitted, reason) == (True, 17)

    ledger.withdraw(people.prescriber, bytes(32), {"from": people.patient})
    permitted, reason, *_ = ledger.decide(request, SINGLE, [basis])
    assert (permitted, reason) == (False, 5)


def test_without_leave_to_write_the_laboratory_is_refused(ledger, people):
    digest, about = os.urandom(32), subject(people.patient, LABORATORY_RESULT)
    with refused("WriteNotPermitted"):
        ledger.anchor(digest, about, {"from": people.laboratory})


def test_a_stranger_is_refused(ledger, people):
    with refused("RoleMissing"):
        ledger.admit(people.stranger, 1, {"from": people.stranger})
    with refused("RoleMissing"):
        ledger.anchor(os.urandom(32), subject(people.patient, LABORATORY_RESULT), {"from": people.stranger})


def test_a_prescription_is_dispensed_twice_and_not_a_third_time(ledger, people, opening):
    for _ in range(2):
        dispensed = ledger.dispenseGranted(opening, 30, os.urandom(32), {"from": people.pharmacy})
        assert dispensed.events["PrescriptionDispensed"]["pharmacist"] == people.pharmacy
    with refused("NothingLeftToDispense"):
        ledger.dispenseGranted(opening, 30, os.urandom(32), {"from": people.pharmacy})


def test_a_reservation_lapses_with_the_clock(ledger, people, opening, chain):
    ledger.reserveGranted(opening, {"from": people.pharmacy})
    chain.sleep(3_600)
    chain.mine()
    ledger.dispenseReserved(opening, 1, 30, os.urandom(32), {"from": people.pharmacy})
    ledger.reserveGranted(opening, {"from": people.pharmacy})
    chain.sleep(86_400)
    chain.mine()
    with refused("LeaseLost"):
        ledger.dispenseReserved(opening, 2, 30, os.urandom(32), {"from": people.pharmacy})


def test_the_patient_cancels(ledger, people, opening):
    ledger.cancel(opening, {"from": people.patient})
    with refused("PrescriptionStateUnfit"):
        ledger.dispenseGranted(opening, 30, os.urandom(32), {"from": people.pharmacy})
