"""Waiting-list files as they are found, whole and broken."""

from datetime import date
from pathlib import Path

import pytest

from ledger.gas.waiting_list_cells import NOT_STATED
from ledger.gas.waiting_lists import (
    Dimension,
    WaitingList,
    WaitingListUnreadable,
    load_waiting_list,
    read_waiting_list,
)

HEADING = "Archive_Date,Specialty_HIPE,Specialty,Adult_Child,Age_Profile,Time_Bands,Total"


def read(*rows: str, heading: str = HEADING) -> WaitingList:
    return read_waiting_list([line + "\n" for line in (heading, *rows)])


def row(day: str = "2019-01-31", total: str = "5", band: str = "0-3 Months", specialty: str = "Urology") -> str:
    return f"{day},7800,{specialty},Adult,16-64,{band},{total}"


@pytest.mark.parametrize(
    ("name", "rows", "total"),
    [
        ("IN_WL 2019.csv", 52_415, 828_032),
        ("Op_WL 2021.csv", 22_521, 1_878_614),
        ("op-waiting-2019_JanFeb.csv", 13_390, 1_065_124),
        ("IPDC GI Endoscopy by Group Hospital 2016.csv", 5_990, 218_031),
    ],
)
def test_published_files_come_out_exactly(shared_data: Path, name: str, rows: int, total: int) -> None:
    waiting = load_waiting_list(shared_data / "ntpf" / name)
    assert (waiting.rows, waiting.total, waiting.rejected) == (rows, total, ())


@pytest.mark.parametrize(
    "text", ["2019-01-31", "31/01/2019", "31-01-2019", "31-01-19", "31/01/19", "2019/01/31", "31-Jan-2019", "31-Jan-19"]
)
def test_a_date_is_read_day_first_or_year_first(text: str) -> None:
    assert read(row(day=text)).days == (date(2019, 1, 31),)


@pytest.mark.parametrize(
    "heading",
    [
        "Archive Date,Group,Hospital HIPE,Hospital,Specialty HIPE,Speciality,Adult/Child,Age Profile,Time Band,Total",
        "Archive_Date,Hospital_Group,Hospital_HIPE,Hospital_Name,Specialty_HIPE1,Specialty_Name,Adult_Child,"
        "Age_Categorisation,Time Bands,Count",
        "ARCHIVE DATE,group,x,hospital,specialty hipe,specialty,adult/child,age profile,time band,total,,",
    ],
)
def test_headings_are_known_under_all_their_names(heading: str) -> None:
    waiting = read("2019-01-31,North,0001,Mercy,7800,Urology,Adult,16-64,0-3 Months,7", heading=heading)
    assert set(waiting.dimensions) == set(Dimension) - {Dimension.CASE_TYPE}
    assert (waiting.total, waiting.rejected) == (7, ())


@pytest.mark.parametrize("band", ["18+ Months", " 18 Months +", "18 + Months", "18 months+", "  18+  Months "])
def test_bands_that_say_the_same_are_the_same(band: str) -> None:
    ((_, values),) = read(row(band=band)).people
    assert values[-1] == "18+ Months"


def test_exact_duplicates_each_count() -> None:
    waiting = read(row(total="1"), row(total="1"), row(total="1"))
    assert (waiting.rows, waiting.total) == (3, 3)


@pytest.mark.parametrize(("total", "people"), [("0", 0), ("1,234", 1_234), ("12.0", 12), (" 7 ", 7)])
def test_totals_may_have_commas(total: str, people: int) -> None:
    assert read(row(total=f'"{total}"')).total == people


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(total=""), "no total"),
        (row(total="<5"), "'<5' is not a whole number of people"),
        (row(total="*"), "not a whole number"),
        (row(total="-3"), "not a whole number"),
        (row(total="2.5"), "not a whole number"),
        (row(total="1e3"), "not a whole number"),
        (row(total="٣"), "not a whole number"),
        (row(total="9" * 5_000), "not a whole number"),
        (row(total='"1,23"'), "not a whole number"),
        (row(day=""), "no date"),
        (row(day="01/31/2019"), "'01/31/2019' is not a date"),
        (row(day="31/02/2019"), "is not a date"),
        ("2019-01-31,7800,Urology", "3 cells where the heading has 7"),
        (row() + ",surplus", "8 cells where the heading has 7"),
        (row(specialty='"Urology'), "quotation mark"),
        (row(specialty="Uro\0logy"), "NUL byte"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_with_its_line_and_reason(bad: str, reason: str) -> None:
    waiting = read(row(), bad, row())
    assert [one.line for one in waiting.rejected] == [3]
    assert reason in waiting.rejected[0].reason
    assert (waiting.rows, waiting.total) == (2, 10), "the rows after it are read"


def test_blank_lines_and_trailing_commas_lose_nothing() -> None:
    waiting = read("", row() + ",,", ",,,,,,", row())
    assert (waiting.rows, waiting.total, waiting.blank, waiting.rejected) == (2, 10, 2, ())


def test_a_blank_or_null_cell_is_not_stated() -> None:
    waiting = read("2019-01-31,NULL,Urology, ,NULL,0-3 Months,5")
    ((_, values),) = waiting.people
    assert values == ("Urology", NOT_STATED, NOT_STATED, "0-3 Months")


def test_a_specialty_without_a_name_goes_by_its_code() -> None:
    ((_, values),) = read("2019-01-31,600,,Adult,16-64,0-3 Months,5").people
    assert values[0] == "HIPE 0600"


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("cp1252"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace(",", ";").encode(),
        lambda text: text.replace(",", "\t").encode(),
    ],
)
def test_any_usual_encoding_line_end_and_separator_is_read(tmp_path: Path, encode: object) -> None:
    assert callable(encode)
    path = tmp_path / "list.csv"
    path.write_bytes(encode(f"{HEADING}\n{row(specialty='Soins généraux')}\n{row()}\n"))
    waiting = load_waiting_list(path)
    assert (waiting.rows, waiting.total) == (2, 10)
    assert {values[0] for _, values in waiting.people} == {"Soins généraux", "Urology"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "has: nothing"),
        (b"a,b,c\n1,2,3\n", "no column for the date"),
        (b"Archive_Date,Total\n2019-01-31,3\n", "no column for the specialty"),
        (b"Archive_Date,Specialty,Total,Count\n", "two columns"),
        (b"PK\x03\x04rest", "save the sheet as CSV"),
        (bytes(range(256)) * 20, "no waiting list"),
    ],
)
def test_a_file_that_is_no_waiting_list_is_refused_by_name(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(WaitingListUnreadable, match=r"^list\.csv .*" + reason):
        load_waiting_list(path)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(WaitingListUnreadable, match=r"^none\.csv cannot be read"):
        load_waiting_list(tmp_path / "none.csv")


def test_progress_is_told_as_lines_go_by() -> None:
    told: list[int] = []
    read_waiting_list([HEADING + "\n", *[row() + "\n"] * 12_000], progress=told.append)
    assert told == [5_000, 10_000]
