"""Records with two signatures: one is visibly one, two are two, and nobody signs for somebody else."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.verify.commands import app as verifier
from tests.gateway.conftest import Cast
from tests.gateway.served import Person, fresh_key
from tests.gateway.test_delegates import named, refused

SUMMARY = b"We agreed on two walks a day."


def summary(cast: Cast, patient: Person, **more: str) -> str:
    """A session's summary by the doctor, who asks for the patient's signature."""
    patient.grant(cast.doctor.address, "encounter", may_write=True)
    digest = cast.doctor.deposit(patient.address, SUMMARY, "encounter", needs_cosignature="true", **more)["digest"]
    return str(digest)


def signatures(person: Person, digest: str) -> tuple[int, bool]:
    answer = person.get(f"/v1/records/{digest}/signatures").json()
    return answer["count"], answer["awaited"]


def test_clinician_and_patient_sign_the_same_digest(cast: Cast) -> None:
    ana = cast.served.person(cast.hospital, "patient", name="Ana Oakfield")
    digest = summary(cast, ana)

    one = ana.get(f"/v1/records/{digest}/signatures").json()
    assert (one["count"], one["awaited"], one["cosigner"]) == (1, True, None)
    assert one["sentence"].startswith("Signed by Dr Ruiz on ")
    assert one["sentence"].endswith(": one signature; the second one is still missing.")
    item = ana.get("/v1/records").json()["items"][0]
    assert (item["signatures"], item["cosignature_awaited"]) == (1, True)
    waiting = ana.get("/v1/cosignatures").json()["items"]
    assert [each["digest"] for each in waiting] == [digest]
    told = ana.get("/v1/notifications").json()["items"][0]
    assert told["text"] == "Dr Ruiz asks for your signature under a record: read it, and sign it if you agree."
    assert ana.open(digest, "PATRQT").content == SUMMARY

    assert ana.post(f"/v1/records/{digest}/cosign").status_code == 200

    two = cast.doctor.get(f"/v1/records/{digest}/signatures").json()
    assert (two["count"], two["cosigner"], two["author"]) == (2, ana.address, cast.doctor.address)
    assert two["sentence"].endswith(": two signatures.")
    assert " and by Ana Oakfield on " in two["sentence"]
    assert ana.get("/v1/records").json()["items"][0]["signatures"] == 2
    assert ana.get("/v1/cosignatures").json()["items"] == []
    assert cast.doctor.get("/v1/notifications").json()["items"][0]["kind"] == "record-cosigned"


def test_a_record_nobody_asked_to_sign_has_one_signature_and_may_get_a_second(cast: Cast) -> None:
    ana = cast.new_patient()
    ana.grant(cast.doctor.address, "encounter", may_write=True)
    digest = cast.doctor.deposit(ana.address, SUMMARY, "encounter")["digest"]
    assert signatures(ana, digest) == (1, False)

    assert cast.doctor.post(f"/v1/records/{digest}/await-cosignature").status_code == 200
    again = cast.doctor.post(f"/v1/records/{digest}/await-cosignature")
    assert refused(again) == (409, "CosignatureAlreadyAwaited")
    assert signatures(ana, digest) == (1, True)
    assert ana.post(f"/v1/records/{digest}/cosign").status_code == 200
    assert signatures(ana, digest) == (2, True)


def test_nobody_signs_for_somebody_else(cast: Cast) -> None:
    ana = cast.new_patient()
    son = cast.served.person(cast.hospital, "patient", name="Jon")
    digest = summary(cast, ana)
    ana.grant(cast.colleague.address, "encounter", may_write=True)
    named(ana, son, "read,grant,withdraw,present,accept", "encounter")

    path = f"/v1/records/{digest}/cosign"
    assert refused(cast.doctor.post(path)) == (403, "OwnSignature")
    assert refused(cast.colleague.post(path))[0] == 403
    assert refused(son.post(path)) == (403, "NotThePatient"), "no delegate signs for her"
    assert cast.stranger.post(path).status_code == 404
    assert refused(cast.colleague.post(f"/v1/records/{digest}/await-cosignature"))[0] in (403, 404)
    assert signatures(ana, digest) == (1, True)


def test_a_clinician_signs_what_the_patient_wrote_if_she_lets_her_write(cast: Cast) -> None:
    ana = cast.new_patient()
    digest = ana.deposit(ana.address, b"My goals", "journal", needs_cosignature="true")["digest"]
    ana.grant(cast.colleague.address, "journal")
    assert refused(cast.colleague.post(f"/v1/records/{digest}/cosign")) == (403, "WriteNotPermitted")
    ana.grant(cast.doctor.address, "journal", may_write=True)

    assert cast.doctor.post(f"/v1/records/{digest}/cosign").status_code == 200

    found = ana.get(f"/v1/records/{digest}/signatures").json()
    assert (found["count"], found["cosigner_name"]) == (2, "Dr Ruiz")


def test_a_record_is_signed_once_and_a_replay_has_one_effect(cast: Cast) -> None:
    ana = cast.new_patient()
    digest = summary(cast, ana)
    headers = {"Idempotency-Key": fresh_key()}

    first, again = (ana.post(f"/v1/records/{digest}/cosign", headers=headers) for _ in range(2))

    assert first.status_code == 200, first.text
    assert again.json() == first.json()
    assert refused(ana.post(f"/v1/records/{digest}/cosign")) == (409, "RecordAlreadyCosigned")


def test_a_deposit_that_needs_a_signature_is_made_once_under_one_key(cast: Cast) -> None:
    ana = cast.new_patient()
    ana.grant(cast.doctor.address, "encounter", may_write=True)
    headers = {"Idempotency-Key": fresh_key()}

    first, again = (
        cast.doctor.deposit(ana.address, SUMMARY, "encounter", headers=headers, needs_cosignature="true")
        for _ in range(2)
    )

    assert first == again
    assert signatures(ana, first["digest"]) == (1, True)


def test_without_waiting_the_second_act_follows_the_first(cast: Cast) -> None:
    ana = cast.new_patient()
    ana.grant(cast.doctor.address, "encounter", may_write=True)
    response = cast.doctor.try_deposit(
        ana.address, SUMMARY, "encounter", needs_cosignature="true", headers={"Prefer": "respond-async"}
    )
    assert response.status_code in (201, 202), response.text
    acts = cast.doctor.get("/v1/acts?limit=200").json()[-2:]
    assert [act["kind"] for act in acts] == ["anchor", "awaitCosignature"]
    done = [cast.doctor.get(f"/v1/acts/{act['id']}?wait=true").json()["state"] for act in acts]
    assert set(done) <= {"mined", "final"}

    assert signatures(ana, response.json()["digest"]) == (1, True)


def test_what_is_retracted_is_not_signed_any_more(cast: Cast) -> None:
    ana = cast.new_patient()
    digest = summary(cast, ana)
    assert cast.doctor.post(f"/v1/records/{digest}/retract").status_code == 200

    assert refused(ana.post(f"/v1/records/{digest}/cosign")) == (409, "RecordStateUnfit")


def test_the_verifier_counts_the_signatures_without_the_gateway(cast: Cast, tmp_path: Path) -> None:
    ana = cast.new_patient()
    digest = summary(cast, ana)
    file = tmp_path / "evidence.json"
    file.write_text(json.dumps(ana.get(f"/v1/records/{digest}/evidence").json()))
    settings = cast.served.gateway.settings
    words = ["record", str(file), "--node", cast.served.gateway.node.url]
    words += ["--deployment", str(settings.deployment_path), "--store", str(settings.data_dir / "store"), "--json"]

    def told() -> str:
        result = CliRunner().invoke(verifier, words)
        assert result.exit_code == 0, result.output
        return " ".join(str(value) for value in json.loads(result.stdout).values())

    assert "signed by its author alone while a second signature is awaited" in told()
    assert ana.post(f"/v1/records/{digest}/cosign").status_code == 200
    assert f"signed by its author and by {ana.address}" in told()


@pytest.mark.parametrize("path", ["signatures", "cosign", "await-cosignature"])
def test_a_record_that_nobody_anchored_has_no_signatures(cast: Cast, path: str) -> None:
    url = f"/v1/records/{'ab' * 32}/{path}"
    response = cast.patient.get(url) if path == "signatures" else cast.patient.post(url)
    assert response.status_code == 404
