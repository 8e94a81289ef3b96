"""A store that lies or rots: every change to the stored bytes is a named problem, and the right bytes mend it."""

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from gateway.slips.slips import hand_out
from offchain_store.digest import Cid
from offchain_store.envelope import seal
from offchain_store.record import Header
from tests.gateway.conftest import Cast
from tests.gateway.served import Person

SMALL = b"a small record"
LARGE = bytes(range(251)) * 12_000
"""Several chunks."""


def block_files(cast: Cast) -> dict[Path, bytes]:
    """Every block in the store."""
    folder = cast.served.gateway.settings.data_dir / "store" / "blocks"
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def deposit(cast: Cast, ana: Person, content: bytes) -> tuple[str, dict[Path, bytes]]:
    """A record, and the blocks that it brought."""
    before = block_files(cast)
    digest = ana.deposit(ana.address, content, "journal")["digest"]
    return digest, {path: block for path, block in block_files(cast).items() if path not in before}


DAMAGES: dict[str, Callable[[bytes, bytes], bytes]] = {
    "flip a bit": lambda block, other: bytes([block[0] ^ 1]) + block[1:],
    "flip the last bit": lambda block, other: block[:-1] + bytes([block[-1] ^ 1]),
    "truncate": lambda block, other: block[:-1],
    "empty": lambda block, other: b"",
    "append": lambda block, other: block + b"\0",
    "another record's": lambda block, other: other,
}


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_an_altered_block_is_refused_and_the_record_opens_once_it_is_mended(
    cast: Cast, content: bytes, damage: str
) -> None:
    ana = cast.patient
    _, others = deposit(cast, ana, content + b".")
    digest, blocks = deposit(cast, ana, content)

    for path, block in blocks.items():
        other = next(iter(others.values()))
        path.write_bytes(DAMAGES[damage](block, other))
        refused = ana.open(digest, "PATRQT")
        assert refused.status_code == 502
        assert refused.json()["type"].endswith(":record-altered")
        assert refused.json()["digest"] == digest
        assert b"small" not in refused.content
        path.write_bytes(block)
        assert ana.open(digest, "PATRQT").content == content


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_missing_block_is_missing_and_not_altered(cast: Cast, content: bytes) -> None:
    digest, blocks = deposit(cast, cast.patient, content)

    for path, block in blocks.items():
        path.unlink()
        refused = cast.patient.open(digest, "PATRQT")
        assert refused.status_code == 502
        assert refused.json()["type"].endswith(":record-missing")
        path.write_bytes(block)

    assert cast.patient.open(digest, "PATRQT").content == content


def test_swapped_chunks_are_refused(cast: Cast) -> None:
    digest, blocks = deposit(cast, cast.patient, LARGE)
    (first, a), (second, b) = [item for item in blocks.items() if len(item[1]) > 1 << 19][:2]
    first.write_bytes(b)
    second.write_bytes(a)

    refused = cast.patient.open(digest, "PATRQT")

    assert refused.json()["type"].endswith(":record-altered")


def test_an_older_version_in_the_place_of_its_correction_is_refused(cast: Cast) -> None:
    ana = cast.patient
    old, old_blocks = deposit(cast, ana, b"500 mg")
    before = block_files(cast)
    new = ana.deposit(ana.address, b"50 mg", "journal", supersedes=old)["digest"]
    (place,) = [path for path in block_files(cast) if path not in before]
    place.write_bytes(next(iter(old_blocks.values())))

    refused = ana.open(new, "PATRQT")

    assert refused.json()["type"].endswith(":record-altered")


def test_what_nobody_anchored_is_never_anchored_and_the_attempt_is_logged(cast: Cast) -> None:
    digest = "ab" * 32

    refused = cast.doctor.open(digest)

    assert refused.status_code == 404
    assert refused.json()["type"].endswith(":record-never-anchored")
    line = cast.doctor.get("/v1/access-log").json()["items"][0]
    assert (line["digest"], line["permitted"], line["reason"]) == (digest, False, "record_not_anchored")


def test_a_sealed_record_that_was_never_anchored_is_not_given_out(cast: Cast) -> None:
    gateway, ana = cast.served.gateway, cast.patient
    header = Header("text/plain", 1, "", datetime.now(UTC))
    sealed = seal(BytesIO(b"x"), header, gateway.store)
    assert hand_out(gateway, sealed.digest, sealed.record_key, [ana.address]) == 1

    opened = ana.open(sealed.digest.hex(), "PATRQT")

    assert opened.json()["type"].endswith(":record-never-anchored")


def test_what_the_ledger_refuses_leaves_nothing_in_the_store(cast: Cast) -> None:
    before = block_files(cast)

    refused = cast.patient.try_deposit(cast.patient.address, b"x", "journal", supersedes="cd" * 32)

    assert refused.status_code == 404, refused.text
    assert refused.json()["error"] == "RecordNotAnchored"
    assert block_files(cast) == before


def test_an_altered_slip_opens_nothing_and_is_made_anew_when_it_can_be(cast: Cast) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"x", "journal")["digest"]
    ana.grant(cast.doctor.address, "journal")
    slips = cast.served.gateway.settings.data_dir / "store" / "slips"
    doctor = cast.doctor.address[2:].lower()
    (slip,) = [path for path in slips.rglob(doctor) if digest_of(path) == digest]
    slip.write_bytes(slip.read_bytes()[:-1] + b"\0")
    ana.delete("/v1/session")

    assert cast.doctor.open(digest).json()["type"].endswith(":slip-missing")

    cast.served.sign_in(ana.address)
    assert cast.doctor.open(digest).content == b"x"


def digest_of(slip: Path) -> str:
    """The record that a slip's file is for."""
    return Cid.parse(slip.parent.name).digest.hex()
