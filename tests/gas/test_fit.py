"""Lines and verdicts, against tables and against contracts that do grow."""

import random

import pytest

from ledger.gas.fit import fit_line, student_t


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.7062), (2, 4.30265), (5, 2.57058), (30, 2.04227), (1_000, 1.96234)]
)
def test_quantiles_are_those_of_the_tables(freedom: int, quantile: float) -> None:
    assert student_t(0.975, freedom) == pytest.approx(quantile, abs=1e-4)


def test_a_known_line_is_found_with_its_interval() -> None:
    fit = fit_line([1, 2, 3, 4, 5], [2.1, 3.9, 6.2, 7.8, 10.1])
    assert fit.slope == pytest.approx(1.99)
    assert fit.intercept == pytest.approx(0.05)
    assert fit.half_width == pytest.approx(0.19002, abs=1e-4)
    assert fit.is_linear is False  # R2 of 0.997: too loose for a count of gas


def test_the_same_cost_every_time_is_flat() -> None:
    fit = fit_line(list(range(100)), [50_000] * 100)
    assert (fit.slope, fit.half_width, fit.is_flat, fit.is_linear) == (0, 0, True, False)


def test_chance_zero_bytes_do_not_make_growth() -> None:
    chance = random.Random(1)
    gas = [50_113 - 12 * chance.choice((0, 0, 0, 0, 1)) for _ in range(5_000)]
    assert fit_line(list(range(5_000)), gas).is_flat


@pytest.mark.parametrize("step", [1, 20, 2_100])
def test_a_scan_of_a_list_is_not_flat(step: int) -> None:
    """A contract that reads one slot more at each call, or spends but a unit more."""
    gas = [50_000 + step * calls for calls in range(1_000)]
    assert not fit_line(list(range(1_000)), gas).is_flat


def test_the_sum_of_equal_costs_is_linear_and_that_of_growing_ones_is_not() -> None:
    xs = list(range(1_000))
    assert fit_line(xs, [50_000 * (x + 1) for x in xs]).is_linear
    assert not fit_line(xs, [50_000 * x * x for x in xs]).is_linear


def test_two_points_have_no_confidence() -> None:
    with pytest.raises(ValueError, match="three measurements"):
        fit_line([1, 2], [1, 2])
