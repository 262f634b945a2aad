"""The leaderboard as a function of cells and records."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.catalog import Catalog
from bench.render.data import board_csv, board_json
from bench.report.board import leaderboard
from bench.report.measures import measure_of
from bench.report.notes import FELL_BACK
from bench.report.shape import Entry, Leaderboard
from bench.suite.reading.load import load_suite
from documents import to_latex, to_markdown, to_text
from report_samples import CROPS, MODELS, FakeCell, board_of, by_id, cell, failed, product_cells, record, split_scores

SUITES = Path(__file__).resolve().parent.parent / "suites"

RENDERERS = [to_text, to_markdown, to_latex, board_csv, board_json]

shares = st.floats(0, 1)
epochs = st.one_of(st.none(), st.integers(1, 30))


def entries(board: Leaderboard) -> list[Entry]:
    return [entry for table in board.tables for row in table.entries for entry in row]


def entry(board: Leaderboard, crop: str = CROPS[0], model: str = MODELS[0]) -> Entry:
    return next(e for e in entries(board) if (e.row, e.column) == (crop, model))


@st.composite
def runs(draw: Any, most_seeds: int = 4) -> tuple[list[FakeCell], dict[str, Any]]:
    """Cells of 3 crops, 2 models and some seeds; each finished, failed, or not run."""
    cells = product_cells(draw(st.integers(1, most_seeds)), CROPS[:3], MODELS[:2])
    records = {}
    for one in cells:
        state = draw(st.sampled_from(["done"] * 4 + ["failed", "diverged", "pending"]))
        if state == "done":
            records[one.id] = record(one, draw(shares), draw(shares), draw(epochs))
        elif state != "pending":
            records[one.id] = failed(one, draw(st.text(max_size=30)), state)
    return cells, records


@given(runs())
@settings(max_examples=60, deadline=None)
def test_mean_and_spread_equal_numpys_over_the_finished_seeds(run: Any) -> None:
    cells, records = run
    for found in entries(board_of(cells, records)):
        values = [
            records[id]["scores"]["test"]["f1"] for id in found.cells if records.get(id, {}).get("state") == "done"
        ]
        assert found.seeds == len(values)
        if values:
            figure = found.figures[1]
            assert figure.value == pytest.approx(np.mean(values))
            assert figure.text == f"{100 * np.mean(values):.1f}"
            assert (figure.spread is None) == (len(values) == 1)
            if len(values) > 1:
                assert figure.spread == pytest.approx(np.std(values, ddof=1))
        else:
            assert found.figures == ()


@given(runs())
@settings(max_examples=60, deadline=None)
def test_a_bold_figure_is_the_highest_of_its_column_and_complete(run: Any) -> None:
    board = board_of(*run)
    for column, measure in product(range(len(board.tables[0].columns)), range(2)):
        complete = [
            row[column].figures[measure] for row in board.tables[0].entries if row[column].seeds == row[column].expected
        ]
        bold = [row[column].figures[measure] for row in board.tables[0].entries if row[column].figures]
        bold = [figure for figure in bold if figure.best]
        if len(complete) < 2:
            assert not bold
        else:
            highest = max(figure.value for figure in complete)
            assert bold
            assert all(figure in complete and figure.text == f"{100 * highest:.1f}" for figure in bold)
            assert sum(figure.text == f"{100 * highest:.1f}" for figure in complete) == len(bold)


@given(runs(), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_order_of_records_does_not_show_in_any_format(run: Any, shuffle: random.Random) -> None:
    cells, records = run
    items = list(records.items())
    shuffle.shuffle(items)
    for render in RENDERERS:
        assert render(board_of(cells, records)) == render(board_of(cells, dict(items)))


@given(runs())
@settings(max_examples=40, deadline=None)
def test_every_cell_that_did_not_end_well_is_named_with_its_reason(run: Any) -> None:
    cells, records = run
    board = board_of(cells, records)
    for found in entries(board):
        lost = [id for id in found.cells if records.get(id, {}).get("state") != "done"]
        assert (found.note is None) == (not lost)
        if found.note:
            assert board.notes[found.note - 1] == found.reason


@pytest.mark.parametrize("render", RENDERERS)
def test_a_run_in_which_every_cell_failed_renders(render: Any) -> None:
    cells = product_cells()
    text = render(board_of(cells, by_id(*(failed(one, "no memory left") for one in cells))))
    assert "failed" in text
    assert "no memory left" in text


@pytest.mark.parametrize("render", RENDERERS)
def test_a_run_that_has_not_started_renders(render: Any) -> None:
    assert "pending" in render(board_of(product_cells(), {}))


@pytest.mark.parametrize("render", RENDERERS)
def test_a_suite_without_cells_renders(render: Any) -> None:
    assert "suite" in render(board_of([], {}))


@pytest.mark.parametrize("render", RENDERERS)
def test_records_with_different_metrics_render(render: Any) -> None:
    first, second, third = (cell(crop) for crop in CROPS[:3])
    rich, poor = record(first, 0.5, 0.4), record(second, 0.6, 0.3)
    rich["scores"]["test"]["pro"] = 0.7
    poor["scores"] = {"validation": {"f1": 0.6}}
    board = board_of(
        [first, second, third],
        by_id(rich, poor, {"id": third.id, "state": "done"}),
        values=("f1@validation", "pro@test", "ap@test"),
    )
    assert render(board)
    assert [figure.text for figure in entry(board).figures] == ["50.0", "0.7", "40.0"]
    assert [figure.text for figure in entry(board, CROPS[1]).figures] == ["60.0", "–", "–"]
    assert [figure.text for figure in entry(board, CROPS[2]).figures] == ["–", "–", "–"]


def test_no_data_set_is_the_best_of_its_column() -> None:
    cells = [cell(axes={"dataset": name}) for name in ("metalpart", "mtd")]
    board = board_of(cells, by_id(record(cells[0], 0.9, 0.9), record(cells[1], 0.2, 0.2)), rows="dataset")
    found = [figure for e in entries(board) for figure in e.figures]
    assert found[0].text != found[-1].text
    assert not any(figure.best for figure in found)


def test_a_missing_score_lowers_no_mean() -> None:
    cells = product_cells(3, CROPS[:1], MODELS[:1])
    board = board_of(cells, by_id(record(cells[0], 0.6, 0.4), record(cells[1], 0.8, 0.6), failed(cells[2])))
    assert entry(board).figures[0].value == pytest.approx(0.7)
    assert entry(board).reason == "n = 2 of 3 seeds; seed 2: failed: out of memory"


def test_an_incomplete_position_is_never_the_best() -> None:
    cells = product_cells(2, CROPS[:3], MODELS[:1])
    records = by_id(*(record(one, 0.5, 0.5) for one in cells[:4]), record(cells[4], 0.9, 0.9))
    board = board_of(cells, records)
    assert not entry(board, CROPS[2]).figures[0].best
    assert entry(board, CROPS[0]).figures[0].best
    assert entry(board, CROPS[1]).figures[0].best


def test_collapsed_models_pass_through_with_their_zeros() -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    dead = record(cells[0], 0.0, 0.0)
    dead["scores"]["test"]["flags"] = ["constant predictions"]
    board = board_of(cells, by_id(dead, record(cells[1], 0.5, 0.3)))
    assert [figure.text for figure in entry(board).figures[:2]] == ["0.0", "0.0"]
    assert entry(board).reason == "test: constant predictions"


def test_a_score_outside_its_range_raises_an_alarm_and_is_not_shown() -> None:
    only = cell()
    board = board_of([only], by_id(record(only, 1.21, 0.3)))
    assert entry(board).figures[0].text == "–"
    assert "f1@validation is 1.21, outside its possible range" in (entry(board).reason or "")


def test_a_run_that_did_not_converge_shows_its_budget_as_a_bound() -> None:
    cells = product_cells(2, CROPS[:1], MODELS[:1])
    late = by_id(record(cells[0], 0.5, 0.5, epoch=None), record(cells[1], 0.5, 0.5, epoch=10))
    assert entry(board_of(cells, late)).figures[2].text == "> 20"
    never = by_id(*(record(one, 0.5, 0.5, epoch=None) for one in cells))
    assert entry(board_of(cells, never)).figures[2].text == "> 30"


def test_epochs_to_convergence_are_never_bold() -> None:
    cells = product_cells(1, CROPS[:3], MODELS[:1])
    board = board_of(cells, by_id(*(record(one, 0.5, 0.5, epoch=10 + n) for n, one in enumerate(cells))))
    assert not any(e.figures[2].best for e in entries(board))


def test_every_other_axis_with_several_levels_gives_a_table_of_its_own() -> None:
    cells = [cell(axes={"dataset": name, "crop_size": size}) for name in ("mtd", "dagm") for size in ("128", "256")]
    board = board_of(cells, by_id(*(record(one, 0.5, 0.4) for one in cells)))
    assert [dict(table.title) for table in board.tables] == [
        {"dataset": name, "crop_size": size} for name in ("mtd", "dagm") for size in ("128", "256")
    ]
    assert [standing.dataset for standing in board.standings] == ["mtd", "dagm"]


def test_rows_and_columns_may_be_any_axes() -> None:
    cells = [cell(model=model, axes={"dataset": name}) for name in ("mtd", "dagm") for model in MODELS]
    board = board_of(cells, by_id(*(record(one, 0.5, 0.4) for one in cells)), rows="model", columns="dataset")
    assert board.tables[0].rows == MODELS
    assert board.tables[0].columns == ("mtd", "dagm")


def test_a_position_that_the_suite_does_not_have_is_marked_as_absent() -> None:
    cells = [cell(CROPS[0], MODELS[0]), cell(CROPS[1], MODELS[1])]
    board = board_of(cells, by_id(*(record(one, 0.5, 0.4) for one in cells)))
    assert entry(board, CROPS[0], MODELS[1]).state == "absent"
    assert entry(board, CROPS[0], MODELS[1]).note is None


def test_excluded_and_skipped_cells_show_the_suites_reason_whatever_the_store_holds() -> None:
    out, no = cell(excluded="too deep for 128"), cell(CROPS[1], skipped="needs colour")
    board = board_of([out, no], by_id(record(out, 0.5, 0.5)))
    assert [e.state for e in entries(board)] == ["excluded", "skipped"]
    assert board.notes == ("excluded: too deep for 128", "skipped: needs colour")


def test_a_state_of_another_version_is_shown_as_failed_with_its_name() -> None:
    only = cell()
    board = board_of([only], by_id(failed(only, "why", state="evaporated")))
    assert entry(board).state == "failed"
    assert board.notes == ("failed: state 'evaporated': why",)


def test_inert_levels_are_marked() -> None:
    only = cell()
    board = board_of([only], by_id(record(only, 0.5, 0.5, inert=True)))
    assert "50.0†" in to_text(board)
    assert any(remark.startswith("†") for remark in board.remarks)


def test_a_level_that_is_all_fallback_is_marked_as_an_inert_one_and_says_why() -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    draws = ({"fallback": 1.0, "inert": False}, {"fallback": 0.99, "inert": False})
    board = board_of(
        cells, by_id(*(record(one, 0.5, 0.4, draw=drawn) for one, drawn in zip(cells, draws, strict=True)))
    )
    marked, plain = board.tables[0].entries
    assert (marked[0].chose_nothing, plain[0].chose_nothing) == (True, False)
    assert marked[0].reason == "no position was admitted, every crop is a fallback window"
    assert re.search(r"50\.0\S*†", to_text(board))
    assert [remark for remark in board.remarks if remark.startswith("†")] == [FELL_BACK]


def test_a_badge_of_all_cells_stands_in_the_title_and_one_of_some_beside_them() -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    both = board_of(cells, by_id(*(record(one, 0.5, 0.5, badges=["leaky"]) for one in cells)))
    assert both.tables[0].badges == ("leaky",)
    assert "[leaky]" in to_text(both)
    one = board_of(cells, by_id(record(cells[0], 0.5, 0.5, badges=["leaky"]), record(cells[1], 0.5, 0.5)))
    assert one.tables[0].badges == ()
    assert entry(one).reason == "badge: leaky"


@pytest.mark.parametrize(
    ("seeds", "claim"),
    [(1, "one seed, no order claimed"), (2, "fewer than three seeds, no order claimed"), (3, None)],
)
def test_an_order_is_claimed_only_with_three_seeds(seeds: int, claim: str | None) -> None:
    cells = product_cells(seeds)
    board = board_of(cells, by_id(*(record(one, 0.5, 0.5) for one in cells)))
    assert [remark for remark in board.remarks if "no order" in remark] == ([claim] if claim else [])


def trials(scores: dict[float, list[tuple[float, float] | None]]) -> tuple[list[FakeCell], dict[str, Any]]:
    """Learning rate to (validation, test) F1 per seed; None failed."""
    cells, records = [], {}
    for rate, pairs in scores.items():
        for seed, pair in enumerate(pairs):
            one = cell(seed=seed, tuned={"recipe.learning_rate": rate}, axes={"recipe.learning_rate": str(rate)})
            cells.append(one)
            records[one.id] = record(one, *pair) if pair else failed(one)
    return cells, records


rates = st.lists(st.tuples(shares, shares, shares, shares), min_size=2, max_size=4)


@given(rates, st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_shown_trial_has_the_best_mean_validation_score_and_no_test_score_decides(
    pairs: Any, chance: random.Random
) -> None:
    scores = {10.0**-k: [(v0, t0), (v1, t1)] for k, (v0, v1, t0, t1) in enumerate(pairs, 1)}
    cells, records = trials(scores)
    shown = entry(board_of(cells, records))
    assert shown.figures[0].value == pytest.approx(max((v0 + v1) / 2 for v0, v1, _, _ in pairs))
    for one in records.values():
        one["scores"]["test"] = split_scores(chance.random())
    assert entry(board_of(cells, records)).cells == shown.cells


def test_a_trial_that_failed_for_a_seed_loses_to_one_that_finished_all() -> None:
    cells, records = trials({1e-3: [(0.9, 0.9), None], 3e-4: [(0.4, 0.3), (0.5, 0.4)]})
    board = board_of(cells, records)
    shown = entry(board)
    assert shown.trial is not None
    assert shown.trial.settings == {"recipe.learning_rate": 3e-4}
    assert (shown.trial.finished, shown.trial.trials) == (1, 2)
    assert shown.reason == "learning_rate = 0.001, seed 1: failed: out of memory"
    assert "0.0003 (1 of 2 trials)" in to_text(board)


def test_trials_that_all_failed_alike_say_it_once() -> None:
    board = board_of(*trials({1e-3: [None], 3e-4: [None]}))
    assert entry(board).reason == "failed: out of memory"


def test_tuned_settings_are_no_axis_of_the_board() -> None:
    assert len(board_of(*trials({1e-3: [(0.5, 0.5)], 3e-4: [(0.4, 0.4)]})).tables) == 1


def with_baselines(best: tuple[float, float], intervals: dict[str, list[float]]) -> Leaderboard:
    model = cell()
    lines = [cell(model=name, included=True) for name in intervals]
    records = by_id(record(model, 0.5, 0.5), *(record(line, 0.1, 0.1, None, parameters=0) for line in lines))
    records[model.id]["scores"]["test"]["f1_interval"] = list(best)
    for line, interval in zip(lines, intervals.values(), strict=True):
        records[line.id]["scores"]["test"]["f1_interval"] = interval
    return board_of([model, *lines], records)


def test_baselines_stand_in_a_table_of_their_own() -> None:
    board = with_baselines((0.4, 0.6), {"otsu": [0.0, 0.2], "constant": [0.0, 0.1]})
    assert board.tables[0].columns == MODELS[:1]
    assert [line.name for line in board.standings[0].baselines] == ["otsu", "constant"]


@given(st.tuples(shares, shares), st.lists(st.tuples(shares, shares), min_size=1, max_size=3))
@settings(max_examples=50, deadline=None)
def test_the_best_cell_is_above_the_baselines_only_if_its_interval_is_above_every_one(best: Any, others: Any) -> None:
    low, high = sorted(best)
    intervals = {f"baseline {n}": sorted(pair) for n, pair in enumerate(others)}
    text = " ".join(with_baselines((low, high), intervals).standings[0].sentences)
    assert ("lies above those of all baselines" in text) == all(low > pair[1] for pair in intervals.values())


def test_a_baseline_that_has_not_run_yet_is_no_column() -> None:
    board = board_of([cell(), cell(model="otsu", included=True)], {})
    assert board.tables[0].columns == MODELS[:1]
    assert board.standings[0].baselines[0].state == "pending"


def test_baselines_that_differ_by_crop_are_told_apart() -> None:
    lines = [cell(crop, "otsu", included=True) for crop in CROPS[:2]]
    same = board_of(lines, by_id(*(record(line, 0.1, 0.1, None, parameters=0) for line in lines)))
    assert [line.name for line in same.standings[0].baselines] == ["otsu"]
    other = by_id(record(lines[0], 0.1, 0.1, parameters=0), record(lines[1], 0.2, 0.1, parameters=0))
    assert len(board_of(lines, other).standings[0].baselines) == 2


@pytest.mark.parametrize("f1", [0.3, 0.955])
def test_the_truth_at_the_stride_of_the_best_cell_is_no_bound_and_accuses_nobody(f1: float) -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    records = by_id(
        record(cells[0], 0.4, 0.9, ceiling={"test": 1.0}), record(cells[1], 0.6, f1, ceiling={"test": 0.861})
    )
    board = board_of(cells, records)
    standing = board.standings[0]
    assert standing.best is not None
    assert standing.best.cell == cells[1].id
    assert "The truth averaged over its output stride has F1_T 86.1, no bound." in standing.sentences
    for text in (render(board) for render in RENDERERS):
        assert not any(word in text for word in ("oracle", "impossible", "check masks"))


def test_a_bound_of_100_is_called_a_ceiling() -> None:
    only = cell()
    standing = board_of([only], by_id(record(only, 0.4, 0.3, ceiling={"test": 1.0}))).standings[0]
    assert "Its F1_T is 30.0 % of the oracle ceiling 100.0." in standing.sentences


def test_the_floor_and_the_positives_per_type_stand_below() -> None:
    only = cell()
    text = to_text(board_of([only], by_id(record(only, 0.5, 0.4))))
    assert "F1_V 0.8, F1_T 0.8" in text
    assert "12,345" in text


def test_the_footer_names_the_run_in_every_format() -> None:
    only = cell()
    board = board_of([only], by_id(record(only, 0.5, 0.4)))
    for render in RENDERERS:
        assert "0123abcd" in render(board)
    for render in (to_text, to_markdown, to_latex, board_json):
        assert "bench run suites/cropping.yaml" in render(board)


def test_the_reuse_of_stored_crops_is_said_when_above_one() -> None:
    only = cell()
    assert "stored crops" not in dict(board_of([only], by_id(record(only, 0.5, 0.4))).footer)
    often = board_of([only], by_id(record(only, 0.5, 0.4, reuse=8.0)))
    assert dict(often.footer)["stored crops"] == "each seen 8 times in training"


def test_unequal_budgets_are_said() -> None:
    one, two = cell(), cell(CROPS[1])
    long = {"cell": {"recipe": {"epochs": 60, "epoch_crops": 80}}}
    board = board_of([one, two], by_id(record(one, 0.5, 0.4), record(two, 0.5, 0.4, **long)))
    assert dict(board.footer)["budget"].startswith("not equal: 30 epochs of 80 crops = 2,400 crops; 60 epochs")


def test_cost_and_time_of_day_change_no_table_of_scores() -> None:
    only = cell()
    first = record(only, 0.5, 0.4)
    later = {
        **first,
        "cost": {"train_s": 99.0},
        "provenance": {**first["provenance"], "finished": "2026-11-22T23:00:00"},
    }
    boards = [board_of([only], by_id(each)) for each in (first, later)]
    assert boards[0].sections != boards[1].sections
    costs = {"cells": boards[0].cells, "sections": boards[0].sections, "costs": boards[0].costs}
    assert boards[0] == replace(boards[1], **costs)


@pytest.mark.parametrize("profile", ["cpu", "gpu"])
def test_the_shipped_cropping_suite_gives_the_shape_of_table_1_before_anything_has_run(
    catalog: Catalog, profile: str
) -> None:
    suite = load_suite(SUITES / "cropping.yaml", catalog, profile=profile)
    named = {"suite_name": suite.name, "suite_hash": suite.hash, "command": "bench run cropping", "profile": profile}
    board = leaderboard(suite.cells, {}, suite.board, **named)
    assert board.tables[0].rows == tuple(value.label for value in suite.axes["crop"])
    assert board.tables[0].columns == ("FCN", "DeepLabV3", "U-Net")
    assert len(board.tables) == 1
    baselines = {offer.component.name for offer in catalog.offers("model") if not offer.component.learns}
    assert {line.name for line in board.standings[0].baselines} == baselines
    assert all(render(board) for render in RENDERERS)


def test_a_class_may_have_dots_in_its_name() -> None:
    measure = measure_of("types.Type 1.5.recall@test")
    assert measure.path == ("types", "Type 1.5", "recall")
