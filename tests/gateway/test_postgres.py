"""The whole gateway on PostgreSQL, on the database that CONSENT_LEDGER_POSTGRES names (as `postgresql+psycopg://...`)."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine

from gateway.batches import posting as batches
from gateway.batches.seal import NewItem
from gateway.consents.announcing import announce_endings, announcements
from gateway.consents.collected import follow_collected
from gateway.consents.collecting import anchor_collected
from gateway.sending import Errand
from ledger.codes import Category
from ledger.types import consent_id
from tests.gateway.served import serving
from tests.gateway.test_collected_consents import signed_by

SERVER = os.environ.get("CONSENT_LEDGER_POSTGRES")

pytestmark = pytest.mark.skipif(SERVER is None, reason="CONSENT_LEDGER_POSTGRES names no PostgreSQL database")


@pytest.fixture
def schema() -> Iterator[str]:
    """The URL of a schema of its own."""
    name = f"gateway_{uuid4().hex}"
    engine = create_engine(SERVER or "")
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    yield f"{SERVER}?options=-csearch_path%3D{name}"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
    engine.dispose()


def test_records_consents_and_batches_go_their_whole_way_and_survive_a_restart(tmp_path: Path, schema: str) -> None:
    with serving(tmp_path, database_url=schema, block_time=0.2) as served:
        hospital = served.organization("patient", "practitioner", name="Hospital")
        laboratory = served.organization("laboratory", name="Laboratory")
        patient = served.person(hospital, "patient", name="Ana")
        doctor = served.person(hospital, "practitioner", name="Dr Ruiz")
        patient.grant(doctor.address, "journal", "laboratory")
        patient.grant(laboratory.address, "laboratory", may_write=True)
        headers = {"Idempotency-Key": "once"}
        first, second = (patient.deposit(patient.address, b"an entry", "journal", headers=headers) for _ in range(2))
        assert first["digest"] == second["digest"]
        assert doctor.open(first["digest"]).content == b"an entry"

        gateway, author = served.gateway, laboratory.address
        batch = batches.open_batch(gateway, author, "night")
        items = [
            NewItem(f"S-{n}", patient.address, Category.LABORATORY, "text/plain", f"result {n}".encode())
            for n in range(600)
        ]
        assert batches.add(gateway, author, batch.job, items[:500]) == batches.Added(500, 0)
        assert batches.add(gateway, author, batch.job, items) == batches.Added(100, 500)
        with pytest.raises(batches.ItemConflict):
            batches.add(gateway, author, batch.job, [NewItem("S-7", patient.address, Category.LABORATORY, "a/b", b"x")])
        done = batches.post(gateway, author, batch.job, wait=30.0)
        assert (done.state, done.items, done.proposals) == ("anchored", 600, 0)
        found = batches.item_of(gateway, author, batch.job, "S-599")
        assert found is not None
        assert doctor.open(found[1].hex()).content == b"result 599"

        consent = next(one for one in patient.get("/v1/consents").json()["items"] if one["grantee"] == doctor.address)
        assert patient.delete(f"/v1/consents/{consent['id']}").status_code == 200
        assert doctor.open(first["digest"]).status_code == 403
        people = patient.address, doctor.address

    with serving(tmp_path, database_url=schema, block_time=0.2) as served:
        patient, doctor = (served.sign_in(address) for address in people)
        assert patient.open(first["digest"], "PATRQT").content == b"an entry"
        assert patient.open(found[1].hex(), "PATRQT").content == b"result 599"
        assert doctor.open(found[1].hex()).status_code == 403
        lines = patient.get("/v1/access-log").json()["items"]
        assert [(line["permitted"]) for line in lines[:3]] == [False, True, True]


def test_signed_consents_are_listed_relied_on_and_withdrawn_there_as_well(tmp_path: Path, schema: str) -> None:
    with serving(tmp_path, database_url=schema, block_time=0.2) as served:
        hospital = served.organization("patient", "practitioner", name="Hospital")
        patient = served.person(hospital, "patient", name="Ana")
        doctor = served.person(hospital, "practitioner", name="Dr Ruiz")
        gateway, key = served.gateway, served.gateway.sessions.unlocked(patient.address)
        assert key is not None
        now = int(gateway.clock())
        signed = [signed_by(gateway.ledger.domain, key, doctor.address, now, number=number) for number in range(3)]
        for some in (signed[:2], signed):
            entry = anchor_collected(gateway, hospital.address, some, Errand.new(30))
            assert entry.block_number is not None
            assert gateway.wait_indexed(entry.block_number, 30)
            follow_collected(gateway)
        digest = patient.deposit(patient.address, b"potassium 4.1", "laboratory")["digest"]
        assert doctor.open(digest).content == b"potassium 4.1"
        ids: list[str] = []
        cursor = None
        while cursor is not None or not ids:
            query = {"limit": 1} | ({"cursor": cursor} if cursor else {})
            page = patient.get("/v1/consents", params=query).json()
            ids += [one["id"] for one in page["items"]]
            cursor = page["next"]
        assert ids == ["0x" + consent_id(one.patient, one.grantee, one.scope).hex() for one in signed[::-1]]
        announce_endings(replace(gateway, clock=lambda: now + 360 * 86_400))
        assert len(announcements(gateway, patient.address, 10)) == 3
        for one in ids:
            assert patient.delete(f"/v1/consents/{one[2:]}").status_code == 200
        assert doctor.open(digest).json()["reason"] == "consent_withdrawn"
