"""Tables say the same everywhere, and on a narrow terminal leave out columns rather than digits."""

import csv
import io
import json
from fractions import Fraction

import pytest
from rich.console import Console

from ledger.gas.prices import BlockSpace, Price, money
from ledger.gas.tables import Column, Table, show, to_csv, to_html, to_json, to_rich

TABLE = Table(
    "costs",
    "Costs",
    (
        Column("name", "Operation", "name"),
        Column("what", "What it does", "text", 9),
        Column("runs", "Runs", "n", 3),
        Column("gas", "Gas of one run", "n"),
        Column("part", "Of all", "part", 1),
    ),
    (
        {
            "name": "registerWithKeyCard",
            "what": "Register <somebody> & her card",
            "runs": 3,
            "gas": 73_444,
            "part": 0.25,
        },
        {"name": "grant", "what": "Grant", "runs": 3, "gas": Fraction(101, 2), "part": Fraction(1, 4000), "more": [1]},
        {"name": "all", "what": "", "runs": 6, "gas": 1_234_567_890, "part": 1, "none": None},
    ),
    ("Said below.",),
)


def rendered(width: int, most: int | None = None) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(to_rich(TABLE, width=width, most=most))
    text = console.file
    assert isinstance(text, io.StringIO)
    return text.getvalue()


@pytest.mark.parametrize("width", [48, 60, 80, 120, 200])
def test_no_figure_is_cut_off_at_any_width(width: int) -> None:
    text = rendered(width)
    for figure in ("73,444", "50.5", "1,234,567,890", "registerWithKeyCard"):
        assert figure in text
    assert all(len(line) <= width for line in text.splitlines())


def test_what_is_left_out_is_named() -> None:
    text = " ".join(rendered(50).split())
    assert "Left out for want of width: What it does" in text
    assert "Left out" not in rendered(120)


def test_a_long_table_keeps_its_sum_and_says_what_is_missing() -> None:
    text = rendered(120, most=2)
    assert "registerWithKeyCard" in text
    assert "1,234,567,890" in text
    assert "50.5" not in text
    assert "1 more rows" in text


def test_csv_and_json_have_plain_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(TABLE))))
    assert rows[1] == {"name": "grant", "what": "Grant", "runs": "3", "gas": "50.5", "part": "0.00025"}
    document = json.loads(to_json([TABLE], {"seed": "1"}))
    assert document["about"] == {"seed": "1"}
    assert document["tables"]["costs"]["rows"][1]["more"] == [1]


def test_html_is_escaped() -> None:
    text = to_html(TABLE)
    assert "Register &lt;somebody&gt; &amp; her card" in text
    assert "Said below." in text


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "n", "-"),
        (1_234, "n", "1,234"),
        (Fraction(5, 2), "n", "2.5"),
        (1.05, "ratio", "1.050"),
        (0.5, "part", "50.0 %"),
        (0.00002, "part", "0.002 %"),
        (0.99999, "part", "> 99.9 %"),
        (1, "part", "100.0 %"),
        (0, "part", "0.0 %"),
        (12_345.6, "real", "12,346"),
        (0.00012345, "real", "0.0001234"),
        ("text", "text", "text"),
    ],
)
def test_values_read_well(value: object, kind: str, text: str) -> None:
    assert show(value, kind) == text


def test_money_is_exact_and_small_amounts_are_not_lost() -> None:
    from decimal import Decimal

    price = Price(Decimal("1.5"), Decimal(3000), "EUR")
    assert price.cost(100_000) == Fraction(45, 100)
    assert [money(Fraction(amount)) for amount in ("0", "1234.5", "0.45", "0.0123", "0.0000456")] == [
        "0",
        "1,234.50",
        "0.45",
        "0.012",
        "0.000046",
    ]


def test_block_space_of_a_free_gas_network() -> None:
    from decimal import Decimal

    space = BlockSpace(30_000_000, Decimal(5))
    assert space.share(300_000) == Fraction(1, 100)
    assert space.per_day(300_000) == 100 * 17_280
    assert space.time(60_000_000) == 10
