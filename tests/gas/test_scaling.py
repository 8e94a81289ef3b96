"""Nothing costs more because much came before; a batch costs the same whatever its size."""

import pytest

from ledger.gas.scaling import BATCH_SIZES, measure_batches, measure_growth
from ledger.gas.theatre import Theatre


def test_every_series_is_flat_and_its_sum_linear(theatre: Theatre) -> None:
    told: list[str] = []
    growth = measure_growth(theatre, most=1_010, progress=lambda name, count: told.append(f"{name} {count}"))
    assert told[:2] == ["patients 1000", "patients 1010"]
    for one in growth:
        assert one.fit.count == 1_010
        assert one.fit.is_flat, one.name
        assert one.total.is_linear, one.name
        assert one.points[0][0] == 0
        assert one.points[-1][0] == 1_009
        assert abs(one.last - one.first) <= 100, one.name


def test_a_record_of_a_batch_costs_its_share_of_one_transaction(theatre: Theatre) -> None:
    batches = measure_batches(theatre)
    assert tuple(batch.size for batch in batches) == BATCH_SIZES
    assert max(batch.gas for batch in batches) - min(batch.gas for batch in batches) <= 100
    assert all(batch.gas >= batch.floor for batch in batches)
    assert batches[-1].each == pytest.approx(batches[0].gas / 100_000, rel=0.01)
