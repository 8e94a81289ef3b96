"""The sealed body of a prescription, and reading it on a presented fill key."""

from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from ledger import eip712
from ledger.client import prescription_proof
from ledger.codes import BasisKind, Category, Purpose, Reason, RecordState
from ledger.merkle import MerkleTree
from ledger.types import (
    AccessRequest,
    AnchorProof,
    Basis,
    Decision,
    fill_key_leaf,
)
from tests.contracts.actors import LATE, Person, Prescribed, World, consent_basis, terms
from tests.contracts.evm import START


@pytest.fixture
def digest(world: World) -> bytes:
    """A laboratory result of Ada's, anchored by the technician."""
    world.grant(world.ada, world.technician)
    return world.anchor(world.technician, world.ada)


def ask(world: World, reader: Person, record: bytes, *bases: Basis, **changes: Any) -> Decision:
    """The decision about the technician's result."""
    request = replace(world.request(reader, record, world.technician), **changes)
    return world.chain.decide(request, bases)


def reason(decision: Decision) -> Reason:
    """The reason; a denial carries nothing that a permit would."""
    assert decision.permitted == (decision.reason == Reason.PERMITTED)
    if not decision.permitted:
        assert (decision.basis, decision.basis_id, decision.until) == (BasisKind.NONE, bytes(32), 0)
    return decision.reason


PRESENTED_PROOF = "(bytes32,uint256,bytes32[],uint40,bytes32,bytes32)"


def body_of(rx: Prescribed) -> AnchorProof:
    return prescription_proof(rx.opening)


def read_body(world: World, rx: Prescribed, reader: Person, *bases: Basis, **changes: Any) -> Decision:
    request = AccessRequest(reader.address, Purpose.TREAT, rx.opening.digest, rx.opening.subject, world.doctor.address)
    return world.chain.decide(replace(request, **changes), bases, body_of(rx))


def presentation(
    world: World,
    rx: Prescribed,
    reader: Person,
    *,
    fill: int = 0,
    deadline: int = LATE,
    key: Person | None = None,
    terms_word: int | None = None,
) -> Basis:
    data = eip712.presentation_data(
        world.chain.domain, prescription=rx.id, fill=fill, reader=reader.address, deadline=deadline
    )
    signed = eip712.sign(data, (key or rx.keys[fill]).key)
    word = rx.opening.terms.pack() if terms_word is None else terms_word
    proof = (rx.tree.root, word, list(rx.tree.path(fill)), deadline, *signed)
    return Basis(BasisKind.PRESENTATION, proof=encode([PRESENTED_PROOF], [proof]))


@pytest.fixture
def rx(world: World) -> Prescribed:
    world.grant(world.ada, world.doctor)
    return world.prescribe()


def test_a_prescriptions_body_is_a_record_like_any_other(world: World, rx: Prescribed) -> None:
    assert read_body(world, rx, world.ada).basis == BasisKind.OWN_RECORD
    assert read_body(world, rx, world.doctor).basis == BasisKind.AUTHOR
    assert reason(read_body(world, rx, world.pharmacist)) == Reason.NO_BASIS
    world.grant(world.ada, world.pharmacist, terms(Category.MEDICATION))
    decision = read_body(world, rx, world.pharmacist, consent_basis(world.pharmacist))
    assert (decision.permitted, decision.state) == (True, RecordState.ANCHORED)


def test_a_body_is_proven_by_the_whole_opening_alone(world: World, rx: Prescribed) -> None:
    for changes in (
        {"digest": bytes(32)},
        {"author": world.nurse.address},
        {"subject": replace(rx.opening.subject, categories=Category.IMAGING)},
    ):
        assert reason(read_body(world, rx, world.doctor, **changes)) == Reason.RECORD_NOT_ANCHORED


def test_a_body_is_proven_by_the_fill_keys_root_and_the_terms_and_nothing_else(world: World, rx: Prescribed) -> None:
    opening = rx.opening
    request = AccessRequest(world.doctor.address, Purpose.TREAT, opening.digest, opening.subject, world.doctor.address)
    whole = prescription_proof(opening)
    for proof in (
        replace(whole, path=()),
        replace(whole, path=(*whole.path, bytes(32))),
        replace(whole, path=(bytes(32),)),
        replace(whole, root=bytes(32)),
        replace(whole, root=opening.digest),
    ):
        assert reason(world.chain.decide(request, [], proof)) == Reason.RECORD_NOT_ANCHORED
    swapped = replace(request, digest=opening.fill_keys)
    assert reason(world.chain.decide(swapped, [], replace(whole, root=opening.digest))) == Reason.RECORD_NOT_ANCHORED
    assert world.chain.decide(request, [], whole).permitted


def test_the_body_of_a_voided_prescription_is_marked_retracted(world: World, rx: Prescribed) -> None:
    world.chain.send(world.doctor.address, world.acts.void(rx.opening))
    assert read_body(world, rx, world.ada).state == RecordState.RETRACTED


def test_a_pharmacist_reads_the_prescription_that_is_presented_to_her(world: World, rx: Prescribed) -> None:
    basis = presentation(world, rx, world.pharmacist, deadline=START + 300)
    decision = read_body(world, rx, world.pharmacist, basis)
    assert (decision.permitted, decision.basis, decision.basis_id) == (True, BasisKind.PRESENTATION, rx.id)
    assert decision.until == START + 300
    for time, expected in ((300, Reason.PERMITTED), (301, Reason.PRESENTATION_INVALID)):
        world.chain.go_to(START + time)
        assert reason(read_body(world, rx, world.pharmacist, basis)) == expected


def test_a_presentation_is_for_one_reader_one_fill_and_one_prescription(world: World, rx: Prescribed) -> None:
    other = world.prescribe()
    invalid = [
        presentation(world, rx, world.rival),
        presentation(world, rx, world.pharmacist, fill=1),
        presentation(world, rx, world.pharmacist, key=world.ada),
        presentation(world, rx, world.pharmacist, terms_word=rx.opening.terms.pack() + 1),
        presentation(world, other, world.pharmacist),
    ]
    for basis in invalid:
        assert reason(read_body(world, rx, world.pharmacist, basis)) == Reason.PRESENTATION_INVALID


def test_only_pharmacists_are_presented_prescriptions(world: World, rx: Prescribed) -> None:
    for reader in (world.nurse, world.ben):
        basis = presentation(world, rx, reader)
        assert reason(read_body(world, rx, reader, basis)) == Reason.PRESENTATION_INVALID


def test_a_presentation_is_for_treatment_and_for_no_other_purpose(world: World, rx: Prescribed) -> None:
    basis = presentation(world, rx, world.pharmacist)
    for stated in Purpose:
        expected = Reason.PERMITTED if Purpose.TREAT in stated.covered_by() else Reason.PURPOSE_NOT_COVERED
        assert reason(read_body(world, rx, world.pharmacist, basis, purpose=stated)) == expected


def test_a_presentation_opens_no_other_record(world: World, rx: Prescribed, digest: bytes) -> None:
    basis = presentation(world, rx, world.pharmacist)
    assert reason(ask(world, world.pharmacist, digest, basis)) == Reason.PRESENTATION_INVALID


def test_a_denial_beats_a_presentation(world: World, rx: Prescribed) -> None:
    world.deny(world.ada, world.pharmacy)
    basis = presentation(world, rx, world.pharmacist)
    assert reason(read_body(world, rx, world.pharmacist, basis)) == Reason.DENIED_BY_PATIENT


def test_a_presentation_ends_with_the_prescription(world: World, rx: Prescribed) -> None:
    basis = presentation(world, rx, world.pharmacist)
    expiry = rx.opening.terms.expiry
    world.chain.go_to(expiry - 1)
    assert read_body(world, rx, world.pharmacist, basis).permitted
    world.chain.go_to(expiry)
    assert reason(read_body(world, rx, world.pharmacist, basis)) == Reason.PRESENTATION_INVALID
    world.chain.go_to(START)
    world.chain.send(world.doctor.address, world.acts.cancel(rx.opening))
    assert reason(read_body(world, rx, world.pharmacist, basis)) == Reason.PRESENTATION_INVALID


def test_a_presented_fill_that_was_dispensed_opens_nothing(world: World, rx: Prescribed) -> None:
    basis = presentation(world, rx, world.pharmacist)
    world.dispense(rx, world.rival)
    assert reason(read_body(world, rx, world.pharmacist, basis)) == Reason.PRESENTATION_INVALID
    assert read_body(world, rx, world.pharmacist, presentation(world, rx, world.pharmacist, fill=1)).permitted


def test_a_permit_says_no_later_end_than_the_presentation_or_the_prescription(world: World, rx: Prescribed) -> None:
    decision = read_body(world, rx, world.pharmacist, presentation(world, rx, world.pharmacist))
    assert decision.until <= rx.opening.terms.expiry


def test_a_key_that_recovers_to_nobody_presents_nothing(world: World) -> None:
    world.grant(world.ada, world.doctor)
    nobody = Person(world.chain.view("PREDECESSOR"), keccak(text="nobody"))
    rx = world.prescribe()
    padded = Padded(rx, nobody)
    world.chain.send(world.doctor.address, world.acts.issue(padded.opening.terms_hash(), padded.opening.subject))
    proof = (padded.tree.root, padded.opening.terms.pack(), list(padded.tree.path(0)), LATE, bytes(32), bytes(32))
    basis = Basis(BasisKind.PRESENTATION, proof=encode([PRESENTED_PROOF], [proof]))
    request = AccessRequest(
        world.pharmacist.address, Purpose.TREAT, padded.opening.digest, padded.opening.subject, world.doctor.address
    )
    decision = world.chain.decide(request, [basis], prescription_proof(padded.opening))
    assert reason(decision) == Reason.PRESENTATION_INVALID


class Padded:
    """A prescription whose tree of fill keys was padded with the zero address."""

    def __init__(self, rx: Prescribed, nobody: Person) -> None:
        self.tree = MerkleTree([fill_key_leaf(fill, nobody.address) for fill in range(2)])
        self.opening = replace(rx.opening, fill_keys=self.tree.root)
