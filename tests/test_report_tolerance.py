"""How much an order hangs on the annotators' borders, and what tuning left behind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from bench.report.measures import NOTHING
from bench.report.shape import Leaderboard, Section
from bench.report.tolerance import VARIANTS, changed_ranks
from documents import to_text
from report_samples import CROPS, MODELS, FakeCell, board_of, by_id, cell, failed, product_cells, record

shares = st.floats(0, 1)


def drawn_again(of: FakeCell, f1: float, dilated: float, eroded: float, left_out: float) -> dict[str, Any]:
    found = record(of, 0.5, f1)
    variants = dict(zip(VARIANTS, (dilated, eroded, left_out), strict=True))
    found["scores"]["test"]["tolerance"] = {"pixels": 2, **variants}
    return found


def titled(board: Leaderboard, start: str) -> Section | None:
    return next((found for found in board.sections if found.title.startswith(start)), None)


@given(st.lists(st.tuples(shares, shares), min_size=1, max_size=8))
def test_ranks_that_change_are_counted_as_scipy_ranks_them(pairs: list[tuple[float, float]]) -> None:
    before, after = [a for a, _ in pairs], [b for _, b in pairs]
    expected = (rankdata([-a for a in before], "min") != rankdata([-b for b in after], "min")).sum()
    assert changed_ranks(before, after) == expected


def test_rank_changes_stand_per_column_and_variant() -> None:
    cells = product_cells(1, CROPS[:3], MODELS[:2])
    scores = {CROPS[0]: (0.5, 0.5, 0.1, 0.5), CROPS[1]: (0.4, 0.4, 0.2, 0.4), CROPS[2]: (0.3, 0.1, 0.3, 0.38)}
    records = by_id(*(drawn_again(one, *scores[one.labels["crop"]]) for one in cells))
    found = titled(board_of(cells, records), "Tolerance")
    assert found is not None
    assert found.grids[0].rows == ((MODELS[0], "3", "0", "2", "0", "40.0"), (MODELS[1], "3", "0", "2", "0", "40.0"))
    assert "2 pixels" in found.sentences[0]


def test_ranks_are_those_of_means_over_seeds() -> None:
    cells = product_cells(2, CROPS[:2], MODELS[:1])
    values = [(0.9, 0.1), (0.1, 0.3), (0.4, 0.4), (0.4, 0.5)]
    records = by_id(*(drawn_again(one, a, b, a, a) for one, (a, b) in zip(cells, values, strict=True)))
    found = titled(board_of(cells, records), "Tolerance")
    assert found is not None
    assert found.values[0]["changed.f1_truth_dilated"] == 2


def test_a_row_that_lacks_a_seed_or_a_variant_takes_no_part() -> None:
    cells = product_cells(1, CROPS[:3], MODELS[:1])
    records = by_id(*(drawn_again(one, 0.5, 0.5, 0.5, 0.5) for one in cells))
    records[cells[0].id]["scores"]["test"]["tolerance"]["f1_truth_eroded"] = None
    found = titled(board_of(cells, records), "Tolerance")
    assert found is not None
    assert found.grids[0].rows[0][1] == "2"
    records[cells[1].id] = failed(cells[1])
    assert titled(board_of(cells, records), "Tolerance") is None


def test_a_variant_without_a_true_pixel_is_a_dash_and_moves_no_row() -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    records = by_id(*(drawn_again(one, 0.5, 0.45, 0.1, 0.5) for one in cells))
    for one in cells:
        records[one.id]["scores"]["test"]["tolerance"] |= {"f1_truth_eroded": None, "f1_band_left_out": None}
    found = titled(board_of(cells, records), "Tolerance")
    assert found is not None
    assert found.grids[0].rows == ((MODELS[0], "2", "0", NOTHING, NOTHING, "5.0"),)
    assert "no true pixel is left" in found.sentences[-1]


def test_rows_of_different_data_sets_have_no_ranks() -> None:
    cells = [cell(axes={"dataset": name}) for name in ("mtd", "dagm")]
    board = board_of(cells, by_id(*(drawn_again(one, 0.5, 0.4, 0.3, 0.6) for one in cells)), rows="dataset")
    assert titled(board, "Tolerance") is None


def trials(scores: list[tuple[list[float], list[float]]]) -> tuple[list[FakeCell], dict[str, Any]]:
    """Validation and test F1 per seed of every trial."""
    cells, records = [], {}
    for number, (validation, test) in enumerate(scores):
        for seed, pair in enumerate(zip(validation, test, strict=True)):
            one = cell(seed=seed, tuned={"recipe.learning_rate": number}, axes={"recipe.learning_rate": str(number)})
            cells.append(one)
            records[one.id] = record(one, *pair)
    return cells, records


@given(st.lists(st.tuples(shares, shares, shares, shares), min_size=2, max_size=4))
@settings(max_examples=50, deadline=None)
def test_the_gap_is_the_best_mean_test_score_less_that_of_the_validation_choice(pairs: Any) -> None:
    scores = [([v0, v1], [t0, t1]) for v0, v1, t0, t1 in pairs]
    board = board_of(*trials(scores))
    validation = [sum(v) / 2 for v, _ in scores]
    test = [sum(t) / 2 for _, t in scores]
    found = titled(board, "Gap")
    assert found is not None
    assert found.values[0]["gap"] == pytest.approx(max(test) - test[validation.index(max(validation))])
    assert found.values[0]["gap"] >= 0


def test_the_gap_is_a_diagnosis_and_changes_no_figure() -> None:
    found = titled(board_of(*trials([([0.5], [0.2]), ([0.4], [0.9])])), "Gap")
    assert found is not None
    assert found.grids[0].rows == ((CROPS[0], "70.0"),)
    assert found.sentences[0].startswith("Diagnosis only, no score")


def test_the_best_test_score_of_a_trial_not_chosen_is_printed_nowhere() -> None:

    text = to_text(board_of(*trials([([0.5], [0.2]), ([0.4], [0.873])])))
    assert "87.3" not in text
    assert "67.3" in text


def test_a_single_trial_has_no_gap() -> None:
    assert titled(board_of(*trials([([0.5], [0.2])])), "Gap") is None


def test_a_trial_that_lacks_seeds_is_no_rival() -> None:
    cells, records = trials([([0.5, 0.5], [0.2, 0.2]), ([0.9, 0.9], [0.9, 0.9])])
    records[cells[-1].id] = failed(cells[-1])
    assert titled(board_of(cells, records), "Gap") is None
