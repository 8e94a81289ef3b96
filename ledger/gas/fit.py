"""Straight lines through measurements, with their confidence, and the verdicts "flat" and "linear" as tests.

>>> fit = fit_line([1, 2, 3, 4], [50_113, 50_101, 50_113, 50_113])
>>> fit.is_flat
True

The interval is Student's, 95 %. A cost is called flat when zero lies in the slope's interval, or when the whole line
rises by less than a thousandth of its mean over all that was measured: with ten thousand receipts a chance pattern of
zero bytes in addresses can make a slope of a millionth of a unit significant, which is no growth.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

NEGLIGIBLE = 1e-3
"""Of the mean, over the whole range: what may be called flat though its sign is certain."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A least-squares line."""

    intercept: float
    slope: float
    half_width: float
    """Of the 95 % interval around the slope."""
    r_squared: float
    """The part of the variation that the line explains; 1 where there is no variation."""
    count: int
    mean: float
    span: float
    """From the first x to the last."""

    @property
    def low(self) -> float:
        return self.slope - self.half_width

    @property
    def high(self) -> float:
        return self.slope + self.half_width

    @property
    def growth(self) -> float:
        """How much the line rises over the range, as a part of the mean; at the worse end of the interval."""
        return max(abs(self.low), abs(self.high)) * self.span / self.mean if self.mean else 0.0

    @property
    def is_flat(self) -> bool:
        """There is no growth."""
        return self.low <= 0 <= self.high or self.growth < NEGLIGIBLE

    @property
    def is_linear(self) -> bool:
        """It rises, and in a straight line: hardly anything of the variation is left over."""
        return self.low > 0 and self.r_squared > 0.999


def fit_line(xs: Sequence[float], ys: Sequence[float]) -> Fit:
    """Fit a line; at least three points at two places.

    Raises:
        ValueError: fewer.
    """
    count = len(xs)
    if count < 3 or len(set(xs)) < 2:
        raise ValueError("a line with a confidence needs three measurements or more, not all at one place")
    mean_x, mean_y = math.fsum(xs) / count, math.fsum(ys) / count
    sxx = math.fsum((x - mean_x) ** 2 for x in xs)
    sxy = math.fsum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    syy = math.fsum((y - mean_y) ** 2 for y in ys)
    slope = sxy / sxx
    intercept = mean_y - slope * mean_x
    residual = math.fsum((y - intercept - slope * x) ** 2 for x, y in zip(xs, ys, strict=True))
    half_width = student_t(0.975, count - 2) * math.sqrt(residual / (count - 2) / sxx)
    r_squared = 1 - residual / syy if syy else 1.0
    return Fit(intercept, slope, half_width, r_squared, count, mean_y, max(xs) - min(xs))


def student_t(probability: float, freedom: int) -> float:
    """The quantile of Student's t, for a probability above one half."""
    low, high = 0.0, 1e4
    for _ in range(100):
        middle = (low + high) / 2
        tail = _incomplete_beta(freedom / (freedom + middle * middle), freedom / 2, 0.5) / 2
        low, high = (middle, high) if 1 - tail < probability else (low, middle)
    return (low + high) / 2


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function, by its continued fraction (Lentz's method)."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    tiny = 1e-300
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    value = d
    for m in range(1, 1_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / ((1 + term * d) or tiny)
            c = (1 + term / c) or tiny
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * value / a
