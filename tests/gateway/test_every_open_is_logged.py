"""Every permitted open has exactly one line in the log, written before the bytes leave: whoever opens, however many at
once, whatever fails in between, and wherever the gateway is killed."""

import json
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from sqlite3 import connect
from uuid import uuid4

import httpx
import pytest

import gateway
from gateway import flow
from gateway.log.accesslog import AccessLog
from gateway.slips.slips import slip_key
from gateway.verify.lines import Attempt
from tests.gateway.conftest import Cast
from tests.gateway.served import serving
from tests.gateway.test_crashes import CANARY, process, signed_in

STEPS = [("gateway.log.accesslog/AccessLog.append:before", 0), ("gateway.flow/open_verified:after", 1)]
"""Where the gateway dies while it opens a record, and how many lines that leaves."""
if "CONSENT_LEDGER_THOROUGH" in os.environ:  # each takes some ten seconds
    STEPS += [
        ("gateway.log.accesslog/AccessLog.append:after", 1),
        ("gateway.flow/slip_key:before", 1),
        ("gateway.flow/open_verified:before", 1),
    ]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A gateway's folder, a patient whom it knows, and a record of hers."""
    folder = tmp_path_factory.mktemp("house")
    with serving(folder, block_time=0.2) as served:
        hospital = served.organization("patient", "practitioner")
        patient = served.person(hospital, "patient")
        return folder, patient.address, patient.deposit(patient.address, CANARY, "journal")["digest"]


@pytest.fixture
def record(tmp_path: Path, house: tuple[Path, str, str]) -> tuple[str, str]:
    """The same in `tmp_path`; the patient and the record."""
    folder, patient, digest = house
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return patient, digest


def lines_in(folder: Path) -> list[dict[str, object]]:
    """The log, as its file has it."""
    connection = connect(folder / "gateway.db")
    try:
        return [json.loads(leaf) for (leaf,) in connection.execute("SELECT leaf FROM access_log ORDER BY seq")]
    finally:
        connection.close()


@pytest.mark.parametrize(("step", "left"), STEPS)
def test_killed_anywhere_no_byte_has_left_without_a_line(
    tmp_path: Path, record: tuple[str, str], step: str, left: int
) -> None:
    patient, digest = record
    with process(tmp_path, step) as (running, url):
        ana = signed_in(url, patient)
        with ana.client, pytest.raises(httpx.TransportError):
            ana.open(digest, "PATRQT")
        assert running.wait(10) == -signal.SIGKILL
    assert len(lines_in(tmp_path)) == left

    with process(tmp_path) as (_, url):
        ana = signed_in(url, patient)
        with ana.client:
            assert ana.open(digest, "PATRQT").content == CANARY
    lines = lines_in(tmp_path)
    assert [(line["seq"], line["permitted"]) for line in lines] == [(number, True) for number in range(left + 1)]


def test_every_open_of_many_at_once_has_its_own_line(cast: Cast) -> None:
    cast.patient.grant(cast.doctor.address, "journal")
    digests = [cast.patient.deposit(cast.patient.address, b"%d" % n, "journal")["digest"] for n in range(3)]
    people = [(cast.patient, "PATRQT"), (cast.doctor, "TREAT"), (cast.stranger, "TREAT")]
    asked = [(person, purpose, digest, str(uuid4())) for person, purpose in people for digest in digests * 4]

    def open_one(one: tuple[object, str, str, str]) -> tuple[str, bool]:
        person, purpose, digest, name = one
        answer = person.post(  # type: ignore[attr-defined]
            f"/v1/records/{digest}/open", json={"purpose": purpose}, headers={"X-Correlation-Id": name}
        )
        assert answer.status_code in (200, 403), answer.text
        return name, answer.status_code == 200

    with ThreadPoolExecutor(12) as threads:
        answers = dict(threads.map(open_one, asked))

    lines = [json.loads(leaf) for _, leaf in cast.served.gateway.log.each()]
    logged = Counter(line["correlation"] for line in lines)
    assert {name: logged[name] for name in answers} == dict.fromkeys(answers, 1)
    told = {line["correlation"]: line["permitted"] for line in lines}
    assert {name: told[name] for name in answers} == answers
    assert [line["seq"] for line in lines] == list(range(len(lines)))
    assert sum(answers.values()) == 24


OPENERS = {
    "prescriptions/claims.py": "a prescription's body, once the ledger has permitted it",
    "export/exporting.py": "the patient's records, each once the ledger has permitted it; and her consents' documents",
    "flow.py": "a record, once the ledger has permitted it",
    "consents/asking.py": "the reason of a question, for its two sides",
    "emergencies/breakglass.py": "the report of a review, for those whom it concerns",
    "consents/consenting.py": "the document of a consent, for its two sides",
    "prescriptions/offline.py": "what a presented code proves without the ledger",
    "portal/doctor.py": "the medication of a prescription that she wrote herself",
    "portal/patient_records.py": "the title of a record of the patient's own",
    "reading.py": "where it is done",
}
"""Every module that opens something sealed, and what."""


def test_nothing_else_opens_what_is_sealed() -> None:
    """Whoever adds a way to open a record adds it here, and says why it leaves a line or is no access to a record."""
    package = Path(gateway.__file__).parent
    found = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if file.parent.name != "verify" and re.search(r"\b(open_verified|open_envelope)\(", file.read_text())
    }

    assert found == set(OPENERS)


@pytest.fixture
def failing_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Attempt]]:
    """A log that cannot be written, as on a full disk; what was to be."""
    tried: list[Attempt] = []

    def fail(_log: AccessLog, attempt: Attempt) -> None:
        tried.append(attempt)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AccessLog, "append", fail)
    yield tried
    monkeypatch.undo()


def test_without_a_line_nothing_is_opened(
    cast: Cast, failing_log: list[Attempt], monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = cast.patient.deposit(cast.patient.address, b"CANARY", "journal")["digest"]
    opened: list[object] = []
    monkeypatch.setattr(flow, "slip_key", lambda *_: opened.append(_))

    for path in ("open", "envelope"):
        answer = cast.patient.post(f"/v1/records/{digest}/{path}", json={"purpose": "PATRQT"})
        assert answer.status_code == 500
        assert b"CANARY" not in answer.content

    assert len(failing_log) == 2
    assert opened == []


def test_the_line_is_there_before_the_key_is_taken(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = cast.patient.deposit(cast.patient.address, b"CANARY", "journal")["digest"]
    log = cast.served.gateway.log
    sizes: list[int] = []
    real = slip_key

    def watch(*arguments: object) -> bytes | None:
        sizes.append(log.size())
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(flow, "slip_key", watch)
    before = log.size()
    assert cast.patient.open(digest, "PATRQT").status_code == 200

    assert sizes == [before + 1] == [log.size()]
