"""Files of results, read to the last line: what is one is a result, what is none is said by file and line."""

import json
from pathlib import Path

import pytest

from gateway.database import create_tables, open_database
from gateway.portal.laboratory_results import Report, Result, Unread, results_in, title_of
from gateway.portal.laboratory_work import MOST_LINES, HandIns
from gateway.waiting import Waiting
from ledger.types import address_of
from tests.portal.working import lines, result

AUTHOR = address_of(b"\x07" * 20)


def found(file: str, content: bytes, **more: int) -> list[str]:
    return [str(one) if isinstance(one, Unread) else one.name for one in results_in(file, content, **more)]


def test_every_line_is_a_result_or_says_why_not() -> None:
    content = lines(result(), "", "{", result(code=None), {"resourceType": "Observation"}, "[]", "7")
    assert found("a.ndjson", content) == [
        "a.ndjson, line 1",
        "a.ndjson, line 3: not JSON",
        "a.ndjson, line 4: has no code: it does not say what was measured",
        "a.ndjson, line 5: has no code: it does not say what was measured",
        "a.ndjson, line 6: not JSON",
        "a.ndjson, line 7: not JSON",
    ]


def test_pieces_of_a_file_have_the_same_names_as_the_whole() -> None:
    content = lines(*(result(value=float(number)) for number in range(6)))
    cut = content.index(b"\n", 300) + 1
    first = content[:cut]
    pieces = found("a.ndjson", first) + found("a.ndjson", content[cut:], first_line=first.count(b"\n") + 1)
    assert pieces == found("a.ndjson", content)


def test_a_bundle_a_single_resource_and_an_unnamed_list_of_lines_are_told_apart() -> None:
    bundle = json.dumps({"resourceType": "Bundle", "entry": [{"resource": result()}, {}, 3]}, indent=1).encode()
    assert found("b.json", bundle) == [
        "b.json, entry 1",
        "b.json, entry 2: has no resource",
        "b.json, entry 3: has no resource",
    ]
    assert found("one.json", json.dumps(result(), indent=2).encode()) == ["one.json"]
    assert found("night.txt", lines(result(), result())) == ["night.txt, line 1", "night.txt, line 2"]
    assert found("empty.json", b" \n") == ["empty.json: is empty"]
    assert found("b.json", b'{"resourceType": "Bundle"}') == ["b.json: is a Bundle with nothing in it"]


@pytest.mark.parametrize(
    "subject",
    [None, {}, {"identifier": {}}, {"identifier": {"system": "s"}}, {"identifier": {"system": 1, "value": 2}}, "Ana"],
)
def test_a_result_without_a_patients_number_is_refused(subject: object) -> None:
    (one,) = results_in("a.json", json.dumps(result(subject=subject)).encode())
    assert isinstance(one, Unread)
    assert "identifier" in one.why


def test_deep_and_huge_content_is_refused_and_does_no_harm() -> None:
    assert found("deep.json", b"[" * 200_000) == ["deep.json: not JSON"]
    huge = json.dumps(result(note=[{"text": "x" * (1 << 20)}])).encode()
    assert found("huge.ndjson", huge) == ["huge.ndjson, line 1: is larger than 1 MB: send it as a record by itself"]


def test_a_title_is_one_printable_line() -> None:
    assert title_of({"code": {"coding": [{"display": "Blood\n  count"}]}}) == "Blood count"
    assert title_of({"code": {"text": "a\u0007b"}}) == ""
    assert title_of({"code": {"text": 7}}) == ""
    assert len(title_of({"code": {"text": "y" * 5_000}})) == 120


def test_contents_and_numbers_are_in_no_printed_result() -> None:
    (one,) = results_in("a.json", json.dumps(result()).encode())
    assert isinstance(one, Result)
    assert "DEMO-4711" not in repr(one)
    assert "Haemoglobin" not in repr(one)


def test_reports_add_up_in_the_order_of_the_lines_and_forget_what_was_seen(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'waiting.db'}")
    create_tables(engine)
    reports = HandIns(Waiting(engine, bytes(32), lambda: 1_000.0))
    for name in ("f, line 10", "f, line 9", "e, line 2", "f, line 9", "²"):
        reports.add(AUTHOR, b"job", Report(accepted=1, unread=(Unread(name, "not JSON"),)))
    known = reports.of(AUTHOR, b"job")
    assert [one.name for one in known.unread] == ["e, line 2", "f, line 9", "f, line 10", "²"]
    assert known.accepted == 5
    many = tuple(Unread(f"g, line {number}", "not JSON") for number in range(MOST_LINES * 2))
    reports.add(AUTHOR, b"job", Report(unread=many))
    assert len(reports.of(AUTHOR, b"job").unread) == MOST_LINES
    reports.drop(AUTHOR, b"job")
    assert reports.of(AUTHOR, b"job") == Report()
