"""Everything of hers as one archive: whole, in the clear, and checked where nothing of this project is installed."""

import gc
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from time import time
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.export.bag import BagWriter
from gateway.verify.archive import RememberingChain, check_archive, ledger_of
from gateway.verify.archive_files import ArchiveUnreadable
from gateway.verify.archive_report import Report
from gateway.verify.archive_state import as_json, read_state
from gateway.verify.result import Verdict
from ledger.state_proof import StateProof
from tests.gateway.conftest import Cast
from tests.gateway.served import Person

RESULT = b'{"resourceType": "DiagnosticReport", "conclusion": "Potassium 4.1 mmol/l"}'
LARGE = bytes(range(256)) * 20_000
TITLE = "Potassium <b>& more</b>"


def archive_of(person: Person, path: Path) -> Path:
    """Her archive, as it comes."""
    answer = person.post("/v1/export")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    path.write_bytes(answer.content)
    return path


def asked(cast: Cast, archive: Path) -> Report:
    """The archive checked by somebody who has a node and no gateway."""
    with RememberingChain.open(cast.served.gateway.node.url, ledger_of(archive), is_trusted=False) as chain:
        return check_archive(archive, chain=chain)


@pytest.fixture(scope="module")
def ana(cast: Cast) -> Person:
    """A patient with records of her own and of others, a consent, a withdrawn one, and visits to her log."""
    ana = cast.new_patient()
    ana.grant(cast.laboratory.address, "laboratory", may_write=True)
    withdrawn = ana.grant(cast.stranger.address, "imaging")
    assert ana.delete(f"/v1/consents/{withdrawn}").status_code == 200
    ana.grant(cast.doctor.address, "laboratory")
    result = cast.laboratory.deposit(
        ana.address,
        RESULT,
        "laboratory",
        headers={"Content-Type": "application/fhir+json", "Record-Title": "Potassium %3Cb%3E%26 more%3C/b%3E"},
    )
    ana.deposit(ana.address, b"slept well", "journal")
    ana.deposit(ana.address, LARGE, "imaging", headers={"Content-Type": "application/dicom"})
    assert cast.doctor.open(result["digest"]).status_code == 200
    assert cast.stranger.open(result["digest"]).status_code == 403
    return ana


@pytest.fixture(scope="module")
def archive(ana: Person, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ana's archive."""
    return archive_of(ana, tmp_path_factory.mktemp("archive") / "mine.zip")


def unpacked(archive: Path, folder: Path) -> Path:
    """The archive's folder, somewhere else."""
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    return folder / "consent-ledger-export"


def described(folder: Path, part: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(folder.glob(f"data/{part}/*/about.json"))]


def test_it_holds_every_record_in_the_clear_with_its_type_and_author(archive: Path, cast: Cast, tmp_path: Path) -> None:
    folder = unpacked(archive, tmp_path)

    about = {one["seal"]["media_type"]: one for one in described(folder, "records")}

    contents = {
        kind: (folder / "data/records" / one["digest"] / one["file"]).read_bytes() for kind, one in about.items()
    }
    assert contents == {"application/fhir+json": RESULT, "text/plain": b"slept well", "application/dicom": LARGE}
    assert about["application/fhir+json"]["author"] == cast.laboratory.address
    assert about["application/fhir+json"]["author_name"] == "Central Laboratory"
    assert about["application/fhir+json"]["seal"]["title"] == TITLE
    assert {one["file"] for one in about.values()} == {"record.json", "record.txt", "record.dcm"}


def test_it_holds_her_consents_as_fhir_and_says_which_were_withdrawn(archive: Path, tmp_path: Path) -> None:
    folder = unpacked(archive, tmp_path)

    consents = described(folder, "consents")

    assert len(consents) == 3
    assert sum(one["withdrawn_at"] is not None for one in consents) == 1
    for one in consents:
        assert one["seal"]["media_type"] == "application/fhir+json"
    for path in folder.glob("data/consents/*/consent.json"):
        assert json.loads(path.read_bytes())["resourceType"] == "Consent"


def test_it_holds_the_log_of_who_looked_and_who_was_refused(archive: Path, cast: Cast, tmp_path: Path) -> None:
    folder = unpacked(archive, tmp_path)

    lines = [json.loads(line) for line in (folder / "data/access-log/lines.jsonl").read_text().splitlines()]

    sentences = [line["sentence"] for line in lines]
    assert any("Dr Ruiz opened your record for treatment" in one for one in sentences)
    assert any("Dr Stranger was refused your record" in one for one in sentences)
    assert all(line["evidence"]["kind"] == "access-line" for line in lines), "up to the newest, all are proven"


def test_a_machine_without_the_project_finds_it_whole(archive: Path, tmp_path: Path) -> None:
    folder = unpacked(archive, tmp_path)

    checked = subprocess.run(
        [sys.executable, "-I", "-S", "check.py"], cwd=folder, env={}, capture_output=True, text=True, check=False
    )
    summed = subprocess.run(
        ["sha256sum", "--strict", "--quiet", "-c", "manifest-sha256.txt", "tagmanifest-sha256.txt"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout
    assert "none altered" in checked.stdout
    assert (summed.returncode, summed.stdout, summed.stderr) == (0, "", "")


def test_it_is_a_bag_by_the_book(archive: Path, tmp_path: Path) -> None:
    folder = unpacked(archive, tmp_path)
    payload = [path for path in (folder / "data").rglob("*") if path.is_file()]
    listed = dict(line.split("  ")[::-1] for line in (folder / "manifest-sha256.txt").read_text().splitlines())
    info = dict(line.split(": ", 1) for line in (folder / "bag-info.txt").read_text().splitlines())

    assert (folder / "bagit.txt").read_text() == "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    assert listed == {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in payload}
    assert info["Payload-Oxum"] == f"{sum(path.stat().st_size for path in payload)}.{len(payload)}"
    assert info["Left-Out"] == "0"


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("data/records", "alter", "altered"),
        ("data/records", "remove", "missing"),
        ("data/records", "add", "not part of what was exported"),
        ("data/access-log", "alter", "altered"),
        ("bag-info.txt", "alter", "altered"),
        ("manifest-sha256.txt", "remove", "manifest-sha256.txt is missing"),
    ],
)
def test_whatever_is_changed_in_it_is_found(archive: Path, tmp_path: Path, name: str, change: str, said: str) -> None:
    folder = unpacked(archive, tmp_path)
    path = folder / name
    victim = next(one for one in sorted(path.rglob("*")) if one.is_file()) if path.is_dir() else path
    if change == "alter":
        content = bytearray(victim.read_bytes())
        content[-2] ^= 1
        victim.write_bytes(content)
    elif change == "remove":
        victim.unlink()
    else:
        shutil.copy(victim, victim.with_name("another.txt"))

    checked = subprocess.run([sys.executable, "check.py"], cwd=folder, capture_output=True, text=True, check=False)

    assert checked.returncode == 1
    assert said in checked.stdout


def test_without_a_network_it_proves_the_digests_and_says_what_it_does_not(archive: Path) -> None:
    report = check_archive(archive, chain=None)

    assert (report.sound, report.records, report.consents, report.on_ledger) == (True, 3, 3, 0), report.problems
    assert report.lines >= 2
    result = report.result()
    assert (result.verdict, result.status) == (Verdict.CONSISTENT, 2)
    assert report.state is not None
    assert report.in_state == 6, "what the ledger held at one block is proven without asking it"
    assert "to whoever knows that block to be on its chain" in result.sentence
    assert "it does not prove that this block is on its chain, for no node was asked" in result.sentence


def test_with_a_node_it_proves_what_the_ledger_has(archive: Path, cast: Cast) -> None:
    report = asked(cast, archive)

    assert (report.sound, report.on_ledger, report.in_state) == (True, 6 + report.lines, 6), report.problems
    assert (report.result().verdict, report.result().status) == (Verdict.PROVEN, 0)


def forged(archive: Path, folder: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """An archive in which one file was changed, and whose manifests fit again: made by somebody with skill."""
    root = unpacked(archive, folder)
    path = root / name
    path.write_bytes(change(path.read_bytes()))
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        names = [line.split("  ")[1] for line in (root / manifest).read_text().splitlines()]
        lines = [f"{sha256((root / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
        (root / manifest).write_text("".join(lines))
    return root


def journal_of(archive: Path) -> str:
    """The folder of the record that she wrote herself."""
    with zipfile.ZipFile(archive) as opened:
        (name,) = [name for name in opened.namelist() if name.endswith("/record.txt")]
    return name.partition("/")[2].rpartition("/")[0]


def with_field(name: str, value: Any) -> Callable[[bytes], bytes]:
    """A change of one field of a JSON file."""
    return lambda content: json.dumps(json.loads(content) | {name: value}).encode()


def test_another_content_is_not_passed_off_as_the_anchored_one(archive: Path, tmp_path: Path) -> None:
    name = f"{journal_of(archive)}/record.txt"
    report = check_archive(forged(archive, tmp_path, name, lambda _: b"slept badly"), chain=None)

    assert not report.sound
    assert "is not the one of its digest" in report.problems[0]
    assert report.result().status == 1


def test_another_title_is_not_passed_off_either(archive: Path, tmp_path: Path) -> None:
    name = f"{journal_of(archive)}/about.json"

    def retitled(content: bytes) -> bytes:
        about = json.loads(content)
        about["seal"]["title"] = "Something else"
        return json.dumps(about).encode()

    assert not check_archive(forged(archive, tmp_path, name, retitled), chain=None).sound


def test_another_author_is_not_passed_off_as_the_anchored_one(archive: Path, cast: Cast, tmp_path: Path) -> None:
    name = f"{journal_of(archive)}/evidence.json"
    folder = forged(archive, tmp_path, name, with_field("author", cast.stranger.address))

    assert "is not what the ledger held" in check_archive(folder, chain=None).problems[0]
    report = asked(cast, folder)
    assert (report.sound, report.result().status) == (False, 1)


def test_without_the_ledgers_state_it_says_that_it_does_not_know_the_author(
    archive: Path, cast: Cast, tmp_path: Path
) -> None:
    name = f"{journal_of(archive)}/evidence.json"
    folder = forged(archive, tmp_path, name, with_field("author", cast.stranger.address))
    (folder / "data/ledger-state.json").unlink()
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        lines = (folder / manifest).read_text().splitlines(keepends=True)
        (folder / manifest).write_text("".join(line for line in lines if "ledger-state" not in line))
        name = "manifest-sha256.txt"
        digest = sha256((folder / name).read_bytes()).hexdigest()
        tags = (folder / "tagmanifest-sha256.txt").read_text().splitlines()
        fixed = [f"{digest}  {name}" if line.endswith(f"  {name}") else line for line in tags]
        (folder / "tagmanifest-sha256.txt").write_text("\n".join(fixed) + "\n")

    offline = check_archive(folder, chain=None)

    assert offline.sound, offline.problems
    assert "it does not prove that the ledger at" in offline.result().sentence
    assert "who wrote it and when, for no node was asked" in offline.result().sentence
    assert not asked(cast, folder).sound


def test_a_state_of_another_block_is_found(archive: Path, cast: Cast, tmp_path: Path) -> None:
    def another_time(content: bytes) -> bytes:
        state = json.loads(content)
        return json.dumps(state | {"time": state["time"] + 1}).encode()

    def another_chain(content: bytes) -> bytes:
        state = read_state(json.loads(content))
        header = bytearray(state.header)
        header[-1] ^= 1  # another fork: all is consistent in itself, and on no chain
        return json.dumps(as_json(StateProof.of(bytes(header), state.nodes.values()))).encode()

    misnamed = forged(archive, tmp_path / "a", "data/ledger-state.json", another_time)
    forked = forged(archive, tmp_path / "b", "data/ledger-state.json", another_chain)

    assert "is not the one of the block" in check_archive(misnamed, chain=None).problems[0]
    assert check_archive(forked, chain=None).sound, "who does not know the chain cannot tell"
    assert "another block" in asked(cast, forked).problems[0]


def test_the_evidence_of_another_record_does_not_help(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        other = next(name for name in opened.namelist() if name.endswith("/record.dcm"))
        evidence = opened.read(other.replace("record.dcm", "evidence.json"))
    folder = forged(archive, tmp_path, f"{journal_of(archive)}/evidence.json", lambda _: evidence)

    assert "is of another one" in check_archive(folder, chain=None).problems[0]


def test_a_line_of_the_log_that_says_something_else_is_found_by_both_checks(archive: Path, tmp_path: Path) -> None:
    name = "data/access-log/lines.jsonl"
    folder = forged(archive, tmp_path, name, lambda content: content.replace(b"TREAT", b"HRESCH", 1))

    checked = subprocess.run([sys.executable, "check.py"], cwd=folder, capture_output=True, text=True, check=False)

    assert checked.returncode == 1
    assert "is not in the log" in checked.stdout
    assert "does not read as it is given" in check_archive(folder, chain=None).problems[-1] or (
        "is not in the log" in check_archive(folder, chain=None).problems[-1]
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data/ledger.json", b"[]"),
        ("data/ledger.json", b"{"),
        ("data/ledger.json", b'{"address": "0x12", "block": 1, "chain_id": 1}'),
    ],
)
def test_a_description_of_another_form_is_refused_by_name(
    archive: Path, tmp_path: Path, name: str, content: bytes
) -> None:
    with pytest.raises(ArchiveUnreadable):
        check_archive(forged(archive, tmp_path, name, lambda _: content), chain=None)


@pytest.mark.parametrize("content", [b"{}\n", b'{"evidence": 7}\n', b"\xff\n", b"[]\n"])
def test_lines_of_another_form_are_no_proof(archive: Path, tmp_path: Path, content: bytes) -> None:
    folder = forged(archive, tmp_path, "data/access-log/lines.jsonl", lambda _: content)

    assert "is not in the log" in check_archive(folder, chain=None).problems[0]


def test_the_command_says_it_in_a_sentence_and_a_status(archive: Path, cast: Cast, tmp_path: Path) -> None:
    runner = CliRunner()
    node = cast.served.gateway.node.url

    proven = runner.invoke(app, ["verify", "archive", str(archive), "--node", node])
    offline = runner.invoke(app, ["--json", "verify", "archive", str(archive), "--offline"])
    folder = forged(archive, tmp_path, f"{journal_of(archive)}/record.txt", lambda _: b"slept badly")
    altered = runner.invoke(app, ["verify", "archive", str(folder), "--node", node])
    nothing = runner.invoke(app, ["verify", "archive", __file__, "--offline"])

    assert (proven.exit_code, offline.exit_code, altered.exit_code, nothing.exit_code) == (0, 2, 1, 2)
    assert proven.stdout.startswith("The archive is sound")
    assert json.loads(offline.stdout)["verdict"] == "consistent"
    assert "not sound" in altered.stdout


def test_a_part_of_an_archive_is_not_taken_for_the_whole(archive: Path, tmp_path: Path) -> None:
    whole = archive.read_bytes()
    for end in (0, 10, len(whole) // 2, len(whole) - 1):
        part = tmp_path / "part.zip"
        part.write_bytes(whole[:end])
        with pytest.raises(ArchiveUnreadable):
            check_archive(part, chain=None)


def test_only_she_gets_it_and_a_record_that_is_gone_is_listed_with_the_reason(cast: Cast, tmp_path: Path) -> None:
    bea = cast.new_patient()
    digest = bea.deposit(bea.address, b"to be lost", "journal")["digest"]
    bea.deposit(bea.address, b"kept", "journal")
    cast.served.gateway.store.delete(bytes.fromhex(digest))

    archive = archive_of(bea, tmp_path / "bea.zip")

    report = asked(cast, archive)
    assert (report.sound, report.records, report.left_out) == (True, 1, 1)
    assert "1 records could not be opened" in report.result().sentence
    with zipfile.ZipFile(archive) as opened:
        page = opened.read("consent-ledger-export/index.html").decode()
    assert "Could not be opened" in page
    assert cast.doctor.post("/v1/export").status_code == 403
    assert cast.served.client().post("/v1/export").status_code == 401


def test_a_delegate_takes_what_he_may_read_and_does_not_learn_of_the_rest(cast: Cast, tmp_path: Path) -> None:
    gil, son = cast.new_patient(), cast.new_patient()
    shared = gil.deposit(gil.address, b"4.1", "laboratory")["digest"]
    gil.deposit(gil.address, b"private", "journal")
    asking = {"patient": gil.address, "purpose": "FAMRQT"}
    assert son.post("/v1/export", json=asking).status_code == 403
    leave = {"powers": ["grant"], "categories": ["laboratory"], "until": int(time()) + 86_400}
    assert gil.put(f"/v1/delegations/{son.address}", json=leave).status_code == 200
    assert son.post("/v1/export", json=asking).status_code == 403, "to grant is not to read"
    assert gil.put(f"/v1/delegations/{son.address}", json=leave | {"powers": ["read"]}).status_code == 200

    answer = son.post("/v1/export", json=asking)

    archive = tmp_path / "delegate.zip"
    archive.write_bytes(answer.content)
    assert (asked(cast, archive).sound, check_archive(archive, chain=None).records) == (True, 1)
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
    assert [name for name in names if name.endswith("/record.txt")] == [
        f"consent-ledger-export/data/records/{shared}/record.txt"
    ]
    assert not [name for name in names if "consents" in name or "access-log" in name or "denials" in name]
    line = gil.get("/v1/access-log").json()["items"][0]
    assert (line["reader"], line["purpose"], line["basis"]) == (son.address, "FAMRQT", "delegation")


def test_every_record_in_it_has_a_line_in_the_log(cast: Cast, tmp_path: Path) -> None:
    cleo = cast.new_patient()
    digests = {cleo.deposit(cleo.address, bytes([n]), "journal")["digest"] for n in range(3)}

    archive_of(cleo, tmp_path / "cleo.zip")

    lines = cleo.get("/v1/access-log").json()["items"]
    assert {line["digest"] for line in lines} == digests
    assert {line["purpose"] for line in lines} == {"PATRQT"}
    assert len({line["correlation"] for line in lines}) == 1


def test_the_page_on_top_is_inert_whatever_a_title_says(archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        page = opened.read("consent-ledger-export/index.html").decode()

    assert "<b>" not in page
    assert "&lt;b&gt;&amp; more" in page
    assert "default-src 'none'" in page


def test_memory_does_not_grow_with_what_is_in_it(cast: Cast) -> None:
    import tracemalloc

    dora = cast.new_patient()
    for _ in range(6):
        dora.deposit(dora.address, LARGE * 2, "imaging")
    token = dora.client.headers["authorization"].removeprefix("Bearer ")
    identity = cast.served.gateway.sessions.find(token).identity
    assert identity is not None
    from gateway.export.exporting import export
    from ledger.codes import Purpose

    tracemalloc.start()
    size = 0
    for part in export(cast.served.gateway, identity, dora.address, purpose=Purpose.PATRQT, correlation="c" * 8):
        size += len(part)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size > 100_000
    assert peak < 30 << 20, "six records of 10 MB are 60 MB"


def test_an_archive_that_is_given_up_half_way_leaves_nothing_behind() -> None:
    bag = BagWriter("given-up", made_at=1_700_000_000)
    stream = bag.add("data/a.txt", [b"first", b"second"])
    assert next(stream)

    del stream, bag

    assert gc.collect() >= 0, "a warning from here would fail the test"


@pytest.mark.parametrize("path", ["/etc/passwd", "data/../../a", "data/ä", "data/a\nb", "data/a.txt"])
def test_a_file_that_would_lead_out_of_the_bag_is_refused(path: str) -> None:
    bag = BagWriter("bag", made_at=1_700_000_000)
    assert b"".join(bag.add("data/a.txt", [b"there"]))

    with pytest.raises(ValueError, match="name"):
        list(bag.add(path, [b"x"]))


def test_the_zip_is_read_by_another_implementation(archive: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(archive.read_bytes())) as opened:
        assert opened.testzip() is None
        assert {name.split("/")[0] for name in opened.namelist()} == {"consent-ledger-export"}
