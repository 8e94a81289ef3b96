"""CIDs against the vectors of Kubo and IPLD, and the refusal of every spelling but one."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multiformats import CID

from offchain_store.digest import Cid, Codec, digest_of, reader_of
from offchain_store.errors import InvalidName, WrongDigest

HELLO = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"


def test_cids_of_raw_content_are_those_of_kubo(shared_data: Path) -> None:
    vectors = json.loads((shared_data / "vectors/cid/kubo/kubo_gocid_vectors.json").read_text())["add"]
    assert str(Cid.of(Codec.RAW, vectors["content_utf8"].encode())) == vectors["cidv1_raw_sha256"]


def test_cids_of_dag_cbor_blocks_are_those_of_ipld(shared_data: Path) -> None:
    files = list(shared_data.glob("vectors/cid/ipld-codec-fixtures/fixtures/*/*.dag-cbor"))
    assert len(files) > 50
    for file in files:
        assert str(Cid.of(Codec.DAG_CBOR, file.read_bytes())) == file.stem
        assert Cid.parse(file.stem).verified(file.read_bytes()) == file.read_bytes()


@given(codec=st.sampled_from(Codec), digest=st.binary(min_size=32, max_size=32))
def test_text_and_bytes_come_back_and_agree_with_multiformats(codec: Codec, digest: bytes) -> None:
    cid = Cid(codec, digest_of(digest))
    assert Cid.parse(str(cid)) == Cid.from_bytes(bytes(cid)) == cid
    other = CID.decode(str(cid))
    assert (bytes(other), str(other)) == (bytes(cid), str(cid))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        HELLO.upper(),
        HELLO + "=",
        HELLO[:-1],
        HELLO + "a",
        HELLO[:-1] + "f",  # a bit to spare is set
        "B" + HELLO[1:].upper(),
        "z" + HELLO[1:],
        " " + HELLO,
        HELLO[:20] + "\n" + HELLO[21:],
        HELLO[:20] + "1" + HELLO[21:],
        "../" + HELLO[3:],
        "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o",
        "zb2rhhFAEMepUBbGyP1k8tGfz7BSciKXP6GHuUeUsJBaK6cqG",
        "bafybeihykld7uyxzogax6vgyvag42y7464eywpf55gxi5qpoisibh3c5wa",  # dag-pb
        "f01551220" + "00" * 32,
        "é" * 59,
    ],
)
def test_no_other_spelling_is_a_name(text: str) -> None:
    with pytest.raises(InvalidName):
        Cid.parse(text)


@given(st.binary(min_size=36, max_size=36))
def test_every_36_bytes_in_base32_are_a_name_or_refused(value: bytes) -> None:
    text = "b" + base64.b32encode(value).decode().rstrip("=").lower()
    try:
        cid = Cid.parse(text)
    except InvalidName:
        assert value[:4] not in (b"\x01\x55\x12\x20", b"\x01\x71\x12\x20")
    else:
        assert bytes(cid) == value


def test_other_bytes_are_not_verified() -> None:
    with pytest.raises(WrongDigest) as caught:
        Cid.parse(HELLO).verified(b"hello worle")
    assert caught.value.expected == Cid.parse(HELLO).digest


@pytest.mark.parametrize("length", [0, 20, 31, 33, 64])
def test_a_digest_has_32_bytes(length: int) -> None:
    with pytest.raises(InvalidName):
        digest_of(bytes(length))


@pytest.mark.parametrize("length", [0, 19, 21, 32])
def test_an_address_has_20_bytes(length: int) -> None:
    with pytest.raises(InvalidName):
        reader_of(bytes(length))
