"""What positions cost, and which of them no other beats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.pictures.pareto import pareto_plot, write_pareto
from bench.report.costs import with_fronts
from bench.report.front import front
from bench.report.shape import CostLine, Leaderboard, Section
from bench.train.memory import DEVICE, PeakMemory
from documents import to_text
from report_samples import CROPS, MODELS, board_of, by_id, cell, failed, product_cells, record

points = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6)), max_size=12)


def costly(of: Any, f1_v: float, **more: Any) -> dict[str, Any]:
    cost = {"train_s": 30.0, "crops_per_s": 80.0, "image_latency_s": 0.02, "peak_memory_bytes": 5e8, **more}
    return record(of, f1_v, 0.3, cost={**cost, "peak_memory_of": "the GPU"})


def cost_of(board: Leaderboard) -> Section:
    return next(found for found in board.sections if found.title == "Cost")


def said(board: Leaderboard) -> str:
    return " ".join(cost_of(board).sentences)


@given(points)
def test_a_point_is_on_the_front_exactly_if_no_other_dominates_it(found: list[tuple[int, int]]) -> None:
    """Oracle: the definition of dominance over all pairs, as an array."""
    array = np.array(found, dtype=float).reshape(-1, 2)
    score, cost = array[:, 0], array[:, 1]
    no_worse = (score[:, None] >= score) & (cost[:, None] <= cost)
    better = (score[:, None] > score) | (cost[:, None] < cost)
    assert front(found) == np.flatnonzero(~(no_worse & better).any(axis=0)).tolist()


@given(points, st.floats(0, 0.5))
def test_the_cheapest_of_the_best_score_is_always_on_the_front(found: list[tuple[int, int]], alike: float) -> None:
    if found:
        best = max(score for score, _ in found)
        cheapest = min(cost for score, cost in found if score == best)
        assert found.index((best, cheapest)) in front(found, alike=alike)


@given(points, st.floats(0, 0.5))
def test_a_wider_tolerance_never_puts_a_worse_score_at_a_higher_cost_on_the_front(
    found: list[tuple[int, int]], alike: float
) -> None:
    kept = [found[place] for place in front(found, alike=alike)]
    assert not any(a[0] > b[0] and a[1] <= b[1] for a in kept for b in kept)


def test_times_within_a_tenth_count_as_equal_and_parameters_do_not() -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    records = by_id(costly(cells[0], 0.4, image_latency_s=0.95), costly(cells[1], 0.5, image_latency_s=1.0))
    assert board_of(cells, records).costs[0].fronts == ()
    records[cells[0].id]["parameters"] = 10
    assert board_of(cells, records).costs[0].fronts == ("parameters",)


def timed(of: Any, f1_v: float, p50_s: float | None, **more: Any) -> dict[str, Any]:
    """A record of today with what it took for an image while it ran, which is no latency, and one that was measured."""
    latency = {
        "p50_s": p50_s,
        "ratio": 400 * (p50_s or 0),
        "noise": 0.03,
        "processes": 5,
        "machine": "m",
        "device": "cpu",
        "threads": 1,
    }
    latency |= more
    return {**costly(of, f1_v), "schema": 2, **({} if p50_s is None else {"latency": latency})}


def test_what_an_image_took_beside_other_work_is_on_no_board_and_on_no_front() -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    board = board_of(cells, by_id(*(timed(one, 0.4, None) for one in cells)))
    assert "ms/image" not in cost_of(board).grids[0].header
    assert {cost for one in board.costs for cost in one.fronts} == {"train_s", "parameters"}
    assert "'bench perf infer RUN' measures it, warm and alone" in said(board)


def test_a_latency_that_was_measured_stands_beside_a_dash_where_none_was() -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    board = board_of(cells, by_id(timed(cells[0], 0.4, 0.05), {**timed(cells[1], 0.5, None), "schema": 1}))
    grid = cost_of(board).grids[0]
    assert [row[grid.header.index("ms/image")] for row in grid.rows] == ["50", "–"]
    assert "Latency is that of cpu, 1 thread." in said(board)


def test_latencies_closer_than_their_noise_count_as_equal_and_the_board_says_how_close() -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    board = board_of(cells, by_id(timed(cells[0], 0.4, 0.098), timed(cells[1], 0.5, 0.1)))
    assert ["image_latency_s" in one.fronts for one in board.costs] == [False, True]
    assert "latencies, in runs of the reference load, within 3.0 %, the most that one moved" in said(board)
    steady = board_of(cells, by_id(timed(cells[0], 0.4, 0.098, noise=0.01), timed(cells[1], 0.5, 0.1, noise=0.01)))
    assert ["image_latency_s" in one.fronts for one in steady.costs] == [True, True]


def test_latencies_of_one_process_count_as_equal_within_a_tenth() -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    board = board_of(cells, by_id(timed(cells[0], 0.4, 0.092, processes=None), timed(cells[1], 0.5, 0.1)))
    assert ["image_latency_s" in one.fronts for one in board.costs] == [False, True]


def test_latencies_of_a_slow_day_are_compared_in_runs_of_the_reference() -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    slow = timed(cells[0], 0.4, 0.15, ratio=30.0)
    board = board_of(cells, by_id(slow, timed(cells[1], 0.5, 0.1, ratio=40.0)))
    assert ["image_latency_s" in one.fronts for one in board.costs] == [True, True]


def test_latencies_of_two_machines_have_no_front() -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    board = board_of(cells, by_id(timed(cells[0], 0.4, 0.1), timed(cells[1], 0.5, 0.1, machine="n")))
    assert {cost for one in board.costs for cost in one.fronts} == {"train_s", "parameters"}


def test_training_times_of_cells_that_shared_a_processor_decide_no_front() -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    records = by_id(*(timed(one, 0.4, None) for one in cells))
    records[cells[0].id]["provenance"]["workers"] = 2
    board = board_of(cells, records)
    assert {cost for one in board.costs for cost in one.fronts} == {"parameters"}
    assert "2 workers shared the processor" in said(board)
    records[cells[0].id]["provenance"]["cuda"] = "13.0"
    assert {cost for one in board_of(cells, records).costs for cost in one.fronts} == {"train_s", "parameters"}


def test_the_front_is_chosen_by_validation_and_no_test_score_decides() -> None:
    cells = product_cells(1, CROPS[:3], MODELS[:1])
    records = by_id(*(costly(one, 0.3 + 0.1 * n, train_s=10.0**n) for n, one in enumerate(cells)))
    before = [one.fronts for one in board_of(cells, records).costs]
    for number, one in enumerate(records.values()):
        one["scores"]["test"]["f1"] = 0.9 - 0.4 * number
    assert [one.fronts for one in board_of(cells, records).costs] == before


def test_cost_columns_stand_in_their_units() -> None:
    only = cell()
    board = board_of([only], by_id(costly(only, 0.5)))
    grid = cost_of(board).grids[0]
    shown = dict(zip(grid.header, grid.rows[0], strict=True))
    assert shown["M params"] == "4.9"
    assert shown["train s"] == "30"
    assert shown["crops/s"] == "80"
    assert shown["ms/image"] == "20"
    assert shown["MB"] == "500"
    assert "Memory is that of the GPU." in cost_of(board).sentences


def test_costs_are_means_over_the_finished_seeds() -> None:
    cells = product_cells(3, CROPS[:1], MODELS[:1])
    records = by_id(costly(cells[0], 0.5, train_s=10.0), costly(cells[1], 0.5, train_s=20.0), failed(cells[2]))
    (found,) = board_of(cells, records).costs
    assert found.train_s == pytest.approx(15.0)
    assert not found.complete


def test_a_position_that_lacks_seeds_is_on_no_front_and_beats_nobody() -> None:
    cells = product_cells(2, CROPS[:3], MODELS[:1])
    records = by_id(*(costly(one, 0.4) for one in cells[:4]), costly(cells[4], 0.9, train_s=1.0))
    first, second, lacking = board_of(cells, records).costs
    assert first.fronts == second.fronts == ("image_latency_s", "train_s", "parameters")
    assert lacking.fronts == ()


def test_times_of_different_devices_have_no_front_and_the_board_says_so() -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    records = by_id(*(costly(one, 0.4 + 0.1 * n) for n, one in enumerate(cells)))
    records[cells[0].id]["provenance"]["device"] = "another"
    board = board_of(cells, records)
    assert {cost for one in board.costs for cost in one.fronts} == {"parameters"}
    assert "different devices (another, 2 threads; cpu, 2 threads)" in said(board)


def test_positions_of_different_data_sets_do_not_beat_each_other() -> None:
    cells = [cell(crop, axes={"dataset": name}) for name in ("mtd", "dagm") for crop in CROPS[:2]]
    records = by_id(*(costly(one, score) for one, score in zip(cells, (0.9, 0.8, 0.2, 0.1), strict=True)))
    board = board_of(cells, records)
    assert [bool(one.fronts) for one in board.costs] == [True, False, True, False]
    assert [one.group for one in board.costs] == ["mtd", "mtd", "dagm", "dagm"]


def test_a_score_outside_its_range_is_on_no_front() -> None:
    cells = product_cells(1, CROPS[:3], MODELS[:1])
    records = by_id(costly(cells[0], 1.7), costly(cells[1], 0.5), costly(cells[2], 0.4))
    costs = board_of(cells, records).costs
    assert costs[0].f1_validation is None
    assert costs[0].fronts == ()
    assert costs[1].fronts


def test_a_record_without_costs_leaves_their_columns_out() -> None:
    only = cell()
    board = board_of([only], by_id(record(only, 0.5, 0.4, cost={})))
    assert "crops/s" not in cost_of(board).grids[0].header
    bare = board_of([only], by_id({"id": only.id, "state": "done"}))
    assert not any(found.title == "Cost" for found in bare.sections)


def test_kinds_of_memory_are_not_mixed_silently() -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    records = by_id(*(costly(one, 0.4) for one in cells))
    records[cells[0].id]["cost"]["peak_memory_of"] = "the worker process"
    assert "the worker process or of the GPU; not comparable" in said(board_of(cells, records))


def line(row: str, column: str, f1: float | None, **more: Any) -> CostLine:
    costs = {"parameters": 1e6, "train_s": 5.0, "crops_per_s": None, "image_latency_s": 0.1, "peak_memory_bytes": None}
    return CostLine("mtd", f"{row} / {column}", row, column, True, f1, 0.2, **{"devices": ("cpu",), **costs, **more})


def test_the_plot_has_a_panel_for_every_cost_with_a_front(tmp_path: Path) -> None:
    lines = with_fronts([line("a $x$", "U", 0.5, train_s=9.0), line("b", "F", 0.4), line("c", "U", None)])
    figure = pareto_plot(lines)
    assert figure is not None
    assert [axis.get_xlabel() for axis in figure.axes] == ["ms per image", "training seconds", "millions of parameters"]
    assert write_pareto(lines, tmp_path, title="suite") == ["pareto.png"]
    assert (tmp_path / "pareto.png").read_bytes().startswith(b"\x89PNG")


def test_a_single_position_has_no_plot(tmp_path: Path) -> None:
    assert write_pareto(with_fronts([line("a", "U", 0.5)]), tmp_path, title="suite") == []
    assert not list(tmp_path.iterdir())


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from(["mtd", "dagm"]), min_size=2, max_size=2, unique=True))
def test_every_data_set_has_a_plot_of_its_own(groups: list[str]) -> None:
    import tempfile
    from dataclasses import replace

    lines = [replace(line(row, "U", f1), group=g) for g in groups for row, f1 in (("a", 0.5), ("b", 0.4))]
    with tempfile.TemporaryDirectory() as folder:
        drawn = write_pareto(with_fronts(lines), Path(folder), title="suite")
    assert drawn == [f"pareto-{group}.png" for group in groups]


def test_the_peak_of_memory_grows_with_what_was_held() -> None:
    import torch

    peak = PeakMemory(torch.device("cpu"))
    before = peak.read()
    held = np.ones(30_000_000)
    after = peak.read()
    assert after.of == before.of != DEVICE
    assert after.bytes >= before.bytes + held.nbytes / 2


def test_the_text_form_of_a_table_of_nine_columns_fits_100_columns() -> None:
    cells = product_cells(1)
    text = to_text(board_of(cells, by_id(*(costly(one, 0.4) for one in cells))), width=100)
    assert max(map(len, text.splitlines())) <= 100
    assert sum(line.startswith("position ") for line in text.splitlines()) == 1


def test_seeds_of_one_position_on_two_devices_have_no_front_of_times() -> None:
    cells = product_cells(2, CROPS[:2], MODELS[:1])
    records = by_id(*(costly(one, 0.4 + 0.1 * n) for n, one in enumerate(cells)))
    for one in cells[::2]:
        records[one.id]["provenance"]["device"] = "another"
    assert {cost for one in board_of(cells, records).costs for cost in one.fronts} == {"parameters"}


def test_a_cost_that_one_seed_lacks_is_no_mean_of_the_others() -> None:
    cells = product_cells(2, CROPS[:2], MODELS[:1])
    records = by_id(*(costly(one, 0.4) for one in cells))
    records[cells[0].id]["cost"]["train_s"] = None
    first, second = board_of(cells, records).costs
    assert first.train_s is None
    assert "train_s" not in first.fronts
    assert second.train_s is not None


def test_no_two_rows_or_columns_of_the_plot_look_alike() -> None:
    from bench.pictures.pareto import _Marks

    lines = [
        CostLine("mtd", "", f"row {k}", f"column {k % 15}", True, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0) for k in range(30)
    ]
    marks = _Marks.of(lines)
    assert (len(set(marks.signs.values())), len(set(marks.colours.values()))) == (30, 15)
