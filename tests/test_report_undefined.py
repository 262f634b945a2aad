"""A score without a value is absent with one sentence why; it is never a number that reads as a bad model."""

from __future__ import annotations

import copy
import csv
import io
import json
import re
from typing import Any

import numpy as np
import pytest

from bench.record import record_from
from bench.render.data import board_csv, board_json
from bench.report.board import Leaderboard
from bench.report.compare import compare
from bench.report.comparison_document import comparison_document
from bench.report.effects import effects
from bench.report.effects_document import sentences
from bench.report.measures import NOTHING, measure_of
from bench.report.ranks import plain_order
from bench.report.undefined import NO_DEFECT, NO_PREDICTION, shown
from bench.score.metrics import average_precision
from bench.score.summary import NO_TRUTH, NOTHING_PREDICTED, summarise
from bench.score.thresholds import NO_POSITIVES, choose_threshold, curves
from bench.scores import pooled_metrics
from documents import to_latex, to_markdown, to_text
from report_samples import CROPS, FakeCell, board_of, by_id, cell, record, side_of, typed
from score_worlds import observed

WHY = f"test: {NO_DEFECT}"
ABSENT = ("f1", "precision", "recall", "f2", "iou", "ap", "f1_half", "floor", "f1_image", "object_precision")


def evidence(marked: bool, seed: int) -> Any:
    """Six images of predictions that differ from a mask, or from none."""
    rng = np.random.default_rng(seed)
    masks = [np.zeros((16, 20), np.uint8) for _ in range(6)]
    for mask in masks if marked else ():
        mask[3:9, 4:12] = 1
    defect = [np.clip(0.7 * (mask > 0) + 0.3 * rng.random(mask.shape), 0, 1).astype(np.float32) for mask in masks]
    return observed(masks, [np.stack([1 - each, each]) for each in defect])


def scored(of: FakeCell, *, validation: bool = True, test: bool = True, **more: Any) -> dict[str, Any]:
    """A record with the scores of made-up evidence; a split that is not marked has no defect pixel."""
    found = evidence(validation, 1)
    threshold = choose_threshold(found)
    splits = {"validation": found, "test": evidence(test, 2)}
    scores = {split: summarise(one, threshold, found=0.5) for split, one in splits.items()}
    return record(of, 0.5, 0.5, scores=scores, **more)


def two_rows(**splits: bool) -> tuple[list[FakeCell], dict[str, Any]]:
    cells = [cell(crop) for crop in CROPS[:2]]
    return cells, by_id(*(scored(one, **splits) for one in cells))


def without_defects() -> Leaderboard:
    return board_of(*two_rows(test=False))


def test_the_scores_that_need_a_defect_pixel_are_absent_and_the_others_stay() -> None:
    stored = scored(cell(), test=False)
    before = copy.deepcopy(stored)
    found = shown(record_from(stored, "r")).plain_scores
    assert [found["test"][name] for name in ABSENT] == [None] * len(ABSENT)
    assert found["test"]["f1_interval"] is None
    assert all(value is None for name, value in found["test"]["tolerance"].items() if name != "pixels")
    for name in ("accuracy", "positive_share", "false_alarms_per_clean_image", "images", "threshold"):
        assert found["test"][name] == stored["scores"]["test"][name]
    assert found["validation"] == stored["scores"]["validation"]
    assert stored == before


@pytest.mark.parametrize("name", [name for name in (*pooled_metrics(), "ap") if name != "accuracy"])
def test_no_prediction_whatever_gives_them_another_value_than_0(name: str) -> None:
    counts = np.array([[0, fp, 0, 9 - fp] for fp in range(10)], np.float64)
    values = average_precision(counts) if name == "ap" else pooled_metrics()[name].value(counts)
    assert not np.any(values)


def test_the_reason_is_one_sentence_among_the_flags() -> None:
    stored = scored(cell(), test=False)
    assert {NO_POSITIVES, NO_TRUTH} <= set(stored["scores"]["test"]["flags"])
    assert list(shown(record_from(stored, "r")).of_split("test").flags) == [NO_DEFECT]


def test_showing_twice_shows_the_same() -> None:
    for stored in (scored(cell(), test=False), scored(cell(), validation=False), scored(cell())):
        once = shown(record_from(stored, "r"))
        assert shown(once) == once


def test_precision_is_absent_where_nothing_is_predicted_and_f1_is_a_true_zero() -> None:
    stored = record(cell(), 0.5, 0.0)
    stored["scores"]["test"] |= {"precision": 0.0, "flags": [NOTHING_PREDICTED]}
    found = shown(record_from(stored, "r")).of_split("test")
    assert (found["precision"], found["f1"], found["flags"]) == (None, 0.0, [NO_PREDICTION])


@pytest.mark.parametrize("render", [to_text, to_markdown, to_latex])
def test_every_format_shows_a_dash_and_says_why_once(render: Any) -> None:
    text = " ".join(render(without_defects()).split())
    assert text.count("no defect pixel in this split") == 1
    assert not re.search(r"(?<![\d.])0\.0\b", text)
    assert NOTHING in text or "--" in text


def test_a_csv_has_an_empty_field_and_the_reason_among_the_flags() -> None:
    row = next(csv.DictReader(io.StringIO(board_csv(without_defects()))))
    assert row.get("scores.test.f1", "") == ""
    assert row["scores.test.flags"] == NO_DEFECT
    assert float(row["scores.validation.f1"]) > 0


def test_a_json_has_null() -> None:
    board = json.loads(board_json(without_defects()))
    figures = [figure for row in board["tables"][0]["entries"] for figure in row[0]["figures"][1:2]]
    assert [figure["value"] for figure in figures] == [None, None]
    assert [one["record"]["scores"]["test"]["f1"] for one in board["cells"]] == [None, None]
    assert [one["f1_test"] for one in board["costs"]] == [None, None]


def test_an_undefined_score_is_no_best_and_has_no_rank() -> None:
    board = plain_order(without_defects())
    figures = [row[0].figures[1] for row in board.tables[0].entries]
    assert not any(figure.best for figure in figures)
    assert [row[1] for row in board.sections[0].grids[0].rows] == [NOTHING, NOTHING]


def test_seeds_without_a_value_have_no_tie_letters_and_no_interval() -> None:
    cells = [cell(crop, seed=seed) for crop in CROPS[:2] for seed in range(3)]
    board = board_of(cells, by_id(*(scored(one, test=False) for one in cells)))
    assert not any(figure.tie for row in board.tables[0].entries for figure in row[0].figures)
    marked = board_of(cells, by_id(*(scored(one) for one in cells)))
    assert any(figure.tie for row in marked.tables[0].entries for figure in row[0].figures)


def test_without_a_defect_in_validation_no_position_is_the_best_and_none_is_on_a_front() -> None:
    board = board_of(*two_rows(validation=False))
    assert [standing.best for standing in board.standings] == [None]
    assert [one.fronts for one in board.costs] == [(), ()]


def test_a_baseline_alone_says_why_as_well() -> None:
    alone = cell(model="otsu")
    board = board_of([alone], by_id(scored(alone, test=False, parameters=0)))
    assert board.standings[0].sentences[-1] == f"Baseline otsu: {WHY}."
    assert board.standings[0].baselines[0].f1_test is None


def test_show_prints_no_zero_for_it() -> None:
    lines = to_text(scored(cell(), test=False)).splitlines()
    (f1,) = [row for row in lines if row.startswith("f1 [%]")]
    assert f1.split()[-1] == NOTHING
    assert WHY in " ".join(" ".join(lines).split())


def test_effects_claim_nothing_and_say_why() -> None:
    cells = [cell(crop, seed=seed) for crop in CROPS[:2] for seed in range(3)]
    found = effects(
        cells, typed(by_id(*(scored(one, test=False) for one in cells))), "crop",
        metric="f1@test", reference=None, suite_name="s",
    )  # fmt: skip
    assert found.levels == ()
    assert sum(NO_DEFECT in sentence for sentence in sentences(found)) == 1


def test_a_comparison_shows_no_difference_of_scores_that_have_no_value() -> None:
    _, records = two_rows(test=False)
    side = side_of("run", records)
    found = compare(side, side, [measure_of("f1@validation"), measure_of("f1@test")])
    assert [one.differences[1].value for one in found.cells] == [None, None]
    assert found.mean[1][1] == 0
    text = " ".join(to_text(comparison_document(found, [])).split())
    assert f"2 cells of run: {WHY}." in text


def test_curves_have_no_value_where_nothing_is_predicted_or_nothing_is_a_defect() -> None:
    bare, marked = curves(evidence(marked=False, seed=1)), curves(evidence(marked=True, seed=1))
    assert all(np.isnan(values).all() for name, values in bare.items() if name not in ("threshold", "accuracy"))
    assert np.isfinite(bare["accuracy"]).all()
    assert np.isnan(marked["precision"][-1])
    assert np.isfinite(marked["f1"]).all()
