"""Grants, withdrawals and denials by the patient herself; those that she signed are in test_signatures.py."""

import pytest

from ledger.codes import Category, Purpose, Role
from ledger.types import FOREVER, ZERO_ADDRESS, Consent, ConsentTerms, scope_number
from tests.contracts.actors import DAY, DOCUMENT, World, person, terms
from tests.contracts.evm import START, Event, refused

RECORD_SCOPE = b"\x77" * 32


def test_a_grant_is_stored_word_for_word_and_said(world: World) -> None:
    granted = terms(Category.IMAGING | Category.GENETICS, Purpose.HRESCH, Purpose.CLINTRCH, may_write=True)
    sent = world.grant(world.ada, world.doctor, granted, number=3)
    scope = scope_number(3)
    assert sent.events == (
        Event(
            "ConsentGranted",
            {
                "patient": world.ada.address,
                "grantee": world.doctor.address,
                "scope": scope,
                "terms": granted.pack(),
                "document": DOCUMENT,
            },
        ),
    )
    assert world.chain.consent(world.ada.address, world.doctor.address, scope) == Consent(granted, 0, False, 0)


def test_a_grant_touches_no_other_patient_grantee_or_scope(world: World) -> None:
    world.grant(world.ada, world.doctor)
    nothing = Consent(None, 0, False, 0)
    assert world.chain.consent(world.ben.address, world.doctor.address) == nothing
    assert world.chain.consent(world.ada.address, world.nurse.address) == nothing
    assert world.chain.consent(world.doctor.address, world.ada.address) == nothing
    assert world.chain.consent(world.ada.address, world.doctor.address, scope_number(1)) == nothing


def test_a_scope_may_be_the_digest_of_one_record(world: World) -> None:
    granted = terms()
    world.chain.send(world.ada.address, world.acts.grant(world.doctor.address, RECORD_SCOPE, granted, DOCUMENT))
    assert world.chain.consent(world.ada.address, world.doctor.address, RECORD_SCOPE).terms == granted


def test_a_scope_is_granted_once(world: World) -> None:
    world.grant(world.ada, world.doctor, terms(Category.LABORATORY))
    with refused("ConsentScopeUsed", patient=world.ada.address, grantee=world.doctor.address, scope=bytes(32)):
        world.grant(world.ada, world.doctor, terms(Category.MEDICATION))
    world.withdraw(world.ada, world.doctor)
    with refused("ConsentScopeUsed"):
        world.grant(world.ada, world.doctor, terms(Category.MEDICATION))
    world.grant(world.ada, world.doctor, terms(Category.MEDICATION), number=1)


def test_an_expired_consent_is_not_granted_again_under_its_number(world: World) -> None:
    world.grant(world.ada, world.doctor, terms(expiry=START + DAY))
    world.chain.pass_time(2 * DAY)
    with refused("ConsentScopeUsed"):
        world.grant(world.ada, world.doctor, terms(expiry=START + 5 * DAY))


@pytest.mark.parametrize(
    "malformed",
    [
        terms(Category(0)).pack(),
        terms().pack() & ~(0xFFFF << 16),
        terms().pack() | Purpose.BTG.bit << 16,
        terms().pack() | 1 << 15 << 16,
        terms().pack() | 1 << 113,
        terms().pack() | 1 << 120,
        terms().pack() | 1 << 255,
        0,
    ],
    ids=[
        "no-category",
        "no-purpose",
        "break-glass",
        "unknown-purpose",
        "denied-bit",
        "withdrawn",
        "high-bit",
        "nothing",
    ],
)
def test_terms_with_bits_that_mean_nothing_are_refused(world: World, malformed: int) -> None:
    with refused("ConsentTermsInvalid", terms=malformed):
        world.chain.call(world.ada.address, "grant", world.doctor.address, bytes(32), malformed, DOCUMENT)


@pytest.mark.parametrize(
    ("not_before", "expiry"),
    [(START, START), (START + 9, START + 8), (START - DAY, START), (START - DAY, START - 1), (0, 0)],
)
def test_a_consent_that_would_be_over_before_it_begins_is_refused(world: World, not_before: int, expiry: int) -> None:
    with refused("ConsentPeriodEmpty", notBefore=not_before, expiry=expiry):
        world.grant(world.ada, world.doctor, terms(not_before=not_before, expiry=expiry))


@pytest.mark.parametrize(("not_before", "expiry"), [(START, START + 1), (0, FOREVER), (FOREVER - 1, FOREVER)])
def test_a_consent_may_last_a_second_or_for_ever(world: World, not_before: int, expiry: int) -> None:
    world.grant(world.ada, world.doctor, terms(not_before=not_before, expiry=expiry))
    granted = world.chain.consent(world.ada.address, world.doctor.address).terms
    assert granted is not None
    assert (granted.not_before, granted.expiry) == (not_before, expiry)


def test_nobody_grants_to_herself_or_to_the_zero_address(world: World) -> None:
    for grantee in (world.ada.address, ZERO_ADDRESS):
        with refused("GranteeInvalid", grantee=grantee):
            world.grant(world.ada, grantee)
        with refused("GranteeInvalid", grantee=grantee):
            world.deny(world.ada, grantee)


def test_a_grantee_need_not_be_registered_yet(world: World) -> None:
    late = person("arrives next week")
    world.grant(world.ada, late)
    assert world.chain.consent(world.ada.address, late.address).terms is not None


def test_only_a_patient_grants_withdraws_and_denies(world: World) -> None:
    for who in (world.doctor, world.hospital, world.stranger):
        for act in (
            world.acts.grant(world.nurse.address, bytes(32), terms(), DOCUMENT),
            world.acts.withdraw(world.nurse.address, bytes(32)),
            world.acts.set_denial(world.nurse.address, True),
        ):
            with refused("RoleMissing", participant=who.address, anyOf=Role.PATIENT):
                world.chain.send(who.address, act)


def test_a_withdrawal_is_dated_said_and_final(world: World) -> None:
    granted = terms()
    world.grant(world.ada, world.doctor, granted)
    world.chain.pass_time(77)
    sent = world.withdraw(world.ada, world.doctor)
    values = {"patient": world.ada.address, "grantee": world.doctor.address, "scope": bytes(32)}
    assert sent.events == (Event("ConsentWithdrawn", values),)
    assert world.chain.consent(world.ada.address, world.doctor.address) == Consent(granted, START + 77, False, 0)
    world.chain.pass_time(1)
    with refused("ConsentAlreadyWithdrawn", **values):
        world.withdraw(world.ada, world.doctor)
    assert world.chain.consent(world.ada.address, world.doctor.address).withdrawn_at == START + 77


def test_a_scope_never_granted_can_be_voided(world: World) -> None:
    world.withdraw(world.ada, world.doctor, number=9)
    with refused("ConsentScopeUsed", scope=scope_number(9)):
        world.grant(world.ada, world.doctor, number=9)


def test_a_denial_leaves_the_consent_in_its_word_alone_and_counts_its_changes(world: World) -> None:
    granted = terms(Category(0xFFFF), *list(Purpose)[:-1], may_write=True, expiry=FOREVER)
    pair = (world.ada.address, world.doctor.address)
    world.grant(world.ada, world.doctor, granted)
    for change in range(1, 5):
        denied = change % 2 == 1
        sent = world.deny(world.ada, world.doctor, denied)
        name = "AccessDenied" if denied else "DenialLifted"
        assert sent.events == (Event(name, {"patient": pair[0], "grantee": pair[1]}),)
        assert world.chain.consent(*pair) == Consent(granted, 0, denied, change)
        with refused("DenialUnchanged", patient=pair[0], grantee=pair[1], denied=denied):
            world.deny(world.ada, world.doctor, denied)
    world.withdraw(world.ada, world.doctor)
    assert world.chain.consent(*pair) == Consent(granted, START, False, 4)


def test_a_denial_may_come_before_any_consent(world: World) -> None:
    world.deny(world.ada, world.doctor)
    world.grant(world.ada, world.doctor)
    consent = world.chain.consent(world.ada.address, world.doctor.address)
    assert consent.denied
    assert consent.terms is not None


def test_there_is_no_denial_to_lift_before_the_first(world: World) -> None:
    with refused("DenialUnchanged", denied=False):
        world.deny(world.ada, world.doctor, False)


def test_the_count_of_denials_wraps_without_touching_what_is_beside_it(world: World) -> None:
    granted = terms()
    pair = (world.ada.address, world.doctor.address)
    world.grant(world.ada, world.doctor, granted)
    world.deny(world.ada, world.doctor)
    word = world.chain.view("consentOf", *pair, bytes(32))
    world.chain.plant(pair, word, word | 0xFFFF << 160)
    assert world.chain.consent(*pair).denials == 0xFFFF
    world.deny(world.ada, world.doctor, False)
    assert world.chain.consent(*pair) == Consent(granted, 0, False, 0)


def test_a_batch_of_consents_is_anchored_once_by_an_organization(world: World) -> None:
    root, manifest = b"\x05" * 32, b"\x06" * 32
    act = world.acts.anchor_consents(root, 1_384, manifest)
    with refused("RoleMissing", participant=world.doctor.address, anyOf=Role.ORGANIZATION):
        world.chain.send(world.doctor.address, act)
    sent = world.chain.send(world.hospital.address, act)
    values = {"root": root, "author": world.hospital.address, "count": 1_384, "manifest": manifest}
    assert sent.events == (Event("ConsentsAnchored", values),)
    batch = world.chain.batch(root)
    assert batch is not None
    assert (batch.author, batch.anchored_at, batch.kind, batch.count) == (world.hospital.address, START, 2, 1_384)
    for who in (world.hospital, world.laboratory):
        with refused("BatchAlreadyAnchored", root=root):
            world.chain.send(who.address, act)
    with refused("BatchAlreadyAnchored", root=root):
        world.chain.send(world.laboratory.address, world.acts.anchor_batch(root, 5, manifest))


def test_for_ever_is_the_largest_time_that_the_terms_can_hold(world: World) -> None:
    granted = ConsentTerms(Category.MEDICATION, Purpose.TREAT.bit, 0, FOREVER)
    world.grant(world.ada, world.doctor, granted)
    assert world.chain.consent(world.ada.address, world.doctor.address).terms == granted
