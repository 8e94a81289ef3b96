"""The commands as a researcher runs them."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli.gas import app
from ledger.devnet import Devnet

ROWS = [
    "Archive_Date,Specialty_HIPE,Specialty,Adult_Child,Age_Profile,Time_Bands,Total",
    "31/01/2021,7800,Urology,Adult,16-64,0-3 Months,100",
    "28/02/2021,7800,Urology,Adult,16-64,0-3 Months,10",
    '28/02/2021,0300,Dermatology,Child,0-15,18 Months +,"1,005"',
]


def run(*arguments: str, fails: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    assert result.exit_code == fails, result.output
    return result.stdout if not fails else result.stderr


@pytest.fixture
def waiting_list(tmp_path: Path) -> Path:
    path = tmp_path / "waiting.csv"
    path.write_text("\n".join(ROWS) + "\n")
    return path


def tables(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)["tables"]
    return found


def test_operations_say_what_they_were_measured_with(tmp_path: Path) -> None:
    text = run("operations", "--runs", "2", "--json", "--out", str(tmp_path))
    document = json.loads(text)
    for key in ("compiler", "EVM version", "node", "hardfork", "commit", "seed", "code (SHA-256)"):
        assert document["about"][key], key
    grant = next(row for row in document["tables"]["operations"]["rows"] if row["operation"] == "grant")
    gas = [receipt["gas"] for receipt in grant["receipts"]]
    assert (grant["min"], grant["max"], len(gas)) == (min(gas), max(gas), 2)
    parts = [grant[f"{part}_part"] for part in ("intrinsic", "storage", "logs", "execution")]
    assert sum(parts) == pytest.approx(1)
    assert (tmp_path / "operations.csv").exists()
    assert json.loads((tmp_path / "result.json").read_text()) == document


def test_two_runs_with_one_seed_print_the_same() -> None:
    first = run("workflows", "--runs", "2", "--seed", "7", "--json")
    assert first == run("workflows", "--runs", "2", "--seed", "7", "--json")
    assert first != run("workflows", "--runs", "2", "--seed", "8", "--json")


def test_workflows_are_priced_as_told(tmp_path: Path) -> None:
    arguments = ["--runs", "1", "--gas-price", "10", "--ether-price", "3000", "--currency", "PEN", "--csv"]
    rows = list(csv.DictReader(io.StringIO(run("workflows", *arguments, "--out", str(tmp_path)))))
    for row in rows:
        assert float(row["PEN at 10 gwei"]) == pytest.approx(int(row["each"]) * 10e-9 * 3000)
    for name in ("workflows.png", "workflows.svg", "workflow-steps.csv", "workflow-payers.csv"):
        assert (tmp_path / name).stat().st_size > 200
    assert (tmp_path / "workflows.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "bad", [["--gas-price", "dear"], ["--ether-price", "-1"], ["--block-time", "0"], ["--gas-price", "NaN"]]
)
def test_a_price_that_is_none_is_refused(bad: list[str]) -> None:
    assert "Invalid value" in run("workflows", *bad, fails=2)


def test_a_projection_reconciles_and_says_what_it_took(waiting_list: Path) -> None:
    found = tables(run("project", str(waiting_list), "--json"))
    summary = {row["what"]: row for row in found["projection"]["rows"]}
    assert summary["Sum of the file's totals"]["number"] == 1_115
    assert summary["People projected"]["number"] == 1_015
    assert "2021-02-28" in summary["Taken"]["value"]
    for name, table in found.items():
        if name.startswith("by-") and name != "by-month":
            *groups, whole = table["rows"]
            assert sum(row["people"] for row in groups) == whole["people"] == 1_015
            assert sum(row["gas"] for row in groups) == whole["gas"] == summary["Gas in all"]["number"]
    assert [row["people"] for row in found["by-month"]["rows"]] == [100, 1_015]


def test_rows_that_cannot_be_read_are_listed(waiting_list: Path) -> None:
    with waiting_list.open("a") as file:
        file.write("28/02/2021,7800,Urology,Adult,16-64,0-3 Months,<5\n30/30/2021,7800,Urology,Adult,16-64,x,5\n")
    found = tables(run("project", str(waiting_list), "--json"))
    assert [row["line"] for row in found["rejected"]["rows"]] == [5, 6]
    shown = run("project", str(waiting_list))
    assert "'<5' is not a whole number of people" in shown
    assert "'30/30/2021' is not a date" in shown


def test_the_mix_is_what_each_person_goes_through(waiting_list: Path) -> None:
    def gas(*mix: str) -> int:
        found = tables(run("project", str(waiting_list), "--json", *mix))
        return int(next(row["number"] for row in found["projection"]["rows"] if row["what"] == "Gas a person"))

    once, twice = gas("--mix", "laboratory-result"), gas("--mix", "laboratory-result=2")
    standing = gas("--mix", "laboratory-result=1", "--standing")
    assert twice - once == standing < once
    assert gas("--mix", "night-batch", "--standing") < 100


def test_names_with_brackets_and_colons_stand_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "[list].csv"
    path.write_text(f"{ROWS[0]}\n2021-01-31,100,Eyes [/x] :warning: [red],Adult,16-64,0-3 Months,10\n")
    shown = run("project", str(path), "--by", "specialty")
    assert "Eyes [/x] :warning: [red]" in shown
    assert "[list].csv" in shown


def test_what_the_code_was_compiled_with_is_told_whole() -> None:
    """The optimizer's steps have brackets in them, and whoever compiles with fewer gets other gas."""
    (steps,) = re.findall("steps ([^,]+),", run("opcodes", "grant"))
    reviewed = json.loads((Path(__file__).parent / "snapshot.json").read_text())["compiler"]["settings"]
    assert "".join(steps.split()) == "".join(reviewed["optimizer"]["details"]["yulDetails"]["optimizerSteps"].split())


def test_several_files_are_projected_each_by_itself(waiting_list: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("\n".join(ROWS[:2]) + "\n")
    found = tables(run("project", str(waiting_list), str(other), "--json", "--out", str(tmp_path / "out")))
    assert {"projection-1-projection", "projection-2-projection"} <= found.keys()
    rows = list(csv.DictReader(io.StringIO(run("project", str(waiting_list), str(other), "--csv", "--by", "age"))))
    assert {row["file"] for row in rows} == {"waiting.csv", "other.csv"}
    assert (tmp_path / "out" / "projection-2-by-specialty.png").exists()


@pytest.mark.parametrize(
    ("content", "mix", "reason"),
    [
        (b"\x89PNG not a list", "prescription=1", "is no waiting list"),
        (b"", "prescription=1", "is no waiting list"),
        ("\n".join(ROWS).encode(), "surgery-of-tomorrow=1", "there is no workflow"),
        ("\n".join(ROWS[:1]).encode(), "prescription=1", "no row that can be read"),
    ],
)
def test_what_cannot_be_projected_is_said_in_a_line(tmp_path: Path, content: bytes, mix: str, reason: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    told = run("project", str(path), "--mix", mix, fails=1)
    assert reason in told.replace("\n", " ")
    assert "Traceback" not in told


def test_a_network_is_profiled_with_its_receipts(tmp_path: Path) -> None:
    with Devnet.start(tmp_path, block_time=None) as devnet:
        key = tmp_path / "key"
        key.write_text("11" * 32)
        text = run("profile", devnet.url, "--runs", "1", "--key-file", str(key), "--network-gas-price", "0", "--json")
    document = json.loads(text)
    assert document["about"]["network"] == "a network that was there before"
    assert "11" * 32 not in text
    assert {"operations", "views", "workflows"} <= document["tables"].keys()


def test_a_network_that_does_not_answer_is_said_in_a_line() -> None:
    assert "NodeUnavailable" in run("profile", "http://127.0.0.1:9", fails=1)


def test_opcodes_add_up_to_the_receipt() -> None:
    *rows, whole = tables(run("opcodes", "dispensePresented", "--json"))["opcodes"]["rows"]
    assert sum(row["gas"] for row in rows) == whole["gas"]
    names = {row["what"] for row in rows}
    assert {"SLOAD", "SSTORE", "LOG3", "STATICCALL", "KECCAK256", "calldata"} <= names
    assert "there is no operation" in run("opcodes", "teleport", fails=1)


def test_the_report_is_one_page_with_everything(tmp_path: Path, waiting_list: Path) -> None:
    page = tmp_path / "gas.html"
    run("report", str(page), "--runs", "2", "--most", "20", "--waiting-list", str(waiting_list))
    text = page.read_text()
    for heading in ("Operations", "Workflows", "Growth", "Beside others", "Projection of waiting.csv"):
        assert f">{heading}" in text
    assert text.count("data:image/svg+xml;base64,") >= 7
    assert "http" not in text.replace("http://www.w3.org", ""), "self-contained"
    assert "--seed=1 --runs=2 --most=20" in text


def test_comparison_says_what_each_peer_leaves_out() -> None:
    rows = tables(run("compare", "--runs", "1", "--json"))["compare"]["rows"]
    assert all(row["gap"] for row in rows)
    assert {row["operation"] for row in rows} >= {"register", "grant", "withdraw", "anchor", "issue"}


def test_opcodes_of_an_act_of_the_extension_tell_the_hop_apart() -> None:
    """The delegatecall costs a cold account and little more; what it hands on to is told by its own instructions."""
    *rows, whole = tables(run("opcodes", "publishKeyCard", "--json"))["opcodes"]["rows"]
    assert sum(row["gas"] for row in rows) == whole["gas"]
    (hop,) = [row for row in rows if row["what"] == "DELEGATECALL"]
    assert hop["count"] == 1
    assert 2_600 <= hop["gas"] < 2_800
    assert all(row["gas"] >= 0 for row in rows)
