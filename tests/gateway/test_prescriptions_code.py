"""The code that a patient shows: what it carries, how large it is, and what it does with damage."""

import io
from secrets import token_bytes

import pytest
import segno
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidInput
from gateway.prescriptions import qr
from ledger.codes import Category
from ledger.merkle import MerkleTree
from ledger.types import Opening, PrescriptionTerms, Subject, address_of, fill_key_leaf

PRESCRIBER = Account.create()
LARGEST_VERSION = 16
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def presentation(fills: int = 1, fill: int = 0, *, endorsed: bool = True) -> qr.Presentation:
    keys = [token_bytes(32) for _ in range(fills)]
    tree = MerkleTree([fill_key_leaf(i, qr.fill_address(key)) for i, key in enumerate(keys)])
    opening = Opening(
        prescriber=address_of(PRESCRIBER.address),
        subject=Subject(address_of(token_bytes(20)), Category.MEDICATION | Category.MENTAL_HEALTH),
        digest=token_bytes(32),
        fill_keys=tree.root,
        terms=PrescriptionTerms(fills, 30, 30 * fills, 86_400, 1_800_000_000, 1_900_000_000, grantable=True),
    )
    endorsement = qr.endorse(opening.id(), PRESCRIBER.key) if endorsed else b""
    return qr.Presentation(opening, fill, keys[fill], tree.path(fill), token_bytes(32), endorsement)


@pytest.mark.parametrize(("fills", "fill"), [(1, 0), (2, 1), (5, 4), (12, 0), (12, 11)])
def test_a_code_carries_everything_and_fits_a_code_that_a_phone_reads(fills: int, fill: int) -> None:
    shown = presentation(fills, fill)
    text = qr.encode(shown)
    assert qr.decode(text) == shown
    assert qr.decode(text + "\n").id == shown.opening.id()
    assert qr.endorser(shown) == PRESCRIBER.address
    assert qr.version(text) <= LARGEST_VERSION
    assert set(text) <= set(ALPHABET)


def test_the_picture_holds_the_text_in_alphanumeric_mode_as_svg_and_png() -> None:
    text = qr.encode(presentation(12, 7))
    assert segno.make_qr(text).mode == "alphanumeric"
    assert b"<svg" in qr.svg(text)[:200]
    picture = qr.png(text)
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    side = int.from_bytes(picture[16:20], "big")
    assert side == 6 * (17 + 4 * qr.version(text) + 2 * 4)
    assert io.BytesIO(picture).read() == picture


def test_secrets_do_not_show_in_representations() -> None:
    shown = presentation()
    assert shown.fill_key.hex() not in repr(shown)
    assert repr(shown.fill_key) not in repr(shown)
    assert repr(shown.record_key) not in repr(shown)


def test_another_prescribers_endorsement_names_another() -> None:
    shown = presentation()
    forged = qr.endorse(shown.id, Account.create().key)
    other = qr.Presentation(shown.opening, 0, shown.fill_key, shown.path, shown.record_key, forged)
    assert qr.endorser(other) not in (None, PRESCRIBER.address)
    assert qr.endorser(presentation(endorsed=False)) is None


@given(st.data())
def test_a_mistyped_character_never_passes_for_the_same_prescription(data: st.DataObject) -> None:
    shown = presentation(3, 1)
    text = qr.encode(shown)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET))
    damaged = text[:place] + other + text[place + 1 :]
    if damaged == text:
        return
    refused = ""
    try:
        assert qr.decode(damaged) != shown
    except InvalidInput as refusal:
        refused = str(refusal)
    assert text[10:30] not in refused


@given(st.text(max_size=300) | st.text(ALPHABET, max_size=600).map(qr.PREFIX.__add__))
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInput):
        qr.decode(text)


@given(st.binary(max_size=200))
def test_base45_returns_what_it_was_given(data: bytes) -> None:
    assert qr.base45_decode(qr.base45_encode(data)) == data


def test_base45_is_that_of_the_rfc() -> None:
    # RFC 9285, section 4.3 and 4.4
    assert qr.base45_encode(b"AB") == "BB8"
    assert qr.base45_encode(b"Hello!!") == "%69 VD92EX0"
    assert qr.base45_encode(b"base-45") == "UJCLQE7W581"
    assert qr.base45_decode("QED8WEX0") == b"ietf!"
    with pytest.raises(InvalidInput):
        qr.base45_decode("GGW:")
    with pytest.raises(InvalidInput):
        qr.base45_decode("GGX")
