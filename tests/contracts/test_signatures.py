"""What a patient signed and somebody else submits: it works once, in time, on this chain and contract, by her alone."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest
from eth_account import Account

from ledger import eip712
from ledger.acts import Act, SignedGrant
from ledger.codes import Category, Role
from ledger.eip712 import Domain
from ledger.types import Consent, Subject, scope_number
from tests.contracts.actors import DOCUMENT, LATE, Person, World, person, terms
from tests.contracts.carers import LAB, CareWorld
from tests.contracts.evm import START, refused

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
Sign = Callable[[CareWorld, Person, Domain, int], Act]


@pytest.fixture
def world() -> CareWorld:
    return CareWorld()


def signed_grant(world: World, key: Person, domain: Domain, deadline: int) -> Act:
    signed = world.signed_grant(world.ada, world.doctor, key=key, domain=domain, deadline=deadline)
    return world.acts.grant_signed(signed)


def signed_withdrawal(world: World, key: Person, domain: Domain, deadline: int) -> Act:
    return world.signed_withdrawal(key, domain, deadline)


def signed_denial(world: World, key: Person, domain: Domain, deadline: int) -> Act:
    return world.signed_denial(key, domain, deadline)


def signed_delegation(world: CareWorld, key: Person, domain: Domain, deadline: int) -> Act:
    return world.signed_delegation(key, domain, deadline)


def signed_cosignature(world: CareWorld, key: Person, domain: Domain, deadline: int) -> Act:
    """Ada's second signature under a new record, which the technician anchored."""
    ada, author = world.ada.address, world.technician.address
    if world.chain.consent(ada, author).terms is None:
        world.grant(world.ada, world.technician)
    digest = world.anchor(world.technician, world.ada)
    data = eip712.cosignature_data(domain, record=digest, author=author, signer=ada, deadline=deadline)
    return world.acts.cosign_signed(digest, Subject(ada, LAB), author, deadline, *eip712.sign(data, key.key))


def not_by(patient: Person, act: Act, signer: Person | None = None) -> AbstractContextManager[None]:
    """An act that she did not sign is refused. A grant names no patient: whoever signed it grants, if she is one."""
    if act.kind == "grantSigned":
        return refused("RoleMissing", anyOf=Role.PATIENT, **({"participant": signer.address} if signer else {}))
    known = {"recovered": signer.address} if signer else {}
    return refused("SignatureInvalid", expected=patient.address, **known)


SIGNED = pytest.mark.parametrize(
    "sign", [signed_grant, signed_withdrawal, signed_denial, signed_delegation, signed_cosignature]
)


@SIGNED
def test_anyone_may_submit_what_the_patient_signed(world: CareWorld, sign: Sign) -> None:
    sent = world.chain.send(world.stranger.address, sign(world, world.ada, world.chain.domain, LATE))
    assert sent.events[0].values["patient"] == world.ada.address


@SIGNED
def test_a_signature_by_anyone_else_is_refused(world: CareWorld, sign: Sign) -> None:
    for forger in (world.doctor, world.hospital):
        act = sign(world, forger, world.chain.domain, LATE)
        with not_by(world.ada, act, forger):
            world.chain.send(world.ada.address, act)


def test_another_patient_signs_for_herself_alone(world: CareWorld) -> None:
    bens = signed_grant(world, world.ben, world.chain.domain, LATE)
    sent = world.chain.send(world.ada.address, bens)
    assert [event.values["patient"] for event in sent.events] == [world.ben.address]
    assert world.chain.consent(world.ada.address, world.doctor.address).terms is None
    for sign in (signed_withdrawal, signed_denial, signed_delegation, signed_cosignature):
        with refused("SignatureInvalid", expected=world.ada.address, recovered=world.ben.address):
            world.chain.send(world.ada.address, sign(world, world.ben, world.chain.domain, LATE))


@SIGNED
def test_a_signature_is_good_until_its_deadline_and_not_a_second_longer(world: CareWorld, sign: Sign) -> None:
    act = sign(world, world.ada, world.chain.domain, START + 60)
    world.chain.go_to(START + 61)
    with refused("DeadlinePassed", deadline=START + 60):
        world.chain.send(world.stranger.address, act)
    world.chain.go_to(START + 60)
    assert world.chain.send(world.stranger.address, act).events


@SIGNED
def test_a_signature_for_another_chain_contract_or_version_is_refused(world: CareWorld, sign: Sign) -> None:
    elsewhere = [
        Domain(world.chain.domain.chain_id + 1, world.chain.contract),
        Domain(world.chain.domain.chain_id, world.stranger.address),
    ]
    for domain in elsewhere:
        act = sign(world, world.ada, domain, LATE)
        with not_by(world.ada, act):
            world.chain.send(world.ada.address, act)


@SIGNED
def test_the_same_signature_does_not_work_on_the_same_contract_of_a_forked_chain(sign: Sign) -> None:
    here, fork = CareWorld(chain_id=1337), CareWorld(chain_id=7331)
    assert here.chain.contract == fork.chain.contract
    act = sign(here, here.ada, here.chain.domain, LATE)
    assert here.chain.send(here.ada.address, act).events
    with not_by(fork.ada, act):
        fork.chain.send(fork.ada.address, act)


@SIGNED
def test_a_signature_works_once(world: CareWorld, sign: Sign) -> None:
    act = sign(world, world.ada, world.chain.domain, LATE)
    world.chain.send(world.stranger.address, act)
    once_used = {
        "grantSigned": "ConsentScopeUsed",
        "withdrawSigned": "ConsentAlreadyWithdrawn",
        "setDenialSigned": "SignatureInvalid",
        "setDelegationSigned": "SignatureInvalid",
        "cosignSigned": "RecordAlreadyCosigned",
    }
    with refused(once_used[act.kind]):
        world.chain.send(world.stranger.address, act)


@SIGNED
def test_the_mirror_image_of_a_signature_is_refused(world: CareWorld, sign: Sign) -> None:
    act = sign(world, world.ada, world.chain.domain, LATE)
    vs = int.from_bytes(act.data[-32:], "big")
    s, parity = vs & (2**255 - 1), vs >> 255
    mirrored = ((ORDER - s) & (2**255 - 1)) | (1 - parity) << 255
    other = replace(act, data=act.data[:-32] + mirrored.to_bytes(32, "big"))
    # The upper half of the order has its highest bit set, where EIP-2098 keeps the parity: what is left is another s.
    with not_by(world.ada, other):
        world.chain.send(world.stranger.address, other)


@SIGNED
def test_an_s_in_the_upper_half_of_the_order_is_refused(world: CareWorld, sign: Sign) -> None:
    act = sign(world, world.ada, world.chain.domain, LATE)
    too_high = (ORDER // 2 + 1).to_bytes(32, "big")
    with refused("ECDSAInvalidSignatureS", s=too_high):
        world.chain.send(world.stranger.address, replace(act, data=act.data[:-32] + too_high))


@SIGNED
@pytest.mark.parametrize(("r", "vs"), [(0, 0), (0, 1), (1, 0), (ORDER, 1), (2**256 - 1, 1)])
def test_bytes_that_recover_nobody_are_refused(world: CareWorld, sign: Sign, r: int, vs: int) -> None:
    act = sign(world, world.ada, world.chain.domain, LATE)
    garbage = act.data[:-64] + r.to_bytes(32, "big") + vs.to_bytes(32, "big")
    with refused("ECDSAInvalidSignature"):
        world.chain.send(world.stranger.address, replace(act, data=garbage))


def test_a_signature_that_recovers_nobody_does_not_act_for_the_zero_address(world: World) -> None:
    with refused("ECDSAInvalidSignature"):
        act = world.acts.withdraw_signed(
            person_zero := world.chain.view("PREDECESSOR"), world.doctor.address, bytes(32), LATE, bytes(32), bytes(32)
        )
        world.chain.send(world.stranger.address, act)
    assert int(person_zero, 16) == 0


CHANGES: list[Callable[[SignedGrant, World], SignedGrant]] = [
    lambda signed, world: replace(signed, grantee=world.nurse.address),
    lambda signed, world: replace(signed, scope=scope_number(1)),
    lambda signed, world: replace(signed, terms=replace(signed.terms, categories=Category(0xFFFF))),
    lambda signed, world: replace(signed, terms=replace(signed.terms, purposes=0xFFF)),
    lambda signed, world: replace(signed, terms=replace(signed.terms, not_before=0)),
    lambda signed, world: replace(signed, terms=replace(signed.terms, expiry=2**40 - 1)),
    lambda signed, world: replace(signed, terms=replace(signed.terms, may_write=True)),
    lambda signed, world: replace(signed, document=bytes(32)),
    lambda signed, world: replace(signed, deadline=LATE - 1),
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_field_of_a_signed_grant_is_what_she_signed(
    world: World, change: Callable[[SignedGrant, World], SignedGrant]
) -> None:
    act = world.acts.grant_signed(change(world.signed_grant(world.ada, world.doctor), world))
    with not_by(world.ada, act):
        world.chain.send(world.stranger.address, act)
    assert world.chain.consent(world.ada.address, world.doctor.address).terms is None


def test_bits_that_she_did_not_see_are_refused(world: World) -> None:
    fields = world.signed_grant(world.ada, world.doctor).as_tuple()
    for bit in (113, 215):
        signed = (*fields[:2], fields[2] | 1 << bit, *fields[3:])
        with refused("ConsentTermsInvalid"):
            world.chain.call(world.stranger.address, "grantSigned", signed)


def test_a_signed_grant_lands_like_a_direct_one(world: World) -> None:
    signed = world.chain.send(world.stranger.address, signed_grant(world, world.ada, world.chain.domain, LATE))
    other = World()
    direct = other.grant(other.ada, other.doctor, terms())
    assert signed.events == direct.events
    assert world.chain.consent(world.ada.address, world.doctor.address) == Consent(terms(), 0, False, 0)


def test_a_signed_grant_does_not_come_back_after_its_withdrawal(world: World) -> None:
    act = signed_grant(world, world.ada, world.chain.domain, LATE)
    world.chain.send(world.stranger.address, act)
    world.withdraw(world.ada, world.doctor)
    with refused("ConsentScopeUsed"):
        world.chain.send(world.stranger.address, act)


def test_a_grant_that_was_signed_but_not_submitted_is_voided_by_withdrawing(world: World) -> None:
    act = signed_grant(world, world.ada, world.chain.domain, LATE)
    world.withdraw(world.ada, world.doctor)
    with refused("ConsentScopeUsed"):
        world.chain.send(world.stranger.address, act)


def test_grants_signed_ahead_arrive_in_any_order(world: World) -> None:
    for number in (2, 0, 1):
        act = world.acts.grant_signed(world.signed_grant(world.ada, world.doctor, number=number))
        world.chain.send(world.stranger.address, act)
        scope = scope_number(number)
        assert world.chain.consent(world.ada.address, world.doctor.address, scope).terms == terms()


def test_an_old_signed_denial_does_not_work_again_after_others(world: World) -> None:
    first = signed_denial(world, world.ada, world.chain.domain, LATE)
    world.chain.send(world.stranger.address, first)
    world.deny(world.ada, world.doctor, False)
    with refused("SignatureInvalid", expected=world.ada.address):
        world.chain.send(world.stranger.address, first)


def test_a_signed_lifting_of_a_denial_is_not_a_denial(world: World) -> None:
    ada, doctor = world.ada.address, world.doctor.address
    world.deny(world.ada, world.doctor)
    data = eip712.denial_data(world.chain.domain, patient=ada, grantee=doctor, denied=False, changes=1, deadline=LATE)
    signed = eip712.sign(data, world.ada.key)
    with refused("SignatureInvalid"):
        world.chain.send(ada, world.acts.set_denial_signed(ada, doctor, True, LATE, *signed))
    world.chain.send(ada, world.acts.set_denial_signed(ada, doctor, False, LATE, *signed))
    assert not world.chain.consent(ada, doctor).denied


def test_many_signed_grants_land_together_or_not_at_all(world: World) -> None:
    good = [world.signed_grant(world.ada, world.doctor), world.signed_grant(world.ben, world.doctor)]
    forged = world.signed_grant(world.ada, world.nurse, key=world.doctor)
    with refused("RoleMissing", participant=world.doctor.address):
        world.chain.send(world.hospital.address, world.acts.grant_many_signed([*good, forged]))
    assert world.chain.consent(world.ada.address, world.doctor.address).terms is None
    sent = world.chain.send(world.hospital.address, world.acts.grant_many_signed(good))
    assert [event.values["patient"] for event in sent.events] == [world.ada.address, world.ben.address]


def test_the_same_signed_grant_twice_in_one_transaction_is_refused(world: World) -> None:
    signed = world.signed_grant(world.ada, world.doctor)
    with refused("ConsentScopeUsed"):
        world.chain.send(world.hospital.address, world.acts.grant_many_signed([signed, signed]))


def test_a_hundred_signed_grants_fit_in_one_transaction_and_no_more(world: World) -> None:
    signed = [world.signed_grant(world.ada, person(f"grantee {i}")) for i in range(101)]
    with refused("TooMany", count=101, most=100):
        world.chain.send(world.hospital.address, world.acts.grant_many_signed(signed))
    sent = world.chain.send(world.hospital.address, world.acts.grant_many_signed(signed[:100]))
    assert len(sent.events) == 100


def test_a_wallet_that_is_no_patient_cannot_grant_by_signature(world: World) -> None:
    signed = world.signed_grant(world.doctor, world.nurse)
    with refused("RoleMissing", participant=world.doctor.address):
        world.chain.send(world.stranger.address, world.acts.grant_signed(signed))


def test_a_suspended_patient_cannot_grant_by_signature(world: World) -> None:
    act = signed_grant(world, world.ada, world.chain.domain, LATE)
    world.suspend(world.hospital, world.ada.address)
    with refused("SuspendedParticipant", participant=world.ada.address):
        world.chain.send(world.stranger.address, act)


def test_a_signature_over_plain_bytes_is_no_signed_consent(world: World) -> None:
    signed = world.signed_grant(world.ada, world.doctor)
    data = eip712.grant_data(
        world.chain.domain,
        grantee=signed.grantee,
        scope=signed.scope,
        terms=signed.terms,
        document=DOCUMENT,
        deadline=LATE,
    )
    raw = Account.unsafe_sign_hash(eip712.digest({**data, "domain": {**data["domain"], "version": "2"}}), world.ada.key)
    r, vs = eip712.compact(bytes(raw.signature))
    with refused("RoleMissing", anyOf=Role.PATIENT):
        world.chain.send(world.stranger.address, world.acts.grant_signed(replace(signed, r=r, vs=vs)))
