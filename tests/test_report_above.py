"""Which positions lie above the baselines, said of each."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.report.rows import seeds_interval
from bench.report.shape import Leaderboard, Section
from report_samples import CROPS, MODELS, FakeCell, board_of, by_id, cell, product_cells, record, typed

ends = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)


def with_interval(of: FakeCell, interval: list[float], **more: Any) -> dict[str, Any]:
    found = record(of, 0.5, 0.5, **more)
    found["scores"]["test"]["f1_interval"] = interval
    return found


def section(board: Leaderboard) -> Section | None:
    return next((found for found in board.sections if found.title == "Above the baselines"), None)


@given(st.lists(ends, min_size=2, max_size=4), st.lists(ends, min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_position_is_above_where_its_interval_begins_after_all_baselines_end(
    intervals: list[list[float]], baselines: list[list[float]]
) -> None:
    cells = product_cells(1, CROPS[: len(intervals)], MODELS[:1])
    others = [cell(model=f"filter {number}", included=True) for number in range(len(baselines))]
    records = by_id(
        *(with_interval(one, own) for one, own in zip(cells, intervals, strict=True)),
        *(with_interval(one, own, parameters=0) for one, own in zip(others, baselines, strict=True)),
    )
    found = section(board_of([*cells, *others], records))
    above = [low > max(high for _, high in baselines) for low, _ in intervals]
    if not any(above):
        assert found is None
    else:
        assert found is not None
        assert [row[1].endswith("above") for row in found.grids[0].rows] == above
        assert [value["above"] for value in found.values] == above


def test_several_seeds_have_the_interval_of_their_mean() -> None:
    cells = product_cells(3, CROPS[:1], MODELS[:1])
    counts = {"ids": ["a", "b", "c"], "groups": ["g", "h", "i"]}
    records = {}
    for number, one in enumerate(cells):
        records[one.id] = record(one, 0.5, 0.9)
        own = [[90 + number, 5, 5, 900], [80, 4, 6, 910], [95, 3, 5 + number, 897]]
        records[one.id]["scores"]["test"]["image_counts"] = {**counts, "counts": own}
    baseline = cell(model="otsu", included=True)
    records[baseline.id] = with_interval(baseline, [0.1, 0.2], parameters=0)
    board = board_of([*cells, baseline], records)
    found = section(board)
    measure = next(measure for measure in board.measures if measure.name == "f1@test")
    interval = seeds_interval([one.id for one in cells], typed(records), measure)
    assert found is not None
    assert interval is not None
    assert found.values[0]["low"] == interval[0] > 0.2


def test_a_position_that_is_not_finished_is_a_dash_and_a_data_set_without_baselines_is_left_out() -> None:
    cells = [*product_cells(1, CROPS[:2], MODELS[:1]), cell(axes={"dataset": "mtd"})]
    baseline = cell(model="otsu", included=True)
    records = by_id(
        with_interval(cells[0], [0.5, 0.6]),
        with_interval(cells[2], [0.7, 0.8]),
        with_interval(baseline, [0.1, 0.2], parameters=0),
    )
    found = section(board_of([*cells, baseline], records))
    assert found is not None
    assert [row[1] for row in found.grids[0].rows] == ["50.0 above", "–"]
    assert [value["row"] for value in found.values] == [CROPS[0]]
