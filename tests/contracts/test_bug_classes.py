"""Defects that were found by reading and running other projects' contracts: one regression test a class."""

from dataclasses import replace

import pytest

from ledger.code import contracts
from ledger.codes import Category, PrescriptionStatus, Role
from ledger.logs import issued_id
from ledger.types import HandOut, PrescriptionTerms, Subject, consent_id
from tests.contracts.actors import DAY, DOCUMENT, RECORD, Prescribed, World, terms
from tests.contracts.evm import START, refused

ALLOWED = PrescriptionTerms(2, 30, 60, 0, START, START + 60 * DAY, grantable=True)


@pytest.fixture
def rx(world: World) -> Prescribed:
    world.grant(world.ada, world.doctor)
    return world.prescribe(ALLOWED)


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.TEAM, Role.ORGANIZATION, Role.CONSORTIUM)])
def test_a_stranger_cannot_become_a_provider(world: World, role: Role) -> None:
    stranger = world.stranger.address
    for act in (world.acts.register(stranger, role), world.acts.admit(stranger, role)):
        with refused("RoleMissing", participant=stranger):
            world.chain.send(stranger, act)
    assert world.chain.participant(stranger) is None


def test_a_setter_is_not_open_to_anyone(world: World) -> None:
    """Ada's word is changed by nobody who is neither she nor in charge of her, through no function that takes it."""
    before = world.chain.view("participantOf", world.ada.address)
    for act in (
        world.acts.set_roles(world.ada.address, Role.PRACTITIONER),
        world.acts.set_suspension(world.ada.address, True),
        world.acts.register(world.ada.address, Role.PATIENT),
    ):
        for who in (world.ada, world.ben, world.doctor, world.stranger):
            with refused("RoleMissing", participant=who.address):
                world.chain.send(who.address, act)
    assert world.chain.view("participantOf", world.ada.address) == before


def test_no_fill_without_a_fresh_request_by_the_patient(world: World, rx: Prescribed) -> None:
    """A pharmacy that was let in once, or the prescriber herself, fills nothing on its own."""
    world.dispense(rx, world.pharmacist)
    ungranted = world.acts.dispense_granted(rx.opening, HandOut(30), RECORD)
    with refused("DispenseNotPermitted", pharmacist=world.pharmacist.address):
        world.chain.send(world.pharmacist.address, ungranted)
    with refused("RoleMissing", participant=world.doctor.address):
        world.chain.send(world.doctor.address, ungranted)


def test_one_request_is_not_several_fills(world: World, rx: Prescribed) -> None:
    redemption = world.redemption(rx, world.pharmacist)
    act = world.acts.dispense_presented(rx.opening, redemption, HandOut(30), RECORD)
    world.chain.send(world.pharmacist.address, act)
    with refused("FillKeyInvalid", fill=1):
        world.chain.send(world.pharmacist.address, act)
    assert world.chain.prescription(rx.id).fills_used == 1


@pytest.mark.parametrize(("offset", "expired"), [(-1, False), (0, True), (1, True), (10**9, True)])
def test_an_expiry_is_checked_where_it_matters_and_holds_for_every_later_date(
    world: World, rx: Prescribed, offset: int, expired: bool
) -> None:
    world.chain.go_to(ALLOWED.expiry + offset)
    if expired:
        with refused("PrescriptionExpired", id=rx.id, expiry=ALLOWED.expiry):
            world.dispense(rx, world.pharmacist)
    else:
        assert world.dispense(rx, world.pharmacist).events


def test_a_fill_needs_a_pharmacist_who_is_one_now(world: World, rx: Prescribed) -> None:
    act = world.acts.dispense_presented(rx.opening, world.redemption(rx, world.stranger), HandOut(30), RECORD)
    with refused("RoleMissing", participant=world.stranger.address, anyOf=Role.PHARMACIST):
        world.chain.send(world.stranger.address, act)
    world.suspend(world.pharmacy, world.pharmacist.address)
    with refused("SuspendedParticipant", participant=world.pharmacist.address):
        world.dispense(rx, world.pharmacist)


def test_cancelling_destroys_no_history(world: World, rx: Prescribed) -> None:
    world.dispense(rx, world.pharmacist)
    before = world.chain.prescription(rx.id)
    world.chain.send(world.doctor.address, world.acts.cancel(rx.opening))
    after = world.chain.prescription(rx.id)
    assert after.status == PrescriptionStatus.CANCELLED
    assert (after.fills_used, after.units_used, after.dispensed_at, after.fence) == (
        before.fills_used,
        before.units_used,
        before.dispensed_at,
        before.fence,
    )


def test_two_equal_contents_share_nothing_on_the_ledger(world: World) -> None:
    """Ids are made of addresses, numbers and digests of ciphertext: not of what a dictionary could guess."""
    ids = {consent_id(world.ada.address, who.address, bytes(32)) for who in (world.doctor, world.nurse)}
    assert len(ids) == 2
    world.grant(world.ada, world.doctor)
    subject = Subject(world.ada.address, Category.MEDICATION)
    same = [Prescribed(world.doctor, subject, ALLOWED, name) for name in ("first", "second")]
    shown = [world.issue(each).events[0].values for each in same]
    assert issued_id(shown[0]) != issued_id(shown[1])
    assert shown[0]["termsHash"] != shown[1]["termsHash"]


def test_what_is_prescribed_is_not_in_calldata_logs_or_storage(world: World) -> None:
    """Quantity, fills, dates and body stay hidden until the first claim."""
    world.grant(world.ada, world.doctor)
    allowed = PrescriptionTerms(7, 0xABCDE, 0xFEDCBA, 0x1234567, START + 0x12345, START + 0x7654321)
    rx = Prescribed(world.doctor, Subject(world.ada.address, Category.MEDICATION), allowed)
    act = world.acts.issue(rx.opening.terms_hash(), rx.opening.subject)
    sent = world.chain.send(world.doctor.address, act)
    visible = act.data + b"".join(
        value.to_bytes(32, "big") if isinstance(value, int) else bytes(value)
        for value in sent.events[0].values.values()
        if not isinstance(value, str)
    )
    for hidden in (b"\x0a\xbc\xde", b"\xfe\xdc\xba", b"\x12\x34\x56", rx.opening.digest, rx.opening.fill_keys):
        assert hidden not in visible
    assert world.chain.view("prescriptionOf", rx.id) == PrescriptionStatus.ACTIVE


def test_every_consent_can_be_ended_by_its_giver(world: World) -> None:
    team = world.open_team(world.hospital, 1)
    for grantee in (world.doctor.address, world.hospital.address, team):
        world.grant(world.ada, grantee)
        world.withdraw(world.ada, grantee)
        assert world.chain.consent(world.ada.address, grantee).withdrawn_at == START


def test_an_accepted_consent_is_not_flipped_back(world: World) -> None:
    world.grant(world.ada, world.doctor, terms(Category.LABORATORY))
    world.withdraw(world.ada, world.doctor)
    word = world.chain.view("consentOf", world.ada.address, world.doctor.address, bytes(32))
    for attempt in (
        world.acts.grant(world.doctor.address, bytes(32), terms(), DOCUMENT),
        world.acts.withdraw(world.doctor.address, bytes(32)),
    ):
        with pytest.raises(Exception, match=r"ConsentScopeUsed|ConsentAlreadyWithdrawn"):
            world.chain.send(world.ada.address, attempt)
    assert world.chain.view("consentOf", world.ada.address, world.doctor.address, bytes(32)) == word


def test_a_signed_grant_does_not_replay_after_a_withdrawal(world: World) -> None:
    act = world.acts.grant_signed(world.signed_grant(world.ada, world.doctor))
    world.chain.send(world.doctor.address, act)
    world.withdraw(world.ada, world.doctor)
    world.chain.pass_time(DAY)
    with refused("ConsentScopeUsed"):
        world.chain.send(world.doctor.address, act)


def test_an_administrator_opens_nothing_between_two_others(world: World) -> None:
    for who in (world.consortium, world.hospital):
        with refused("RoleMissing", participant=who.address, anyOf=Role.PATIENT):
            world.chain.send(who.address, world.acts.grant_signed(world.signed_grant(world.ada, world.doctor, key=who)))
        with refused("RoleMissing", participant=who.address, anyOf=Role.PATIENT):
            world.grant(who, world.doctor)


def _opcodes(code: bytes) -> list[int]:
    """The instructions of some code, without what follows a PUSH."""
    found, at = [], 0
    while at < len(code):
        found.append(code[at])
        at += 1 + max(0, code[at] - 0x5F if code[at] <= 0x7F else 0)
    return found


def test_nobody_destroys_the_contract_or_takes_it_over(world: World) -> None:
    """There is no owner: no selfdestruct, no upgrade, no way to the words but through the rules.

    The only delegatecall is the one into the code that was written in when the ledger was made.
    """
    selfdestruct, delegatecall, callcode, call, create, create2 = 0xFF, 0xF4, 0xF2, 0xF1, 0xF0, 0xF5
    for contract in contracts():
        opcodes = _opcodes(contract.code)
        assert not {selfdestruct, callcode, call, create, create2} & set(opcodes)
        assert opcodes.count(delegatecall) == any(place.name == "EXTENSION" for place in contract.immutables)


def test_a_write_costs_the_same_at_the_first_call_and_after_a_thousand(world: World) -> None:
    """Nothing is scanned: no list grows with what came before."""
    world.grant(world.ada, world.doctor)
    world.anchor(world.doctor, world.ada)  # the machine here keeps a slot warm once it was read
    subject = Subject(world.ada.address, Category.LABORATORY)
    first = world.chain.send(world.doctor.address, world.acts.anchor(b"\x11" * 32, subject))
    for _ in range(1_000):
        world.anchor(world.doctor, world.ada)
    last = world.chain.send(world.doctor.address, world.acts.anchor(b"\x22" * 32, subject))
    assert first.gas_used == last.gas_used


def test_ether_is_not_taken(world: World) -> None:
    with pytest.raises(Exception, match="Revert"):
        world.chain.pay(world.ada.address, 1)


def test_a_prescription_of_another_is_not_claimed_by_naming_oneself(world: World, rx: Prescribed) -> None:
    stolen = replace(rx.opening, subject=Subject(world.ben.address, Category.MEDICATION))
    world.grant(world.ben, world.pharmacist, terms(Category.MEDICATION))
    with refused("PrescriptionUnknown", id=stolen.id()):
        world.chain.send(world.pharmacist.address, world.acts.dispense_granted(stolen, HandOut(30), RECORD))
