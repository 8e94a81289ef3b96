"""What gas costs: in money where gas has a price, in block space where it has none.

>>> Price(gas_price=Decimal(20), ether_price=Decimal(2500), currency="EUR").cost(50_000)
Fraction(5, 2)
>>> BlockSpace(gas_limit=30_000_000, block_time=Decimal(5)).per_day(50_000)
10368000
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Price:
    """One price of gas and one of ether."""

    gas_price: Decimal
    """Gwei a unit of gas: a billionth of an ether."""
    ether_price: Decimal
    """In the currency."""
    currency: str

    def ether(self, gas: int | Fraction) -> Fraction:
        """Gas in ether, exactly."""
        return Fraction(gas) * Fraction(self.gas_price) / 10**9

    def cost(self, gas: int | Fraction) -> Fraction:
        """Gas in money, exactly."""
        return self.ether(gas) * Fraction(self.ether_price)

    @property
    def label(self) -> str:
        return f"{self.currency} at {self.gas_price.normalize():f} gwei"


@dataclass(frozen=True, slots=True)
class BlockSpace:
    """The room on a network where gas is free: there, it is the blocks that are scarce."""

    gas_limit: int
    """Gas in a block."""
    block_time: Decimal
    """Seconds from block to block."""

    def share(self, gas: int | Fraction) -> Fraction:
        """Which part of a block the gas takes."""
        return Fraction(gas) / self.gas_limit

    def per_day(self, gas: int) -> int:
        """How many such acts a day has room for, were there no others."""
        return int(Fraction(self.gas_limit) * SECONDS_A_DAY / Fraction(self.block_time) / gas)

    def time(self, gas: int | Fraction) -> Fraction:
        """Seconds that the network needs for the gas, doing nothing else."""
        return self.share(gas) * Fraction(self.block_time)


def money(amount: Fraction) -> str:
    """An amount for reading: two decimals, or as many as show two figures that count."""
    if amount == 0:
        return "0"
    decimals, scaled = 2, abs(amount)
    while scaled < Fraction(1, 10) and decimals < 12:
        decimals, scaled = decimals + 1, scaled * 10
    return f"{Decimal(amount.numerator) / Decimal(amount.denominator):,.{decimals}f}"
