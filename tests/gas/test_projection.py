"""Projections add up, to the last person and the last unit of gas."""

from fractions import Fraction
from pathlib import Path

import pytest

from ledger.gas.projection import Mix, ProjectionImpossible, Stock, UnitCost, mix_of, project
from ledger.gas.waiting_lists import Dimension, load_waiting_list, read_waiting_list

MIX = Mix((("laboratory-result", 1),), 100_003)
LINES = """Archive_Date,Specialty,Hospital,Total
2019-01-31,Urology,Mercy,10
2019-02-27,Urology,Mercy,100
2019-02-28,Urology,Mercy,7
2019-02-28,Urology,St. James,5
2019-02-28,Dermatology,Mercy,1
2019-03-29,Urology,Mercy,4
2019-03-29,Dermatology,Mercy,2
""".splitlines(keepends=True)


def test_the_default_takes_the_last_count_and_says_so() -> None:
    projection = project(read_waiting_list(LINES), MIX)
    assert projection.people == 6
    assert projection.taken == "the count of 2019-03-29, one of 4"
    assert projection.gas == 6 * 100_003
    assert [(group.value, int(group.people)) for group in projection.breakdown[Dimension.SPECIALTY]] == [
        ("Urology", 4),
        ("Dermatology", 2),
    ]


def test_the_mean_is_exact_and_its_parts_add_up() -> None:
    projection = project(read_waiting_list(LINES), MIX, stock=Stock.MEAN)
    assert projection.people == Fraction(129, 4)
    for groups in projection.breakdown.values():
        assert sum(group.people for group in groups) == Fraction(129, 4)
        assert sum(group.gas for group in groups) == projection.gas


def test_a_sum_says_that_it_counts_people_again() -> None:
    projection = project(read_waiting_list(LINES), MIX, stock=Stock.SUM)
    assert projection.people == projection.file_total == 129
    assert "counted again" in projection.taken


def test_of_a_month_with_two_counts_the_last_is_taken() -> None:
    projection = project(read_waiting_list(LINES), MIX, month="2019-02")
    assert projection.people == 13
    assert [count.people for count in projection.days] == [10, 100, 13, 6]


def test_a_month_without_a_count_is_refused_with_those_there_are() -> None:
    with pytest.raises(ProjectionImpossible, match="2019-01-31 to 2019-03-29"):
        project(read_waiting_list(LINES), MIX, month="2020-01")


def test_a_file_without_a_row_that_can_be_read_is_refused() -> None:
    with pytest.raises(ProjectionImpossible, match="no row"):
        project(read_waiting_list([LINES[0], "x,y,z,1\n"]), MIX)


@pytest.mark.parametrize("stock", list(Stock))
def test_published_files_reconcile_by_every_dimension(shared_data: Path, stock: Stock) -> None:
    for path in sorted((shared_data / "ntpf").glob("*.csv")):
        projection = project(load_waiting_list(path), MIX, stock=stock)
        assert sum(count.people for count in projection.days) == projection.file_total
        assert projection.breakdown
        for groups in projection.breakdown.values():
            assert sum(group.people for group in groups) == projection.people
            assert sum(group.gas for group in groups) == projection.people * MIX.gas


def test_a_mix_counts_what_is_done_once_once() -> None:
    costs = {"result": UnitCost(Fraction(100), Fraction(50)), "batch": UnitCost(Fraction(1, 2), Fraction(1, 2))}
    assert mix_of({"result": 3}, costs).gas == 200
    assert mix_of({"result": 3}, costs, standing=True).gas == 150
    assert mix_of({"result": 1, "batch": 1}, costs).gas == 101, "rounded up"
    assert mix_of({"result": 1, "batch": 0}, costs).label == "1 x result"


@pytest.mark.parametrize("times", [{}, {"result": 0}, {"result": -1}, {"surgery": 1}])
def test_an_empty_or_unknown_mix_is_refused(times: dict[str, int]) -> None:
    with pytest.raises(ProjectionImpossible):
        mix_of(times, {"result": UnitCost(Fraction(1), Fraction(1))})


def test_cost_is_linear_in_people() -> None:
    """The claim of the literature, exactly: a list three times as long costs three times as much, specialty by
    specialty."""
    heading, *rows = LINES
    once, thrice = project(read_waiting_list(LINES), MIX), project(read_waiting_list([heading, *rows * 3]), MIX)
    assert thrice.gas == 3 * once.gas
    assert [group.gas for group in thrice.breakdown[Dimension.HOSPITAL]] == [
        3 * group.gas for group in once.breakdown[Dimension.HOSPITAL]
    ]
