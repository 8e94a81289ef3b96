"""Charts and figures without a browser: ticks that reach, marks that tell kinds apart, data that are those measured."""

import itertools
import re
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gateway.errors import InvalidInput, NotFound
from gateway.portal.researcher_charts import (
    Bar,
    Dot,
    Piece,
    Series,
    bar_chart,
    curve_chart,
    dot_chart,
    linear_ticks,
    log_ticks,
)
from gateway.portal.researcher_figures import measured_figures
from gateway.portal.researcher_measured import decode, shipped
from gateway.portal.researcher_measuring import Measuring
from gateway.portal.researcher_projection import MOST_KEPT, Asked, Projections, price_of, safe_name
from ledger.errors import LedgerError

LIST = b"Archive_Date,Specialty,Total\n2019-01-31,Cardiology,3\n"
COSTS = shipped().unit_costs


@pytest.mark.parametrize("most", [1, 7, 99.5, 1_000, 243_059, 4e9])
def test_ticks_begin_at_zero_are_even_and_reach_the_largest_value(most: float) -> None:
    ticks = linear_ticks(most)
    assert ticks[0] == 0
    assert ticks[-1] >= most > ticks[-1] * 0.45
    assert 3 <= len(ticks) <= 8
    assert len({round(after - before, 6) for before, after in itertools.pairwise(ticks)}) == 1


def test_logarithmic_ticks_enclose_the_values() -> None:
    assert log_ticks(0.5, 52_425) == [0.1, 1, 10, 100, 1_000, 10_000, 100_000]
    assert len(log_ticks(10, 10)) == 2


def test_texts_of_files_are_inert_and_no_style_is_needed() -> None:
    evil = '<script>alert(1)</script>"&'
    for svg in (
        bar_chart(evil, (Bar(evil, (Piece(evil, 1.0, evil),), evil),), unit=evil, kinds=(evil, "b")),
        dot_chart(evil, ((evil, (Dot(evil, 5.0, evil),)),), unit=evil, kinds=(evil,)),
        curve_chart(evil, (Series(evil, ((1.0, 2.0), (3.0, 4.0))),), across=evil, up=evil),
    ):
        ElementTree.fromstring(svg)
        assert "<script" not in svg
        assert "style=" not in svg


def test_kinds_are_told_apart_without_colour() -> None:
    kinds = ("a", "b", "c", "d")
    svg = bar_chart("t", (Bar("x", tuple(Piece(kind, 1.0) for kind in kinds)),), unit="u", kinds=kinds)
    looks = re.findall(r'fill="([^"]+)" fill-opacity="([\d.]+)"', svg)
    assert len({opacity for _, opacity in looks}) >= 3
    assert "url(#chart-lines)" in svg


def test_every_figure_shows_what_its_table_says() -> None:
    measured = shipped()
    figures = {one.name: one for one in measured_figures(measured)}
    anchor = next(row for row in measured.tables["operations"].rows if row["operation"] == "anchor")
    assert f"{anchor['median']:,}" in figures["operations"].svg
    totals: dict[str, int] = {}
    for row in figures["workflows"].table.rows:
        totals[row["workflow"]] = totals.get(row["workflow"], 0) + row["gas"]
    assert all(f"{total:,}" in figures["workflows"].svg for total in totals.values())
    assert {row["workflow"]: row["first"] for row in measured.tables["workflows"].rows} == totals


def test_a_damaged_data_set_is_refused() -> None:
    for text in ("", "{}", '{"about": {}, "tables": {"x": {}}}', "[1]"):
        with pytest.raises(LedgerError):
            decode(text)


def test_everything_is_measured_anew_on_a_devnet_of_its_own(tmp_path: Path) -> None:
    measuring = Measuring()
    assert measuring.current(tmp_path).about["runs"] == shipped().about["runs"]
    assert measuring.start(tmp_path, runs=1, most=12)
    assert not measuring.start(tmp_path), "one at a time"
    while measuring.doing is not None:
        time.sleep(0.1)
    assert measuring.failure is None
    found = measuring.current(tmp_path)
    assert found.is_of_this_code
    assert found.about["runs"] == 1
    assert [one.name for one in measured_figures(found)] == [one.name for one in measured_figures(shipped())]


def test_projections_are_their_owners_and_the_oldest_are_forgotten() -> None:
    projections = Projections()
    first = projections.start("a", "list.csv", LIST, Asked({"prescription": 1}), COSTS, wait=20)
    assert first.result is not None
    again = projections.start("a", "list.csv", LIST, Asked({"prescription": 1}), COSTS, wait=20)
    assert again.id == first.id
    assert projections.start("b", "list.csv", LIST, Asked({"prescription": 1}), COSTS, wait=20).id != first.id
    with pytest.raises(NotFound):
        projections.of("b", first.id)
    for times in range(2, 3 + MOST_KEPT):
        projections.start("a", "list.csv", LIST, Asked({"prescription": times}), COSTS, wait=20)
    with pytest.raises(NotFound):
        projections.of("a", first.id)
    with pytest.raises(InvalidInput):
        projections.start("a", "list.csv", b"", Asked({"prescription": 1}), COSTS)
    with pytest.raises(InvalidInput):
        projections.start("a", "list.csv", LIST, Asked({"no such workflow": 1}), COSTS)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\lists\\IN_WL 2019.csv", "IN_WL 2019.csv"),
        ('a"b\r\nc.csv', "a_b__c.csv"),
        ("..", "waiting-list.csv"),
        ("", "waiting-list.csv"),
    ],
)
def test_a_files_name_is_made_harmless(typed: str, name: str) -> None:
    assert safe_name(typed) == name


@pytest.mark.parametrize("text", ["", "-1", "NaN", "inf", "1e99", "two"])
def test_a_price_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        price_of(text, "gas_price")
