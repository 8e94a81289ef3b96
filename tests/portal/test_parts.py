"""The portal's parts by themselves: what is kept, which paths are ours, records in their shapes, lines over time."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from gateway.database import create_tables, open_database
from gateway.errors import NotSignedIn
from gateway.identity.sessions import Sessions
from gateway.portal.desk import Desk, Flash
from gateway.portal.language import load
from gateway.portal.sent import local_path
from gateway.portal.showing import results_of, show
from gateway.portal.trend import HEIGHT, WIDTH, trend
from gateway.waiting import Waiting
from ledger.types import Address
from tests.portal.reports import blood_count, medication, pdf

ENGLISH = load()["en"]
SOMEBODY = Address("0x" + "11" * 20)


@pytest.fixture
def waiting(tmp_path: Path) -> Waiting:
    engine = open_database(f"sqlite:///{tmp_path / 'waiting.db'}")
    create_tables(engine)
    return Waiting(engine, bytes(32), lambda: 1_000.0)


def test_what_is_kept_is_found_by_its_own_session_alone(waiting: Waiting) -> None:
    desk = Desk(waiting, seconds=60)
    name = desk.keep(b"a" * 32, "/portal/x", {"text": ("typed",)}, {})
    kept = desk.kept(b"a" * 32, name)
    assert kept is not None
    assert kept.fields == {"text": ("typed",)}
    assert desk.kept(b"b" * 32, name) is None
    desk.clear(b"a" * 32)
    assert desk.kept(b"a" * 32, name) is None


def test_a_session_keeps_a_bounded_number_of_forms(waiting: Waiting) -> None:
    desk = Desk(waiting, seconds=60)
    names = [desk.keep(b"a" * 32, "/portal/x", {}, {}) for _ in range(100)]
    assert desk.kept(b"a" * 32, names[0]) is None
    assert desk.kept(b"a" * 32, names[-1]) is not None


def test_a_message_is_shown_once_however_often_it_is_said(waiting: Waiting) -> None:
    desk = Desk(waiting, seconds=60)
    for _ in range(2):
        desk.flash(b"a" * 32, Flash("Done."))
    assert desk.take_flashes(b"a" * 32) == [Flash("Done.")]
    assert desk.take_flashes(b"a" * 32) == []


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://elsewhere.example/portal/x",
        "//elsewhere.example/portal",
        "/portal\\evil",
        "/portalx",
        "javascript:alert(1)",
        "/v1/records",
        "/portal/\r\nSet-Cookie: a=b",
        "",
    ],
)
def test_no_form_leads_elsewhere(elsewhere: str) -> None:
    assert local_path(elsewhere) is None


@given(st.text(max_size=60))
def test_a_path_that_is_taken_is_one_of_ours(text: str) -> None:
    assert local_path(text) in (None, text)
    assert local_path(text) is None or text.startswith("/portal")


def test_watching_a_session_does_not_keep_it_alive() -> None:
    engine = create_engine("sqlite://")
    create_tables(engine)
    now = [1_000.0]
    sessions = Sessions(engine, idle=900, absolute=28_800, clock=lambda: now[0])
    token = sessions.open(SOMEBODY, None)
    session = sessions.find(token)
    for _ in range(20):
        now[0] += 44
        assert sessions.is_live(session.token_hash)
    now[0] += 44
    assert not sessions.is_live(session.token_hash)
    with pytest.raises(NotSignedIn):
        sessions.find(token)
    engine.dispose()


def test_results_have_ranges_and_flags() -> None:
    shown = show(blood_count("2025-09-01", 11.4, platelets=450), "application/fhir+json", ENGLISH)
    assert shown.kind == "results"
    assert [(one.name, one.flag) for one in shown.results] == [
        ("Haemoglobin", "low"),
        ("White cells", "normal"),
        ("Platelets", "high"),
    ]
    assert shown.results[0].range == "12 – 16"


def test_a_laboratory_s_own_word_counts_more_than_the_range() -> None:
    one = json.loads(blood_count("2025-09-01", 11.4))["contained"][0]
    one["interpretation"] = [{"coding": [{"code": "N"}]}]
    assert results_of(json.dumps(one).encode())[0].flag == "normal"


@pytest.mark.parametrize(
    ("content", "media_type", "kind"),
    [
        (medication(), "application/fhir+json", "medication"),
        (pdf(), "application/pdf", "pdf"),
        (b"plain words", "text/plain", "text"),
        (b"<b>not markup</b>", "text/html; charset=utf-8", "text"),
        (b"\xff\xfe", "text/plain", "file"),
        (b"{not json", "application/fhir+json", "file"),
        (b"[1, 2]", "application/json", "text"),
        (b"[" * 100_000, "application/json", "file"),
        (b"\x89PNG", "image/png", "picture"),
        (b"<svg/>", "image/svg+xml", "file"),
        (b"DICM", "application/dicom", "file"),
        (b'{"resourceType": "Appointment", "status": "booked"}', "application/fhir+json", "fields"),
    ],
)
def test_every_kind_of_record_has_a_shape(content: bytes, media_type: str, kind: str) -> None:
    assert show(content, media_type, ENGLISH).kind == kind


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ("code", "valueQuantity", "referenceRange", "interpretation", "component", "contained", "dosageInstruction")


@given(st.sampled_from(["Observation", "DiagnosticReport", "MedicationRequest", "Bundle"]), st.data())
def test_a_malformed_resource_is_shown_somehow(kind: str, data: st.DataObject) -> None:
    resource = {"resourceType": kind, **{key: data.draw(json_values) for key in KEYS}}
    assert show(json.dumps(resource).encode(), "application/fhir+json", ENGLISH).kind in (
        "results",
        "medication",
        "fields",
    )


def test_real_resources_are_shown_without_their_markup(shared_data: Path) -> None:
    seen = 0
    for path in sorted((shared_data / "fhir" / "hl7-examples").rglob("*.json")):
        shown = show(path.read_bytes(), "application/fhir+json", ENGLISH)
        resource = json.loads(path.read_text(encoding="utf-8"))
        if resource.get("resourceType") == "Observation":
            assert shown.kind == "results", path.name
        if resource.get("resourceType") == "MedicationRequest":
            assert shown.medication is not None
            assert shown.medication.name, path.name
        assert "<div" not in repr(shown), path.name
        seen += 1
    assert seen > 50


def test_a_line_over_time_stays_in_its_picture() -> None:
    drawn = trend([("2025-06-02", 6.4), ("2025-01-02", 5.1), ("2025-03", 5.5)], low=4.0, high=6.0)
    assert drawn is not None
    assert [point.day for point in drawn.points] == ["2025-01-02", "2025-03-01", "2025-06-02"]
    assert all(0 <= point.x <= WIDTH and 0 <= point.y <= HEIGHT for point in drawn.points)
    assert [value for _, value in drawn.marks] == [4.0, 6.0]


@pytest.mark.parametrize("measured", [[], [("2025-01-01", 1.0)], [("2025", 1.0), ("2024", 2.0)], [("x", 1), ("y", 2)]])
def test_without_two_days_there_is_no_line(measured: list[tuple[str, float]]) -> None:
    assert trend(measured, low=None, high=None) is None
