"""Signed notes: those that others made open, and whatever is bent does not."""

import base64
from hashlib import sha256

import pytest

from ledger.checkpoint import Checkpoint, NoteInvalid, NoteKey, NoteSigner, open_note, origin_of
from ledger.types import address_of

# From the documentation of Go's golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ORIGIN = origin_of(43_771, address_of(b"\x0c" * 20), address_of(b"\x0f" * 20))
SIGNER = NoteSigner(ORIGIN, bytes(range(32)))
CHECKPOINT = Checkpoint(ORIGIN, 17, sha256(b"root").digest())
NOTE = SIGNER.sign(CHECKPOINT.text())


def test_a_note_of_the_reference_implementation_opens() -> None:
    key = NoteKey.parse(PETER)

    assert open_note(PETERS_NOTE, key).startswith("If you think cryptography")
    assert str(key) == PETER
    assert key.id.hex() == "c74f20a3"


def test_the_example_of_the_specification_is_a_checkpoint() -> None:
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

    checkpoint = Checkpoint.parse(text)

    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.text() == text


def test_a_checkpoint_comes_back_from_its_note() -> None:
    assert Checkpoint.parse(open_note(NOTE, SIGNER.key)) == CHECKPOINT
    assert NoteKey.parse(str(SIGNER.key)) == SIGNER.key
    assert NOTE.split("\n")[:3] == [ORIGIN, "17", base64.b64encode(CHECKPOINT.root).decode()]


def test_the_origin_tells_chain_contract_and_operator_apart() -> None:
    one, other = address_of(b"\x01" * 20), address_of(b"\x02" * 20)

    assert len({origin_of(1, one, other), origin_of(2, one, other), origin_of(1, other, one)}) == 3


def test_signatures_of_strangers_are_ignored_and_alone_not_enough() -> None:
    witness = NoteSigner("witness.example/1", bytes(32))
    cosigned = NOTE + witness.sign(CHECKPOINT.text()).rpartition("\n\n")[2]

    assert open_note(cosigned, SIGNER.key) == open_note(cosigned, witness.key) == CHECKPOINT.text()
    with pytest.raises(NoteInvalid, match="not signed by this"):
        open_note(NOTE, witness.key)


def test_a_key_of_the_same_name_is_another_key() -> None:
    with pytest.raises(NoteInvalid, match="not signed by this"):
        open_note(NOTE, NoteSigner(ORIGIN, bytes(32)).key)


@pytest.mark.parametrize(
    ("bent", "why"),
    [
        (NOTE.replace("\n17\n", "\n18\n"), "not this key's"),
        (NOTE.replace("— ", "- "), "is none"),
        (NOTE.replace("\n\n", "\n"), "no note"),
        (NOTE[:-1], "no note"),
        (NOTE[:-4] + NOTE[-2:], "is none"),
        (NOTE + "more\n", "is none"),
        (NOTE.replace("\n17\n", "\n17\r\n"), "control"),
        ("", "no note"),
        (NOTE + NOTE.rpartition("\n\n")[2] * 16, "more than 16"),
        ("x" * 20_000 + NOTE, "longer"),
    ],
)
def test_a_bent_note_does_not_open(bent: str, why: str) -> None:
    with pytest.raises(NoteInvalid, match=why):
        open_note(bent, SIGNER.key)


def test_one_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    wrong = SIGNER.sign("something else\n").rpartition("\n\n")[2]

    with pytest.raises(NoteInvalid, match="not this key's"):
        open_note(NOTE + wrong, SIGNER.key)


@pytest.mark.parametrize(
    "text",
    [
        "origin\n017\n" + "A" * 43 + "=\n",
        "origin\n+17\n" + "A" * 43 + "=\n",
        "origin\n17\n" + "A" * 42 + "==\n",
        "origin\n17\n" + "A" * 42 + "B=\n",
        "\n17\n" + "A" * 43 + "=\n",
        "origin\n17\n" + "A" * 43 + "=\nextension\n",
        f"origin\n{2**64}\n" + "A" * 43 + "=\n",
        "origin\n17\n",
        "",
    ],
)
def test_what_is_not_spelled_as_a_checkpoint_is_none(text: str) -> None:
    with pytest.raises(NoteInvalid, match="no checkpoint"):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "text", ["", "name", "name+c74f20a3", PETER.replace("c74f", "c74e"), PETER + "=", "a b" + PETER]
)
def test_what_is_not_spelled_as_a_key_is_none(text: str) -> None:
    with pytest.raises(NoteInvalid):
        NoteKey.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_a_name_that_notes_cannot_carry_is_refused(name: str) -> None:
    with pytest.raises(NoteInvalid, match="name"):
        NoteSigner(name, bytes(32))
