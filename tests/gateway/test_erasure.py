"""Erased means erased: by every path, after a kill, after an old backup; and it is said, signed and receipted."""

import io
import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from gateway.api.batches import _shown
from gateway.batches import posting as batches
from gateway.batches import records as batch_records
from gateway.batches.seal import NewItem
from gateway.database import reading, writing
from gateway.erasure import erasing as erasure
from gateway.erasure.disposals import Cause, DisposalLine, Disposals, check_chain
from gateway.erasure.shredding import is_left, slip_names
from gateway.errors import RecordErased, RecordRetained
from gateway.export.holdings import holding_of
from gateway.flow import Draft, deposit, retrieve
from gateway.identity.keystore import Identity
from gateway.prescriptions import issuing as prescriptions
from gateway.prescriptions.access import open_slip
from gateway.prescriptions.issuing import Order
from ledger.codes import Category, Purpose, Role
from ledger.types import PrescriptionTerms
from tests.gateway.conftest import Cast
from tests.gateway.people import World, populate, running
from tests.gateway.served import Person, fresh_key
from tests.gateway.test_crashes import process, signed_in, until

LAB = Category.LABORATORY
CONTENT = bytes(range(256)) * 10_000


def erased(person: Person, *digests: str, **headers: str) -> dict[str, Any]:
    answer = person.post("/v1/erasure", json={"digests": list(digests)}, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_an_erased_record_opens_by_no_path_for_nobody(cast: Cast) -> None:
    ana = cast.new_patient()
    ana.grant(cast.doctor.address, "imaging", may_write=True)
    digest = cast.doctor.deposit(ana.address, CONTENT, "imaging")["digest"]
    store = cast.served.gateway.store
    before = {str(name) for name in store.list()}
    chunks = cast.doctor.post(f"/v1/records/{digest}/envelope", json={"purpose": "TREAT"}).json()["chunks"]
    assert len(chunks) == 3

    done = erased(ana, digest)

    assert [one["digest"] for one in done["erased"]] == [digest]
    for person, purpose in ((ana, "PATRQT"), (cast.doctor, "TREAT")):
        for path in ("open", "envelope"):
            refused = person.post(f"/v1/records/{digest}/{path}", json={"purpose": purpose})
            assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (410, "record-erased")
    for chunk in chunks:
        assert ana.get(f"/v1/blocks/{chunk}").status_code == 404
    assert store.list_slips(bytes.fromhex(digest)) == []
    gone = before - {str(name) for name in store.list()}
    assert len(gone) == 4, "three chunks and the root"
    assert {item["digest"]: item["state"] for item in ana.get("/v1/records").json()["items"]}[digest] == "erased"
    assert cast.stranger.open(digest).status_code == 403, "whoever may not read it learns nothing new"


def test_a_consent_given_later_brings_nothing_back(cast: Cast) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"gone", "journal")["digest"]
    erased(ana, digest)

    ana.grant(cast.doctor.address, "journal")

    assert cast.doctor.open(digest).status_code == 410
    assert cast.served.gateway.store.list_slips(bytes.fromhex(digest)) == []


def test_the_receipt_is_hers_signed_anchored_and_names_who_had_a_key(cast: Cast) -> None:
    ana = cast.new_patient()
    ana.grant(cast.doctor.address, "journal")
    digests = [ana.deposit(ana.address, bytes([n]), "journal")["digest"] for n in range(2)]
    correlation = "8a6e0804-2bd0-4672-b79d-d97027f9071a"

    done = erased(ana, *digests, **{"X-Correlation-Id": correlation})

    receipt = json.loads(ana.open(done["receipt"], "PATRQT").content)
    assert done["act"]["state"] in ("mined", "final")
    lines = [DisposalLine(0, one["line"].encode(), bytes.fromhex(one["signature"])) for one in receipt["lines"]]
    assert [line.fields["digest"] for line in lines] == digests
    assert all(line.is_signed_by(receipt["signer"]) for line in lines)
    assert receipt["signer"] == cast.served.gateway.operator.address
    for line in lines:
        assert line.fields["correlation"] == correlation
        assert {cast.doctor.address.lower(), ana.address.lower()} <= set(line.fields["readers"])
        assert line.fields["blocks"] == 1
    assert cast.doctor.open(done["receipt"]).status_code == 403


def test_a_forged_line_is_not_signed() -> None:
    line = DisposalLine(0, b'{"digest":"00"}', bytes(65))

    assert not line.is_signed_by("0x" + "00" * 20)  # type: ignore[arg-type]


def test_only_she_erases_and_only_what_is_hers(cast: Cast) -> None:
    ana, ben = cast.new_patient(), cast.new_patient()
    ana.grant(cast.doctor.address, "encounter", may_write=True)
    digest = cast.doctor.deposit(ana.address, b"seen today", "encounter")["digest"]
    mine = ben.deposit(ben.address, b"mine", "journal")["digest"]

    for person in (ben, cast.doctor, cast.hospital):
        refused = person.post("/v1/erasure", json={"digests": [mine, digest] if person is ben else [digest]})
        assert refused.status_code == 404
    assert cast.served.client().post("/v1/erasure", json={"digests": [digest]}).status_code == 401
    assert ana.open(digest, "PATRQT").status_code == 200
    assert ben.open(mine, "PATRQT").status_code == 200, "one that is not hers: nothing was erased"


def test_asked_twice_it_is_done_once(cast: Cast) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"gone", "journal")["digest"]
    size = Disposals(cast.served.gateway.database, cast.served.gateway.operator).size()

    first = erased(ana, digest, **{"Idempotency-Key": fresh_key()})
    second = erased(ana, digest)

    assert second["receipt"] == first["receipt"]
    assert second["erased"] == first["erased"]
    assert Disposals(cast.served.gateway.database, cast.served.gateway.operator).size() == size + 1
    assert len(ana.get("/v1/records").json()["items"]) == 2


def test_what_must_be_kept_by_law_stays_with_the_reason_until_its_time(cast: Cast) -> None:
    ana = cast.new_patient()
    ana.grant(cast.doctor.address, "encounter", may_write=True)
    kept = cast.doctor.deposit(ana.address, b"seen today", "encounter")["digest"]
    free = ana.deposit(ana.address, b"mine", "encounter")["digest"]
    rule = {"keep_days": 1825, "basis": "Law 41/2002, article 17"}
    assert cast.hospital.put("/v1/retention/encounter", json=rule).status_code == 200
    try:
        refused = ana.post("/v1/erasure", json={"digests": [kept]})
        assert refused.status_code == 409
        assert refused.json()["type"].endswith(":record-retained")
        assert "Law 41/2002, article 17" in refused.json()["reason"]
        anchored = ana.get(f"/v1/records/{kept}").json()["anchored_at"]
        assert refused.json()["until"] == anchored + 1825 * 86_400

        everything = ana.post("/v1/erasure", json={"everything": True}).json()

        assert [one["digest"] for one in everything["erased"]] == [free], "what she wrote herself is hers alone"
        assert [one["digest"] for one in everything["kept"]] == [kept]
        assert ana.open(kept, "PATRQT").content == b"seen today"
    finally:
        assert cast.hospital.delete("/v1/retention/encounter").status_code == 204
    assert erased(ana, kept)["erased"]


def test_the_list_is_shown_to_those_concerned_only_and_nobody_changes_it(cast: Cast) -> None:
    ana = cast.new_patient()
    ana.grant(cast.laboratory.address, "laboratory", may_write=True)
    digest = cast.laboratory.deposit(ana.address, b"4.1", "laboratory")["digest"]
    erased(ana, digest)
    auditing = cast.served.organization("auditor", name="Auditors")
    auditor = cast.served.person(auditing, "auditor")

    def seen(person: Person) -> bool:
        found = person.get("/v1/disposals", params={"limit": 200}).json()["items"]
        return digest in {one["digest"] for one in found}

    assert [seen(one) for one in (ana, cast.laboratory, auditor)] == [True, True, True]
    assert [seen(one) for one in (cast.doctor, cast.hospital, cast.new_patient())] == [False, False, False]
    gateway = cast.served.gateway
    for statement in (
        "DELETE FROM disposals",
        "UPDATE disposals SET line = x'00'",
        "REPLACE INTO disposals SELECT * FROM disposals",
    ):
        with pytest.raises(IntegrityError), writing(gateway.database) as connection:
            connection.execute(text(statement))


def test_a_line_taken_out_or_put_in_is_found(cast: Cast) -> None:
    ana = cast.new_patient()
    erased(ana, *(ana.deposit(ana.address, bytes([n]), "journal")["digest"] for n in range(3)))
    gateway = cast.served.gateway
    found = Disposals(gateway.database, gateway.operator).page(everybody=True, limit=10_000)[::-1]

    assert check_chain(found, gateway.operator.address) == ""
    without = [*found[:1], *(DisposalLine(line.seq - 1, line.line, line.signature) for line in found[2:])]
    assert "does not follow" in check_chain(without, gateway.operator.address)
    assert "not signed" in check_chain(found, ana.address)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A gateway without HTTP, for batches and prescriptions."""
    with running(tmp_path_factory.mktemp("world"), block_time=None) as gateway:
        world = populate(gateway)
        world.let(world.patient, world.laboratory.address, LAB, write=True)
        world.let(world.patient, world.doctor.address, Category.MEDICATION, write=True)
        yield world


def posted(world: World, patient: Identity, *contents: bytes) -> list[bytes]:
    """A batch of results about her; their digests."""
    items = [NewItem(f"r-{n}", patient.address, LAB, "text/plain", one) for n, one in enumerate(contents)]
    batch = batches.open_batch(world.gateway, world.technician.address, fresh_key())
    batches.add(world.gateway, world.technician.address, batch.job, items)
    batches.post(world.gateway, world.technician.address, batch.job, wait=15.0)
    found = [batches.item_of(world.gateway, world.technician.address, batch.job, one.id) for one in items]
    return [one[1] for one in found if one is not None]


def opened(world: World, reader: Identity, digest: bytes, purpose: Purpose = Purpose.TREAT) -> bytes:
    return b"".join(retrieve(world.gateway, reader, digest, purpose=purpose, correlation="test").content)


def test_one_record_of_a_batch_goes_and_its_neighbours_under_the_same_key_stay_readable(world: World) -> None:
    world.let(world.patient, world.doctor.address, LAB)
    first, second, third = posted(world, world.patient, b"one", b"two", b"three")
    assert opened(world, world.doctor, second) == b"two"
    holding = holding_of(world.gateway, second)
    assert holding is not None
    common = slip_names(world.gateway, holding)[1]
    assert world.gateway.store.list_slips(common)

    done = erasure.erase(world.gateway, world.patient, [second], world.errand())

    assert len(done.lines) == 1
    assert not is_left(world.gateway, holding)
    assert world.gateway.store.list_slips(common) == [], "the key that opened it is destroyed as well"
    for reader, purpose in ((world.patient, Purpose.PATRQT), (world.doctor, Purpose.TREAT)):
        assert opened(world, reader, first, purpose) == b"one"
        assert opened(world, reader, third, purpose) == b"three"
        with pytest.raises(RecordErased):
            opened(world, reader, second, purpose)


def test_a_shared_key_is_parted_when_she_is_back_and_nobody_opens_it_meanwhile(world: World) -> None:
    patient = world.person(world.hospital, Role.PATIENT)
    nothing = world.gateway.ledger.acts.set_preferences(emergency=Category(0), barred_authors=Category(0))
    world.act(nothing, patient)  # or else the custodian for emergencies could part it without her
    kept, gone = posted(world, patient, b"kept", b"gone")
    holding = holding_of(world.gateway, gone)
    assert holding is not None
    stone = erasure.begin(world.gateway, holding, cause=Cause.ERASURE, basis="", correlation="c" * 8)
    world.gateway.sessions.close_all(patient.address)

    assert erasure.finish(world.gateway, holding, stone, patient=None) is None
    assert not world.gateway.store.has(gone)
    with pytest.raises(RecordErased):
        opened(world, patient, gone, Purpose.PATRQT)

    world.gateway.sessions.open(patient.address, patient)
    erasure.finish_erasures(world.gateway)
    assert not is_left(world.gateway, holding)
    assert opened(world, patient, kept, Purpose.PATRQT) == b"kept"


def test_a_prescription_is_kept_while_it_may_be_dispensed_and_then_its_codes_go_with_it(world: World) -> None:
    now = world.now()
    terms = PrescriptionTerms(1, 30, 30, 0, now - 10, now + 86_400)
    order = Order(world.patient.address, Category.MEDICATION, terms, world.header(Category.MEDICATION))
    done = prescriptions.issue(world.gateway, world.doctor, order, io.BytesIO(b"20 mg"), world.errand())
    body = open_slip(world.gateway, world.patient, done.prescription).opening.digest
    with pytest.raises(RecordRetained, match="may still be dispensed"):
        erasure.erase(world.gateway, world.patient, [body], world.errand())

    prescriptions.cancel(world.gateway, world.doctor, done.prescription, world.errand())
    erasure.erase(world.gateway, world.patient, [body], world.errand())

    indexed = world.gateway.index.prescription(done.prescription)
    assert indexed is not None
    assert world.gateway.store.list_slips(indexed.terms_hash) == []
    assert not world.gateway.store.has(body)


STEPS = ["gateway.erasure.erasing/begin:after", "gateway.erasure.erasing/Disposals.append:after"]
if "CONSENT_LEDGER_THOROUGH" in os.environ:  # each takes some ten seconds
    STEPS += [
        "gateway.erasure.shredding/delete_record:before",
        "gateway.erasure.shredding/delete_record:after",
        "gateway.flow/hand_out:after",
        "ledger.outbox/Outbox.enqueue:after",
    ]


@pytest.mark.parametrize("step", STEPS)
def test_an_erasure_cut_off_anywhere_is_finished_once(tmp_path: Path, step: str) -> None:
    patient, digest = _patient_with_record(tmp_path)
    key = {"Idempotency-Key": "erase-1"}
    with process(tmp_path, step) as (dying, url):
        ana = signed_in(url, patient)
        with ana.client, pytest.raises(httpx.TransportError):
            erased(ana, digest, **key)
        assert dying.wait(10) == -signal.SIGKILL

    with process(tmp_path) as (_, url):
        ana = signed_in(url, patient)
        with ana.client:
            until(lambda: ana.open(digest, "PATRQT").status_code == 410, "it is erased, whether she asks again or not")
            done = erased(ana, digest, **key)
            assert [one["digest"] for one in done["erased"]] == [digest]
            receipt = json.loads(ana.open(done["receipt"], "PATRQT").content)
            assert json.loads(receipt["lines"][0]["line"])["digest"] == digest
            assert len(ana.get("/v1/disposals").json()["items"]) == 1
            assert len(ana.get("/v1/records").json()["items"]) == 2
    assert list((tmp_path / "store").rglob("slips/*/*/*")) != [], "the receipt's own slips"
    assert CONTENT[:64] not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_backup_of_an_earlier_day_brings_nothing_back(tmp_path: Path) -> None:
    """Restored are store and databases; the list of what was erased is kept from the newest day."""
    patient, digest = _patient_with_record(tmp_path / "data")
    shutil.copytree(tmp_path / "data", tmp_path / "backup")
    with process(tmp_path / "data") as (_, url):
        ana = signed_in(url, patient)
        with ana.client:
            erased(ana, digest)
    restored = tmp_path / "data"
    for name in ("store", "gateway.db", "gateway.db-wal", "gateway.db-shm"):
        _restore(tmp_path / "backup" / name, restored / name)
    assert list(restored.glob(f"store/slips/*/*/{patient[2:].lower()}")), "the backup has her key again"

    from gateway.serve import whole_gateway
    from gateway.settings import Settings

    with whole_gateway(Settings(data_dir=restored, scrypt_n=2)) as (gateway, _app):
        raw = bytes.fromhex(digest)
        assert (gateway.store.has(raw), gateway.store.list_slips(raw)) == (False, [])
        with reading(gateway.database) as connection:
            assert connection.execute(text("SELECT count(*) FROM tombstones")).scalar() == 1


def _patient_with_record(folder: Path) -> tuple[str, str]:
    from tests.gateway.served import serving

    with serving(folder, block_time=0.2) as served:
        hospital = served.organization("patient", "practitioner")
        patient = served.person(hospital, "patient")
        digest = patient.deposit(patient.address, CONTENT[:300_000], "journal")["digest"]
        return patient.address, digest


def _restore(source: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    target.unlink(missing_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copy(source, target)


def test_a_slip_that_a_grant_in_flight_put_back_is_found_and_destroyed(world: World) -> None:
    patient = world.person(world.hospital, Role.PATIENT)
    draft = Draft(patient.address, Category.JOURNAL, world.header(Category.JOURNAL, "text/plain"))
    digest = deposit(world.gateway, patient, draft, io.BytesIO(b"mine"), world.errand()).digest
    slip = world.gateway.store.get_slip(digest, bytes.fromhex(patient.address[2:]))
    erasure.erase(world.gateway, patient, [digest], world.errand())
    world.gateway.store.put_slip(digest, bytes(20), slip)

    with writing(world.gateway.database) as connection:
        connection.execute(text("UPDATE tombstones SET checked_at = 0"))
    erasure.finish_erasures(world.gateway)

    assert world.gateway.store.list_slips(digest) == []


def test_lists_of_a_nights_results_say_which_are_erased(world: World) -> None:
    first, second = posted(world, world.patient, b"listed one", b"listed two")
    erasure.erase(world.gateway, world.patient, [first], world.errand())
    about = batch_records.records_about(world.gateway, [world.patient.address], 2)

    shown = _shown(world.gateway, world.patient.address, world.patient.address, about)

    assert {one.digest: one.state for one in shown} == {first.hex(): "erased", second.hex(): "anchored"}
