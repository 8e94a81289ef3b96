"""What a researcher's charts and tables say is Spanish on Spanish pages, and in English the tables' own words."""

import re
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

import pytest

from gateway.portal.language import ENGLISH, load
from gateway.portal.researcher_figures import live_figures, measured_figures
from gateway.portal.researcher_measured import shipped
from gateway.portal.researcher_words import FILLED, HEADINGS, table_words
from ledger.gas.history import CostSoFar
from ledger.gas.prices import Price
from ledger.gas.projection_sheets import HEADINGS as DIMENSIONS
from ledger.gas.sheets import Terms
from ledger.gas.tables import Table

SPANISH = load()["es"]
SAME_IN_BOTH = {"Gas", "Hospital", "commit", "hardfork"}


def words_of(tables: Iterable[Table]) -> set[str]:
    """Headings, titles and notes."""
    return {word for one in tables for word in (one.title, *one.notes, *(column.heading for column in one.columns))}


def test_headings_titles_and_notes_of_what_was_measured_are_said_in_spanish() -> None:
    words = words_of(figure.table for figure in measured_figures(shipped()))
    assert len(words) > 40
    assert [word for word in words if table_words(ENGLISH, word) != word] == []
    unsaid = {word for word in words if table_words(SPANISH, word) == word}
    assert unsaid <= SAME_IN_BOTH


def test_prices_and_notes_with_figures_keep_them() -> None:
    terms = Terms((Price(Decimal(20), Decimal(2500), "EUR"),))
    assert [table_words(SPANISH, column.heading) for column in terms.columns] == ["EUR a 20 gwei"]
    assert table_words(ENGLISH, terms.note) == terms.note
    said = table_words(SPANISH, terms.note)
    assert said.startswith("Dinero: un éter a 2,500 EUR.")
    assert all(figure in said for figure in re.findall(r"\d[\d,]*", terms.note))


@pytest.mark.parametrize("name", DIMENSIONS.values())
def test_every_dimension_of_a_waiting_list_has_a_heading_and_a_title(name: str) -> None:
    assert name.capitalize() in HEADINGS
    assert table_words(SPANISH, f"Cost by {name}").startswith("Coste por ")


def test_a_cell_or_title_with_braces_stands_as_it_is() -> None:
    assert table_words(SPANISH, "{0.__class__} of {file}") == "{0.__class__} of {file}"
    assert table_words(SPANISH, "{x} at {y} gwei") == "{x} a {y} gwei"


def test_every_chart_and_finding_is_in_the_readers_language() -> None:
    english, spanish = measured_figures(shipped()), measured_figures(shipped(), SPANISH)
    assert [one.name for one in spanish] == [one.name for one in english]
    for here, there in zip(english, spanish, strict=True):
        assert here.finding != there.finding
        assert here.table == there.table
        texts = [re.findall(r"<text [^>]*>([^<]*)</text>", one.svg) for one in (here, there)]
        assert [len(one) for one in texts] == [len(texts[0])] * 2
        # What stands below and beside the axes, and the chart's name for who hears it.
        assert texts[0][-1] != texts[1][-1]
        assert re.findall("<title>(.*?)</title>", here.svg)[0] != re.findall("<title>(.*?)</title>", there.svg)[0]


def test_a_chart_of_nothing_so_far_is_none() -> None:
    assert live_figures(CostSoFar((), (), (), 0, 0, 0, 0, block=-1), SPANISH) == []


def test_what_is_filled_in_is_recognized_by_one_shape_alone() -> None:
    for sentence in FILLED:
        names = re.findall(r"\{(\w+)\}", sentence)
        filled = sentence.format(**{name: str(Fraction(number + 1)) for number, name in enumerate(names)})
        assert table_words(ENGLISH, filled) == filled
        assert table_words(SPANISH, filled) != filled
