"""The access log: canonical lines in order, that nobody changes, read by those whom they concern."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from gateway.database import create_tables, open_database, reading, writing
from gateway.log.accesslog import AccessLog, Attempt, decode_leaf, encode_leaf, leaf_hash
from ledger.codes import BasisKind, Purpose, Reason
from ledger.types import Address, address_of

ANA, DOCTOR, OTHER = (address_of(bytes([n]) * 20) for n in (1, 2, 3))


def attempt(reader: Address = DOCTOR, patient: Address = ANA, permitted: bool = True) -> Attempt:
    return Attempt(
        at=1_700_000_000,
        reader=reader,
        patient=patient,
        digest=bytes(range(32)),
        purpose=Purpose.TREAT,
        permitted=permitted,
        reason=Reason.PERMITTED if permitted else Reason.NO_BASIS,
        basis=BasisKind.CONSENT if permitted else BasisKind.NONE,
        basis_id=bytes(32),
        correlation="8a6e0804-2bd0-4672-b79d-d97027f9071a",
    )


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database of its own."""
    engine = open_database(f"sqlite:///{tmp_path / 'log.db'}")
    create_tables(engine)
    yield engine
    engine.dispose()


def test_a_line_is_canonical_json_and_its_hash_is_that_of_an_rfc_6962_leaf() -> None:
    leaf = encode_leaf(7, attempt(), salt=bytes(16))

    assert leaf == (
        b'{"at":1700000000,"basis":"consent","basis_id":"' + b"00" * 32 + b'",'
        b'"correlation":"8a6e0804-2bd0-4672-b79d-d97027f9071a","digest":"' + bytes(range(32)).hex().encode() + b'",'
        b'"patient":"0x' + b"01" * 20 + b'","permitted":true,"purpose":"TREAT","reader":"0x' + b"02" * 20 + b'",'
        b'"reason":"permitted","salt":"' + b"00" * 16 + b'","seq":7,"v":2}'
    )
    assert decode_leaf(leaf) == attempt()
    # From RFC 6962's own test data: the leaf of no bytes.
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


def test_lines_are_numbered_without_a_gap_whoever_appends(engine: Engine) -> None:
    log = AccessLog(engine)
    threads = [Thread(target=lambda: [log.append(attempt()) for _ in range(20)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    lines = log.page(everybody=True, limit=1000)

    assert [line.seq for line in lines] == list(range(159, -1, -1))
    assert [json.loads(line.leaf)["seq"] for line in lines] == [line.seq for line in lines]
    assert log.leaf_hashes() == [leaf_hash(line.leaf) for line in reversed(lines)]
    assert log.size() == 160


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_log SET permitted = 0",
        "DELETE FROM access_log",
        "REPLACE INTO access_log SELECT * FROM access_log",
    ],
)
def test_the_database_itself_refuses_to_change_a_line(engine: Engine, statement: str) -> None:
    log = AccessLog(engine)
    line = log.append(attempt())

    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(text(statement))

    assert log.page(everybody=True) == [line]


def test_lines_are_told_to_patient_and_reader_only(engine: Engine) -> None:
    log = AccessLog(engine)
    for one in (attempt(), attempt(reader=OTHER, permitted=False), attempt(patient=OTHER)):
        log.append(one)

    def seen(who: Address) -> list[int]:
        return [line.seq for line in log.page(patients=[who], reader=who)]

    assert seen(ANA) == [1, 0]
    assert seen(DOCTOR) == [2, 0]
    assert seen(OTHER) == [2, 1]
    assert seen(address_of(bytes([9]) * 20)) == []
    assert [line.seq for line in log.page(everybody=True, before=2, limit=1)] == [1]


def test_a_line_is_there_when_append_returns(engine: Engine) -> None:
    log = AccessLog(engine)
    denied = replace(attempt(), permitted=False, reason=Reason.CONSENT_WITHDRAWN)

    line = log.append(denied)

    with reading(engine) as connection:
        (leaf,) = connection.execute(text("SELECT leaf FROM access_log")).one()
    assert leaf == line.leaf
    assert decode_leaf(leaf) == denied
