"""kill -9 of the gateway, and of its chain with it, between any two steps of a deposit and of a grant: asked again
under the same key, each is done exactly once."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from tests.gateway.served import PASSPHRASE, Person, serving

DEPOSIT_STEPS = [
    "gateway.flow/hand_out:after",
    "gateway.web.requests/Requests.remember_sealed:after",
    "ledger.outbox/Outbox.enqueue:after",
    "gateway.web.requests/Requests.remember_answer:before",
]
GRANT_STEPS = ["ledger.outbox/Outbox.enqueue:after", "gateway.consents.consenting/hand_over:before"]
if "CONSENT_LEDGER_THOROUGH" in os.environ:  # each takes some ten seconds
    DEPOSIT_STEPS += [
        "gateway.flow/seal:before",
        "gateway.flow/seal:after",
        "gateway.web.requests/Requests.remember_sealed:before",
        "gateway.flow/send:before",
        "ledger.outbox/Outbox.wait:before",
        "gateway.flow/send:after",
        "gateway.web.requests/Requests.remember_answer:after",
    ]
    GRANT_STEPS += [
        "gateway.consents.granting/send:before",
        "gateway.consents.granting/send:after",
        "gateway.consents.consenting/hand_over:after",
        "gateway.slips.handing/hand_out:after",
        "gateway.web.requests/Requests.remember_answer:before",
    ]
CANARY = b"Canary-Wren takes Cefalexin"


@contextmanager
def process(folder: Path, step: str = "") -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A gateway's process that will die at the step, once it listens; and its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "log.txt").open("ab") as log:
        command = [sys.executable, "-m", "tests.gateway.crashing", str(folder), str(port), step]
        running = subprocess.Popen(command, stdout=log, stderr=log)
        url = f"http://localhost:{port}"
        try:
            until(lambda: httpx.get(f"{url}/health/ready").status_code == 200, "the gateway is ready")
            yield running, url
        finally:
            if running.poll() is None:
                running.send_signal(signal.SIGTERM)
            running.wait(30)


def until(condition: Any, what: str, seconds: float = 120) -> Any:
    """Try until it holds: after a crash the chain has to be caught up with."""
    end = monotonic() + seconds
    while monotonic() < end:
        try:
            found = condition()
        except httpx.TransportError:
            found = None
        if found:
            return found
        sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


def signed_in(url: str, address: str) -> Person:
    """Somebody, as soon as the ledger knows her again."""

    def sign_in() -> str | None:
        body = {"address": address, "passphrase": PASSPHRASE}
        response = httpx.post(f"{url}/v1/session/passphrase", json=body)
        return response.json()["token"] if response.status_code == 201 else None

    token = until(sign_in, "she can sign in")
    client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=40)
    return Person(address, client)  # type: ignore[arg-type]


@pytest.fixture
def people(tmp_path: Path) -> tuple[str, str, str]:
    """A patient and a doctor whom the gateway in `tmp_path` knows, and a record of hers."""
    with serving(tmp_path, block_time=0.2) as served:
        hospital = served.organization("patient", "practitioner")
        patient = served.person(hospital, "patient", name="Canary-Wren")
        doctor = served.person(hospital, "practitioner")
        digest = patient.deposit(patient.address, CANARY, "journal")["digest"]
        return patient.address, doctor.address, digest


@pytest.mark.parametrize("step", DEPOSIT_STEPS)
def test_a_deposit_cut_off_anywhere_is_done_exactly_once(
    tmp_path: Path, people: tuple[str, str, str], step: str
) -> None:
    patient, _, before = people
    key = {"Idempotency-Key": "deposit-1", "Record-Title": "Canary-Wren"}
    with process(tmp_path, step) as (running, url):
        ana = signed_in(url, patient)
        with ana.client, pytest.raises(httpx.TransportError):
            ana.deposit(ana.address, CANARY, "journal", headers=key)
        assert running.wait(10) == -signal.SIGKILL

    with process(tmp_path) as (_, url):
        ana = signed_in(url, patient)
        with ana.client:
            digest = ana.deposit(ana.address, CANARY, "journal", headers=key)["digest"]
            items = ana.get("/v1/records").json()["items"]
            assert [(item["digest"], item["state"]) for item in items] == [(digest, "anchored"), (before, "anchored")]
            assert ana.open(digest, "PATRQT").content == CANARY
            acts = [act for act in ana.get("/v1/acts").json() if act["kind"] == "anchor"]
            assert len(acts) == 2
    assert_no_canary(tmp_path)


@pytest.mark.parametrize("step", GRANT_STEPS)
def test_a_grant_cut_off_anywhere_is_given_exactly_once_and_works(
    tmp_path: Path, people: tuple[str, str, str], step: str
) -> None:
    patient, doctor, digest = people
    body = {"grantee": doctor, "categories": ["journal"], "purposes": ["TREAT"], "forever": True}
    key = {"Idempotency-Key": "grant-1"}
    with process(tmp_path, step) as (running, url):
        ana = signed_in(url, patient)
        with ana.client, pytest.raises(httpx.TransportError):
            ana.post("/v1/consents", json=body, headers=key)
        assert running.wait(10) == -signal.SIGKILL

    with process(tmp_path) as (_, url):
        ana, doc = signed_in(url, patient), signed_in(url, doctor)
        with ana.client, doc.client:
            granted = ana.post("/v1/consents", json=body, headers=key)
            assert granted.status_code == 201, granted.text
            assert len(ana.get("/v1/consents").json()["items"]) == 1
            assert doc.open(digest).content == CANARY
    assert_no_canary(tmp_path)


def assert_no_canary(folder: Path) -> None:
    """Neither name nor drug is anywhere in the gateway's files, the chain's, the store's or the log."""
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for word in (b"Canary", b"Wren", b"Cefalexin", b"Canary".hex().encode()):
                assert word not in content, f"{word!r} in {path.name}"
