"""Terms that are judged in one comparison are judged as if each rule were asked for by itself, at every edge."""

import itertools
from functools import cache

from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from ledger.codes import Category
from ledger.errors import ContractRejected
from ledger.types import Address, Subject
from tests.contracts.actors import DAY, DOCUMENT, RECORD, World
from tests.contracts.evm import START
from tests.contracts.fuzz import fuzz_settings

TIMES = st.sampled_from((0, 1, START - 1, START, START + 1, START + DAY, 2**40 - 2, 2**40 - 1))
MASKS = st.sampled_from((0, 1, 0x800, 0xFFF, 0x1000, 0x8000, 0xFFFF))
UNITS = st.sampled_from((0, 1, 29, 30, 31, 2**24 - 1))
GRANTABLE = 0xFFF
_NUMBERS = itertools.count()


@cache
def _world() -> World:
    """One for all examples: Ben lets the doctor prescribe and the pharmacist dispense."""
    world = World()
    world.grant(world.ben, world.doctor)
    world.grant(world.ben, world.pharmacist)
    return world


def _outcome(sender: Address, name: str, *args: object) -> str:
    """The name of the error, or nothing."""
    try:
        _world().chain.call(sender, name, *args)
    except ContractRejected as refusal:
        return refusal.name
    return ""


@fuzz_settings(examples=400)
@given(
    categories=MASKS,
    purposes=MASKS,
    not_before=TIMES,
    expiry=TIMES,
    may_write=st.booleans(),
    stray=st.sampled_from((0, 0, 0, 113, 120, 160, 255)),
    by_number=st.booleans(),
)
def test_a_consent_is_made_exactly_if_each_of_its_terms_is_right(
    categories: int, purposes: int, not_before: int, expiry: int, may_write: bool, stray: int, by_number: bool
) -> None:
    world, number = _world(), next(_NUMBERS)
    word = (
        categories | purposes << 16 | not_before << 32 | expiry << 72 | may_write << 112 | (1 << stray if stray else 0)
    )
    scope = number.to_bytes(32, "big") if by_number else keccak(text=f"record {number}")
    meaningful = categories != 0 and purposes != 0 and purposes & ~GRANTABLE == 0 and not stray
    expected = "ConsentTermsInvalid"
    if meaningful:
        expected = "" if expiry > not_before and expiry > START else "ConsentPeriodEmpty"
    pair = (world.ada.address, world.doctor.address)
    assert _outcome(world.ada.address, "grant", world.doctor.address, scope, word, DOCUMENT) == expected
    assert world.chain.view("consentOf", *pair, scope) == (word if not expected else 0)


def _issued(terms: int) -> tuple[object, ...]:
    """The opening of a new prescription with these terms, which stay hidden until somebody claims it."""
    world = _world()
    about = Subject(world.ben.address, Category.MEDICATION).pack()
    digest, keys = keccak(text=f"body {next(_NUMBERS)}"), bytes(32)
    hidden = keccak(digest + keys)
    world.chain.call(world.doctor.address, "issue", about, keccak(hidden + terms.to_bytes(32, "big")))
    return world.doctor.address, about, terms, hidden


@fuzz_settings(examples=400)
@given(
    fills=st.sampled_from((0, 1, 12, 13, 255)),
    per_fill=UNITS,
    quantity=UNITS,
    not_before=TIMES,
    expiry=TIMES,
    stray=st.sampled_from((0, 0, 0, 169, 255)),
)
def test_the_first_claim_takes_hidden_terms_exactly_if_each_of_them_is_right(
    fills: int, per_fill: int, quantity: int, not_before: int, expiry: int, stray: int
) -> None:
    shifts = ((fills, 0), (per_fill, 8), (quantity, 32), (not_before, 88), (expiry, 128), (1, 168))
    terms = sum(value << shift for value, shift in shifts) | (1 << stray if stray else 0)
    meaningful = 1 <= fills <= 12 and 0 < per_fill <= quantity and not_before < expiry and not stray
    expected = "PrescriptionTermsInvalid"
    if meaningful:
        expected = "PrescriptionNotYetValid" if START < not_before else "PrescriptionExpired" if START >= expiry else ""
    opening = _issued(terms)
    assert _outcome(_world().pharmacist.address, "dispenseGranted", opening, 1, RECORD) == expected
