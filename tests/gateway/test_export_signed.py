"""What a patient signed and an organization collected leaves with her archive, and proves itself years later."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.verify.archive import check_archive
from gateway.verify.result import Verdict
from ledger.codes import Purpose, purposes_mask
from tests.gateway.conftest import Cast
from tests.gateway.served import Person
from tests.gateway.test_export import archive_of, asked, forged, unpacked, with_field
from tests.gateway.test_given_consents import collects, id_of, signs

KEPT = "data/consents"


@contextmanager
def archived(cast: Cast, tmp_path: Path) -> Iterator[tuple[Person, Path, str]]:
    """Hers with one consent that was signed; its folder in the archive."""
    ana = cast.new_patient()
    ana.grant(cast.colleague.address, "imaging")
    signed = signs(cast, ana)
    collects(cast, signed, signs(cast, cast.new_patient()))
    archive = archive_of(ana, tmp_path / "mine.zip")
    (folder,) = (unpacked(archive, tmp_path / "plain") / KEPT).glob(f"{id_of(signed)[2:]}*")
    yield ana, archive, folder.name


def test_her_archive_has_her_signature_and_proves_it_without_a_network_and_with_a_node(
    cast: Cast, tmp_path: Path
) -> None:
    with archived(cast, tmp_path) as (ana, archive, name):
        folder = tmp_path / "plain/consent-ledger-export" / KEPT / name
        about = json.loads((folder / "about.json").read_bytes())
        assert (about["given"], about["grantee"], about["withdrawn_at"]) == ("signed", cast.doctor.address, None)
        evidence = json.loads((folder / "evidence.json").read_bytes())
        assert (evidence["kind"], len(evidence["path"])) == ("signed-consent", 1)
        offline = check_archive(archive, chain=None)
        assert (offline.sound, offline.signed, offline.in_state) == (True, 1, 2), offline.problems
        assert "that the patient signed 1 consents on exactly these terms" in offline.result().sentence
        online = asked(cast, archive)
        assert (online.sound, online.signed, online.on_ledger) == (True, 1, 2), online.problems
        assert online.result().verdict is Verdict.PROVEN
        assert ana.delete(f"/v1/consents/{name[:64]}").status_code == 200
        assert asked(cast, archive).sound, "what she withdrew later was hers when it was exported"
        again = archive_of(ana, tmp_path / "again.zip")
        told = json.loads((unpacked(again, tmp_path / "b") / KEPT / name / "about.json").read_bytes())
        assert isinstance(told["withdrawn_at"], int)


def test_a_signed_consent_that_was_bent_is_found_in_the_archive(cast: Cast, tmp_path: Path) -> None:
    with archived(cast, tmp_path) as (_, archive, name):
        file = f"{KEPT}/{name}/evidence.json"
        for number, (field, value) in enumerate(
            {
                "categories": ["laboratory", "genetics"],
                "expiry": 2**40 - 1,
                "deadline": 2**40 - 1,
                "r": "11" * 32,
                "root": "22" * 32,
                "path": [],
                "document": "33" * 32,
            }.items()
        ):
            bent = forged(archive, tmp_path / f"bent-{number}", file, with_field(field, value))
            report = check_archive(bent, chain=None)
            assert (report.sound, report.result().status) == (False, 1), field
            assert report.signed == 0


def test_purposes_other_than_those_she_signed_do_not_pass(cast: Cast, tmp_path: Path) -> None:
    with archived(cast, tmp_path) as (_, archive, name):
        wider = purposes_mask(Purpose.TREAT, Purpose.HRESCH)
        bent = forged(archive, tmp_path / "bent", f"{KEPT}/{name}/evidence.json", with_field("purposes", wider))
        assert "did not sign this consent" in check_archive(bent, chain=None).problems[0]


def test_another_persons_archive_has_nothing_of_it(cast: Cast, tmp_path: Path) -> None:
    ben = cast.new_patient()
    with archived(cast, tmp_path):
        other = unpacked(archive_of(ben, tmp_path / "bens.zip"), tmp_path / "c")
    assert list((other / KEPT).glob("*")) == []
