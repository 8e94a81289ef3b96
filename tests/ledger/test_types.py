"""Words survive packing and unpacking, and codes mean what `contracts/types/` says."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import codes
from ledger.codes import ORDINARY, SENSITIVE, Category, Purpose, Role
from ledger.types import Consent, ConsentTerms, HandOut, Participant, PrescriptionTerms, Subject, address_of
from tests.conftest import REPOSITORY

times = st.integers(0, 2**40 - 1)
addresses = st.binary(min_size=20, max_size=20).map(address_of)
categories = st.integers(0, 0xFFFF).map(Category)

terms = st.builds(ConsentTerms, categories, st.integers(0, 0xFFFF), times, times, st.booleans())
subjects = st.builds(Subject, addresses, categories, st.integers(0, 0xFFFF), st.booleans())
prescription_terms = st.builds(
    PrescriptionTerms,
    st.integers(0, 255),
    st.integers(0, 2**24 - 1),
    st.integers(0, 2**24 - 1),
    st.integers(0, 2**32 - 1),
    times,
    times,
    st.booleans(),
)


@given(terms)
def test_consent_terms_survive_packing(value: ConsentTerms) -> None:
    assert ConsentTerms.unpack(value.pack()) == value


@given(subjects)
def test_subjects_survive_packing(value: Subject) -> None:
    assert Subject.unpack(value.pack()) == value


@given(prescription_terms)
def test_prescription_terms_survive_packing(value: PrescriptionTerms) -> None:
    assert PrescriptionTerms.unpack(value.pack()) == value


def test_a_word_of_zero_is_nobody_and_no_consent() -> None:
    assert Participant.unpack(0) is None
    assert Consent.unpack(0).terms is None


def test_hand_outs_keep_units_and_flags_apart() -> None:
    assert HandOut(30).pack() == 30
    assert HandOut(30, owed=True, anchored=True).pack() == 30 | 1 << 24 | 1 << 25


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("Role", {role.name: int(role) for role in Role}),
        ("Purpose", {purpose.name: int(purpose) for purpose in Purpose}),
    ],
)
def test_codes_are_numbered_as_in_solidity(file: str, names: dict[str, int]) -> None:
    source = (REPOSITORY / f"contracts/types/{file}.sol").read_text()
    found = {
        name: 1 << int(shift) if one else int(shift)
        for name, one, shift in re.findall(r"^uint\d+ constant (\w+) = (1 << )?(\d+);", source, re.MULTILINE)
    }
    assert found == names


def test_sensitive_categories_are_those_of_solidity() -> None:
    source = (REPOSITORY / "contracts/types/Category.sol").read_text()
    named = re.search(r"SENSITIVE = ([\w| ]+);", source)
    assert named is not None
    assert {part.strip() for part in named[1].split("|")} == {category.name for category in SENSITIVE}


def test_everything_leaves_the_sensitive_out() -> None:
    assert ORDINARY & SENSITIVE == Category(0)
    assert ORDINARY | SENSITIVE == Category(0xFFFF)


def test_treatment_covers_no_trial_no_emergency_and_no_payment() -> None:
    stated = [purpose for purpose in Purpose if Purpose.TREAT in purpose.covered_by()]
    assert stated == [Purpose.TREAT, Purpose.CAREMGT]


def test_nothing_that_can_be_granted_covers_break_glass() -> None:
    assert Purpose.BTG.covered_by() == set()


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'genes' is not one of: medication"):
        codes.Category.parse("medication, genes")
