"""Charts say at their axes what stands there."""

import pytest

from ledger.gas.catalogue import FAMILIES, FAMILY_OF, OPERATIONS
from ledger.gas.charts import LOOKS, projection_chart
from ledger.gas.projection import Mix, project
from ledger.gas.waiting_lists import Dimension, read_waiting_list


@pytest.mark.parametrize("gas", [7, 2_500, 243_433, 1_700_000, 98_765_432_109])
def test_each_mark_of_an_axis_has_a_number_of_its_own_and_the_right_one(gas: int) -> None:
    lines = ["Archive_Date,Specialty,Total\n", "2021-01-31,Urology,10\n", "2021-01-31,Eyes $5 [/x],3\n"]
    projection = project(read_waiting_list(lines), Mix((("laboratory-result", 1),), gas))
    figure = projection_chart(projection, Dimension.SPECIALTY, "A list")
    figure.canvas.draw()
    axis = figure.axes[0].xaxis
    marks = [
        (place, label.get_text()) for place, label in zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=True)
    ]
    assert len(marks) > 2
    for place, text in marks:
        assert float(text.replace(",", "").replace("\N{MINUS SIGN}", "-")) == pytest.approx(place)
    assert len({text for _, text in marks}) == len(marks)


def test_every_act_has_the_look_of_its_own_family() -> None:
    assert {one.name for one in OPERATIONS if not one.is_view} <= FAMILY_OF.keys()
    assert LOOKS.keys() == FAMILIES.keys()
    assert len(set(LOOKS.values())) == len(LOOKS)
    assert sum(map(len, FAMILIES.values())) == len(FAMILY_OF), "none stands in two"
