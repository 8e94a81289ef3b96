"""Consents that were signed off the ledger and anchored as one root, offered as a basis."""

from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode

from ledger.codes import BasisKind, Category, Purpose, Reason
from ledger.merkle import MerkleTree
from ledger.types import (
    Basis,
    Decision,
    Subject,
    consent_id,
)
from tests.contracts.actors import DAY, DOCUMENT, Person, World, terms
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


SIGNED_PROOF = "((address,bytes32,uint256,bytes32,bytes32,bytes32),bytes32,bytes32[])"


class Collected:
    """Consents that a clinic collected: Ada's for the doctor, Ben's for the nurse, one for the nurse by Ada."""

    def __init__(self, world: World, **ada: Any) -> None:
        self.world = world
        self.signed = [
            world.signed_grant(world.ada, world.doctor, **ada),
            world.signed_grant(world.ben, world.nurse),
            world.signed_grant(world.ada, world.nurse),
        ]
        self.tree = MerkleTree([each.leaf(world.chain.domain) for each in self.signed])

    def anchor(self) -> None:
        act = self.world.acts.anchor_consents(self.tree.root, 3, DOCUMENT)
        self.world.chain.send(self.world.hospital.address, act)

    def basis(self, index: int, grantee: Person | None = None, root: bytes | None = None) -> Basis:
        proof = (self.signed[index].as_tuple(), root or self.tree.root, list(self.tree.path(index)))
        to = grantee.address if grantee else self.signed[index].grantee
        return Basis(BasisKind.SIGNED_CONSENT, to, self.signed[index].scope, encode([SIGNED_PROOF], [proof]))


def test_a_signed_consent_in_an_anchored_batch_is_a_basis(world: World, digest: bytes) -> None:
    collected = Collected(world)
    basis = collected.basis(0)
    assert reason(ask(world, world.doctor, digest, basis)) == Reason.NO_BASIS
    collected.anchor()
    decision = ask(world, world.doctor, digest, basis)
    basis_id = consent_id(world.ada.address, world.doctor.address, bytes(32))
    assert (decision.permitted, decision.basis, decision.basis_id) == (True, BasisKind.SIGNED_CONSENT, basis_id)
    assert decision.until == START + 90 * DAY


def test_a_signed_consent_is_for_the_patient_and_grantee_that_it_names(world: World, digest: bytes) -> None:
    collected = Collected(world)
    collected.anchor()
    for basis in (collected.basis(1), collected.basis(2), collected.basis(2, grantee=world.doctor)):
        assert reason(ask(world, world.doctor, digest, basis)) == Reason.NO_BASIS
    assert ask(world, world.nurse, digest, collected.basis(2)).permitted


def test_the_same_words_signed_by_another_patient_are_not_what_was_collected(world: World, digest: bytes) -> None:
    """The signed words name no patient; the list does."""
    collected = Collected(world)
    collected.anchor()
    bens = world.signed_grant(world.ben, world.doctor)
    assert bens.typed_data(world.chain.domain) == collected.signed[0].typed_data(world.chain.domain)
    collected.signed[0] = bens
    about = {"subject": Subject(world.ben.address, Category.LABORATORY)}
    world.grant(world.ben, world.technician)
    record = world.anchor(world.technician, world.ben)
    assert reason(ask(world, world.doctor, record, collected.basis(0), **about)) == Reason.NO_BASIS
    assert reason(ask(world, world.doctor, digest, collected.basis(0))) == Reason.NO_BASIS


def test_a_signed_consent_by_a_forger_is_no_basis_though_it_was_anchored(world: World, digest: bytes) -> None:
    collected = Collected(world, key=world.doctor)
    collected.anchor()
    assert reason(ask(world, world.doctor, digest, collected.basis(0))) == Reason.NO_BASIS


def test_a_signed_consent_ends_with_its_withdrawal_like_any_other(world: World, digest: bytes) -> None:
    collected = Collected(world)
    collected.anchor()
    world.withdraw(world.ada, world.doctor)
    assert reason(ask(world, world.doctor, digest, collected.basis(0))) == Reason.CONSENT_WITHDRAWN


def test_a_scope_granted_on_the_ledger_is_judged_by_the_ledger_alone(world: World, digest: bytes) -> None:
    collected = Collected(world, what=terms(Category(0xFFFF)))
    collected.anchor()
    world.grant(world.ada, world.doctor, terms(Category.IMAGING))
    assert reason(ask(world, world.doctor, digest, collected.basis(0))) == Reason.NO_BASIS


def test_a_signed_consent_counts_when_it_was_anchored_by_its_deadline(world: World, digest: bytes) -> None:
    collected = Collected(world, deadline=START + 60)
    world.chain.go_to(START + 61)
    collected.anchor()
    assert reason(ask(world, world.doctor, digest, collected.basis(0))) == Reason.NO_BASIS
    in_time = Collected(world, deadline=START + 61)
    in_time.anchor()
    world.chain.pass_time(DAY)
    assert ask(world, world.doctor, digest, in_time.basis(0)).permitted


def test_a_denial_beats_a_signed_consent_too(world: World, digest: bytes) -> None:
    collected = Collected(world)
    collected.anchor()
    world.deny(world.ada, world.doctor)
    assert reason(ask(world, world.doctor, digest, collected.basis(0))) == Reason.DENIED_BY_PATIENT


def test_a_signed_consent_is_not_proven_by_a_root_over_records(world: World, digest: bytes) -> None:
    collected = Collected(world)
    world.chain.send(world.laboratory.address, world.acts.anchor_batch(collected.tree.root, 3, DOCUMENT))
    assert reason(ask(world, world.doctor, digest, collected.basis(0))) == Reason.NO_BASIS
    assert reason(ask(world, world.doctor, digest, collected.basis(0, root=bytes(32)))) == Reason.NO_BASIS


def test_signed_terms_are_judged_as_strictly_as_granted_ones(world: World, digest: bytes) -> None:
    for what, expected in (
        (terms(Category.IMAGING), Reason.CATEGORY_NOT_COVERED),
        (terms(Category.LABORATORY, Purpose.HRESCH), Reason.PURPOSE_NOT_COVERED),
        (terms(expiry=START), Reason.CONSENT_EXPIRED),
        (terms(not_before=START + 1), Reason.CONSENT_NOT_YET_LIVE),
        (terms(Category(0)), Reason.NO_BASIS),
        (terms(Category.LABORATORY, Purpose.TREAT, Purpose.BTG), Reason.NO_BASIS),
    ):
        collected = Collected(world, what=what)
        collected.anchor()
        assert reason(ask(world, world.doctor, digest, collected.basis(0))) == expected
